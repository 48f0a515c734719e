//! One table of DynamoDB as the repositories use it. Every read is strongly consistent and names its partition: a
//! write that returned is seen by every later call, and no read grows with the table. What the items mean is said by
//! the repository they belong to.
//!
//! A read costs half a unit per 4 KB looked at and one when it is consistent, as all are here; a write one unit per
//! KB, two within a transaction.

mod batch;
mod condition;
mod item;
mod released;
mod retry;
mod settings;
mod transaction;

#[cfg(test)]
pub(crate) use item::item_bytes;
pub use settings::cursor_secret;
pub(crate) use {
    condition::Condition,
    item::{Item, Key, moment},
    released::released_item,
    retry::{Change, TRIES, contended, pause},
    transaction::{TRANSACTION_MAX, Transacted, Write},
};

use crate::error::{SdkError, port_error};
use aws_sdk_dynamodb::{
    Client,
    error::ProvideErrorMetadata,
    operation::{put_item::builders::PutItemFluentBuilder, query::builders::QueryFluentBuilder},
    types::{AttributeValue, ReturnValue},
};
use std::error::Error as StdError;
use tintype_core::{ErrorKind, PortError, PortResult};

/// A table whose key is `pk` and `sk`.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    client: Client,
    name: String,
}

/// A stretch of one partition, in the order of its sort keys.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    partition: String,
    bounds: Bounds,
    backwards: bool,
    keys_only: bool,
}

/// Which sort keys; the ends are not part of it, but for those of `Between`.
#[derive(Clone, Debug)]
pub(crate) enum Bounds {
    All,
    Before(String),
    After(String),
    Between(String, String),
}

impl Stretch {
    pub(crate) fn of(partition: impl Into<String>, bounds: Bounds) -> Self {
        Self { partition: partition.into(), bounds, backwards: false, keys_only: false }
    }

    /// The same from its end.
    pub(crate) const fn backwards(mut self) -> Self {
        self.backwards = true;
        self
    }

    /// The keys of its items and nothing else.
    pub(crate) const fn keys_only(mut self) -> Self {
        self.keys_only = true;
        self
    }

    fn query(&self, query: QueryFluentBuilder) -> QueryFluentBuilder {
        let text = |text: &String| AttributeValue::S(text.clone());
        let (expression, from, to) = match &self.bounds {
            Bounds::All => ("pk = :pk", None, None),
            Bounds::Before(end) => ("pk = :pk AND sk < :to", None, Some(end)),
            Bounds::After(start) => ("pk = :pk AND sk > :from", Some(start), None),
            Bounds::Between(start, end) => ("pk = :pk AND sk BETWEEN :from AND :to", Some(start), Some(end)),
        };
        let mut query = query.key_condition_expression(expression);
        for (name, value) in [(":pk", Some(&self.partition)), (":from", from), (":to", to)] {
            if let Some(value) = value {
                query = query.expression_attribute_values(name, text(value));
            }
        }
        query
            .scan_index_forward(!self.backwards)
            .set_projection_expression(self.keys_only.then(|| "pk, sk".to_owned()))
    }
}

impl Table {
    pub(crate) const fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// The id that the service gave this very table: a table that was restored or made again has another one.
    pub(crate) async fn id(&self, operation: &'static str) -> PortResult<Option<String>> {
        let described = self.client.describe_table().table_name(&self.name).send().await;
        let described = described.map_err(|error| failure(operation, error))?;
        Ok(described.table.and_then(|table| table.table_id))
    }

    /// The item at `key`.
    pub(crate) async fn get(&self, operation: &'static str, key: Key) -> PortResult<Option<Item>> {
        let get = self.client.get_item().table_name(&self.name).set_key(Some(key.into_attributes()));
        let found = get.consistent_read(true).send().await.map_err(|error| failure(operation, error))?;
        Ok(found.item.map(Item::from))
    }

    /// The items of a stretch, at most `limit` of them where there is one.
    pub(crate) async fn query(
        &self,
        operation: &'static str,
        stretch: &Stretch,
        limit: Option<u32>,
    ) -> PortResult<Vec<Item>> {
        let mut items: Vec<Item> = Vec::new();
        let mut next = None;
        loop {
            let left = limit.map(|limit| limit.saturating_sub(items.len() as u32));
            if left == Some(0) {
                return Ok(items);
            }
            let query = stretch.query(self.client.query().table_name(&self.name)).consistent_read(true);
            let query = query.set_limit(left.map(|left| i32::try_from(left).unwrap_or(i32::MAX)));
            let page = query.set_exclusive_start_key(next).send().await;
            let page = page.map_err(|error| failure(operation, error))?;
            items.extend(page.items.unwrap_or_default().into_iter().map(Item::from));
            next = page.last_evaluated_key.filter(|key| !key.is_empty());
            if next.is_none() {
                return Ok(items);
            }
        }
    }

    /// Writes the whole item.
    pub(crate) async fn put(&self, operation: &'static str, item: Item) -> PortResult<()> {
        for tries in 0..TRIES {
            let put = self.client.put_item().table_name(&self.name).set_item(Some(item.clone().into()));
            match put.send().await {
                Ok(_) => return Ok(()),
                Err(error) if is_in_conflict(&error) => pause(tries).await,
                Err(error) => return Err(failure(operation, error)),
            }
        }
        Err(contended(operation))
    }

