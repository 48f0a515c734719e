//! Counts what the clients of DynamoDB and S3 ask for, in what AWS charges for it.

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextRef},
    },
    error::BoxError,
    operation::{
        batch_get_item::BatchGetItemOutput, batch_write_item::BatchWriteItemInput,
        delete_item::DeleteItemInput, get_item::GetItemOutput, put_item::PutItemInput, query::QueryOutput,
        transact_write_items::TransactWriteItemsInput, update_item::UpdateItemInput,
    },
    types::{AttributeValue, TransactWriteItem},
};
use aws_sdk_s3::operation::{
    copy_object::CopyObjectInput, get_object::GetObjectInput, head_object::HeadObjectInput,
    list_objects_v2::ListObjectsV2Input, put_object::PutObjectInput,
};
use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex},
};

/// How much of an item a unit pays for: written, and read with strong consistency, in bytes.
const WRITE_UNIT: usize = 1_024;
const READ_UNIT: usize = 4_096;

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Answers of DynamoDB.
    pub(crate) requests: usize,
    /// Items DynamoDB looked at, found or filtered out.
    pub(crate) items: usize,
    /// DynamoDB's read request units, strongly consistent.
    pub(crate) read_units: usize,
    /// DynamoDB's write request units.
    pub(crate) write_units: usize,
    /// S3's requests of the price of a PUT: puts, copies and lists.
    pub(crate) puts: usize,
    /// S3's requests of the price of a GET.
    pub(crate) gets: usize,
}

/// Sees every question and answer of the clients it is fitted to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Mutex<Asked>>);

impl Meter {
    /// `client`, with this meter.
    pub(crate) fn fitted_to(&self, client: &aws_sdk_dynamodb::Client) -> aws_sdk_dynamodb::Client {
        let config = client.config().to_builder().interceptor(self.clone());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// `client`, with this meter.
    pub(crate) fn fitted_to_s3(&self, client: &aws_sdk_s3::Client) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::from_conf(client.config().to_builder().interceptor(self.clone()).build())
    }

    /// What was asked since the last call.
    pub(crate) fn take(&self) -> Asked {
        mem::take(&mut *self.0.lock().expect("no panic"))
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (input, mut asked) = (context.input(), self.0.lock().expect("no panic"));
        if let Some(put) = input.downcast_ref::<PutItemInput>() {
            asked.write_units += put.item().map_or(1, write_units);
        } else if input.downcast_ref::<UpdateItemInput>().is_some()
            || input.downcast_ref::<DeleteItemInput>().is_some()
        {
            asked.write_units += 1;
        } else if let Some(batch) = input.downcast_ref::<BatchWriteItemInput>() {
            let writes = batch.request_items().into_iter().flat_map(HashMap::values).flatten();
            asked.write_units += writes
                .map(|write| write.put_request().map_or(1, |put| write_units(put.item())))
                .sum::<usize>();
        } else if let Some(transaction) = input.downcast_ref::<TransactWriteItemsInput>() {
            // A write within a transaction costs two.
            asked.write_units += transaction.transact_items().iter().map(transacted).sum::<usize>() * 2;
        } else if input.downcast_ref::<PutObjectInput>().is_some()
            || input.downcast_ref::<CopyObjectInput>().is_some()
            || input.downcast_ref::<ListObjectsV2Input>().is_some()
        {
            asked.puts += 1;
        } else if input.downcast_ref::<GetObjectInput>().is_some()
            || input.downcast_ref::<HeadObjectInput>().is_some()
        {
            asked.gets += 1;
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut asked = self.0.lock().expect("no panic");
        asked.requests += 1;
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        if let Some(page) = output.downcast_ref::<QueryOutput>() {
            asked.items += page.scanned_count() as usize;
            // A query pays for all it looked at together.
            asked.read_units += read_units(page.items().iter().map(item_bytes).sum());
        } else if let Some(answer) = output.downcast_ref::<BatchGetItemOutput>() {
            let items: Vec<_> = answer.responses().into_iter().flat_map(HashMap::values).flatten().collect();
            asked.items += items.len();
            asked.read_units += items.iter().map(|item| read_units(item_bytes(item))).sum::<usize>();
        } else if let Some(answer) = output.downcast_ref::<GetItemOutput>() {
            asked.read_units += read_units(answer.item().map_or(0, item_bytes));
        }
        Ok(())
    }
}

fn transacted(write: &TransactWriteItem) -> usize {
    write.put().map_or(1, |put| write_units(put.item()))
}

fn write_units(item: &HashMap<String, AttributeValue>) -> usize {
    item_bytes(item).div_ceil(WRITE_UNIT).max(1)
}

fn read_units(bytes: usize) -> usize {
    bytes.div_ceil(READ_UNIT).max(1)
}

/// What DynamoDB counts as an item's size, for the kinds of attributes that ours have.
fn item_bytes(item: &HashMap<String, AttributeValue>) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

/// Of texts, numbers, bytes and flags, of which all items of ours are made.
fn value_bytes(value: &AttributeValue) -> usize {
    if let Ok(text) = value.as_s() {
        return text.len();
    }
    if let Ok(number) = value.as_n() {
        // About a byte per two digits, and one.
        return number.len().div_ceil(2) + 1;
    }
    if let Ok(bytes) = value.as_b() {
        return bytes.as_ref().len();
    }
    assert!(value.is_bool(), "no item of ours has an attribute like {value:?}");
    1
}
