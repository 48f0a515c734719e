//! Every setting, stated once.

use tintype_core::domain::limits;

use super::choices::{ConnectionsPort, ImagesPort, JobsPort, LogFormat, MetadataPort, SignChoice};

/// One setting and its names.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its key in the configuration file; a dot stands for a section.
    pub(crate) key: &'static str,
    /// Its flag, without the dashes.
    pub(crate) flag: Option<&'static str>,
    /// Its environment variable.
    pub(crate) env: &'static str,
    /// What stands for its value in `--help`.
    pub(crate) value: &'static str,
    /// How many values it takes.
    pub(crate) arity: Arity,
    /// Used where nothing is given.
    pub(crate) default: Default,
    /// Names, where only these are allowed.
    pub(crate) names: &'static [&'static str],
    /// What it does, for `--help`.
    pub(crate) help: &'static str,
}

/// How many values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arity {
    /// One.
    One,
    /// Any number: a repeated flag, a comma-separated variable, a list in the file.
    Many,
}

/// The value of a setting that is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Default {
    /// This.
    Text(&'static str),
    /// This number.
    Number(u64),
    /// The platform's folder for programs' data.
    DataFolder,
    /// One job per processor.
    Workers,
    /// Nothing.
    Nothing,
}

const fn setting(key: &'static str, env: &'static str, value: &'static str, help: &'static str) -> Setting {
    Setting { key, flag: None, env, value, arity: Arity::One, default: Default::Nothing, names: &[], help }
}

impl Setting {
    const fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag);
        self
    }

    const fn many(mut self) -> Self {
        self.arity = Arity::Many;
        self
    }

    const fn default(mut self, default: Default) -> Self {
        self.default = default;
        self
    }

    const fn one_of(mut self, names: &'static [&'static str]) -> Self {
        self.names = names;
        self.default = Default::Text(names[0]);
        self
    }
}

/// The setting that names the configuration file; it can't stand in one.
pub(crate) const CONFIG: &str = "config";

