//! Integrity of a deployment on AWS: whether the tables are those that the objects in the bucket were stored with.
//!
//! DynamoDB and S3 check their own bytes. What goes wrong here is done by hand: a table is emptied, restored to an earlier
//! time, or made again. The bucket holds a mark with the ids of both tables, and each table an item that names the bucket.
//! Where these do not agree, nothing is deleted until an operator confirms the tables.

use crate::{
    dynamodb::{Item, Key, Table},
    error::port_error,
};
use async_trait::async_trait;
use aws_sdk_s3::{error::ProvideErrorMetadata, primitives::ByteStream};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use tintype_core::{ErrorKind, PortError, PortResult, domain::Timestamp, ports::Integrity};

/// The mark's key in the bucket.
const MARK: &str = "library.json";
/// The folder of blobs in the bucket.
const BLOBS: &str = "blobs/";

/// Compares tables and bucket.
#[derive(Debug)]
pub struct AwsIntegrity {
    s3: aws_sdk_s3::Client,
    bucket: String,
    jobs: Table,
    images: Table,
    damage: Mutex<Vec<String>>,
}

/// What the bucket says of the tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    jobs_table_id: Option<String>,
    images_table_id: Option<String>,
}

/// What the tables and the bucket say together.
#[derive(Debug)]
struct Found {
    mark: Option<Mark>,
    tables: Mark,
    /// Whether both tables name this bucket.
    is_named: bool,
    has_blobs: bool,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Confirmed,
    /// A new deployment: nothing is in the bucket yet.
    New,
    Refused(&'static str),
}

impl Found {
    fn verdict(&self) -> Verdict {
        match &self.mark {
            None if !self.has_blobs => Verdict::New,
            None => Verdict::Refused("the bucket holds images and no mark of the tables they belong to"),
            Some(mark) if *mark != self.tables => Verdict::Refused(
                "the tables are not those that the images were stored with: restored, or made again",
            ),
            Some(_) if !self.is_named => Verdict::Refused("a table was emptied"),
            Some(_) => Verdict::Confirmed,
        }
    }
}

impl AwsIntegrity {
    /// The integrity of the records in these tables and the objects in `bucket`.
    pub fn new(
        s3: aws_sdk_s3::Client,
        bucket: impl Into<String>,
        dynamodb: &aws_sdk_dynamodb::Client,
        jobs_table: impl Into<String>,
        images_table: impl Into<String>,
    ) -> Self {
        Self {
            s3,
            bucket: bucket.into(),
            jobs: Table::new(dynamodb.clone(), jobs_table.into()),
            images: Table::new(dynamodb.clone(), images_table.into()),
            damage: Mutex::default(),
        }
    }

    /// Takes the tables as they are for those that the objects belong to, on an operator's word.
    ///
    /// # Errors
    /// As [`Integrity::confirm`], but never [`Data`](ErrorKind::Data).
    pub async fn accept(&self) -> PortResult<()> {
        const OPERATION: &str = "Integrity::accept";
        let tables = self.tables(OPERATION).await?;
        self.write(OPERATION, &tables).await?;
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    async fn tables(&self, operation: &'static str) -> PortResult<Mark> {
        let id = async |table: &Table| table.id(operation).await;
        Ok(Mark { jobs_table_id: id(&self.jobs).await?, images_table_id: id(&self.images).await? })
    }

    async fn look(&self, operation: &'static str) -> PortResult<Found> {
        let mark = self.read_mark(operation).await?;
        let tables = self.tables(operation).await?;
        let is_named = self.names_the_bucket(operation, &self.jobs).await?
            && self.names_the_bucket(operation, &self.images).await?;
        let has_blobs = mark.is_some() || self.has_blobs(operation).await?;
        Ok(Found { mark, tables, is_named, has_blobs })
    }

    async fn names_the_bucket(&self, operation: &'static str, table: &Table) -> PortResult<bool> {
        let item = table.get(operation, key()).await?;
        Ok(item.is_some_and(|item| item.text(operation, "bucket").is_ok_and(|bucket| bucket == self.bucket)))
    }

    async fn has_blobs(&self, operation: &'static str) -> PortResult<bool> {
        let list = self.s3.list_objects_v2().bucket(&self.bucket).prefix(BLOBS).max_keys(1).send().await;
        let page = list.map_err(|error| port_error(operation, error, |_| None))?;
        Ok(!page.contents().is_empty())
    }

    async fn read_mark(&self, operation: &'static str) -> PortResult<Option<Mark>> {
        let object = match self.s3.get_object().bucket(&self.bucket).key(MARK).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(|error| error.code() == Some("NoSuchKey")) => {
                return Ok(None);
            }
            Err(error) => return Err(port_error(operation, error, |_| None)),
        };
        let bytes = object.body.collect().await.map_err(|error| {
            PortError::new(ErrorKind::Unavailable, operation, "the mark stopped coming").with_source(error)
        })?;
        // One that can't be understood is as none: then an operator decides.
        Ok(serde_json::from_slice(&bytes.into_bytes()).ok())
    }

