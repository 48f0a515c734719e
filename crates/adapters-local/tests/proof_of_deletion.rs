//! Nothing is deleted on the word of one copy of the truth: what happens to blobs when the database is lost, emptied, older or
//! damaged, and how a library comes back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test does not expect fails it")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use support::{Machine, ManualClock, blob_path};
use tintype_core::{
    ErrorKind,
    domain::{
        Blob, BlobId, Clock, Collection, ContentType, ImageId, ImageQuery, Job, ModelCard, PageSize,
        SavedImage, Sort, TextQuery, Timestamp, Version, limits,
    },
    ports::{MockImageModel, Models, Ports},
    use_cases::{OrphanSweep, erase_image, sweep, sweep_orphans},
};
use tintype_local::{
    DataFolder, Database, Earlier, OpenError, RecoverError, SqliteIntegrity, SystemClock, WorkflowSettings,
    back_up, bring_back_blobs, check_database, check_library, read_unexplained, recover, repair_library,
    take_snapshot_if_due,
};
use tintype_testkit::samples::{START, alice, image_id, new_job, saved_image};

fn models() -> Models {
    let mut model = MockImageModel::new();
    model.expect_card().return_const(ModelCard::example());
    Models::new(Arc::new(model))
}

fn machine(folder: &Path) -> Machine {
    Machine::open(folder, models(), WorkflowSettings::default(), Arc::new(ManualClock::default()))
}

/// Long after [`START`], so that what was put then may go.
fn later() -> Timestamp {
    START.after(limits::BLOB_GRACE * 2)
}

fn bytes_of(n: u64) -> Blob {
    Blob::new(format!("image number {n} {}", "x".repeat(500)).into(), ContentType::Png)
}

async fn save(ports: &Ports, n: u64) -> SavedImage {
    let blob = bytes_of(n);
    let image = SavedImage { sha256: *blob.id(), ..saved_image(n, i64::try_from(n).unwrap()) };
    ports.images.put(&blob, START).await.unwrap();
    ports.metadata.insert(&image).await.unwrap();
    image
}

/// Everything that the records say.
#[derive(Debug, PartialEq)]
struct Dump {
    images: BTreeMap<ImageId, SavedImage>,
    found: Vec<ImageId>,
    collections: Vec<Collection>,
    jobs: Vec<Job>,
}

async fn dump(ports: &Ports) -> Result<Dump, tintype_core::PortError> {
    let limit = PageSize::new(200).unwrap();
    let mut images = BTreeMap::new();
    for trashed in [false, true] {
        let mut after = None;
        loop {
            let query = ImageQuery { sort: Sort::Oldest, limit, after, trashed, ..ImageQuery::default() };
            let page = ports.metadata.list(&alice(), &query, later()).await?;
            images.extend(page.items.into_iter().map(|image| (image.id, image)));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    let mut query = ImageQuery { limit, ..ImageQuery::default() };
    query.filter.text = TextQuery::parse("heart").expect("words");
    let found = ports.metadata.list(&alice(), &query, later()).await?;
    let jobs = tintype_core::domain::JobQuery { limit, ..Default::default() };
    Ok(Dump {
        images,
        found: found.items.into_iter().map(|image| image.id).collect(),
        collections: ports.collections.list(&alice()).await?,
        jobs: ports.jobs.list(&alice(), &jobs, later()).await?.items,
    })
}

/// Every blob, in the store and in quarantine.
fn blobs(data: &Path) -> BTreeSet<String> {
    fn walk(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                found.extend(Some(name).filter(|name| name.len() == 64));
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&data.join("blobs"), &mut found);
    walk(&data.join("quarantine"), &mut found);
    found
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = {
            let path = entry.unwrap().path();
            let target = to.join(path.file_name().unwrap());
            (path, target)
        };
        if path.is_dir() {
            copy_all(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            fs::File::options().write(true).open(&target).unwrap().set_modified(modified).unwrap();
        }
    }
}

/// A library of 40 images in a folder, as a server that was killed leaves it.
async fn killed(folder: &Path) -> (PathBuf, Dump) {
    let live = folder.join("live");
    let dumped = {
        let machine = machine(&live);
        for n in 0..20 {
            save(&machine.ports, n).await;
        }
        assert!(take_snapshot_if_due(&machine.database, START).unwrap());
        for n in 20..40 {
            save(&machine.ports, n).await;
        }
        for n in 0..5 {
            let job = new_job(n, i64::try_from(n).unwrap());
            machine.ports.jobs.insert(&job, None).await.unwrap();
        }
        SqliteIntegrity::new(machine.database.clone()).renew_mark().await.unwrap();
        let killed = folder.join("killed");
        copy_all(&live, &killed);
        dump(&machine.ports).await.unwrap()
    };
    (folder.join("killed"), dumped)
}

fn open_error(data: &Path) -> OpenError {
    let folder = DataFolder::open(data).unwrap();
    Database::open(&folder).expect_err("must be refused")
}

#[tokio::test]
async fn a_lost_or_emptied_database_is_refused_beside_blobs_and_names_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _) = killed(folder.path()).await;
    let before = blobs(&data);
    assert_eq!(before.len(), 40);
    for name in ["tintype.db", "tintype.db-wal", "tintype.db-shm"] {
        drop(fs::remove_file(data.join(name)));
    }
    let error = open_error(&data);
    assert!(matches!(error, OpenError::LostDatabase { .. }), "{error:?}");
    for remedy in ["tintype recover", "restore-backup"] {
        assert!(error.to_string().contains(remedy), "{error}");
    }
    fs::write(data.join("tintype.db"), "").unwrap();
    assert!(matches!(open_error(&data), OpenError::LostDatabase { .. }));
    // Also without the mark: there are blobs.
    fs::remove_file(data.join("blobs/LIBRARY")).unwrap();
    assert!(matches!(open_error(&data), OpenError::LostDatabase { .. }));
    assert_eq!(blobs(&data), before);
}

