//! What the use cases do when a port fails in ways that a real part won't on demand.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use futures_util::{FutureExt, StreamExt, stream};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tintype_core::domain::{
    Blob, Clock, ConnectionId, ContentType, Entropy, EventBody, GenerateInput, GenerationRequest, ImageEdit,
    ImageId, ImageSource, Job, JobError, JobEvent, JobId, JobStatus, ModelCard, NewJob, Outcome, OwnerId,
    Parent, Progress, Relation, SavedImage, Seed, Seq, SourceImage, SourceInput, Subscription, Timestamp,
    Version, Warning,
};
use tintype_core::ports::{
    Delivery, DrawnImage, Generated, InsertedImage, InsertedJob, MockPictureSigner, MockPorts, Ports,
    PurgedJobs,
};
use tintype_core::use_cases::{
    self, Ran, Save, SaveFrom, Sources, Submit, Swept, Told, edit_image, erase_image, find_picture, run_job,
    save_image, submit, sweep, sweep_orphans,
};
use tintype_core::{Error, ErrorKind, PortError, imaging};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const ENTROPY: Entropy = Entropy([3; 32]);

/// Mocks never wait, so one poll is the whole call.
fn run<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("mocks answer at once")
}

fn fails(kind: ErrorKind) -> PortError {
    PortError::new(kind, "Mock::call", "told to fail")
}

fn mocks() -> MockPorts {
    MockPorts::new(ModelCard::example())
}

fn input() -> GenerateInput {
    GenerateInput { prompt: Some("red heart".into()), ..GenerateInput::default() }
}

fn wish() -> Submit {
    Submit { owner: OwnerId::local(), input: input(), sources: Sources::default(), key: None }
}

fn job() -> Job {
    let request =
        GenerationRequest::resolve(&input(), SourceInput::default(), &ModelCard::example(), Seed(1)).unwrap();
    let id = JobId::new(NOW, &ENTROPY);
    let new = NewJob { id, owner: OwnerId::local(), request, warnings: vec![], retry_of: None, now: NOW };
    Job::accept(new).0
}

fn begun(attempts: u32) -> Job {
    let mut job = job();
    for _ in 0..attempts {
        job.begin(NOW).unwrap();
    }
    job
}

fn picture() -> imaging::Picture {
    imaging::encode_rgb(1, 1, vec![200, 0, 0], tintype_core::domain::OutputFormat::Png).unwrap()
}

fn drawn() -> Generated {
    let picture = picture();
    Generated::Image(DrawnImage { index: 0, picture: picture.blob, width: 1, height: 1, seed: Seed(1) })
}

/// A model that gives `items`, once.
fn draws(mocks: &mut MockPorts, items: Vec<Result<Generated, PortError>>) {
    mocks.model.expect_generate().return_once(|_, _| Ok(stream::iter(items).boxed()));
}

/// A worker's attempt number `attempt`, with nobody listening.
fn attempt(mocks: &mut MockPorts, attempt: u32) {
    mocks.jobs.expect_begin().return_once(move |_, _| Ok(begun(attempt)));
    mocks.connections.expect_listeners().returning(|_, _| Ok(vec![]));
}

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOW
    }
}

fn run_once(ports: &Ports) -> Result<Ran, PortError> {
    run(run_job(ports, &job().id, &Stopped, 0.0))
}

fn finishes_failed(mocks: &mut MockPorts, code: &'static str) {
    mocks
        .jobs
        .expect_finish()
        .withf(move |_, outcome, _| matches!(outcome, Outcome::Failed(error) if error.code == code))
        .times(1)
        .returning(|fence, outcome, now| {
            let mut job = begun(fence.attempt);
            job.finish(fence, outcome, now)?;
            Ok(job)
        });
}

#[test]
fn a_job_whose_workflow_does_not_start_is_accepted_all_the_same() {
    let mut mocks = mocks();
    mocks
        .jobs
        .expect_insert()
        .return_once(|new, _| Ok(InsertedJob::Created(Box::new(Job::accept(new.clone()).0))));
    mocks.workflow.expect_start().return_once(|_| Err(fails(ErrorKind::Unavailable)));
    let submitted = run(submit(&mocks.into_ports(), wish(), NOW, &ENTROPY)).unwrap();
    assert_eq!(submitted.start_error.unwrap().kind(), ErrorKind::Unavailable);
}