    /// The tables first: a mark without their items says that they were emptied.
    async fn write(&self, operation: &'static str, tables: &Mark) -> PortResult<()> {
        for table in [&self.jobs, &self.images] {
            table.put(operation, Item::new(key()).with_text("bucket", &self.bucket)).await?;
        }
        let body = serde_json::to_vec(tables).map_err(|error| {
            PortError::new(ErrorKind::Internal, operation, "the mark can't be written down")
                .with_source(error)
        })?;
        let put = self.s3.put_object().bucket(&self.bucket).key(MARK).body(ByteStream::from(body));
        put.send().await.map_err(|error| port_error(operation, error, |_| None))?;
        Ok(())
    }
}

fn key() -> Key {
    Key::new("LIBRARY".to_owned(), "#".to_owned())
}

#[async_trait]
impl Integrity for AwsIntegrity {
    async fn confirm(&self, _: Timestamp) -> PortResult<()> {
        const OPERATION: &str = "Integrity::confirm";
        let found = self.look(OPERATION).await?;
        match found.verdict() {
            Verdict::Confirmed => Ok(()),
            Verdict::New => self.write(OPERATION, &found.tables).await,
            Verdict::Refused(why) => {
                let mut damage = self.damage.lock().unwrap_or_else(PoisonError::into_inner);
                *damage = vec![why.to_owned()];
                let message = format!(
                    "{why}: nothing is deleted until the sweep function is invoked with {{\"confirm\": true}}; see \
                     docs/deploy-aws.md"
                );
                Err(PortError::new(ErrorKind::Data, OPERATION, message))
            }
        }
    }

    async fn damage(&self) -> Vec<String> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(jobs: &str) -> Mark {
        Mark { jobs_table_id: Some(jobs.to_owned()), images_table_id: Some("images".to_owned()) }
    }

    fn found() -> Found {
        Found { mark: Some(mark("jobs")), tables: mark("jobs"), is_named: true, has_blobs: true }
    }

    #[test]
    fn the_tables_of_the_mark_are_confirmed() {
        assert_eq!(found().verdict(), Verdict::Confirmed);
    }

    #[test]
    fn an_empty_bucket_without_a_mark_is_a_new_deployment() {
        let new = Found { mark: None, is_named: false, has_blobs: false, ..found() };
        assert_eq!(new.verdict(), Verdict::New);
    }

    #[test]
    fn a_bucket_with_images_and_no_mark_waits_for_an_operator() {
        assert!(matches!(Found { mark: None, ..found() }.verdict(), Verdict::Refused(_)));
    }

    #[test]
    fn a_restored_table_waits_for_an_operator() {
        assert!(matches!(Found { tables: mark("restored"), ..found() }.verdict(), Verdict::Refused(_)));
    }

    #[test]
    fn an_emptied_table_waits_for_an_operator() {
        assert!(matches!(Found { is_named: false, ..found() }.verdict(), Verdict::Refused(_)));
    }
}
