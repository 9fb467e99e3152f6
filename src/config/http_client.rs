//! The HTTP client settings that jobs, discovery, remote write and receivers share.

mod oauth2;

use std::path::{Path, PathBuf};

use crate::client::options::{Authorization, BasicAuth, ClientOptions, SecretSource, TlsOptions, TlsVersion};
use crate::config::Loaded;
use crate::model::Secret;
use crate::yaml::shape::resolve_paths;
use crate::yaml::{self, Entry, Field, Kind, Node, Problems, Section, Source, Words, field};

static BASIC_AUTH: Section = Section {
    name: "basic_auth",
    fields: &[&[
        field("username", Kind::Text).always(),
        field("username_file", Kind::Path),
        field("username_ref", Kind::Text).idle(),
        field("password", Kind::Secret),
        field("password_file", Kind::Path),
        field("password_ref", Kind::Text).idle(),
    ]],
};

static AUTHORIZATION: Section = Section {
    name: "authorization",
    fields: &[&[
        field("type", Kind::Text).default("Bearer"),
        field("credentials", Kind::Secret),
        field("credentials_file", Kind::Path),
        field("credentials_ref", Kind::Text).idle(),
    ]],
};

static TLS_VERSION: Words = Words { name: "TLS version", words: &["TLS10", "TLS11", "TLS12", "TLS13"], any_case: false };

/// `tls_config`.
pub static TLS: Section = Section {
    name: "tls_config",
    fields: &[&[
        field("ca", Kind::Text),
        field("cert", Kind::Text),
        field("key", Kind::Secret),
        field("ca_file", Kind::Path),
        field("cert_file", Kind::Path),
        field("key_file", Kind::Path),
        field("ca_ref", Kind::Text).idle(),
        field("cert_ref", Kind::Text).idle(),
        field("key_ref", Kind::Text).idle(),
        field("server_name", Kind::Text),
        field("insecure_skip_verify", Kind::Bool).always(),
        field("min_version", Kind::Word(&TLS_VERSION)),
        field("max_version", Kind::Word(&TLS_VERSION)),
    ]],
};

pub(super) static PROXY: &[Field] = &[
    field("proxy_url", Kind::Link),
    field("no_proxy", Kind::Text),
    field("proxy_from_environment", Kind::Bool),
    field("proxy_connect_header", Kind::Map(&Kind::List(&Kind::Secret))),
];

/// One of `http_headers`.
pub static HEADER: Section = Section {
    name: "http_headers",
    fields: &[&[
        field("values", Kind::List(&Kind::Text)),
        field("secrets", Kind::List(&Kind::Secret)),
        field("files", Kind::List(&Kind::Path)),
    ]],
};

/// Where the keys stand beside others, as in a scrape job.
pub static CLIENT: &[Field] = &[
    field("basic_auth", Kind::Section(&BASIC_AUTH)),
    field("authorization", Kind::Section(&AUTHORIZATION)),
    field("oauth2", Kind::Section(&oauth2::OAUTH2)),
    field("bearer_token", Kind::Secret),
    field("bearer_token_file", Kind::Path),
    field("tls_config", Kind::Section(&TLS)),
    field("follow_redirects", Kind::Bool).default("true").always(),
    field("enable_http2", Kind::Bool).default("true").always(),
    field("proxy_url", Kind::Link),
    field("no_proxy", Kind::Text),
    field("proxy_from_environment", Kind::Bool),
    field("proxy_connect_header", Kind::Map(&Kind::List(&Kind::Secret))),
    field("http_headers", Kind::Map(&Kind::Section(&HEADER))),
];

/// `http_config` of Alertmanager.
pub static HTTP_CONFIG: Section = Section { name: "http_config", fields: &[CLIENT] };

/// Headers that the client itself sets.
const RESERVED: [&str; 22] = [
    "accept-charset",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "host",
    "keep-alive",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "www-authenticate",
    "x-prometheus-scrape-timeout-seconds",
];

/// A secret in the tree itself or in a file.
pub fn secret(node: &Node, key: &str, file_key: &str) -> Option<SecretSource> {
    let inline = node.text(key).map(|text| SecretSource::Inline(Secret::new(text)));
    inline.or_else(|| node.text(file_key).map(|path| SecretSource::File(PathBuf::from(path))))
}

/// Says so where more than one of the keys is set.
pub fn at_most_one(node: &Node, keys: &[&str], message: &str, problems: &mut Problems<'_>) {
    let set: Vec<&&str> = keys.iter().filter(|key| is_set(node, key)).collect();
    if let [_, second, ..] = set[..] {
        problems.error(node.key_span(second), message);
    }
}

fn is_set(node: &Node, key: &str) -> bool {
    node.get(key).is_some_and(|value| value.as_text() != Some(""))
}

