//! The command line of what keeps pictures and finds them: the library, its exports and backups.

use super::{PageArgs, ServerArgs};
use clap::ValueHint;
use std::path::PathBuf;
use tintype_core::domain::OwnerId;

/// Which images of the library.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct FilterArgs {
    /// Words of title, prompt, note or tags, all of them; in double quotes side by side, with a star as a start
    #[arg(value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// With this tag; give it again for more
    #[arg(long, value_name = "TAG", help_heading = "Filter")]
    pub(crate) tag: Vec<String>,
    /// In this collection, by name or id; give it again for more
    #[arg(long, value_name = "NAME", help_heading = "Filter")]
    pub(crate) collection: Vec<String>,
    /// That came from this image
    #[arg(long, value_name = "IMAGE", help_heading = "Filter")]
    pub(crate) parent: Option<String>,
    /// That came from another image; with `=false`, that did not
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        help_heading = "Filter"
    )]
    pub(crate) has_parent: Option<bool>,
    /// Favourites only
    #[arg(long, help_heading = "Filter")]
    pub(crate) favorite: bool,
    /// With this rating or a better one
    #[arg(long, value_name = "1-5", help_heading = "Filter")]
    pub(crate) rating: Option<u8>,
    /// Made by this model
    #[arg(long, value_name = "NAME", help_heading = "Filter")]
    pub(crate) model: Option<String>,
    /// Drawn from this seed
    #[arg(long, value_name = "N", help_heading = "Filter")]
    pub(crate) seed: Option<u32>,
    /// Saved on this day or later (2026-11-24, or RFC 3339)
    #[arg(long, value_name = "TIME", help_heading = "Filter")]
    pub(crate) from: Option<String>,
    /// Saved before this day (2026-11-24, or RFC 3339)
    #[arg(long, value_name = "TIME", help_heading = "Filter")]
    pub(crate) to: Option<String>,
    /// What is in the trash
    #[arg(long)]
    pub(crate) trash: bool,
}

/// `tintype list`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
On a screen it is a table; into a pipe go tab-separated lines, nothing cut off.

Examples:
  tintype list
  tintype list red heart --favorite
  tintype list '\"over the sea\"' 'hea*' --tag summer --rating 4
  tintype list --collection hearts --has-parent
  tintype list --meaning \"something to eat\"
  tintype list --all | cut -f 1
  tintype list --trash")]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Those whose prompts mean something like this, in English, the nearest first
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["FilterArgs", "sort", "all"])]
    pub(crate) meaning: Option<String>,
    /// The order; best ranks the newest 200 that match
    #[arg(long, value_name = "ORDER", value_parser = ["newest", "oldest", "best"])]
    pub(crate) sort: Option<String>,
    #[command(flatten)]
    pub(crate) page: PageArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `tintype save`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tintype save 019b2c5e-6f3a-7c11-9d53-0c8a4e1f2b77
  tintype save 019b2c5e-6f3a-7c11-9d53-0c8a4e1f2b77 2 --title \"the best one\"
  tintype save holiday.jpg --tag beach --tag 2026")]
