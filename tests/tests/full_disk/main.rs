//! A full disk: real servers and commands on small file systems of their own (tmpfs), which are filled by the server, or by
//! another program to the last byte. Mounting takes a mount namespace: with the right to make one this program runs itself in
//! it (`unshare`), so that nothing stays mounted; without, each test is reported as ignored.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test does not expect fails it")]

mod commands;
mod curing;
mod disk;
mod files;
mod library;
mod starting;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::{
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

/// Set in the namespace.
const INSIDE: &str = "TINTYPE_FULL_DISK_INSIDE";
/// The options of `unshare` that may be allowed: as root, and as anybody.
const WAYS: [&str; 2] = ["-m", "-rm"];
const WHY: &str =
    "no file system can be mounted here: neither `unshare -m` nor `unshare -rm` may mount a tmpfs";
/// How long one test may take on a machine that is busy with other tests.
const TEST_TIME: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    if is_inside() {
        return run(true);
    }
    match WAYS.into_iter().find(|way| may_mount(way)) {
        Some(way) => run_inside(way),
        None => run(false),
    }
}

#[expect(clippy::disallowed_methods, reason = "an edge: this program told itself where it is")]
fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

fn may_mount(way: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args([way, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder.path());
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn run_inside(way: &str) -> ExitCode {
    let mut command = Command::new("unshare");
    command.arg(way).arg(std::env::current_exe().unwrap()).args(std::env::args_os().skip(1));
    let status = command.env(INSIDE, "1").status().unwrap();
    ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1))
}

macro_rules! tests {
    ($may_mount:expr; $($module:ident { $($name:ident,)* })*) => {
        vec![$($(test(concat!(stringify!($module), "::", stringify!($name)), $may_mount, || Box::pin($module::$name())),)*)*]
    };
}

type Body = std::pin::Pin<Box<dyn Future<Output = ()>>>;

fn run(may_mount: bool) -> ExitCode {
    let tests = tests! { may_mount;
        curing {
            a_library_that_fills_its_disk_refuses_what_adds_and_is_cured_by_deletes,
            what_frees_space_works_without_a_free_byte,
            a_disk_without_free_inodes_is_cured_by_deletes,
            the_rendition_cache_goes_before_anything_is_refused,
            jobs_wait_for_space_and_succeed_when_it_is_back,
        }
        starting {
            a_server_starts_on_a_full_disk_and_recovers_by_itself,
            the_sweep_frees_space_on_a_full_disk_without_a_hand,
            a_full_disk_without_a_reserve_is_told_and_loses_nothing,
            an_old_layout_is_brought_up_to_date_on_a_full_disk,
            an_old_layout_without_a_reserve_stays_whole_until_there_is_room,
            a_file_system_that_is_mounted_read_only_is_told_apart_from_a_full_one,
        }
        files {
            the_log_and_the_ready_file_may_be_on_the_full_disk,
            nothing_half_written_is_left,
        }
        commands {
            saving_importing_and_generating_say_that_the_disk_is_full,
            generating_without_a_server_says_that_the_disk_is_full,
            an_export_to_a_full_disk_goes_on_when_there_is_room,
            a_backup_to_a_full_disk_keeps_the_earlier_one_and_goes_on_when_there_is_room,
            a_library_on_a_full_disk_is_backed_up_with_and_without_its_server,
        }
    };
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn test(name: &str, may_mount: bool, body: fn() -> Body) -> Trial {
    Trial::ignorable_test(name, move || {
        if !may_mount {
            return Ok(Completion::ignored_with(WHY));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let ended = runtime.block_on(async { tokio::time::timeout(TEST_TIME, body()).await });
        ended.map(|()| Completion::Completed).map_err(|_| Failed::from("it did not end"))
    })
}
