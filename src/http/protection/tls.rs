//! TLS for our own pages: rustls with the certificates as they are now, and what clients have to show.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{
    DigitallySignedStruct, DistinguishedName, NamedGroup, ProtocolVersion, RootCertStore, ServerConfig, SignatureScheme,
    SupportedProtocolVersion,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::names;
use crate::http::limits::HANDSHAKE_TIMEOUT;
use crate::http::options::{ClientAuth, Pem, ServerTls};

/// A connection after its handshake.
pub struct Encrypted<S> {
    pub stream: TlsStream<S>,
    pub is_http2: bool,
}

/// The configuration in force, made anew when the file or one of those it names has changed.
pub(super) struct Certificates {
    http2: bool,
    current: Mutex<(Material, Arc<ServerConfig>)>,
}

/// Everything that a configuration is made of.
#[derive(PartialEq, Eq)]
struct Material {
    tls: ServerTls,
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Certificates {
    pub(super) fn new(tls: &ServerTls, http2: bool) -> Result<Self, String> {
        let material = Material::read(tls)?;
        let config = Arc::new(material.config(http2)?);
        Ok(Self { http2, current: Mutex::new((material, config)) })
    }

    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, tls: &ServerTls, stream: S) -> Result<Encrypted<S>, String> {
        let accepting = TlsAcceptor::from(self.renewed(tls)?).accept(stream);
        let late = |_| format!("no handshake within {} s", HANDSHAKE_TIMEOUT.as_secs());
        let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, accepting).await.map_err(late)?.map_err(|error| error.to_string())?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Encrypted { stream, is_http2 })
    }

    /// Small files: read on the socket worker itself.
    fn renewed(&self, tls: &ServerTls) -> Result<Arc<ServerConfig>, String> {
        let material = Material::read(tls)?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != material {
            let config = Arc::new(material.config(self.http2)?);
            tracing::info!("certificates or TLS settings have changed: new connections use them");
            *current = (material, config);
        }
        Ok(current.1.clone())
    }
}

/// What a start would complain about.
pub fn check(tls: &ServerTls, http2: bool) -> Result<(), String> {
    Certificates::new(tls, http2).map(drop)
}

impl Material {
    fn read(tls: &ServerTls) -> Result<Self, String> {
        let read = |pem: &Pem, field: &str| match pem {
            Pem::Inline(text) => Ok(text.expose().as_bytes().to_vec()),
            Pem::File(path) => std::fs::read(path).map_err(|error| format!("failed to read {field} ({}): {error}", path.display())),
        };
        let client_ca = tls.client_ca.as_ref().map(|pem| read(pem, "client_ca_file")).transpose()?;
        Ok(Self { tls: tls.clone(), cert: read(&tls.cert, "cert_file")?, key: read(&tls.key, "key_file")?, client_ca })
    }

    fn config(&self, http2: bool) -> Result<ServerConfig, String> {
        let provider = Arc::new(self.provider());
        if http2 && self.lacks_http2_suites() {
            let missing = "cipher_suites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher (need at least one of TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)";
            return Err(format!("{missing}: add one, or set http2 to false in http_server_config"));
        }
        let spoken: [(bool, &SupportedProtocolVersion); 2] = [(self.tls.tls12, &TLS12), (self.tls.tls13, &TLS13)];
        let versions: Vec<_> = spoken.into_iter().filter(|(on, _)| *on).map(|(_, version)| version).collect();
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_protocol_versions(&versions).map_err(|error| format!("tls_server_config: {error}"))?;
        let builder = match self.verifier(&provider)? {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(verifier),
        };
        let pair = |error: &dyn std::fmt::Display| format!("failed to load X509KeyPair: {error}");
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| pair(&error))?;
        let chain = certificates(&self.cert).map_err(|error| pair(&error))?;
        let mut config = builder.with_single_cert(chain, key).map_err(|error| pair(&error))?;
        config.alpn_protocols = if http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        config.ignore_client_order = self.tls.prefer_server_order && !self.tls.cipher_suites.is_empty();
        Ok(config)
    }

    /// As Go's server has it: HTTP/2 over TLS 1.2 needs a suite that every client knows.
    fn lacks_http2_suites(&self) -> bool {
        let suites = &self.tls.cipher_suites;
        let needed = |suite: &String| suite.ends_with("WITH_AES_128_GCM_SHA256") && suite.starts_with("TLS_ECDHE_");
        self.tls.tls12 && !suites.is_empty() && !suites.iter().any(needed)
    }

    fn provider(&self) -> CryptoProvider {
        let mut provider = ring::default_provider();
        if !self.tls.cipher_suites.is_empty() {
            let known = std::mem::take(&mut provider.cipher_suites);
            let named = self.tls.cipher_suites.iter().filter_map(|name| known.iter().find(|suite| format!("{:?}", suite.suite()) == *name));
            let newest = known.iter().filter(|suite| suite.version().version == ProtocolVersion::TLSv1_3);
            provider.cipher_suites = newest.chain(named).copied().collect();
        }
        if !self.tls.curves.is_empty() {
            let known = std::mem::take(&mut provider.kx_groups);
            let named = self.tls.curves.iter().filter_map(|name| group(name));
            provider.kx_groups = named.filter_map(|name| known.iter().find(|group| group.name() == name)).copied().collect();
        }
        provider
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
        let (asks, is_required, verifies) = match self.tls.client_auth {
            ClientAuth::None => (false, false, false),
            ClientAuth::Request => (true, false, false),
            ClientAuth::RequireAny => (true, true, false),
            ClientAuth::VerifyIfGiven => (true, false, true),
            ClientAuth::RequireAndVerify => (true, true, true),
        };
        if !asks {
            return Ok(None);
        }
        let chain = if verifies { Some(self.chain_verifier(provider)?) } else { None };
        let allowed = self.tls.allowed_sans.clone();
        Ok(Some(Arc::new(Clients { chain, is_required: is_required || allowed.is_some(), allowed, provider: provider.clone() })))
    }

    fn chain_verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, String> {
        let mut roots = RootCertStore::empty();
        match &self.client_ca {
            Some(pem) => {
                for certificate in certificates(pem).map_err(|error| format!("client_ca_file: {error}"))? {
                    roots.add(certificate).map_err(|error| format!("client_ca_file: {error}"))?;
                }
            }
            None => {
                let _counts = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let missing = "client certificates cannot be verified: no authority is known, name one in client_ca_file";
        builder.build().map_err(|error| format!("{missing} ({error})"))
    }
}

/// What Go calls the groups of key exchange; CurveP521 is none of ours.
fn group(name: &str) -> Option<NamedGroup> {
    match name {
        "X25519" => Some(NamedGroup::X25519),
        "CurveP256" => Some(NamedGroup::secp256r1),
        "CurveP384" => Some(NamedGroup::secp384r1),
        _ => None,
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(list) if !list.is_empty() => Ok(list),
        Ok(_) => Err("no certificate in PEM form found".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Who may connect.
#[derive(Debug)]
struct Clients {
    /// None: any certificate will do, as long as its owner has the key.
    chain: Option<Arc<dyn ClientCertVerifier>>,
    is_required: bool,
    allowed: Option<Vec<String>>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.is_required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.as_ref().map_or(&[], |chain| chain.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if let Some(chain) = &self.chain {
            chain.verify_client_cert(end_entity, intermediates, now)?;
        }
        if let Some(allowed) = &self.allowed {
            let names = names::of(end_entity);
            if !names.iter().any(|name| allowed.contains(name)) {
                return Err(rustls::Error::General(format!("could not find allowed SANs in client cert, found: {names:?}")));
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
