//! No file of a data folder or a backup can be read by other users, whatever the mode of the folder that it is in.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails it by panicking")]

mod support;

use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::Arc,
};
use support::{Machine, ManualClock};
use tintype_core::{
    domain::{Encoding, ModelCard, Variant},
    ports::{ImageStore, MockImageModel, Models, VariantCache},
};
use tintype_local::{
    DataFolder, Earlier, FileImageStore, FileVariantCache, OnDamage, WorkflowSettings, back_up,
    restore_backup,
};
use tintype_testkit::samples::{START, alice, blob, job_of, saved_image};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// The names of the files below `folder`, once each is found to be for this user only.
fn private_files(folder: &Path) -> BTreeSet<String> {
    for path in files(folder) {
        assert_eq!(mode(&path) & 0o077, 0, "{} has the mode {:o}", path.display(), mode(&path));
    }
    let names = files(folder).into_iter();
    names.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// Fills a data folder with something of each kind while `look` looks at its files.
async fn fill(data: &Path, look: impl Fn(&Path)) {
    let mut model = MockImageModel::new();
    model.expect_card().return_const(ModelCard::example());
    let models = Models::new(Arc::new(model));
    let clock = Arc::new(ManualClock::default());
    let machine = Machine::open(data, models, WorkflowSettings::default(), clock);
    machine.ports.images.put(&blob(1), START).await.unwrap();
    let image = tintype_core::domain::SavedImage { sha256: *blob(1).id(), ..saved_image(1, 1) };
    machine.ports.metadata.insert(&image).await.unwrap();
    machine.ports.jobs.insert(&job_of(&alice(), 1, 0), None).await.unwrap();
    look(data);
    drop(machine);
    let store = FileImageStore::open(&DataFolder::open(data).unwrap()).unwrap();
    let cache = FileVariantCache::open(&store, 1_000_000).unwrap();
    let variant = Variant { source: *blob(1).id(), max_width: Some(8), format: Encoding::Webp };
    cache.put(&variant, b"small".as_slice().into()).await.unwrap();
    assert!(store.find(blob(1).id()).await.unwrap().is_some());
}

#[tokio::test]
async fn every_file_of_a_folder_that_others_may_look_into_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    set_mode(&data, 0o755);
    fill(&data, |data| {
        let names = private_files(data);
        for name in ["tintype.db", "tintype.db-wal", "tintype.db-shm", "lock"] {
            assert!(names.contains(name), "{name} is not in {names:?}");
        }
    })
    .await;
    let names = private_files(&data);
    assert!(names.contains("w8-webp") && names.contains(&blob(1).id().to_string()), "{names:?}");
    assert_eq!(mode(&data), 0o755, "a folder that somebody opened to others stays so");
}

#[tokio::test]
async fn every_file_of_a_backup_and_of_what_is_restored_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let [data, backup, restored] = ["data", "backup", "restored"].map(|name| folder.path().join(name));
    fill(&data, |_| {}).await;
    for target in [&backup, &restored] {
        fs::create_dir(target).unwrap();
        set_mode(target, 0o755);
    }
    back_up(&data, &backup, Earlier::Trusted, START, &mut |_, _, _| {}).unwrap();
    assert!(private_files(&backup).contains("tintype-backup.json"));
    assert!(private_files(&data).contains("backup-lock"));
    restore_backup(&backup, &restored, OnDamage::Refuse, &mut |_, _, _| {}).unwrap();
    assert!(private_files(&restored).contains("tintype.db"));
}

#[tokio::test]
async fn files_that_an_older_tintype_left_readable_are_made_private_when_the_folder_is_opened_and_others_are_not()
 {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fill(&data, |_| {}).await;
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "not ours").unwrap();
    set_mode(&elsewhere, 0o644);
    // A folder may hold more than a library.
    let others = [data.join("holiday.txt"), data.join("photos/beach.png")];
    fs::create_dir(data.join("photos")).unwrap();
    others.iter().for_each(|path| fs::write(path, "not ours").unwrap());
    symlink(&elsewhere, data.join("blobs/link")).unwrap();
    for path in files(&data) {
        if !path.is_symlink() {
            set_mode(&path, 0o644);
        }
    }
    drop(DataFolder::open(&data).unwrap());
    assert_eq!(mode(&elsewhere), 0o644, "a link is not followed");
    for path in &others {
        assert_eq!(mode(path), 0o644, "{}", path.display());
        fs::remove_file(path).unwrap();
    }
    fs::remove_file(data.join("blobs/link")).unwrap();
    assert!(private_files(&data).contains(&blob(1).id().to_string()));
}

#[tokio::test]
async fn a_folder_inside_that_was_opened_to_others_is_closed_with_all_that_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fill(&data, |_| {}).await;
    let blobs = data.join("blobs");
    files(&blobs).iter().for_each(|path| set_mode(path, 0o666));
    set_mode(&blobs, 0o777);
    drop(DataFolder::open(&data).unwrap());
    assert_eq!(mode(&blobs), 0o700);
    private_files(&data);
}
