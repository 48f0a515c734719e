//! The contract of [`ImageStore`], case by case.

use crate::samples::{START, at, blob, large_blob};
use crate::suites::cases;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::{fmt, sync::Arc};
use tintype_core::{
    ErrorKind, PortResult,
    domain::{Blob, BlobId, Timestamp},
    ports::{BlobInfo, BlobReader, ImageStore},
};

/// A store and a way to spoil what it holds behind its back.
pub struct CorruptibleStore {
    /// The store.
    pub store: Arc<dyn ImageStore>,
    /// Changes at least one byte of the blob at this address.
    pub corrupt: Box<dyn Fn(BlobId) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl fmt::Debug for CorruptibleStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

cases! { CASES of Arc<dyn ImageStore>:
    put_then_get_gives_the_bytes,
    an_empty_blob_is_kept,
    a_large_blob_is_kept,
    get_missing_is_not_found,
    get_deleted_is_not_found,
    open_reads_the_parts_that_are_asked_for,
    open_reads_fewer_bytes_at_the_end_and_none_after_it,
    open_tells_the_length_before_anything_is_read,
    open_of_an_empty_blob_reads_nothing,
    open_reads_a_large_blob_in_parts,
    open_of_missing_is_not_found,
    a_reader_of_a_deleted_blob_gives_its_bytes_or_not_found,
    a_reader_of_a_blob_that_is_put_again_reads_on,
    many_readers_of_one_blob_each_get_all_of_it,
    find_missing_is_none,
    find_tells_length_and_time,
    put_again_is_one_blob,
    put_again_counts_as_putting_now,
    put_after_delete_keeps_it,
    delete_missing_succeeds,
    delete_removes_what_was_put_before,
    delete_leaves_what_was_put_at_that_moment,
    delete_leaves_what_was_put_later,
    delete_leaves_what_was_put_again,
    delete_leaves_other_blobs,
    quarantine_takes_the_blob_out_of_the_store,
    quarantine_leaves_what_was_put_later,
    quarantine_of_a_missing_blob_succeeds,
    put_after_quarantine_stores_the_bytes_anew,
    purge_quarantine_leaves_what_is_in_the_store,
    list_is_in_order_of_addresses,
    list_starts_after_the_given_address,
    list_starts_after_an_address_that_is_not_there,
    list_gives_at_most_the_limit,
    list_after_the_last_is_empty,
    list_walked_page_by_page_gives_every_blob_once,
    a_reader_sees_all_bytes_or_none_while_one_puts,
    a_reader_sees_all_bytes_or_none_while_one_deletes,
    many_may_put_the_same_bytes_at_once,
}

cases! { CORRUPTION_CASES of CorruptibleStore:
    corrupted_bytes_are_a_data_error,
    open_of_corrupted_bytes_is_a_data_error,
    bytes_that_are_corrupted_after_a_first_read_are_a_data_error_too,
    a_reader_of_a_blob_that_is_corrupted_meanwhile_gives_no_other_bytes,
}

async fn put(store: &dyn ImageStore, blob: &Blob, now: Timestamp) {
    store.put(blob, now).await.expect("put");
}

async fn put_many(store: &dyn ImageStore, count: u64) -> Vec<BlobId> {
    let mut ids = Vec::new();
    for n in 0..count {
        put(store, &blob(n), START).await;
        ids.push(*blob(n).id());
    }
    ids.sort();
    ids
}

async fn ids_after(store: &dyn ImageStore, after: Option<BlobId>, limit: u32) -> Vec<BlobId> {
    let listed = store.list(after, limit).await.expect("list");
    listed.into_iter().map(|info| info.id).collect()
}

async fn get_error(store: &dyn ImageStore, id: &BlobId) -> ErrorKind {
    store.get(id).await.expect_err("must fail").kind()
}

/// Ten bytes, `0123456789`, to take parts of.
async fn put_digits(store: &dyn ImageStore) -> BlobId {
    let digits = Blob::new("0123456789".into(), blob(0).content_type());
    put(store, &digits, START).await;
    *digits.id()
}

async fn put_then_get_gives_the_bytes(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), START).await;
    assert_eq!(store.get(blob(1).id()).await.expect("get"), blob(1).bytes());
}

async fn an_empty_blob_is_kept(store: Arc<dyn ImageStore>) {
    let empty = large_blob(0, 0);
    put(&*store, &empty, START).await;
    assert_eq!(store.get(empty.id()).await.expect("get"), empty.bytes());
}

async fn a_large_blob_is_kept(store: Arc<dyn ImageStore>) {
    let large = large_blob(1, 8 * 1024 * 1024 + 1);
    put(&*store, &large, START).await;
    assert!(store.get(large.id()).await.expect("get") == large.bytes(), "the bytes differ");
}

