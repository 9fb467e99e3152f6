//! `oauth2` of a client's settings.

use serde_json::Map;

use super::{PROXY, TLS, at_most_one, secret, transport};
use crate::client::TokenCache;
use crate::client::options::{Assertion, Grant, OAuth2, RsaAlgorithm};
use crate::model::Span;
use crate::yaml::value::json;
use crate::yaml::{Kind, Node, Problems, Section, field};

pub(super) static OAUTH2: Section = Section {
    name: "oauth2",
    fields: &[
        &[
            field("client_id", Kind::Text).always(),
            field("client_secret", Kind::Secret),
            field("client_secret_file", Kind::Path),
            field("client_secret_ref", Kind::Text).idle(),
            field("client_certificate_key_id", Kind::Text),
            field("client_certificate_key", Kind::Secret),
            field("client_certificate_key_file", Kind::Path),
            field("client_certificate_key_ref", Kind::Text).idle(),
            field("grant_type", Kind::Text),
            field("iss", Kind::Text),
            field("audience", Kind::Text),
            field("claims", Kind::Map(&Kind::Any)),
            field("signature_algorithm", Kind::Text),
            field("scopes", Kind::List(&Kind::Text)),
            field("token_url", Kind::Text).always(),
            field("endpoint_params", Kind::Map(&Kind::Text)),
            field("tls_config", Kind::Section(&TLS)),
        ],
        PROXY,
    ],
};

const ASSERTION_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// None where it names no client or no server, which is told. `at` is the place of its key.
pub(super) fn oauth2(node: &Node, at: Span, problems: &mut Problems<'_>) -> Option<OAuth2> {
    for key in ["client_id", "token_url"] {
        if node.text(key).is_none() {
            problems.error(at, format!("oauth2 {key} must be configured"));
        }
    }
    // As in Prometheus, any other type means the client's credentials.
    let grant = match node.text("grant_type") {
        Some(ASSERTION_GRANT) => Grant::Assertion(assertion(node, problems)),
        _ => {
            let message = "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured using grant-type=client_credentials";
            at_most_one(node, &["client_secret", "client_secret_file", "client_secret_ref"], message, problems);
            Grant::Secret(secret(node, "client_secret", "client_secret_file"))
        }
    };
    Some(OAuth2 {
        client_id: node.text("client_id")?.to_owned(),
        grant,
        scopes: node.texts("scopes"),
        token_url: node.text("token_url")?.to_owned(),
        endpoint_params: node.pairs("endpoint_params"),
        client: Box::new(transport(node, problems)),
        tokens: TokenCache::default(),
    })
}

fn assertion(node: &Node, problems: &mut Problems<'_>) -> Assertion {
    let message = "at most one of oauth2 client_certificate_key, client_certificate_key_file & client_certificate_key_ref must be configured using grant-type=urn:ietf:params:oauth:grant-type:jwt-bearer";
    let keys = ["client_certificate_key", "client_certificate_key_file", "client_certificate_key_ref"];
    at_most_one(node, &keys, message, problems);
    let algorithm = match node.text("signature_algorithm") {
        None | Some("RS256") => RsaAlgorithm::Rs256,
        Some("RS384") => RsaAlgorithm::Rs384,
        Some("RS512") => RsaAlgorithm::Rs512,
        Some(_) => {
            let at = node.key_span("signature_algorithm");
            problems.error(at, "valid signature algorithms are RS256, RS384 and RS512");
            RsaAlgorithm::Rs256
        }
    };
    let text = |key: &str| node.text(key).unwrap_or("").to_owned();
    let claims =
        node.get("claims").map(|map| map.entries().iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect::<Map<_, _>>());
    Assertion {
        key: secret(node, "client_certificate_key", "client_certificate_key_file"),
        key_id: text("client_certificate_key_id"),
        issuer: text("iss"),
        audience: text("audience"),
        algorithm,
        claims: claims.unwrap_or_default(),
    }
}
