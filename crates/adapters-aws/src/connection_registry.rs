//! Who listens to what, in DynamoDB.
//!
//! | item | holds |
//! |---|---|
//! | `CONN#<connection>` / `#` | the connection |
//! | `CONN#<connection>` / `JOB#<job>` | that it listens to the job |
//! | `JOB#<job>` / `CONN#<connection>` | the subscription, with its place in the job's log |
//!
//! Every item goes by its time to live, and is not shown from its `expires_at` on. At most, in units: `connect` and
//! `advance` 1 written; `find` 1 read; `subscribe` 2 written and 1 read per 30 jobs the connection listens to;
//! `unsubscribe` 2 written; `listeners` 1 read per 20 listeners; `disconnect` 1 written and 2 more per job.

use crate::dynamodb::{Bounds, Item, Key, Stretch, Table};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Connection, ConnectionId, JobId, Seq, Subscription, Timestamp, limits},
    ports::ConnectionRegistry,
};

/// Keeps connections and subscriptions in a table.
#[derive(Clone, Debug)]
pub struct DynamoConnectionRegistry {
    table: Table,
}

impl DynamoConnectionRegistry {
    /// The connections in `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table::new(client, table.into()) }
    }

    /// How many other jobs the connection listens to. Two subscriptions at the same moment may both find room for one:
    /// the limit guards against abuse, and costs no counter.
    async fn check_room(&self, operation: &'static str, wish: &Subscription) -> PortResult<()> {
        let jobs = self.jobs(operation, &wish.connection).await?;
        let others = jobs.iter().filter(|job| **job != wish.job_id).count();
        if others < limits::SUBSCRIPTIONS_MAX {
            return Ok(());
        }
        let most = limits::SUBSCRIPTIONS_MAX;
        let message = format!("a connection listens to at most {most} jobs; unsubscribe from one first");
        Err(PortError::new(ErrorKind::Invalid, operation, message))
    }

    async fn jobs(&self, operation: &'static str, id: &ConnectionId) -> PortResult<Vec<JobId>> {
        let stretch = Stretch::of(partition_of(id), Bounds::After("JOB#".to_owned()));
        let items = self.table.query(operation, &stretch, None).await?;
        items.iter().map(|item| item.parsed(operation, "job_id")).collect()
    }
}

fn partition_of(id: &ConnectionId) -> String {
    format!("CONN#{id}")
}

fn connection_key(id: &ConnectionId) -> Key {
    Key::head(partition_of(id))
}

/// Where the connection's part of a subscription is.
fn wish_key(id: &ConnectionId, job_id: &JobId) -> Key {
    Key::new(partition_of(id), format!("JOB#{job_id}"))
}

/// Where the job's part of a subscription is.
fn listener_key(id: &ConnectionId, job_id: &JobId) -> Key {
    Key::new(format!("JOB#{job_id}"), format!("CONN#{id}"))
}

fn wish_item(subscription: &Subscription) -> Item {
    Item::new(wish_key(&subscription.connection, &subscription.job_id))
        .with_text("job_id", subscription.job_id.to_string())
        .with_ttl(subscription.expires_at)
}

fn listener_item(subscription: &Subscription) -> Item {
    Item::new(listener_key(&subscription.connection, &subscription.job_id))
        .with_text("connection", subscription.connection.as_str())
        .with_text("owner", subscription.owner.as_str())
        .with_number("seq", subscription.after.0)
        .with_flag("inline", subscription.inline)
        .with_time("expires_at", subscription.expires_at)
        .with_ttl(subscription.expires_at)
}

fn listener(operation: &'static str, job_id: &JobId, item: &Item) -> PortResult<Subscription> {
    Ok(Subscription {
        connection: item.parsed(operation, "connection")?,
        job_id: *job_id,
        owner: item.parsed(operation, "owner")?,
        after: Seq(item.number(operation, "seq")?),
        inline: item.flag(operation, "inline")?,
        expires_at: item.time(operation, "expires_at")?,
    })
}

#[async_trait]
impl ConnectionRegistry for DynamoConnectionRegistry {
    async fn connect(&self, connection: &Connection) -> PortResult<()> {
        let item = Item::new(connection_key(&connection.id))
            .with_text("owner", connection.owner.as_str())
            .with_time("expires_at", connection.expires_at)
            .with_ttl(connection.expires_at);
        self.table.put("ConnectionRegistry::connect", item).await
    }

    async fn find(&self, id: &ConnectionId, now: Timestamp) -> PortResult<Option<Connection>> {
        const OPERATION: &str = "ConnectionRegistry::find";
        let Some(item) = self.table.get(OPERATION, connection_key(id)).await? else { return Ok(None) };
        let expires_at = item.time(OPERATION, "expires_at")?;
        let connection = Connection { id: id.clone(), owner: item.parsed(OPERATION, "owner")?, expires_at };
        Ok((now < expires_at).then_some(connection))
    }

    async fn disconnect(&self, id: &ConnectionId) -> PortResult<()> {
        const OPERATION: &str = "ConnectionRegistry::disconnect";
        let jobs = self.jobs(OPERATION, id).await?;
        // The jobs' part first: what is left after a failure can still be found by the connection's.
        let listeners: Vec<_> = jobs.iter().map(|job_id| listener_key(id, job_id)).collect();
        self.table.delete_many(OPERATION, &listeners).await?;
        let mut rest: Vec<_> = jobs.iter().map(|job_id| wish_key(id, job_id)).collect();
        rest.push(connection_key(id));
        self.table.delete_many(OPERATION, &rest).await
    }

    async fn subscribe(&self, subscription: &Subscription) -> PortResult<()> {
        const OPERATION: &str = "ConnectionRegistry::subscribe";
        self.check_room(OPERATION, subscription).await?;
        // The connection's part first: what a failure leaves behind is found by it, and nobody is told by it alone.
        self.table.put(OPERATION, wish_item(subscription)).await?;
        self.table.put(OPERATION, listener_item(subscription)).await
    }

    async fn unsubscribe(&self, id: &ConnectionId, job_id: &JobId) -> PortResult<()> {
        let keys = [listener_key(id, job_id), wish_key(id, job_id)];
        self.table.delete_many("ConnectionRegistry::unsubscribe", &keys).await
    }

    async fn listeners(&self, job_id: &JobId, now: Timestamp) -> PortResult<Vec<Subscription>> {
        const OPERATION: &str = "ConnectionRegistry::listeners";
        let stretch = Stretch::of(format!("JOB#{job_id}"), Bounds::All);
        let items = self.table.query(OPERATION, &stretch, None).await?;
        let listeners = items.iter().map(|item| listener(OPERATION, job_id, item));
        listeners.filter(|found| found.as_ref().map_or(true, |found| now < found.expires_at)).collect()
    }

    async fn advance(&self, id: &ConnectionId, job_id: &JobId, seq: Seq) -> PortResult<()> {
        let seq = i64::try_from(seq.0).unwrap_or(i64::MAX);
        self.table.raise("ConnectionRegistry::advance", &listener_key(id, job_id), "seq", seq).await
    }
}