#[test]
fn a_key_that_is_just_being_accepted_is_not_ready() {
    let mut mocks = mocks();
    mocks.jobs.expect_insert().return_once(|_, _| Err(fails(ErrorKind::Conflict)));
    let error = run(submit(&mocks.into_ports(), wish(), NOW, &ENTROPY)).unwrap_err();
    assert!(matches!(error, Error::NotReady(_)), "{error}");
}

/// Asks for a variant of an image that is gone, with a key that was used as `used` says.
fn wish_of_an_erased_parent(used: Option<InsertedJob>) -> Result<use_cases::Submitted, Error> {
    let mut mocks = mocks();
    mocks.metadata.expect_find().return_once(|_, _, _| Ok(None));
    mocks.jobs.expect_find_by_key().return_once(|_, _, _| Ok(used));
    mocks.workflow.expect_start().returning(|_| Ok(()));
    let parent = Some(Parent { id: ImageId::new(NOW, &ENTROPY), relation: Relation::Variant });
    let key = Some("k".parse().unwrap());
    let wish = Submit { input: GenerateInput { parent, ..input() }, key, ..wish() };
    // An insert would panic: the mock expects none.
    run(submit(&mocks.into_ports(), wish, NOW, &ENTROPY))
}

#[test]
fn a_repeat_whose_parent_was_erased_since_gets_the_first_job() {
    let repeated = wish_of_an_erased_parent(Some(InsertedJob::Existing(Box::new(job())))).unwrap();
    assert!(repeated.replayed && repeated.job == job());
}

#[test]
fn a_new_request_whose_parent_is_gone_is_refused_and_one_of_a_used_key_too() {
    let refused = wish_of_an_erased_parent(None).unwrap_err();
    assert!(matches!(&refused, Error::Invalid(invalid) if invalid.errors()[0].pointer == "/parent/id"));
    let reused = wish_of_an_erased_parent(Some(InsertedJob::KeyReused)).unwrap_err();
    assert!(matches!(reused, Error::KeyReused), "{reused}");
}

#[test]
fn a_source_picture_that_can_not_be_stored_accepts_no_job() {
    let mut mocks = mocks();
    mocks.images.expect_put().return_once(|_, _| Err(fails(ErrorKind::Unavailable)));
    let wish = Submit {
        input: GenerateInput { init_image: Some("given".into()), ..input() },
        sources: Sources { image: Some(picture()), mask: None },
        ..wish()
    };
    // An insert would panic: the mock expects none.
    assert!(matches!(run(submit(&mocks.into_ports(), wish, NOW, &ENTROPY)), Err(Error::Port(_))));
}

#[test]
fn a_retry_whose_source_picture_can_not_be_put_again_accepts_no_job() {
    let image = picture().blob;
    let mut job = job();
    let strength = 0.5.try_into().unwrap();
    job.request.source = Some(SourceImage { image: *image.id(), mask: None, strength });
    drop(job.cancel(NOW));
    let mut mocks = mocks();
    mocks.jobs.expect_find().return_once(|_, _, _| Ok(Some(job)));
    mocks.images.expect_get().return_once(move |_| Ok(image.bytes().clone()));
    mocks.images.expect_put().return_once(|_, _| Err(fails(ErrorKind::Unavailable)));
    let id = JobId::new(NOW, &ENTROPY);
    // An insert would panic: the mock expects none.
    let retried = run(use_cases::retry(&mocks.into_ports(), &OwnerId::local(), &id, NOW, &ENTROPY));
    assert!(matches!(retried, Err(Error::Port(_))), "{retried:?}");
}

/// A job at its attempt number `attempts`, after which there was no space for the result of each before.
fn without_space(attempts: u32) -> Job {
    let mut job = begun(1);
    for _ in 1..attempts {
        job.requeue(&job.fence(), JobError::of(&fails(ErrorKind::Exhausted)), NOW, NOW).unwrap();
        job.begin(NOW).unwrap();
    }
    job
}

