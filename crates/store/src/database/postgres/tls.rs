//! TLS of a connection: `sslmode` and `sslrootcert`, with the semantics of PostgreSQL's libraries.

use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The required verification of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsMode {
    /// No TLS.
    Disable,
    /// TLS if the server supports it; the certificate is not verified.
    Prefer,
    /// TLS; the certificate is not verified, unless a root is given.
    Require,
    /// TLS with a certificate from a trusted root.
    VerifyCa,
    /// Like `VerifyCa`, and the certificate matches the host.
    VerifyFull,
}

impl TlsMode {
    /// The mode of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "disable" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

/// The TLS connector of that mode; `root` is the text of a file of trusted certificates, which replace those of the
/// system.
///
/// # Errors
/// When the roots cannot be read.
pub fn connector(mode: TlsMode, root: Option<&[u8]>) -> io::Result<MakeRustlsConnect> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let mode = if mode == TlsMode::Require && root.is_some() { TlsMode::VerifyCa } else { mode };
    let named = root.map_or_else(|| Ok(Vec::new()), named)?;
    let judge = match mode {
        TlsMode::VerifyCa | TlsMode::VerifyFull => {
            let roots = Arc::new(roots(root.is_some().then_some(&named))?);
            Some(WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build().map_err(io::Error::other)?)
        }
        _ => None,
    };
    let verifier = Arc::new(Verifier { chain: judge, named, looks_at_name: mode == TlsMode::VerifyFull, provider });
    Ok(MakeRustlsConnect::new(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
}

// The certificates of a file.
fn named(text: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(text).map(|certificate| certificate.map_err(io::Error::other)).collect()
}

fn roots(named: Option<&Vec<CertificateDer<'static>>>) -> io::Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    match named {
        Some(named) => named.iter().try_for_each(|certificate| store.add(certificate.clone())).map_err(io::Error::other)?,
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() { Err(io::Error::other("no trusted certificates found; set sslrootcert=FILE")) } else { Ok(store) }
}

// Verifies the chain and the name, only the chain, or neither.
#[derive(Debug)]
struct Verifier {
    chain: Option<Arc<WebPkiServerVerifier>>,
    // A server whose own certificate is one of these is trusted, regardless of who signed it.
    named: Vec<CertificateDer<'static>>,
    looks_at_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(judge) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        if self.named.contains(end_entity) {
            if self.looks_at_name {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }))
                if !self.looks_at_name =>
            {
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
