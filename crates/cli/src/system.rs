//! What only the operating system has: randomness and the environment. The one place of this crate that asks for them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tintype_core::domain::Entropy;

/// 32 fresh random bytes.
///
/// # Panics
/// If the operating system has none: then nothing this program makes could be kept secret.
#[expect(clippy::disallowed_methods, reason = "this is the entropy that everything else is handed")]
#[expect(clippy::expect_used, reason = "see Panics")]
pub(crate) fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Fresh randomness for one call of a use case.
pub(crate) fn entropy() -> Entropy {
    Entropy(random_bytes())
}

/// A text that nobody else comes up with.
pub(crate) fn random_name() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes())
}

/// One variable of the environment; one that is no text counts as not set.
#[expect(clippy::disallowed_methods, reason = "this is the environment that everything else is handed")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
