//! `tintype keys` in a build that knows nothing of AWS.

use crate::args::Keys;
use crate::failure::{Failure, Outcome};
use crate::terminal::Terminal;
use tintype_core::domain::Timestamp;

/// Says how to get a build that can.
///
/// # Errors
/// Always.
pub(crate) fn run(_: &Keys, _: &Terminal, _: Timestamp) -> Outcome {
    Err(Failure::usage("this tintype was built without AWS, so it can't manage the keys of a deployment")
        .hint("build one that can: cargo install --path crates/cli --features aws")
        .hint("for a server of your own: tintype key OWNER"))
}
