//! Rows for a person: columns on a screen, cut to its width; tab-separated and whole into a pipe.

use crate::failure::Outcome;
use crate::terminal::{Style, Terminal, printable};

/// Prints `rows` below `head`; the column `flexible` gives way where the screen is too narrow.
///
/// # Errors
/// If stdout can't be written.
pub(crate) fn print<const N: usize>(
    terminal: &Terminal,
    head: [&str; N],
    rows: &[[String; N]],
    flexible: usize,
) -> Outcome {
    if !terminal.stdout_is_screen {
        return rows
            .iter()
            .try_for_each(|row| terminal.data(&row.each_ref().map(|cell| one_line(cell)).join("\t")));
    }
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| one_line(cell))).collect();
    let widths = widths(&head, &rows, flexible, terminal.width());
    let head_line = line(&head.map(str::to_owned), &widths);
    terminal.data(&terminal.paint_out(Style::Dim, &head_line))?;
    rows.iter().try_for_each(|row| terminal.data(&line(row, &widths)))
}

/// `text` where a line is one thing, and a tab or a line break begins the next.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).replace(['\n', '\t'], " ")
}

fn widths<const N: usize>(
    head: &[&str; N],
    rows: &[[String; N]],
    flexible: usize,
    across: usize,
) -> [usize; N] {
    let mut widths = head.map(|title| title.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let total = widths.iter().sum::<usize>() + 2 * N.saturating_sub(1);
    let too_much = total.saturating_sub(across);
    widths[flexible] = widths[flexible].saturating_sub(too_much).max(head[flexible].len()).max(8);
    widths
}

fn line<const N: usize>(row: &[String; N], widths: &[usize; N]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, &width)| format!("{:width$}", cut(cell, width)));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}\u{2026}", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flexible_column_gives_way() {
        let rows = [["1".to_owned(), "a very long prompt that goes on".to_owned()]];
        let widths = widths(&["ID", "PROMPT"], &rows, 1, 20);
        assert_eq!(widths, [2, 16]);
        assert_eq!(line(&rows[0], &widths), "1   a very long pro\u{2026}");
    }

    #[test]
    fn a_cell_is_one_line() {
        assert_eq!(one_line("a\nb\tc\u{1b}"), "a b c ");
    }
}
