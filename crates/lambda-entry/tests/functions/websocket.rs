use crate::{accepted, job_of};
use serde_json::{Value, json};
use tintype_core::domain::{Clock, limits};
use tintype_lambda::websocket::{Event, handle};
use tintype_memory::{Inbox, Memory};
use tintype_testkit::samples::{alice, mallory};

/// What API Gateway gets for an event of this connection.
async fn answer(memory: &Memory, inbox: &Inbox, event_type: &str, more: Value) -> Value {
    let mut event = json!({ "requestContext": { "eventType": event_type, "connectionId": inbox.id() } });
    for (name, value) in more.as_object().unwrap() {
        match name.as_str() {
            "authorizer" => event["requestContext"]["authorizer"] = value.clone(),
            _ => event[name] = value.clone(),
        }
    }
    let event: Event = serde_json::from_value(event).unwrap();
    handle(&memory.ports(), &event, memory.clock.now()).await.unwrap()
}

async fn connected(memory: &Memory) -> Inbox {
    let inbox = memory.notifier.connect();
    let answered =
        answer(memory, &inbox, "CONNECT", json!({ "authorizer": { "owner": alice().as_str() } })).await;
    assert_eq!(answered, json!({ "statusCode": 200 }));
    inbox
}

/// What the client hears of what it says.
async fn heard(memory: &Memory, inbox: &mut Inbox, said: &Value) -> Vec<&'static str> {
    let answered = answer(memory, inbox, "MESSAGE", json!({ "body": said.to_string() })).await;
    assert_eq!(answered, json!({ "statusCode": 200 }));
    inbox.arrived().into_iter().map(|message| message.kind).collect()
}

#[tokio::test]
async fn a_client_without_an_owner_is_not_let_in() {
    let memory = Memory::new();
    let inbox = memory.notifier.connect();
    for more in [json!({}), json!({ "authorizer": {} }), json!({ "authorizer": { "owner": "not an owner" } })]
    {
        assert_eq!(answer(&memory, &inbox, "CONNECT", more).await, json!({ "statusCode": 401 }));
    }
    assert!(memory.ports().connections.find(inbox.id(), memory.clock.now()).await.unwrap().is_none());
}

#[tokio::test]
async fn the_subprotocol_that_is_offered_is_answered() {
    let memory = Memory::new();
    let inbox = memory.notifier.connect();
    for (header, offered, taken) in [
        ("Sec-WebSocket-Protocol", "tintype.v1", true),
        ("sec-websocket-protocol", "other, tintype.v1", true),
        ("sec-websocket-protocol", "tintype.v10", false),
    ] {
        let more = json!({ "authorizer": { "owner": "alice" }, "headers": { header: offered } });
        let answered = answer(&memory, &inbox, "CONNECT", more).await;
        assert_eq!(answered["statusCode"], 200);
        assert_eq!(answered["headers"]["Sec-WebSocket-Protocol"] == "tintype.v1", taken, "{offered}");
    }
}

#[tokio::test]
async fn a_subscription_is_told_what_there_is_and_another_owners_job_is_not_there() {
    let memory = Memory::new();
    let (job, others) = (accepted(&memory).await, job_of(&memory, mallory()).await);
    let mut inbox = connected(&memory).await;
    let subscribe = |id| json!({ "action": "subscribe", "job_id": id });
    assert_eq!(heard(&memory, &mut inbox, &subscribe(job.id)).await, ["job.queued"]);
    assert_eq!(heard(&memory, &mut inbox, &subscribe(others.id)).await, ["error"]);
    memory.run_all().await.unwrap();
    let told = inbox.arrived();
    assert!(told.iter().all(|message| message.job_id == Some(job.id)), "{told:?}");
    assert_eq!(told.last().unwrap().kind, "job.succeeded");
}

#[tokio::test]
async fn a_job_that_was_unsubscribed_is_heard_no_more() {
    let memory = Memory::new();
    let job = accepted(&memory).await;
    let mut inbox = connected(&memory).await;
    heard(&memory, &mut inbox, &json!({ "action": "subscribe", "job_id": job.id })).await;
    let unsubscribe = json!({ "action": "unsubscribe", "job_id": job.id });
    assert!(heard(&memory, &mut inbox, &unsubscribe).await.is_empty());
    memory.run_all().await.unwrap();
    assert!(inbox.arrived().is_empty());
}

#[tokio::test]
async fn a_ping_is_answered_and_what_is_not_understood_is_told() {
    let memory = Memory::new();
    let mut inbox = connected(&memory).await;
    assert_eq!(heard(&memory, &mut inbox, &json!({ "action": "ping" })).await, ["pong"]);
    assert_eq!(heard(&memory, &mut inbox, &json!({ "action": "dance" })).await, ["error"]);
}

#[tokio::test]
async fn a_connection_that_was_open_too_long_must_connect_again() {
    let memory = Memory::new();
    let mut inbox = connected(&memory).await;
    memory.clock.pass(limits::CONNECTION_LIFE);
    assert_eq!(heard(&memory, &mut inbox, &json!({ "action": "ping" })).await, ["error"]);
}

#[tokio::test]
async fn a_client_that_is_gone_is_forgotten() {
    let memory = Memory::new();
    let inbox = connected(&memory).await;
    answer(&memory, &inbox, "DISCONNECT", json!({})).await;
    assert!(memory.ports().connections.find(inbox.id(), memory.clock.now()).await.unwrap().is_none());
}