/// Every setting of the server.
pub(crate) const SETTINGS: &[Setting] = &[
    setting("listen", "TINTYPE_LISTEN", "ADDRESS", "Where to listen; port 0 takes any free one")
        .flag("listen")
        .default(Default::Text("127.0.0.1:7860")),
    setting("data", "TINTYPE_DATA", "DIR", "The data folder: jobs, pictures, library")
        .flag("data")
        .default(Default::DataFolder),
    setting(
        "model",
        "TINTYPE_MODEL",
        "NAME|DIR",
        "`tintype-icons` (inside this command) or a diffusers folder; repeat it to offer several, the default \
         first. `noop` draws a fixed picture at once, for load tests",
    )
    .flag("model")
    .many()
    .default(Default::Text(super::EMBEDDED_MODEL)),
    setting(
        CONFIG,
        "TINTYPE_CONFIG",
        "FILE",
        "The configuration file (TOML); by default `tintype/config.toml` in the platform's folder for \
         settings, if it is there",
    )
    .flag("config"),
    setting(
        "workers",
        "TINTYPE_WORKERS",
        "N",
        "How many jobs run at a time; with 0, jobs are accepted and wait",
    )
    .flag("workers")
    .default(Default::Workers),
    setting(
        "allowed_origins",
        "TINTYPE_ALLOWED_ORIGINS",
        "ORIGIN",
        "A web page's origin that may call the API from a browser; repeatable",
    )
    .flag("allow-origin")
    .many(),
    setting(
        "allowed_hosts",
        "TINTYPE_ALLOWED_HOSTS",
        "HOST",
        "A host name the server answers to beside its own address, as behind a proxy; repeatable",
    )
    .flag("allow-host")
    .many(),
    setting(
        "keys",
        "TINTYPE_KEYS",
        "OWNER=SHA256",
        "Who may call, by the SHA-256 of their key; repeatable. `tintype key` makes one. OWNER+operate=SHA256 may read the \
         metrics too. Those in the configuration file are read again when it changes",
    )
    .flag("allow-key")
    .many(),
    setting(
        "connections.max",
        "TINTYPE_CONNECTIONS_MAX",
        "N",
        "How many connections may be open; by default 16384, or fewer where the number of open files (`ulimit -n`) \
         leaves no room for more",
    )
    .flag("max-connections"),
    setting(
        "connections.per_address",
        "TINTYPE_CONNECTIONS_PER_ADDRESS",
        "N",
        "How many of them one client address may have; by default half, and all for a server that only this machine \
         reaches. Behind a reverse proxy on another machine, all clients have the address of the proxy",
    )
    .flag("max-connections-per-address"),
    setting("log_format", "TINTYPE_LOG_FORMAT", "FORMAT", "The form of the log")
        .flag("log")
        .one_of(LogFormat::NAMES),
    setting(
        "log_filter",
        "TINTYPE_LOG",
        "FILTER",
        "What to log: a level, or levels by module, as in `info,tintype_http=debug`; by default `info`, \
         in the human form without the requests",
    )
    .flag("log-filter"),
    setting(
        "ready_file",
        "TINTYPE_READY_FILE",
        "FILE",
        "Write the address here once the server listens: for supervisors and tests",
    )
    .flag("ready-file"),
    setting(
        "c2pa.sign",
        "TINTYPE_C2PA_SIGN",
        "WHEN",
        "Sign drawn pictures with Content Credentials; `auto`: where this build can",
    )
    .flag("c2pa-sign")
    .one_of(SignChoice::NAMES),
    setting(
        "c2pa.cert",
        "TINTYPE_C2PA_CERT",
        "FILE",
        "The certificate to sign with, and those that vouch for it (PEM); by default one that is made in the data \
         folder at the first start, which nobody else trusts",
    )
    .flag("c2pa-cert"),
    setting("c2pa.key", "TINTYPE_C2PA_KEY", "FILE", "The certificate's private key (PEM, PKCS #8)")
        .flag("c2pa-key"),
    setting(
        "disk.min_free",
        "TINTYPE_DISK_MIN_FREE",
        "SIZE",
        "Refuse what adds data while less than this is free on the disk of the data folder, as in `64M` or `2G`; `auto`: 64M, \
         and at most a twentieth of the disk",
    )
    .flag("disk-min-free")
    .default(Default::Text(super::AUTO)),
    setting(
        "disk.reserve",
        "TINTYPE_DISK_RESERVE",
        "SIZE",
        "Hold so much of the disk in reserve, for deletes once it is full; `auto`: 16M, and at most a sixteenth of the disk; \
         `0`: nothing",
    )
    .flag("disk-reserve")
    .default(Default::Text(super::AUTO)),
    setting("images.max_pixels", "TINTYPE_IMAGES_MAX_PIXELS", "N", "The most pixels of an image that is uploaded or decoded")
        .flag("image-max-pixels")
        .default(Default::Number(limits::IMAGES.max_pixels)),
    setting("images.max_side", "TINTYPE_IMAGES_MAX_SIDE", "N", "The most pixels of a side of such an image")
        .flag("image-max-side")
        .default(Default::Number(limits::IMAGES.max_side as u64)),
    setting(
        "images.max_ratio",
        "TINTYPE_IMAGES_MAX_RATIO",
        "N",
        "How many times as long as the other a side of such an image may be",
    )
    .flag("image-max-ratio")
    .default(Default::Number(limits::IMAGES.max_ratio as u64)),
    setting("images.max_bytes", "TINTYPE_IMAGES_MAX_BYTES", "N", "The most bytes of an uploaded image")
        .flag("image-max-bytes")
        .default(Default::Number(limits::IMAGES.max_bytes)),
    setting("ports.images", "TINTYPE_PORTS_IMAGES", "ADAPTER", "What keeps pictures' bytes")
        .one_of(ImagesPort::NAMES),
    setting("ports.metadata", "TINTYPE_PORTS_METADATA", "ADAPTER", "What keeps the library")
        .one_of(MetadataPort::NAMES),
    setting("ports.jobs", "TINTYPE_PORTS_JOBS", "ADAPTER", "What keeps jobs and their events")
        .one_of(JobsPort::NAMES),
    setting("ports.connections", "TINTYPE_PORTS_CONNECTIONS", "ADAPTER", "What keeps who listens to what")
        .one_of(ConnectionsPort::NAMES),
];

/// The setting of this key.
pub(crate) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}
