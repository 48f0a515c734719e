//! What is known of one thing, a line for each: a name and a value.

use crate::failure::Outcome;
use crate::terminal::{Style, Terminal, printable};

/// Characters across that the lines' names take.
const NAME_WIDTH: usize = 10;

/// What begins a group of lines.
pub(crate) const GAP: Line = ("", Style::Plain, String::new());

/// A line: its name, how its value looks, and the value.
pub(crate) type Line = (&'static str, Style, String);

/// A line that looks like most.
pub(crate) fn plain(name: &'static str, value: impl Into<String>) -> Line {
    (name, Style::Plain, value.into())
}

/// Prints the lines that have a value.
///
/// # Errors
/// If stdout can't be written.
pub(crate) fn print(terminal: &Terminal, lines: &[Line]) -> Outcome {
    for (name, style, value) in lines.iter().filter(|line| **line == GAP || !line.2.is_empty()) {
        if name.is_empty() {
            if terminal.stdout_is_screen {
                terminal.data("")?;
            }
            continue;
        }
        let name = terminal.paint_out(Style::Dim, &format!("{name:<NAME_WIDTH$}"));
        let value = terminal.wrap_out(&printable(value), NAME_WIDTH + 1);
        terminal.data(&format!("{name} {}", terminal.paint_out(*style, &value)))?;
    }
    Ok(())
}
