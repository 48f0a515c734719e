//! The contract of [`Integrity`], case by case.

use crate::samples::START;
use crate::suites::cases;
use futures_util::future::BoxFuture;
use std::{fmt, sync::Arc};
use tintype_core::{ErrorKind, ports::Integrity};

/// A store's integrity, and a way to make its records those of another store.
pub struct IntegrityFixture {
    /// The port.
    pub integrity: Arc<dyn Integrity>,
    /// Replaces the records with empty ones, behind the port's back; gives the port as the next start would have it, and
    /// `None` where that start is refused.
    pub empty_the_records: Box<dyn Fn() -> NextStart + Send + Sync>,
}

/// The port as the next start has it; `None` where that start is refused.
pub type NextStart = BoxFuture<'static, Option<Arc<dyn Integrity>>>;

impl fmt::Debug for IntegrityFixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.integrity.fmt(f)
    }
}

cases! { CASES of IntegrityFixture:
    intact_records_are_confirmed_again_and_again,
    intact_records_have_no_damage,
    emptied_records_are_not_confirmed,
}

async fn intact_records_are_confirmed_again_and_again(fixture: IntegrityFixture) {
    for _ in 0..3 {
        fixture.integrity.confirm(START).await.expect("confirm");
    }
}

async fn intact_records_have_no_damage(fixture: IntegrityFixture) {
    fixture.integrity.confirm(START).await.expect("confirm");
    assert_eq!(fixture.integrity.damage().await, Vec::<String>::new());
}

async fn emptied_records_are_not_confirmed(fixture: IntegrityFixture) {
    fixture.integrity.confirm(START).await.expect("confirm");
    let Some(emptied) = (fixture.empty_the_records)().await else { return };
    let error = emptied.confirm(START).await.expect_err("emptied records");
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(!emptied.damage().await.is_empty());
}
