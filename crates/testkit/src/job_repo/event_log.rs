//! A job's event log.

use super::{NOW, accept, begin, begun, events, finish, kind, log, step, stored, succeeded, success};
use crate::samples::{alice, at, failure, job_id, mallory, new_job};
use crate::suites::cases;
use std::sync::Arc;
use tintype_core::{
    domain::{EventBody, Job, JobEvent, Outcome, Seq},
    ports::JobRepo,
};

cases! { CASES of Arc<dyn JobRepo>:
    events_begin_with_the_job_being_queued,
    events_tell_of_every_change,
    events_are_numbered_from_1_without_gaps,
    events_have_no_gaps_under_many_writers,
    events_start_after_the_given_one,
    events_after_the_last_are_none,
    events_are_at_most_the_limit,
    events_of_a_missing_job_are_none,
    events_of_another_owners_job_are_none,
    events_of_an_expired_job_are_none,
    a_job_and_its_events_are_seen_together,
    a_refused_change_logs_nothing,
}

async fn events_begin_with_the_job_being_queued(repo: Arc<dyn JobRepo>) {
    let job = accept(&*repo, &new_job(1, 0)).await;
    assert_eq!(log(&*repo, &job.id).await, [Job::accept(new_job(1, 0)).1]);
}

async fn events_tell_of_every_change(repo: Arc<dyn JobRepo>) {
    let new = new_job(1, 0);
    let first = begun(&*repo, &new).await.fence();
    repo.advance(&first, step(1), NOW).await.expect("advance");
    repo.requeue(&first, failure(), at(5), NOW).await.expect("requeue");
    let second = begin(&*repo, &new.id).await.fence();
    finish(&*repo, &second, success()).await;
    let Outcome::Succeeded { images, .. } = success() else { unreachable!("is a success") };
    let bodies: Vec<_> = log(&*repo, &new.id).await.into_iter().map(|event| event.body).collect();
    let expected = [
        EventBody::Queued { attempts: 0, error: None },
        EventBody::Running { attempt: 1 },
        EventBody::Progress(step(1)),
        EventBody::Queued { attempts: 1, error: Some(failure()) },
        EventBody::Running { attempt: 2 },
        EventBody::Succeeded { images },
    ];
    assert_eq!(bodies, expected);
}

fn check_numbers(events: &[JobEvent], count: u64) {
    let numbers: Vec<_> = events.iter().map(|event| event.seq.0).collect();
    assert_eq!(numbers, Vec::from_iter(1..=count));
}

async fn events_are_numbered_from_1_without_gaps(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    check_numbers(&log(&*repo, &job.id).await, 3);
}

async fn events_have_no_gaps_under_many_writers(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    let writers: Vec<_> = (0..8)
        .map(|n| {
            let repo = repo.clone();
            tokio::spawn(async move {
                for k in 0..25 {
                    repo.advance(&fence, step(n * 25 + k), NOW).await.expect("advance");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("every step is noted");
    }
    check_numbers(&log(&*repo, &fence.job_id).await, 202);
}

async fn events_start_after_the_given_one(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    let rest = events(&*repo, &alice(), &job.id, Seq(1), NOW).await.expect("the job is there");
    assert_eq!(rest, log(&*repo, &job.id).await[1..]);
}

async fn events_after_the_last_are_none(repo: Arc<dyn JobRepo>) {
    let job = accept(&*repo, &new_job(1, 0)).await;
    assert_eq!(events(&*repo, &alice(), &job.id, Seq(1), NOW).await, Some(vec![]));
}

async fn events_are_at_most_the_limit(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    let part = repo.events(&alice(), &job.id, Seq(0), 2, NOW).await.expect("events");
    assert_eq!(part.expect("the job is there"), log(&*repo, &job.id).await[..2]);
}

async fn events_of_a_missing_job_are_none(repo: Arc<dyn JobRepo>) {
    assert_eq!(events(&*repo, &alice(), &job_id(1, 0), Seq(0), NOW).await, None);
}

async fn events_of_another_owners_job_are_none(repo: Arc<dyn JobRepo>) {
    let job = accept(&*repo, &new_job(1, 0)).await;
    assert_eq!(events(&*repo, &mallory(), &job.id, Seq(0), NOW).await, None);
}

async fn events_of_an_expired_job_are_none(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    assert_eq!(events(&*repo, &alice(), &job.id, Seq(0), job.expires_at).await, None);
}

async fn a_job_and_its_events_are_seen_together(repo: Arc<dyn JobRepo>) {
    let fence = begun(&*repo, &new_job(1, 0)).await.fence();
    let writing = repo.clone();
    let writer = tokio::spawn(async move {
        for n in 0..100 {
            writing.advance(&fence, step(n), NOW).await.expect("advance");
        }
    });
    while !writer.is_finished() {
        let before = stored(&*repo, &fence.job_id).await.last_seq;
        let logged = log(&*repo, &fence.job_id).await.len() as u64;
        let after = stored(&*repo, &fence.job_id).await.last_seq;
        assert!((before.0..=after.0).contains(&logged), "{before:?}, then {logged} events, then {after:?}");
        tokio::task::yield_now().await;
    }
    writer.await.expect("every step is noted");
}

async fn a_refused_change_logs_nothing(repo: Arc<dyn JobRepo>) {
    let job = succeeded(&*repo, &new_job(1, 0)).await;
    kind(repo.begin(&job.id, NOW).await);
    assert_eq!(log(&*repo, &job.id).await.len(), 3);
}
