//! `tls_server_config`.

use std::path::PathBuf;

use crate::http::options::{ClientAuth, Pem, ServerTls};
use crate::model::Secret;
use crate::yaml::{Kind, Node, Problems, Section, Words, field};

static VERSION: Words = Words { name: "TLS version", words: &VERSIONS, any_case: false };
const VERSIONS: [&str; 4] = ["TLS10", "TLS11", "TLS12", "TLS13"];

pub(super) static TLS_SERVER: Section = Section {
    name: "tls_server_config",
    fields: &[&[
        field("cert", Kind::Text),
        field("key", Kind::Secret),
        field("client_ca", Kind::Text),
        field("cert_file", Kind::Path),
        field("key_file", Kind::Path),
        field("client_auth_type", Kind::Text),
        field("client_ca_file", Kind::Path),
        field("client_allowed_sans", Kind::List(&Kind::Text)),
        field("cipher_suites", Kind::List(&Kind::Text)),
        field("curve_preferences", Kind::List(&Kind::Text)),
        field("min_version", Kind::Word(&VERSION)).default("TLS12"),
        field("max_version", Kind::Word(&VERSION)).default("TLS13"),
        field("prefer_server_cipher_suites", Kind::Bool).default("true"),
    ]],
};

/// The suites that Go's servers may be given, and whether we have them; those of TLS 1.3 cannot be chosen.
const SUITES: [(&str, Ours); 13] = [
    ("TLS_AES_128_GCM_SHA256", Ours::Always),
    ("TLS_AES_256_GCM_SHA384", Ours::Always),
    ("TLS_CHACHA20_POLY1305_SHA256", Ours::Always),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", Ours::Never),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", Ours::Never),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", Ours::Never),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", Ours::Never),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Ours::Chosen),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Ours::Chosen),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Ours::Chosen),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Ours::Chosen),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", Ours::Chosen),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", Ours::Chosen),
];
const CURVES: [(&str, Ours); 4] =
    [("CurveP256", Ours::Chosen), ("CurveP384", Ours::Chosen), ("CurveP521", Ours::Never), ("X25519", Ours::Chosen)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ours {
    Always,
    Chosen,
    Never,
}

/// None where nothing asks for encryption.
pub(super) fn tls(node: &Node, problems: &mut Problems<'_>) -> Option<ServerTls> {
    let asking = ["cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file", "client_auth_type"];
    if !asking.iter().any(|key| node.text(key).is_some()) {
        return None;
    }
    let (cert, key, client_ca) = (pem(node, "cert"), pem(node, "key"), pem(node, "client_ca"));
    for (name, given) in [("cert", &cert), ("key", &key)] {
        if given.is_none() {
            problems.error(node.span, format!("missing one of {name} or {name}_file"));
        }
    }
    let client_auth = client_auth(node, problems);
    if client_ca.is_some() && client_auth == ClientAuth::None {
        problems.error(node.span, "client CA's have been configured without a Client Auth Policy");
    }
    let allowed_sans = node.get("client_allowed_sans").map(|_| node.texts("client_allowed_sans"));
    if allowed_sans.is_some() && client_auth == ClientAuth::None {
        let message = "client_allowed_sans requires client_auth_type to be one of RequireAnyClientCert or RequireAndVerifyClientCert";
        problems.error(node.key_span("client_allowed_sans"), message);
    }
    let (tls12, tls13) = versions(node, problems);
    Some(ServerTls {
        cert: cert?,
        key: key?,
        client_auth,
        client_ca,
        allowed_sans,
        tls12,
        tls13,
        cipher_suites: suites(node, tls13, problems),
        prefer_server_order: node.flag("prefer_server_cipher_suites").unwrap_or(true),
        curves: curves(node, problems),
    })
}

/// A file goes before what stands in the configuration itself.
fn pem(node: &Node, key: &str) -> Option<Pem> {
    let file = node.text(&format!("{key}_file")).map(|path| Pem::File(PathBuf::from(path)));
    file.or_else(|| node.text(key).map(|text| Pem::Inline(Secret::new(text))))
}

fn client_auth(node: &Node, problems: &mut Problems<'_>) -> ClientAuth {
    match node.text("client_auth_type") {
        None | Some("NoClientCert") => ClientAuth::None,
        Some("RequestClientCert") => ClientAuth::Request,
        Some("RequireAnyClientCert" | "RequireClientCert") => ClientAuth::RequireAny,
        Some("VerifyClientCertIfGiven") => ClientAuth::VerifyIfGiven,
        Some("RequireAndVerifyClientCert") => ClientAuth::RequireAndVerify,
        Some(other) => {
            problems.error(node.key_span("client_auth_type"), format!("invalid ClientAuth: {other}"));
            ClientAuth::RequireAndVerify
        }
    }
}

/// Whether TLS 1.2 and 1.3 lie within the bounds.
fn versions(node: &Node, problems: &mut Problems<'_>) -> (bool, bool) {
    let place = |key: &str, default: &str| {
        let text = node.text(key).unwrap_or(default);
        VERSIONS.iter().position(|version| *version == text).unwrap_or(2)
    };
    let (min, max) = (place("min_version", "TLS12"), place("max_version", "TLS13"));
    let spoken = (min <= 2 && max >= 2, min <= 3 && max >= 3);
    if spoken == (false, false) {
        let message = "min_version and max_version leave neither TLS12 nor TLS13, the only versions that promlet speaks";
        problems.error(node.key_span("max_version"), message);
    } else if min < 2 {
        let at = node.key_span("min_version");
        problems.note(at, "tls_server_config/min_version", "promlet speaks TLS12 and TLS13 only, whatever lower min_version is set");
    }
    spoken
}

fn suites(node: &Node, tls13: bool, problems: &mut Problems<'_>) -> Vec<String> {
    let given = choices(node, "cipher_suites", "cipher", &SUITES, problems);
    let chosen = given.iter().any(|(_, ours)| *ours == Ours::Chosen);
    if !given.is_empty() && !chosen && !tls13 {
        problems.error(node.key_span("cipher_suites"), "none of the cipher_suites is one of TLS 1.2 that promlet has");
    }
    given.into_iter().map(|(name, _)| name).collect()
}

fn curves(node: &Node, problems: &mut Problems<'_>) -> Vec<String> {
    let given = choices(node, "curve_preferences", "curve", &CURVES, problems);
    if !given.is_empty() && given.iter().all(|(_, ours)| *ours == Ours::Never) {
        problems.error(node.key_span("curve_preferences"), "none of the curve_preferences is one that promlet has");
    }
    given.into_iter().map(|(name, _)| name).collect()
}

fn choices(node: &Node, key: &str, word: &str, known: &[(&str, Ours)], problems: &mut Problems<'_>) -> Vec<(String, Ours)> {
    let mut given = Vec::new();
    for item in node.get(key).map(Node::items).unwrap_or_default() {
        let Some(name) = item.as_text() else { continue };
        match known.iter().find(|(known, _)| *known == name) {
            None => problems.error(item.span, format!("unknown {word}: {name}")),
            Some((_, ours)) => {
                if *ours == Ours::Never {
                    problems.note(item.span, &format!("{key}/{name}"), format!("promlet does not have the {word} {name}: it is left out"));
                }
                given.push((name.to_owned(), *ours));
            }
        }
    }
    given
}
