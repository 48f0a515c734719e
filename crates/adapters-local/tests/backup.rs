//! A copy of a library that is written to and erased from all the while, and a library made of the copy.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails it by panicking")]

mod support;

use rusqlite::Connection;
use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use support::{Machine, ManualClock, blob_path};
use tintype_core::{
    domain::{
        Blob, BlobId, ContentType, ImageId, ImageQuery, ModelCard, PageSize, SavedImage, Sort, Timestamp,
        limits,
    },
    ports::{MockImageModel, Models, Ports},
    use_cases::{erase_image, sweep},
};
use tintype_local::{
    BackupError, DataFolder, Database, Earlier, OnDamage, OpenError, WorkflowSettings, back_up,
    restore_backup,
};
use tintype_testkit::samples::{START, alice, at, saved_image};

fn machine(folder: &Path) -> Machine {
    let mut model = MockImageModel::new();
    model.expect_card().return_const(ModelCard::example());
    Machine::open(
        folder,
        Models::new(Arc::new(model)),
        WorkflowSettings::default(),
        Arc::new(ManualClock::default()),
    )
}

/// Long after [`START`], so that what was put then may go.
fn later() -> Timestamp {
    START.after(limits::BLOB_GRACE * 2)
}

async fn save(ports: &Ports, n: u64) -> SavedImage {
    let blob = Blob::new(format!("picture number {n} {}", "x".repeat(2_000)).into(), ContentType::Png);
    let millis = i64::try_from(n).unwrap();
    let image = SavedImage { sha256: *blob.id(), ..saved_image(n, millis) };
    ports.images.put(&blob, START).await.unwrap();
    ports.metadata.insert(&image).await.unwrap();
    image
}

