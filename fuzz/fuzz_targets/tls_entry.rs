//! What comes to the port of TLS: a handshake with garbage ends nowhere, and the name
//! in a certificate is a line of text or nothing.
#![no_main]

#[path = "../../crates/daemon/src/tls/name.rs"]
mod name;

use libfuzzer_sys::fuzz_target;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use std::sync::{Arc, OnceLock};

static CONFIG: OnceLock<Arc<ServerConfig>> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    if let Some(text) = name::text(bytes) {
        assert!(!text.contains(char::is_control), "{text:?}");
    }
    let config = CONFIG.get_or_init(config);
    let mut server = ServerConnection::new(Arc::clone(config)).expect("a session");
    let mut rest = bytes;
    while !rest.is_empty() {
        if server.read_tls(&mut rest).is_err() || server.process_new_packets().is_err() {
            break;
        }
    }
    assert!(server.is_handshaking(), "somebody came in");
});

/// A server that wants certificates.
fn config() -> Arc<ServerConfig> {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
        .build()
        .expect("a verifier");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], key);
    Arc::new(config.expect("a server"))
}
