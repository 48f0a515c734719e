//! `websocket`: the events of API Gateway's WebSocket API. The connection's owner is noted when it opens; what it says
//! later is done in that owner's name. Nothing can be sent while it opens: API Gateway answers with 410 then.

use crate::{
    failure::{Failure, Outcome},
    logging::chain,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use tintype_core::{
    domain::{Connection, ConnectionId, JobId, OwnerId, Timestamp, limits},
    ports::Ports,
    use_cases::{Subscribe, subscribe},
    views::Message,
};
use tintype_http::{Action, Code, Problem, action_problem_message, pong_message};

/// The subprotocol that clients may offer; one that is offered must be answered.
const SUBPROTOCOL: &str = "tintype.v1";

/// One event, of which API Gateway tells much more.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// About the connection.
    pub request_context: Context,
    /// The client's headers, when it connects.
    #[serde(default)]
    pub headers: Option<HashMap<String, String>>,
    /// What the client said.
    #[serde(default)]
    pub body: Option<String>,
}

/// About the connection.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// What happened.
    pub event_type: EventType,
    /// The connection.
    pub connection_id: String,
    /// What the authorizer found, when it connects.
    #[serde(default)]
    pub authorizer: Option<Authorizer>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EventType {
    /// A client wants to connect.
    Connect,
    /// A client said something.
    Message,
    /// A client is gone.
    Disconnect,
}

/// What the authorizer found.
#[derive(Clone, Debug, Deserialize)]
pub struct Authorizer {
    /// Whom the client stands for.
    #[serde(default)]
    pub owner: Option<String>,
}

/// Does what `event` asks; the answer is API Gateway's.
///
/// # Errors
/// If the connection can't be registered or removed. What a client said wrong is told to it, and is no error.
pub async fn handle(ports: &Ports, event: &Event, now: Timestamp) -> Outcome<Value> {
    let id: ConnectionId = event.request_context.connection_id.clone().try_into().map_err(|_| {
        Failure::bad_event(
            "the connection's id is not as API Gateway makes them; is this a WebSocket API's event?",
        )
    })?;
    match event.request_context.event_type {
        EventType::Connect => connect(ports, id, event, now).await,
        EventType::Message => {
            answer(ports, id, event.body.as_deref().unwrap_or_default(), now).await?;
            Ok(json!({ "statusCode": 200 }))
        }
        EventType::Disconnect => {
            ports.connections.disconnect(&id).await?;
            Ok(json!({ "statusCode": 200 }))
        }
    }
}

async fn connect(ports: &Ports, id: ConnectionId, event: &Event, now: Timestamp) -> Outcome<Value> {
    let owner = event.request_context.authorizer.as_ref().and_then(|authorizer| authorizer.owner.as_deref());
    let Some(owner) = owner.and_then(|owner| owner.parse::<OwnerId>().ok()) else {
        return Ok(json!({ "statusCode": 401 }));
    };
    let connection = Connection { id, owner, expires_at: now.after(limits::CONNECTION_LIFE) };
    ports.connections.connect(&connection).await?;
    if offers_subprotocol(event) {
        return Ok(json!({ "statusCode": 200, "headers": { "Sec-WebSocket-Protocol": SUBPROTOCOL } }));
    }
    Ok(json!({ "statusCode": 200 }))
}

fn offers_subprotocol(event: &Event) -> bool {
    let mut headers = event.headers.iter().flatten();
    let offered = headers.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-protocol"));
    offered.is_some_and(|(_, names)| names.split(',').any(|name| name.trim() == SUBPROTOCOL))
}

/// Does what a client said, and tells it what was wrong with that.
async fn answer(ports: &Ports, id: ConnectionId, text: &str, now: Timestamp) -> Outcome<()> {
    let Some(connection) = ports.connections.find(&id, now).await? else {
        return tell(ports, &id, &action_problem_message(None, &gone(), now)).await;
    };
    let (job_id, done) = match Action::parse(text) {
        Ok(Action::Ping) => return tell(ports, &id, &pong_message(now)).await,
        Ok(Action::Subscribe { job_id, after, inline }) => {
            let wish = Subscribe { connection, job_id, after, inline };
            (Some(job_id), subscribe(ports, wish, now).await.map_err(Problem::from))
        }
        Ok(Action::Unsubscribe { job_id }) => {
            (Some(job_id), ports.connections.unsubscribe(&id, &job_id).await.map_err(Problem::from))
        }
        Err(problem) => (None, Err(problem)),
    };
    match done {
        Ok(()) => Ok(()),
        Err(problem) => complain(ports, &id, job_id, &problem, now).await,
    }
}

fn gone() -> Problem {
    Problem::new(Code::Unauthorized, "this connection has been open for two hours; connect again")
}

async fn complain(
    ports: &Ports,
    id: &ConnectionId,
    job_id: Option<JobId>,
    problem: &Problem,
    now: Timestamp,
) -> Outcome<()> {
    if let Some(cause) = problem.cause() {
        tracing::error!(
            job_id = job_id.map(tracing::field::display),
            code = problem.code().name(),
            cause,
            "an action failed"
        );
    }
    tell(ports, id, &action_problem_message(job_id, problem, now)).await
}

/// A client that is gone needs no answer, and one that can't be told now asks again.
async fn tell(ports: &Ports, id: &ConnectionId, message: &Message) -> Outcome<()> {
    if let Err(error) = ports.notifier.send(id, message).await {
        tracing::warn!(cause = chain(&error), "an answer could not be sent");
    }
    Ok(())
}
