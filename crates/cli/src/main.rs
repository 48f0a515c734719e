//! The `tintype` command: a server, and its client. Each verb stands in a file of its own; [`terminal`] is the one
//! that prints, [`compose`] the one that chooses adapters, [`system`] the one that asks for randomness and environment.

mod archive;
mod args;
mod backup;
mod bounded;
mod check;
mod client;
mod collections;
mod compose;
mod config;
#[cfg_attr(not(feature = "c2pa"), path = "no_content_credentials.rs")]
mod content_credentials;
mod data_secret;
mod disk_watch;
mod export;
mod failure;
mod filter;
mod gallery;
mod generate;
mod import;
mod inspect;
mod jobs;
mod key;
mod key_file;
#[cfg_attr(not(feature = "aws"), path = "no_keys.rs")]
mod keys;
mod library;
mod lines;
mod logging;
mod looker;
mod models;
mod noop_model;
mod open_files;
mod output_file;
mod picture_in_terminal;
mod progress;
mod runtime;
mod serve;
mod settings;
mod show;
mod signals;
mod store_status;
mod sweeper;
mod system;
mod table;
mod terminal;
mod version;
mod when;

use args::{Args, Verb};
use failure::Outcome;
use std::process::ExitCode;
use terminal::Terminal;
use tintype_core::domain::Clock;
use tintype_local::SystemClock;

fn main() -> ExitCode {
    system::give_memory_back();
    let args = Args::read();
    let terminal = Terminal::detect(&system::variable);
    match run(args, &terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal.failure(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}

fn run(args: Args, terminal: &Terminal) -> Outcome {
    let env = &system::variable;
    let now = SystemClock.now();
    match args.verb {
        None => serve::run(&args.settings, terminal, env),
        Some(Verb::Serve(settings)) => serve::run(&settings, terminal, env),
        Some(Verb::Generate(args)) => generate::run(&args, terminal, env),
        Some(Verb::Save(args)) => library::save(&args, terminal),
        Some(Verb::List(args)) => library::list(&args, terminal, now),
        Some(Verb::Collections(args)) => collections::list(&args, terminal),
        Some(Verb::Export(args)) => export::run(&args, terminal, now),
        Some(Verb::Import(args)) => import::run(&args, terminal),
        Some(Verb::Backup(args)) => backup::back_up(&args, terminal, env, now),
        Some(Verb::RestoreBackup(args)) => backup::restore(&args, terminal, env),
        Some(Verb::Check(args)) => check::check(&args, terminal, env, now),
        Some(Verb::Recover(args)) => check::recover(&args, terminal, env, now),
        Some(Verb::Trash(args)) => library::trash(&args, terminal),
        Some(Verb::Restore(args)) => library::restore(&args, terminal),
        Some(Verb::Show(args)) => show::show(&args, terminal, now),
        Some(Verb::Inspect(args)) => inspect::run(&args, terminal),
        Some(Verb::Jobs(args)) => jobs::list(&args, terminal, now),
        Some(Verb::Cancel(args)) => jobs::cancel(&args, terminal),
        Some(Verb::Retry(args)) => jobs::retry(&args, terminal),
        Some(Verb::Models(args)) => models::list(&args, terminal),
        Some(Verb::Config(args)) => config::show(&args.settings, args.json, terminal, env),
        Some(Verb::Key(args)) => key::make(&args.owner, args.operate, terminal),
        Some(Verb::Keys { keys }) => keys::run(&keys, terminal, now),
        Some(Verb::Completions(args)) => completions(args.shell, terminal),
        Some(Verb::Version(args)) => version::show(&args, terminal),
    }
}

fn completions(shell: clap_complete::Shell, terminal: &Terminal) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::definition(), "tintype", &mut script);
    terminal.bytes(&script)
}
