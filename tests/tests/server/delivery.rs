//! Events over SSE and WebSocket: each once, in order, whenever a client comes.

use serde_json::{Value, json};
use tintype_tests::{Client, Server, Settings, Socket, number, pictures, sha256, text};

/// A job of the embedded model with enough steps to be interrupted in.
fn steps(count: u64) -> Value {
    json!({ "prompt": "red heart", "steps": count })
}

/// The numbers of the messages that are in a job's log.
fn numbers(messages: &[Value]) -> Vec<u64> {
    messages.iter().filter_map(|message| message["seq"].as_u64()).collect()
}

async fn subscribed(client: &Client, id: &str) -> Socket {
    let mut socket = Socket::open(client).await;
    socket.subscribe(id, 0).await;
    socket
}

#[tokio::test]
async fn a_job_that_ended_before_anyone_subscribed_is_delivered() {
    let server = Server::start(Settings::noop()).await;
    let job = server.client().drawn(json!({ "prompt": "red heart" })).await;
    let id = text(&job, "/id");
    let messages = subscribed(&server.client(), id).await.until_end(id).await;
    let kinds: Vec<_> = messages.iter().map(|message| text(message, "/type")).collect();
    assert_eq!(kinds, ["job.queued", "job.running", "job.progress", "job.succeeded"]);
    assert_eq!(messages.last().unwrap()["data"]["images"], job["images"]);
}

#[tokio::test]
async fn a_client_that_drops_and_returns_gets_every_event_once_in_order() {
    let server = Server::start(Settings::embedded()).await;
    let client = server.client();
    let job = client.generate(steps(20)).await;
    let id = text(&job, "/id");
    let mut heard = subscribed(&client, id).await.until(|message| message["seq"] == 5).await;
    while heard.last().unwrap()["type"] != "job.succeeded" {
        let last = *numbers(&heard).last().unwrap();
        let mut socket = Socket::open(&client).await;
        socket.subscribe(id, last).await;
        let more = |message: &Value| {
            message["type"] == "job.succeeded" || message["seq"].as_u64().is_some_and(|seq| seq >= last + 4)
        };
        heard.extend(socket.until(more).await);
    }
    let last = number(&client.job(id).await, "/last_seq");
    assert_eq!(numbers(&heard), (1..=last).collect::<Vec<_>>());
}

#[tokio::test]
async fn two_sockets_hear_the_same_log() {
    let server = Server::start(Settings::embedded()).await;
    let client = server.client();
    let job = client.generate(steps(4)).await;
    let id = text(&job, "/id");
    let (mut first, mut second) = (subscribed(&client, id).await, subscribed(&client, id).await);
    let logged = |messages: Vec<Value>| -> Vec<Value> {
        messages.into_iter().filter(|message| message["seq"].is_u64()).collect()
    };
    let (first, second) = tokio::join!(first.until_end(id), second.until_end(id));
    assert_eq!(logged(first), logged(second));
}

#[tokio::test]
async fn one_socket_hears_of_many_jobs() {
    let server = Server::start(Settings::noop().workers(2)).await;
    let client = server.client();
    let mut socket = Socket::open(&client).await;
    let mut waiting = Vec::new();
    for _ in 0..10 {
        let id = text(&client.generate(json!({ "prompt": "red heart" })).await, "/id").to_owned();
        socket.subscribe(&id, 0).await;
        waiting.push(id);
    }
    while !waiting.is_empty() {
        let message = socket.next().await;
        if message["type"] == "job.succeeded" {
            waiting.retain(|id| message["job_id"] != **id);
        }
    }
}

#[tokio::test]
async fn previews_come_while_it_draws_and_are_pictures() {
    let server = Server::start(Settings::embedded()).await;
    let client = server.client();
    let job = client.generate(steps(20)).await;
    let id = text(&job, "/id");
    let messages = subscribed(&client, id).await.until_end(id).await;
    let previews: Vec<_> = messages.iter().filter(|message| message["type"] == "job.preview").collect();
    assert!(!previews.is_empty());
    for preview in previews {
        let (_, data) = text(preview, "/data/image").split_once(";base64,").unwrap();
        assert!(pictures::decode(&pictures::from_base64(data)).width() > 0);
        assert!(preview.get("seq").is_none(), "a preview is in no log");
    }
}

