//! The command line: verbs, flags, examples. What a verb does stands in its own file.

mod library;

pub(crate) use library::{
    Backup, Check, Collections, Export, FilterArgs, Import, List, Recover, Restore, RestoreBackup, Save,
    Trash,
};

use crate::failure::Exit;
use crate::settings::{Flags, table::SETTINGS};
use clap::{Command as ClapCommand, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};
use std::path::PathBuf;
use std::time::Duration;
use tintype_core::domain::{KeyName, OwnerId};

/// Draws images from words, on this machine.
///
/// With no command it serves: it opens the gallery on http://127.0.0.1:7860 and takes the flags of `tintype serve`.
#[derive(Debug, Parser)]
#[command(name = "tintype", version, args_conflicts_with_subcommands = true, propagate_version = true)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) settings: Flags,
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

const EXAMPLES: &str = "\
Examples:
  tintype                                     open the gallery on http://127.0.0.1:7860
  tintype generate \"red heart\"                draw one picture into this folder
  tintype generate \"cat face\" -n 4 -o cats/   draw four into a folder
  tintype generate - < prompt.txt             read the prompt from stdin
  tintype list                                what is in the library";

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Serve the gallery and the API
    Serve(Flags),
    /// Draw images from a prompt
    Generate(Box<Generate>),
    /// Keep an image in the library: one that a job made, or a file
    Save(Save),
    /// List the library, the newest first
    #[command(visible_alias = "ls")]
    List(List),
    /// List the collections, by name
    Collections(Collections),
    /// Write pictures of the library, and all that is known of them, into a folder or zip
    Export(Export),
    /// Take pictures into the library: an export, or folders of other tools
    Import(Import),
    /// Copy a library of this machine while its server runs
    Backup(Backup),
    /// Make a data folder of a backup
    RestoreBackup(RestoreBackup),
    /// Look for damage in a library of this machine, and repair it
    Check(Check),
    /// Bring back a library whose database was lost or damaged
    Recover(Recover),
    /// Show an image or a job, and what it was made with
    Show(Show),
    /// Read what picture files say of themselves: ours, and other tools'
    Inspect(Inspect),
    /// Put an image in the trash, or erase it for good
    Trash(Trash),
    /// Take an image out of the trash
    Restore(Restore),
    /// List the jobs, the newest first
    Jobs(Jobs),
    /// Stop a job
    Cancel(JobArgs),
    /// Repeat a job as a new one
    Retry(JobArgs),
    /// List the models and what they can do
    Models(Models),
    /// Show the effective settings and where each comes from
    Config(Config),
    /// Make a key for one who may call the server
    Key(Key),
    /// Manage the keys of a deployment on AWS
    Keys {
        /// What to do with them.
        #[command(subcommand)]
        keys: Keys,
    },
    /// Print what completes this command in a shell
    Completions(Completions),
    /// Show the version of this command, and of the server
    Version(Version),
}

/// Which server to talk to.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ServerArgs {
    /// The server's URL [default: http://127.0.0.1:7860]
    #[arg(long, env = "TINTYPE_SERVER", value_name = "URL", help_heading = "Server", value_hint = ValueHint::Url)]
    pub(crate) server: Option<String>,
    /// Your key for it; better in the environment, where others can't see it
    #[arg(long, env = "TINTYPE_KEY", value_name = "KEY", help_heading = "Server", hide_env_values = true)]
    pub(crate) key: Option<String>,
}

/// `tintype generate`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What is not given is the model's own choice; `tintype models` shows every range.
The path of each file is printed to stdout, everything else to stderr.

Examples:
  tintype generate \"red heart\"
  tintype generate \"blue star\" --seed 7 --steps 20 --negative \"green\"
  tintype generate \"cat face\" --count 4 -o cats/
  tintype generate \"cat face\" -o cat.webp
  tintype generate \"cat face\" -o - | magick - cat.gif
  tintype generate \"cat face\" --json | jq .images[0].seed")]