    /// Writes the whole item if what is there fulfils `condition`; says whether it did.
    pub(crate) async fn put_if(
        &self,
        operation: &'static str,
        item: Item,
        condition: &Condition,
    ) -> PortResult<bool> {
        for tries in 0..TRIES {
            match self.conditional_put(item.clone(), condition).send().await {
                Ok(_) => return Ok(true),
                Err(error) if is_refused(&error) => return Ok(false),
                Err(error) if is_in_conflict(&error) => pause(tries).await,
                Err(error) => return Err(failure(operation, error)),
            }
        }
        Err(contended(operation))
    }

    /// The same, once: a transaction that holds the item is a conflict too.
    pub(crate) async fn put_once(
        &self,
        operation: &'static str,
        item: Item,
        condition: &Condition,
    ) -> PortResult<Transacted> {
        match self.conditional_put(item, condition).send().await {
            Ok(_) => Ok(Transacted::Done),
            Err(error) if is_refused(&error) || is_in_conflict(&error) => Ok(Transacted::Lost),
            Err(error) => Err(failure(operation, error)),
        }
    }

    fn conditional_put(&self, item: Item, condition: &Condition) -> PutItemFluentBuilder {
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item.into()));
        put.condition_expression(condition.expression())
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
    }

    /// Sets the number `name` of the item at `key` to `value` where it is less; a missing item stays missing.
    pub(crate) async fn raise(
        &self,
        operation: &'static str,
        key: &Key,
        name: &'static str,
        value: i64,
    ) -> PortResult<()> {
        for tries in 0..TRIES {
            let update = self.client.update_item().table_name(&self.name);
            let update = update
                .set_key(Some(key.clone().into_attributes()))
                .update_expression("SET #number = :value")
                .condition_expression("#number < :value")
                .expression_attribute_names("#number", name)
                .expression_attribute_values(":value", AttributeValue::N(value.to_string()));
            match update.send().await {
                Ok(_) => return Ok(()),
                Err(error) if is_refused(&error) => return Ok(()),
                Err(error) if is_in_conflict(&error) => pause(tries).await,
                Err(error) => return Err(failure(operation, error)),
            }
        }
        Err(contended(operation))
    }

    /// Removes the item at `key`; a missing one is success.
    pub(crate) async fn delete(&self, operation: &'static str, key: Key) -> PortResult<()> {
        for tries in 0..TRIES {
            let delete = self.client.delete_item().table_name(&self.name);
            match delete.set_key(Some(key.clone().into_attributes())).send().await {
                Ok(_) => return Ok(()),
                Err(error) if is_in_conflict(&error) => pause(tries).await,
                Err(error) => return Err(failure(operation, error)),
            }
        }
        Err(contended(operation))
    }

    /// Removes the item at `key` if it fulfils `condition`; anything else stays, and is success.
    pub(crate) async fn delete_if(
        &self,
        operation: &'static str,
        key: &Key,
        condition: &Condition,
    ) -> PortResult<()> {
        self.take_if(operation, key, condition).await.map(drop)
    }

    /// Removes the item at `key` if it fulfils `condition`, and gives it to the one caller that did.
    pub(crate) async fn take_if(
        &self,
        operation: &'static str,
        key: &Key,
        condition: &Condition,
    ) -> PortResult<Option<Item>> {
        for tries in 0..TRIES {
            let delete = self.client.delete_item().table_name(&self.name);
            let delete = delete
                .set_key(Some(key.clone().into_attributes()))
                .condition_expression(condition.expression())
                .set_expression_attribute_names(condition.names())
                .set_expression_attribute_values(condition.values())
                .return_values(ReturnValue::AllOld);
            match delete.send().await {
                Ok(deleted) => return Ok(deleted.attributes.map(Item::from)),
                Err(error) if is_refused(&error) => return Ok(None),
                Err(error) if is_in_conflict(&error) => pause(tries).await,
                Err(error) => return Err(failure(operation, error)),
            }
        }
        Err(contended(operation))
    }
}

/// The condition of a write was not fulfilled.
fn is_refused<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    has_code(error, "ConditionalCheckFailedException")
}

/// A transaction that is not done holds the item.
fn is_in_conflict<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    has_code(error, "TransactionConflictException")
}

fn has_code<E: ProvideErrorMetadata>(error: &SdkError<E>, code: &str) -> bool {
    error.as_service_error().is_some_and(|error| error.code() == Some(code))
}

/// What DynamoDB's own codes mean.
pub(crate) fn failure<E>(operation: &'static str, error: SdkError<E>) -> PortError
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    port_error(operation, error, |code| match code {
        "ProvisionedThroughputExceededException" => Some(ErrorKind::Throttled),
        "ConditionalCheckFailedException" => Some(ErrorKind::Conflict),
        "TransactionConflictException" | "TransactionInProgressException" => Some(ErrorKind::Unavailable),
        _ => None,
    })
}
