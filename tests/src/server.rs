//! The real server as a process, on a data folder of its own and a port that the system chose.

use crate::{Client, PATIENCE, binary, sha256};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fmt::Write as _,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// How often the system is asked for what it does not tell by itself: a file that appears, a process that ends.
const POLL: Duration = Duration::from_millis(2);

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Settings {
    models: Vec<&'static str>,
    workers: usize,
    keys: Vec<(&'static str, &'static str)>,
    open_files: Option<usize>,
    flags: Vec<String>,
    listen: &'static str,
}

impl Settings {
    /// One worker and the model that draws at once.
    pub fn noop() -> Self {
        Self {
            models: vec!["noop"],
            workers: 1,
            keys: Vec::new(),
            open_files: None,
            flags: Vec::new(),
            listen: "127.0.0.1:0",
        }
    }

    /// One worker and the model inside the program.
    pub fn embedded() -> Self {
        Self { models: vec!["tintype-icons"], ..Self::noop() }
    }

    /// With this many workers; with none, jobs are accepted and wait.
    #[must_use]
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// With a key, from a configuration file.
    #[must_use]
    pub fn key(mut self, owner: &'static str, key: &'static str) -> Self {
        self.keys.push((owner, key));
        self
    }

    /// Listening here.
    #[must_use]
    pub const fn listen(mut self, address: &'static str) -> Self {
        self.listen = address;
        self
    }

    /// With a flag of the command and its value.
    #[must_use]
    pub fn with(self, flag: &'static str, value: &'static str) -> Self {
        self.flags(&[flag, value])
    }

    /// As a process that may have this many files open.
    #[must_use]
    pub const fn open_files(mut self, count: usize) -> Self {
        self.open_files = Some(count);
        self
    }

    /// With one more setting, as a flag of the command.
    #[must_use]
    pub fn flag(mut self, name: &str, value: usize) -> Self {
        self.flags.extend([format!("--{name}"), value.to_string()]);
        self
    }

    fn program(&self) -> Command {
        let Some(count) = self.open_files else { return Command::new(binary::tintype()) };
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -n {count} && exec \"$0\" \"$@\"")).arg(binary::tintype());
        command
    }

    /// With these flags too.
    #[must_use]
    pub fn flags(mut self, flags: &[&'static str]) -> Self {
        self.flags.extend(flags.iter().map(|flag| (*flag).to_owned()));
        self
    }

    fn config_file(&self) -> String {
        self.keys.iter().map(|(owner, key)| key_section(owner, key, "")).collect()
    }
}

/// The section of a configuration file for this key, with `more` lines in it.
pub fn key_section(owner: &str, key: &str, more: &str) -> String {
    let mut text = String::new();
    writeln!(text, "[[keys]]\nowner = \"{owner}\"\nsha256 = \"{}\"\n{more}", sha256(key.as_bytes())).unwrap();
    text
}

/// A server's place on the disk: its data, and around it its log and configuration. Removed when dropped.
#[derive(Debug)]
struct Home(TempDir);

impl Home {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, settings: &Settings) -> Command {
        let mut command = settings.program();
        command.args(["serve", "--listen", settings.listen, "--workers", &settings.workers.to_string()]);
        for model in &settings.models {
            command.args(["--model", model]);
        }
        command.args(&settings.flags);
        command.arg("--data").arg(self.path("data"));
        command.arg("--ready-file").arg(self.path("ready"));
        let config = self.path("config.toml");
        fs::write(&config, settings.config_file()).unwrap();
        command.arg("--config").arg(config);
        // The settings of whoever runs the tests are none of theirs.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TINTYPE_"))
        {
            command.env_remove(name);
        }
        command
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

/// A running server. Dropped, it is killed.
#[derive(Debug)]
pub struct Server {
    process: Process,
    address: SocketAddr,
    /// How long it took from its start until it listened.
    pub started_in: Duration,
    home: Home,
    settings: Settings,
}

/// A server that was stopped; its data folder is as the process left it.
#[derive(Debug)]
pub struct Stopped {
    home: Home,
    settings: Settings,
}

#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Server {
    /// Starts a server on an empty data folder and waits until it listens.
    pub async fn start(settings: Settings) -> Self {
        Stopped { home: Home(tempfile::tempdir().unwrap()), settings }.start().await
    }

    /// Starts a server whose data folder is `data` in this folder.
    pub async fn start_on(folder: TempDir, settings: Settings) -> Self {
        Stopped { home: Home(folder), settings }.start().await
    }

