//! `tintype serve`: opens the data folder, listens, and serves until it is told to stop.

use crate::compose::{self, Server};
use crate::failure::{Failure, Outcome};
use crate::settings::{Env, Flags, LogFormat, Resolved, Settings};
use crate::terminal::{Style, Terminal};
use crate::{data_secret, gallery, logging, looker, runtime, signals, sweeper, system};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tintype_core::domain::CursorCodec;
use tintype_core::ports::Models;
use tintype_http::{Access, Allowed, Api, Keys, ServerSettings, SocketHub, router};
use tintype_local::SystemClock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long threads may go on with what nobody waits for any more.
const LAST_THREADS: Duration = Duration::from_millis(200);

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// If a setting is wrong, the data folder or the address can't be had, or a model is not there.
pub(crate) fn run(flags: &Flags, terminal: &Terminal, env: Env<'_>) -> Outcome {
    let settings = Settings::parse(&Resolved::gather(flags, env)?)?;
    settings.check_exposure()?;
    logging::start(&settings, terminal)?;
    raise_file_limit();
    let runtime = runtime::start()?;
    let served = runtime.block_on(serve(&settings, terminal));
    runtime.shutdown_timeout(LAST_THREADS);
    served
}

async fn serve(settings: &Settings, terminal: &Terminal) -> Outcome {
    let hub = Arc::new(SocketHub::default());
    let server = compose::server(settings, hub.clone())?;
    server.alike.vectors.use_space(&server.alike.embedder.space()).await?;
    server.meaning.vectors.use_space(&server.meaning.embedder.space()).await?;
    let cursors = CursorCodec::new(data_secret::read_or_make(server.folder.path())?);
    let listener = listen(settings.listen).await?;
    let address = listener.local_addr().map_err(|error| cant_listen(settings.listen, &error))?;
    let shutdown = CancellationToken::new();
    watch_signals(settings, terminal, &shutdown)?;
    let api = Api::new(
        server.ports.clone(),
        Arc::new(SystemClock),
        Arc::new(system::entropy),
        cursors,
        access(settings),
    )
    .with_hub(hub)
    .with_credentials(server.credentials.clone())
    .with_variants(server.variants.clone())
    .with_alike(server.alike.clone())
    .with_meaning(server.meaning.clone())
    .with_image_limits(settings.images)
    .with_page(gallery::files())
    .with_allowed(allowed(settings))
    .with_shutdown(shutdown.clone());
    let api = match option_env!("TINTYPE_COMMIT") {
        Some(commit) => api.with_commit(commit),
        None => api,
    };
    let Server { ports, workflow, folder, alike, meaning, .. } = server;
    greet(settings, terminal, address, &ports.models);
    if let Some(path) = &settings.ready_file {
        write_ready_file(path, address)?;
    }
    let jobs = tokio::spawn({
        let (ports, shutdown) = (ports.clone(), shutdown.clone());
        async move { workflow.run(ports, shutdown).await }
    });
    let sweeps = tokio::spawn(sweeper::run(ports.clone(), shutdown.clone()));
    let looks = tokio::spawn(looker::run(ports, alike, meaning, shutdown.clone()));
    let tasks = api.tasks();
    tintype_http::serve(listener, router(api), ServerSettings::default(), tasks, shutdown.clone()).await;
    // However the server came to its end, the rest ends with it.
    shutdown.cancel();
    for task in [jobs, sweeps, looks] {
        if let Err(error) = task.await {
            tracing::error!(%error, "a part of the server stopped unexpectedly");
        }
    }
    if let Some(path) = &settings.ready_file {
        // It may be gone with its folder.
        drop(std::fs::remove_file(path));
    }
    drop(folder);
    tracing::info!("stopped");
    Ok(())
}

fn access(settings: &Settings) -> Access {
    if settings.keys.is_empty() {
        return Access::Open;
    }
    Access::Keys(Arc::new(Keys::new(settings.keys.iter().map(|key| (key.sha256, key.owner.clone())))))
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
            terminal
                .note("\nStopping: what is being drawn has a moment to finish. Ctrl-C again stops at once.");
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
fn write_ready_file(path: &Path, address: SocketAddr) -> Outcome {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    std::fs::write(&temporary, format!("{address}\n"))
        .and_then(|()| std::fs::rename(&temporary, path))
        .map_err(|error| Failure::failed(format!("can't write the ready file {}: {error}", path.display())))
}

/// Every open connection is an open file; many systems allow a process just 1,024 until it asks for more.
fn raise_file_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "the number of open files stays as it is");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