#[tokio::test]
async fn inline_chunks_put_together_have_the_hash_they_were_announced_with() {
    let server = Server::start(Settings::embedded()).await;
    let client = server.client();
    let job = client.generate(json!({ "prompt": "red heart", "steps": 2, "count": 2 })).await;
    let id = text(&job, "/id");
    let mut socket = Socket::open(&client).await;
    socket.say(&json!({ "action": "subscribe", "job_id": id, "inline": true })).await;
    let end = socket.until_end(id).await.pop().unwrap();
    for image in end["data"]["images"].as_array().unwrap() {
        let mut bytes = Vec::new();
        loop {
            let chunk = socket.next().await;
            assert_eq!((&chunk["type"], &chunk["data"]["index"]), (&json!("image.chunk"), &image["index"]));
            bytes.extend(pictures::from_base64(text(&chunk, "/data/data")));
            if number(&chunk, "/data/chunk") + 1 == number(&chunk, "/data/chunks") {
                break;
            }
        }
        assert_eq!(sha256(&bytes), text(image, "/sha256"));
    }
}

#[tokio::test]
async fn an_execution_arn_names_its_job() {
    let server = Server::start(Settings::noop()).await;
    let job = server.client().drawn(json!({ "prompt": "red heart" })).await;
    let id = text(&job, "/id");
    let mut socket = Socket::open(&server.client()).await;
    let arn = format!("arn:aws:states:eu-west-1:123456789012:execution:tintype:{id}");
    socket.say(&json!({ "action": "subscribe", "execution_arn": arn })).await;
    assert_eq!(socket.until_end(id).await.last().unwrap()["type"], "job.succeeded");
}

#[tokio::test]
async fn who_unsubscribed_hears_no_more() {
    let server = Server::start(Settings::noop().workers(0)).await;
    let client = server.client();
    let job = client.generate(json!({ "prompt": "red heart" })).await;
    let id = text(&job, "/id");
    let mut socket = subscribed(&client, id).await;
    assert_eq!(socket.next().await["type"], "job.queued");
    socket.say(&json!({ "action": "unsubscribe", "job_id": id })).await;
    socket.say(&json!({ "action": "ping" })).await;
    assert_eq!(socket.next().await["type"], "pong");
    client.post(text(&job, "/links/cancel")).send().await.expect(200);
    socket.say(&json!({ "action": "ping" })).await;
    assert_eq!(socket.next().await["type"], "pong");
}

#[tokio::test]
async fn a_bad_message_is_answered_with_what_is_wrong_and_the_socket_stays_open() {
    let server = Server::start(Settings::noop()).await;
    let mut socket = Socket::open(&server.client()).await;
    let nobodys = "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
    let subscribe = |id: &str| json!({ "action": "subscribe", "job_id": id }).to_string();
    let cases = [
        ("{".to_owned(), "bad_json"),
        ("[]".to_owned(), "invalid"),
        ("{}".to_owned(), "invalid"),
        (r#"{"action":"dance"}"#.to_owned(), "invalid"),
        (subscribe("../../etc/passwd"), "invalid"),
        (subscribe(nobodys), "not_found"),
        (format!(r#"{{"action":"ping","x":"{}"}}"#, "y".repeat(20_000)), "body_too_large"),
        (format!("{{\"action\":{}", "[".repeat(10_000)), "bad_json"),
    ];
    for (message, code) in cases {
        socket.say_text(message.clone()).await;
        let answer = socket.next().await;
        let shown: String = message.chars().take(80).collect();
        assert_eq!((&answer["type"], &answer["data"]["code"]), (&json!("error"), &json!(code)), "{shown}");
    }
    socket.say_bytes(vec![0, 159, 146, 150]).await;
    assert_eq!(socket.next().await["type"], "error");
    socket.say(&json!({ "action": "ping" })).await;
    assert_eq!(socket.next().await["type"], "pong");
}

#[tokio::test]
async fn an_event_stream_tells_the_whole_log_and_ends() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let job = client.drawn(json!({ "prompt": "red heart" })).await;
    let mut stream = client.get(text(&job, "/links/events")).events().await;
    let mut ids = Vec::new();
    while let Some(event) = stream.next().await {
        assert_eq!(event.kind, text(&event.data, "/type"));
        ids.extend(event.id);
    }
    assert_eq!(ids, [1, 2, 3, 4]);
}

#[tokio::test]
async fn last_event_id_goes_on_where_a_stream_broke_off() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let job = client.drawn(json!({ "prompt": "red heart" })).await;
    let mut stream = client.get(text(&job, "/links/events")).header("last-event-id", "3").events().await;
    assert_eq!(stream.next().await.unwrap().id, Some(4));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn who_has_the_last_event_is_told_to_stop_asking() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let job = client.drawn(json!({ "prompt": "red heart" })).await;
    let last = number(&job, "/last_seq").to_string();
    let request = client.get(text(&job, "/links/events")).header("last-event-id", &last);
    assert_eq!(request.send().await.status, 204);
}
