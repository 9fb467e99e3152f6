//! What an X.509 certificate says of itself (RFC 5280), as far as a person who looks for a mistake wants to know it. Nothing is checked here.

use rustls_pki_types::CertificateDer;

/// Names shown of one certificate.
const NAMES_MAX: usize = 20;
/// `commonName`, `organizationName` and `subjectAltName`, as they are encoded.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

const SEQUENCE: u8 = 0x30;
const BOOLEAN: u8 = 0x01;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

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
    parse(der.as_ref()).unwrap_or_default()
}

fn parse(der: &[u8]) -> Option<Certificate> {
    let (_, certificate, _) = item(der)?;
    let (_, mut rest, _) = item(certificate)?;
    if rest.first() == Some(&VERSION) {
        rest = item(rest)?.2;
    }
    // Serial number and signature algorithm.
    rest = item(item(rest)?.2)?.2;
    let (_, issuer, rest) = item(rest)?;
    let (_, validity, rest) = item(rest)?;
    let (_, subject, rest) = item(rest)?;
    let (_, _public_key, rest) = item(rest)?;
    let (kind, not_before, after) = item(validity)?;
    let (later_kind, not_after, _) = item(after)?;
    Some(Certificate {
        subject: name(subject),
        issuer: name(issuer),
        names: alternative_names(rest).unwrap_or_default(),
        not_before: moment(kind, not_before).unwrap_or_default(),
        not_after: moment(later_kind, not_after).unwrap_or_default(),
    })
}

/// One element: its tag, its content, and what comes after it.
fn item(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let digits = usize::from(first & 0x7f);
        if digits == 0 || digits > 4 || rest.len() < digits {
            return None;
        }
        (rest[..digits].iter().fold(0usize, |length, digit| length << 8 | usize::from(*digit)), &rest[digits..])
    };
    (length <= rest.len()).then(|| (tag, &rest[..length], &rest[length..]))
}

/// The common name, or else the organization.
fn name(mut rest: &[u8]) -> String {
    let (mut common, mut organization) = (String::new(), String::new());
    while let Some((_, set, next)) = item(rest) {
        rest = next;
        let Some((oid, text)) = item(set).and_then(|(_, pair, _)| attribute(pair)) else { continue };
        match oid {
            COMMON_NAME => common = text,
            ORGANIZATION => organization = text,
            _ => {}
        }
    }
    if common.is_empty() { organization } else { common }
}

fn attribute(pair: &[u8]) -> Option<(&[u8], String)> {
    let (_, oid, rest) = item(pair)?;
    let (_, text, _) = item(rest)?;
    Some((oid, shown(text)))
}

/// The certificate is a stranger's: nothing that a terminal would act on.
fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).take(100).collect()
}

fn alternative_names(mut rest: &[u8]) -> Option<Vec<String>> {
    let extensions = loop {
        let (tag, content, next) = item(rest)?;
        if tag == EXTENSIONS {
            break item(content)?.1;
        }
        rest = next;
    };
    rest = extensions;
    while let Some((SEQUENCE, extension, next)) = item(rest) {
        rest = next;
        let (_, oid, mut value) = item(extension)?;
        if oid != ALTERNATIVE_NAMES {
            continue;
        }
        if value.first() == Some(&BOOLEAN) {
            value = item(value)?.2;
        }
        let (_, octets, _) = item(value)?;
        let (_, mut general, _) = item(octets)?;
        let mut names = Vec::new();
        while let Some((tag, text, next)) = item(general) {
            general = next;
            match tag {
                DNS_NAME => names.push(shown(text)),
                IP_ADDRESS => names.extend(address(text)),
                _ => {}
            }
        }
        names.truncate(NAMES_MAX);
        return Some(names);
    }
    None
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| std::net::Ipv6Addr::from(sixteen).to_string())
}

/// `UTCTime` (two digits of the year, from 1950 on) or `GeneralizedTime`.
fn moment(tag: u8, text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii())?;
    let text = match tag {
        0x17 if text.len() == 13 => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        0x18 if text.len() == 15 => text.to_owned(),
        _ => return None,
    };
    let digits = |from: usize| text.get(from..from + 2);
    let (day, time) = ((digits(4)?, digits(6)?), (digits(8)?, digits(10)?, digits(12)?));
    Some(format!("{}-{}-{} {}:{}:{} UTC", text.get(..4)?, day.0, day.1, time.0, time.1, time.2))
}

#[cfg(test)]
mod tests {
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
    }

    #[test]
    fn what_is_cut_or_no_certificate_is_not_read_beyond_its_end() {
        let der = CertificateDer::from_pem_slice(SERVER.as_bytes()).unwrap();
        for length in 0..der.len() {
            let cut = CertificateDer::from(der[..length].to_vec());
            assert_eq!(read(&cut), Certificate::default());
        }
        for at in 0..der.len() {
            let mut damaged = der.to_vec();
            damaged[at] ^= 0xff;
            read(&CertificateDer::from(damaged));
        }
    }

    #[test]
    fn both_forms_of_time_are_read() {
        assert_eq!(moment(0x17, b"490102030405Z").as_deref(), Some("2049-01-02 03:04:05 UTC"));
        assert_eq!(moment(0x17, b"500102030405Z").as_deref(), Some("1950-01-02 03:04:05 UTC"));
        assert_eq!(moment(0x18, b"20500102030405Z").as_deref(), Some("2050-01-02 03:04:05 UTC"));
        assert_eq!(moment(0x18, b"2050").as_deref(), None);
    }
}
