//! Servers as processes of their own: the real `tintype`, and the floor.

use crate::Outcome;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A server that is stopped, and its folder removed, when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    _folder: Option<TempDir>,
}

impl Server {
    /// Starts `tintype` with a fresh data folder and these further arguments.
    pub(crate) async fn tintype(arguments: &[&str]) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let mut server = Self::tintype_on(folder.path(), arguments).await?;
        server._folder = Some(folder);
        Ok(server)
    }

    /// Starts `tintype` on this data folder.
    pub(crate) async fn tintype_on(folder: &Path, arguments: &[&str]) -> Outcome<Self> {
        let mut command = Command::new(tintype()?);
        let ready = folder.join("ready");
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder);
        command.arg("--ready-file").arg(&ready).args(arguments);
        Self::start(command, &ready).await
    }

    /// Starts the floor.
    pub(crate) async fn floor() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--floor").arg(folder.path());
        let mut server = Self::start(command, &folder.path().join("ready")).await?;
        server._folder = Some(folder);
        Ok(server)
    }

    async fn start(mut command: Command, ready: &Path) -> Outcome<Self> {
        drop(std::fs::remove_file(ready));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(30) {
            if let Ok(address) = std::fs::read_to_string(ready) {
                let address = address.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
                return Ok(Self { child, address, _folder: None });
            }
            if let Some(status) = child.try_wait()? {
                return Err(format!("the server ended at once: {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        child.kill()?;
        Err("the server was not ready within 30 s".into())
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The `tintype` program, built in release beside this one.
pub(crate) fn tintype() -> Outcome<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("tintype");
    if path.exists() {
        return Ok(path);
    }
    Err("there is no `tintype` beside this program; run `cargo build --release -p tintype` first".into())
}
