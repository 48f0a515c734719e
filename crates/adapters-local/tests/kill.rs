//! `kill -9` loses nothing that was acknowledged, and leaves the folder free. The test starts itself once more as the
//! process that is killed while it accepts jobs.

#![expect(clippy::print_stdout, reason = "the child acknowledges there, as a server does on its socket")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};
use tintype_core::{domain::JobStatus, ports::JobRepo};
use tintype_local::{DataFolder, Database, SqliteJobRepo};
use tintype_testkit::samples::{alice, at, new_job};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("accept-into"), Some(folder)) => accept_for_ever(&open(Path::new(&folder))).await,
        // Whatever else there is, is for the usual test harness.
        _ => what_was_acknowledged_survives().await,
    }
}

fn open(folder: &Path) -> SqliteJobRepo {
    let folder = DataFolder::open(folder).expect("the folder is free");
    SqliteJobRepo::new(Database::open(&folder).expect("open the database"))
}

/// Prints each number once its job is accepted and begun.
async fn accept_for_ever(jobs: &SqliteJobRepo) {
    for n in 0.. {
        jobs.insert(&new_job(n, 0), None).await.expect("insert");
        jobs.begin(&new_job(n, 0).id, at(0)).await.expect("begin");
        println!("{n}");
    }
}

async fn what_was_acknowledged_survives() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let this = std::env::current_exe().expect("this program");
    let mut child = Command::new(this)
        .arg("accept-into")
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut acknowledged: Vec<u64> = Vec::new();
    for line in lines.by_ref().take(40) {
        acknowledged.push(line.expect("a line").parse().expect("a number"));
    }
    child.kill().expect("kill");
    child.wait().expect("wait");
    acknowledged.extend(lines.map_while(Result::ok).filter_map(|line| line.parse::<u64>().ok()));

    let jobs = open(folder.path());
    for n in acknowledged {
        let found = jobs.find(&alice(), &new_job(n, 0).id, at(0)).await.expect("find");
        assert_eq!(found.map(|job| job.status), Some(JobStatus::Running), "job {n}");
    }
}