#[tokio::test]
async fn an_older_database_is_refused_with_a_lower_bound_of_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let live = machine(&data);
    save(&live.ports, 1).await;
    drop(live);
    let old = folder.path().join("old.db");
    fs::copy(data.join("tintype.db"), &old).unwrap();
    let live = machine(&data);
    for n in 2..6 {
        save(&live.ports, n).await;
    }
    SqliteIntegrity::new(live.database.clone()).renew_mark().await.unwrap();
    drop(live);
    fs::copy(&old, data.join("tintype.db")).unwrap();
    let error = open_error(&data);
    assert!(matches!(error, OpenError::OlderDatabase { missing: 4.., .. }), "{error:?}");
    assert_eq!(blobs(&data).len(), 5);
}

#[tokio::test]
async fn a_foreign_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (data, other) = (folder.path().join("data"), folder.path().join("other"));
    save(&machine(&data).ports, 1).await;
    save(&machine(&other).ports, 2).await;
    fs::copy(other.join("tintype.db"), data.join("tintype.db")).unwrap();
    assert!(matches!(open_error(&data), OpenError::ForeignDatabase { .. }));
}

#[tokio::test]
async fn rows_that_vanish_by_another_hand_release_no_blob() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let live = machine(&data);
    for n in 0..40 {
        save(&live.ports, n).await;
    }
    drop(live);
    let by_hand = rusqlite::Connection::open(data.join("tintype.db")).unwrap();
    by_hand.execute_batch("DELETE FROM images; DELETE FROM jobs;").unwrap();
    drop(by_hand);
    let live = machine(&data);
    let (swept, outcome) = sweep(&live.ports, later()).await;
    outcome.unwrap();
    assert_eq!(swept.blobs, 0);
    let swept = sweep_orphans(&live.ports, None, u32::MAX, later()).await.unwrap();
    assert_eq!(swept, OrphanSweep { blobs: 40, orphans: 40, quarantined: 0, stopped: true, next: None });
    assert_eq!(live.ports.images.list(None, 100).await.unwrap().len(), 40);
}

#[tokio::test]
async fn one_orphan_goes_into_quarantine_and_after_30_days_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let live = machine(&data);
    for n in 0..10 {
        save(&live.ports, n).await;
    }
    // As a crash between the bytes and their record leaves it.
    live.ports.images.put(&bytes_of(99), START).await.unwrap();
    let swept = sweep_orphans(&live.ports, None, u32::MAX, later()).await.unwrap();
    assert_eq!((swept.orphans, swept.quarantined, swept.stopped), (1, 1, false));
    let quarantined = data.join("quarantine").join(bytes_of(99).id().to_string());
    assert!(quarantined.exists());
    sweep(&live.ports, later().after(limits::QUARANTINE_RETENTION)).await.1.unwrap();
    assert!(quarantined.exists(), "30 days are not over");
    sweep(&live.ports, later().after(limits::QUARANTINE_RETENTION * 2)).await.1.unwrap();
    assert!(!quarantined.exists());
}

