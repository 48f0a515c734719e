//! `tintype serve`: opens the data folder, listens, and serves until it is told to stop.

use crate::compose::{self, Server};
use crate::failure::{Failure, Outcome};
use crate::settings::{Env, Flags, LogFormat, Resolved, Settings};
use crate::terminal::{Style, Terminal};
use crate::{
    data_secret, disk_watch, gallery, key_file, logging, looker, open_files, runtime, signals, store_status,
    sweeper, system,
};
use futures_util::FutureExt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tintype_core::domain::{CursorCodec, limits};
use tintype_core::ports::Models;
use tintype_http::{
    Access, Allowed, Api, Keys, Metrics, ServerSettings, SocketHub, Space, SpaceSource, router,
};
use tintype_local::{DiskSpace, SpaceReport};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long threads may go on with what nobody waits for any more.
const LAST_THREADS: Duration = Duration::from_millis(200);

/// Serves until Ctrl-C, SIGTERM or SIGHUP.
///
/// # Errors
/// If a setting is wrong, the data folder or the address can't be had, or a model is not there.
pub(crate) fn run(flags: &Flags, terminal: &Terminal, env: Env<'_>) -> Outcome {
    let settings = Settings::parse(&Resolved::gather(flags, env)?)?;
    settings.check_exposure()?;
    logging::start(&settings, terminal)?;
    let files = open_files::raise();
    system::keep_files_private();
    let runtime = runtime::start()?;
    let served = runtime.block_on(serve(&settings, files, terminal));
    runtime.shutdown_timeout(LAST_THREADS);
    served
}

/// Serves with at most `files` open files.
async fn serve(settings: &Settings, files: usize, terminal: &Terminal) -> Outcome {
    let hub = Arc::new(SocketHub::default());
    let mut server = compose::server(settings, open_files::blob_work(files), hub.clone())?;
    let metrics = Metrics::default();
    server.ports.jobs = metrics.metered(server.ports.jobs);
    let (folder, database) = (server.folder.clone(), server.database.clone());
    metrics.read_stores_with(move || store_status::read(folder.path(), &database));
    use_spaces(&server).await?;
    let cursors = CursorCodec::new(data_secret::read_or_make(server.folder.path())?);
    let listener = listen(settings.listen).await?;
    let address = listener.local_addr().map_err(|error| cant_listen(settings.listen, &error))?;
    let shutdown = CancellationToken::new();
    watch_signals(settings, terminal, &shutdown)?;
    let (access, key_watch) = access(settings, &shutdown);
    let clock = Arc::new(server.upkeep.clock.clone());
    let api = Api::new(server.ports.clone(), clock, Arc::new(system::entropy), cursors, access)
        .with_hub(hub)
        .with_metrics(metrics.clone())
        .with_credentials(server.credentials.clone())
        .with_variants(server.variants.clone())
        .with_alike(server.alike.clone())
        .with_meaning(server.meaning.clone())
        .with_image_limits(settings.images)
        .with_space(space_source(server.folder.space()))
        .with_page(gallery::files())
        .with_allowed(allowed(settings))
        .with_shutdown(shutdown.clone());
    let api = match option_env!("TINTYPE_COMMIT") {
        Some(commit) => api.with_commit(commit),
        None => api,
    };
    let Server { ports, workflow, folder, alike, meaning, upkeep, database: _, .. } = server;
    greet(settings, terminal, address, &ports.models);
    if let Some(path) = &settings.ready_file {
        let written = folder.space().with_room(|| write_ready_file(path, address));
        written.map_err(|error| {
            Failure::failed(format!("can't write the ready file {}: {error}", path.display()))
        })?;
    }
    let jobs = tokio::spawn({
        let (ports, shutdown) = (ports.clone(), shutdown.clone());
        async move { workflow.run(ports, shutdown).await }
    });
    // A sweep may take longer than a drain; whatever it leaves undone, the next one does.
    let sweeps = sweeper::run(ports.clone(), upkeep.clone(), metrics.clone());
    let sweeps = shutdown.clone().run_until_cancelled_owned(sweeps).map(drop);
    let sweeps = tokio::spawn(sweeps);
    let snapshots = sweeper::keep_snapshots(upkeep.clone(), metrics.clone());
    let snapshots = tokio::spawn(shutdown.clone().run_until_cancelled_owned(snapshots).map(drop));
    let space = folder.space().clone();
    let watch = tokio::spawn(disk_watch::run(space.clone(), shutdown.clone()));
    let looks = tokio::spawn(looker::run(ports, alike, meaning, metrics, space, shutdown.clone()));
    let tasks = api.tasks();
    tintype_http::serve(listener, router(api), server_settings(settings, files), tasks, shutdown.clone())
        .await;
    // However the server came to its end, the rest ends with it.
    shutdown.cancel();
    for task in [jobs, sweeps, snapshots, watch, looks].into_iter().chain(key_watch) {
        if let Err(error) = task.await {
            tracing::error!(%error, "a part of the server stopped unexpectedly");
        }
    }
    sweeper::renew_mark(&upkeep).await;
    if let Some(path) = &settings.ready_file {
        // It may be gone with its folder.
        drop(std::fs::remove_file(path));
    }
    drop(folder);
    tracing::info!("stopped");
    Ok(())
}

