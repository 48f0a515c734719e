//! Step Functions as it answers, and as the emulators don't.

use crate::replay::{answering, body, playing, refusal, silent};
use aws_sdk_sfn::Client;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_types::retry::RetryConfig;
use serde_json::json;
use std::time::Duration;
use tintype_aws::StepFunctionsWorkflow;
use tintype_core::ErrorKind;
use tintype_core::domain::{Job, Timestamp};
use tintype_core::ports::Workflow;
use tintype_testkit::samples::{job_id, new_job};

const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:draw";

fn job() -> Job {
    Job::accept(new_job(1, 0)).0
}

fn workflow(client: Client) -> StepFunctionsWorkflow {
    StepFunctionsWorkflow::new(client, MACHINE)
}

fn name_is_taken() -> Rule {
    answering!(Client::start_execution, (400, refusal("ExecutionAlreadyExists")))
}

fn described(status: &str, input: &str) -> Rule {
    let name = job().id;
    let execution = json!({
        "executionArn": format!("arn:aws:states:us-east-1:123456789012:execution:draw:{name}"),
        "stateMachineArn": MACHINE,
        "name": name,
        "status": status,
        "startDate": 1_769_860_800.0,
        "input": input,
    });
    answering!(Client::describe_execution, (200, body(&execution)))
}

fn same_input() -> String {
    json!({ "job_id": job().id }).to_string()
}

/// An execution of this name is started, for the job.
fn starts(name: String) -> Rule {
    mock!(Client::start_execution)
        .match_requests(move |request| {
            request.name() == Some(&name) && request.input() == Some(&same_input())
        })
        .sequence()
        .http_status(200, body(&json!({ "executionArn": "arn:x", "startDate": 1.0 })))
        .build()
}

/// The execution of this name is stopped.
fn stops(name: String) -> Rule {
    mock!(Client::stop_execution)
        .match_requests(move |request| {
            let arn = format!("arn:aws:states:us-east-1:123456789012:execution:draw:{name}");
            request.execution_arn() == Some(&arn)
        })
        .sequence()
        .http_status(200, body(&json!({ "stopDate": 1.0 })))
        .build()
}

fn no_execution() -> Rule {
    answering!(Client::stop_execution, (400, refusal("ExecutionDoesNotExist")))
}

async fn kind_of_start(client: Client) -> ErrorKind {
    workflow(client).start(&job()).await.expect_err("must fail").kind()
}

#[tokio::test]
async fn an_execution_has_the_jobs_name_and_is_given_the_jobs_id_alone() {
    workflow(playing!(aws_sdk_sfn, starts(job().id.to_string()))).start(&job()).await.unwrap();
}

#[tokio::test]
async fn a_name_taken_for_the_same_job_is_success_while_its_execution_lives() {
    for status in ["RUNNING", "PENDING_REDRIVE"] {
        let client = playing!(aws_sdk_sfn, name_is_taken(), described(status, &same_input()));
        workflow(client).start(&job()).await.unwrap();
    }
}