#[test]
fn a_result_without_space_requeues_the_job_however_often_and_does_not_count() {
    for attempts in [1, 4, 40] {
        let mut mocks = mocks();
        // Every earlier attempt ended the same way.
        let job = without_space(attempts);
        mocks.jobs.expect_begin().return_once(move |_, _| Ok(job));
        mocks.connections.expect_listeners().returning(|_, _| Ok(vec![]));
        draws(&mut mocks, vec![Ok(drawn())]);
        mocks.images.expect_put().return_once(|_, _| Err(fails(ErrorKind::Exhausted)));
        mocks.jobs.expect_requeue().times(1).returning(move |fence, error, not_before, now| {
            assert!(not_before > now, "it rests first");
            let mut job = without_space(attempts);
            job.requeue(fence, error, not_before, now)?;
            Ok(job)
        });
        let Ran::Requeued(job) = run_once(&mocks.into_ports()).unwrap() else { unreachable!("{attempts}") };
        assert_eq!((job.error.as_ref().unwrap().code.as_str(), job.counted_attempts()), ("no_space", 0));
    }
}

#[test]
fn a_step_that_there_is_no_space_to_note_stops_no_drawing() {
    let mut mocks = mocks();
    attempt(&mut mocks, 1);
    let step = Generated::Progress(Progress { image: 0, step: 1, steps: 2 });
    draws(&mut mocks, vec![Ok(step), Ok(drawn())]);
    mocks.jobs.expect_advance().times(1).returning(|_, _, _| Err(fails(ErrorKind::Exhausted)));
    mocks.images.expect_put().times(1).returning(|_, _| Ok(()));
    mocks.jobs.expect_finish().times(1).returning(|fence, outcome, now| {
        let mut job = begun(fence.attempt);
        job.finish(fence, outcome, now)?;
        Ok(job)
    });
    let Ran::Ended(job, _) = run_once(&mocks.into_ports()).unwrap() else { unreachable!() };
    assert_eq!(job.status, JobStatus::Succeeded);
}

#[test]
fn a_store_that_is_away_puts_the_job_back_in_line() {
    let mut mocks = mocks();
    attempt(&mut mocks, 1);
    draws(&mut mocks, vec![Ok(drawn())]);
    mocks.images.expect_put().return_once(|_, _| Err(fails(ErrorKind::Unavailable)));
    mocks
        .jobs
        .expect_requeue()
        .withf(|_, error, not_before, _| error.retryable && *not_before > NOW)
        .times(1)
        .returning(|fence, error, not_before, now| {
            let mut job = begun(fence.attempt);
            job.requeue(fence, error, not_before, now)?;
            Ok(job)
        });
    assert!(matches!(run_once(&mocks.into_ports()), Ok(Ran::Requeued(_))));
}

/// An attempt that ends with the picture that a signer makes, or can't make, of the drawn one.
fn ends_signed(card: ModelCard, signed: Result<Blob, PortError>) -> Job {
    let mut mocks = MockPorts::new(card);
    attempt(&mut mocks, 1);
    draws(&mut mocks, vec![Ok(drawn())]);
    let mut signer = MockPictureSigner::new();
    signer.expect_sign().withf(|_, title| title == "red heart").return_once(|_, _| signed);
    mocks.signer = Some(signer);
    mocks.images.expect_put().times(1).returning(|_, _| Ok(()));
    mocks.jobs.expect_finish().returning(|fence, outcome, now| {
        let mut job = begun(fence.attempt);
        job.finish(fence, outcome, now)?;
        Ok(job)
    });
    let Ok(Ran::Ended(job, _)) = run_once(&mocks.into_ports()) else { unreachable!("nothing else failed") };
    *job
}

#[test]
fn a_drawn_picture_is_signed_before_it_gets_its_address() {
    let signed = Blob::new(b"signed".as_slice().into(), ContentType::Png);
    let job = ends_signed(ModelCard::example(), Ok(signed.clone()));
    assert_eq!((job.images[0].sha256, job.images[0].bytes), (*signed.id(), 6));
    assert!(job.warnings.is_empty());
}

#[test]
fn a_picture_that_can_not_be_signed_is_kept_and_its_owner_is_told() {
    let job = ends_signed(ModelCard::example(), Err(fails(ErrorKind::Internal)));
    assert_eq!((job.status, job.images.len()), (JobStatus::Succeeded, 1));
    assert_eq!(job.warnings[0].code, Warning::UNSIGNED);
    assert!(job.warnings[0].detail.ends_with("told to fail"), "{:?}", job.warnings);
}

#[test]
fn what_no_model_drew_is_not_signed() {
    let card = ModelCard { generative: false, ..ModelCard::example() };
    let job = ends_signed(card, Err(fails(ErrorKind::Internal)));
    assert_eq!(job.images[0].sha256, *picture().blob.id());
    assert!(job.warnings.is_empty());
}