/// Says in what way vectors are made. Without space to note a new way the others are found until there is.
async fn use_spaces(server: &Server) -> Outcome {
    let (looks, meanings) = (&server.alike, &server.meaning);
    for used in [
        looks.vectors.use_space(&looks.embedder.space()).await,
        meanings.vectors.use_space(&meanings.embedder.space()).await,
    ] {
        match used {
            Err(error) if error.kind() == tintype_core::ErrorKind::Exhausted => {
                tracing::warn!(%error, "similar images are searched as before until the next start");
            }
            used => used?,
        }
    }
    Ok(())
}

fn space_source(space: &DiskSpace) -> SpaceSource {
    let space = space.clone();
    Arc::new(move || {
        let SpaceReport { free_bytes, total_bytes, read_only } = space.report();
        Space { free_bytes, total_bytes, read_only }
    })
}

/// Whom the server lets in, and what keeps that up to date. A server that was started without keys stays open until it is
/// started again, and one that has keys never opens.
fn access(settings: &Settings, shutdown: &CancellationToken) -> (Access, Option<JoinHandle<()>>) {
    // A pipe holds its keys once.
    let is_file = |file: &&PathBuf| file.is_file();
    if settings.keys.is_empty() {
        let file = settings.config.as_ref().filter(is_file);
        let warn = |path: &PathBuf| key_file::warn_of_the_first(path.clone(), shutdown.clone());
        return (Access::Open, file.map(warn).map(tokio::spawn));
    }
    let keys = Arc::new(Keys::new(settings.keys.iter().cloned()));
    let watch = |path: &PathBuf| key_file::watch(path.clone(), keys.clone(), shutdown.clone());
    let key_watch = settings.keys_file.as_ref().filter(is_file).map(watch).map(tokio::spawn);
    (Access::Keys(keys), key_watch)
}

/// The bounds of a server that may have `files` open files.
fn server_settings(settings: &Settings, files: usize) -> ServerSettings {
    let all = settings.connections.unwrap_or(limits::CONNECTIONS_MAX).min(open_files::connections(files));
    if let Some(wanted) = settings.connections.filter(|wanted| *wanted > all) {
        tracing::warn!(
            wanted,
            connections = all,
            open_files = files,
            "the limit of open files leaves room for fewer connections than are set; raise it (`ulimit -n`)"
        );
    }
    // Programs on this machine, a reverse proxy among them, share one address.
    let per_address = match settings.connections_per_address {
        Some(count) => count,
        None if settings.listen.ip().is_loopback() => all,
        None => all.div_ceil(2),
    };
    let unauthenticated = if settings.keys.is_empty() { all } else { all.div_ceil(2) };
    ServerSettings { connections: all, per_address, unauthenticated, ..ServerSettings::default() }
}

fn allowed(settings: &Settings) -> Allowed {
    Allowed { hosts: settings.allowed_hosts.clone(), origins: settings.allowed_origins.clone() }
}

async fn listen(address: SocketAddr) -> Outcome<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| cant_listen(address, &error))
}

fn cant_listen(address: SocketAddr, error: &io::Error) -> Failure {
    let (ip, port) = (address.ip(), address.port());
    let elsewhere = |port| format!("--listen {}", SocketAddr::new(ip, port));
    let kind = error.kind();
    if kind == ErrorKind::AddrInUse {
        Failure::failed(format!("port {port} is in use by another program"))
            .hint("if it is another tintype, use that one: tintype version shows it")
            .hint(format!("or take any free port: {}", elsewhere(0)))
    } else if kind == ErrorKind::PermissionDenied {
        Failure::failed(format!("this user may not listen on port {port}"))
            .hint(format!("ports from 1024 on are open to all: {}", elsewhere(7860)))
    } else if kind == ErrorKind::AddrNotAvailable {
        Failure::failed(format!("{ip} is no address of this machine"))
            .hint("127.0.0.1 is this machine alone, 0.0.0.0 every address it has")
    } else {
        Failure::failed(format!("can't listen on {address}: {error}"))
    }
}