/// Every image by its id.
async fn all(ports: &Ports) -> BTreeMap<ImageId, SavedImage> {
    let mut images = BTreeMap::new();
    let mut after = None;
    loop {
        let limit = PageSize::new(200).unwrap();
        let query = ImageQuery { sort: Sort::Oldest, limit, after, ..ImageQuery::default() };
        let page = ports.metadata.list(&alice(), &query, later()).await.unwrap();
        images.extend(page.items.into_iter().map(|image| (image.id, image)));
        match page.next {
            Some(next) => after = Some(next),
            None => return images,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_copy_of_a_library_at_work_has_every_picture_of_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (data, target) = (folder.path().join("data"), folder.path().join("backup"));
    let live = machine(&data);
    let mut saved = BTreeMap::new();
    for n in 0..60 {
        let image = save(&live.ports, n).await;
        saved.insert(image.id, image);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let work = tokio::spawn({
        let (ports, stop, mut order) =
            (live.ports.clone(), Arc::clone(&stop), saved.keys().copied().collect::<Vec<_>>());
        async move {
            let mut made = BTreeMap::new();
            for n in 60.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let image = save(&ports, n).await;
                order.push(image.id);
                made.insert(image.id, image);
                // The last ones: those that a copy comes to late, and some that it has never seen.
                let place = order.len() - 1 - usize::try_from(n % 3).unwrap() * (order.len() / 3);
                erase_image(&ports, &alice(), &order.remove(place), None, later()).await.unwrap();
            }
            made
        }
    });
    for round in 0..4 {
        // Into the same folder, and into new ones.
        let target = if round % 2 == 0 { target.clone() } else { folder.path().join(format!("new-{round}")) };
        let copied = tokio::task::spawn_blocking({
            let (data, target) = (data.clone(), target.clone());
            move || back_up(&data, &target, Earlier::Trusted, later(), &mut |_, _, _| {}).unwrap()
        })
        .await
        .unwrap();
        assert_eq!(copied.missing, []);
        let again = folder.path().join(format!("again-{round}"));
        let restored = restore_backup(&target, &again, OnDamage::Refuse, &mut |_, _, _| {}).unwrap();
        assert_eq!((restored.blobs, restored.new, &restored.missing), (copied.blobs, copied.blobs, &vec![]));
    }
    stop.store(true, Ordering::SeqCst);
    saved.extend(work.await.unwrap());
    for round in 0..4 {
        let again = machine(&folder.path().join(format!("again-{round}")));
        let images = all(&again.ports).await;
        assert!(images.len() >= 60, "{}", images.len());
        for (id, image) in images {
            assert_eq!(saved.get(&id), Some(&image));
            let bytes = again.ports.images.get(&image.sha256).await.unwrap();
            assert!(bytes.starts_with(b"picture number"));
        }
    }
    // What could not be removed during a copy goes afterwards.
    let (_, swept) = sweep(&live.ports, later()).await;
    swept.unwrap();
    let kept = live.ports.images.list(None, 10_000).await.unwrap();
    assert_eq!(kept.len(), all(&live.ports).await.len());
}

#[tokio::test]
async fn a_second_copy_takes_only_what_is_new_and_lets_go_of_what_is_erased() {
    let folder = tempfile::tempdir().unwrap();
    let (data, target) = (folder.path().join("data"), folder.path().join("backup"));
    let live = machine(&data);
    let (first, second) = (save(&live.ports, 1).await, save(&live.ports, 2).await);
    let mut seen = Vec::new();
    let copied =
        back_up(&data, &target, Earlier::Trusted, at(0), &mut |n, total, _| seen.push((n, total))).unwrap();
    assert_eq!((copied.blobs, copied.new), (2, 2));
    assert_eq!(seen, [(1, 2), (2, 2)]);
    erase_image(&live.ports, &alice(), &first.id, None, later()).await.unwrap();
    save(&live.ports, 3).await;
    fs::write(blob_path(&target, &second.sha256).with_extension("part"), "half").unwrap();
    let copied = back_up(&data, &target, Earlier::Trusted, at(0), &mut |_, _, _| {}).unwrap();
    assert_eq!((copied.blobs, copied.new), (2, 1));
    assert!(!blob_path(&target, &first.sha256).exists());
    assert!(!blob_path(&target, &second.sha256).with_extension("part").exists());
}

#[tokio::test]
async fn a_copy_tells_which_pictures_the_library_itself_has_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (data, target) = (folder.path().join("data"), folder.path().join("backup"));
    let live = machine(&data);
    let (lost, damaged) = (save(&live.ports, 1).await, save(&live.ports, 2).await);
    save(&live.ports, 3).await;
    fs::remove_file(blob_path(&data, &lost.sha256)).unwrap();
    fs::write(blob_path(&data, &damaged.sha256), "something else").unwrap();
    let copied = back_up(&data, &target, Earlier::Trusted, at(0), &mut |_, _, _| {}).unwrap();
    let mut expected = [lost.sha256, damaged.sha256];
    expected.sort();
    assert_eq!((copied.new, copied.missing), (1, expected.to_vec()));
    let restored =
        restore_backup(&target, &folder.path().join("again"), OnDamage::Refuse, &mut |_, _, _| {}).unwrap();
    assert_eq!((restored.new, restored.missing), (1, expected.to_vec()));
}

#[tokio::test]
async fn a_damaged_copy_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (data, target, again) =
        (folder.path().join("data"), folder.path().join("backup"), folder.path().join("again"));
    let image = save(&machine(&data).ports, 1).await;
    back_up(&data, &target, Earlier::Trusted, at(0), &mut |_, _, _| {}).unwrap();
    let path = blob_path(&target, &image.sha256);
    for damage in [&b"something else"[..], b""] {
        fs::write(&path, damage).unwrap();
        let error = restore_backup(&target, &again, OnDamage::Refuse, &mut |_, _, _| {}).unwrap_err();
        assert!(matches!(error, BackupError::Damaged { count: 1, .. }), "{error}");
        assert!(!again.join("tintype.db").exists());
    }
    // The next copy repairs what is cut off, and what is gone.
    back_up(&data, &target, Earlier::Trusted, at(0), &mut |_, _, _| {}).unwrap();
    fs::remove_file(&path).unwrap();
    restore_backup(&target, &again, OnDamage::Refuse, &mut |_, _, _| {}).unwrap_err();
    back_up(&data, &target, Earlier::Trusted, at(0), &mut |_, _, _| {}).unwrap();
    restore_backup(&target, &again, OnDamage::Refuse, &mut |_, _, _| {}).unwrap();
}

#[tokio::test]
async fn a_backup_is_not_replaced_by_that_of_another_library_and_is_by_one_of_what_was_restored_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let [data, other, target, again] =
        ["data", "other", "backup", "again"].map(|name| folder.path().join(name));
    save(&machine(&data).ports, 1).await;
    save(&machine(&other).ports, 2).await;
    let silent = &mut |_: u64, _: u64, _: u64| {};
    back_up(&data, &target, Earlier::Trusted, at(0), silent).unwrap();
    let error = back_up(&other, &target, Earlier::Trusted, at(0), silent).unwrap_err();
    assert!(matches!(error, BackupError::OtherLibrary { .. }), "{error}");
    let restored = restore_backup(&target, &again, OnDamage::Refuse, silent).unwrap();
    assert_eq!((restored.blobs, restored.missing), (1, vec![]));
    back_up(&again, &target, Earlier::Trusted, at(0), silent).unwrap();
}