#[test]
fn no_picture_is_stored_before_all_are_drawn() {
    let mut mocks = mocks();
    attempt(&mut mocks, 1);
    draws(&mut mocks, vec![Ok(drawn()), Err(fails(ErrorKind::Rejected))]);
    finishes_failed(&mut mocks, "rejected");
    // A put would panic: the mock expects none. Until the job refers to it, the sweep would take it.
    assert!(matches!(run_once(&mocks.into_ports()), Ok(Ran::Ended(..))));
}

#[test]
fn a_refused_prompt_fails_at_once() {
    let mut mocks = mocks();
    attempt(&mut mocks, 1);
    draws(&mut mocks, vec![Err(fails(ErrorKind::Rejected))]);
    finishes_failed(&mut mocks, "rejected");
    assert!(matches!(run_once(&mocks.into_ports()), Ok(Ran::Ended(..))));
}

#[test]
fn the_last_attempt_fails_for_good() {
    let mut mocks = mocks();
    attempt(&mut mocks, 4);
    draws(&mut mocks, vec![Err(fails(ErrorKind::Unavailable))]);
    finishes_failed(&mut mocks, "unavailable");
    assert!(matches!(run_once(&mocks.into_ports()), Ok(Ran::Ended(..))));
}

#[test]
fn a_job_that_kills_its_worker_each_time_is_given_up_without_another_try() {
    let mut mocks = mocks();
    attempt(&mut mocks, 5);
    finishes_failed(&mut mocks, "attempts_exhausted");
    assert!(matches!(run_once(&mocks.into_ports()), Ok(Ran::Ended(..))));
}

#[test]
fn an_overtaken_attempt_stops_without_writing() {
    let mut mocks = mocks();
    attempt(&mut mocks, 1);
    draws(&mut mocks, vec![Ok(Generated::Progress(Progress { image: 0, step: 1, steps: 2 })), Ok(drawn())]);
    mocks.jobs.expect_advance().return_once(|_, _, _| Err(fails(ErrorKind::Conflict)));
    assert!(matches!(run_once(&mocks.into_ports()), Ok(Ran::Superseded)));
}

