//! From the process's start to its first answer, on a data folder that exists.

use crate::Outcome;
use crate::http::Client;
use crate::process::Server;
use crate::report::{Report, Target, median};
use std::time::Instant;

const STARTS: usize = 15;

pub(crate) async fn measure(report: &mut Report) -> Outcome {
    let folder = tempfile::tempdir()?;
    drop(Server::tintype_on(folder.path(), &[]).await?);
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let server = Server::tintype_on(folder.path(), &[]).await?;
        let answer = Client::connect(&server.address).await?.get("/models").await?;
        if answer.status != 200 {
            return Err(format!("the server answered {}", answer.status).into());
        }
        starts.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let middle = median(&starts);
    report.ratio(
        "cold start to first answer, median",
        format!("{middle:.0} ms"),
        "100 ms".to_owned(),
        middle / 100.0,
        Target::AtMost(1.0),
    );
    Ok(())
}