#[tokio::test]
async fn bytes_that_are_put_again_replace_damaged_ones() {
    let folder = tempfile::tempdir().unwrap();
    let live = machine(folder.path());
    let blob = bytes_of(1);
    live.ports.images.put(&blob, START).await.unwrap();
    let path = blob_path(folder.path(), blob.id());
    let mut bytes = fs::read(&path).unwrap();
    bytes[9] ^= 1;
    fs::write(&path, bytes).unwrap();
    live.ports.images.put(&blob, START).await.unwrap();
    assert_eq!(live.ports.images.get(blob.id()).await.unwrap(), blob.bytes());
}

#[tokio::test]
async fn an_erased_image_takes_its_blob_along_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let live = machine(&data);
    let image = save(&live.ports, 1).await;
    erase_image(&live.ports, &alice(), &image.id, None, later()).await.unwrap();
    assert!(!blob_path(&data, &image.sha256).exists());
    assert!(
        live.ports.metadata.released(None, 10).await.unwrap().is_empty(),
        "the record went with the blob"
    );
}

#[tokio::test]
async fn a_release_that_a_crash_kept_from_being_acted_on_is_acted_on_by_the_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let image = {
        let live = machine(&data);
        let image = save(&live.ports, 1).await;
        live.ports.metadata.delete(&alice(), &image.id, Version::FIRST).await.unwrap();
        image
    };
    assert!(blob_path(&data, &image.sha256).exists());
    let live = machine(&data);
    let (swept, outcome) = sweep(&live.ports, later()).await;
    outcome.unwrap();
    assert_eq!(swept.blobs, 1);
    assert!(!blob_path(&data, &image.sha256).exists());
}

/// Changes a letter of every prompt, wherever it is stored.
fn damage_rows(data: &Path) {
    let file = data.join("tintype.db");
    let mut bytes = fs::read(&file).unwrap();
    let needle = b"red heart";
    let found: Vec<_> =
        (0..bytes.len() - needle.len()).filter(|at| bytes[*at..].starts_with(needle)).collect();
    assert!(!found.is_empty(), "a prompt is stored");
    found.into_iter().for_each(|at| bytes[at] ^= 0x01);
    fs::write(&file, bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_row_is_an_error_stops_every_deletion_and_fails_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let live = machine(&data);
    for n in 0..3 {
        save(&live.ports, n).await;
    }
    live.ports.metadata.delete(&alice(), &image_id(2, 2), Version::FIRST).await.unwrap();
    drop(live);
    damage_rows(&data);
    let live = machine(&data);
    let error = take_snapshot_if_due(&live.database, START).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    assert!(
        !take_snapshot_if_due(&live.database, START).unwrap(),
        "one that is known to be damaged is not copied"
    );
    check_database(&live.database).unwrap();
    let damage = live.ports.integrity.damage().await;
    assert!(damage.iter().any(|sentence| sentence.contains("checksum")), "{damage:?}");
    let (swept, outcome) = sweep(&live.ports, later()).await;
    assert_eq!((swept.blobs, outcome.unwrap_err().kind()), (0, ErrorKind::Data));
    assert_eq!(sweep_orphans(&live.ports, None, 1, later()).await.unwrap_err().kind(), ErrorKind::Data);
    assert_eq!(blobs(&data).len(), 3, "the released blob stays until the database is repaired");
    let error = back_up(&data, &folder.path().join("backup"), Earlier::Trusted, START, &mut |_, _, _| {});
    assert!(error.unwrap_err().to_string().contains("damaged"));
}

#[tokio::test]
async fn a_backup_of_an_older_library_does_not_replace_a_newer_one() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
    let live = machine(&data);
    save(&live.ports, 1).await;
    drop(live);
    let old = folder.path().join("old");
    copy_all(&data, &old);
    let live = machine(&data);
    save(&live.ports, 2).await;
    drop(live);
    back_up(&data, &backup, Earlier::Trusted, START, &mut |_, _, _| {}).unwrap();
    let error = back_up(&old, &backup, Earlier::Trusted, START, &mut |_, _, _| {}).unwrap_err();
    assert!(error.to_string().contains("older than its backup"), "{error}");
    assert_eq!(blobs(&backup).len(), 2);
}

