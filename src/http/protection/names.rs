//! The names that a certificate carries beside its subject (RFC 5280, section 4.2.1.6).

use std::net::{Ipv4Addr, Ipv6Addr};

const SEQUENCE: u8 = 0x30;
const OBJECT: u8 = 0x06;
const OCTETS: u8 = 0x04;
/// `[3] EXPLICIT` of a certificate's body.
const EXTENSIONS: u8 = 0xa3;
/// 2.5.29.17.
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1d, 0x11];
/// Mail addresses, DNS names and URIs.
const TEXTS: [u8; 3] = [0x81, 0x82, 0x86];
const ADDRESS: u8 = 0x87;

/// DNS names, mail addresses, URIs and IP addresses as texts; none for what is no certificate.
pub(super) fn of(certificate: &[u8]) -> Vec<String> {
    let Some(list) = subject_alt_name(certificate) else { return Vec::new() };
    let mut names = Vec::new();
    let mut rest = list;
    while let Some((tag, content, after)) = element(rest) {
        rest = after;
        match tag {
            tag if TEXTS.contains(&tag) => names.extend(String::from_utf8(content.to_vec())),
            ADDRESS => names.extend(address(content)),
            _ => {}
        }
    }
    names
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| Ipv6Addr::from(sixteen).to_string())
}

/// The content of the list of names.
fn subject_alt_name(certificate: &[u8]) -> Option<&[u8]> {
    let body = expect(SEQUENCE, expect(SEQUENCE, certificate)?)?;
    let mut extensions = expect(SEQUENCE, find(body, |tag, _| tag == EXTENSIONS)?)?;
    while let Some((_, extension, after)) = element(extensions) {
        extensions = after;
        let is_ours = element(extension).is_some_and(|(tag, id, _)| tag == OBJECT && id == SUBJECT_ALT_NAME);
        if is_ours {
            return expect(SEQUENCE, find(extension, |tag, _| tag == OCTETS)?);
        }
    }
    None
}

/// The content of the first element that fits.
fn find(mut list: &[u8], fits: impl Fn(u8, &[u8]) -> bool) -> Option<&[u8]> {
    while let Some((tag, content, after)) = element(list) {
        if fits(tag, content) {
            return Some(content);
        }
        list = after;
    }
    None
}

fn expect(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
    element(bytes).filter(|(found, _, _)| *found == tag).map(|(_, content, _)| content)
}

/// Tag, content and what follows (X.690: definite lengths, tags of one byte).
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
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
