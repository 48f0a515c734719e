//! Accepting jobs, with a key and without.

use super::{NOW, accept, begin, begun, cancel, created, find, insert, list, pages_of, stored, walk};
use crate::samples::{alice, job_id, job_of, just_before, key, mallory, new_job, request_with};
use crate::suites::cases;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tintype_core::{
    ErrorKind,
    domain::{Job, NewJob},
    ports::{InsertedJob, JobRepo},
};

cases! { CASES of Arc<dyn JobRepo>:
    an_inserted_job_is_as_accept_makes_it,
    an_inserted_job_is_found,
    every_field_of_a_job_is_kept,
    inserting_a_job_again_does_not_set_it_back,
    a_key_used_again_gives_the_same_job,
    a_key_used_again_gives_the_job_as_it_is_now,
    a_key_used_for_another_request_is_refused,
    a_refused_key_accepts_no_job,
    a_key_of_another_owner_is_another_key,
    another_key_makes_another_job,
    without_a_key_every_insertion_makes_a_job,
    one_key_in_a_race_makes_one_job,
    a_key_is_kept_as_long_as_its_job_is_shown,
    a_key_is_free_once_its_job_is_not_shown,
    a_key_is_found_as_an_insertion_would_tell_it,
    a_key_that_is_free_is_not_found,
}

async fn an_inserted_job_is_as_accept_makes_it(repo: Arc<dyn JobRepo>) {
    assert_eq!(accept(&*repo, &new_job(1, 0)).await, Job::accept(new_job(1, 0)).0);
}

async fn an_inserted_job_is_found(repo: Arc<dyn JobRepo>) {
    let job = accept(&*repo, &new_job(1, 0)).await;
    assert_eq!(stored(&*repo, &job.id).await, job);
}

async fn every_field_of_a_job_is_kept(repo: Arc<dyn JobRepo>) {
    let mut new = new_job(1, 0);
    new.retry_of = Some(job_id(2, 0));
    new.request = request_with(|input| {
        input.prompt = Some("\u{2764}\u{fe0f} \u{201c}heart\u{201d}\n\tline two".to_owned());
        input.negative_prompt = Some("blurry".to_owned());
        input.seed = Some(u32::MAX.into());
        input.guidance_scale = Some(7.1);
        input.labels = Some([("project".to_owned(), "\u{fc}ber".to_owned())].into());
    });
    new.warnings = vec![tintype_core::domain::Warning {
        code: "unknown_word".to_owned(),
        detail: "never taught".to_owned(),
        word: Some("unicorn".to_owned()),
    }];
    accept(&*repo, &new).await;
    assert_eq!(stored(&*repo, &new.id).await, Job::accept(new).0);
}

/// What it returns is not tested: a caller that repeats an insertion without a key can't tell whose job is there.
async fn inserting_a_job_again_does_not_set_it_back(repo: Arc<dyn JobRepo>) {
    let job = begun(&*repo, &new_job(1, 0)).await;
    drop(repo.insert(&new_job(1, 0), None).await);
    assert_eq!(stored(&*repo, &job.id).await, job);
}

async fn a_key_used_again_gives_the_same_job(repo: Arc<dyn JobRepo>) {
    let first = created(insert(&*repo, &new_job(1, 0), Some(&key("k", "heart"))).await);
    let again = insert(&*repo, &new_job(2, 0), Some(&key("k", "heart"))).await;
    assert_eq!(again, InsertedJob::Existing(Box::new(first)));
}

async fn a_key_used_again_gives_the_job_as_it_is_now(repo: Arc<dyn JobRepo>) {
    let first = created(insert(&*repo, &new_job(1, 0), Some(&key("k", "heart"))).await);
    let running = begin(&*repo, &first.id).await;
    let again = insert(&*repo, &new_job(2, 0), Some(&key("k", "heart"))).await;
    assert_eq!(again, InsertedJob::Existing(Box::new(running)));
}

async fn a_key_used_for_another_request_is_refused(repo: Arc<dyn JobRepo>) {
    insert(&*repo, &new_job(1, 0), Some(&key("k", "heart"))).await;
    let other = insert(&*repo, &new_job(2, 0), Some(&key("k", "cat"))).await;
    assert_eq!(other, InsertedJob::KeyReused);
}

