//! What an X.509 certificate says of itself (RFC 5280), for a person who looks for a mistake. Nothing but its time is checked here.

use rustls::CertificateError;
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, X509Certificate, X509Name};

use crate::model::TimestampMs;

/// Names shown of one certificate.
const NAMES_MAX: usize = 20;

/// What is empty could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    pub subject: String,
    pub issuer: String,
    /// Hosts that it is for.
    pub names: Vec<String>,
    /// `2024-01-02 03:04:05 UTC`.
    pub not_before: String,
    pub not_after: String,
}

pub fn read(der: &CertificateDer<'_>) -> Certificate {
    let Ok((_, parsed)) = X509Certificate::from_der(der) else { return Certificate::default() };
    let names = parsed.subject_alternative_name().ok().flatten().map(|extension| &extension.value.general_names);
    Certificate {
        subject: name(parsed.subject()),
        issuer: name(parsed.issuer()),
        names: names.into_iter().flatten().filter_map(host).take(NAMES_MAX).collect(),
        not_before: moment(parsed.validity().not_before),
        not_after: moment(parsed.validity().not_after),
    }
}

/// Whether it is good at this time.
pub(super) fn check_time(der: &CertificateDer<'_>, now: UnixTime) -> Result<(), CertificateError> {
    let (_, parsed) = X509Certificate::from_der(der).map_err(|_| CertificateError::BadEncoding)?;
    let (validity, now) = (parsed.validity(), i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    if now < validity.not_before.timestamp() {
        Err(CertificateError::NotValidYet)
    } else if now > validity.not_after.timestamp() {
        Err(CertificateError::Expired)
    } else {
        Ok(())
    }
}

/// The common name, or else the organization.
fn name(of: &X509Name<'_>) -> String {
    let text = of.iter_common_name().chain(of.iter_organization()).find_map(|attribute| attribute.as_str().ok());
    shown(text.unwrap_or(""))
}

fn host(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(host) => Some(shown(host)),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    }
}

/// The certificate is a stranger's: nothing that a terminal would act on.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| std::net::Ipv6Addr::from(sixteen).to_string())
}

fn moment(at: ASN1Time) -> String {
    TimestampMs(at.timestamp().saturating_mul(1000)).rfc3339().replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls_pki_types::pem::PemObject;

    use super::*;

    const SERVER: &str = include_str!("../../tests/notify/server.pem");

    // As `openssl x509 -noout -subject -issuer -dates -ext subjectAltName` reads it.
    #[test]
    fn a_certificate_is_read_as_openssl_reads_it() {
        let der = CertificateDer::from_pem_slice(SERVER.as_bytes()).unwrap();
        let read = read(&der);
        assert_eq!((read.subject.as_str(), read.issuer.as_str()), ("localhost", "promlet test authority"));
        assert_eq!(read.names, ["localhost", "127.0.0.1"]);
        assert_eq!((read.not_before.as_str(), read.not_after.as_str()), ("2026-11-21 00:39:15 UTC", "2126-10-28 00:39:15 UTC"));
        let at = |seconds| check_time(&der, UnixTime::since_unix_epoch(Duration::from_secs(seconds)));
        assert_eq!(at(1_795_221_554), Err(CertificateError::NotValidYet));
        assert_eq!((at(1_795_221_555), at(4_948_821_555)), (Ok(()), Ok(())));
        assert_eq!(at(4_948_821_556), Err(CertificateError::Expired));
    }

    #[test]
    fn what_is_cut_or_damaged_is_read_as_nothing() {
        let der = CertificateDer::from_pem_slice(SERVER.as_bytes()).unwrap();
        for length in 0..der.len() {
            assert_eq!(read(&CertificateDer::from(der[..length].to_vec())), Certificate::default());
        }
        for at in 0..der.len() {
            let mut damaged = der.to_vec();
            damaged[at] ^= 0xff;
            read(&CertificateDer::from(damaged));
        }
    }
}
