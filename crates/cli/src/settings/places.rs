//! Where this platform keeps programs' data and settings.

use super::Env;
use std::path::PathBuf;

/// The folder for this program's data; `None` where the platform does not say.
pub(crate) fn data_folder(env: Env<'_>) -> Option<PathBuf> {
    let base = if cfg!(windows) {
        folder(env, "LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder(env, "HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder(env, "XDG_DATA_HOME").or_else(|| folder(env, "HOME").map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join("tintype"))
}

/// The configuration file that is read where none is named.
pub(crate) fn config_file(env: Env<'_>) -> Option<PathBuf> {
    let base = if cfg!(windows) {
        folder(env, "APPDATA")
    } else if cfg!(target_os = "macos") {
        folder(env, "HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder(env, "XDG_CONFIG_HOME").or_else(|| folder(env, "HOME").map(|home| home.join(".config")))
    };
    base.map(|base| base.join("tintype").join("config.toml"))
}

/// A variable that names a folder; the XDG specification has relative ones ignored.
fn folder(env: Env<'_>, name: &str) -> Option<PathBuf> {
    env(name).map(PathBuf::from).filter(|path| path.is_absolute())
}
