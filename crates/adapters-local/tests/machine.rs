//! What only this adapter promises: one process at a time, jobs that outlive it, turns among owners, workers that are
//! freed.

mod support;

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt, stream};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use support::{Machine, ManualClock, blob_path};
use tempfile::TempDir;
use tintype_core::{
    ErrorKind, PortResult,
    domain::{
        Clock, Embedding, Encoding, GenerationRequest, Job, JobStatus, ModelCard, NewJob, OwnerId, Space,
        Variant, limits,
    },
    ports::{
        Drawn, ImageModel, ImageStore, InsertedJob, MetadataRepo, Models, SourceBytes, VariantCache,
        VectorIndex,
    },
};
use tintype_local::{
    DataFolder, Database, FileImageStore, FileVariantCache, OpenError, SqliteMetadataRepo, SqliteVectorIndex,
    SystemClock, VectorKind, WorkflowSettings,
};
use tintype_testkit::samples::{alice, at, blob, job_of, mallory, saved_image};
use tokio_util::sync::CancellationToken;

/// A model that does as the test wants, and counts who is at work.
#[derive(Debug)]
struct Scripted {
    card: ModelCard,
    script: Script,
    busy: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, Debug)]
enum Script {
    Hang,
    Panic,
}

struct Busy(Arc<AtomicUsize>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl ImageModel for Scripted {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    async fn generate(&self, _: &GenerationRequest, _: Option<SourceBytes>) -> PortResult<Drawn> {
        self.busy.fetch_add(1, Ordering::SeqCst);
        let busy = Busy(Arc::clone(&self.busy));
        match self.script {
            Script::Hang => {
                let hang = async move {
                    let _busy = busy;
                    std::future::pending().await
                };
                Ok(hang.into_stream().boxed())
            }
            Script::Panic => Ok(stream::poll_fn(|_| unreachable!("the model falls over")).boxed()),
        }
    }
}

struct Stage {
    folder: TempDir,
    clock: ManualClock,
    busy: Arc<AtomicUsize>,
    script: Script,
}

impl Stage {
    fn new(script: Script) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, clock: ManualClock::default(), busy: Arc::default(), script }
    }

    fn open(&self) -> Machine {
        let settings =
            WorkflowSettings { heartbeat: Duration::from_millis(20), grace: Duration::ZERO, ..defaults() };
        self.open_with(settings, Arc::new(self.clock.clone()))
    }

    fn open_with(&self, settings: WorkflowSettings, clock: Arc<dyn Clock>) -> Machine {
        let model =
            Scripted { card: ModelCard::example(), script: self.script, busy: Arc::clone(&self.busy) };
        Machine::open(self.folder.path(), Models::new(Arc::new(model)), settings, clock)
    }

    async fn until_busy(&self, count: usize) {
        until(|| self.busy.load(Ordering::SeqCst) == count).await;
    }
}

fn defaults() -> WorkflowSettings {
    WorkflowSettings::default()
}

async fn until(holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("it holds in time");
}

async fn accept(machine: &Machine, new: &NewJob) -> Job {
    match machine.ports.jobs.insert(new, None).await.expect("insert") {
        InsertedJob::Created(job) => *job,
        other @ (InsertedJob::Existing(_) | InsertedJob::KeyReused) => {
            unreachable!("must be a new job: {other:?}")
        }
    }
}

async fn status(machine: &Machine, job: &Job) -> JobStatus {
    let found = machine.ports.jobs.find(&job.owner, &job.id, at(0)).await.expect("find");
    found.expect("the job is there").status
}

#[test]
fn a_folder_that_is_open_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let _open = DataFolder::open(folder.path()).unwrap();
    let error = DataFolder::open(folder.path()).unwrap_err();
    assert!(
        matches!(error, OpenError::InUse { pid: Some(pid), .. } if pid == std::process::id()),
        "{error:?}"
    );
    assert!(error.to_string().contains("--data"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_new_folder_is_for_this_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/data");
    drop(DataFolder::open(&path).unwrap());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_a_crash_left_half_written_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    drop(FileImageStore::open(&DataFolder::open(folder.path()).unwrap()).unwrap());
    let torn = folder.path().join("incoming/7");
    std::fs::write(&torn, "half a pic").unwrap();
    drop(FileImageStore::open(&DataFolder::open(folder.path()).unwrap()).unwrap());
    assert!(!torn.exists());
}

#[tokio::test]
async fn putting_heals_a_blob_that_was_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileImageStore::open(&DataFolder::open(folder.path()).unwrap()).unwrap();
    store.put(&blob(1), at(0)).await.unwrap();
    std::fs::write(blob_path(folder.path(), blob(1).id()), "blob").unwrap();
    assert_eq!(store.get(blob(1).id()).await.unwrap_err().kind(), ErrorKind::Data);
    store.put(&blob(1), at(1)).await.unwrap();
    assert_eq!(store.get(blob(1).id()).await.unwrap(), blob(1).bytes());
}

