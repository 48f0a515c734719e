//! The configuration file: TOML, flattened to the keys of the settings' table.

use super::AccessKey;
use super::table::{self, Arity, CONFIG, SETTINGS};
use crate::failure::{Failure, Outcome, nearest};
use std::{collections::BTreeMap, ops::Range, path::Path};
use toml::{Table, Value, de::DeTable};

/// The values of a configuration file, by key.
pub(crate) type FileValues = BTreeMap<&'static str, Vec<String>>;

/// Reads `path`.
///
/// # Errors
/// If it can't be read, is not TOML, or holds a key or a sort of value that is not known.
pub(crate) fn read(path: &Path) -> Outcome<FileValues> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("can't read the configuration file {}: {error}", path.display()))
    })?;
    parse(&text).map_err(|message| Failure::usage(format!("{}: {message}", path.display())))
}

/// The values of a configuration file's text.
pub(crate) fn parse(text: &str) -> Result<FileValues, String> {
    let table: Table =
        text.parse().map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())?;
    let mut values = BTreeMap::new();
    for (name, value) in &table {
        if let Value::Table(section) = value {
            for (key, value) in section {
                values.extend([entry(&format!("{name}.{key}"), value)?]);
            }
        } else {
            values.extend([entry(name, value)?]);
        }
    }
    Ok(values)
}

fn entry(key: &str, value: &Value) -> Result<(&'static str, Vec<String>), String> {
    let setting = table::find(key).filter(|setting| setting.key != CONFIG).ok_or_else(|| unknown(key))?;
    let values = match (value, setting.arity) {
        (Value::Array(items), Arity::Many) => {
            items.iter().map(|item| text_of(key, item)).collect::<Result<_, _>>()?
        }
        _ => vec![text_of(key, value)?],
    };
    Ok((setting.key, values))
}

fn unknown(key: &str) -> String {
    let keys = SETTINGS.iter().map(|setting| setting.key).filter(|key| *key != CONFIG);
    match nearest(key, keys) {
        Some(near) => format!("unknown key `{key}`; did you mean `{near}`?"),
        None => format!("unknown key `{key}`; `tintype config` lists every key"),
    }
}

fn text_of(key: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Table(table) if key == "keys" => access_key(table),
        Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
            Err(format!("`{key}` must be a text, not {}", value.type_str()))
        }
    }
}

/// A `[[keys]]` section, as the flag would have it.
fn access_key(table: &Table) -> Result<String, String> {
    if let Some(name) = table.keys().find(|name| !matches!(name.as_str(), "owner" | "sha256" | "scopes")) {
        return Err(format!("unknown key `{name}` in [[keys]]; `owner`, `sha256` and `scopes` are known"));
    }
    let scopes: Option<Vec<&str>> = match table.get("scopes") {
        None => Some(Vec::new()),
        Some(Value::Array(names)) => names.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    let scopes = scopes.ok_or("`scopes` in [[keys]] must be a list of texts, as in [\"operate\"]")?;
    let field = |name: &str| {
        table.get(name).and_then(Value::as_str).ok_or_else(|| format!("[[keys]] needs `{name}`, a text"))
    };
    let holder = [&[field("owner")?], &scopes[..]].concat().join("+");
    Ok(format!("{holder}={}", field("sha256")?))
}

/// What is wrong with a configuration file. It never repeats a part of the file: that may be a key, by mistake.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The line, from 1, where it is known.
    pub(crate) line: Option<usize>,
    /// What is wrong there.
    pub(crate) message: String,
}

/// The keys in a configuration file's text, all of which must be well formed.
///
/// # Errors
/// The first thing that is wrong with the file.
pub(crate) fn keys(text: &str) -> Result<Vec<AccessKey>, Wrong> {
    let line_of = |span: Range<usize>| text[..span.start.min(text.len())].matches('\n').count() + 1;
    let not_toml = |error: toml::de::Error| Wrong {
        line: error.span().map(line_of),
        message: format!("it is not TOML: {}", error.message()),
    };
    let document = DeTable::parse(text).map_err(not_toml)?;
    let table: Table = text.parse().map_err(not_toml)?;
    let places = document.get_ref().iter().find(|(name, _)| name.get_ref() == "keys").map(|(_, keys)| keys);
    let line = |index: usize| {
        let keys = places?;
        let item = match keys.get_ref().as_array() {
            Some(items) => items.get(index)?,
            None => keys,
        };
        Some(line_of(item.span()))
    };
    let items = match table.get("keys") {
        Some(Value::Array(items)) => items.as_slice(),
        Some(item) => std::slice::from_ref(item),
        None => &[],
    };
    let read = |(index, item)| {
        let key = text_of("keys", item).and_then(|text| AccessKey::parse(&text));
        key.map_err(|rule| Wrong { line: line(index), message: format!("`keys` {rule}") })
    };
    let keys = items.iter().enumerate().map(read).collect::<Result<_, _>>()?;
    parse(text).map_err(|message| Wrong { line: None, message })?;
    Ok(keys)
}
