//! The one place that prints: data to stdout, everything else to stderr, colour only where a person looks.

use crate::failure::{Exit, Failure, Outcome};
use crate::settings::Env;
use std::io::{self, ErrorKind, IsTerminal, Write};

/// The terminal the command runs in.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    /// Whether stdout is a screen and not a pipe or file.
    pub(crate) stdout_is_screen: bool,
    /// Whether stderr is a screen and not a pipe or file.
    pub(crate) stderr_is_screen: bool,
    /// How this terminal shows pictures.
    pub(crate) pictures: Option<Pictures>,
    color: bool,
}

/// A way to show a picture in a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pictures {
    /// kitty's graphics protocol.
    Kitty,
    /// iTerm2's inline images.
    Iterm2,
    /// DEC's sixels.
    Sixel,
    /// Two pixels per character, in 24-bit colour.
    HalfBlocks,
}

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// As it is.
    Plain,
    /// What matters most on its line.
    Bold,
    /// What matters least.
    Dim,
    /// What is live: the darkroom's safelight.
    Amber,
    /// What went wrong.
    Red,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\u{1b}[1m",
            Self::Dim => "\u{1b}[2m",
            Self::Amber => "\u{1b}[33m",
            Self::Red => "\u{1b}[1;31m",
        }
    }
}

const RESET: &str = "\u{1b}[0m";

impl Terminal {
    /// Looks at stdout, stderr and the environment.
    pub(crate) fn detect(env: Env<'_>) -> Self {
        let stderr_is_screen = io::stderr().is_terminal();
        let plain =
            env("NO_COLOR").is_some_and(|value| !value.is_empty()) || env("TERM").as_deref() == Some("dumb");
        Self {
            stdout_is_screen: io::stdout().is_terminal(),
            stderr_is_screen,
            pictures: if stderr_is_screen && !plain { Pictures::detect(env) } else { None },
            color: !plain,
        }
    }

    /// Whether somebody is there to answer a question.
    pub(crate) fn can_ask(&self) -> bool {
        self.stderr_is_screen && io::stdin().is_terminal()
    }

    /// Asks; only yes is a yes.
    pub(crate) fn confirms(&self, question: &str) -> bool {
        self.raw(&format!("{} [y/N] ", printable(question)));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")
    }

    /// Characters across.
    pub(crate) fn width(&self) -> usize {
        let screen = terminal_size::terminal_size_of(io::stderr()).or_else(terminal_size::terminal_size);
        screen.map_or(80, |(terminal_size::Width(columns), _)| usize::from(columns)).max(20)
    }

    /// Whether colour may go to stderr.
    pub(crate) fn stderr_color(&self) -> bool {
        self.color && self.stderr_is_screen
    }

    /// `text` broken to the screen's width below column `indent`; into a pipe it is one line.
    pub(crate) fn wrap_out(&self, text: &str, indent: usize) -> String {
        if self.stdout_is_screen { wrap(text, self.width(), indent) } else { text.to_owned() }
    }

    /// `text` in `style`, for stderr.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        paint(self.stderr_color(), style, text)
    }

    /// `text` in `style`, for stdout.
    pub(crate) fn paint_out(&self, style: Style, text: &str) -> String {
        paint(self.color && self.stdout_is_screen, style, text)
    }

    /// One line of data.
    ///
    /// # Errors
    /// If stdout can't be written. Nobody reading any more is no error: the process ends.
    pub(crate) fn data(&self, line: &str) -> Outcome {
        self.bytes(format!("{line}\n").as_bytes())
    }

    /// Bytes of data.
    ///
    /// # Errors
    /// As [`data`](Self::data).
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Outcome {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            // `tintype list | head` has what it wanted.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => Err(Failure::failed(format!("can't write to stdout: {error}"))),
        }
    }

    /// `value` as indented JSON, as data.
    ///
    /// # Errors
    /// As [`data`](Self::data).
    pub(crate) fn json(&self, value: &serde_json::Value) -> Outcome {
        self.data(&format!("{value:#}"))
    }

    /// One line for a person.
    pub(crate) fn note(&self, line: &str) {
        self.raw(&format!("{line}\n"));
    }

    /// A warning, for a person.
    pub(crate) fn warn(&self, text: &str) {
        self.note(&format!("{} {}", self.paint(Style::Amber, "warning:"), printable(text)));
    }

    /// Text for a person, as it is.
    pub(crate) fn raw(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        // There is nowhere left to complain to.
        drop(stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()));
    }

    /// What went wrong and what to do next.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.stderr_is_screen {
            // A line of progress may have been left behind.
            self.raw("\r\u{1b}[K");
        }
        if failure.exit != Exit::Interrupted {
            self.note(&format!("{} {}", self.paint(Style::Red, "error:"), printable(&failure.message)));
        }
        for hint in &failure.hints {
            self.note(&format!("  {}", printable(hint)));
        }
    }
}

