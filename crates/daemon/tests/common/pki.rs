//! Authorities and certificates as libvirt's documentation has them made, in folders
//! as `pkipath` wants them.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use std::path::{Path, PathBuf};

/// Somebody who signs certificates, and the folder where they are.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    /// A new one, whose files go to a new folder.
    pub(crate) fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = name(&[(DnType::CommonName, "Authority")]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.join("cacert.pem"), issuer.pem()).unwrap();
        Self {
            issuer,
            folder: folder.to_owned(),
        }
    }

    /// `servercert.pem` and `serverkey.pem` for this machine.
    pub(crate) fn server(&self) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.distinguished_name = name(&[(DnType::CommonName, "localhost")]);
        self.write("server", params);
    }

    /// `clientcert.pem` and `clientkey.pem` of a person; the number is the
    /// certificate's.
    pub(crate) fn client(&self, person: &str, number: u64) {
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.serial_number = Some(SerialNumber::from(number));
        params.distinguished_name = name(&[
            (DnType::CountryName, "GB"),
            (DnType::OrganizationName, "Hosts"),
            (DnType::CommonName, person),
        ]);
        self.write("client", params);
    }

    /// `cacrl.pem`, in which the certificate with this number is good no more.
    pub(crate) fn revoke(&self, number: u64) {
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2090, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(number),
                revocation_time: date_time_ymd(2020, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.issuer).unwrap().pem().unwrap();
        std::fs::write(self.folder.join("cacrl.pem"), list).unwrap();
    }

    fn write(&self, whose: &str, mut params: CertificateParams) {
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let at = |what: &str| self.folder.join(format!("{whose}{what}.pem"));
        std::fs::write(at("cert"), certificate.pem()).unwrap();
        std::fs::write(at("key"), key.serialize_pem()).unwrap();
    }

    /// The settings of a daemon with this authority's server, on a port.
    pub(crate) fn settings(&self, port: u16) -> String {
        let folder = self.folder.display();
        format!(
            "listen_addr = \"127.0.0.1\"\ntls_port = \"{port}\"\n\
             ca_file = \"{folder}/cacert.pem\"\ncert_file = \"{folder}/servercert.pem\"\n\
             key_file = \"{folder}/serverkey.pem\"\n"
        )
    }

    /// Where the files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

fn name(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, value) in parts {
        name.push(kind.clone(), *value);
    }
    name
}