pub(crate) struct Generate {
    /// What to draw; `-` reads it from stdin
    #[arg(required = true, value_name = "PROMPT")]
    pub(crate) prompt: Vec<String>,
    /// What not to draw
    #[arg(long, value_name = "PROMPT", help_heading = "Picture")]
    pub(crate) negative: Option<String>,
    /// Pixels across
    #[arg(long, value_name = "PIXELS", help_heading = "Picture", allow_negative_numbers = true)]
    pub(crate) width: Option<i64>,
    /// Pixels down
    #[arg(long, value_name = "PIXELS", help_heading = "Picture", allow_negative_numbers = true)]
    pub(crate) height: Option<i64>,
    /// Sampling steps: more is slower and finer
    #[arg(long, value_name = "N", help_heading = "Picture", allow_negative_numbers = true)]
    pub(crate) steps: Option<i64>,
    /// How strongly the prompt pulls
    #[arg(long, value_name = "SCALE", help_heading = "Picture", allow_negative_numbers = true, value_parser = finite)]
    pub(crate) guidance: Option<f64>,
    /// Same seed and same request, same picture; random if not given
    #[arg(long, value_name = "N", help_heading = "Picture", allow_negative_numbers = true)]
    pub(crate) seed: Option<i64>,
    /// How many pictures
    #[arg(short = 'n', long, value_name = "N", help_heading = "Picture", allow_negative_numbers = true)]
    pub(crate) count: Option<i64>,
    /// The model's name, or with --local also a folder
    #[arg(long, value_name = "NAME", help_heading = "Picture")]
    pub(crate) model: Option<String>,
    /// The scheduler's name
    #[arg(long, value_name = "NAME", help_heading = "Picture")]
    pub(crate) scheduler: Option<String>,
    /// png, jpeg or webp [default: what the file's name ends in]
    #[arg(long, value_name = "FORMAT", help_heading = "Picture")]
    pub(crate) format: Option<String>,
    /// A name and a value of your own; repeatable
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Picture", value_parser = parse_label)]
    pub(crate) label: Vec<(String, String)>,
    /// A file, a folder, or `-` for stdout [default: a name made of prompt and seed, in this folder]
    #[arg(short, long, value_name = "FILE|DIR", help_heading = "Result", value_hint = ValueHint::AnyPath)]
    pub(crate) output: Option<PathBuf>,
    /// Keep the pictures in the library too
    #[arg(long, help_heading = "Result")]
    pub(crate) save: bool,
    /// Print the job as JSON instead of the files' paths
    #[arg(long, help_heading = "Result")]
    pub(crate) json: bool,
    /// Don't show the pictures in the terminal
    #[arg(long, help_heading = "Result")]
    pub(crate) no_show: bool,
    /// Draw in this process, even if a server runs
    #[arg(long, help_heading = "Server")]
    pub(crate) local: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

fn parse_label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must be NAME=VALUE".to_owned()),
    }
}

/// How much of a list.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PageArgs {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Everything there is
    #[arg(long, conflicts_with = "limit")]
    pub(crate) all: bool,
    /// Print a JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

/// `tintype show`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tintype show 019b2c5e-6f3a-7c11-9d53-0c8a4e1f2b77
  tintype show 019b2c5e-6f3a-7c11-9d53-0c8a4e1f2b77 --json | jq .request")]
pub(crate) struct Show {
    /// The id of an image in the library, or of a job
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Don't show the picture in the terminal
    #[arg(long)]
    pub(crate) no_show: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `tintype inspect`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It reads the parameters that Tintype, AUTOMATIC1111 (and what is like it), ComfyUI and InvokeAI write, XMP, and whether
there are Content Credentials. What a file says is not proven: anybody can write it.

Examples:
  tintype inspect heart.png
  tintype inspect *.png --json | jq '.[].made_with.prompt'
  tintype inspect heart.png --trust root.pem")]
pub(crate) struct Inspect {
    /// PNG, JPEG or WebP files
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// Trust the certificates in this file (PEM) to vouch for who signed a picture; by default none is
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) trust: Option<PathBuf>,
    /// Print a JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

/// `tintype jobs`
#[derive(Debug, clap::Args)]
pub(crate) struct Jobs {
    /// Only jobs of this status: queued, running, succeeded, failed, canceled or expired
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,
    #[command(flatten)]
    pub(crate) page: PageArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `tintype cancel`, `tintype retry`
#[derive(Debug, clap::Args)]
pub(crate) struct JobArgs {
    /// The job's id
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// Print the job as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `tintype models`
#[derive(Debug, clap::Args)]
pub(crate) struct Models {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `tintype config`
#[derive(Debug, clap::Args)]
pub(crate) struct Config {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) settings: Flags,
}

/// `tintype key`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The key is shown once, on stderr; only its hash goes into the configuration, on stdout.

Example:
  tintype key alice >> tintype.toml")]
pub(crate) struct Key {
    /// Whose key it is: jobs and images belong to this name
    #[arg(value_name = "OWNER")]
    pub(crate) owner: String,
    /// Let it read the server's metrics too
    #[arg(long)]
    pub(crate) operate: bool,
}

/// `tintype keys`
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  tintype keys add laptop --owner alice --table tintype-connections
  tintype keys add ci --owner alice --expires 90d --table tintype-connections
  tintype keys list --table tintype-connections
  tintype keys remove laptop --table tintype-connections")]
pub(crate) enum Keys {
    /// Make a key; it is printed once, to stdout
    Add(AddKey),
    /// List the keys, by name
    #[command(visible_alias = "ls")]
    List(TableArgs),
    /// Remove a key
    #[command(visible_alias = "rm")]
    Remove(RemoveKey),
}

/// Which deployment.
#[derive(Debug, clap::Args)]
pub(crate) struct TableArgs {
    /// The stack's table of connections, as its outputs name it
    #[arg(long, env = "TINTYPE_KEYS_TABLE", value_name = "TABLE")]
    pub(crate) table: String,
}

/// `tintype keys add`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The key is printed once, to stdout; the table holds only its hash.

Examples:
  tintype keys add laptop --owner alice --table tintype-connections
  tintype keys add ci --owner alice --expires 90d > key.txt")]
pub(crate) struct AddKey {
    /// What you call it
    #[arg(value_name = "NAME")]
    pub(crate) name: KeyName,
    /// Whose key it is: jobs and images belong to this name
    #[arg(long, value_name = "OWNER")]
    pub(crate) owner: OwnerId,
    /// For how long it lets anyone in, as in 90d, 12h or 30m; until it is removed if not given
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) expires: Option<Duration>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

/// A stretch of time: a number and its unit.
fn parse_time(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a number of days, hours or minutes, as in 90d, 12h or 30m".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        _ => return Err(wrong()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    if number == 0 { Err(wrong()) } else { Ok(Duration::from_secs(u64::from(number) * seconds)) }
}

/// `tintype keys remove`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tintype keys remove laptop --table tintype-connections
  tintype keys remove HASH --table tintype-connections      where several have the name")]
pub(crate) struct RemoveKey {
    /// Its name, or its hash where several have the name
    #[arg(value_name = "NAME|HASH")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

/// `tintype completions`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  tintype completions bash > ~/.local/share/bash-completion/completions/tintype")]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

/// `tintype version`
#[derive(Debug, clap::Args)]
pub(crate) struct Version {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

impl Args {
    /// The command line's definition.
    pub(crate) fn definition() -> ClapCommand {
        // The root takes the settings, for `tintype --listen ...`, but shows them under `serve` only.
        let root = Self::command();
        let hidden = SETTINGS.iter().filter(|setting| setting.flag.is_some());
        let root = hidden.fold(root, |root, setting| root.mut_arg(setting.key, |arg| arg.hide(true)));
        root.after_help(format!("{EXAMPLES}\n\n{}", exit_codes()))
    }

