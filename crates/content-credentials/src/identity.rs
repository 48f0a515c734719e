//! The certificate and key that pictures are signed with: an operator's, or one made on this machine.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The folder of the local identity, in the data folder.
const FOLDER: &str = "content-credentials";
/// The certificate that vouches for the signer's: what others are given to trust.
const ROOT: &str = "root.pem";
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";
/// The most bytes of one of these files.
const FILE_BYTES: u64 = 256 * 1024;

/// A certificate, those that vouch for it, and its private key. All PEM.
#[derive(Clone)]
pub struct Identity {
    certificates: String,
    key: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nobody reads the key in a log.
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
#[error("can't use {}: {problem}", path.display())]
pub struct BadIdentity {
    path: PathBuf,
    problem: String,
    is_of_space: bool,
}

impl BadIdentity {
    fn of(path: &Path, problem: &dyn std::error::Error) -> Self {
        Self { path: path.to_owned(), problem: problem.to_string(), is_of_space: false }
    }

    /// Whether there was no space on the disk for a new one.
    pub fn is_of_space(&self) -> bool {
        self.is_of_space
    }
}

impl Identity {
    /// An operator's: a file of certificates, the signer's own first, and a file with its private key (PKCS #8).
    ///
    /// # Errors
    /// If a file can't be read.
    pub fn from_files(certificates: &Path, key: &Path) -> Result<Self, BadIdentity> {
        let read = |path: &Path| read(path).map_err(|error| BadIdentity::of(path, &error));
        Ok(Self { certificates: read(certificates)?, key: read(key)? })
    }

    /// The one made on this machine, in the data folder; `None` if there is none yet.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn local(data: &Path) -> Result<Option<Self>, BadIdentity> {
        let folder = data.join(FOLDER);
        if !folder.exists() {
            return Ok(None);
        }
        Self::from_files(&folder.join(CERTIFICATE), &folder.join(KEY)).map(Some)
    }

    /// The one made on this machine, in the data folder, which is this process's alone; made if there is none yet, whole
    /// or not at all.
    ///
    /// # Errors
    /// If it can't be read or made.
    pub fn local_or_new(data: &Path) -> Result<Self, BadIdentity> {
        if let Some(identity) = Self::local(data)? {
            return Ok(identity);
        }
        let made = Made::new().map_err(|error| BadIdentity::of(&data.join(FOLDER), &error))?;
        made.write(data).map_err(|error| {
            let is_of_space = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
            BadIdentity { is_of_space, ..BadIdentity::of(&data.join(FOLDER), &error) }
        })?;
        Ok(Self { certificates: made.certificate, key: made.key })
    }

    pub(crate) fn certificates(&self) -> &[u8] {
        self.certificates.as_bytes()
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.key.as_bytes()
    }
}

fn read(path: &Path) -> io::Result<String> {
    let length = fs::metadata(path)?.len();
    if length > FILE_BYTES {
        return Err(io::Error::other(format!("it has {length} bytes; no certificate or key is as large")));
    }
    fs::read_to_string(path)
}

/// A new identity. The key of its root is not kept: the root vouches for this one signer, and for nobody ever after.
struct Made {
    root: String,
    certificate: String,
    key: String,
}

impl Made {
    fn new() -> Result<Self, rcgen::Error> {
        let root_key = KeyPair::generate()?;
        let mut root = parameters("Tintype local root");
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root_certificate = root.self_signed(&root_key)?;
        let key = KeyPair::generate()?;
        let mut signer = parameters("Tintype local signer");
        signer.is_ca = IsCa::ExplicitNoCa;
        signer.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // One of the purposes that C2PA asks for.
        signer.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        signer.use_authority_key_identifier_extension = true;
        let certificate = signer.signed_by(&key, &Issuer::new(root, root_key))?;
        Ok(Self { root: root_certificate.pem(), certificate: certificate.pem(), key: key.serialize_pem() })
    }

    fn write(&self, data: &Path) -> io::Result<()> {
        let temporary = data.join(format!("{FOLDER}.tmp"));
        // Of a start that was cut off.
        match fs::remove_dir_all(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut folder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&temporary)?;
        for (name, text) in [(KEY, &self.key), (CERTIFICATE, &self.certificate), (ROOT, &self.root)] {
            write_privately(&temporary.join(name), text)?;
        }
        fs::rename(&temporary, data.join(FOLDER))?;
        fs::File::open(data)?.sync_all()
    }
}

/// What both certificates have in common. Neither tells the machine, its owner, or when it was made: what is signed would
/// tell it too. They don't run out: without a time stamp nothing signed would outlive its certificate.
fn parameters(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.not_before = date_time_ymd(2025, 1, 1);
    parameters.not_after = date_time_ymd(9999, 12, 31);
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.distinguished_name.push(DnType::OrganizationName, "made on one machine, verified by nobody");
    parameters
}

fn write_privately(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_identity_is_made_once_and_nobody_else_reads_its_key() {
        let data = tempfile::tempdir().unwrap();
        assert!(Identity::local(data.path()).unwrap().is_none());
        let made = Identity::local_or_new(data.path()).unwrap();
        assert_eq!(Identity::local_or_new(data.path()).unwrap().key, made.key);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let key = data.path().join(FOLDER).join(KEY);
            assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_a_start_that_was_cut_off_left_is_no_obstacle() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("content-credentials.tmp")).unwrap();
        fs::write(data.path().join("content-credentials.tmp/key.pem"), "half").unwrap();
        Identity::local_or_new(data.path()).unwrap();
        assert!(Identity::local(data.path()).unwrap().is_some());
    }

    #[test]
    fn a_log_never_shows_the_key() {
        let identity = Identity { certificates: "public".to_owned(), key: "secret".to_owned() };
        assert!(!format!("{identity:?}").contains("secret"));
    }
}
