//! The server's settings: data, parsed once. [`table`] lists every setting; flags, environment, file keys, help and
//! `tintype config` derive from it. Nothing here opens anything but the configuration file.

pub(crate) mod choices;
pub(crate) mod file;
pub(crate) mod flags;
pub(crate) mod places;
pub(crate) mod resolve;
pub(crate) mod table;

pub(crate) use choices::{ConnectionsPort, ImagesPort, JobsPort, LogFormat, MetadataPort, SignChoice};
pub(crate) use flags::Flags;
pub(crate) use resolve::Resolved;

use crate::failure::{Failure, Outcome};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use tintype_core::domain::{BlobId, OwnerId, Scope, limits};
use tintype_core::imaging::ImageLimits;
use tintype_local::SpaceSettings;

/// Reads one environment variable; a parameter, so that tests have an environment of their own.
pub(crate) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The effective settings of a server.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where it listens: `TINTYPE_LISTEN`.
    pub(crate) listen: SocketAddr,
    /// Its data folder: `TINTYPE_DATA`.
    pub(crate) data: PathBuf,
    /// Its models, the default first: `TINTYPE_MODEL`.
    pub(crate) models: Vec<ModelChoice>,
    /// How many jobs run at a time: `TINTYPE_WORKERS`.
    pub(crate) workers: usize,
    /// Web pages of these origins may call it: `TINTYPE_ALLOWED_ORIGINS`.
    pub(crate) allowed_origins: Vec<String>,
    /// Names it answers to beside its own address: `TINTYPE_ALLOWED_HOSTS`.
    pub(crate) allowed_hosts: Vec<String>,
    /// Who may call it: `TINTYPE_KEYS`. None: everyone on this machine.
    pub(crate) keys: Vec<AccessKey>,
    /// The configuration file that the keys are from, if they are from one.
    pub(crate) keys_file: Option<PathBuf>,
    /// Its configuration file, if there is one: `TINTYPE_CONFIG`.
    pub(crate) config: Option<PathBuf>,
    /// How many connections it takes at the most, where that was said: `TINTYPE_CONNECTIONS_MAX`.
    pub(crate) connections: Option<usize>,
    /// How many of them one address may have, where that was said: `TINTYPE_CONNECTIONS_PER_ADDRESS`.
    pub(crate) connections_per_address: Option<usize>,
    /// The form of its log: `TINTYPE_LOG_FORMAT`.
    pub(crate) log_format: LogFormat,
    /// What it logs, where that was said: `TINTYPE_LOG`.
    pub(crate) log_filter: Option<String>,
    /// Where it writes its address once it listens: `TINTYPE_READY_FILE`.
    pub(crate) ready_file: Option<PathBuf>,
    /// What drawn pictures are signed with: `TINTYPE_C2PA_SIGN`, `TINTYPE_C2PA_CERT`, `TINTYPE_C2PA_KEY`.
    pub(crate) signing: Signing,
    /// How much of the disk is left free, and held in reserve: `TINTYPE_DISK_MIN_FREE`, `TINTYPE_DISK_RESERVE`.
    pub(crate) space: SpaceSettings,
    /// What an image may be: `TINTYPE_IMAGES_MAX_PIXELS` and the like.
    pub(crate) images: ImageLimits,
    /// Which adapter stands behind each port.
    pub(crate) ports: PortChoices,
}

/// What drawn pictures are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signing {
    /// Nothing.
    Off,
    /// An identity made on this machine, where this build can sign.
    Local,
    /// An operator's.
    Operator {
        /// The file of certificates.
        cert: PathBuf,
        /// The file of the private key.
        key: PathBuf,
    },
}

impl Signing {
    fn parse(resolved: &Resolved) -> Outcome<Self> {
        let file = |key| resolved.many(key, |text| Ok(PathBuf::from(text))).map(|mut files| files.pop());
        match (resolved.one("c2pa.sign", SignChoice::parse)?, file("c2pa.cert")?, file("c2pa.key")?) {
            (SignChoice::Off, ..) => Ok(Self::Off),
            (SignChoice::Auto, None, None) => Ok(Self::Local),
            (SignChoice::Auto, Some(cert), Some(key)) => Ok(Self::Operator { cert, key }),
            (SignChoice::Auto, ..) => Err(Failure::usage(
                "`c2pa.cert` and `c2pa.key` go together: the certificate and its private key",
            )),
        }
    }
}

