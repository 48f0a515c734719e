//! `tintype models`: what each model can do, as it says of itself.

use crate::args::Models;
use crate::failure::{Failure, Outcome};
use crate::library::client;
use crate::terminal::{Style, Terminal, printable};
use serde_json::Value;

/// How many of a model's concepts are shown.
const CONCEPTS_SHOWN: usize = 24;

/// Lists the models.
///
/// # Errors
/// If the server does not answer.
pub(crate) fn list(args: &Models, terminal: &Terminal) -> Outcome {
    let answer = client(&args.server)?.get("/models")?;
    if args.json {
        return terminal.json(&answer);
    }
    let models =
        answer["items"].as_array().or_else(|| answer["models"].as_array()).or_else(|| answer.as_array());
    let models = models.ok_or_else(|| Failure::failed("the server's answer holds no list of models"))?;
    models.iter().try_for_each(|model| show(model, answer["default"].as_str(), terminal))
}

fn show(model: &Value, default: Option<&str>, terminal: &Terminal) -> Outcome {
    let name = text(&model["name"]);
    let mark = if default == Some(&name) { " (default)" } else { "" };
    terminal.data(&format!("{}{mark}", terminal.paint_out(Style::Bold, &name)))?;
    terminal.data(&format!("  {}", terminal.wrap_out(&text(&model["description"]), 2)))?;
    for field in ["width", "height", "steps", "guidance_scale", "count"] {
        line(terminal, field, &range(&model[field]))?;
    }
    for field in ["schedulers", "output_formats"] {
        line(terminal, field, &names(&model[field], usize::MAX))?;
    }
    line(terminal, "knows", &names(&model["vocabulary"]["concepts"], CONCEPTS_SHOWN))?;
    line(terminal, "license", &text(&model["license"]))
}

fn line(terminal: &Terminal, name: &str, value: &str) -> Outcome {
    if value.is_empty() {
        return Ok(());
    }
    let name = format!("{:<15}", name.replace('_', " "));
    let value = terminal.wrap_out(value, 2 + name.len() + 1);
    terminal.data(&format!("  {} {value}", terminal.paint_out(Style::Dim, &name)))
}

fn text(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default())
}

fn range(value: &Value) -> String {
    let (min, max) = (&value["min"], &value["max"]);
    if min.is_null() {
        return String::new();
    }
    if min == max {
        return min.to_string();
    }
    let step = match value["step"].as_u64() {
        Some(step) if step > 1 => format!(" in steps of {step}"),
        _ => String::new(),
    };
    format!("{min} to {max}{step} (default {})", value["default"])
}

fn names(value: &Value, shown: usize) -> String {
    let Some(names) = value.as_array() else { return String::new() };
    let mut list = names.iter().take(shown).map(text).collect::<Vec<_>>().join(", ");
    if names.len() > shown {
        list.push_str(&format!(" and {} more (--json has all)", names.len() - shown));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_range_says_what_is_allowed_and_what_is_taken_otherwise() {
        let width = json!({ "min": 64, "max": 256, "step": 64, "default": 128 });
        assert_eq!(range(&width), "64 to 256 in steps of 64 (default 128)");
        assert_eq!(range(&json!({ "min": 64, "max": 64, "step": 1, "default": 64 })), "64");
    }
}
