//! An asynchronous inference from its question to its end, call by call.

use crate::pictures::{png_of, request};
use crate::replay::{answering, body, playing, refusal, silent};
use aws_smithy_mocks::{Rule, mock};
use serde_json::{Value, json};
use tintype_aws::{AsyncClients, AsyncInference, AsyncSettings, Collected, SageMakerSettings, Task};
use tintype_core::ErrorKind;
use tintype_core::domain::{Job, NewJob};
use tintype_testkit::samples::{at, new_job};

/// A job whose second attempt has begun.
fn job() -> Job {
    let mut job = Job::accept(NewJob { request: request(1), ..new_job(1, 0) }).0;
    for _ in 0..2 {
        job.begin(at(1)).expect("begins");
    }
    job
}

/// Clients of services that never answer, until a test gives one its answers.
fn clients() -> AsyncClients {
    AsyncClients {
        sagemaker: silent!(aws_sdk_sagemakerruntime),
        s3: silent!(aws_sdk_s3),
        dynamodb: silent!(aws_sdk_dynamodb),
        sfn: silent!(aws_sdk_sfn),
    }
}

fn inference(clients: AsyncClients) -> AsyncInference {
    let model = SageMakerSettings::stable_diffusion("pictures", "sd".parse().expect("a good name"));
    let settings = AsyncSettings { model, bucket: "bucket".to_owned(), jobs_table: "jobs".to_owned() };
    AsyncInference::new(clients, settings)
}

fn done() -> Option<String> {
    body(&json!({}))
}

fn put_input() -> Rule {
    let key = format!("async/in/{}-2.json", job().id);
    mock!(aws_sdk_s3::Client::put_object)
        .match_requests(move |put| put.bucket() == Some("bucket") && put.key() == Some(&key))
        .sequence()
        .http_status(200, None)
        .build()
}

fn asked() -> Rule {
    let (id, input) = (job().id.to_string(), format!("s3://bucket/async/in/{}-2.json", job().id));
    mock!(aws_sdk_sagemakerruntime::Client::invoke_endpoint_async)
        .match_requests(move |asked| {
            asked.inference_id() == Some(&id) && asked.input_location() == Some(&input)
        })
        .sequence()
        .http_status(202, body(&json!({ "InferenceId": job().id })))
        .build()
}

#[tokio::test]
async fn the_input_and_the_token_are_stored_before_the_endpoint_is_asked() {
    let token = mock!(aws_sdk_dynamodb::Client::put_item)
        .match_requests(|put| {
            let text = |name: &str| put.item()?.get(name)?.as_s().ok();
            text("pk") == Some(&format!("JOB#{}", job().id))
                && text("sk").is_some_and(|sk| sk == "TASK")
                && text("task_token").is_some_and(|token| token == "token")
        })
        .sequence()
        .http_status(200, done())
        .build();
    let clients = AsyncClients {
        s3: playing!(aws_sdk_s3, put_input()),
        dynamodb: playing!(aws_sdk_dynamodb, token),
        sagemaker: playing!(aws_sdk_sagemakerruntime, asked()),
        ..clients()
    };
    inference(clients).invoke(&job(), None, "token").await.unwrap();
}

/// The endpoint is silent: had it been asked, the error would be another.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_overtaken_asks_for_nothing() {
    let later =
        answering!(aws_sdk_dynamodb::Client::put_item, (400, refusal("ConditionalCheckFailedException")));
    let clients = AsyncClients {
        s3: playing!(aws_sdk_s3, put_input()),
        dynamodb: playing!(aws_sdk_dynamodb, later),
        ..clients()
    };
    let error = inference(clients).invoke(&job(), None, "token").await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_throttled_endpoint_is_throttled() {
    let throttled = answering!(
        aws_sdk_sagemakerruntime::Client::invoke_endpoint_async,
        (400, refusal("ThrottlingException"))
    );
    let clients = AsyncClients {
        s3: playing!(aws_sdk_s3, put_input()),
        dynamodb: playing!(aws_sdk_dynamodb, answering!(aws_sdk_dynamodb::Client::put_item, (200, done()))),
        sagemaker: playing!(aws_sdk_sagemakerruntime, throttled),
        ..clients()
    };
    let error = inference(clients).invoke(&job(), None, "token").await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Throttled);
}

fn notice(attempt: u32, changes: &Value) -> String {
    let mut notice = json!({
        "invocationStatus": "Completed",
        "inferenceId": job().id,
        "requestParameters": { "inputLocation": format!("s3://bucket/async/in/{}-{attempt}.json", job().id) },
        "responseParameters": { "outputLocation": "s3://bucket/async/out/x.out" },
    });
    for (field, value) in changes.as_object().expect("an object") {
        notice[field] = value.clone();
    }
    notice.to_string()
}

fn waiting() -> Rule {
    let stored = serde_json::to_string(&job()).expect("JSON");
    let item = json!({ "Item": { "task_token": { "S": "token" }, "body": { "S": stored } } });
    answering!(aws_sdk_dynamodb::Client::get_item, (200, body(&item)))
}

fn output(answer: &Value) -> Rule {
    answering!(aws_sdk_s3::Client::get_object, (200, body(answer)))
}

async fn answered(clients: AsyncClients, notice: &str) -> Box<tintype_aws::Answered> {
    match inference(clients).collect(notice).await.expect("collects") {
        Collected::Answered(answered) => answered,
        Collected::Nothing => unreachable!("the notice is waited for"),
    }
}