#[tokio::test]
async fn a_snapshot_is_taken_once_a_day_and_seven_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let live = machine(folder.path());
    assert!(!take_snapshot_if_due(&live.database, START).unwrap(), "an empty library has nothing to keep");
    save(&live.ports, 1).await;
    let day = std::time::Duration::from_secs(24 * 3_600);
    for n in 0..10 {
        let now = START.after(day * n);
        assert!(take_snapshot_if_due(&live.database, now).unwrap(), "day {n}");
        assert!(!take_snapshot_if_due(&live.database, now.after(day / 2)).unwrap());
    }
    assert_eq!(fs::read_dir(folder.path().join("snapshots")).unwrap().count(), 7);
}

/// Enters the blobs that no record explains as new images, as `tintype recover` does.
async fn enter(ports: &Ports, data: &Path, unexplained: &[BlobId]) {
    for (n, id) in (1_000..).zip(unexplained) {
        let bytes = read_unexplained(data, id).expect("a whole blob");
        ports.images.put(&Blob::new(bytes.into(), ContentType::Png), START).await.unwrap();
        let image = SavedImage { sha256: *id, ..saved_image(n, i64::try_from(n).unwrap()) };
        ports.metadata.insert(&image).await.unwrap();
    }
}

/// The addresses of all images.
async fn kept(ports: &Ports) -> BTreeSet<BlobId> {
    dump(ports).await.unwrap().images.into_values().map(|image| image.sha256).collect()
}

#[tokio::test]
async fn a_lost_database_comes_back_from_its_snapshot_and_the_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let (data, before) = killed(folder.path()).await;
    for name in ["tintype.db", "tintype.db-wal", "tintype.db-shm"] {
        drop(fs::remove_file(data.join(name)));
    }
    let recovered = recover(&data, &[], later()).unwrap();
    // The snapshot was taken after 20 of 40.
    assert_eq!((recovered.rebuilt, recovered.images, recovered.unexplained.len()), (true, 20, 20));
    let live = machine(&data);
    let dumped = dump(&live.ports).await.unwrap();
    assert!(dumped.images.iter().all(|(id, image)| before.images[id] == *image));
    enter(&live.ports, &data, &recovered.unexplained).await;
    assert_eq!(kept(&live.ports).await.len(), 40);
    drop(live);
    assert!(check_library(&data, later(), &mut |_, _| {}).unwrap().is_sound());
}

#[tokio::test]
async fn an_older_database_is_completed_and_what_was_erased_since_stays_away() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let live = machine(&data);
    for n in 0..4 {
        save(&live.ports, n).await;
    }
    take_snapshot_if_due(&live.database, START).unwrap();
    let erased = dump(&live.ports).await.unwrap().images.into_values().next().unwrap();
    erase_image(&live.ports, &alice(), &erased.id, None, later()).await.unwrap();
    drop(live);
    let recovered = recover(&data, &[], later()).unwrap();
    assert_eq!((recovered.rebuilt, recovered.unexplained.len()), (false, 0), "nothing is wrong");
    fs::write(data.join("tintype.db"), "").unwrap();
    let recovered = recover(&data, &[], later()).unwrap();
    assert_eq!((recovered.rebuilt, recovered.images, recovered.missing.len()), (true, 3 + 1, 1));
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

/// Flips `count` random bits of the database and of its log.
fn flip(data: &Path, random: &mut Random, count: usize) {
    let mut files: Vec<_> = ["tintype.db", "tintype.db-wal"]
        .iter()
        .map(|name| data.join(name))
        .map(|path| (fs::read(&path).unwrap_or_default(), path))
        .collect();
    let bytes: usize = files.iter().map(|(bytes, _)| bytes.len()).sum();
    for _ in 0..count {
        let mut bit = random.below(bytes * 8);
        for (bytes, _) in &mut files {
            if bit < bytes.len() * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                break;
            }
            bit -= bytes.len() * 8;
        }
    }
    for (bytes, path) in files {
        if path.exists() {
            fs::write(path, bytes).unwrap();
        }
    }
}

