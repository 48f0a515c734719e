//! Memory per idle WebSocket. The clients are a process of their own: a machine's limit of open files is per process.

use crate::Outcome;
use crate::http::Client;
use crate::process::Server;
use crate::report::{Report, Target};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

pub(crate) async fn measure(report: &mut Report, count: usize) -> Outcome {
    let server = Server::tintype(&["--model", "noop"]).await?;
    // The first sockets make what all share.
    let mut first = Vec::new();
    for _ in 0..50 {
        first.push(Client::connect(&server.address).await?.upgrade().await?);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = server.resident_kib()?;
    let mut holder = tokio::process::Command::from(Command::new(std::env::current_exe()?))
        .args(["--hold", &count.to_string(), "--address", &server.address])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = holder.stdout.take().ok_or("no output")?;
    let line = BufReader::new(output).lines().next_line().await?.unwrap_or_default();
    if line != "open" {
        return Err(format!("the sockets could not be opened: {line}").into());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let each = server.resident_kib()?.saturating_sub(before) as f64 / count as f64;
    report.ratio(
        &format!("memory per socket, {count} idle WebSockets"),
        format!("{each:.1} KiB"),
        "12 KiB".to_owned(),
        each / 12.0,
        Target::AtMost(1.0),
    );
    Ok(())
}

/// Opens `count` sockets, says `open`, and keeps them until it is killed.
pub(crate) async fn hold(address: &str, count: usize) -> Outcome {
    let mut sockets = Vec::with_capacity(count);
    for _ in 0..count {
        sockets.push(Client::connect(address).await?.upgrade().await?);
    }
    tokio::io::stdout().write_all(b"open\n").await?;
    tokio::time::sleep(Duration::from_secs(120)).await;
    drop(sockets);
    Ok(())
}
