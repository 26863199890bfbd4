//! The certificate of a listener that is not this machine's loopback: one that is given, or one that is made at the
//! first start and signed by nobody.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use axum_server::tls_rustls::RustlsConfig;

/// Files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The chain, PEM.
    pub chain: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
}

/// What a listener at an address shows; nothing at the loopback, unless a certificate is given.
pub(super) fn certificate(
    given: Option<&Certificate>,
    address: SocketAddr,
    data: &Path,
) -> io::Result<Option<Certificate>> {
    match given {
        Some(given) => Ok(Some(given.clone())),
        None if address.ip().is_loopback() => Ok(None),
        None => own(address, &data.join("tls")).map(Some),
    }
}

/// The certificate of this service's own making.
fn own(address: SocketAddr, folder: &Path) -> io::Result<Certificate> {
    let certificate = Certificate { chain: folder.join("cert.pem"), key: folder.join("key.pem") };
    if certificate.chain.exists() && certificate.key.exists() {
        return Ok(certificate);
    }
    fs::create_dir_all(folder)?;
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    if !address.ip().is_unspecified() {
        names.push(address.ip().to_string());
    }
    let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
    let mut key = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&certificate.key)?;
    key.write_all(made.signing_key.serialize_pem().as_bytes())?;
    fs::write(&certificate.chain, made.cert.pem())?;
    let file = certificate.chain.display().to_string();
    tracing::warn!(file, "a certificate that nobody has signed was made: give [serve] certificate and key");
    Ok(certificate)
}

/// A certificate's files: its chain, and its key.
pub(super) fn pem(certificate: &Certificate) -> io::Result<(Vec<u8>, Vec<u8>)> {
    // Another part of the process may have chosen the same already.
    rustls::crypto::ring::default_provider().install_default().ok();
    Ok((fs::read(&certificate.chain)?, fs::read(&certificate.key)?))
}

/// Reads a certificate.
pub(super) async fn read(certificate: &Certificate) -> io::Result<RustlsConfig> {
    let (chain, key) = pem(certificate)?;
    RustlsConfig::from_pem(chain, key).await
}
