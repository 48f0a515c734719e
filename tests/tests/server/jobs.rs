//! Jobs over REST: accepting, waiting, stopping, repeating, listing.

use serde_json::{Value, json};
use std::time::Duration;
use tintype_tests::{Server, Settings, number, sha256, text};

fn heart() -> Value {
    json!({ "prompt": "red heart" })
}

/// A job of the embedded model that takes long enough to be met while it runs.
pub(crate) fn long() -> Value {
    json!({ "prompt": "red heart", "steps": 50, "count": 8 })
}

#[tokio::test]
async fn a_request_is_answered_with_202_the_job_and_where_to_look() {
    let server = Server::start(Settings::noop()).await;
    let answer = server.client().post("/generate").json(&heart()).send().await.expect(202);
    let job = answer.json();
    assert_eq!(answer.header("location"), format!("/jobs/{}", text(&job, "/id")));
    assert!(answer.header("retry-after").parse::<u32>().is_ok());
    for default in ["/request/seed", "/request/steps", "/request/width", "/request/count"] {
        number(&job, default);
    }
}

#[tokio::test]
async fn a_result_can_be_fetched_under_its_url_and_has_its_hash() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let job = client.drawn(json!({ "prompt": "red heart", "count": 2, "output_format": "webp" })).await;
    for image in job["images"].as_array().unwrap() {
        let answer = client.get(text(image, "/url")).send().await.expect(200);
        assert_eq!(answer.header("content-type"), "image/webp");
        assert_eq!(sha256(&answer.body), text(image, "/sha256"));
    }
}

#[tokio::test]
async fn who_prefers_to_wait_gets_the_finished_job() {
    let server = Server::start(Settings::noop()).await;
    let request = server.client().post("/generate").header("prefer", "wait=20").json(&heart());
    let answer = request.send().await.expect(200);
    assert_eq!(answer.json()["status"], "succeeded");
    assert_eq!(answer.header("preference-applied"), "wait=20");
}

#[tokio::test]
async fn a_wait_that_is_too_short_ends_with_the_accepted_job() {
    let server = Server::start(Settings::noop().workers(0)).await;
    let request = server.client().post("/generate").header("prefer", "wait=1").json(&heart());
    assert_eq!(request.send().await.expect(202).json()["status"], "queued");
}

#[tokio::test]
async fn a_waiting_job_knows_its_place_in_line() {
    let server = Server::start(Settings::noop().workers(0)).await;
    let client = server.client();
    client.generate(heart()).await;
    let second = client.generate(heart()).await;
    assert_eq!(client.job(text(&second, "/id")).await["queue_position"], 2);
}

#[tokio::test]
async fn canceling_twice_is_canceling_once() {
    let server = Server::start(Settings::noop().workers(0)).await;
    let client = server.client();
    let job = client.generate(heart()).await;
    let cancel = client.post(text(&job, "/links/cancel"));
    let first = cancel.clone().send().await.expect(200).json();
    assert_eq!(first["status"], "canceled");
    assert_eq!(cancel.send().await.expect(200).json(), first);
}

#[tokio::test]
async fn canceling_a_running_job_frees_its_worker() {
    let server = Server::start(Settings::embedded()).await;
    let client = server.client();
    let running = client.generate(long()).await;
    let mut events = client.get(text(&running, "/links/events")).events().await;
    while events.next().await.unwrap().kind != "job.progress" {}
    client.post(text(&running, "/links/cancel")).send().await.expect(200);
    client.drawn(json!({ "prompt": "red heart", "steps": 1 })).await;
    let canceled = client.job(text(&running, "/id")).await;
    assert_eq!(canceled["status"], "canceled");
    assert_eq!(canceled["images"], json!([]));
}

#[tokio::test]
async fn a_canceled_job_is_repeated_as_a_new_one_that_names_it() {
    let server = Server::start(Settings::noop().workers(0)).await;
    let client = server.client();
    let job = client.generate(heart()).await;
    client.post(text(&job, "/links/cancel")).send().await.expect(200);
    let again = client.post(text(&job, "/links/retry")).send().await.expect(202).json();
    assert_ne!(again["id"], job["id"]);
    assert_eq!((&again["retry_of"], &again["request"]), (&job["id"], &job["request"]));
}

