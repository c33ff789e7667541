//! TLS to a daemon: libvirt's places of certificates, the handshake, and the byte by
//! which a daemon welcomes a client whose certificate is good.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What a daemon says after the handshake.
const WELCOME: u8 = 1;
/// Bytes of a file of certificates that are read.
const FILE_MAX: u64 = 4 << 20;

/// Files of a client.
struct Places {
    authorities: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

/// Sets TLS up with the daemon on `host`.
///
/// # Errors
/// Names the file that is wrong, or what is wrong with either side's certificate.
pub(crate) async fn connect(
    stream: TcpStream,
    host: &str,
    pkipath: Option<&Path>,
    no_verify: bool,
) -> Result<TlsStream<TcpStream>, String> {
    let places = Places::find(pkipath);
    let config = config(&places, no_verify)?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| format!("'{host}' is no name that a certificate can have"))?;
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|error| format!("TLS: {error}"))?;
    match stream.read_u8().await {
        Ok(WELCOME) => Ok(stream),
        Ok(_) => Err("TLS: the daemon does not take this client".to_owned()),
        Err(error) => Err(format!(
            "TLS: the daemon does not take this client ({error}): is {} from an authority that it \
             knows, and its name in tls_allowed_dn_list?",
            places.certificate.display()
        )),
    }
}

impl Places {
    /// The folder that was named, else the user's own, else libvirt's.
    fn find(pkipath: Option<&Path>) -> Self {
        let own = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pki/libvirt"));
        let own = own.filter(|folder| folder.join("clientcert.pem").exists());
        match pkipath.map(Path::to_owned).or(own) {
            Some(folder) => Self {
                authorities: folder.join("cacert.pem"),
                certificate: folder.join("clientcert.pem"),
                key: folder.join("clientkey.pem"),
            },
            None => Self {
                authorities: "/etc/pki/CA/cacert.pem".into(),
                certificate: "/etc/pki/libvirt/clientcert.pem".into(),
                key: "/etc/pki/libvirt/private/clientkey.pem".into(),
            },
        }
    }
}

fn config(places: &Places, no_verify: bool) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = if no_verify {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
    } else {
        let mut roots = RootCertStore::empty();
        for authority in objects(&places.authorities)? {
            roots
                .add(authority)
                .map_err(|error| format!("{}: {error}", places.authorities.display()))?;
        }
        builder.with_root_certificates(roots)
    };
    // A daemon may want no certificate; one that does says so.
    if !places.certificate.exists() {
        return Ok(builder.with_no_client_auth());
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&places.key)?)
        .map_err(|error| format!("{}: {error}", places.key.display()))?;
    builder
        .with_client_auth_cert(objects(&places.certificate)?, key)
        .map_err(|error| format!("{}: {error}", places.certificate.display()))
}

fn objects(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let objects: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    match objects {
        Ok(objects) if !objects.is_empty() => Ok(objects),
        Ok(_) => Err(format!("{}: there is no certificate in it", path.display())),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_MAX {
        let path = path.display();
        return Err(format!("{path}: it is longer than {FILE_MAX} bytes"));
    }
    std::fs::read(path).map_err(failed)
}

/// Takes any certificate (`no_verify=1`): what is said is hidden from listeners, but
/// nobody knows who is at the other end.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
