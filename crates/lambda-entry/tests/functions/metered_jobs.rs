use serde_json::Value;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tintype_core::{domain::Outcome, ports::JobRepo};
use tintype_lambda::{metered_jobs::MeteredJobs, metrics::Metrics};
use tintype_memory::Memory;
use tintype_testkit::samples::{START, alice, failure, key, new_job};

/// Metered jobs, and the lines that CloudWatch gets.
struct Metered {
    jobs: MeteredJobs,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Metered {
    fn new() -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = lines.clone();
        let metrics = Metrics::with_sink("s", move |line| {
            sink.lock().unwrap().push(serde_json::from_str(line).unwrap());
        });
        Self { jobs: MeteredJobs::new(Memory::new().ports().jobs, metrics), lines }
    }

    fn noted(&self) -> Vec<Value> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }
}

#[tokio::test]
async fn a_job_is_counted_when_it_is_accepted_not_when_its_request_comes_again() {
    let metered = Metered::new();
    let (job, key) = (new_job(1, 0), key("k", "body"));
    for accepted in [1, 0] {
        metered.jobs.insert(&job, Some(&key)).await.unwrap();
        let noted = metered.noted();
        assert_eq!(noted.len(), accepted);
        assert!(noted.iter().all(|line| line["JobsAccepted"] == 1.0), "{noted:?}");
    }
}

#[tokio::test]
async fn a_job_is_counted_once_when_it_ends_with_its_time_and_its_attempts() {
    let metered = Metered::new();
    let job = new_job(1, 0);
    metered.jobs.insert(&job, None).await.unwrap();
    metered.noted();
    let begun = metered.jobs.begin(&job.id, START).await.unwrap();
    assert!(metered.noted().is_empty(), "it has not ended");
    let end = START.after(Duration::from_secs(3));
    metered.jobs.finish(&begun.fence(), Outcome::Failed(failure()), end).await.unwrap();
    let noted = metered.noted();
    assert_eq!(noted.len(), 1);
    let values = ["Status", "JobsEnded", "ResultSeconds", "Attempts"].map(|name| noted[0][name].clone());
    assert_eq!(values, [Value::from("failed"), 1.0.into(), 3.0.into(), 1.0.into()]);
}

#[tokio::test]
async fn a_cancelled_job_is_counted_and_a_second_cancel_is_not() {
    let metered = Metered::new();
    let job = new_job(1, 0);
    metered.jobs.insert(&job, None).await.unwrap();
    metered.noted();
    for (seconds, ended) in [(1, 1), (2, 0)] {
        let now = START.after(Duration::from_secs(seconds));
        metered.jobs.cancel(&alice(), &job.id, now).await.unwrap();
        assert_eq!(metered.noted().len(), ended);
    }
}
