//! Many items by their keys in one request. DynamoDB may answer a part; the rest is asked for again.

use super::{Item, Key, TRIES, Table, failure, is_in_conflict, pause};
use aws_sdk_dynamodb::{
    error::BuildError,
    types::{DeleteRequest, KeysAndAttributes, WriteRequest},
};
use std::collections::HashMap;
use tintype_core::{ErrorKind, PortError, PortResult};

/// The most keys of one request that reads.
const READS_MAX: usize = 100;
/// The most keys of one request that writes.
const WRITES_MAX: usize = 25;

impl Table {
    /// The items at `keys`, in any order; what is missing is left out. No key may stand there twice.
    pub(crate) async fn get_many(&self, operation: &'static str, keys: &[Key]) -> PortResult<Vec<Item>> {
        let mut items = Vec::with_capacity(keys.len());
        for part in keys.chunks(READS_MAX) {
            let keys = part.iter().cloned().map(Key::into_attributes).collect();
            let keys = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys)).build();
            self.get_part(operation, keys.map_err(|error| unbuilt(operation, error))?, &mut items).await?;
        }
        Ok(items)
    }

    async fn get_part(
        &self,
        operation: &'static str,
        mut keys: KeysAndAttributes,
        items: &mut Vec<Item>,
    ) -> PortResult<()> {
        for tries in 0..TRIES {
            let get = self.client.batch_get_item().request_items(&self.name, keys);
            let answer = get.send().await.map_err(|error| failure(operation, error))?;
            let found = answer.responses.and_then(|mut tables| tables.remove(&self.name)).unwrap_or_default();
            items.extend(found.into_iter().map(Item::from));
            let rest = answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.name));
            match rest.filter(|rest| !rest.keys().is_empty()) {
                None => return Ok(()),
                Some(rest) => keys = rest,
            }
            pause(tries).await;
        }
        Err(throttled(operation))
    }

    /// Removes the items at `keys`; not as one step: after an error some may be gone.
    pub(crate) async fn delete_many(&self, operation: &'static str, keys: &[Key]) -> PortResult<()> {
        for part in keys.chunks(WRITES_MAX) {
            let deletions: Result<Vec<_>, _> = part.iter().cloned().map(deletion).collect();
            self.write_part(operation, deletions.map_err(|error| unbuilt(operation, error))?).await?;
        }
        Ok(())
    }

    async fn write_part(&self, operation: &'static str, mut writes: Vec<WriteRequest>) -> PortResult<()> {
        for tries in 0..TRIES {
            let write = self.client.batch_write_item().request_items(&self.name, writes.clone());
            match write.send().await {
                Ok(answer) => {
                    let rest: Option<HashMap<_, _>> = answer.unprocessed_items;
                    writes = rest.and_then(|mut tables| tables.remove(&self.name)).unwrap_or_default();
                    if writes.is_empty() {
                        return Ok(());
                    }
                }
                Err(error) if is_in_conflict(&error) => {}
                Err(error) => return Err(failure(operation, error)),
            }
            pause(tries).await;
        }
        Err(throttled(operation))
    }
}

fn deletion(key: Key) -> Result<WriteRequest, BuildError> {
    let request = DeleteRequest::builder().set_key(Some(key.into_attributes())).build()?;
    Ok(WriteRequest::builder().delete_request(request).build())
}

fn unbuilt(operation: &'static str, error: BuildError) -> PortError {
    PortError::new(ErrorKind::Internal, operation, "the request can't be built").with_source(error)
}

fn throttled(operation: &'static str) -> PortError {
    let message = "the service leaves a part of each request undone; ask at a slower pace";
    PortError::new(ErrorKind::Throttled, operation, message)
}
