//! Counts what a client of DynamoDB asks for.

use aws_sdk_dynamodb::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents, interceptors::AfterDeserializationInterceptorContextRef,
    },
    error::BoxError,
    operation::{batch_get_item::BatchGetItemOutput, query::QueryOutput},
};
use std::{
    mem,
    sync::{Arc, Mutex},
};

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// Answers.
    pub(crate) requests: usize,
    /// Items the service looked at, found or filtered out.
    pub(crate) items: usize,
}

/// Sees every answer of the clients it is fitted to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Mutex<Reads>>);

impl Meter {
    /// `client`, with this meter.
    pub(crate) fn fitted_to(&self, client: &Client) -> Client {
        Client::from_conf(client.config().to_builder().interceptor(self.clone()).build())
    }

    /// What was read since the last call.
    pub(crate) fn take(&self) -> Reads {
        mem::take(&mut *self.0.lock().expect("no panic"))
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut reads = self.0.lock().expect("no panic");
        reads.requests += 1;
        if let Ok(output) = context.output_or_error() {
            let queried =
                output.downcast_ref::<QueryOutput>().map_or(0, |page| page.scanned_count() as usize);
            let got = output.downcast_ref::<BatchGetItemOutput>().and_then(|answer| answer.responses());
            let got: usize = got.map_or(0, |tables| tables.values().map(Vec::len).sum());
            reads.items += queried + got;
        }
        Ok(())
    }
}
