//! Which authorities' certificates are trusted: the system's, and those that settings add to them.
//!
//! | setting | what it names |
//! |---|---|
//! | `ca` in `[gateway]` | a PEM file of authorities beside the system's |
//! | `AWS_CA_BUNDLE` | the same, as the AWS SDKs know it |
//! | `SSL_CERT_FILE`, `SSL_CERT_DIR` | what takes the place of the system's, as OpenSSL knows it |

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dynaseal_engine::Outside;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;

/// The authorities that are trusted.
#[derive(Clone, Debug)]
pub struct Trust(Arc<RootCertStore>);

/// A setting that names no certificates that can be used.
#[derive(Debug, Error)]
#[error("{setting}{}: {what}", path.as_ref().map(|path| format!(" = {}", path.display())).unwrap_or_default())]
pub struct TrustError {
    /// The setting.
    pub setting: &'static str,
    /// The file that it names.
    pub path: Option<PathBuf>,
    /// What is wrong with it.
    pub what: String,
}

impl TrustError {
    /// What to do about it.
    pub const HINT: &'static str =
        "name a PEM file with certificates of authorities, or install the system's (package ca-certificates)";
}

impl Trust {
    /// The authorities of the system, of the file `ca`, and of the one that the environment names.
    ///
    /// # Errors
    /// One of these has no certificate that can be used: calls would fail one by one for a reason that nobody sees.
    pub fn load(ca: Option<&Path>, environment: &dyn Outside) -> Result<Self, TrustError> {
        let named = |setting| environment.env(setting).filter(|path| !path.trim().is_empty()).map(PathBuf::from);
        let mut roots = RootCertStore::empty();
        // Loaded below with the system's; a mistake in it is told here.
        if let Some(path) = named(SSL_CERT_FILE) {
            read(SSL_CERT_FILE, &path)?;
        }
        let (of_system, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for (setting, path) in [(CA, ca.map(Path::to_owned)), (AWS_CA_BUNDLE, named(AWS_CA_BUNDLE))] {
            if let Some(path) = path {
                roots.add_parsable_certificates(read(setting, &path)?);
            }
        }
        if roots.is_empty() {
            let what = format!("there is no certificate of an authority ({of_system} of the system's can be used)");
            return Err(TrustError { setting: "the system's certificates", path: None, what });
        }
        Ok(Self(Arc::new(roots)))
    }

    pub(super) fn roots(&self) -> Arc<RootCertStore> {
        self.0.clone()
    }
}

/// The certificates of a file, each of which must be one.
fn read(setting: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let fault = |what: String| TrustError { setting, path: Some(path.to_owned()), what };
    let text = bounded(path).map_err(|error| fault(error.to_string()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates = certificates.map_err(|_| fault("it holds a block of PEM that cannot be read".to_owned()))?;
    if certificates.is_empty() {
        return Err(fault("it holds no certificate in PEM (BEGIN CERTIFICATE)".to_owned()));
    }
    let (_, unusable) = RootCertStore::empty().add_parsable_certificates(certificates.iter().cloned());
    match unusable {
        0 => Ok(certificates),
        // Bundles of the system's have such ones, which nothing needs.
        some if some < certificates.len() && setting == SSL_CERT_FILE => Ok(certificates),
        some => Err(fault(format!("{some} of its {} certificates cannot be used", certificates.len()))),
    }
}

/// A regular file of reasonable length: what never ends is no file of certificates.
fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() > LONGEST {
        return Err(io::Error::other("it is no regular file of at most 8 MiB"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut text)?;
    Ok(text)
}

const CA: &str = "ca of [gateway]";
const AWS_CA_BUNDLE: &str = "AWS_CA_BUNDLE";
const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
/// A system's bundle has about 300 KiB.
const LONGEST: u64 = 8 << 20;