async fn a_refused_key_accepts_no_job(repo: Arc<dyn JobRepo>) {
    insert(&*repo, &new_job(1, 0), Some(&key("k", "heart"))).await;
    insert(&*repo, &new_job(2, 0), Some(&key("k", "cat"))).await;
    assert_eq!(find(&*repo, &new_job(2, 0).id, NOW).await, None);
}

async fn a_key_of_another_owner_is_another_key(repo: Arc<dyn JobRepo>) {
    insert(&*repo, &new_job(1, 0), Some(&key("k", "heart"))).await;
    let other = insert(&*repo, &job_of(&mallory(), 2, 0), Some(&key("k", "heart"))).await;
    assert_eq!(created(other).owner, mallory());
}

async fn another_key_makes_another_job(repo: Arc<dyn JobRepo>) {
    insert(&*repo, &new_job(1, 0), Some(&key("k", "heart"))).await;
    created(insert(&*repo, &new_job(2, 0), Some(&key("l", "heart"))).await);
}

async fn without_a_key_every_insertion_makes_a_job(repo: Arc<dyn JobRepo>) {
    accept(&*repo, &new_job(1, 0)).await;
    accept(&*repo, &new_job(2, 0)).await;
    assert_eq!(list(&*repo, pages_of(10)).await.items.len(), 2);
}

/// A [`Conflict`](ErrorKind::Conflict) tells the caller to come again.
async fn one_key_in_a_race_makes_one_job(repo: Arc<dyn JobRepo>) {
    let racing: Vec<_> = (0..64)
        .map(|n| {
            let repo = repo.clone();
            tokio::spawn(async move {
                loop {
                    match repo.insert(&new_job(n, 0), Some(&key("k", "heart"))).await {
                        Ok(InsertedJob::Created(job) | InsertedJob::Existing(job)) => return job.id,
                        Ok(InsertedJob::KeyReused) => unreachable!("the request is the same"),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        })
        .collect();
    let mut told = BTreeSet::new();
    for insertion in racing {
        told.insert(insertion.await.expect("every caller gets a job"));
    }
    assert_eq!(walk(&*repo, pages_of(200)).await, Vec::from_iter(told), "one job, and all were told of it");
}

async fn a_key_is_kept_as_long_as_its_job_is_shown(repo: Arc<dyn JobRepo>) {
    let k = key("k", "heart");
    insert(&*repo, &new_job(1, 0), Some(&k)).await;
    let ended = cancel(&*repo, &alice(), &new_job(1, 0).id).await.expect("was there");
    let later = NewJob { now: just_before(ended.expires_at), ..new_job(2, 0) };
    assert_eq!(insert(&*repo, &later, Some(&k)).await, InsertedJob::Existing(Box::new(ended)));
}

async fn a_key_is_free_once_its_job_is_not_shown(repo: Arc<dyn JobRepo>) {
    let k = key("k", "heart");
    insert(&*repo, &new_job(1, 0), Some(&k)).await;
    let ended = cancel(&*repo, &alice(), &new_job(1, 0).id).await.expect("was there");
    let later = NewJob { now: ended.expires_at, ..new_job(2, 0) };
    assert_eq!(created(insert(&*repo, &later, Some(&k)).await).id, later.id);
}

async fn a_key_is_found_as_an_insertion_would_tell_it(repo: Arc<dyn JobRepo>) {
    let first = created(insert(&*repo, &new_job(1, 0), Some(&key("k", "heart"))).await);
    let running = begin(&*repo, &first.id).await;
    let same = repo.find_by_key(&alice(), &key("k", "heart"), NOW).await.expect("find_by_key");
    assert_eq!(same, Some(InsertedJob::Existing(Box::new(running))));
    let other = repo.find_by_key(&alice(), &key("k", "cat"), NOW).await.expect("find_by_key");
    assert_eq!(other, Some(InsertedJob::KeyReused));
}

async fn a_key_that_is_free_is_not_found(repo: Arc<dyn JobRepo>) {
    let k = key("k", "heart");
    assert_eq!(repo.find_by_key(&alice(), &k, NOW).await.expect("find_by_key"), None);
    insert(&*repo, &new_job(1, 0), Some(&k)).await;
    assert_eq!(repo.find_by_key(&mallory(), &k, NOW).await.expect("find_by_key"), None);
    let ended = cancel(&*repo, &alice(), &new_job(1, 0).id).await.expect("was there");
    assert_eq!(repo.find_by_key(&alice(), &k, ended.expires_at).await.expect("find_by_key"), None);
}
