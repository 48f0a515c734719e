//! `tintype version`: this command's, and the server's where one answers.

use crate::args::Version;
use crate::failure::{Exit, Outcome};
use crate::library::client;
use crate::terminal::{Style, Terminal};
use serde_json::json;

/// Shows the versions.
///
/// # Errors
/// If a server was named and does not answer.
pub(crate) fn show(args: &Version, terminal: &Terminal) -> Outcome {
    let client = client(&args.server)?;
    let server = match client.get("/version") {
        Ok(answer) => Some(answer),
        Err(failure) if failure.exit == Exit::NoServer && !client.named => None,
        Err(failure) => return Err(failure),
    };
    let own = env!("CARGO_PKG_VERSION");
    if args.json {
        return terminal.json(&json!({ "version": own, "server": server }));
    }
    terminal.data(&format!("tintype {own}"))?;
    match server {
        Some(answer) => {
            let version = answer["version"].as_str().unwrap_or("of an unknown version");
            terminal.data(&format!("server {version} at {}", client.base()))
        }
        None => {
            terminal.note(&terminal.paint(Style::Dim, &format!("no server answers at {}", client.base())));
            Ok(())
        }
    }
}