/// 40 runs (or as many as `TINTYPE_FLIP_RUNS` says) with 1 to 30 random bit flips in the database and its write-ahead log.
#[tokio::test]
async fn flipped_bits_unlink_no_blob_and_are_reported_and_every_whole_image_comes_back() {
    #[expect(clippy::disallowed_methods, reason = "a test's own number of runs")]
    let runs = std::env::var("TINTYPE_FLIP_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(40);
    let folder = tempfile::tempdir().unwrap();
    let (data, before) = killed(folder.path()).await;
    let all = blobs(&data);
    let (mut refused, mut reported, mut unchanged) = (0, 0, 0);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for run in 0..runs {
        let damaged = folder.path().join("damaged");
        copy_all(&data, &damaged);
        // Every fourth time the log was moved into the database before.
        if run % 4 == 3 {
            let database = rusqlite::Connection::open(damaged.join("tintype.db")).unwrap();
            database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        }
        let flips = 1 + random.below(30);
        flip(&damaged, &mut random, flips);
        let report = check_library(&damaged, later(), &mut |_, _| {}).unwrap();
        let after = {
            let folder = DataFolder::open(&damaged).unwrap();
            match Database::open(&folder) {
                Err(_) => None,
                Ok(database) => {
                    drop(database);
                    drop(folder);
                    let live = machine(&damaged);
                    let dumped = dump(&live.ports).await;
                    drop(sweep(&live.ports, later()).await);
                    drop(sweep_orphans(&live.ports, None, u32::MAX, later()).await);
                    Some(dumped)
                }
            }
        };
        assert_eq!(blobs(&damaged), all, "run {run}: a blob was unlinked");
        match after {
            None => refused += 1,
            Some(Ok(dumped)) if dumped == before => unchanged += 1,
            Some(_) => {
                assert!(!report.is_sound(), "run {run}, {flips} flips: the damage was not reported");
                reported += 1;
            }
        }
        match repair_library(&damaged, later()) {
            Ok(_) | Err(RecoverError::TooManyOrphans { .. }) => {}
            Err(error) => panic!("run {run}: {error}"),
        }
        let recovered = recover(&damaged, &[], later()).unwrap();
        let live = machine(&damaged);
        enter(&live.ports, &damaged, &recovered.unexplained).await;
        assert_eq!(
            kept(&live.ports).await.len(),
            before.images.len(),
            "run {run}: an image did not come back"
        );
        drop(live);
        fs::remove_dir_all(&damaged).unwrap();
    }
    println!(
        "{runs} runs: 0 blobs unlinked; start refused {refused}, damage reported {reported}, records unchanged {unchanged}; \
         every whole image came back"
    );
}

/// The same library as it was a moment ago: the records of what came after are gone, without a sign.
fn put_back(data: &Path, earlier: &Path) {
    for name in ["tintype.db", "tintype.db-wal", "tintype.db-shm"] {
        drop(fs::remove_file(data.join(name)));
        if earlier.join(name).exists() {
            fs::copy(earlier.join(name), data.join(name)).unwrap();
        }
    }
    drop(fs::remove_file(data.join("blobs").join("LIBRARY")));
}

#[tokio::test]
async fn a_release_from_before_the_blob_was_put_again_unlinks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (data, earlier) = (folder.path().join("data"), folder.path().join("earlier"));
    let live = machine(&data);
    save(&live.ports, 0).await;
    let image = save(&live.ports, 1).await;
    live.ports.metadata.delete(&image.owner, &image.id, Version::FIRST).await.unwrap();
    drop(live);
    copy_all(&data, &earlier);
    // Put again after the release; the row that refers to it is lost.
    let live = machine(&data);
    let blob = image.sha256;
    let bytes = live.ports.images.get(&blob).await.unwrap();
    let now = SystemClock.now().after(std::time::Duration::from_secs(60));
    live.ports.images.put(&Blob::new(bytes, ContentType::Png), now).await.unwrap();
    drop(live);
    put_back(&data, &earlier);
    let live = machine(&data);
    assert!(!live.ports.metadata.is_released(&blob).await.unwrap());
    let day = std::time::Duration::from_secs(24 * 3_600);
    drop(sweep(&live.ports, now.after(day)).await);
    assert_eq!(blobs(&data).len(), 2, "the blob that was put again stays");
}

#[tokio::test]
async fn a_quarantined_blob_that_a_record_refers_to_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let live = machine(folder.path());
    let blob = save(&live.ports, 1).await.sha256;
    assert!(live.ports.images.quarantine(&blob, later(), later()).await.unwrap());
    assert!(live.ports.images.find(&blob).await.unwrap().is_none());
    assert_eq!(bring_back_blobs(&live.database).unwrap(), 1);
    assert!(live.ports.images.find(&blob).await.unwrap().is_some());
    assert_eq!(bring_back_blobs(&live.database).unwrap(), 0);
}

