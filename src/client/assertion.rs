//! A JSON web token that the client signs with its RSA key (RFC 7515, RFC 7519), as RFC 7523 wants it for a token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Map, Value, json};

use super::{Assertion, OAuth2, RsaAlgorithm};
use crate::model::{Secret, TimestampMs};

/// How long the server may take the assertion for good.
const LASTS_SECONDS: i64 = 600;

/// The assertion, good from now on. The error says what is wrong with the key, never the key.
pub(super) fn signed(assertion: &Assertion, oauth2: &OAuth2, key: &Secret, now: TimestampMs) -> Result<Secret, String> {
    let key = key_pair(key)?;
    let (name, algorithm): (_, &'static dyn ring::signature::RsaEncoding) = match assertion.algorithm {
        RsaAlgorithm::Rs256 => ("RS256", &RSA_PKCS1_SHA256),
        RsaAlgorithm::Rs384 => ("RS384", &RSA_PKCS1_SHA384),
        RsaAlgorithm::Rs512 => ("RS512", &RSA_PKCS1_SHA512),
    };
    let mut header = json!({"alg": name, "typ": "JWT"});
    if !assertion.key_id.is_empty() {
        header["kid"] = Value::from(assertion.key_id.as_str());
    }
    let random = SystemRandom::new();
    let no_random = |_| "the system gives no random numbers".to_owned();
    let claims = claims(assertion, oauth2, now, &id(&random).map_err(no_random)?);
    let encoded = |value: String| URL_SAFE_NO_PAD.encode(value);
    let text = format!("{}.{}", encoded(header.to_string()), encoded(Value::Object(claims).to_string()));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(algorithm, &random, text.as_bytes(), &mut signature).map_err(no_random)?;
    Ok(Secret::new(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

fn claims(assertion: &Assertion, oauth2: &OAuth2, now: TimestampMs, id: &str) -> Map<String, Value> {
    let either = |text: &str, default: &str| Value::from(if text.is_empty() { default } else { text });
    let seconds = now.0.div_euclid(1000);
    let mut claims = Map::new();
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("iss", either(&assertion.issuer, &oauth2.client_id));
    set("sub", Value::from(oauth2.client_id.as_str()));
    set("jti", Value::from(id));
    set("aud", either(&assertion.audience, &oauth2.token_url));
    set("iat", Value::from(seconds));
    set("exp", Value::from(seconds + LASTS_SECONDS));
    if !oauth2.scopes.is_empty() {
        set("scope", Value::from(oauth2.scopes.join(" ")));
    }
    claims.extend(assertion.claims.clone());
    claims
}

/// PKCS #8 or PKCS #1 in PEM form.
fn key_pair(pem: &Secret) -> Result<RsaKeyPair, String> {
    let unfit = |reason: &dyn std::fmt::Display| format!("client_certificate_key: no RSA key in PEM form: {reason}");
    let der = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).map_err(|error| unfit(&error))?;
    match &der {
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        _ => return Err(unfit(&"a key of another kind")),
    }
    .map_err(|error| unfit(&error))
}

/// A random UUID (RFC 9562, version 4).
fn id(random: &SystemRandom) -> Result<String, ring::error::Unspecified> {
    let mut bytes = [0_u8; 16];
    random.fill(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}