#[test]
fn an_end_that_can_not_be_recorded_is_an_error_so_that_the_job_is_run_again() {
    let mut mocks = mocks();
    attempt(&mut mocks, 1);
    draws(&mut mocks, vec![Ok(drawn())]);
    mocks.images.expect_put().return_once(|_, _| Ok(()));
    mocks.jobs.expect_finish().return_once(|_, _, _| Err(fails(ErrorKind::Unavailable)));
    assert_eq!(run_once(&mocks.into_ports()).unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn a_model_that_gives_fewer_images_than_asked_for_has_failed() {
    let mut mocks = mocks();
    attempt(&mut mocks, 1);
    draws(&mut mocks, vec![]);
    finishes_failed(&mut mocks, "data");
    assert!(matches!(run_once(&mocks.into_ports()), Ok(Ran::Ended(..))));
}

#[test]
fn a_delivery_that_fails_does_not_fail_the_job() {
    let mut mocks = mocks();
    mocks.jobs.expect_begin().return_once(|_, _| Ok(begun(1)));
    mocks.connections.expect_listeners().returning(|_, _| Err(fails(ErrorKind::Unavailable)));
    draws(&mut mocks, vec![Ok(drawn())]);
    mocks.images.expect_put().return_once(|_, _| Ok(()));
    mocks.jobs.expect_finish().returning(|fence, outcome, now| {
        let mut job = begun(fence.attempt);
        job.finish(fence, outcome, now)?;
        Ok(job)
    });
    assert!(matches!(run_once(&mocks.into_ports()), Ok(Ran::Ended(_, Told::NotAll))));
}

#[test]
fn a_listener_that_is_gone_leaves_nobody_untold() {
    let mut mocks = mocks();
    mocks.jobs.expect_begin().return_once(|_, _| Ok(begun(1)));
    mocks.connections.expect_listeners().returning(|_, _| Ok(vec![listener("gone")]));
    one_event(&mut mocks);
    mocks.notifier.expect_send().returning(|_, _| Ok(Delivery::Gone));
    mocks.connections.expect_disconnect().returning(|_| Ok(()));
    draws(&mut mocks, vec![Err(fails(ErrorKind::Rejected))]);
    finishes_failed(&mut mocks, "rejected");
    assert!(matches!(run_once(&mocks.into_ports()), Ok(Ran::Ended(_, Told::All))));
}

fn listener(name: &str) -> Subscription {
    Subscription {
        connection: name.parse().unwrap(),
        job_id: job().id,
        owner: OwnerId::local(),
        after: Seq(0),
        inline: false,
        expires_at: NOW.after(Duration::from_secs(60)),
    }
}

fn one_event(mocks: &mut MockPorts) {
    mocks.jobs.expect_events().returning(|_, id, _, _, _| {
        Ok(Some(vec![JobEvent {
            job_id: *id,
            seq: Seq(1),
            time: NOW,
            body: EventBody::Running { attempt: 1 },
        }]))
    });
}

#[test]
fn a_listener_that_can_not_be_told_holds_up_no_other() {
    let mut mocks = mocks();
    mocks.connections.expect_listeners().return_once(|_, _| Ok(vec![listener("bad"), listener("good")]));
    one_event(&mut mocks);
    mocks.notifier.expect_send().returning(|id: &ConnectionId, _| match id.as_str() {
        "bad" => Err(fails(ErrorKind::Throttled)),
        _ => Ok(Delivery::Sent),
    });
    mocks
        .connections
        .expect_advance()
        .withf(|id, _, _| id.as_str() == "good")
        .times(1)
        .returning(|_, _, _| Ok(()));
    let outcome = run(use_cases::deliver(&mocks.into_ports(), &job().id, NOW));
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Throttled);
}

#[test]
fn a_listener_that_is_gone_is_forgotten() {
    let mut mocks = mocks();
    mocks.connections.expect_listeners().return_once(|_, _| Ok(vec![listener("gone")]));
    one_event(&mut mocks);
    mocks.notifier.expect_send().return_once(|_, _| Ok(Delivery::Gone));
    mocks.connections.expect_disconnect().withf(|id| id.as_str() == "gone").times(1).returning(|_| Ok(()));
    run(use_cases::deliver(&mocks.into_ports(), &job().id, NOW)).unwrap();
}

#[test]
fn a_picture_whose_bytes_can_not_be_stored_gets_no_record() {
    let mut mocks = mocks();
    mocks.images.expect_put().return_once(|_, _| Err(fails(ErrorKind::Unavailable)));
    let (ports, owner) = (mocks.into_ports(), OwnerId::local());
    let from = SaveFrom::Upload { picture: Box::new(picture()), origin: Box::default() };
    let draft = run(find_picture(&ports, &owner, from, NOW)).unwrap();
    // An insert would panic: the mock expects none.
    let save = Save { owner, draft, edit: ImageEdit::default() };
    assert!(run(save_image(&ports, save, NOW, &ENTROPY)).is_err());
}

fn saved() -> SavedImage {
    let blob = Blob::new("bytes".into(), ContentType::Png);
    SavedImage {
        id: ImageId::new(NOW, &ENTROPY),
        owner: OwnerId::local(),
        sha256: *blob.id(),
        content_type: ContentType::Png,
        bytes: 5,
        width: 1,
        height: 1,
        thumb_hash: None,
        prompt: None,
        source: ImageSource::default(),
        parent: None,
        title: None,
        note: None,
        tags: vec![],
        collections: vec![],
        favorite: false,
        rating: None,
        labels: Default::default(),
        saved_at: NOW,
        updated_at: NOW,
        trashed_at: None,
        version: Version::FIRST,
    }
}

#[test]
fn erasing_leaves_bytes_that_a_job_refers_to() {
    let mut mocks = mocks();
    mocks.metadata.expect_find().return_once(|_, _, _| Ok(Some(saved())));
    mocks.metadata.expect_delete().return_once(|_, _, _| Ok(()));
    mocks.jobs.expect_refers_to().return_once(|_| Ok(true));
    // The job records its own release when it goes.
    mocks.metadata.expect_forget_release().times(1).returning(|_| Ok(()));
    // A delete would panic: the mock expects none.
    run(erase_image(&mocks.into_ports(), &OwnerId::local(), &saved().id, None, NOW)).unwrap();
}

#[test]
fn an_edit_that_met_too_many_concurrent_updates_is_a_conflict() {
    let mut mocks = mocks();
    mocks.metadata.expect_change().times(1).returning(|_, _, _| Err(fails(ErrorKind::Conflict)));
    let edit = ImageEdit { favorite: Some(true), ..ImageEdit::default() };
    let edited = run(edit_image(&mocks.into_ports(), &OwnerId::local(), &saved().id, &edit, None, NOW));
    assert!(matches!(edited, Err(Error::Port(error)) if error.kind() == ErrorKind::Conflict));
}

/// Erases an image that another writer changes each time it is read; how often it was put in the trash.
fn erase_among_edits(expected: Option<&[Version]>, conflicts: usize) -> (Result<(), Error>, usize) {
    let mut mocks = mocks();
    mocks.metadata.expect_find().returning(|_, _, _| Ok(Some(saved())));
    let mut left = conflicts;
    mocks.metadata.expect_delete().returning(move |_, _, _| {
        let lost = left > 0;
        left = left.saturating_sub(1);
        if lost { Err(fails(ErrorKind::Conflict)) } else { Ok(()) }
    });
    let trashed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&trashed);
    mocks.metadata.expect_change().returning(move |_, _, change| {
        let changed = change.apply(Some(&saved()));
        assert!(changed.as_ref().is_ok_and(|image| image.trashed_at == Some(NOW)));
        count.fetch_add(1, Ordering::Relaxed);
        Ok(changed)
    });
    mocks.jobs.expect_refers_to().returning(|_| Ok(true));
    mocks.metadata.expect_forget_release().returning(|_| Ok(()));
    let erased = run(erase_image(&mocks.into_ports(), &OwnerId::local(), &saved().id, expected, NOW));
    (erased, trashed.load(Ordering::Relaxed))
}

