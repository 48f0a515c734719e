//! A whole durable job with a model that does nothing: from the request to the end, in units of a disk flush.

mod stand;

use crate::Outcome;
use crate::http::Client;
use crate::process::Server;
use crate::report::{Report, Target, median};
use stand::Bench;
use std::io::Write;
use std::time::Instant;

const JOBS: usize = 400;
/// The first ones warm caches and write the picture's file.
const WARM_UP: usize = 20;

pub(crate) async fn measure(report: &mut Report) -> Outcome {
    in_process(report).await?;
    over_http(report).await
}

/// From the submission to the recorded end, as a worker that stands ready does it.
async fn in_process(report: &mut Report) -> Outcome {
    let bench = Bench::new()?;
    let mut flushes = Flushes::new()?;
    let (mut jobs, mut ratios, mut flushed) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..JOBS {
        let flush = flushes.one()?;
        let started = Instant::now();
        bench.job().await?;
        let job = started.elapsed().as_secs_f64();
        if index >= WARM_UP {
            ratios.push(job / flush);
            jobs.push(job * 1e3);
            flushed.push(flush * 1e3);
        }
    }
    report.ratio(
        "whole durable job, no-op model, in process, median",
        format!("{:.2} ms", median(&jobs)),
        format!("one flush {:.2} ms", median(&flushed)),
        median(&ratios),
        Target::AtMost(3.0),
    );
    Ok(())
}

/// From the request to the answer that waited for the end: two connections' worth of hand-offs come on top.
async fn over_http(report: &mut Report) -> Outcome {
    let server = Server::tintype(&["--model", "noop"]).await?;
    let mut client = Client::connect(&server.address).await?;
    let mut flushes = Flushes::new()?;
    let (mut jobs, mut ratios, mut flushed) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..JOBS {
        let flush = flushes.one()?;
        let started = Instant::now();
        let answer =
            client.post("/generate", "prefer: wait=10\r\n", r#"{"prompt": "red heart", "seed": 1}"#).await?;
        let job = started.elapsed().as_secs_f64();
        if answer.json()?["status"] != "succeeded" {
            return Err(format!("the job did not end: {} {}", answer.status, answer.json()?).into());
        }
        if index >= WARM_UP {
            ratios.push(job / flush);
            jobs.push(job * 1e3);
            flushed.push(flush * 1e3);
        }
    }
    report.note(
        "the same over HTTP, with Prefer: wait",
        format!("{:.2} ms, {:.1} flushes of {:.2} ms", median(&jobs), median(&ratios), median(&flushed)),
    );
    Ok(())
}

/// Appends a page to a file and flushes it, as a commit to a write-ahead log does.
struct Flushes {
    file: std::fs::File,
    _folder: tempfile::TempDir,
}

impl Flushes {
    fn new() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        Ok(Self { file: std::fs::File::create(folder.path().join("flush"))?, _folder: folder })
    }

    /// Seconds that one append of 4 KiB and its flush take.
    fn one(&mut self) -> Outcome<f64> {
        let started = Instant::now();
        self.file.write_all(&[7; 4096])?;
        self.file.sync_data()?;
        Ok(started.elapsed().as_secs_f64())
    }
}
