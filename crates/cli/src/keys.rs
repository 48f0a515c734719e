//! `tintype keys`: the API keys of a deployment on AWS, straight in its table. Whoever may write the table may make
//! keys; the credentials are those of the AWS command line.

use crate::args::{AddKey, Keys, RemoveKey, TableArgs};
use crate::failure::{Exit, Failure, Outcome};
use crate::terminal::{Style, Terminal};
use crate::{runtime, system, table, when};
use tintype_aws::{DynamoCredentialRepo, clients};
use tintype_core::domain::{ApiKey, BlobId, Timestamp, limits};
use tintype_core::ports::CredentialRepo;
use tintype_core::use_cases::{MakeKey, make_key};

/// Makes, lists or removes keys.
///
/// # Errors
/// If the table can't be used, or there is no such key.
pub(crate) fn run(keys: &Keys, terminal: &Terminal, now: Timestamp) -> Outcome {
    runtime::start()?.block_on(async {
        match keys {
            Keys::Add(args) => add(args, terminal, now).await,
            Keys::List(args) => list(args, terminal, now).await,
            Keys::Remove(args) => remove(args, terminal, now).await,
        }
    })
}

async fn open(args: &TableArgs) -> DynamoCredentialRepo {
    DynamoCredentialRepo::new(aws_sdk_dynamodb::Client::new(&clients::shared().await), &args.table)
}

async fn add(args: &AddKey, terminal: &Terminal, now: Timestamp) -> Outcome {
    let expires_at = args.expires.map(|time| now.after(time));
    let wish = MakeKey { owner: args.owner.clone(), name: args.name.clone(), expires_at };
    let made = make_key(&open(&args.table).await, wish, now, &system::entropy()).await;
    let (secret, key) = made.map_err(|error| {
        if let tintype_core::Error::Port(error) = error {
            error.into()
        } else {
            Failure::failed(error.to_string())
        }
    })?;
    terminal.note(&format!(
        "The key {} of {}, shown this once:",
        terminal.paint(Style::Bold, key.name.as_str()),
        key.owner
    ));
    terminal.data(secret.as_str())
}

async fn list(args: &TableArgs, terminal: &Terminal, now: Timestamp) -> Outcome {
    let keys = all(&open(args).await, now).await?;
    if keys.is_empty() {
        terminal.note("there are no keys; make one with: tintype keys add NAME --owner OWNER --table TABLE");
        return Ok(());
    }
    let row = |key: &ApiKey| {
        let made = when::ago(key.created_at, terminal, now);
        let expires = key.expires_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        [key.name.to_string(), key.owner.to_string(), made, expires, key.hash.to_string()]
    };
    let rows: Vec<_> = keys.iter().map(row).collect();
    table::print(terminal, ["NAME", "OWNER", "MADE", "EXPIRES", "HASH"], &rows, 4)
}

async fn remove(args: &RemoveKey, terminal: &Terminal, now: Timestamp) -> Outcome {
    let repo = open(&args.table).await;
    repo.remove_key(&chosen(&args.key, &all(&repo, now).await?)?).await?;
    terminal.note(&format!("removed {}; API Gateway may let it in for 5 minutes more", args.key));
    Ok(())
}

/// The hash of the one key of this name, or with this hash.
fn chosen(name: &str, keys: &[ApiKey]) -> Outcome<BlobId> {
    let hash = name.parse::<BlobId>().ok();
    let fits = |key: &&ApiKey| key.name.as_str() == name || Some(key.hash) == hash;
    let fitting: Vec<_> = keys.iter().filter(fits).collect();
    match fitting[..] {
        [key] => Ok(key.hash),
        [] => Err(Failure::new(Exit::NotFound, format!("there is no key {name:?}"))
            .hint("tintype keys list shows those there are; what has expired is gone")),
        _ => Err(Failure::usage(format!("{} keys are named {name:?}", fitting.len()))
            .hint("name the one by its hash, from the last column of: tintype keys list")),
    }
}

async fn all(repo: &DynamoCredentialRepo, now: Timestamp) -> Outcome<Vec<ApiKey>> {
    let mut keys: Vec<ApiKey> = Vec::new();
    loop {
        let part = repo.list_keys(keys.last().map(ApiKey::place), limits::PAGE_MAX, now).await?;
        let more = part.len() == limits::PAGE_MAX as usize;
        keys.extend(part);
        if !more {
            return Ok(keys);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, n: u8) -> ApiKey {
        ApiKey {
            hash: BlobId::of(&[n]),
            owner: "alice".parse().unwrap(),
            name: name.parse().unwrap(),
            created_at: Timestamp::from_millis(0),
            expires_at: None,
        }
    }

    #[test]
    fn a_key_is_chosen_by_its_hash_or_by_a_name_that_is_its_only() {
        let keys = [key("ci", 1), key("laptop", 2), key("ci", 3)];
        assert_eq!(chosen("laptop", &keys).unwrap(), keys[1].hash);
        assert_eq!(chosen(&keys[2].hash.to_string(), &keys).unwrap(), keys[2].hash);
        let unknown = BlobId::of(b"unknown").to_string();
        assert_eq!(chosen(&unknown, &keys).unwrap_err().exit, Exit::NotFound);
        assert_eq!(chosen("phone", &keys).unwrap_err().exit, Exit::NotFound);
        assert_eq!(chosen("ci", &keys).unwrap_err().exit, Exit::Usage);
    }
}
