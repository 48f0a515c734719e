//! Starts on a full disk.

use crate::{
    disk::Disk,
    library::{Acknowledged, age, check_recovered, erase_all_but, until_read_only},
};
use rusqlite::Connection;
use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};
use tintype_core::{
    domain::{Clock, ImageChange, OwnerId, SavedImage, Timestamp},
    ports::MetadataRepo,
};
use tintype_local::{DataFolder, Database, SqliteMetadataRepo, SystemClock};
use tintype_tests::{Server, Settings, Stopped, command};

async fn with_images(disk: &Disk, count: usize) -> (Server, Acknowledged) {
    let server = Server::start_in(&disk.data(), Settings::noop().workers(0)).await;
    let mut acknowledged = Acknowledged::default();
    for _ in 0..count {
        acknowledged.upload(&server.client(), 128).await;
    }
    acknowledged.generate(&server.client()).await;
    (server, acknowledged)
}

async fn end(server: Server) -> Stopped {
    server.ask_to_end();
    let (status, stopped) = server.ended().await;
    assert!(status.success(), "{status}");
    stopped
}

pub(crate) async fn a_server_starts_on_a_full_disk_and_recovers_by_itself() {
    let disk = Disk::small();
    let (mut server, mut acknowledged) = with_images(&disk, 40).await;
    // However it came to its end.
    for in_good_order in [false, true, false] {
        disk.fill();
        let stopped = if in_good_order { end(server).await } else { server.kill() };
        disk.fill();
        server = stopped.start().await;
        let client = server.client();
        until_read_only(&client, true).await;
        acknowledged.check(&client).await;
        let first = acknowledged.images.keys().next().unwrap();
        client.request("DELETE", format!("/images/{first}")).send().await.expect(200);
        client.post(format!("/images/{first}/restore")).send().await.expect(200);
    }
    age(&disk.data());
    erase_all_but(&server.client(), &mut acknowledged, 2).await;
    check_recovered(&server, &mut acknowledged).await;
    // The same by removing other files.
    disk.fill();
    server = server.kill().start().await;
    until_read_only(&server.client(), true).await;
    disk.drain();
    check_recovered(&server, &mut acknowledged).await;
}

pub(crate) async fn the_sweep_frees_space_on_a_full_disk_without_a_hand() {
    let disk = Disk::small();
    let (server, mut acknowledged) = with_images(&disk, 40).await;
    let trashed: Vec<_> = acknowledged.images.keys().take(35).cloned().collect();
    for id in &trashed {
        server.client().request("DELETE", format!("/images/{id}")).send().await.expect(200);
        acknowledged.images.remove(id);
    }
    let stopped = end(server).await;
    age(&disk.data());
    // They have been in the trash for longer than it keeps them.
    trash_long_ago(&disk.data(), &trashed).await;
    disk.fill();
    let server = stopped.start().await;
    until_read_only(&server.client(), true).await;
    acknowledged.check(&server.client()).await;
    check_recovered(&server, &mut acknowledged).await;
    assert!(server.blobs().len() <= 7, "{}", server.blobs().len());
}

/// Makes these images, which are in the trash, be there for longer than it keeps them.
async fn trash_long_ago(data: &Path, images: &[String]) {
    let folder = DataFolder::open(data).unwrap();
    let metadata = SqliteMetadataRepo::new(Database::open(&folder).unwrap());
    let long_ago =
        |image: &SavedImage| Ok(SavedImage { trashed_at: Some(Timestamp::from_millis(1)), ..image.clone() });
    for id in images {
        let change = ImageChange::new(SystemClock.now(), long_ago);
        let changed = metadata.change(&OwnerId::local(), &id.parse().unwrap(), &change).await;
        assert_eq!(changed.unwrap().unwrap().trashed_at, Some(Timestamp::from_millis(1)));
    }
}