#[tokio::test]
async fn a_backup_that_was_broken_off_at_once_is_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let (data, target) = (folder.path().join("data"), folder.path().join("backup"));
    save(&machine(&data).ports, 1).await;
    fs::create_dir(&target).unwrap();
    fs::write(target.join("tintype-backup.json.part"), "{").unwrap();
    let copied = back_up(&data, &target, Earlier::Trusted, at(0), &mut |_, _, _| {}).unwrap();
    assert_eq!((copied.blobs, copied.missing), (1, vec![]));
    assert!(!target.join("tintype-backup.json.part").exists());
}

#[tokio::test]
async fn nothing_is_written_where_something_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let (data, target, other) =
        (folder.path().join("data"), folder.path().join("backup"), folder.path().join("other"));
    save(&machine(&data).ports, 1).await;
    fs::create_dir(&other).unwrap();
    fs::write(other.join("mine"), "mine").unwrap();
    let silent = &mut |_: u64, _: u64, _: u64| {};
    let error = back_up(&data, &other, Earlier::Trusted, at(0), silent).unwrap_err();
    assert!(matches!(error, BackupError::NotEmpty { .. }), "{error}");
    let error = back_up(&other, &target, Earlier::Trusted, at(0), silent).unwrap_err();
    assert!(matches!(error, BackupError::NoLibrary { .. }), "{error}");
    let error = restore_backup(&other, &folder.path().join("again"), OnDamage::Refuse, silent).unwrap_err();
    assert!(matches!(error, BackupError::NoBackup { .. }), "{error}");
    back_up(&data, &target, Earlier::Trusted, at(0), silent).unwrap();
    let error = restore_backup(&target, &other, OnDamage::Refuse, silent).unwrap_err();
    assert!(matches!(error, BackupError::NotEmpty { .. }), "{error}");
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    restore_backup(&target, &empty, OnDamage::Refuse, silent).unwrap();
    assert_eq!(all(&machine(&empty).ports).await.len(), 1);
}

/// A library of three pictures, its backup, and a folder that is not there.
async fn backed_up(folder: &Path) -> (Vec<SavedImage>, PathBuf, PathBuf) {
    let (data, target) = (folder.join("data"), folder.join("backup"));
    let live = machine(&data);
    let mut images = Vec::new();
    for n in 1..=3 {
        images.push(save(&live.ports, n).await);
    }
    back_up(&data, &target, Earlier::Trusted, at(0), &mut |_, _, _| {}).unwrap();
    (images, target, folder.join("again"))
}

/// Fails unless the folder is a library of these images, each with its bytes.
async fn check_library(folder: &Path, images: &[SavedImage]) {
    let again = machine(folder);
    assert_eq!(all(&again.ports).await.into_values().collect::<Vec<_>>(), images);
    for image in images {
        again.ports.images.get(&image.sha256).await.unwrap();
    }
}

#[tokio::test]
async fn a_folder_may_be_named_with_a_slash_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let (images, target, again) = backed_up(folder.path()).await;
    restore_backup(&target, &again.join(""), OnDamage::Refuse, &mut |_, _, _| {}).unwrap();
    check_library(&again, &images).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_is_there_and_empty_is_filled_and_not_replaced() {
    use std::os::unix::fs::{MetadataExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (images, target, again) = backed_up(folder.path()).await;
    fs::create_dir(&again).unwrap();
    let inode = fs::metadata(&again).unwrap().ino();
    let link = folder.path().join("link");
    symlink(&again, &link).unwrap();
    restore_backup(&target, &link, OnDamage::Refuse, &mut |_, _, _| {}).unwrap();
    assert!(link.is_symlink() && fs::metadata(&again).unwrap().ino() == inode);
    check_library(&again, &images).await;
}

#[tokio::test]
async fn a_picture_that_can_t_be_read_keeps_no_other_from_being_copied() {
    let folder = tempfile::tempdir().unwrap();
    let (data, target) = (folder.path().join("data"), folder.path().join("backup"));
    let live = machine(&data);
    let (unreadable, _) = (save(&live.ports, 1).await, save(&live.ports, 2).await);
    // A folder in its place: any user gets an error for that, root too.
    let path = blob_path(&data, &unreadable.sha256);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let copied = back_up(&data, &target, Earlier::Trusted, at(0), &mut |_, _, _| {}).unwrap();
    assert_eq!((copied.new, copied.missing), (1, vec![unreadable.sha256]));
}

#[tokio::test]
async fn a_copy_that_checks_the_earlier_one_repairs_a_flipped_bit() {
    let folder = tempfile::tempdir().unwrap();
    let (images, target, again) = backed_up(folder.path()).await;
    flip(&blob_path(&target, &images[0].sha256));
    let data = folder.path().join("data");
    let new = |earlier| back_up(&data, &target, earlier, at(0), &mut |_, _, _| {}).unwrap().new;
    assert_eq!([new(Earlier::Trusted), new(Earlier::Checked), new(Earlier::Checked)], [0, 1, 0]);
    restore_backup(&target, &again, OnDamage::Refuse, &mut |_, _, _| {}).unwrap();
}

/// Flips a bit of the file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[0] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn what_a_damaged_copy_still_has_is_restored_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (images, target, again) = backed_up(folder.path()).await;
    flip(&blob_path(&target, &images[0].sha256));
    let error = restore_backup(&target, &again, OnDamage::Refuse, &mut |_, _, _| {}).unwrap_err();
    assert!(error.to_string().contains("--without-damaged"), "{error}");
    let restored = restore_backup(&target, &again, OnDamage::LeaveOut, &mut |_, _, _| {}).unwrap();
    assert_eq!((restored.blobs, restored.missing, restored.damaged), (3, vec![], vec![images[0].sha256]));
    let again = machine(&again);
    assert_eq!(all(&again.ports).await.len(), 3);
    again.ports.images.get(&images[1].sha256).await.unwrap();
    assert_eq!(again.ports.images.find(&images[0].sha256).await.unwrap(), None);
}

