//! kill -9 at random moments under load: what a client was told stays true.
//!
//! Every cycle starts the server on the same data folder, lets clients loose on it, kills it, starts it again and
//! compares it with what the clients were told. `TINTYPE_CRASH_CYCLES` says how many (10), `TINTYPE_CRASH_SEED` from
//! which seed (a new one each time; it is printed).
#![expect(clippy::print_stdout, reason = "what a run found is for people")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test does not expect fails it")]

mod leftovers;
mod load;
mod record;
mod verify;

use record::Record;
use serde_json::json;
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tintype_tests::{Server, Settings};

/// The longest a restarted server may need until a new job is done, on a machine that is busy with other tests. What
/// it needed is printed.
const BACK_AT_WORK: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_acknowledged_survives_a_crash_at_any_moment() {
    let (cycles, seed) = (setting("TINTYPE_CRASH_CYCLES").unwrap_or(10), setting("TINTYPE_CRASH_SEED"));
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("{cycles} cycles from TINTYPE_CRASH_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let record = Arc::new(Mutex::new(Record::default()));
    let mut server = Server::start(Settings::noop().workers(2)).await;
    let (mut back, mut verified) = (Vec::new(), 0);
    for cycle in 0..cycles {
        let clients = load::start(&server.client(), &record, &mut random);
        tokio::time::sleep(Duration::from_millis(random.u64(50..500))).await;
        let stopped = server.kill();
        // The clients find out by themselves.
        clients.join_all().await;
        let restarted = Instant::now();
        server = stopped.start().await;
        back.push(back_at_work(&server, restarted).await);
        verified += verify::since_last(&server, &record, cycle).await;
    }
    verify::everything(&server, &record).await;
    let data = server.data();
    let stopped = server.kill();
    let swept = leftovers::sweep(&data).await;
    let server = stopped.start().await;
    verify::everything(&server, &record).await;
    leftovers::check(&server, &record);
    let worst = back.iter().max().unwrap();
    let told = record.lock().unwrap().summary();
    println!(
        "{cycles} crashes; {told}; {verified} jobs verified; {swept} pictures' bytes swept; back at work after {worst:?} at the latest"
    );
    assert!(*worst < BACK_AT_WORK, "back at work after {worst:?}");
}

/// How long it is since `restarted` once a new job is done.
async fn back_at_work(server: &Server, restarted: Instant) -> Duration {
    let request = server.client().post("/generate").header("prefer", "wait=20");
    // Before everything that still waits.
    let job =
        request.json(&json!({ "prompt": "back at work", "priority": 9 })).send().await.expect(200).json();
    assert_eq!(job["status"], "succeeded", "{job:#}");
    restarted.elapsed()
}

#[expect(clippy::disallowed_methods, reason = "an edge: whoever runs the tests may ask for more")]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}
