//! Nobody reads, changes or hears of what is another owner's: it is as if it did not exist.

use serde_json::{Value, json};
use tintype_tests::{Client, Request, Server, Settings, Socket, text};

const ALICE: &str = "tt_alices-key";
const MALLORY: &str = "tt_mallorys-key";

/// A server that knows Alice and Mallory, with a job and an image of Alice's.
struct Shared {
    alice: Client,
    mallory: Client,
    job: Value,
    image: Value,
    server: Server,
}

async fn shared() -> Shared {
    let server = Server::start(Settings::noop().key("alice", ALICE).key("mallory", MALLORY)).await;
    let (alice, mallory) = (server.client_with_key(ALICE), server.client_with_key(MALLORY));
    let job = alice.drawn(json!({ "prompt": "red heart" })).await;
    let image = alice.save(text(&job, "/id"), 0).await;
    Shared { alice, mallory, job, image, server }
}

/// Every request that names something of Alice's.
fn requests(client: &Client, job: &str, image: &str) -> Vec<Request> {
    let job = format!("/jobs/{job}");
    let image = format!("/images/{image}");
    vec![
        client.get(&job),
        client.get(format!("{job}/events")),
        client.get(format!("{job}/images/0")),
        client.post(format!("{job}/cancel")),
        client.post(format!("{job}/retry")),
        client.post("/save").json(&json!({ "job_id": job.trim_start_matches("/jobs/"), "index": 0 })),
        client.get(&image),
        client.get(format!("{image}/content")),
        client.get(format!("{image}/content?variant=thumbnail")),
        client.request("PATCH", &image).json(&json!({ "title": "mine now" })),
        client.post(format!("{image}/restore")),
        client.request("DELETE", &image),
        client.request("DELETE", format!("{image}?permanent=true")),
    ]
}

#[tokio::test]
async fn what_is_another_owners_is_not_found_on_any_route_and_stays_as_it_is() {
    let Shared { alice, mallory, job, image, server: _server } = shared().await;
    for request in requests(&mallory, text(&job, "/id"), text(&image, "/id")) {
        let shown = format!("{request:?}");
        let answer = request.send().await;
        assert_eq!(answer.status, 404, "{shown}");
        answer.problem(404, "not_found");
    }
    assert_eq!(alice.job(text(&job, "/id")).await, job);
    let kept = alice.get(format!("/images/{}", text(&image, "/id"))).send().await.expect(200).json();
    assert_eq!(kept, image);
}

#[tokio::test]
async fn a_missing_thing_and_another_owners_look_the_same() {
    let Shared { mallory, job, server: _server, .. } = shared().await;
    let mut bodies = Vec::new();
    for id in [text(&job, "/id"), "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"] {
        let mut problem = mallory.get(format!("/jobs/{id}")).send().await.problem(404, "not_found");
        problem.as_object_mut().unwrap().retain(|name, _| name != "instance" && name != "request_id");
        bodies.push(problem);
    }
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test]
async fn lists_show_an_owners_own_things_only() {
    let Shared { mallory, server: _server, .. } = shared().await;
    for path in ["/jobs", "/images", "/images?trashed=true"] {
        assert_eq!(mallory.get(path).send().await.expect(200).json()["items"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_owner_is_refused() {
    let Shared { alice, mallory, server: _server, .. } = shared().await;
    alice.drawn(json!({ "prompt": "red heart" })).await;
    let page = alice.get("/jobs?limit=1").send().await.expect(200).json();
    let path = format!("/jobs?limit=1&cursor={}", text(&page, "/next_cursor"));
    let problem = mallory.get(path).send().await.problem(400, "bad_query");
    assert_eq!(text(&problem, "/errors/0/pointer"), "/cursor");
}

#[tokio::test]
async fn a_socket_hears_nothing_of_another_owners_job() {
    let Shared { mallory, job, server: _server, .. } = shared().await;
    let mut socket = Socket::open(&mallory).await;
    let id = text(&job, "/id");
    for message in [
        json!({ "action": "subscribe", "job_id": id }),
        json!({ "action": "subscribe", "job_id": id, "inline": true }),
        json!({ "action": "subscribe", "execution_arn": format!("arn:aws:states:x:1:execution:m:{id}") }),
    ] {
        socket.say(&message).await;
        let answer = socket.next().await;
        assert_eq!((&answer["type"], &answer["data"]["code"]), (&json!("error"), &json!("not_found")));
    }
    socket.say(&json!({ "action": "ping" })).await;
    assert_eq!(socket.next().await["type"], "pong");
}

#[tokio::test]
async fn the_same_idempotency_key_of_two_owners_is_two_jobs() {
    let Shared { alice, mallory, server: _server, .. } = shared().await;
    let post = |client: &Client| {
        client.post("/generate").header("idempotency-key", "k").json(&json!({ "prompt": "red heart" })).send()
    };
    let (alices, mallorys) = (post(&alice).await.expect(202).json(), post(&mallory).await.expect(202).json());
    assert_ne!(alices["id"], mallorys["id"]);
}

#[tokio::test]
async fn without_a_known_key_nothing_is_answered() {
    let Shared { job, image, server, .. } = shared().await;
    for client in [server.client(), server.client_with_key("tt_a-guess")] {
        let mut all = requests(&client, text(&job, "/id"), text(&image, "/id"));
        all.extend([
            client.post("/generate").json(&json!({ "prompt": "red heart" })),
            client.get("/jobs"),
            client.get("/images"),
            client.get("/models"),
            client.get("/metrics"),
            client.get("/ws"),
        ]);
        for request in all {
            let shown = format!("{request:?}");
            let answer = request.send().await;
            assert_eq!(answer.status, 401, "{shown}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
    }
}

#[tokio::test]
async fn a_key_is_in_no_log_and_no_answer() {
    let Shared { alice, server, .. } = shared().await;
    for path in ["/metrics", "/version", "/no-such-route", "/openapi.json"] {
        let body = alice.get(path).send().await.body;
        assert!(!String::from_utf8_lossy(&body).contains(ALICE), "{path}");
    }
    assert!(!server.log().contains(ALICE));
}
