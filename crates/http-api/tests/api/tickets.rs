//! `POST /tickets`, and what a ticket opens.

use crate::{
    desk::{Answer, Desk, ask, ask_json, with_header},
    socket::Socket,
};
use serde_json::json;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tintype_core::{
    ErrorKind, PortError,
    domain::{BlobId, OwnerId, limits},
    ports::{CredentialRepo, MockCredentialRepo},
};
use tintype_http::{Access, Keys, ServerSettings};
use tintype_memory::MemoryCredentials;

fn desk(credentials: Arc<dyn CredentialRepo>) -> Desk {
    let owner: OwnerId = "anna".parse().unwrap();
    let keys = Keys::new([(BlobId::of(b"anna"), owner)]);
    Desk::with(Access::Keys(Arc::new(keys)), |api| api.with_credentials(credentials))
}

/// A server of which only anna has a key.
async fn server() -> (Desk, SocketAddr) {
    let desk = desk(Arc::new(MemoryCredentials::default()));
    let (address, _serving) = desk.listen(ServerSettings::default()).await;
    (desk, address)
}

/// Anna asks for a ticket.
async fn asked(desk: &Desk) -> Answer {
    desk.send(with_header(ask("POST", "/tickets"), "authorization", "Bearer anna")).await
}

/// A new ticket of anna's.
async fn ticket(desk: &Desk) -> String {
    asked(desk).await.json()["ticket"].as_str().unwrap().to_owned()
}

async fn is_let_in(address: SocketAddr, ticket: &str) -> bool {
    Socket::open_at(address, &format!("/ws?ticket={ticket}"), &[]).await.is_ok()
}

#[tokio::test]
async fn a_ticket_is_given_to_those_with_a_key_and_kept_by_no_cache() {
    let (desk, _) = server().await;
    assert_eq!(desk.send(ask("POST", "/tickets")).await.problem(), "unauthorized");
    let answer = asked(&desk).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (201, "no-store"));
    let body = answer.json();
    assert_eq!(body["expires_in_s"], 60);
    assert_eq!(body["expires_at"], json!("2026-01-31T12:01:00.000Z"));
    assert!(body["ticket"].as_str().unwrap().starts_with("ticket_"), "{body}");
}

#[tokio::test]
async fn a_ticket_opens_one_socket_for_its_owner() {
    let (desk, address) = server().await;
    let ticket = ticket(&desk).await;
    let wish = ask_json("POST", "/generate", &json!({ "prompt": "a cat" }));
    let job = desk.send(with_header(wish, "authorization", "Bearer anna")).await.id();
    let mut socket = Socket::open_at(address, &format!("/ws?ticket={ticket}"), &[]).await.unwrap();
    socket.subscribe(&job, 0).await;
    assert_eq!(socket.next().await["type"], "job.queued");
    assert!(!is_let_in(address, &ticket).await, "it is used");
}

#[tokio::test]
async fn a_ticket_that_is_unknown_or_too_old_opens_nothing() {
    let (desk, address) = server().await;
    let ticket = ticket(&desk).await;
    assert!(!is_let_in(address, "").await);
    assert!(!is_let_in(address, "anna").await, "a key is no ticket");
    assert!(!is_let_in(address, &format!("{ticket}x")).await);
    desk.memory.clock.pass(limits::TICKET_LIFE);
    assert!(!is_let_in(address, &ticket).await);
}

#[tokio::test]
async fn a_ticket_lasts_up_to_its_expiry() {
    let (desk, address) = server().await;
    let ticket = ticket(&desk).await;
    desk.memory.clock.pass(limits::TICKET_LIFE - Duration::from_millis(1));
    assert!(is_let_in(address, &ticket).await);
}

#[tokio::test]
async fn what_is_no_handshake_uses_up_no_ticket() {
    let (desk, address) = server().await;
    let ticket = ticket(&desk).await;
    assert_eq!(desk.get(&format!("/ws?ticket={ticket}")).await.problem(), "upgrade_required");
    assert!(is_let_in(address, &ticket).await);
}

#[tokio::test]
async fn a_ticket_opens_no_other_route() {
    let (desk, _) = server().await;
    let ticket = ticket(&desk).await;
    assert_eq!(desk.get(&format!("/jobs?ticket={ticket}")).await.problem(), "unauthorized");
    let as_key = with_header(ask("GET", "/jobs"), "authorization", &format!("Bearer {ticket}"));
    assert_eq!(desk.send(as_key).await.problem(), "unauthorized");
}

#[tokio::test]
async fn a_key_still_opens_the_socket() {
    let (_desk, address) = server().await;
    assert!(Socket::open_with(address, &[("x-api-key", "anna")]).await.is_ok());
    assert!(Socket::open_with(address, &[]).await.is_err());
}

#[tokio::test]
async fn without_a_store_there_are_no_tickets() {
    let desk = Desk::open();
    assert_eq!(desk.send(ask("POST", "/tickets")).await.problem(), "no_such_route");
    assert_eq!(desk.get("/ws?ticket=x").await.problem(), "bad_query");
    let document = desk.get("/openapi.json").await.json();
    assert!(document["paths"].get("/tickets").is_none());
}

#[tokio::test]
async fn the_document_tells_of_tickets() {
    let (desk, _) = server().await;
    let document = desk.get("/openapi.json").await.json();
    let known = &document["components"]["schemas"]["Ticket"]["properties"];
    let answer = asked(&desk).await.json();
    for field in answer.as_object().unwrap().keys() {
        assert!(known.get(field).is_some(), "{field}");
    }
    let parameters = &document["paths"]["/ws"]["get"]["parameters"];
    assert_eq!(parameters[0]["$ref"], "#/components/parameters/ticket");
}

#[tokio::test]
async fn a_store_that_fails_is_no_refusal() {
    let mut credentials = MockCredentialRepo::new();
    let down = || PortError::new(ErrorKind::Unavailable, "CredentialRepo", "down");
    credentials.expect_add_ticket().returning(move |_, _| Err(down()));
    let desk = desk(Arc::new(credentials));
    let answer = asked(&desk).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (503, "unavailable".to_owned()));
}
