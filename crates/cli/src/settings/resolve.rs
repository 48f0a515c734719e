//! Which value of a setting counts: flag before environment before file before default.

use super::table::{self, Arity, CONFIG, Default, SETTINGS};
use super::{Env, Flags, file, places};
use crate::failure::{Failure, Outcome};
use std::{collections::BTreeMap, fmt, path::PathBuf, thread};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This flag.
    Flag(&'static str),
    /// This environment variable.
    Env(&'static str),
    /// This configuration file.
    File(PathBuf),
    /// Nothing was given.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Env(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Every setting's effective text and its origin.
#[derive(Debug)]
pub(crate) struct Resolved(BTreeMap<&'static str, (Vec<String>, Origin)>);

impl Resolved {
    /// Reads the configuration file, if there is one, and picks each setting's value.
    ///
    /// # Errors
    /// If the file can't be read, or the platform names no data folder.
    pub(crate) fn gather(flags: &Flags, env: Env<'_>) -> Outcome<Self> {
        let named = flags
            .0
            .get(CONFIG)
            .and_then(|values| values.last().cloned())
            .or_else(|| given(env, "TINTYPE_CONFIG"));
        let path = match named {
            Some(path) => Some(PathBuf::from(path)),
            None => places::config_file(env).filter(|path| path.is_file()),
        };
        let file = match &path {
            Some(path) => file::read(path)?,
            None => BTreeMap::new(),
        };
        let mut resolved = BTreeMap::new();
        for setting in SETTINGS {
            let from_flag = || Some((flags.0.get(setting.key)?.clone(), Origin::Flag(setting.flag?)));
            let from_env =
                || Some((split(&given(env, setting.env)?, setting.arity), Origin::Env(setting.env)));
            let from_file = || Some((file.get(setting.key)?.clone(), Origin::File(path.clone()?)));
            let value = match from_flag().or_else(from_env).or_else(from_file) {
                Some(value) => value,
                None if setting.key == CONFIG => {
                    (path.iter().map(|path| path.display().to_string()).collect(), Origin::Default)
                }
                None => (default(setting.default, env)?, Origin::Default),
            };
            resolved.insert(setting.key, value);
        }
        Ok(Self(resolved))
    }

    /// Every setting in the table's order: key, values, origin.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &[String], &Origin)> {
        SETTINGS.iter().filter_map(|setting| {
            let (values, origin) = self.0.get(setting.key)?;
            Some((setting.key, values.as_slice(), origin))
        })
    }

    /// The values of a setting, each parsed.
    ///
    /// # Errors
    /// The first that is wrong, with where it came from.
    pub(crate) fn many<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Outcome<Vec<T>> {
        let Some((values, origin)) = self.0.get(key) else { return Ok(Vec::new()) };
        values.iter().map(|text| parse(text).map_err(|rule| wrong(key, text, origin, &rule))).collect()
    }

    /// The configuration file that a setting's values are from, if they are from one.
    pub(crate) fn file_of(&self, key: &str) -> Option<PathBuf> {
        match &self.0.get(key)?.1 {
            Origin::File(path) => Some(path.clone()),
            Origin::Flag(_) | Origin::Env(_) | Origin::Default => None,
        }
    }

    /// The one value of a setting, parsed; of several flags the last.
    ///
    /// # Errors
    /// If it is wrong or missing.
    pub(crate) fn one<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Outcome<T> {
        self.many(key, parse)?
            .pop()
            .ok_or_else(|| Failure::usage(format!("the setting `{key}` has no value")))
    }
}

fn wrong(key: &str, text: &str, origin: &Origin, rule: &str) -> Failure {
    // What was given for a key may be the key itself, by mistake: it is not shown.
    let text = if key == "keys" { String::new() } else { format!(" {text:?}") };
    Failure::usage(match origin {
        Origin::Flag(flag) => format!("--{flag}{text} {rule}"),
        Origin::Env(name) => format!("{name}{text} {rule}"),
        Origin::File(path) => format!("{}: `{key}`{text} {rule}", path.display()),
        Origin::Default => format!("the default of `{key}`,{text}, {rule}"),
    })
}

/// A variable that is set to nothing counts as not set.
fn given(env: Env<'_>, name: &str) -> Option<String> {
    env(name).filter(|text| !text.is_empty())
}

fn split(text: &str, arity: Arity) -> Vec<String> {
    match arity {
        Arity::One => vec![text.to_owned()],
        Arity::Many => {
            text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        }
    }
}

fn default(default: Default, env: Env<'_>) -> Outcome<Vec<String>> {
    Ok(match default {
        Default::Text(text) => vec![text.to_owned()],
        Default::Number(number) => vec![number.to_string()],
        Default::Nothing => Vec::new(),
        Default::Workers => {
            vec![thread::available_parallelism().map_or(1, usize::from).to_string()]
        }
        Default::DataFolder => match places::data_folder(env) {
            Some(path) => vec![path.display().to_string()],
            None => {
                let name = table::find("data").map_or("", |setting| setting.env);
                return Err(Failure::usage("this platform names no folder for data")
                    .hint(format!("name one with --data DIR or {name}")));
            }
        },
    })
}