#[test]
fn an_image_that_others_edit_is_erased_from_the_trash() {
    let (erased, trashed) = erase_among_edits(None, 1);
    erased.unwrap();
    assert_eq!(trashed, 1);
}

#[test]
fn a_conditional_erasure_puts_nothing_in_the_trash() {
    let (erased, trashed) = erase_among_edits(Some(&[Version::FIRST]), 1);
    erased.unwrap();
    assert_eq!(trashed, 0);
}

#[test]
fn an_erasure_that_met_too_many_concurrent_updates_is_a_conflict() {
    let (erased, _) = erase_among_edits(None, usize::MAX);
    let Err(Error::Port(error)) = erased else { unreachable!("every removal conflicts") };
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.message(), "too many concurrent updates of this image; retry");
}

#[test]
fn an_image_that_is_erased_while_its_bytes_are_saved_again_is_saved_anew() {
    let mut mocks = mocks();
    mocks.images.expect_put().returning(|_, _| Ok(()));
    let mut insertions = 0;
    mocks.metadata.expect_insert().times(2).returning(move |_| {
        insertions += 1;
        Ok(if insertions == 1 { InsertedImage::Existing(Box::new(saved())) } else { InsertedImage::Created })
    });
    mocks.metadata.expect_change().times(1).returning(|_, _, change| Ok(change.apply(None)));
    let (ports, owner) = (mocks.into_ports(), OwnerId::local());
    let from = SaveFrom::Upload { picture: Box::new(picture()), origin: Box::default() };
    let draft = run(find_picture(&ports, &owner, from, NOW)).unwrap();
    let edit = ImageEdit { favorite: Some(true), ..ImageEdit::default() };
    assert!(run(save_image(&ports, Save { owner, draft, edit }, NOW, &ENTROPY)).unwrap().created);
}

#[test]
fn bytes_that_are_saved_again_without_anything_new_are_not_written() {
    let mut mocks = mocks();
    mocks.images.expect_put().returning(|_, _| Ok(()));
    mocks.metadata.expect_insert().return_once(|_| Ok(InsertedImage::Existing(Box::new(saved()))));
    let (ports, owner) = (mocks.into_ports(), OwnerId::local());
    let from = SaveFrom::Upload { picture: Box::new(picture()), origin: Box::default() };
    let draft = run(find_picture(&ports, &owner, from, NOW)).unwrap();
    // A change would panic: the mock expects none.
    let save = Save { owner, draft, edit: ImageEdit::default() };
    assert_eq!(run(save_image(&ports, save, NOW, &ENTROPY)).unwrap().image, saved());
}