    /// Starts a server whose data folder is `data`, wherever that is.
    pub async fn start_in(data: &Path, settings: Settings) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(data, home.path().join("data")).unwrap();
        Self::start_on(home, settings).await
    }

    /// A client without a key.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// A client with this key.
    pub fn client_with_key(&self, key: &str) -> Client {
        Client::new(self.address).with_key(key)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.home.path("data")
    }

    /// Its configuration file.
    pub fn config(&self) -> PathBuf {
        self.home.path("config.toml")
    }

    /// Everything it has logged, this start and before.
    pub fn log(&self) -> String {
        self.home.log()
    }

    /// Takes its process away without a warning, as a crash does (SIGKILL).
    pub fn kill(self) -> Stopped {
        let Self { process, home, settings, .. } = self;
        drop(process);
        Stopped { home, settings }
    }

    /// Asks it to end (SIGTERM).
    pub fn ask_to_end(&self) {
        self.signal(Signal::TERM);
    }

    /// Tells it that its terminal is gone (SIGHUP).
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.0.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Waits until its process has ended.
    pub async fn ended(mut self) -> (ExitStatus, Stopped) {
        let status = wait(&mut self.process.0, &self.home).await;
        let Self { home, settings, .. } = self;
        (status, Stopped { home, settings })
    }

    /// Tries to start a second server on the same data folder; returns how that ended and what it said.
    pub async fn second_on_the_same_folder(&self) -> (ExitStatus, String) {
        let home = Home(tempfile::tempdir().unwrap());
        let mut command = home.command(&self.settings);
        // The last `--data` would be refused beside another, so the folder becomes a link to this server's.
        std::os::unix::fs::symlink(self.data(), home.path("data")).unwrap();
        let log = File::create(home.path("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut process = Process(command.spawn().unwrap());
        let status = wait(&mut process.0, &home).await;
        (status, home.log())
    }

    /// Memory it has in use, in KiB.
    pub fn resident_kib(&self) -> u64 {
        self.status_kib("VmRSS:")
    }

    /// The most memory it ever had in use, in KiB.
    pub fn peak_kib(&self) -> u64 {
        self.status_kib("VmHWM:")
    }

    /// Begins anew with [`peak_kib`](Self::peak_kib).
    pub fn forget_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.process.0.id()), "5").unwrap();
    }

    fn status_kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// The files of its blob store: each one's name and bytes.
    pub fn blobs(&self) -> Vec<(String, Vec<u8>)> {
        let mut blobs = Vec::new();
        collect(&self.data().join("blobs"), &mut blobs);
        // Beside them stands the mark of the library.
        blobs.retain(|(name, _)| name.len() == 64);
        blobs
    }
}

impl Stopped {
    /// Starts it again on the same data folder, with the same settings, and waits until it listens.
    pub async fn start(self) -> Server {
        let settings = self.settings.clone();
        self.start_with(settings).await
    }

    /// Starts it again on the same data folder with other settings.
    pub async fn start_with(self, settings: Settings) -> Server {
        let home = self.home;
        let ready = home.path("ready");
        drop(fs::remove_file(&ready));
        let log = File::options().append(true).create(true).open(home.path("log")).unwrap();
        let mut command = home.command(&settings);
        let began = Instant::now();
        let child =
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut process = Process(child);
        loop {
            if let Some(address) = fs::read_to_string(&ready).ok().as_deref().and_then(parse_address) {
                return Server { process, address, started_in: began.elapsed(), home, settings };
            }
            if let Some(status) = process.0.try_wait().unwrap() {
                panic!("the server ended at once, {status}:\n{}", home.log());
            }
            assert!(began.elapsed() < PATIENCE, "the server never listened:\n{}", home.log());
            sleep(POLL).await;
        }
    }
}

async fn wait(child: &mut Child, home: &Home) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(began.elapsed() < PATIENCE, "the process does not end:\n{}", home.log());
        sleep(POLL).await;
    }
}

/// The address in a file that is whole: it ends with a line break, or parses as it is.
fn parse_address(text: &str) -> Option<SocketAddr> {
    text.trim().trim_start_matches("http://").trim_end_matches('/').parse().ok()
}

fn collect(folder: &Path, blobs: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, blobs);
        } else {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            blobs.push((name, fs::read(&path).unwrap()));
        }
    }
}
