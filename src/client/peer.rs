//! TLS over a connection that is open already, together with what the other side showed: also where it is not believed.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificate::{self, Certificate};
use super::{ClientError, TlsOptions, tls};

/// What the other side showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// `TLS 1.3`.
    pub protocol: &'static str,
    /// Its own certificate first.
    pub chain: Vec<Certificate>,
    /// Whether it was compared with anything.
    pub is_checked: bool,
}

/// Why there is no encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFailure {
    pub reason: String,
    /// What was shown until then.
    pub peer: Peer,
}

/// Shakes hands as `options` ask for it, and expects `host` unless they name another.
pub async fn encrypt<S>(stream: S, host: &str, options: &TlsOptions) -> Result<(TlsStream<S>, Peer), TlsFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let is_checked = !options.insecure_skip_verify;
    let unusable = |error: ClientError| TlsFailure { reason: error.to_string(), peer: Peer::default() };
    let shown = Arc::new(Mutex::new(Vec::new()));
    let inner = tls::verifier(options).map_err(unusable)?;
    let config = tls::config_with(options, Arc::new(Recording { inner, shown: shown.clone() })).map_err(unusable)?;
    let name = tls::server_name(options, host).map_err(unusable)?;
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let chain = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shaken {
        Ok(stream) => {
            let protocol = match stream.get_ref().1.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
                Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
                _ => "TLS",
            };
            Ok((stream, Peer { protocol, chain, is_checked }))
        }
        Err(error) => Err(TlsFailure { reason: error.to_string(), peer: Peer { protocol: "TLS", chain, is_checked } }),
    }
}

/// Another's judgement, with a note of what was judged.
#[derive(Debug)]
struct Recording {
    inner: Arc<dyn ServerCertVerifier>,
    shown: Arc<Mutex<Vec<Certificate>>>,
}

impl ServerCertVerifier for Recording {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(certificate::read).collect();
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