#[tokio::test]
async fn a_damaged_database_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (_, target, again) = backed_up(folder.path()).await;
    let path = target.join("tintype.db");
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'events'";
    let page: usize = Connection::open(&path).unwrap().query_row(root, [], |row| row.get(0)).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[(page - 1) * 4_096..page * 4_096].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let error = restore_backup(&target, &again, OnDamage::LeaveOut, &mut |_, _, _| {}).unwrap_err();
    assert!(matches!(error, BackupError::DamagedDatabase { .. }), "{error:?}");
    assert!(error.to_string().contains("restore another backup"), "{error}");
    assert!(!again.join("tintype.db").exists());
}

/// Restores, and breaks off after the first picture as a process that is killed does: nothing is tidied away.
fn break_off(target: &Path, again: &Path) {
    let restore =
        || restore_backup(target, again, OnDamage::Refuse, &mut |_, _, _| resume_unwind(Box::new("killed")));
    catch_unwind(AssertUnwindSafe(restore)).unwrap_err();
}

#[tokio::test]
async fn a_restoration_that_broke_off_is_no_library_and_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let (images, target, again) = backed_up(folder.path()).await;
    break_off(&target, &again);
    let error = Database::open(&DataFolder::open(&again).unwrap()).unwrap_err();
    assert!(matches!(error, OpenError::Unrestored { .. }), "{error}");
    // What another backup had, and a picture that the loss of power emptied.
    let first = images.iter().map(|image| image.sha256).min().unwrap();
    fs::write(blob_path(&again, &first), "").unwrap();
    let other = blob_path(&again, &first).with_file_name(BlobId::of(b"other").to_string());
    fs::write(&other, "other").unwrap();
    restore_backup(&target, &again, OnDamage::Refuse, &mut |_, _, _| {}).unwrap();
    assert!(!other.exists());
    check_library(&again, &images).await;
}

#[tokio::test]
async fn a_restoration_that_broke_off_is_gone_on_with_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (images, target, again) = backed_up(folder.path()).await;
    break_off(&target, &again);
    let restored = restore_backup(&target, &again, OnDamage::Refuse, &mut |_, _, _| {}).unwrap();
    assert_eq!((restored.blobs, restored.new), (3, 2));
    check_library(&again, &images).await;
}

#[tokio::test]
async fn what_else_is_beside_a_restoration_that_broke_off_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (_, target, again) = backed_up(folder.path()).await;
    break_off(&target, &again);
    fs::write(again.join("mine"), "mine").unwrap();
    let error = restore_backup(&target, &again, OnDamage::Refuse, &mut |_, _, _| {}).unwrap_err();
    assert!(matches!(error, BackupError::NotEmpty { .. }), "{error}");
}

#[tokio::test]
async fn no_server_begins_on_a_folder_that_is_being_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (images, target, again) = backed_up(folder.path()).await;
    let mut refused = 0;
    restore_backup(&target, &again, OnDamage::Refuse, &mut |_, _, _| {
        let error = DataFolder::open(&again).unwrap_err();
        refused += u32::from(matches!(error, OpenError::InUse { .. }));
    })
    .unwrap();
    assert_eq!(refused, 3);
    check_library(&again, &images).await;
}

#[test]
fn a_copy_that_was_broken_off_is_none() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("tintype-backup.json"),
        r#"{"format": "tintype-backup", "version": 1, "complete": false}"#,
    )
    .unwrap();
    let error =
        restore_backup(folder.path(), &folder.path().join("again"), OnDamage::Refuse, &mut |_, _, _| {})
            .unwrap_err();
    assert!(matches!(error, BackupError::NoBackup { .. }), "{error}");
}