    /// Reads the command line; ends the process on `--help`, `--version` and mistakes.
    pub(crate) fn read() -> Self {
        let matches = Self::definition().get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

fn exit_codes() -> String {
    let mut text = "Exit codes:\n    0  done".to_owned();
    for exit in Exit::ALL {
        text.push_str(&format!("\n  {:>3}  {}", exit as u8, exit.meaning()));
    }
    text
}

/// A number that JSON can hold: it has no NaN and no infinity.
fn finite(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "is not a number".to_owned())?;
    if number.is_finite() { Ok(number) } else { Err("must be a finite number".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_its_unit() {
        for (text, seconds) in [("90d", 7_776_000), ("12h", 43_200), ("30m", 1_800)] {
            assert_eq!(parse_time(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "d", "0d", "-1d", "1.5h", "90", "1 d", "3ü"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_definition_holds_together() {
        Args::definition().debug_assert();
    }

    #[test]
    fn serve_needs_no_word() {
        let matches = Args::definition().try_get_matches_from(["tintype", "--listen", "8080"]).unwrap();
        let args = Args::from_arg_matches(&matches).unwrap();
        assert!(args.verb.is_none());
        assert_eq!(args.settings.0["listen"], ["8080"]);
    }

    #[test]
    fn a_repeated_flag_adds_to_a_list() {
        let line = ["tintype", "--model", "a", "--model", "b"];
        let matches = Args::definition().try_get_matches_from(line).unwrap();
        assert_eq!(Args::from_arg_matches(&matches).unwrap().settings.0["model"], ["a", "b"]);
    }

    #[test]
    fn the_help_of_trash_says_how_long_it_keeps() {
        let days = tintype_core::domain::limits::TRASH_RETENTION.as_secs() / (24 * 3_600);
        let mut definition = Args::definition();
        let help = definition.find_subcommand_mut("trash").unwrap().render_help().to_string();
        assert!(help.contains(&format!("erased after {days} days")), "{help}");
    }

    #[test]
    fn the_help_of_list_says_how_many_the_best_are_chosen_from() {
        let newest = tintype_core::domain::limits::RANKED_MAX;
        let mut definition = Args::definition();
        let help = definition.find_subcommand_mut("list").unwrap().render_help().to_string();
        assert!(help.contains(&format!("best ranks the newest {newest} that match")), "{help}");
    }

    #[test]
    fn every_exit_code_is_in_the_help() {
        let help = Args::definition().render_help().to_string();
        assert!(help.contains("130  stopped with Ctrl-C"), "{help}");
    }
}
