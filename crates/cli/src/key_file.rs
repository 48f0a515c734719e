//! The keys of the configuration file, read again when it changes: adding or revoking one needs no restart.

use crate::settings::file::{self, Wrong};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tintype_http::{Keys, ReplacedKeys};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The time between two looks at the file. What it holds counts once two looks found the same: who writes it in place may
/// have emptied it a moment before.
const EVERY: Duration = Duration::from_millis(400);
/// The most bytes of a configuration file.
const BYTES_MAX: u64 = 1024 * 1024;

/// What a look at the file found: its bytes, or why there are none.
type Found = Result<Vec<u8>, String>;

/// Replaces `keys` whenever the file at `path` has others, until `shutdown`. A file that can't be read or is wrong changes
/// nothing.
pub(crate) async fn watch(path: PathBuf, keys: Arc<Keys>, shutdown: CancellationToken) {
    let mut counted: Option<Found> = None;
    let mut last: Option<Found> = None;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(EVERY) => {}
        }
        let found = look(&path).await;
        if last.as_ref() == Some(&found) && counted.as_ref() != Some(&found) {
            apply(&path, &found, &keys);
            counted = Some(found.clone());
        }
        last = Some(found);
    }
}

/// Warns, once, of keys in the file at `path` that do not count, because the server was started without any.
pub(crate) async fn warn_of_the_first(path: PathBuf, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(EVERY) => {}
        }
        if parse(&look(&path).await).is_ok_and(|keys| !keys.is_empty()) {
            let file = path.display();
            tracing::warn!(
                %file,
                "the configuration file has keys now, but this server was started without: it stays open to everyone on this \
                 machine until it is started again"
            );
            return;
        }
    }
}

async fn look(path: &Path) -> Found {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read(&path)).await;
    read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("it is larger than {BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

fn apply(path: &Path, found: &Found, keys: &Keys) {
    let file = path.display();
    match parse(found) {
        Ok(read) => {
            let left = read.len();
            let replaced = keys.replace(read.into_iter().map(Into::into));
            if left == 0 {
                tracing::warn!(%file, "the configuration file has no keys any more: nobody can call until it has one");
            }
            if replaced != ReplacedKeys::default() {
                let ReplacedKeys { added, revoked } = replaced;
                tracing::info!(%file, added, revoked, "the keys were read again");
            }
        }
        Err(Wrong { line, message }) => {
            let place = line.map_or_else(|| file.to_string(), |line| format!("{file}:{line}"));
            tracing::error!(
                %file, line, cause = message,
                "{place}: the keys can't be read again; those from before stay until the file is mended"
            );
        }
    }
}

fn parse(found: &Found) -> Result<Vec<crate::settings::AccessKey>, Wrong> {
    let wrong = |message: String| Wrong { line: None, message };
    let bytes = found.as_ref().map_err(|error| wrong(format!("it can't be read: {error}")))?;
    let text = str::from_utf8(bytes).map_err(|error| Wrong {
        line: Some(bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1),
        message: "it is not UTF-8".to_owned(),
    })?;
    file::keys(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_by_its_line_and_never_repeated() {
        let hash = "a".repeat(64);
        let good = format!("listen = '127.0.0.1:1'\n[[keys]]\nowner = 'a'\nsha256 = '{hash}'\n");
        assert_eq!(parse(&Ok(good.clone().into_bytes())).unwrap().len(), 1);
        for (text, line) in [
            (format!("{good}[[keys]]\nowner = 'b'\nsha256 = 'tt_secret'\n"), Some(5)),
            (format!("{good}keys = tt_secret\n"), Some(5)),
            (format!("{good}[[keys]]\nowner = 'b'\nsecret = 'tt_secret'\n"), Some(5)),
            ("keys = [\n  'tt_secret',\n]\n".to_owned(), Some(2)),
            ("colour = 'tt_secret'\n".to_owned(), None),
        ] {
            let wrong = parse(&Ok(text.clone().into_bytes())).unwrap_err();
            assert_eq!(wrong.line, line, "{text}: {wrong:?}");
            assert!(!wrong.message.contains("tt_secret"), "{wrong:?}");
        }
        assert_eq!(parse(&Ok(b"#\n\xff".to_vec())).unwrap_err().line, Some(2));
        assert!(parse(&Err("gone".to_owned())).unwrap_err().message.contains("gone"));
    }
}