async fn get_missing_is_not_found(store: Arc<dyn ImageStore>) {
    assert_eq!(get_error(&*store, blob(1).id()).await, ErrorKind::NotFound);
}

async fn get_deleted_is_not_found(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), START).await;
    store.delete(blob(1).id(), at(1)).await.expect("delete");
    assert_eq!(get_error(&*store, blob(1).id()).await, ErrorKind::NotFound);
}

async fn open(store: &dyn ImageStore, id: &BlobId) -> Box<dyn BlobReader> {
    store.open(id).await.expect("open")
}

async fn open_error(store: &dyn ImageStore, id: &BlobId) -> ErrorKind {
    store.open(id).await.expect_err("must fail").kind()
}

async fn read(reader: &dyn BlobReader, start: u64, most: usize) -> Bytes {
    reader.read(start, most).await.expect("read")
}

async fn open_reads_the_parts_that_are_asked_for(store: Arc<dyn ImageStore>) {
    let id = put_digits(&*store).await;
    let reader = open(&*store, &id).await;
    // Backwards, too: parts do not depend on each other.
    for (start, part) in [(2, "234"), (0, "012"), (7, "789"), (2, "234")] {
        assert_eq!(read(&*reader, start, 3).await, part);
    }
}

async fn open_reads_fewer_bytes_at_the_end_and_none_after_it(store: Arc<dyn ImageStore>) {
    let id = put_digits(&*store).await;
    let reader = open(&*store, &id).await;
    assert_eq!(read(&*reader, 8, 100).await, "89");
    for start in [10, 11, u64::MAX] {
        assert_eq!(read(&*reader, start, 100).await, "", "from {start}");
    }
}

async fn open_tells_the_length_before_anything_is_read(store: Arc<dyn ImageStore>) {
    let id = put_digits(&*store).await;
    assert_eq!(open(&*store, &id).await.bytes(), 10);
}

async fn open_of_an_empty_blob_reads_nothing(store: Arc<dyn ImageStore>) {
    let empty = large_blob(0, 0);
    put(&*store, &empty, START).await;
    let reader = open(&*store, empty.id()).await;
    assert_eq!((reader.bytes(), read(&*reader, 0, 100).await), (0, Bytes::new()));
}

/// All bytes of a blob, in parts of `most`.
async fn read_all(reader: &dyn BlobReader, most: usize) -> PortResult<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let part = reader.read(bytes.len() as u64, most).await?;
        if part.is_empty() {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&part);
    }
}

async fn open_reads_a_large_blob_in_parts(store: Arc<dyn ImageStore>) {
    let large = large_blob(1, 3 * 1024 * 1024 + 1);
    put(&*store, &large, START).await;
    let reader = open(&*store, large.id()).await;
    let bytes = read_all(&*reader, 100_000).await.expect("read");
    assert!(bytes == *large.bytes(), "the bytes differ");
}

async fn open_of_missing_is_not_found(store: Arc<dyn ImageStore>) {
    assert_eq!(open_error(&*store, blob(1).id()).await, ErrorKind::NotFound);
}

async fn a_reader_of_a_deleted_blob_gives_its_bytes_or_not_found(store: Arc<dyn ImageStore>) {
    let id = put_digits(&*store).await;
    let reader = open(&*store, &id).await;
    assert!(store.delete(&id, at(1)).await.expect("delete"), "the store is without it");
    match reader.read(0, 100).await {
        Ok(bytes) => assert_eq!(bytes, "0123456789"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
    }
}

async fn a_reader_of_a_blob_that_is_put_again_reads_on(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), START).await;
    let reader = open(&*store, blob(1).id()).await;
    put(&*store, &blob(1), at(7)).await;
    assert_eq!(read(&*reader, 0, 1_000).await, blob(1).bytes());
}

async fn many_readers_of_one_blob_each_get_all_of_it(store: Arc<dyn ImageStore>) {
    let large = large_blob(1, 256 * 1024);
    put(&*store, &large, START).await;
    let reading: Vec<_> = (0..32)
        .map(|_| {
            let (store, id) = (store.clone(), *large.id());
            tokio::spawn(async move { read_all(&*open(&*store, &id).await, 50_000).await })
        })
        .collect();
    for reading in reading {
        let bytes = reading.await.expect("no panic").expect("read");
        assert!(bytes == *large.bytes(), "the bytes differ");
    }
}

async fn find_missing_is_none(store: Arc<dyn ImageStore>) {
    assert_eq!(store.find(blob(1).id()).await.expect("find"), None);
}