/// Which adapter stands behind each port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PortChoices {
    /// `TINTYPE_PORTS_IMAGES`
    pub(crate) images: ImagesPort,
    /// `TINTYPE_PORTS_METADATA`
    pub(crate) metadata: MetadataPort,
    /// `TINTYPE_PORTS_JOBS`
    pub(crate) jobs: JobsPort,
    /// `TINTYPE_PORTS_CONNECTIONS`
    pub(crate) connections: ConnectionsPort,
}

/// A model by name or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModelChoice {
    /// The one inside this binary.
    Embedded,
    /// Draws a fixed small picture at once: for load tests.
    Noop,
    /// A folder as diffusers writes it.
    Folder(PathBuf),
}

/// The name of the model inside the binary.
pub(crate) const EMBEDDED_MODEL: &str = "tintype-icons";
/// The name of the model that draws nothing.
pub(crate) const NOOP_MODEL: &str = "noop";

impl ModelChoice {
    /// The model that `text` names.
    ///
    /// # Errors
    /// What is allowed, if it is neither a known name nor a folder.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            EMBEDDED_MODEL => Ok(Self::Embedded),
            NOOP_MODEL => Ok(Self::Noop),
            _ if PathBuf::from(text).is_dir() => Ok(Self::Folder(text.into())),
            _ => {
                let close = crate::failure::nearest(text, [EMBEDDED_MODEL, NOOP_MODEL])
                    .map(|name| format!("; did you mean `{name}`?"))
                    .unwrap_or_default();
                Err(format!("must be `{EMBEDDED_MODEL}` or an existing folder in diffusers' layout{close}"))
            }
        }
    }
}

/// One who may call the server: the owner, the SHA-256 of the key, and what the key permits beyond the calls of its owner.
/// The key itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccessKey {
    /// Whose key it is.
    pub(crate) owner: OwnerId,
    /// The hash of the key's text.
    pub(crate) sha256: BlobId,
    /// Its scopes.
    pub(crate) scopes: BTreeSet<Scope>,
}

impl AccessKey {
    /// A key as a flag has it: `OWNER=SHA256`, or `OWNER+SCOPE=SHA256`. An owner may hold a colon, but never a plus.
    fn parse(text: &str) -> Result<Self, String> {
        let (holder, hash) =
            text.rsplit_once('=').ok_or("must be OWNER=SHA256; `tintype key OWNER` makes one")?;
        let mut parts = holder.split('+').map(str::trim);
        let owner = parts.next().unwrap_or_default().parse().map_err(|_| {
            "names an owner that can't be one; 1 to 128 of A-Z a-z 0-9 . _ : @ | - are allowed".to_owned()
        })?;
        let scopes = parts.map(str::parse).collect::<Result<_, _>>().map_err(|_| {
            let known = Scope::ALL.map(Scope::name).join(", ");
            format!("names a scope that there is not; known are: {known}")
        })?;
        let sha256 = hash.trim().parse().map_err(|_| {
            "must hold the SHA-256 of a key, 64 lower-case hexadecimal digits; `tintype key OWNER` makes one"
        })?;
        Ok(Self { owner, sha256, scopes })
    }
}

impl From<AccessKey> for tintype_http::Key {
    fn from(AccessKey { owner, sha256, scopes }: AccessKey) -> Self {
        Self { sha256, owner, scopes }
    }
}

impl Settings {
    /// The settings of flags, environment and file together.
    ///
    /// # Errors
    /// The first setting that is wrong, with where it came from and what is allowed.
    pub(crate) fn parse(resolved: &Resolved) -> Outcome<Self> {
        let settings = Self {
            listen: resolved.one("listen", parse_listen)?,
            data: resolved.one("data", parse_folder)?,
            models: resolved.many("model", ModelChoice::parse)?,
            workers: resolved.one("workers", parse_workers)?,
            allowed_origins: resolved.many("allowed_origins", parse_origin)?,
            allowed_hosts: resolved.many("allowed_hosts", |text| Ok(text.to_owned()))?,
            keys: resolved.many("keys", AccessKey::parse)?,
            keys_file: resolved.file_of("keys"),
            config: resolved.many(table::CONFIG, |text| Ok(PathBuf::from(text)))?.pop(),
            connections: resolved.many("connections.max", parse_connections)?.pop(),
            connections_per_address: resolved.many("connections.per_address", parse_connections)?.pop(),
            log_format: resolved.one("log_format", LogFormat::parse)?,
            log_filter: resolved.many("log_filter", |text| Ok(text.to_owned()))?.pop(),
            ready_file: resolved.many("ready_file", |text| Ok(PathBuf::from(text)))?.pop(),
            signing: Signing::parse(resolved)?,
            space: SpaceSettings {
                min_free: resolved.one("disk.min_free", parse_size)?,
                reserve: resolved.one("disk.reserve", parse_size)?,
            },
            images: parse_images(resolved)?,
            ports: PortChoices {
                images: resolved.one("ports.images", ImagesPort::parse)?,
                metadata: resolved.one("ports.metadata", MetadataPort::parse)?,
                jobs: resolved.one("ports.jobs", JobsPort::parse)?,
                connections: resolved.one("ports.connections", ConnectionsPort::parse)?,
            },
        };
        Ok(settings)
    }

