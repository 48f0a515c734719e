//! `tintype config`: the effective settings and where each comes from.

use crate::failure::Outcome;
use crate::settings::{Env, Flags, Resolved, Settings, table as settings_table};
use crate::table;
use crate::terminal::Terminal;
use serde_json::{Map, Value, json};

/// Shows the settings. They are shown even where one is wrong; then that is the failure.
///
/// # Errors
/// If the configuration file can't be read, or a setting is wrong.
pub(crate) fn show(flags: &Flags, as_json: bool, terminal: &Terminal, env: Env<'_>) -> Outcome {
    let resolved = Resolved::gather(flags, env)?;
    if as_json {
        terminal.json(&to_json(&resolved))?;
    } else {
        let rows: Vec<_> = resolved
            .iter()
            .map(|(key, values, origin)| {
                let variable = settings_table::find(key).map_or("", |setting| setting.env);
                [key.to_owned(), shown(key, values).join(", "), origin.to_string(), variable.to_owned()]
            })
            .collect();
        table::print(terminal, ["KEY", "VALUE", "FROM", "VARIABLE"], &rows, 1)?;
    }
    Settings::parse(&resolved)?.check_exposure()
}

fn to_json(resolved: &Resolved) -> Value {
    let entries = resolved.iter().map(|(key, values, origin)| {
        (key.to_owned(), json!({ "values": shown(key, values), "from": origin.to_string() }))
    });
    Value::Object(entries.collect::<Map<_, _>>())
}

/// A setting's values as they may be seen: of a key only whose it is.
fn shown(key: &str, values: &[String]) -> Vec<String> {
    let hidden = |value: &String| match value.rsplit_once('=') {
        Some((owner, _)) => format!("{owner}=\u{2026}"),
        None => "\u{2026}".to_owned(),
    };
    if key == "keys" { values.iter().map(hidden).collect() } else { values.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_key_only_the_owner_is_shown() {
        assert_eq!(
            shown("keys", &["alice=abc".to_owned(), "oops".to_owned()]),
            ["alice=\u{2026}", "\u{2026}"]
        );
    }
}