fn paint(color: bool, style: Style, text: &str) -> String {
    if color && style != Style::Plain { format!("{}{text}{RESET}", style.code()) } else { text.to_owned() }
}

/// `text` in lines of at most `across` characters, broken between words; all but the first begin with `indent` spaces.
fn wrap(text: &str, across: usize, indent: usize) -> String {
    let mut wrapped = String::new();
    let mut column = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > across {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > indent {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
    wrapped
}

/// `text` without what would steer the terminal: prompts and answers come from elsewhere.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

impl Pictures {
    /// What the environment promises. Inside tmux and screen only half blocks are sure to arrive.
    fn detect(env: Env<'_>) -> Option<Self> {
        let has = |name: &str| env(name).is_some_and(|value| !value.is_empty());
        let is =
            |name: &str, values: &[&str]| env(name).is_some_and(|value| values.contains(&value.as_str()));
        if !(has("TMUX") || has("STY")) {
            if has("KITTY_WINDOW_ID")
                || is("TERM", &["xterm-kitty", "xterm-ghostty"])
                || is("TERM_PROGRAM", &["ghostty"])
            {
                return Some(Self::Kitty);
            }
            if is("TERM_PROGRAM", &["iTerm.app", "WezTerm", "vscode", "mintty"])
                || is("LC_TERMINAL", &["iTerm2"])
            {
                return Some(Self::Iterm2);
            }
            if is("TERM", &["foot", "foot-extra", "mlterm", "xterm-sixel", "yaft-256color"]) {
                return Some(Self::Sixel);
            }
        }
        is("COLORTERM", &["truecolor", "24bit"]).then_some(Self::HalfBlocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(vars: &[(&str, &str)]) -> Option<Pictures> {
        Pictures::detect(&|name| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_terminal_shows_pictures_the_best_way_it_can() {
        assert_eq!(detect(&[("TERM", "xterm-kitty")]), Some(Pictures::Kitty));
        assert_eq!(detect(&[("TERM_PROGRAM", "iTerm.app")]), Some(Pictures::Iterm2));
        assert_eq!(detect(&[("TERM", "foot")]), Some(Pictures::Sixel));
        assert_eq!(detect(&[("COLORTERM", "truecolor")]), Some(Pictures::HalfBlocks));
        assert_eq!(detect(&[("TERM", "vt100")]), None);
    }

    #[test]
    fn inside_tmux_only_characters_are_sure_to_arrive() {
        let inside = [("TMUX", "x"), ("KITTY_WINDOW_ID", "1"), ("COLORTERM", "truecolor")];
        assert_eq!(detect(&inside), Some(Pictures::HalfBlocks));
    }

    #[test]
    fn a_long_text_is_broken_between_words_below_its_own_beginning() {
        assert_eq!(wrap("one two three", 11, 2), "one two\n  three");
        assert_eq!(wrap("a-word-that-is-too-long b", 5, 0), "a-word-that-is-too-long\nb");
    }

    #[test]
    fn what_comes_from_elsewhere_can_t_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a [2Jb");
    }
}
