//! What a picture costs on AWS without its model: what is asked of each service is counted on an emulator, and priced
//! by `tests/aws/prices.json`.

use crate::{
    crashes::runtime,
    state_machine::execute,
    support::{Emulator, exclusions, meter::Asked},
    wire::Wire,
    world::{Stores, World},
};
use libtest_mimic::{Completion, Failed, Trial};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};
use tintype_core::{domain::ModelCard, ports::Models};
use tintype_memory::{Memory, ScriptedModel};
use tintype_testkit::faults::FaultPlan;

/// In US dollars, for asking, hearing of it over a socket, fetching and keeping.
const PER_1000_MAX: f64 = 0.10;
/// A caller's key is looked at once for the REST API and once for the socket; API Gateway keeps the first answer for
/// minutes, so this is the most.
const AUTHORIZATIONS: f64 = 2.0;
/// The client asks for the picture and saves it; it fetches its bytes from CloudFront.
const REST_REQUESTS: f64 = 2.0;
const CDN_REQUESTS: f64 = 1.0;
/// The socket is open for a minute, in which the client says that it listens.
const SOCKET_MINUTES: f64 = 1.0;
const MESSAGES_RECEIVED: f64 = 1.0;

pub(crate) fn trial() -> Trial {
    Trial::ignorable_test("a_thousand_pictures_cost_at_most_ten_cents_without_the_model", || {
        let Some(emulator) = Emulator::from_environment() else {
            return Ok(Completion::ignored_with(
                "TINTYPE_AWS_ENDPOINT is not set: run `bash tests/aws/conformance`",
            ));
        };
        if let Some(why) = exclusions::of_whole_lives() {
            return Ok(Completion::ignored_with(why));
        }
        let counts = runtime().block_on(count(emulator));
        check(&counts).map(|()| Completion::Completed)
    })
}

/// How often each thing that has a price is asked for, for one picture.
async fn count(emulator: Emulator) -> BTreeMap<&'static str, f64> {
    let plan = FaultPlan::new(1);
    // As an endpoint's card says: it tells nothing before the picture.
    let card = ModelCard { progress: false, previews: false, ..ModelCard::example() };
    let memory = Memory::new().with_models(Models::new(Arc::new(ScriptedModel::new(card))));
    let world = World::new(&Stores::Emulated(emulator, Wire::new(None)), plan.clone(), memory).await;
    let job_id = world.generate().await.id;
    let inbox = world.listen(&job_id).await;
    execute(&world, job_id).await;
    world.close(&inbox).await;
    world.save(&job_id).await;
    let Asked { read_units, write_units, puts, gets, .. } = world.meter.take();
    BTreeMap::from([
        ("step_functions_transition", transitions()),
        ("dynamodb_write_unit", write_units as f64),
        ("dynamodb_read_unit", read_units as f64),
        ("rest_request", REST_REQUESTS),
        ("websocket_message", plan.calls("Notifier::send") as f64 + MESSAGES_RECEIVED),
        ("websocket_minute", SOCKET_MINUTES),
        ("lambda_request", world.invocations.load(Ordering::Relaxed) as f64 + AUTHORIZATIONS),
        ("s3_put", puts as f64),
        ("s3_get", gets as f64),
        ("cloudfront_request", CDN_REQUESTS),
    ])
}

/// The states of the definition's good path, and the start, which is counted as one.
fn transitions() -> f64 {
    let definition = include_str!("../../../../statemachine/generate-image.asl.json");
    let definition: Value = serde_json::from_str(definition).unwrap();
    let mut state = definition["StartAt"].as_str();
    let mut transitions = 1.0;
    while let Some(name) = state {
        transitions += 1.0;
        state = definition["States"][name]["Next"].as_str();
    }
    transitions
}

#[expect(clippy::print_stdout, reason = "the table is what the test is run for")]
fn check(counts: &BTreeMap<&'static str, f64>) -> Result<(), Failed> {
    let prices: Value = serde_json::from_str(include_str!("../../../../tests/aws/prices.json"))?;
    let mut total = 0.0;
    println!("| | per picture | $ per 1,000 |\n|---|---|---|");
    for (name, count) in counts {
        let price = prices[name].as_f64().ok_or_else(|| format!("{name} has no price"))?;
        let cost = count * price / 1_000.0;
        total += cost;
        println!("| {name} | {count} | {cost:.4} |");
    }
    println!("| all of it | | {total:.4} |");
    if total > PER_1000_MAX {
        return Err(format!("1,000 pictures cost ${total:.4}; they may cost ${PER_1000_MAX}").into());
    }
    Ok(())
}