/// A start that does not succeed; how it ended.
fn serve(data: &Path) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut serve = command(home.path());
    serve.args(["serve", "--listen", "127.0.0.1:0", "--model", "noop", "--data"]).arg(data);
    serve.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

fn check_told_as_full(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(said.contains("is full") && said.contains("nothing that is stored is lost"), "{said}");
    assert!(!said.contains("move the folder away"), "{said}");
}

pub(crate) async fn a_full_disk_without_a_reserve_is_told_and_loses_nothing() {
    let disk = Disk::small();
    let (server, acknowledged) = with_images(&disk, 5).await;
    let stopped = end(server).await;
    fs::remove_dir_all(disk.path("data/reserve")).unwrap();
    disk.fill();
    check_told_as_full(&serve(&disk.data()));
    disk.drain();
    let server = stopped.start().await;
    acknowledged.check(&server.client()).await;
}

/// Takes the last steps of the layout back: they are to be taken again.
fn make_old(data: &Path) -> i64 {
    let database = Connection::open(data.join("tintype.db")).unwrap();
    let version = layout(&database);
    let back = "DROP TRIGGER background_attempts_of_deleted; DROP TRIGGER given_up_is_not_pending;
        DROP TABLE background_attempts; DROP INDEX queue_suspects; ALTER TABLE queue DROP COLUMN suspect;
        DROP TABLE released_blobs; ALTER TABLE library DROP COLUMN commits;
        ALTER TABLE jobs DROP COLUMN checksum; ALTER TABLE jobs DROP COLUMN key_checksum;
        ALTER TABLE events DROP COLUMN checksum; ALTER TABLE images DROP COLUMN checksum;
        ALTER TABLE collections DROP COLUMN checksum;";
    database.execute_batch(back).unwrap();
    // That layout had no mark beside its blobs.
    fs::remove_file(data.join("blobs/LIBRARY")).unwrap();
    database.pragma_update(None, "user_version", 6).unwrap();
    version
}

fn layout(database: &Connection) -> i64 {
    database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

pub(crate) async fn an_old_layout_is_brought_up_to_date_on_a_full_disk() {
    let disk = Disk::small();
    let (server, acknowledged) = with_images(&disk, 20).await;
    let stopped = end(server).await;
    make_old(&disk.data());
    disk.fill();
    let server = stopped.start().await;
    acknowledged.check(&server.client()).await;
    let found = server.client().get("/images?q=title").send().await.expect(200).json();
    assert_eq!(found["items"].as_array().unwrap().len(), 20);
}

pub(crate) async fn an_old_layout_without_a_reserve_stays_whole_until_there_is_room() {
    let disk = Disk::small();
    let (server, acknowledged) = with_images(&disk, 20).await;
    let stopped = end(server).await;
    let newest = make_old(&disk.data());
    fs::remove_dir_all(disk.path("data/reserve")).unwrap();
    // Room for what opens a database, and for nothing more.
    fs::write(disk.path("room"), vec![7; 40 * 1_024]).unwrap();
    disk.fill();
    fs::remove_file(disk.path("room")).unwrap();
    check_told_as_full(&serve(&disk.data()));
    disk.drain();
    assert_eq!(layout(&Connection::open(disk.path("data/tintype.db")).unwrap()), 6);
    let server = stopped.start().await;
    acknowledged.check(&server.client()).await;
    let stopped = end(server).await;
    assert_eq!(layout(&Connection::open(disk.path("data/tintype.db")).unwrap()), newest);
    drop(stopped);
}

pub(crate) async fn a_file_system_that_is_mounted_read_only_is_told_apart_from_a_full_one() {
    let disk = Disk::small();
    let (server, acknowledged) = with_images(&disk, 3).await;
    let stopped = end(server).await;
    disk.remount("ro");
    let output = serve(&disk.path("data"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("mounted read-only"), "{said}");
    assert!(!said.contains("is full"), "{said}");
    disk.remount("rw");
    let server = stopped.start().await;
    acknowledged.check(&server.client()).await;
}
