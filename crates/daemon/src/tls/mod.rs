//! TLS: the daemon's certificate, which certificates of clients are good, and the
//! handshake.
//!
//! What is said inside is a `connection`. Names of certificates are in `name`.

mod name;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::glob;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use webpki::{EndEntityCert, KeyUsage};

/// How long a client may take until TLS is set up.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What clients wait for after the handshake: it tells them that their certificate is
/// good.
const WELCOME: u8 = 1;

/// Bytes of a file of certificates that are read.
const FILE_MAX: u64 = 4 << 20;

/// What TLS needs of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsConfig {
    /// The daemon's key.
    pub(crate) key: PathBuf,
    /// The daemon's certificate, and those between it and the authority.
    pub(crate) certificate: PathBuf,
    /// The authorities that clients' certificates are from.
    pub(crate) authorities: PathBuf,
    /// Certificates that are good no more, if the file is there; it has to be when it
    /// was named.
    pub(crate) revoked: Option<PathBuf>,
    /// Whether clients need a certificate.
    pub(crate) verify: bool,
    /// Whether the daemon's own certificate is looked at when it starts.
    pub(crate) sanity: bool,
    /// Patterns of the names of clients that may come; none for all.
    pub(crate) names: Option<Vec<String>>,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            key: "/etc/pki/libvirt/private/serverkey.pem".into(),
            certificate: "/etc/pki/libvirt/servercert.pem".into(),
            authorities: "/etc/pki/CA/cacert.pem".into(),
            revoked: None,
            verify: true,
            sanity: true,
            names: None,
        }
    }
}

/// Where certificates that are good no more are listed by default.
const REVOKED: &str = "/etc/pki/CA/cacrl.pem";

/// The server's side of TLS.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    config: TlsConfig,
}

impl Tls {
    /// Reads keys and certificates.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub(crate) fn load(config: &Config) -> Result<Self> {
        let config = config.tls.clone();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = Arc::new(roots(&config)?);
        let chain: Vec<CertificateDer<'static>> = objects(&config.certificate)?;
        let at = |path: &Path, cause: &dyn std::fmt::Display| Error::file(path, cause);
        if config.sanity {
            check(&chain, &roots).map_err(|cause| at(&config.certificate, &cause))?;
        }
        let key = PrivateKeyDer::from_pem_slice(&read(&config.key)?)
            .map_err(|cause| at(&config.key, &cause))?;
        let verifier = verifier(&config, roots, &provider)?;
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|cause| at(&config.certificate, &cause))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|cause| at(&config.certificate, &cause))?;
        // libvirt's clients take a ticket to resume the session for an error: they wait
        // for the byte that welcomes them.
        server.send_tls13_tickets = 0;
        server.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(server)),
            config,
        })
    }

    /// Sets TLS up with a client: its stream, and the name in its certificate if it
    /// had to have one.
    ///
    /// # Errors
    /// When it does not speak TLS, takes too long, or its certificate is not good for
    /// this daemon.
    pub(crate) async fn accept<S>(
        &self,
        stream: S,
    ) -> std::io::Result<(TlsStream<S>, Option<String>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = async {
            let mut stream = self.acceptor.accept(stream).await?;
            let name = self.name(&stream)?;
            stream.write_all(&[WELCOME]).await?;
            stream.flush().await?;
            Ok((stream, name))
        };
        tokio::time::timeout(HANDSHAKE, handshake)
            .await
            .map_err(|_| {
                let seconds = HANDSHAKE.as_secs();
                std::io::Error::other(format!("TLS was not set up in {seconds} s"))
            })?
    }

    /// The name in the client's certificate, if it may come.
    fn name<S>(&self, stream: &TlsStream<S>) -> std::io::Result<Option<String>> {
        if !self.config.verify {
            return Ok(None);
        }
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let name = certificates
            .first()
            .and_then(|certificate| EndEntityCert::try_from(certificate).ok())
            .and_then(|certificate| name::text(certificate.subject()))
            .ok_or_else(|| std::io::Error::other("the certificate's name cannot be read"))?;
        if glob::allows(self.config.names.as_deref(), &name) {
            return Ok(Some(name));
        }
        let message = format!("tls_allowed_dn_list does not have '{name}'");
        Err(std::io::Error::other(message))
    }
}

/// The authorities of clients' certificates.
fn roots(config: &TlsConfig) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for authority in objects::<CertificateDer<'static>>(&config.authorities)? {
        roots
            .add(authority)
            .map_err(|cause| Error::file(&config.authorities, &cause))?;
    }
    Ok(roots)
}

/// Says of clients' certificates whether they are good.
fn verifier(
    config: &TlsConfig,
    roots: Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>> {
    if !config.verify {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let default = Some(PathBuf::from(REVOKED)).filter(|path| path.exists());
    let mut revoked: Vec<CertificateRevocationListDer<'static>> = Vec::new();
    if let Some(path) = config.revoked.as_ref().or(default.as_ref()) {
        revoked = objects(path)?;
    }
    WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider))
        .with_crls(revoked)
        // An authority without a list has revoked nothing.
        .allow_unknown_revocation_status()
        .enforce_revocation_expiration()
        .build()
        .map_err(|cause| Error::file(&config.authorities, &cause))
}

/// Whether clients can take the daemon's certificate: it is from one of the
/// authorities, for servers, and not too old.
fn check(
    chain: &[CertificateDer<'static>],
    roots: &RootCertStore,
) -> std::result::Result<(), String> {
    let (first, between) = chain.split_first().ok_or("there is no certificate")?;
    let certificate = EndEntityCert::try_from(first).map_err(|cause| cause.to_string())?;
    certificate
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &roots.roots,
            between,
            UnixTime::now(),
            KeyUsage::server_auth(),
            None,
            None,
        )
        .map(drop)
        .map_err(|cause| {
            format!("clients would not take it: {cause}; tls_no_sanity_certificate lets it pass")
        })
}

/// All objects of a kind in a file, at least one.
fn objects<T: PemObject>(path: &Path) -> Result<Vec<T>> {
    let bytes = read(path)?;
    let objects: std::result::Result<Vec<T>, _> = T::pem_slice_iter(&bytes).collect();
    match objects {
        Ok(objects) if !objects.is_empty() => Ok(objects),
        Ok(_) => Err(Error::file(path, &"it has none of what it is for, in PEM")),
        Err(cause) => Err(Error::file(path, &cause)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let length = std::fs::metadata(path).map_err(|cause| Error::file(path, &cause))?;
    if length.len() > FILE_MAX {
        return Err(Error::file(
            path,
            &format!("it is longer than {FILE_MAX} bytes"),
        ));
    }
    std::fs::read(path).map_err(|cause| Error::file(path, &cause))
}