#[tokio::test]
async fn a_job_that_succeeded_is_not_repeated() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let job = client.drawn(heart()).await;
    client.post(text(&job, "/links/retry")).send().await.problem(409, "conflict");
}

#[tokio::test]
async fn the_same_key_and_body_is_the_same_job_and_says_so() {
    let server = Server::start(Settings::noop()).await;
    let request = server.client().post("/generate").header("idempotency-key", "k1").json(&heart());
    let first = request.clone().send().await.expect(202);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let second = request.send().await.expect(202);
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(second.json()["id"], first.json()["id"]);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let server = Server::start(Settings::noop()).await;
    let request = server.client().post("/generate").header("idempotency-key", "k1");
    request.clone().json(&heart()).send().await.expect(202);
    request.json(&json!({ "prompt": "blue heart" })).send().await.problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn a_job_whose_deadline_passed_while_it_waited_expires() {
    let server = Server::start(Settings::noop().workers(0)).await;
    let job = server.client().generate(json!({ "prompt": "red heart", "deadline_s": 1 })).await;
    let stopped = server.kill();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let server = stopped.start_with(Settings::noop()).await;
    assert_eq!(server.client().ended(text(&job, "/id")).await["status"], "expired");
}

#[tokio::test]
async fn pages_of_jobs_show_each_once_newest_first_and_link_to_the_next() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(text(&client.generate(heart()).await, "/id").to_owned());
        // Of two jobs of one millisecond none is the newer.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    ids.reverse();
    let (mut listed, mut path) = (Vec::new(), "/jobs?limit=2".to_owned());
    loop {
        let answer = client.get(path).send().await.expect(200);
        let page = answer.json();
        listed.extend(page["items"].as_array().unwrap().iter().map(|job| text(job, "/id").to_owned()));
        if page["next_cursor"].is_null() {
            break;
        }
        // A relative reference, as in `<?limit=2&cursor=...>; rel="next"`.
        let link = answer.header("link");
        path = format!("/jobs{}", link.trim_start_matches('<').split('>').next().unwrap());
    }
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn jobs_are_listed_by_status() {
    let server = Server::start(Settings::noop().workers(0)).await;
    let client = server.client();
    let (stopped, _waits) = (client.generate(heart()).await, client.generate(heart()).await);
    client.post(text(&stopped, "/links/cancel")).send().await.expect(200);
    let page = client.get("/jobs?status=canceled").send().await.expect(200).json();
    let ids: Vec<_> = page["items"].as_array().unwrap().iter().map(|job| text(job, "/id")).collect();
    assert_eq!(ids, [text(&stopped, "/id")]);
}

#[tokio::test]
async fn a_word_the_model_was_never_taught_is_warned_of_and_drawn_all_the_same() {
    let server = Server::start(Settings::embedded().workers(0)).await;
    let job = server.client().generate(json!({ "prompt": "red zeppelin" })).await;
    assert_eq!(job["status"], "queued");
    assert_eq!(text(&job, "/warnings/0/word"), "zeppelin");
}

#[tokio::test]
async fn every_route_that_tells_of_the_server_answers() {
    let server = Server::start(Settings::noop()).await;
    for path in ["/livez", "/readyz", "/version", "/models", "/openapi.json"] {
        let answer = server.client().get(path).send().await.expect(200);
        assert!(answer.json().is_object(), "{path}");
    }
    for path in ["/metrics", "/docs"] {
        let answer = server.client().get(path).send().await.expect(200);
        assert!(!answer.body.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_an_id_and_forbids_sniffing() {
    let server = Server::start(Settings::noop()).await;
    for path in ["/livez", "/jobs", "/no-such-route"] {
        let answer = server.client().get(path).send().await;
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
}
