//! TLS for outgoing connections: rustls on ring, the system's roots or, where there are none, Mozilla's.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::{ClientError, SecretSource, TlsOptions, TlsVersion, certificate};

/// Builds the configuration for one set of options. Reads files: not for a socket worker's hot path.
pub(super) fn config(options: &TlsOptions) -> Result<ClientConfig, ClientError> {
    config_with(options, verifier(options)?)
}

/// Who judges the other side's certificate.
pub(super) fn verifier(options: &TlsOptions) -> Result<Arc<dyn ServerCertVerifier>, ClientError> {
    let provider = provider();
    if options.insecure_skip_verify {
        return Ok(Arc::new(Unverified(provider)));
    }
    let inner = WebPkiServerVerifier::builder_with_provider(roots(options)?, provider).build();
    let inner = inner.map_err(|error| ClientError::Tls(format!("TLS: {error}")))?;
    Ok(match &options.ca {
        Some(source) => Arc::new(Given { inner, certificates: certificates(&text(source)?, "ca")? }),
        None => inner,
    })
}

/// The same with a judge of one's own.
pub(super) fn config_with(options: &TlsOptions, judge: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, ClientError> {
    let versions = versions(options.min_version, options.max_version)?;
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&versions).map_err(|e| tls(&e))?;
    let builder = builder.dangerous().with_custom_certificate_verifier(judge);
    match (&options.cert, &options.key) {
        (Some(cert), Some(key)) => {
            let chain = certificates(&text(cert)?, "cert")?;
            let key = PrivateKeyDer::from_pem_slice(&text(key)?)
                .map_err(|e| ClientError::Tls(format!("unable to use specified client key: {e}")))?;
            builder.with_client_auth_cert(chain, key).map_err(|e| ClientError::Tls(format!("unable to use specified client cert: {e}")))
        }
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(_), None) => Err(ClientError::Tls("a client cert is set without its key: set key or key_file".to_owned())),
        (None, Some(_)) => Err(ClientError::Tls("a client key is set without its cert: set cert or cert_file".to_owned())),
    }
}

/// What the files of these options hold now: others are used when it changes.
pub(super) fn files(options: &TlsOptions) -> Result<Vec<Vec<u8>>, ClientError> {
    let sources = [&options.ca, &options.cert, &options.key];
    sources.into_iter().flatten().filter(|source| source.is_file()).map(text).collect()
}

/// The name that the server's certificate must carry.
pub(super) fn server_name(options: &TlsOptions, host: &str) -> Result<ServerName<'static>, ClientError> {
    let name = options.server_name.as_deref().unwrap_or(host).trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(name.to_owned()).map_err(|_| ClientError::Tls(format!("{name} cannot be a server's name")))
}

/// Those of the versions we speak that lie within the bounds.
fn versions(min: Option<TlsVersion>, max: Option<TlsVersion>) -> Result<Vec<&'static SupportedProtocolVersion>, ClientError> {
    let allowed = |version: TlsVersion| min.is_none_or(|min| min <= version) && max.is_none_or(|max| version <= max);
    let spoken = [(TlsVersion::Tls12, &TLS12), (TlsVersion::Tls13, &TLS13)];
    let versions: Vec<_> = spoken.into_iter().filter(|(version, _)| allowed(*version)).map(|(_, spoken)| spoken).collect();
    if versions.is_empty() {
        let message = "tls_config: min_version and max_version leave neither TLS12 nor TLS13, the only versions that promlet speaks";
        return Err(ClientError::Tls(message.to_owned()));
    }
    Ok(versions)
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone()
}

fn tls(error: &rustls::Error) -> ClientError {
    ClientError::Tls(format!("TLS: {error}"))
}

fn roots(options: &TlsOptions) -> Result<Arc<RootCertStore>, ClientError> {
    static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    match &options.ca {
        Some(source) => {
            let mut store = RootCertStore::empty();
            for certificate in certificates(&text(source)?, "ca")? {
                store.add(certificate).map_err(|e| ClientError::Tls(format!("unable to use specified CA cert: {e}")))?;
            }
            Ok(Arc::new(store))
        }
        None => Ok(SYSTEM.get_or_init(|| Arc::new(system_roots())).clone()),
    }
}

fn system_roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        tracing::info!("the system has no root certificates: using the built-in ones");
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(list) if !list.is_empty() => Ok(list),
        Ok(_) => Err(ClientError::Tls(format!("tls_config {what}: no certificate in PEM form found"))),
        Err(error) => Err(ClientError::Tls(format!("tls_config {what}: {error}"))),
    }
}

fn text(source: &SecretSource) -> Result<Vec<u8>, ClientError> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| ClientError::Secret { path: path.to_owned(), reason: error.to_string() });
    match source {
        SecretSource::Inline(secret) => Ok(secret.expose().as_bytes().to_vec()),
        SecretSource::File(path) => read(path),
    }
}

/// Believes also a server's certificate that itself was given as `ca`, for its names and its time, as Go does. Those who sign their own
/// certificates give just these, and mostly such a one says that it is an authority, which webpki takes from no server.
#[derive(Debug)]
struct Given {
    inner: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Given {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if !self.certificates.iter().any(|given| given == end_entity) {
            return self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        }
        certificate::check_time(end_entity, now)?;
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        Ok(ServerCertVerified::assertion())
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

/// Takes any certificate, as `insecure_skip_verify` asks; signatures are still checked.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::{CertificateError, Error};

    use super::*;
    use crate::model::Secret;

    /// As `openssl req -x509` makes it: signed by itself, and an authority.
    const OWN: &str = include_str!("../../tests/tls/own.pem");
    const OTHER: &str = include_str!("../../tests/tls/authority.pem");

    #[test]
    fn a_certificate_that_is_its_own_authority_is_believed_where_it_was_given() {
        let shown = CertificateDer::from_pem_slice(OWN.as_bytes()).unwrap();
        let judge = |given: &str, name: &'static str, seconds: u64| {
            let options = TlsOptions { ca: Some(SecretSource::Inline(Secret::new(given))), ..TlsOptions::default() };
            let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            verifier(&options).unwrap().verify_server_cert(&shown, &[], &ServerName::try_from(name).unwrap(), &[], now).map(drop)
        };
        let now = 1_800_000_000;
        assert_eq!(judge(OWN, "box.example", now), Ok(()));
        assert_eq!(judge(OWN, "127.0.0.1", now), Ok(()));
        assert_eq!(judge(&format!("{OTHER}{OWN}"), "box.example", now), Ok(()));
        let wrong_name = judge(OWN, "elsewhere.example", now);
        assert!(matches!(wrong_name, Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }))), "{wrong_name:?}");
        assert_eq!(judge(OWN, "box.example", 1_000_000_000), Err(Error::InvalidCertificate(CertificateError::NotValidYet)));
        assert!(judge(OTHER, "box.example", now).is_err());
    }
}
