//! Whose job is next: owners take turns, and an owner's own jobs go by priority.

use crate::world::{World, alice, input, owner};
use std::time::Duration;
use tintype_core::{domain::GenerateInput, use_cases::find_job};

/// The prompts in the order in which they were drawn.
async fn drawn(world: &World) -> Vec<String> {
    world.memory.run_all().await.unwrap();
    world.memory.model.requests().iter().map(|request| request.prompt.as_str().to_owned()).collect()
}

async fn submit(world: &World, name: &str, prompt: &str, priority: i64) {
    let wish = GenerateInput { priority: Some(priority), ..input(prompt) };
    world.submit(owner(name), wish, None).await.unwrap();
    world.pass(Duration::from_millis(1));
}

#[tokio::test]
async fn an_owners_jobs_go_by_priority_then_by_age() {
    let world = World::new();
    for (prompt, priority) in [("low", 0), ("first", 5), ("second", 5), ("high", 9)] {
        submit(&world, "alice", prompt, priority).await;
    }
    assert_eq!(drawn(&world).await, ["high", "first", "second", "low"]);
}

#[tokio::test]
async fn an_owner_with_many_jobs_can_not_hold_up_another() {
    let world = World::new();
    for n in 0..10 {
        submit(&world, "many", &format!("many {n}"), 9).await;
    }
    submit(&world, "one", "one", 0).await;
    let order = drawn(&world).await;
    let place = order.iter().position(|prompt| prompt == "one").unwrap();
    assert!(place <= 1, "{order:?}");
}

#[tokio::test]
async fn owners_take_turns() {
    let world = World::new();
    for name in ["alice", "bob", "carol"] {
        for n in 0..3 {
            submit(&world, name, &format!("{name} {n}"), 5).await;
        }
    }
    let order = drawn(&world).await;
    for round in order.chunks(3) {
        let mut owners: Vec<_> = round.iter().map(|prompt| prompt.split(' ').next().unwrap()).collect();
        owners.sort_unstable();
        assert_eq!(owners, ["alice", "bob", "carol"], "{order:?}");
    }
}

#[tokio::test]
async fn a_waiting_job_knows_its_place_among_its_owners_jobs() {
    let world = World::new();
    submit(&world, "bob", "bobs", 5).await;
    world.accepted(input("first")).await;
    world.pass(Duration::from_millis(1));
    let second = world.accepted(input("second")).await;
    let (_, place) = find_job(&world.memory.ports(), &alice(), &second.id, world.now()).await.unwrap();
    assert_eq!(place.unwrap().position, 2);
}
