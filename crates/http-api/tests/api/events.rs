//! `GET /jobs/{id}/events`: Server-Sent Events.

use crate::desk::{Desk, ask, with_header};
use serde_json::json;

/// The numbers of the events in a stream's text, and their types.
fn events(text: &[u8]) -> Vec<(String, String)> {
    let text = std::str::from_utf8(text).unwrap();
    let field = |block: &str, name: &str| {
        block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    let blocks = text.split("\n\n").filter(|block| block.contains("data: "));
    blocks.map(|block| (field(block, "id: "), field(block, "event: "))).collect()
}

fn numbers(text: &[u8]) -> Vec<String> {
    events(text).into_iter().map(|(id, _)| id).filter(|id| !id.is_empty()).collect()
}

#[tokio::test]
async fn a_finished_job_tells_its_whole_story_and_ends() {
    let desk = Desk::open();
    let id = desk.finished_job().await;
    let answer = desk.get(&format!("/jobs/{id}/events")).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let events = events(&answer.body);
    assert_eq!(events.first().unwrap(), &("1".to_owned(), "job.queued".to_owned()));
    assert_eq!(events.last().unwrap().1, "job.succeeded");
    assert!(numbers(&answer.body).into_iter().eq((1..=events.len()).map(|n| n.to_string())));
}

#[tokio::test]
async fn a_running_job_is_followed_to_its_end() {
    let desk = Desk::open();
    let id = desk.post("/generate", json!({ "prompt": "a cat" })).await.id();
    let path = format!("/jobs/{id}/events");
    let (answer, ()) = tokio::join!(desk.get(&path), desk.run_all());
    let events = events(&answer.body);
    let previews = events.iter().filter(|(id, kind)| kind == "job.preview" && id.is_empty());
    assert_eq!(previews.count(), 1, "{events:?}");
    let numbered = numbers(&answer.body);
    assert!(numbered.iter().cloned().eq((1..=numbered.len()).map(|n| n.to_string())), "{events:?}");
    assert_eq!(events.last().unwrap().1, "job.succeeded");
}

#[tokio::test]
async fn a_stream_goes_on_where_it_broke_off() {
    let desk = Desk::open();
    let id = desk.finished_job().await;
    let path = format!("/jobs/{id}/events");
    let by_query = desk.get(&format!("{path}?after=2")).await;
    assert_eq!(numbers(&by_query.body).first().unwrap(), "3");
    let resumed = with_header(ask("GET", &format!("{path}?after=0")), "last-event-id", "4");
    assert_eq!(numbers(&desk.send(resumed).await.body).first().unwrap(), "5");
}

#[tokio::test]
async fn a_client_that_has_everything_is_told_not_to_come_back() {
    let desk = Desk::open();
    let id = desk.finished_job().await;
    let answer = desk.get(&format!("/jobs/{id}/events?after=1000")).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
}