#[tokio::test]
async fn a_blob_of_an_earlier_process_is_put_again_in_place() {
    let folder = tempfile::tempdir().unwrap();
    for millis in [3, 5] {
        let store = FileImageStore::open(&DataFolder::open(folder.path()).unwrap()).unwrap();
        store.put(&blob(1), at(millis)).await.unwrap();
        let info = store.find(blob(1).id()).await.unwrap().unwrap();
        assert_eq!(info.put_at, at(millis));
    }
}

fn small() -> Variant {
    Variant { source: *blob(1).id(), max_width: Some(8), format: Encoding::Webp }
}

/// A cache of `size` bytes in this folder, and a picture that it may have variants of.
async fn open_cache(folder: &Path, size: u64) -> (FileImageStore, FileVariantCache) {
    let folder = DataFolder::open(folder).expect("the folder is free");
    let store = FileImageStore::open(&folder).expect("open the store");
    store.put(&blob(1), at(0)).await.expect("put");
    let cache = FileVariantCache::open(&store, size).expect("open the cache");
    (store, cache)
}

#[tokio::test]
async fn a_variant_of_an_earlier_process_is_there_unless_it_is_too_much_now() {
    let folder = tempfile::tempdir().unwrap();
    let (store, cache) = open_cache(folder.path(), 1_000).await;
    cache.put(&small(), vec![1; 500].into()).await.unwrap();
    drop((store, cache));
    for (size, found) in [(1_000, true), (100, false), (1_000, false)] {
        let (_store, cache) = open_cache(folder.path(), size).await;
        assert_eq!(cache.get(&small()).await.unwrap().is_some(), found, "{size}");
    }
}

#[tokio::test]
async fn a_variant_that_was_cut_short_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, cache) = open_cache(folder.path(), 1_000).await;
    cache.put(&small(), vec![1; 500].into()).await.unwrap();
    let id = blob(1).id().to_string();
    let file = folder.path().join("variants").join(&id[..2]).join(&id).join("w8-webp");
    let whole = std::fs::read(&file).unwrap();
    for torn in [&whole[..100], &whole[..10], &[]] {
        std::fs::write(&file, torn).unwrap();
        assert_eq!(cache.get(&small()).await.unwrap(), None);
    }
    cache.put(&small(), vec![1; 500].into()).await.unwrap();
    assert!(cache.get(&small()).await.unwrap().is_some());
}