#[tokio::test]
async fn a_recovery_that_breaks_off_while_it_replaces_the_files_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let live = machine(folder.path());
    for n in 0..3 {
        save(&live.ports, n).await;
    }
    drop(live);
    // As the process leaves it that dies after it put the old files away.
    let (data, work) = (folder.path(), folder.path().join("recovering"));
    fs::create_dir(&work).unwrap();
    fs::rename(data.join("tintype.db"), work.join("tintype.db")).unwrap();
    fs::write(work.join("finished"), "").unwrap();
    let recovered = recover(data, &[], later()).unwrap();
    assert!(recovered.rebuilt && recovered.unexplained.is_empty(), "{recovered:?}");
    assert_eq!(dump(&machine(data).ports).await.unwrap().images.len(), 3);
}

#[tokio::test]
async fn a_folder_that_is_no_backup_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let live = machine(&data);
    save(&live.ports, 1).await;
    drop(live);
    let error = recover(&data, &[folder.path().join("nowhere")], later()).unwrap_err();
    assert!(error.to_string().contains("holds no backup"), "{error}");
    assert_eq!(dump(&machine(&data).ports).await.unwrap().images.len(), 1);
}

#[tokio::test]
async fn a_schema_that_is_damaged_in_one_place_costs_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let live = machine(folder.path());
    for n in 0..3 {
        save(&live.ports, n).await;
    }
    let before = dump(&live.ports).await.unwrap();
    drop(live);
    let database = rusqlite::Connection::open(folder.path().join("tintype.db")).unwrap();
    let sql = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'CREATE INDEX', 'CREATE INDEY') \
               WHERE name = 'images_trashed'";
    database.execute_batch(sql).unwrap();
    drop(database);
    let recovered = recover(folder.path(), &[], later()).unwrap();
    assert_eq!((recovered.rebuilt, recovered.images), (true, 3), "{recovered:?}");
    assert_eq!(dump(&machine(folder.path()).ports).await.unwrap().images, before.images);
}

#[tokio::test]
async fn a_check_beside_a_writer_finds_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let live = machine(folder.path());
    for n in 0..200 {
        save(&live.ports, n).await;
    }
    let database = live.database.clone();
    let checks = tokio::task::spawn_blocking(move || {
        for _ in 0..10 {
            check_database(&database).unwrap();
        }
    });
    let mut n = 200;
    while !checks.is_finished() {
        save(&live.ports, n).await;
        n += 1;
    }
    checks.await.unwrap();
    assert_eq!(live.ports.integrity.damage().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_damaged_index_leads_the_purge_of_the_trash_to_no_live_image() {
    let folder = tempfile::tempdir().unwrap();
    let live = machine(folder.path());
    let image = save(&live.ports, 1).await;
    drop(live);
    let run = |sql: &str| {
        let database = rusqlite::Connection::open(folder.path().join("tintype.db")).unwrap();
        database.execute_batch(sql).unwrap();
    };
    // An entry of the index is left behind, as if its row number had been another's.
    run("UPDATE images SET trashed_at = 1");
    run(
        "PRAGMA writable_schema = ON; CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'images_trashed'; \
         DELETE FROM sqlite_schema WHERE name = 'images_trashed'",
    );
    run("UPDATE images SET trashed_at = NULL");
    run("PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM kept; DROP TABLE kept");
    let live = machine(folder.path());
    let error = live.ports.metadata.purge(later(), 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(live.ports.metadata.refers_to(&image.sha256).await.unwrap());
}

#[tokio::test]
async fn a_repair_moves_no_more_orphans_than_a_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let live = machine(folder.path());
    for n in 0..10 {
        live.ports.images.put(&bytes_of(n), START).await.unwrap();
    }
    drop(live);
    let error = repair_library(folder.path(), later()).unwrap_err();
    assert!(matches!(error, RecoverError::TooManyOrphans { orphans: 10, blobs: 10 }), "{error}");
    assert!(!folder.path().join("quarantine").exists());
}

#[tokio::test]
async fn a_whole_copy_in_quarantine_is_not_replaced_by_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let live = machine(folder.path());
    let blob = save(&live.ports, 1).await.sha256;
    assert!(live.ports.images.quarantine(&blob, later(), later()).await.unwrap());
    live.ports.images.put(&bytes_of(1), START).await.unwrap();
    drop(live);
    let name = blob.to_string();
    fs::write(folder.path().join("blobs").join(&name[..2]).join(&name[2..4]).join(&name), "rotten").unwrap();
    let recovered = repair_library(folder.path(), later()).unwrap();
    assert_eq!((recovered.damaged_blobs, recovered.blobs_back, recovered.missing), (vec![blob], 1, vec![]));
    let live = machine(folder.path());
    assert_eq!(live.ports.images.get(&blob).await.unwrap(), bytes_of(1).bytes());
}