async fn find_tells_length_and_time(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), at(5)).await;
    let bytes = blob(1).bytes().len() as u64;
    let info = BlobInfo { id: *blob(1).id(), bytes, put_at: at(5) };
    assert_eq!(store.find(blob(1).id()).await.expect("find"), Some(info));
}

async fn put_again_is_one_blob(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), START).await;
    put(&*store, &blob(1), at(1)).await;
    assert_eq!(ids_after(&*store, None, 10).await, [*blob(1).id()]);
}

async fn put_again_counts_as_putting_now(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), START).await;
    put(&*store, &blob(1), at(7)).await;
    let info = store.find(blob(1).id()).await.expect("find").expect("is there");
    assert_eq!(info.put_at, at(7));
}

async fn put_after_delete_keeps_it(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), START).await;
    store.delete(blob(1).id(), at(1)).await.expect("delete");
    put(&*store, &blob(1), at(2)).await;
    assert_eq!(store.get(blob(1).id()).await.expect("get"), blob(1).bytes());
}

async fn delete_missing_succeeds(store: Arc<dyn ImageStore>) {
    assert!(store.delete(blob(1).id(), at(1)).await.expect("delete"), "the store is without it");
}

async fn delete_removes_what_was_put_before(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), START).await;
    assert!(store.delete(blob(1).id(), at(1)).await.expect("delete"), "the store is without it");
    assert_eq!(store.find(blob(1).id()).await.expect("find"), None);
}

async fn check_delete_leaves_it(store: &dyn ImageStore, put_before: Timestamp) {
    assert!(!store.delete(blob(1).id(), put_before).await.expect("delete"), "the store still has it");
    assert_eq!(store.get(blob(1).id()).await.expect("get"), blob(1).bytes());
}

async fn delete_leaves_what_was_put_at_that_moment(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), at(5)).await;
    check_delete_leaves_it(&*store, at(5)).await;
}

async fn delete_leaves_what_was_put_later(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), at(9)).await;
    check_delete_leaves_it(&*store, at(5)).await;
}

async fn delete_leaves_what_was_put_again(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), at(1)).await;
    put(&*store, &blob(1), at(9)).await;
    check_delete_leaves_it(&*store, at(5)).await;
}

async fn delete_leaves_other_blobs(store: Arc<dyn ImageStore>) {
    put_many(&*store, 3).await;
    store.delete(blob(1).id(), at(1)).await.expect("delete");
    assert_eq!(ids_after(&*store, None, 10).await.len(), 2);
}

async fn quarantine_takes_the_blob_out_of_the_store(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), START).await;
    put(&*store, &blob(2), START).await;
    assert!(store.quarantine(blob(1).id(), at(1), at(2)).await.expect("quarantine"));
    assert_eq!(get_error(&*store, blob(1).id()).await, ErrorKind::NotFound);
    assert_eq!(store.find(blob(1).id()).await.expect("find"), None);
    assert_eq!(ids_after(&*store, None, 10).await, [*blob(2).id()]);
}

async fn quarantine_leaves_what_was_put_later(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), at(1)).await;
    assert!(!store.quarantine(blob(1).id(), at(1), at(2)).await.expect("quarantine"));
    assert_eq!(store.get(blob(1).id()).await.expect("get"), blob(1).bytes());
}

async fn quarantine_of_a_missing_blob_succeeds(store: Arc<dyn ImageStore>) {
    assert!(store.quarantine(blob(1).id(), at(1), at(2)).await.expect("quarantine"));
}

async fn put_after_quarantine_stores_the_bytes_anew(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), START).await;
    store.quarantine(blob(1).id(), at(1), at(2)).await.expect("quarantine");
    put(&*store, &blob(1), at(3)).await;
    store.purge_quarantine(at(9), 10).await.expect("purge_quarantine");
    assert_eq!(store.get(blob(1).id()).await.expect("get"), blob(1).bytes());
}

async fn purge_quarantine_leaves_what_is_in_the_store(store: Arc<dyn ImageStore>) {
    put(&*store, &blob(1), START).await;
    store.purge_quarantine(at(9), 10).await.expect("purge_quarantine");
    assert_eq!(store.get(blob(1).id()).await.expect("get"), blob(1).bytes());
}

async fn list_is_in_order_of_addresses(store: Arc<dyn ImageStore>) {
    let ids = put_many(&*store, 20).await;
    assert_eq!(ids_after(&*store, None, 100).await, ids);
}

async fn list_starts_after_the_given_address(store: Arc<dyn ImageStore>) {
    let ids = put_many(&*store, 20).await;
    assert_eq!(ids_after(&*store, Some(ids[4]), 100).await, ids[5..]);
}

