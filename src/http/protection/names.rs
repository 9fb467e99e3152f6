//! The names that a certificate carries beside its subject (RFC 5280, section 4.2.1.6).

use std::net::{Ipv4Addr, Ipv6Addr};

use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// DNS names, mail addresses, URIs and IP addresses as texts; none for what is no certificate.
pub(super) fn of(certificate: &[u8]) -> Vec<String> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let names = parsed.subject_alternative_name().ok().flatten().map(|extension| &extension.value.general_names);
    names.into_iter().flatten().filter_map(text).collect()
}

fn text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => Some((*text).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| Ipv6Addr::from(sixteen).to_string())
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn all_kinds_of_names_are_found_and_damage_is_none() {
        let pem = include_bytes!("../../../tests/tls/client.pem");
        let certificate = CertificateDer::from_pem_slice(pem).unwrap();
        assert_eq!(of(&certificate), ["client.example", "me@example.org", "spiffe://x/y", "10.0.0.1", "fd00::1"]);
        assert!(of(&CertificateDer::from_pem_slice(include_bytes!("../../../tests/tls/authority.pem")).unwrap()).is_empty());
        for length in 0..certificate.len() {
            of(&certificate[..length]);
        }
    }
}
