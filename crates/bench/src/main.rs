//! Measures Tintype against a floor and prints ratios: `cargo run --release -p tintype-bench`, or with the names of
//! the parts to measure. The machine's speed drifts, so the two sides of a ratio take turns in one run.

mod accept;
mod engine;
mod floor;
mod http;
mod job;
mod library;
mod pages;
mod process;
mod report;
mod search;
mod sockets;
mod start;

use clap::{Parser, ValueEnum};
use report::Report;
use std::path::PathBuf;

/// Measures Tintype against a floor, as ratios in one run.
#[derive(Debug, Parser)]
struct Args {
    /// What to measure; everything if not given.
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Saved images in the library that is paged through.
    #[arg(long, default_value_t = 1_000_000)]
    images: u32,
    /// Fill this data folder with a library of `--images` pictures, without their bytes, and end.
    #[arg(long, value_name = "DIR")]
    fill: Option<PathBuf>,
    /// Milliseconds after which the next three of them were saved: 600000 spreads 100,000 over eight months.
    #[arg(long, default_value_t = library::APART_MS, requires = "fill")]
    apart_ms: u32,
    /// Idle WebSockets to open.
    #[arg(long, default_value_t = 10_000)]
    sockets: usize,
    /// A Python with torch and diffusers, to measure the engine against.
    #[arg(long)]
    python: Option<PathBuf>,
    /// Serve the floor on this address instead (the run starts itself so).
    #[arg(long, hide = true)]
    floor: Option<PathBuf>,
    /// Hold this many idle WebSockets open to `--address` instead (the run starts itself so).
    #[arg(long, hide = true, requires = "address")]
    hold: Option<usize>,
    /// The server to hold sockets to.
    #[arg(long, hide = true)]
    address: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Durable accepts per second and their latency, against the floor.
    Accept,
    /// A whole durable job with a model that does nothing, in disk flushes.
    Job,
    /// Memory per idle WebSocket.
    Sockets,
    /// Pages of a large library, the last against the first.
    Pages,
    /// From the process's start to its first answer.
    Start,
    /// The engine against diffusers with PyTorch.
    Engine,
}

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(args))
}

async fn run(args: Args) -> Outcome {
    if let Some(folder) = &args.floor {
        return floor::serve(folder).await;
    }
    if let Some(folder) = &args.fill {
        std::fs::create_dir_all(folder)?;
        return library::fill(folder, args.images, args.apart_ms).await;
    }
    if let (Some(count), Some(address)) = (args.hold, &args.address) {
        return sockets::hold(address, count).await;
    }
    let mut report = Report::default();
    let outcome = measure(&args, &mut report).await;
    // Also where a part failed: what was measured before it is worth reading.
    report.print();
    outcome
}

async fn measure(args: &Args, report: &mut Report) -> Outcome {
    let wanted = |part| args.parts.is_empty() || args.parts.contains(&part);
    if wanted(Part::Start) {
        start::measure(report).await?;
    }
    if wanted(Part::Accept) {
        accept::measure(report).await?;
    }
    if wanted(Part::Job) {
        job::measure(report).await?;
    }
    if wanted(Part::Sockets) {
        sockets::measure(report, args.sockets).await?;
    }
    if wanted(Part::Pages) {
        pages::measure(report, args.images).await?;
    }
    if wanted(Part::Engine) {
        engine::measure(report, args.python.as_deref()).await?;
    }
    Ok(())
}
