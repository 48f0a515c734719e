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

/// Has what a large upload or picture took go back to the system as soon as it is freed. Left to itself the C library
/// keeps more and more of it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator's settings are behind a C function")]
pub(crate) fn give_memory_back() {
    const LARGE_BYTES: i32 = 1024 * 1024;
    // SAFETY: sets one number of the allocator, before another thread is started.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES) };
}

/// Other allocators do so by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_memory_back() {}

/// Has every file that this process makes from now on be for this user only, whatever the part that makes it asks for.
pub(crate) fn keep_files_private() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Whether whoever started this process had it ignore the end of its terminal, as `nohup` does.
#[cfg(unix)]
#[expect(unsafe_code, reason = "the handling of a signal is asked for by a C function")]
pub(crate) fn ignores_hangup() -> bool {
    // SAFETY: without a new action nothing is changed, and the old one is written to a place of its size.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGHUP, std::ptr::null(), &raw mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}
