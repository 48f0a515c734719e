//! A picture's life through the functions' own code, from the request to the library: with a function killed before and
//! after every call it makes, and what it costs. In memory always; on an emulator of AWS too where one is named, as the
//! adapters' conformance tests do.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

#[expect(dead_code, reason = "the adapters' tests use the rest")]
#[path = "../../../adapters-aws/tests/support/mod.rs"]
mod support;

mod costs;
mod crashes;
mod requests;
mod state_machine;
mod wire;
mod world;

use libtest_mimic::Arguments;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut trials = crashes::trials();
    trials.extend(requests::trials());
    trials.push(costs::trial());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