#[tokio::test]
async fn a_job_that_has_not_ended_and_whose_execution_is_over_gets_the_next_one() {
    for status in ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"] {
        let second = starts(format!("{}-1", job().id));
        let rules = [name_is_taken(), described(status, &same_input()), second];
        let client = mock_client!(aws_sdk_sfn, RuleMode::Sequential, &rules);
        workflow(client).start(&job()).await.unwrap();
        assert_eq!(rules[2].num_calls(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_job_that_has_ended_gets_no_other_execution() {
    let mut job = job();
    job.cancel(job.created_at).unwrap();
    let client = playing!(aws_sdk_sfn, name_is_taken(), described("ABORTED", &same_input()));
    workflow(client).start(&job).await.unwrap();
}

#[tokio::test]
async fn a_job_whose_executions_all_come_to_nothing_is_an_operators() {
    let rules: Vec<_> = (0..10).flat_map(|_| [name_is_taken(), described("FAILED", &same_input())]).collect();
    let client = mock_client!(aws_sdk_sfn, RuleMode::Sequential, &rules);
    let error = workflow(client).start(&job()).await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.message().contains("cancel it and retry it"), "{error}");
}

#[tokio::test]
async fn a_name_taken_with_another_input_is_an_error_that_says_so() {
    let other = json!({ "job_id": job_id(2, 0) }).to_string();
    for input in [other.as_str(), "{}", "no JSON"] {
        let client = playing!(aws_sdk_sfn, name_is_taken(), described("RUNNING", input));
        let error = workflow(client).start(&job()).await.expect_err("must fail");
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.message().contains("another input"), "{error}");
    }
}

#[tokio::test]
async fn a_taken_name_that_can_not_be_described_yet_is_asked_for_again() {
    let missing = answering!(Client::describe_execution, (400, refusal("ExecutionDoesNotExist")));
    let kind = kind_of_start(playing!(aws_sdk_sfn, name_is_taken(), missing)).await;
    assert_eq!(kind, ErrorKind::Unavailable);
}

/// The first attempt was written, its answer was lost: the SDK's own second attempt finds the name taken.
#[tokio::test(start_paused = true)]
async fn a_start_whose_answer_was_lost_is_success() {
    let lost = answering!(
        Client::start_execution,
        (503, refusal("ServiceUnavailable")),
        (400, refusal("ExecutionAlreadyExists"))
    );
    let rules = [lost, described("RUNNING", &same_input())];
    let client = mock_client!(aws_sdk_sfn, RuleMode::Sequential, &rules, |config| {
        config.retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
    });
    workflow(client).start(&job()).await.unwrap();
    assert_eq!(rules[0].num_calls(), 2);
}

#[tokio::test]
async fn the_codes_of_a_refused_start_have_the_kind_their_caller_acts_on() {
    for (status, code, kind) in [
        (400, "ThrottlingException", ErrorKind::Throttled),
        (400, "ExecutionLimitExceeded", ErrorKind::Throttled),
        (400, "AccessDeniedException", ErrorKind::Denied),
        (400, "StateMachineDoesNotExist", ErrorKind::Denied),
        (400, "StateMachineDeleting", ErrorKind::Unavailable),
        (500, "InternalServerError", ErrorKind::Unavailable),
        (503, "NobodyMappedThis", ErrorKind::Unavailable),
        (400, "InvalidName", ErrorKind::Internal),
        (400, "NobodyMappedThis", ErrorKind::Internal),
    ] {
        let refused = answering!(Client::start_execution, (status, refusal(code)));
        assert_eq!(kind_of_start(playing!(aws_sdk_sfn, refused)).await, kind, "{status} {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_unavailable() {
    assert_eq!(kind_of_start(silent!(aws_sdk_sfn)).await, ErrorKind::Unavailable);
    let stopped = workflow(silent!(aws_sdk_sfn)).cancel(&job().id).await;
    assert_eq!(stopped.expect_err("must fail").kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn cancel_stops_every_execution_of_the_job() {
    let id = job().id;
    let rules = [stops(id.to_string()), stops(format!("{id}-1")), no_execution()];
    let client = mock_client!(aws_sdk_sfn, RuleMode::Sequential, &rules);
    workflow(client).cancel(&id).await.unwrap();
    assert_eq!(rules[2].num_calls(), 1);
}

#[tokio::test]
async fn cancel_of_a_missing_execution_is_success() {
    workflow(playing!(aws_sdk_sfn, no_execution())).cancel(&job().id).await.unwrap();
}

#[tokio::test]
async fn cancel_of_an_execution_that_is_over_is_success_and_looks_for_the_next() {
    let over = answering!(Client::stop_execution, (400, refusal("ValidationException")));
    let rules = [over, no_execution()];
    let client = mock_client!(aws_sdk_sfn, RuleMode::Sequential, &rules);
    workflow(client).cancel(&job().id).await.unwrap();
    assert_eq!(rules[1].num_calls(), 1);
}

#[tokio::test]
async fn cancel_of_an_express_execution_is_success() {
    let unsupported = answering!(Client::stop_execution, (400, refusal("StateMachineTypeNotSupported")));
    workflow(playing!(aws_sdk_sfn, unsupported)).cancel(&job().id).await.unwrap();
}

#[tokio::test]
async fn a_throttled_cancel_is_throttled() {
    let throttled = answering!(Client::stop_execution, (400, refusal("ThrottlingException")));
    let error = workflow(playing!(aws_sdk_sfn, throttled)).cancel(&job().id).await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Throttled);
}

#[tokio::test]
async fn there_is_no_line() {
    let place = workflow(silent!(aws_sdk_sfn)).place(&job(), Timestamp::from_millis(0)).await;
    assert_eq!(place.unwrap(), None);
}
