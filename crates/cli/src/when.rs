//! Moments as a person says them.

use crate::terminal::Terminal;
use tintype_core::domain::Timestamp;

/// How long ago `moment` was, on a screen; into a pipe the moment itself.
pub(crate) fn ago(moment: Timestamp, terminal: &Terminal, now: Timestamp) -> String {
    if terminal.stdout_is_screen { in_words(now.since(moment).as_secs()) } else { moment.to_string() }
}

fn in_words(seconds: u64) -> String {
    match seconds {
        0..60 => "just now".to_owned(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..172_800 => "yesterday".to_owned(),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_said_in_its_largest_unit() {
        assert_eq!(in_words(59), "just now");
        assert_eq!(in_words(7_300), "2 h ago");
        assert_eq!(in_words(3 * 86_400), "3 days ago");
    }
}
