//! API keys and tickets in the table of connections.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `CREDENTIAL#<hash>` | `#` | a key or a ticket |
//! | `CREDENTIALS` | `<name>#<hash>` | a key once more, for the list |
//!
//! A caller's key costs one consistent read of a whole unit; a ticket one write to make and one to take. Both items of
//! a key are written in one transaction, so that no key works without being listed. TTL removes what has expired, days
//! late; it is filtered at read.

mod item;
mod transaction;

use crate::error::port_error;
use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client,
    error::ProvideErrorMetadata,
    types::{AttributeValue, ReturnValue, TransactWriteItem},
};
use item::{Item, KIND, Kind, LIST};
use tintype_core::{
    PortResult,
    domain::{ApiKey, BlobId, KeyPlace, Ticket, Timestamp},
    ports::CredentialRepo,
};

/// A [`CredentialRepo`] in a DynamoDB table with the string keys `pk` and `sk` and the TTL attribute `ttl`.
#[derive(Clone, Debug)]
pub struct DynamoCredentialRepo {
    client: Client,
    table: String,
}

/// An item is there already, or is not what it should be.
const CONDITION_FAILED: &str = "ConditionalCheckFailedException";

impl DynamoCredentialRepo {
    /// The credentials in `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// The credential with this hash, valid or not.
    async fn get(&self, operation: &'static str, hash: &BlobId) -> PortResult<Option<Item>> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let found = get.set_key(Some(item::key(hash))).send().await;
        let found = found.map_err(|error| port_error(operation, error, |_| None))?;
        Ok(found.item)
    }

    /// One page of the list of keys, and where the next one starts.
    async fn query(
        &self,
        after: &str,
        start: Option<Item>,
        limit: u32,
    ) -> PortResult<(Vec<Item>, Option<Item>)> {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let found = query
            .key_condition_expression("pk = :pk AND sk > :after")
            .expression_attribute_values(":pk", text(LIST))
            .expression_attribute_values(":after", text(after))
            .set_exclusive_start_key(start)
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| port_error("CredentialRepo::list_keys", error, |_| None))?;
        Ok((found.items.unwrap_or_default(), found.last_evaluated_key.filter(|key| !key.is_empty())))
    }

    fn put_new(&self, item: Item) -> Result<TransactWriteItem, aws_sdk_dynamodb::error::BuildError> {
        let put = aws_sdk_dynamodb::types::Put::builder().table_name(&self.table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk)").build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn delete(&self, key: Item) -> Result<TransactWriteItem, aws_sdk_dynamodb::error::BuildError> {
        let delete = aws_sdk_dynamodb::types::Delete::builder().table_name(&self.table).set_key(Some(key));
        Ok(TransactWriteItem::builder().delete(delete.build()?).build())
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

#[async_trait]
impl CredentialRepo for DynamoCredentialRepo {
    async fn add_key(&self, key: &ApiKey) -> PortResult<()> {
        let operation = "CredentialRepo::add_key";
        let (credential, listed) = (item::of_key(key, operation)?, item::listed(key, operation)?);
        let writes = [self.put_new(credential), self.put_new(listed)];
        // A failed condition says that the hash is there: that is success.
        transaction::write(&self.client, operation, writes).await.map(drop)
    }

    async fn find_key(&self, hash: &BlobId, now: Timestamp) -> PortResult<Option<ApiKey>> {
        let operation = "CredentialRepo::find_key";
        let Some(found) = self.get(operation, hash).await? else { return Ok(None) };
        let key: Option<ApiKey> = item::read(&found, Kind::Key, operation)?;
        Ok(key.filter(|key| key.is_valid(now)))
    }

    async fn list_keys(
        &self,
        after: Option<KeyPlace>,
        limit: u32,
        now: Timestamp,
    ) -> PortResult<Vec<ApiKey>> {
        let after = after.map_or_else(|| " ".to_owned(), |place| item::place(&place));
        let mut keys = Vec::new();
        let mut start = None;
        while keys.len() < limit as usize {
            let (items, next) = self.query(&after, start, limit).await?;
            for item in items {
                let key: Option<ApiKey> = item::read(&item, Kind::Key, "CredentialRepo::list_keys")?;
                keys.extend(key.filter(|key| key.is_valid(now)));
            }
            start = next;
            if start.is_none() {
                break;
            }
        }
        keys.truncate(limit as usize);
        Ok(keys)
    }

    async fn remove_key(&self, hash: &BlobId) -> PortResult<()> {
        let operation = "CredentialRepo::remove_key";
        let Some(found) = self.get(operation, hash).await? else { return Ok(()) };
        let Some(key) = item::read::<ApiKey>(&found, Kind::Key, operation)? else { return Ok(()) };
        let writes = [self.delete(item::key(hash)), self.delete(item::list_key(&key.place()))];
        transaction::write(&self.client, operation, writes).await.map(drop)
    }

    async fn add_ticket(&self, ticket: &Ticket, _: Timestamp) -> PortResult<()> {
        let operation = "CredentialRepo::add_ticket";
        let put = self.client.put_item().table_name(&self.table);
        let put = put.set_item(Some(item::of_ticket(ticket, operation)?));
        match put.condition_expression("attribute_not_exists(pk)").send().await {
            Ok(_) => Ok(()),
            // It is there: a repeated call is success.
            Err(error) if error.code() == Some(CONDITION_FAILED) => Ok(()),
            Err(error) => Err(port_error(operation, error, |_| None)),
        }
    }

    /// One conditional delete that returns what it deleted: of any number of racing calls the table answers one so. A
    /// call that the SDK repeats because its answer was lost finds the ticket gone, which errs on the safe side.
    async fn take_ticket(&self, hash: &BlobId, now: Timestamp) -> PortResult<Option<Ticket>> {
        let operation = "CredentialRepo::take_ticket";
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(item::key(hash)));
        let taken = delete
            // A key's hash must not delete the key.
            .condition_expression("#kind = :ticket AND expires_at > :now")
            .expression_attribute_names("#kind", KIND)
            .expression_attribute_values(":ticket", text(Kind::Ticket.name()))
            .expression_attribute_values(":now", item::millis(now))
            .return_values(ReturnValue::AllOld)
            .send()
            .await;
        match taken {
            Ok(taken) => match taken.attributes {
                Some(found) => item::read(&found, Kind::Ticket, operation),
                None => Ok(None),
            },
            Err(error) if error.code() == Some(CONDITION_FAILED) => Ok(None),
            Err(error) => Err(port_error(operation, error, |_| None)),
        }
    }
}