pub(crate) struct Save {
    /// A job's id, or a PNG, JPEG or WebP file
    #[arg(value_name = "JOB|FILE", value_hint = ValueHint::FilePath)]
    pub(crate) what: String,
    /// Which of the job's images, from 0 [default: 0]
    #[arg(value_name = "INDEX")]
    pub(crate) index: Option<u32>,
    /// A name for it; of one that is there already it takes the place of its own
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// A tag; repeatable. All of them take the place of the tags of one that is there already
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// What a file was drawn from
    #[arg(long)]
    pub(crate) prompt: Option<String>,
    /// Print the image as JSON instead of its id
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `tintype trash`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What is in the trash is shown by `tintype list --trash`, and erased after 30 days.

Examples:
  tintype trash 019b2c5e-6f3a-7c11-9d53-0c8a4e1f2b77
  tintype trash 019b2c5e-6f3a-7c11-9d53-0c8a4e1f2b77 --permanent
  tintype list --trash --all | cut -f 1 | xargs -n 1 tintype trash --permanent --yes")]
pub(crate) struct Trash {
    /// The image's id
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// Erase it, in the trash or not; there is no way back
    #[arg(long)]
    pub(crate) permanent: bool,
    /// Erase without asking; needed where nobody can be asked
    #[arg(long, short, requires = "permanent")]
    pub(crate) yes: bool,
    /// Print the image as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `tintype restore`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tintype restore 019b2c5e-6f3a-7c11-9d53-0c8a4e1f2b77
  tintype list --trash                                   what can be restored")]
pub(crate) struct Restore {
    /// The image's id
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// Print the image as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `tintype collections`
#[derive(Debug, clap::Args)]
pub(crate) struct Collections {
    /// Print a JSON array
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `tintype export`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each picture is written byte for byte, with a JSON file beside it. What is there and whole is not fetched again, so a
second run goes on where the first was stopped. Nothing is ever removed from the folder or zip.

Examples:
  tintype export pictures/
  tintype export pictures.zip
  tintype export best/ --favorite --rating 4
  tintype export sea/ '\"over the sea\"' --collection holiday
  tintype export away/ --trash")]
pub(crate) struct Export {
    /// A folder, made if there is none; or a file that ends in .zip
    #[arg(value_name = "DIR|FILE.zip", value_hint = ValueHint::AnyPath)]
    pub(crate) target: PathBuf,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Print what was done as JSON instead of a line for each picture
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `tintype import`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A folder or zip that `tintype export` wrote comes back with all that was known of it. Of other pictures (PNG, JPEG, WebP) it
is read what AUTOMATIC1111 (and what is like it), ComfyUI and InvokeAI write into them. A picture that is in the library
already stays one picture, and gets what is new: doing it again changes nothing.

Examples:
  tintype import pictures.zip
  tintype import ~/stable-diffusion-webui/outputs --collection automatic1111
  tintype import ComfyUI/output invokeai/outputs --tag old --dry-run
  tintype import *.png --json | jq .failed")]
pub(crate) struct Import {
    /// Exports, folders and picture files
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
    /// A tag for all of them; repeatable
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// A collection to put all of them in, made if there is none; repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) collection: Vec<String>,
    /// Only say what would be done with each file
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print what was done as JSON instead of a line for each file
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `tintype backup`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The backup is the database as it is at one moment, and every picture it refers to. The server may go on: what it would erase
meanwhile is erased later. A second backup into the same folder copies only pictures that are new; with --check also those
that are damaged there.

Examples:
  tintype backup /mnt/disk/tintype
  tintype backup /mnt/disk/tintype --data /srv/tintype")]
pub(crate) struct Backup {
    /// The backup's folder, made if there is none
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) to: PathBuf,
    /// The data folder to copy [default: that of `tintype serve`]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: Option<PathBuf>,
    /// Read the pictures of an earlier backup too, and copy again those that are damaged
    #[arg(long)]
    pub(crate) check: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `tintype restore-backup`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every picture is checked against its hash. The data folder must be empty, or not be there. What broke off can be repeated.

Example:
  tintype restore-backup /mnt/disk/tintype --data /srv/tintype-again
  tintype serve --data /srv/tintype-again")]
pub(crate) struct RestoreBackup {
    /// The folder that `tintype backup` wrote
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) from: PathBuf,
    /// The data folder to make [default: that of `tintype serve`]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: Option<PathBuf>,
    /// Restore the others where pictures of the backup are damaged; the exit code is then 1
    #[arg(long)]
    pub(crate) without_damaged: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `tintype check`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The server may run, unless --repair is given. The database is checked page by page and row by row, and every blob is read. Blobs
are missing (a record refers to them), damaged (their bytes do not match their address) or orphans (no record refers to them, and
none says that they were released). The exit code is 1 if anything is wrong.

--repair makes a damaged database anew of what can be read, moves damaged blobs and orphans into quarantine, where they stay for 30
days, and brings missing blobs back from there.

Examples:
  tintype check
  tintype check --json | jq .orphans
  tintype check --repair --data /srv/tintype")]
pub(crate) struct Check {
    /// The data folder to check [default: that of `tintype serve`]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: Option<PathBuf>,
    /// Repair what can be repaired; the server must not run
    #[arg(long)]
    pub(crate) repair: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `tintype recover`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Stop the server first. The database is made anew of the one that is there, its daily snapshots, and the backups that are named:
rows count that match their checksum, and whose images are still there. Images that no record explains are entered into the
collection `Recovered DATE`, with prompt and seed where the file carries them. The old database's files are kept, in `replaced`.
A library that lost nothing stays as it is.

Examples:
  tintype recover
  tintype recover --from /mnt/disk/tintype-backup
  tintype recover --data /srv/tintype --owner alice")]
pub(crate) struct Recover {
    /// The data folder [default: that of `tintype serve`]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: Option<PathBuf>,
    /// A folder that `tintype backup` wrote; repeatable
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) from: Vec<PathBuf>,
    /// Whose images those are that no record explains
    #[arg(long, value_name = "OWNER", default_value_t = OwnerId::local())]
    pub(crate) owner: OwnerId,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