#[tokio::test]
async fn no_file_of_a_deleted_picture_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (store, cache) = open_cache(folder.path(), 1_000).await;
    cache.put(&small(), vec![1; 500].into()).await.unwrap();
    assert!(store.delete(blob(1).id(), at(1)).await.unwrap());
    cache.put(&small(), vec![1; 500].into()).await.unwrap();
    let id = blob(1).id().to_string();
    assert!(!folder.path().join("variants").join(&id[..2]).join(&id).exists());
    assert_eq!(std::fs::read_dir(folder.path().join("incoming")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_running_job_is_resumed_at_once_when_the_process_is_gone() {
    let stage = Stage::new(Script::Hang);
    let machine = stage.open();
    let job = accept(&machine, &job_of(&alice(), 1, 0)).await;
    assert_eq!(machine.workflow.abandon_next().await.unwrap(), Some(job.id));
    machine.ports.jobs.begin(&job.id, at(0)).await.unwrap();
    drop(machine);

    let machine = stage.open();
    assert_eq!(machine.workflow.abandon_next().await.unwrap(), Some(job.id));
}

#[tokio::test]
async fn an_owner_with_10_000_jobs_holds_up_nobody() {
    let stage = Stage::new(Script::Hang);
    let machine = stage.open();
    let accepted = (0..10_000_u64).map(|n| job_of(&alice(), n, 0)).map(|new| {
        let machine = machine.clone();
        tokio::spawn(async move { accept(&machine, &new).await })
    });
    for task in accepted.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let other = job_of(&mallory(), 10_001, 5);
    accept(&machine, &other).await;

    let next_two =
        [machine.workflow.abandon_next().await.unwrap(), machine.workflow.abandon_next().await.unwrap()];
    assert!(next_two.contains(&Some(other.id)));
}

#[tokio::test]
async fn cancel_stops_the_model_and_frees_the_worker() {
    let stage = Stage::new(Script::Hang);
    let machine = stage.open();
    let first = accept(&machine, &job_of(&alice(), 1, 0)).await;
    let run = spawn_run(&machine);
    stage.until_busy(1).await;
    let second = accept(&machine, &job_of(&alice(), 2, 1)).await;
    machine.ports.workflow.start(&second).await.unwrap();

    machine.ports.jobs.cancel(&alice(), &first.id, at(0)).await.unwrap();
    machine.ports.workflow.cancel(&first.id).await.unwrap();
    while status(&machine, &second).await != JobStatus::Running {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(status(&machine, &first).await, JobStatus::Canceled);
    stage.until_busy(1).await;
    run.abort();
}

fn spawn_run(machine: &Machine) -> tokio::task::JoinHandle<()> {
    spawn_run_until(machine, CancellationToken::new())
}

fn spawn_run_until(machine: &Machine, shutdown: CancellationToken) -> tokio::task::JoinHandle<()> {
    let machine = machine.clone();
    tokio::spawn(async move { machine.workflow.run(machine.ports.clone(), shutdown).await })
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_stops() {
    let stage = Stage::new(Script::Hang);
    let machine = stage.open();
    let job = accept(&machine, &job_of(&alice(), 1, 0)).await;
    let slow = machine.clone();
    let worker = tokio::spawn(async move { slow.workflow.run_next(&slow.ports).await });
    stage.until_busy(1).await;
    // The clock jumps past the lease, and another takes the job: unless a heartbeat was quicker.
    let taken = loop {
        stage.clock.pass(defaults().lease);
        if let Some(taken) = machine.workflow.abandon_next().await.unwrap() {
            break taken;
        }
    };
    worker.await.unwrap().unwrap();
    assert_eq!((taken, stage.busy.load(Ordering::SeqCst)), (job.id, 0));
}

#[tokio::test]
async fn a_living_worker_keeps_its_lease() {
    let stage = Stage::new(Script::Hang);
    let machine = stage.open();
    accept(&machine, &job_of(&alice(), 1, 0)).await;
    let run = spawn_run(&machine);
    stage.until_busy(1).await;
    for _ in 0..8 {
        stage.clock.pass(defaults().lease / 4);
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(machine.workflow.abandon_next().await.unwrap(), None);
    }
    run.abort();
}

#[tokio::test]
async fn a_model_that_panics_costs_an_attempt_and_no_worker() {
    let stage = Stage::new(Script::Panic);
    let machine = stage.open();
    let job = accept(&machine, &job_of(&alice(), 1, 0)).await;
    while machine.workflow.run_next(&machine.ports).await.unwrap().is_some() {
        stage.clock.pass(defaults().lease);
    }
    assert_eq!(status(&machine, &job).await, JobStatus::Failed);
}

#[tokio::test]
async fn shutdown_cuts_off_what_outlasts_the_grace_and_a_restart_resumes_it() {
    let stage = Stage::new(Script::Hang);
    let machine = stage.open();
    let job = accept(&machine, &job_of(&alice(), 1, 0)).await;
    let shutdown = CancellationToken::new();
    let run = spawn_run_until(&machine, shutdown.clone());
    stage.until_busy(1).await;
    shutdown.cancel();
    run.await.unwrap();
    assert_eq!(stage.busy.load(Ordering::SeqCst), 0);
    assert_eq!(status(&machine, &job).await, JobStatus::Queued);
    drop(machine);

    let machine = stage.open();
    let run = spawn_run(&machine);
    stage.until_busy(1).await;
    assert_eq!(status(&machine, &job).await, JobStatus::Running);
    run.abort();
}

#[tokio::test]
async fn a_job_outlives_more_restarts_than_it_has_attempts() {
    let stage = Stage::new(Script::Hang);
    let job = accept(&stage.open(), &job_of(&alice(), 1, 0)).await;
    for _ in 0..=limits::ATTEMPTS_MAX {
        let machine = stage.open();
        let shutdown = CancellationToken::new();
        let run = spawn_run_until(&machine, shutdown.clone());
        stage.until_busy(1).await;
        shutdown.cancel();
        run.await.unwrap();
    }
    assert_eq!(status(&stage.open(), &job).await, JobStatus::Queued);
}

#[tokio::test]
async fn without_workers_jobs_are_accepted_and_wait() {
    let stage = Stage::new(Script::Hang);
    let settings = WorkflowSettings { workers: 0, ..defaults() };
    let machine = stage.open_with(settings, Arc::new(SystemClock));
    let run = spawn_run(&machine);
    let job = accept(&machine, &job_of(&alice(), 1, 0)).await;
    machine.ports.workflow.start(&job).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(status(&machine, &job).await, JobStatus::Queued);
    run.abort();
}

#[tokio::test]
async fn a_job_that_waits_for_its_time_is_run_by_the_clock_alone() {
    let stage = Stage::new(Script::Hang);
    let machine = stage.open_with(defaults(), Arc::new(SystemClock));
    let now = SystemClock.now();
    let job = accept(&machine, &NewJob { now, ..job_of(&OwnerId::local(), 1, 0) }).await;
    let begun = machine.ports.jobs.begin(&job.id, now).await.unwrap();
    let error = tintype_testkit::samples::failure();
    let due = now.after(Duration::from_millis(300));
    machine.ports.jobs.requeue(&begun.fence(), error, due, now).await.unwrap();
    let run = spawn_run(&machine);
    stage.until_busy(1).await;
    assert!(SystemClock.now() >= due);
    run.abort();
}

/// Opens the folder, lets `count` jobs run at once, and drops everything as the death of a process does.
async fn die_with(stage: &Stage, count: usize) {
    let settings = WorkflowSettings { workers: count, ..defaults() };
    let machine = stage.open_with(settings, Arc::new(stage.clock.clone()));
    let run = spawn_run(&machine);
    stage.until_busy(count).await;
    run.abort();
    drop(run.await);
    drop(machine);
    stage.until_busy(0).await;
}

async fn counted(machine: &Machine, job: &Job) -> (JobStatus, u32) {
    let found = machine.ports.jobs.find(&job.owner, &job.id, at(0)).await.expect("find").expect("the job");
    (found.status, found.counted_attempts())
}

#[tokio::test]
async fn the_death_of_a_process_is_charged_to_the_one_job_that_ran() {
    let stage = Stage::new(Script::Hang);
    let job = accept(&stage.open(), &job_of(&alice(), 1, 0)).await;
    die_with(&stage, 1).await;
    die_with(&stage, 1).await;
    assert_eq!(counted(&stage.open(), &job).await.1, 2);
}

#[tokio::test]
async fn the_death_of_a_process_is_charged_to_none_of_several_jobs_and_each_is_run_alone() {
    let stage = Stage::new(Script::Hang);
    let machine = stage.open();
    let jobs = [
        accept(&machine, &job_of(&alice(), 1, 0)).await,
        accept(&machine, &job_of(&alice(), 2, 0)).await,
        accept(&machine, &job_of(&mallory(), 3, 0)).await,
    ];
    drop(machine);
    die_with(&stage, 3).await;
    let settings = WorkflowSettings { workers: 3, ..defaults() };
    let machine = stage.open_with(settings, Arc::new(stage.clock.clone()));
    for job in &jobs {
        assert_eq!(counted(&machine, job).await, (JobStatus::Queued, 0));
    }
    // The first alone, with workers that are free.
    let first = machine.workflow.abandon_next().await.unwrap().unwrap();
    assert_eq!(machine.workflow.abandon_next().await.unwrap(), None);
    let job = machine.ports.jobs.begin(&first, at(0)).await.unwrap();
    drop(machine);
    // It brought the process down again: now it is charged, the others are not.
    let machine = stage.open();
    assert_eq!(counted(&machine, &job).await, (JobStatus::Running, 1));
    // Once each came to an end by itself they run side by side again.
    for _ in &jobs {
        let id = machine.workflow.abandon_next().await.unwrap().unwrap();
        let begun = machine.ports.jobs.begin(&id, at(0)).await.unwrap();
        machine.ports.jobs.cancel(&begun.owner, &id, at(0)).await.unwrap();
    }
    for n in 4..6 {
        accept(&machine, &job_of(&alice(), n, 0)).await;
    }
    assert!(machine.workflow.abandon_next().await.unwrap().is_some());
    assert!(machine.workflow.abandon_next().await.unwrap().is_some());
}

#[tokio::test]
async fn the_death_of_a_process_is_charged_to_background_work_and_to_no_job_beside_it() {
    let stage = Stage::new(Script::Hang);
    let machine = stage.open();
    let image = saved_image(1, 1);
    machine.ports.metadata.insert(&image).await.unwrap();
    let job = accept(&machine, &job_of(&alice(), 1, 0)).await;
    drop(machine);
    for death in 1..=limits::ATTEMPTS_MAX + 1 {
        let machine = stage.open();
        let looks = SqliteVectorIndex::new(machine.database.clone(), VectorKind::Look);
        assert_eq!(looks.begin(&image.id).await.unwrap(), death);
        let id = machine.workflow.abandon_next().await.unwrap().unwrap();
        machine.ports.jobs.begin(&id, at(0)).await.unwrap();
    }
    assert_eq!(counted(&stage.open(), &job).await, (JobStatus::Queued, 0));
}

#[tokio::test]
async fn attempts_at_background_work_outlive_the_process() {
    let temporary = tempfile::tempdir().unwrap();
    let image = saved_image(1, 1);
    for attempt in 1..=3 {
        let database = Database::open(&DataFolder::open(temporary.path()).unwrap()).unwrap();
        let metadata = SqliteMetadataRepo::new(database.clone());
        metadata.insert(&image).await.unwrap();
        let looks = SqliteVectorIndex::new(database, VectorKind::Look);
        assert_eq!(looks.begin(&image.id).await.unwrap(), attempt);
    }
    let database = Database::open(&DataFolder::open(temporary.path()).unwrap()).unwrap();
    let looks = SqliteVectorIndex::new(database, VectorKind::Look);
    looks.give_up(&image.owner, &image.id, "it ended the process").await.unwrap();
    let reason = looks.given_up(&image.owner, &image.id).await.unwrap();
    assert_eq!(reason.as_deref(), Some("it ended the process"));
}

#[tokio::test]
async fn vectors_of_one_kind_stay_out_of_the_way_of_another() {
    let temporary = tempfile::tempdir().unwrap();
    let database = Database::open(&DataFolder::open(temporary.path()).unwrap()).unwrap();
    let metadata = SqliteMetadataRepo::new(database.clone());
    let looks = SqliteVectorIndex::new(database.clone(), VectorKind::Look);
    let meanings = SqliteVectorIndex::new(database, VectorKind::Meaning);
    let space = |name: &str, dimensions| Space { name: name.to_owned(), dimensions };
    looks.use_space(&space("a", 3)).await.unwrap();
    meanings.use_space(&space("b", 2)).await.unwrap();
    let image = saved_image(1, 1);
    metadata.insert(&image).await.unwrap();

    let (look, meaning) = (Embedding::of(&[1.0, 0.0, 0.0]), Embedding::of(&[0.0, 1.0]));
    looks.put(&image.owner, &image.id, None, look).await.unwrap();
    assert_eq!(looks.waiting(9).await.unwrap(), []);
    assert_eq!(meanings.waiting(9).await.unwrap(), [(image.owner.clone(), image.id)]);
    meanings.put(&image.owner, &image.id, None, meaning.clone()).await.unwrap();

    looks.use_space(&space("c", 3)).await.unwrap();
    assert_eq!(looks.get(&image.owner, &image.id).await.unwrap(), None);
    assert_eq!(looks.waiting(9).await.unwrap().len(), 1);
    assert_eq!(meanings.get(&image.owner, &image.id).await.unwrap(), meaning);
    assert_eq!(meanings.waiting(9).await.unwrap(), []);
    let near = meanings.nearest(&image.owner, &meaning.unwrap(), 9).await.unwrap();
    assert_eq!(near.len(), 1);

    metadata.delete(&image.owner, &image.id, image.version).await.unwrap();
    assert_eq!(meanings.get(&image.owner, &image.id).await.unwrap(), None);
    assert_eq!(looks.waiting(9).await.unwrap(), []);
}