async fn list_starts_after_an_address_that_is_not_there(store: Arc<dyn ImageStore>) {
    let ids = put_many(&*store, 20).await;
    store.delete(&ids[4], at(1)).await.expect("delete");
    assert_eq!(ids_after(&*store, Some(ids[4]), 100).await, ids[5..]);
}

async fn list_gives_at_most_the_limit(store: Arc<dyn ImageStore>) {
    let ids = put_many(&*store, 20).await;
    assert_eq!(ids_after(&*store, None, 7).await, ids[..7]);
}

async fn list_after_the_last_is_empty(store: Arc<dyn ImageStore>) {
    let ids = put_many(&*store, 3).await;
    assert!(ids_after(&*store, Some(ids[2]), 10).await.is_empty());
}

async fn list_walked_page_by_page_gives_every_blob_once(store: Arc<dyn ImageStore>) {
    let ids = put_many(&*store, 25).await;
    let mut walked: Vec<BlobId> = Vec::new();
    loop {
        let page = ids_after(&*store, walked.last().copied(), 4).await;
        if page.is_empty() {
            break;
        }
        walked.extend(page);
    }
    assert_eq!(walked, ids);
}

/// Reads until `writer` is done; what is read is everything or nothing.
async fn check_reads_during(
    store: Arc<dyn ImageStore>,
    blob: &Blob,
    writer: impl Future<Output = ()> + Send + 'static,
) {
    let writer = tokio::spawn(writer);
    while !writer.is_finished() {
        match store.get(blob.id()).await {
            Ok(bytes) => {
                assert!(bytes == blob.bytes(), "read {} bytes of {}", bytes.len(), blob.bytes().len());
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
        }
        tokio::task::yield_now().await;
    }
    writer.await.expect("the writer succeeds");
}

async fn a_reader_sees_all_bytes_or_none_while_one_puts(store: Arc<dyn ImageStore>) {
    for n in 0..10 {
        let large = large_blob(n, 1024 * 1024);
        let (writing, written) = (store.clone(), large.clone());
        check_reads_during(store.clone(), &large, async move { put(&*writing, &written, START).await }).await;
    }
}

async fn a_reader_sees_all_bytes_or_none_while_one_deletes(store: Arc<dyn ImageStore>) {
    let large = large_blob(1, 1024 * 1024);
    let (writing, written) = (store.clone(), large.clone());
    let put_and_delete = async move {
        for _ in 0..20 {
            put(&*writing, &written, START).await;
            writing.delete(written.id(), at(1)).await.expect("delete");
        }
    };
    check_reads_during(store, &large, put_and_delete).await;
}

async fn many_may_put_the_same_bytes_at_once(store: Arc<dyn ImageStore>) {
    let large = large_blob(1, 256 * 1024);
    let putting: Vec<_> = (0..16)
        .map(|_| {
            let (store, large) = (store.clone(), large.clone());
            tokio::spawn(async move { put(&*store, &large, START).await })
        })
        .collect();
    for put in putting {
        put.await.expect("every put succeeds");
    }
    assert!(store.get(large.id()).await.expect("get") == large.bytes(), "the bytes differ");
}

async fn corrupted_bytes_are_a_data_error(fixture: CorruptibleStore) {
    put(&*fixture.store, &blob(1), START).await;
    (fixture.corrupt)(*blob(1).id()).await;
    assert_eq!(get_error(&*fixture.store, blob(1).id()).await, ErrorKind::Data);
}

async fn open_of_corrupted_bytes_is_a_data_error(fixture: CorruptibleStore) {
    put(&*fixture.store, &blob(1), START).await;
    (fixture.corrupt)(*blob(1).id()).await;
    assert_eq!(open_error(&*fixture.store, blob(1).id()).await, ErrorKind::Data);
}

async fn bytes_that_are_corrupted_after_a_first_read_are_a_data_error_too(fixture: CorruptibleStore) {
    put(&*fixture.store, &blob(1), START).await;
    assert_eq!(read(&*open(&*fixture.store, blob(1).id()).await, 0, 1_000).await, blob(1).bytes());
    (fixture.corrupt)(*blob(1).id()).await;
    assert_eq!(open_error(&*fixture.store, blob(1).id()).await, ErrorKind::Data);
}

async fn a_reader_of_a_blob_that_is_corrupted_meanwhile_gives_no_other_bytes(fixture: CorruptibleStore) {
    put(&*fixture.store, &blob(1), START).await;
    let reader = open(&*fixture.store, blob(1).id()).await;
    (fixture.corrupt)(*blob(1).id()).await;
    match reader.read(0, 1_000).await {
        Ok(bytes) => assert_eq!(bytes, blob(1).bytes()),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Data, "{error}"),
    }
}
