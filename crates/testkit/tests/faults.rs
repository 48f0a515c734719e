//! The wrappers do what the plan says to the port they wrap.

use futures_util::{FutureExt, StreamExt};
use std::{sync::Arc, time::Duration};
use tintype_core::{
    ErrorKind,
    domain::ModelCard,
    ports::{CredentialRepo, ImageStore},
};
use tintype_memory::{Memory, MemoryCredentials, MemoryImages};
use tintype_testkit::{
    faults::{Fault, FaultPlan, Faulty, When, wrap},
    samples::{START, api_key, at, blob, request, ticket},
};

fn store(fault: Fault) -> (Arc<MemoryImages>, Faulty<dyn ImageStore>) {
    let inner = Arc::new(MemoryImages::default());
    let plan = FaultPlan::new(1).with("ImageStore::put", When::Always, fault);
    let faulty = Faulty::<dyn ImageStore>::new(inner.clone(), &plan);
    (inner, faulty)
}

async fn holds(store: &MemoryImages) -> bool {
    store.find(blob(1).id()).await.expect("find").is_some()
}

#[tokio::test]
async fn a_call_that_fails_before_did_nothing() {
    let (inner, faulty) = store(Fault::FailBefore(ErrorKind::Throttled));
    assert_eq!(faulty.put(&blob(1), START).await.unwrap_err().kind(), ErrorKind::Throttled);
    assert!(!holds(&inner).await);
}

#[tokio::test]
async fn a_call_that_fails_after_did_its_work() {
    let (inner, faulty) = store(Fault::FailAfter(ErrorKind::Unavailable));
    assert_eq!(faulty.put(&blob(1), START).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(holds(&inner).await);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_delayed_does_its_work_late() {
    let (inner, faulty) = store(Fault::Delay(Duration::from_secs(5)));
    let before = tokio::time::Instant::now();
    faulty.put(&blob(1), START).await.unwrap();
    assert_eq!(before.elapsed(), Duration::from_secs(5));
    assert!(holds(&inner).await);
}

#[tokio::test]
async fn a_call_that_hangs_after_did_its_work() {
    let (inner, faulty) = store(Fault::HangAfter);
    assert!(faulty.put(&blob(1), START).now_or_never().is_none());
    assert!(holds(&inner).await);
}

#[tokio::test]
async fn a_call_that_hangs_before_did_nothing() {
    let (inner, faulty) = store(Fault::HangBefore);
    assert!(faulty.put(&blob(1), START).now_or_never().is_none());
    assert!(!holds(&inner).await);
}

#[tokio::test]
async fn a_stream_that_fails_at_its_third_item_ends_there() {
    let memory = Memory::new();
    let failure = Fault::FailBefore(ErrorKind::Unavailable);
    let plan = FaultPlan::new(1).with("ImageModel::next", When::Nth(3), failure);
    let ports = wrap(memory.ports(), &plan);
    let model = ports.models.get(&ModelCard::example().name).unwrap();
    let drawn: Vec<_> = model.generate(&request(), None).await.unwrap().collect().await;
    let failed: Vec<_> = drawn.iter().map(Result::is_err).collect();
    assert_eq!(failed, [false, false, true]);
}

#[tokio::test]
async fn every_wrapped_port_goes_through_the_plan() {
    let plan = FaultPlan::new(1).with_any(When::Always, Fault::FailBefore(ErrorKind::Denied));
    let ports = wrap(Memory::new().ports(), &plan);
    let nobody = "nobody".parse().unwrap();
    assert!(ports.images.list(None, 1).await.is_err());
    assert!(ports.metadata.purge(START, 1).await.is_err());
    assert!(ports.jobs.purge(START, 1).await.is_err());
    assert!(ports.connections.disconnect(&nobody).await.is_err());
    assert_eq!(plan.faults(), 4);
}

#[tokio::test]
async fn a_ticket_whose_answer_was_lost_is_lost() {
    let inner = Arc::new(MemoryCredentials::default());
    let plan = FaultPlan::new(1)
        .with("CredentialRepo::take_ticket", When::Nth(1), Fault::FailAfter(ErrorKind::Unavailable))
        .with("CredentialRepo::find_key", When::Always, Fault::FailBefore(ErrorKind::Throttled));
    let faulty = Faulty::<dyn CredentialRepo>::new(inner, &plan);
    let ticket = ticket(1, at(1));
    faulty.add_ticket(&ticket, START).await.unwrap();
    assert!(faulty.take_ticket(&ticket.hash, START).await.is_err());
    assert_eq!(faulty.take_ticket(&ticket.hash, START).await.unwrap(), None);
    let error = faulty.find_key(&api_key(1).hash, START).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
}