    /// Refuses to open the server to others while everyone may call it.
    ///
    /// # Errors
    /// If it would listen beyond this machine without a key.
    pub(crate) fn check_exposure(&self) -> Outcome {
        if self.listen.ip().is_loopback() || !self.keys.is_empty() {
            return Ok(());
        }
        let port = self.listen.port();
        Err(Failure::usage(format!(
            "{} can be reached from other machines, and no key is configured: anyone could use this server",
            self.listen
        ))
        .hint("make a key and add what it prints to the configuration file:")
        .hint("  tintype key YOUR-NAME >> tintype.toml")
        .hint(format!("  tintype serve --listen {} --config tintype.toml", self.listen))
        .hint(format!("or stay on this machine: --listen 127.0.0.1:{port}")))
    }
}

fn parse_folder(text: &str) -> Result<PathBuf, String> {
    std::path::absolute(text).map_err(|error| format!("can't be a folder: {error}"))
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let local = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')).unwrap_or(text);
    if let Ok(port) = local.parse::<u16>() {
        return Ok(SocketAddr::new(loopback, port));
    }
    text.parse().map_err(|_| {
        "must be an address and a port, as in 127.0.0.1:7860; port 0 takes any free one".to_owned()
    })
}

/// The most jobs at a time that a setting may ask for.
const WORKERS_MAX: usize = 256;

fn parse_workers(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|workers| *workers <= WORKERS_MAX)
        .ok_or_else(|| format!("must be from 0 to {WORKERS_MAX}; with 0, jobs are accepted and wait"))
}

fn parse_connections(text: &str) -> Result<usize, String> {
    let most = limits::CONNECTIONS_MAX;
    let count = text.parse().ok().filter(|count| (1..=most).contains(count));
    count.ok_or_else(|| format!("must be from 1 to {most}"))
}

/// The size that is chosen by the size of the disk.
pub(crate) const AUTO: &str = "auto";

/// Bytes, with a unit of 1,024 or more; `None` for [`AUTO`].
fn parse_size(text: &str) -> Result<Option<u64>, String> {
    if text == AUTO {
        return Ok(None);
    }
    let (number, unit) = match text.char_indices().last() {
        Some((at, letter)) if letter.is_ascii_alphabetic() => (&text[..at], letter.to_ascii_uppercase()),
        _ => (text, 'B'),
    };
    let factor = match unit {
        'B' => Some(1),
        'K' => Some(1 << 10),
        'M' => Some(1 << 20),
        'G' => Some(1 << 30),
        'T' => Some(1_u64 << 40),
        _ => None,
    };
    let bytes =
        number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    bytes
        .map(Some)
        .ok_or_else(|| format!("must be a number of bytes with K, M, G or T, as in 64M, or `{AUTO}`"))
}

/// The most pixels that a setting may allow. An operation takes up to 16 bytes for each: 4 GiB.
const PIXELS_MAX: u64 = 256 * 1024 * 1024;
/// The longest side that a setting may allow: JPEG holds no longer one.
const SIDE_MAX: u64 = u16::MAX as u64;
/// The most bytes of an image that a setting may allow.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

fn parse_images(resolved: &Resolved) -> Outcome<ImageLimits> {
    let side = |text: &str| {
        parse_number(text, SIDE_MAX).and_then(|side| u32::try_from(side).map_err(|e| e.to_string()))
    };
    Ok(ImageLimits {
        max_pixels: resolved.one("images.max_pixels", |text| parse_number(text, PIXELS_MAX))?,
        max_side: resolved.one("images.max_side", side)?,
        max_ratio: resolved.one("images.max_ratio", side)?,
        max_bytes: resolved.one("images.max_bytes", |text| parse_number(text, BYTES_MAX))?,
        ..limits::IMAGES
    })
}

fn parse_number(text: &str, most: u64) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("must be a whole number from 1 to {most}"))
}

fn parse_origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains('/') => Ok(text.to_owned()),
        _ => Err("must be an origin as a browser sends it, as in https://gallery.example.com".to_owned()),
    }
}

#[cfg(test)]
mod tests;