/// A file that holds what `http_config` does, as `--http.config.file` names it; relative paths count from its folder.
pub fn load(path: &Path) -> Loaded<ClientOptions> {
    let source = Source::read(path).map_err(|problem| vec![problem])?;
    let mut problems = Problems::new(&source);
    let mut options = ClientOptions::default();
    if let Some(mut root) = yaml::parse(&source, &mut problems).filter(|root| !root.is_null()) {
        yaml::check(&root, &HTTP_CONFIG, &mut problems);
        resolve_paths(&mut root, &HTTP_CONFIG, path.parent().unwrap_or(Path::new("")));
        options = client(&root, &mut problems);
    }
    let (errors, _notes) = problems.finish();
    if errors.is_empty() { Ok(options) } else { Err(errors) }
}

/// Reads the client's keys out of `node`, a mapping that may hold others too.
pub fn client(node: &Node, problems: &mut Problems<'_>) -> ClientOptions {
    check_authentication(node, problems);
    let basic_auth = node.get("basic_auth").map(|basic| BasicAuth {
        username: secret(basic, "username", "username_file").unwrap_or(SecretSource::Inline(Secret::default())),
        password: secret(basic, "password", "password_file"),
    });
    let bearer = secret(node, "bearer_token", "bearer_token_file");
    let authorization = match node.get("authorization") {
        Some(given) => Some(Authorization {
            scheme: given.text("type").map(str::trim).filter(|kind| !kind.is_empty()).unwrap_or("Bearer").to_owned(),
            credentials: secret(given, "credentials", "credentials_file"),
        }),
        None => bearer.map(|credentials| Authorization { scheme: "Bearer".to_owned(), credentials: Some(credentials) }),
    };
    ClientOptions {
        basic_auth,
        authorization,
        oauth2: node.get("oauth2").and_then(|given| oauth2::oauth2(given, node.key_span("oauth2"), problems)),
        follow_redirects: node.flag("follow_redirects").unwrap_or(true),
        headers: headers(node, problems),
        ..transport(node, problems)
    }
}

/// TLS and proxy alone.
fn transport(node: &Node, problems: &mut Problems<'_>) -> ClientOptions {
    check_proxy(node, problems);
    let proxy_header = |entry: &Entry| {
        let texts: Vec<_> = entry.value.items().iter().filter_map(Node::as_text).map(Secret::new).collect();
        texts.into_iter().map(|text| (entry.key.clone(), text)).collect::<Vec<_>>()
    };
    ClientOptions {
        tls: node.get("tls_config").map(|given| tls(given, problems)).unwrap_or_default(),
        proxy_url: node.text("proxy_url").map(str::to_owned),
        no_proxy: node.text("no_proxy").map(str::to_owned),
        proxy_from_environment: node.flag("proxy_from_environment").unwrap_or(false),
        proxy_headers: node
            .get("proxy_connect_header")
            .map(|map| map.entries().iter().flat_map(proxy_header).collect())
            .unwrap_or_default(),
        ..ClientOptions::default()
    }
}