/// Nothing of what a sweep removes.
fn nothing_expired(mocks: &mut MockPorts) {
    mocks.jobs.expect_purge().returning(|_, _| Ok(PurgedJobs::default()));
    mocks.metadata.expect_purge().returning(|_, _| Ok(vec![]));
    mocks.jobs.expect_released().returning(|_, _| Ok(vec![]));
    mocks.metadata.expect_released().returning(|_, _| Ok(vec![]));
    mocks.images.expect_purge_quarantine().returning(|_, _| Ok(0));
    mocks.integrity.expect_confirm().returning(|_| Ok(()));
}

#[test]
fn a_sweep_that_cannot_confirm_the_records_deletes_nothing_and_still_starts_jobs() {
    // No method that deletes is expected: a call would panic.
    let mut mocks = mocks();
    mocks.integrity.expect_confirm().returning(|_| Err(fails(ErrorKind::Data)));
    mocks.jobs.expect_unfinished().return_once(|_, _, _| Ok(vec![job()]));
    mocks.workflow.expect_start().times(1).returning(|_| Ok(()));
    let (swept, outcome) = run(sweep(&mocks.into_ports(), NOW.after(Duration::from_secs(60))));
    assert_eq!((swept.started, outcome.unwrap_err().kind()), (1, ErrorKind::Data));
}

#[test]
fn a_sweep_of_orphans_that_cannot_confirm_the_records_looks_at_no_blob() {
    let mut mocks = mocks();
    mocks.integrity.expect_confirm().returning(|_| Err(fails(ErrorKind::Data)));
    let swept = run(sweep_orphans(&mocks.into_ports(), None, 1, NOW));
    assert_eq!(swept.unwrap_err().kind(), ErrorKind::Data);
}

/// Sweeps `jobs`, which have not ended, `after` so many seconds; starting them fails as `starting` says.
fn swept(jobs: Vec<Job>, after: u64, starting: &'static [Option<ErrorKind>]) -> Result<Swept, PortError> {
    let mut mocks = mocks();
    mocks.jobs.expect_unfinished().return_once(|_, _, _| Ok(jobs));
    nothing_expired(&mut mocks);
    let mut outcomes = starting.iter();
    let start = move |_: &Job| outcomes.next().expect("not so many").map_or(Ok(()), |kind| Err(fails(kind)));
    mocks.workflow.expect_start().times(starting.len()).returning(start);
    let (swept, outcome) = run(sweep(&mocks.into_ports(), NOW.after(Duration::from_secs(after))));
    outcome.map(|()| swept)
}

#[test]
fn a_sweep_starts_a_waiting_job_after_a_minute() {
    assert_eq!(swept(vec![job()], 59, &[]).unwrap().started, 0);
    assert_eq!(swept(vec![job()], 60, &[None]).unwrap().started, 1);
}

#[test]
fn a_sweep_starts_a_job_whose_next_attempt_is_late_by_the_longest_wait_and_a_minute() {
    let mut job = begun(1);
    job.requeue(
        &job.fence(),
        JobError::of(&fails(ErrorKind::Unavailable)),
        NOW.after(Duration::from_secs(100)),
        NOW,
    )
    .unwrap();
    assert_eq!(swept(vec![job.clone()], 279, &[]).unwrap().started, 0);
    assert_eq!(swept(vec![job], 280, &[None]).unwrap().started, 1);
}

#[test]
fn a_sweep_makes_sure_that_somebody_is_at_a_job_that_runs_for_long() {
    assert_eq!(swept(vec![begun(1)], 329, &[]).unwrap().started, 0);
    assert_eq!(swept(vec![begun(1)], 330, &[None]).unwrap().started, 1);
}

#[test]
fn a_job_that_cannot_be_started_does_not_hold_up_the_sweep() {
    let jobs = vec![job(), job()];
    let error = swept(jobs, 60, &[Some(ErrorKind::Internal), None]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
}

#[test]
fn a_sweep_leaves_a_service_in_trouble_alone() {
    let error = swept(vec![job(), job()], 60, &[Some(ErrorKind::Throttled)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
}

#[test]
fn a_sweep_tells_since_when_the_first_waiting_job_waits() {
    let mut later = job();
    later.created_at = NOW.after(Duration::from_secs(1));
    let swept = swept(vec![begun(1), job(), later], 10, &[]).unwrap();
    assert_eq!(swept.waiting_since, Some(NOW));
}
