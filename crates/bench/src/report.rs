//! The table that a run prints.

/// What was measured, row by row.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    measured: String,
    floor: String,
    ratio: Option<f64>,
    target: Option<Target>,
}

/// What a ratio is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

impl Target {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(bound) => ratio >= bound,
            Self::AtMost(bound) => ratio <= bound,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, ">= {bound}"),
            Self::AtMost(bound) => write!(f, "<= {bound}"),
        }
    }
}

impl Report {
    /// Adds a row whose ratio is held against a target.
    pub(crate) fn ratio(&mut self, what: &str, measured: String, floor: String, ratio: f64, target: Target) {
        self.rows.push(Row {
            what: what.to_owned(),
            measured,
            floor,
            ratio: Some(ratio),
            target: Some(target),
        });
    }

    /// Adds a row that only tells.
    pub(crate) fn note(&mut self, what: &str, measured: String) {
        self.rows.push(Row {
            what: what.to_owned(),
            measured,
            floor: String::new(),
            ratio: None,
            target: None,
        });
    }

    /// Prints the table as Markdown.
    #[expect(clippy::print_stdout, reason = "the table is what the command is for")]
    pub(crate) fn print(&self) {
        println!("| what | measured | held against | ratio | target | |");
        println!("|---|---|---|---|---|---|");
        for row in &self.rows {
            let ratio = row.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
            let target = row.target.map(|target| target.to_string()).unwrap_or_default();
            let met = match (row.ratio, row.target) {
                (Some(ratio), Some(target)) if target.is_met(ratio) => "met",
                (Some(_), Some(_)) => "MISSED",
                _ => "",
            };
            println!("| {} | {} | {} | {ratio} | {target} | {met} |", row.what, row.measured, row.floor);
        }
    }
}

/// The middle of some numbers; 0 for none.
pub(crate) fn median(numbers: &[f64]) -> f64 {
    percentile(numbers, 0.5)
}

/// The number that `share` of the numbers do not exceed; 0 for none.
pub(crate) fn percentile(numbers: &[f64], share: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let index = (last as f64 * share).round() as usize;
    sorted.get(index).copied().unwrap_or(0.0)
}
