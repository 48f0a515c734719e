//! Which calls fail, and how.

use crate::samples;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tintype_core::{ErrorKind, PortError};
use tokio::sync::Notify;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// It does nothing and says so.
    FailBefore(ErrorKind),
    /// It does its work, and then fails: the caller can't know. A call that fails by itself keeps its own error.
    FailAfter(ErrorKind),
    /// It comes late.
    Delay(Duration),
    /// It does nothing and never returns: with the caller dropped, a crash before the call.
    HangBefore,
    /// It does its work and never returns: with the caller dropped, a crash after the call.
    HangAfter,
}

/// Which calls of an operation fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// All of them.
    Always,
    /// This one, counted from 1.
    Nth(u64),
    /// This share of them, 0.0 to 1.0, drawn from the plan's seed.
    Share(f64),
}

/// Which calls fail and how. Clones are the same plan.
#[derive(Clone, Debug)]
pub struct FaultPlan {
    state: Arc<Mutex<State>>,
    hung: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    seed: u64,
    rules: Vec<Rule>,
    calls: BTreeMap<&'static str, u64>,
    faults: u64,
}

#[derive(Debug)]
struct Rule {
    operation: Option<&'static str>,
    when: When,
    fault: Fault,
}

impl FaultPlan {
    /// A plan in which nothing fails yet.
    pub fn new(seed: u64) -> Self {
        let state = State { seed, rules: Vec::new(), calls: BTreeMap::new(), faults: 0 };
        Self { state: Arc::new(Mutex::new(state)), hung: Arc::default() }
    }

    /// Makes calls of `operation`, such as `ImageStore::get`, fail. The first rule that fits a call decides.
    #[must_use]
    pub fn with(self, operation: &'static str, when: When, fault: Fault) -> Self {
        self.add(Rule { operation: Some(operation), when, fault })
    }

    /// Makes calls of every operation fail; [`When::Nth`] counts each operation's own calls.
    #[must_use]
    pub fn with_any(self, when: When, fault: Fault) -> Self {
        self.add(Rule { operation: None, when, fault })
    }

    /// Lets every call succeed from now on.
    pub fn heal(&self) {
        self.lock().rules.clear();
    }

    /// How often `operation` was called.
    pub fn calls(&self, operation: &str) -> u64 {
        self.lock().calls.get(operation).copied().unwrap_or(0)
    }

    /// Every operation that was called, and how often.
    pub fn all_calls(&self) -> Vec<(&'static str, u64)> {
        self.lock().calls.iter().map(|(operation, calls)| (*operation, *calls)).collect()
    }

    /// Waits until a call hangs, before its work or after it: the moment to drop the caller, as a crash does.
    pub async fn hung(&self) {
        self.hung.notified().await;
    }

    /// Says that a call hangs, and hangs.
    pub(super) async fn hang(&self) -> ! {
        self.hung.notify_one();
        std::future::pending().await
    }

    /// How many calls a fault was put into.
    pub fn faults(&self) -> u64 {
        self.lock().faults
    }

    /// Counts a call and says how it fails.
    pub(super) fn next(&self, operation: &'static str) -> Option<Fault> {
        let mut state = self.lock();
        let call = state.calls.entry(operation).or_default();
        *call += 1;
        let call = *call;
        let fault = state.decide(operation, call)?;
        state.faults += 1;
        Some(fault)
    }

    fn add(self, rule: Rule) -> Self {
        self.lock().rules.push(rule);
        self
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn decide(&self, operation: &'static str, call: u64) -> Option<Fault> {
        let fits = |(number, rule): &(usize, &Rule)| {
            rule.operation.is_none_or(|ruled| ruled == operation)
                && match rule.when {
                    When::Always => true,
                    When::Nth(nth) => nth == call,
                    When::Share(share) => self.draw(*number as u64, operation, call) < share,
                }
        };
        self.rules.iter().enumerate().find(fits).map(|(_, rule)| rule.fault)
    }

    /// A fraction in `0.0..1.0` that depends on nothing but these, so no other call's timing changes it.
    fn draw(&self, rule: u64, operation: &str, call: u64) -> f64 {
        let name = operation.bytes().fold(0, |hash: u64, byte| hash.rotate_left(5) ^ u64::from(byte));
        let number = [rule, name, call].into_iter().fold(self.seed, |hash, part| mix(hash ^ part));
        samples::entropy(number).fraction()
    }
}

/// The finaliser of SplitMix64.
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

pub(super) fn failure(kind: ErrorKind, operation: &'static str) -> PortError {
    PortError::new(kind, operation, "the fault plan wants it so")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAIL: Fault = Fault::FailBefore(ErrorKind::Unavailable);

    fn first_hundred(plan: &FaultPlan, operation: &'static str) -> Vec<bool> {
        (0..100).map(|_| plan.next(operation).is_some()).collect()
    }

    #[test]
    fn the_nth_call_of_an_operation_fails_and_no_other() {
        let plan = FaultPlan::new(1).with("ImageStore::put", When::Nth(2), FAIL);
        assert_eq!(plan.next("ImageStore::get"), None);
        assert_eq!(plan.next("ImageStore::put"), None);
        assert_eq!(plan.next("ImageStore::put"), Some(FAIL));
        assert_eq!(plan.next("ImageStore::put"), None);
        assert_eq!((plan.calls("ImageStore::put"), plan.faults()), (3, 1));
    }

    #[test]
    fn a_share_of_calls_fails() {
        let plan = FaultPlan::new(1).with_any(When::Share(0.3), FAIL);
        let failed = first_hundred(&plan, "ImageStore::put").into_iter().filter(|fails| *fails).count();
        assert!((15..=45).contains(&failed), "{failed} of 100");
    }

    #[test]
    fn the_same_seed_fails_the_same_calls_whatever_else_is_called() {
        let one = FaultPlan::new(1).with_any(When::Share(0.5), FAIL);
        let other = FaultPlan::new(1).with_any(When::Share(0.5), FAIL);
        first_hundred(&other, "ImageStore::get");
        assert_eq!(first_hundred(&one, "ImageStore::put"), first_hundred(&other, "ImageStore::put"));
    }

    #[test]
    fn another_seed_fails_other_calls() {
        let one = FaultPlan::new(1).with_any(When::Share(0.5), FAIL);
        let other = FaultPlan::new(2).with_any(When::Share(0.5), FAIL);
        assert_ne!(first_hundred(&one, "ImageStore::put"), first_hundred(&other, "ImageStore::put"));
    }

    #[test]
    fn a_healed_plan_fails_nothing() {
        let plan = FaultPlan::new(1).with_any(When::Always, FAIL);
        plan.heal();
        assert_eq!(plan.next("ImageStore::put"), None);
    }
}
