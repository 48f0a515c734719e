//! The settings as flags of a command.

use super::table::{Arity, Default, SETTINGS, Setting};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::collections::BTreeMap;

/// The settings that were given as flags, by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags(pub(crate) BTreeMap<&'static str, Vec<String>>);

impl Flags {
    /// With `values` for `key`, as if given as a flag.
    #[must_use]
    pub(crate) fn with(mut self, key: &'static str, values: Vec<String>) -> Self {
        self.0.insert(key, values);
        self
    }
}

fn argument(setting: &'static Setting, flag: &'static str) -> Arg {
    let action = match setting.arity {
        Arity::One => ArgAction::Set,
        Arity::Many => ArgAction::Append,
    };
    Arg::new(setting.key)
        .long(flag)
        .value_name(setting.value)
        .help(help(setting))
        .help_heading("Settings")
        .action(action)
}

fn help(setting: &Setting) -> String {
    let mut help = format!("{} [env: {}]", setting.help, setting.env);
    match setting.default {
        Default::Text(text) => help.push_str(&format!(" [default: {text}]")),
        Default::Number(number) => help.push_str(&format!(" [default: {number}]")),
        Default::DataFolder => help.push_str(" [default: the platform's folder for data]"),
        Default::Workers => help.push_str(" [default: one per processor]"),
        Default::Nothing => {}
    }
    if !setting.names.is_empty() {
        help.push_str(&format!(" [possible values: {}]", setting.names.join(", ")));
    }
    help
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        SETTINGS
            .iter()
            .filter_map(|setting| Some(argument(setting, setting.flag?)))
            .fold(command, Command::arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = SETTINGS.iter().filter(|setting| setting.flag.is_some()).filter_map(|setting| {
            let values = matches.get_many::<String>(setting.key)?;
            Some((setting.key, values.cloned().collect()))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
