//! A function is killed before one of its requests to AWS is sent, or after its answer has come: between any two of
//! them, also within one call of a port. With an endpoint that answers at once and with one that answers later, whose
//! notices come twice.

use crate::{
    crashes::{check_life, live, runtime, sweep},
    state_machine::execute_later,
    support::{Emulator, exclusions},
    wire::{Hang, Wire},
    world::{Stores, World},
};
use libtest_mimic::Trial;
use std::time::Duration;
use tintype_core::domain::JobId;
use tintype_memory::{Inbox, Memory};
use tintype_testkit::faults::FaultPlan;

/// How the model answers.
#[derive(Clone, Copy, Debug)]
enum Model {
    AtOnce,
    Later,
}

/// One trial for each request of a life in which nothing is killed; one that says why there are none.
pub(crate) fn trials() -> Vec<Trial> {
    let Some(emulator) = Emulator::from_environment().filter(|_| exclusions::of_whole_lives().is_none())
    else {
        return vec![Trial::test("requests::need_an_emulator", || Ok(())).with_ignored_flag(true)];
    };
    [Model::AtOnce, Model::Later].iter().flat_map(|model| trials_of(&emulator, *model)).collect()
}

fn trials_of(emulator: &Emulator, model: Model) -> Vec<Trial> {
    let requests = runtime().block_on(check(emulator.clone(), model, None));
    let hangs = (1..=requests).flat_map(|request| [false, true].map(|is_sent| Hang { request, is_sent }));
    let trial = |hang: Hang| {
        let emulator = emulator.clone();
        let when = if hang.is_sent { "after" } else { "before" };
        let name = format!("requests::{model:?}::killed_{when}_request_{}", hang.request);
        Trial::test(name, move || {
            runtime().block_on(check(emulator, model, Some(hang)));
            Ok(())
        })
    };
    hangs.map(trial).collect()
}

/// Lives once, and looks at what is left. How many requests it took.
async fn check(emulator: Emulator, model: Model, hang: Option<Hang>) -> u64 {
    let wire = Wire::new(hang);
    let mut world =
        World::new(&Stores::Emulated(emulator, wire.clone()), FaultPlan::new(1), Memory::new()).await;
    let (job_id, inbox) = match model {
        Model::AtOnce => live(&world).await,
        Model::Later => {
            world.use_later();
            live_later(&world).await
        }
    };
    let requests = wire.requests();
    assert!(hang.is_none_or(|hang| hang.request <= requests), "the request was not made");
    check_life(&world, &job_id, inbox).await;
    requests
}

async fn live_later(world: &World) -> (JobId, Inbox) {
    let job_id = world.generate().await.id;
    let inbox = world.listen(&job_id).await;
    world.memory.clock.pass(Duration::from_secs(60));
    sweep(world).await;
    execute_later(world, job_id).await;
    assert_eq!(world.generate().await.id, job_id, "the key is the job's");
    world.save(&job_id).await;
    sweep(world).await;
    (job_id, inbox)
}
