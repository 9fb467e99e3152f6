//! Files of `--web.config.file`: what they mean, and what is wrong with them in the words that Prometheus has.

use std::path::Path;

use super::parse_web;
use crate::http::options::{ClientAuth, Pem, RateLimit};
use crate::model::DurationMs;
use crate::yaml::Source;

const HASH: &str = "$2y$10$abcdefghijklmnopqrstuuKT1WJ5YPvWgOZ0q9fTUxx7sTZxO3v8m";

fn load(text: &str) -> Result<super::WebConfig, Vec<String>> {
    let told = |problems: Vec<crate::model::Problem>| {
        problems.into_iter().map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.message))
    };
    parse_web(&Source::new("web.yml", text), Path::new("/etc/p")).map_err(|problems| told(problems).collect())
}

#[test]
fn every_field_has_its_meaning() {
    let text = format!(
        "tls_server_config:\n  cert_file: c.pem\n  cert: inline\n  key: inline\n  client_ca_file: /ca.pem\n  client_auth_type: RequireClientCert\n  \
         client_allowed_sans: [a, b]\n  min_version: TLS13\n  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n  \
         curve_preferences: [X25519, CurveP521]\n  prefer_server_cipher_suites: false\nhttp_server_config:\n  http2: false\n  \
         headers: {{X-Frame-Options: deny, Content-Security-Policy: x, X-XSS-Protection: ''}}\nbasic_auth_users: {{me: {HASH}}}\n\
         rate_limit: {{interval: 1s500ms, burst: 3}}\n"
    );
    let web = load(&text).unwrap();
    let notes: Vec<_> = web.notes.iter().map(|note| note.message.as_str()).collect();
    assert_eq!(notes, ["promlet does not have the curve CurveP521: it is left out"]);
    let options = web.options;
    let tls = options.tls.unwrap();
    assert_eq!((tls.cert, tls.client_ca), (Pem::File("/etc/p/c.pem".into()), Some(Pem::File("/ca.pem".into()))));
    assert!(matches!(tls.key, Pem::Inline(_)));
    assert_eq!((tls.client_auth, tls.tls12, tls.tls13, tls.prefer_server_order), (ClientAuth::RequireAny, false, true, false));
    assert_eq!(tls.allowed_sans.as_deref(), Some(&["a".to_owned(), "b".to_owned()][..]));
    let headers = [("X-Frame-Options", "deny"), ("Content-Security-Policy", "x")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!((options.http2, options.headers.as_slice()), (false, headers.as_slice()));
    assert_eq!(options.users[0].0, "me");
    assert_eq!(options.rate_limit, Some(RateLimit { interval: DurationMs(1_500), burst: 3 }));
    for text in ["", "# nothing\n", "tls_server_config: {min_version: TLS13}\n", "basic_auth_users:\n", "rate_limit: {interval: 0s}\n"] {
        let options = load(text).unwrap().options;
        assert!(options.tls.is_none() && options.http2 && options.users.is_empty() && options.rate_limit.is_none(), "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let tls = |more: &str| format!("tls_server_config: {{cert_file: c, key_file: k, {more}}}\n");
    for (text, expected) in [
        ("tls_server_config: {cert_file: c}\n".to_owned(), "1:20 missing one of key or key_file"),
        ("tls_server_config: {client_auth_type: RequestClientCert, key_file: k}\n".to_owned(), "1:20 missing one of cert or cert_file"),
        (tls("client_auth_type: Never"), "1:48 invalid ClientAuth: Never"),
        (tls("client_ca_file: x"), "1:20 client CA's have been configured without a Client Auth Policy"),
        (tls("client_allowed_sans: [x]"), "1:48 client_allowed_sans requires client_auth_type to be one of"),
        (tls("cipher_suites: [TLS_X]"), "1:64 unknown cipher: TLS_X"),
        (tls("curve_preferences: [CurveP522]"), "1:68 unknown curve: CurveP522"),
        (tls("curve_preferences: [CurveP521]"), "1:48 none of the curve_preferences"),
        (tls("max_version: TLS12, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]"), "1:68 none of the cipher_suites"),
        (tls("min_version: TLS14"), "1:61 unknown TLS version \"TLS14\""),
        (tls("max_version: TLS11"), "1:48 min_version and max_version leave neither"),
        (tls("min_version: TLS13, max_version: TLS12"), "1:68 min_version and max_version leave neither"),
        ("http_server_config: {headers: {X-Powered-By: x}}\n".to_owned(), "1:32 HTTP header \"X-Powered-By\" can not be configured"),
        (
            "http_server_config: {headers: {X-Frame-Options: no}}\n".to_owned(),
            "1:49 invalid value for X-Frame-Options. Expected one of: [\"deny\" \"sameorigin\"], but got: \"no\"",
        ),
        (
            "basic_auth_users: {me: secret}\n".to_owned(),
            "1:20 user \"me\": crypto/bcrypt: hashedSecret too short to be a bcrypted password",
        ),
        ("basic_auth_user: {}\n".to_owned(), "1:1 field basic_auth_user not found in web configuration"),
    ] {
        let problems = load(&text).unwrap_err();
        assert!(problems.iter().any(|told| told.starts_with(expected)), "{text}: {problems:?}");
    }
}