fn watch_signals(settings: &Settings, terminal: &Terminal, shutdown: &CancellationToken) -> Outcome {
    let (terminal, human) = (terminal.clone(), settings.log_format == LogFormat::Human);
    signals::watch(shutdown.clone(), move || {
        if human && terminal.stderr_is_screen {
            terminal.note(
                "\nStopping: what is being drawn goes on after the next start. Ctrl-C again stops at once.",
            );
        } else {
            tracing::info!("stopping");
        }
    })
}

/// What a person wants to know first; a log for machines gets one record.
fn greet(settings: &Settings, terminal: &Terminal, address: SocketAddr, models: &Models) {
    let url = format!("http://{}", reachable(address));
    let data = settings.data.display();
    let model = models.default_name();
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "keys and images travel in clear: put a proxy that speaks TLS in front, and let only that reach this address"
        );
    }
    if settings.log_format == LogFormat::Json {
        tracing::info!(%url, %data, %model, "listening");
        return;
    }
    let label = |text: &str| terminal.paint(Style::Dim, &format!("{text:<8}"));
    terminal.note(&format!("\n  {} {}\n", terminal.paint(Style::Bold, "Tintype"), env!("CARGO_PKG_VERSION")));
    terminal.note(&format!("  {} {}", label("Gallery"), terminal.paint(Style::Amber, &url)));
    terminal.note(&format!("  {} {data}", label("Data")));
    terminal.note(&format!("  {} {model}", label("Model")));
    if !address.ip().is_loopback() {
        terminal.note(&format!("  {} {} can call, each with a key", label("Open to"), owners(settings)));
    }
    terminal.note(&format!(
        "\n  {}\n",
        terminal.paint(Style::Dim, "Ctrl-C stops it. In another terminal: tintype generate \"red heart\"")
    ));
}

fn owners(settings: &Settings) -> String {
    let mut owners: Vec<_> = settings.keys.iter().map(|key| key.owner.as_str()).collect();
    owners.sort_unstable();
    owners.dedup();
    owners.join(", ")
}

/// An address that a browser on this machine can open.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) => IpAddr::V4(if ip.is_unspecified() { Ipv4Addr::LOCALHOST } else { ip }),
        IpAddr::V6(ip) => IpAddr::V6(if ip.is_unspecified() { Ipv6Addr::LOCALHOST } else { ip }),
    };
    SocketAddr::new(ip, address.port())
}

/// Writes the address to `path`, whole or not at all.
fn write_ready_file(path: &Path, address: SocketAddr) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    std::fs::write(&temporary, format!("{address}\n"))
        .and_then(|()| let_others_read(Path::new(&temporary)))
        .and_then(|()| std::fs::rename(&temporary, path))
        .inspect_err(|_| drop(std::fs::remove_file(&temporary)))
}

/// A supervisor may be another user.
fn let_others_read(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shares of a server with these settings as flags, where 20,000 files may be open: in all, of one address, and
    /// without a key.
    fn shares(flags: &[(&'static str, &str)]) -> [usize; 3] {
        let flags = flags
            .iter()
            .fold(Flags::default(), |flags, (key, value)| flags.with(key, vec![(*value).to_owned()]));
        let home = |name: &str| (name == "HOME").then(|| "/home/nobody-at-all".to_owned());
        let settings = Settings::parse(&Resolved::gather(&flags, &home).unwrap()).unwrap();
        let ServerSettings { connections, per_address, unauthenticated, .. } =
            server_settings(&settings, 20_000);
        [connections, per_address, unauthenticated]
    }

    #[test]
    fn one_address_and_clients_without_a_key_have_half_unless_only_this_machine_can_come() {
        let key = format!("anna={}", "0".repeat(64));
        assert_eq!(shares(&[]), [16_384, 16_384, 16_384]);
        assert_eq!(shares(&[("keys", &key)]), [16_384, 16_384, 8_192]);
        assert_eq!(shares(&[("keys", &key), ("listen", "0.0.0.0:1")]), [16_384, 8_192, 8_192]);
    }

    #[test]
    fn the_shares_follow_the_settings() {
        assert_eq!(shares(&[("connections.max", "100")]), [100, 100, 100]);
        let both = [("connections.max", "100"), ("connections.per_address", "7")];
        assert_eq!(shares(&both), [100, 7, 100]);
    }

    #[test]
    fn the_address_of_every_interface_is_shown_as_one_that_can_be_opened() {
        assert_eq!(reachable("0.0.0.0:1".parse().unwrap()).to_string(), "127.0.0.1:1");
        assert_eq!(reachable("[::]:1".parse().unwrap()).to_string(), "[::1]:1");
    }

    #[test]
    fn a_ready_file_holds_the_address() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready");
        write_ready_file(&path, "127.0.0.1:4".parse().unwrap()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().trim(), "127.0.0.1:4");
    }
}