fn check_authentication(node: &Node, problems: &mut Problems<'_>) {
    let bearer = ["bearer_token", "bearer_token_file"];
    at_most_one(node, &bearer, "at most one of bearer_token & bearer_token_file must be configured", problems);
    if node.get("authorization").is_some() {
        let mut keys = vec!["authorization"];
        keys.extend(bearer);
        at_most_one(node, &keys, "authorization is not compatible with bearer_token & bearer_token_file", problems);
        let message = "at most one of basic_auth, oauth2 & authorization must be configured";
        at_most_one(node, &["basic_auth", "oauth2", "authorization"], message, problems);
    } else if bearer.iter().any(|key| is_set(node, key)) {
        let message = "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured";
        at_most_one(node, &["basic_auth", "oauth2", "bearer_token", "bearer_token_file"], message, problems);
    } else {
        let message = "at most one of basic_auth, oauth2 & authorization must be configured";
        at_most_one(node, &["basic_auth", "oauth2"], message, problems);
    }
    if let Some(basic) = node.get("basic_auth") {
        let message = "at most one of basic_auth username, username_file & username_ref must be configured";
        at_most_one(basic, &["username", "username_file", "username_ref"], message, problems);
        let message = "at most one of basic_auth password, password_file & password_ref must be configured";
        at_most_one(basic, &["password", "password_file", "password_ref"], message, problems);
    }
    if let Some(authorization) = node.get("authorization") {
        let message = "at most one of authorization credentials & credentials_file must be configured";
        at_most_one(authorization, &["credentials", "credentials_file", "credentials_ref"], message, problems);
        if authorization.text("type").is_some_and(|kind| kind.trim().eq_ignore_ascii_case("basic")) {
            problems.error(authorization.key_span("type"), "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
        }
    }
}

/// The old notation of a bearer's token becomes the new one, as Prometheus's libraries print it; where it stands beside others it is left
/// for the checks.
pub fn settle_bearer(client: &mut Node) {
    let given: Vec<&str> = ["bearer_token", "bearer_token_file"].into_iter().filter(|key| is_set(client, key)).collect();
    let others = ["authorization", "basic_auth", "oauth2"].iter().any(|key| client.get(key).is_some());
    if let ([key], false) = (&given[..], others)
        && let Some(value) = client.get(key).cloned()
    {
        let mut authorization = Node::empty_map(value.span);
        authorization.set("type", Node::quoted("Bearer", value.span));
        authorization.set(if key.ends_with("_file") { "credentials_file" } else { "credentials" }, value);
        client.set("authorization", authorization);
        client.remove(key);
    }
}

/// Whether requests carry an `Authorization` header of the client's own, in the old notation or the new one.
pub fn has_authorization(client: &Node) -> bool {
    ["authorization", "bearer_token", "bearer_token_file"].iter().any(|key| is_set(client, key))
}

fn check_proxy(node: &Node, problems: &mut Problems<'_>) {
    let from_environment = node.flag("proxy_from_environment") == Some(true);
    let url = node.text("proxy_url").is_some();
    if node.get("proxy_connect_header").is_some_and(|headers| !headers.entries().is_empty()) && !url && !from_environment {
        let at = node.key_span("proxy_connect_header");
        problems.error(at, "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured");
    }
    if from_environment && url {
        let at = node.key_span("proxy_from_environment");
        problems.error(at, "if proxy_from_environment is configured, proxy_url must not be configured");
    }
    if node.text("no_proxy").is_some() {
        let at = node.key_span("no_proxy");
        if from_environment {
            problems.error(at, "if proxy_from_environment is configured, no_proxy must not be configured");
        } else if !url {
            problems.error(at, "if no_proxy is configured, proxy_url must also be configured");
        }
    }
}

/// `tls_config`: each part in the file itself or beside it.
pub fn tls(node: &Node, problems: &mut Problems<'_>) -> TlsOptions {
    for part in ["ca", "cert", "key"] {
        let (file, reference) = (format!("{part}_file"), format!("{part}_ref"));
        let message = format!("at most one of {part}, {part}_file & {part}_ref must be configured");
        at_most_one(node, &[part, &file, &reference], &message, problems);
    }
    let either = |part: &str| ["", "_file", "_ref"].iter().any(|end| is_set(node, &format!("{part}{end}")));
    match (either("cert"), either("key")) {
        (true, false) => {
            problems.error(node.span, "exactly one of key or key_file must be configured when a client certificate is configured")
        }
        (false, true) => problems.error(node.span, "exactly one of cert or cert_file must be configured when a client key is configured"),
        _ => {}
    }
    let version = |key: &str| node.text(key).and_then(TlsVersion::parse);
    let (min_version, max_version) = (version("min_version"), version("max_version"));
    if min_version.zip(max_version).is_some_and(|(min, max)| max < min) {
        let message = "tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified";
        problems.error(node.key_span("max_version"), message);
    } else if max_version.is_some_and(|max| max < TlsVersion::Tls12) {
        let at = node.key_span("max_version");
        problems.note(at, "tls_config/max_version", "promlet speaks TLS12 and TLS13 only: nothing is reached with this max_version");
    }
    TlsOptions {
        ca: secret(node, "ca", "ca_file"),
        cert: secret(node, "cert", "cert_file"),
        key: secret(node, "key", "key_file"),
        server_name: node.text("server_name").map(str::to_owned),
        insecure_skip_verify: node.flag("insecure_skip_verify").unwrap_or(false),
        min_version,
        max_version,
    }
}

fn headers(node: &Node, problems: &mut Problems<'_>) -> Vec<(String, SecretSource)> {
    let Some(map) = node.get("http_headers") else { return Vec::new() };
    let mut out = Vec::new();
    for entry in map.entries() {
        if RESERVED.contains(&entry.key.to_lowercase().as_str()) {
            problems.error(entry.key_span, format!("setting header \"{}\" is not allowed", entry.key));
        }
        for key in ["values", "secrets"] {
            let texts = entry.value.texts(key).into_iter();
            out.extend(texts.map(|text| (entry.key.clone(), SecretSource::Inline(Secret::new(text)))));
        }
        out.extend(entry.value.texts("files").into_iter().map(|path| (entry.key.clone(), SecretSource::File(PathBuf::from(path)))));
    }
    out
}
