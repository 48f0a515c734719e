//! `tintype key`: makes a key and its line for the configuration file.

use crate::failure::{Failure, Outcome};
use crate::system;
use crate::terminal::{Style, Terminal};
use tintype_core::domain::{OwnerId, Scope, Secret};

/// Makes a key for `owner`, with the scope `operate` if it may `operate`: the key to stderr, once; its hash to stdout, for the
/// configuration file.
///
/// # Errors
/// If the name can't be an owner's.
pub(crate) fn make(owner: &str, operate: bool, terminal: &Terminal) -> Outcome {
    let owner: OwnerId = owner.parse().map_err(|_| {
        Failure::usage(format!(
            "{owner:?} can't be an owner; 1 to 128 of A-Z a-z 0-9 . _ : @ | - are allowed"
        ))
    })?;
    let key = Secret::of_key(&system::entropy());
    terminal.note(&format!("The key of {owner}, shown this once:"));
    terminal.note(&format!("\n  {}\n", terminal.paint(Style::Bold, key.as_str())));
    terminal
        .note("It goes into TINTYPE_KEY, or the gallery's settings. The server's configuration file gets:\n");
    let scopes = if operate { format!("\nscopes = [\"{}\"]", Scope::Operate.name()) } else { String::new() };
    terminal.data(&format!("[[keys]]\nowner = \"{owner}\"\nsha256 = \"{}\"{scopes}", key.hash()))
}
