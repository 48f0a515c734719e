//! Where the `tintype` program under test is.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The `tintype` of this build profile, brought up to date once per test process. `TINTYPE_BIN` names another, which
/// is taken as it is.
#[expect(clippy::disallowed_methods, reason = "an edge: whoever runs the tests may name the program")]
pub(crate) fn tintype() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| env::var_os("TINTYPE_BIN").map_or_else(build, PathBuf::from))
}

/// The command with `folder` as its home and working folder, and nothing of the settings of whoever runs the tests.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(tintype());
    command.env_clear().env("HOME", folder).env("TINTYPE_DATA", folder.join("data")).current_dir(folder);
    command.stdin(std::process::Stdio::null());
    command
}

fn build() -> PathBuf {
    let folder = profile_folder();
    let mut cargo = Command::new(env!("CARGO"));
    // Beside one of its tests, with the features of the whole workspace: what `cargo test --workspace` built is used.
    cargo.args(["build", "--quiet", "--workspace", "--bin", "tintype", "--test", "command"]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().unwrap();
    assert!(status.success(), "`cargo build` of the command failed");
    folder.join(format!("tintype{}", env::consts::EXE_SUFFIX))
}

/// `target/debug` or the like: test programs stand in its `deps`.
fn profile_folder() -> PathBuf {
    let program = env::current_exe().unwrap();
    program.parent().and_then(Path::parent).unwrap().to_owned()
}