#[tokio::test]
async fn a_notice_of_success_gives_the_job_as_it_was_begun_and_its_picture() {
    let clients = AsyncClients {
        dynamodb: playing!(aws_sdk_dynamodb, waiting()),
        s3: playing!(aws_sdk_s3, output(&json!({ "generated_images": [png_of(64, 64)] }))),
        ..clients()
    };
    let answered = answered(clients, &notice(2, &json!({}))).await;
    assert_eq!(answered.task.job, job());
    let drawn = answered.drawn.expect("a picture");
    assert_eq!((drawn.len(), drawn[0].index, drawn[0].seed), (1, 0, job().request.seed));
}

#[tokio::test]
async fn a_notice_of_failure_gives_what_the_model_said() {
    let reason = "ClientError: Received client error (400) from model.";
    let failed = json!({
        "invocationStatus": "Failed", "failureReason": reason, "responseParameters": null,
        "failureLocation": "s3://bucket/async/failed/x.out"
    });
    for (words, code) in [("no such field", "invalid"), ("content_moderation", "rejected")] {
        let clients = AsyncClients {
            dynamodb: playing!(aws_sdk_dynamodb, waiting()),
            s3: playing!(aws_sdk_s3, output(&json!({ "message": words }))),
            ..clients()
        };
        let error = answered(clients, &notice(2, &failed)).await.drawn.expect_err("a failure");
        assert_eq!((error.code.as_str(), error.retryable), (code, false), "{words}");
    }
}

#[tokio::test]
async fn an_answer_that_is_gone_or_no_picture_ends_the_attempt() {
    let gone = answering!(
        aws_sdk_s3::Client::get_object,
        (404, Some("<Error><Code>NoSuchKey</Code></Error>".to_owned()))
    );
    for (stored, code) in [(gone, "not_found"), (output(&json!({ "detail": "x" })), "data")] {
        let clients = AsyncClients {
            dynamodb: playing!(aws_sdk_dynamodb, waiting()),
            s3: playing!(aws_sdk_s3, stored),
            ..clients()
        };
        let error = answered(clients, &notice(2, &json!({}))).await.drawn.expect_err("a failure");
        assert_eq!(error.code, code);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_can_not_be_fetched_just_now_is_asked_for_again() {
    let clients = AsyncClients { dynamodb: playing!(aws_sdk_dynamodb, waiting()), ..clients() };
    let error = inference(clients).collect(&notice(2, &json!({}))).await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_notice_that_nothing_waits_for_is_nothing() {
    let nothing = answering!(aws_sdk_dynamodb::Client::get_item, (200, done()));
    for (stored, attempt) in [(nothing, 2), (waiting(), 1)] {
        let clients = AsyncClients { dynamodb: playing!(aws_sdk_dynamodb, stored), ..clients() };
        let collected = inference(clients).collect(&notice(attempt, &json!({}))).await.unwrap();
        assert!(matches!(collected, Collected::Nothing), "{collected:?}");
    }
}

#[tokio::test]
async fn a_text_that_is_no_notice_is_an_error() {
    let error = inference(clients()).collect("hello").await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Data);
}

/// A task as a notice gives it.
async fn task() -> Task {
    let clients = AsyncClients {
        dynamodb: playing!(aws_sdk_dynamodb, waiting()),
        s3: playing!(aws_sdk_s3, output(&json!({ "generated_images": [png_of(64, 64)] }))),
        ..clients()
    };
    answered(clients, &notice(2, &json!({}))).await.task
}

fn forgetting() -> aws_sdk_dynamodb::Client {
    playing!(aws_sdk_dynamodb, answering!(aws_sdk_dynamodb::Client::delete_item, (200, done())))
}

#[tokio::test]
async fn a_task_is_finished_or_failed_with_its_token() {
    let finished = mock!(aws_sdk_sfn::Client::send_task_success)
        .match_requests(|sent| sent.task_token() == Some("token") && sent.output() == Some("{}"))
        .sequence()
        .http_status(200, done())
        .build();
    let clients_of = |sfn| AsyncClients { sfn, dynamodb: forgetting(), ..clients() };
    let finishing = inference(clients_of(playing!(aws_sdk_sfn, finished)));
    finishing.finish_task(&task().await, "{}").await.unwrap();
    let failed = mock!(aws_sdk_sfn::Client::send_task_failure)
        .match_requests(|sent| sent.task_token() == Some("token") && sent.error() == Some("Throttled"))
        .sequence()
        .http_status(200, done())
        .build();
    let failing = inference(clients_of(playing!(aws_sdk_sfn, failed)));
    failing.fail_task(&task().await, "Throttled", "a slower pace").await.unwrap();
}

#[tokio::test]
async fn a_task_that_is_over_already_is_success() {
    let ended = |sfn| inference(AsyncClients { sfn, dynamodb: forgetting(), ..clients() });
    for code in ["TaskTimedOut", "TaskDoesNotExist"] {
        let over = answering!(aws_sdk_sfn::Client::send_task_success, (400, refusal(code)));
        ended(playing!(aws_sdk_sfn, over)).finish_task(&task().await, "{}").await.unwrap();
        let over = answering!(aws_sdk_sfn::Client::send_task_failure, (400, refusal(code)));
        ended(playing!(aws_sdk_sfn, over)).fail_task(&task().await, "Throttled", "").await.unwrap();
    }
}

/// The table is silent: the token is not forgotten before the state machine has it.
#[tokio::test]
async fn a_task_that_could_not_be_finished_is_kept() {
    let throttled = answering!(aws_sdk_sfn::Client::send_task_success, (400, refusal("ThrottlingException")));
    let clients = AsyncClients { sfn: playing!(aws_sdk_sfn, throttled), ..clients() };
    let error = inference(clients).finish_task(&task().await, "{}").await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Throttled);
}
