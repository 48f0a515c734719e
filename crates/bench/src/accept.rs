//! Durable accepts: `POST /generate` answers 202 once the job is on the disk. No worker runs meanwhile, so that only
//! the accepting is measured, as in the floor.

use crate::Outcome;
use crate::http::Client;
use crate::process::Server;
use crate::report::{Report, Target, median};
use std::time::{Duration, Instant};

const BODY: &str = r#"{"prompt": "red heart"}"#;
const ROUND: Duration = Duration::from_secs(3);
const ROUNDS: usize = 5;

/// What one side did in a round.
struct Round {
    per_second: f64,
    median_ms: f64,
}

pub(crate) async fn measure(report: &mut Report) -> Outcome {
    let tintype = Server::tintype(&["--model", "noop", "--workers", "0"]).await?;
    let floor = Server::floor().await?;
    for clients in [256, 1] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(round(&tintype.address, clients).await?);
            theirs.push(round(&floor.address, clients).await?);
        }
        let paired = |figure: fn(&Round) -> f64| -> Vec<f64> {
            ours.iter().zip(&theirs).map(|(our, their)| figure(our) / figure(their)).collect()
        };
        let middle = |rounds: &[Round], figure: fn(&Round) -> f64| -> f64 {
            median(&rounds.iter().map(figure).collect::<Vec<_>>())
        };
        if clients == 1 {
            let figure = |round: &Round| round.median_ms;
            report.ratio(
                "durable accept, 1 client, median",
                format!("{:.2} ms", middle(&ours, figure)),
                format!("floor {:.2} ms", middle(&theirs, figure)),
                median(&paired(figure)),
                Target::AtMost(1.3),
            );
        } else {
            let figure = |round: &Round| round.per_second;
            report.ratio(
                &format!("durable accept, {clients} clients"),
                format!("{:.0}/s", middle(&ours, figure)),
                format!("floor {:.0}/s", middle(&theirs, figure)),
                median(&paired(figure)),
                Target::AtLeast(0.6),
            );
        }
    }
    Ok(())
}

async fn round(address: &str, clients: usize) -> Outcome<Round> {
    let until = Instant::now() + ROUND;
    let started = Instant::now();
    let tasks: Vec<_> = (0..clients).map(|_| tokio::spawn(post_until(address.to_owned(), until))).collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(Round {
        per_second: latencies.len() as f64 / started.elapsed().as_secs_f64(),
        median_ms: median(&latencies) * 1e3,
    })
}

async fn post_until(address: String, until: Instant) -> Outcome<Vec<f64>> {
    let mut client = Client::connect(&address).await?;
    let mut latencies = Vec::new();
    while Instant::now() < until {
        let started = Instant::now();
        let answer = client.post("/generate", "", BODY).await?;
        if answer.status != 202 {
            return Err(format!("the server answered {}", answer.status).into());
        }
        latencies.push(started.elapsed().as_secs_f64());
    }
    Ok(latencies)
}
