//! What the mechanisms of service discovery ask of their sections beyond keys and types, in Prometheus's words.

use crate::config::http_client;
use crate::yaml::{Node, Problems, address};

/// A key that must not be empty, and the sentence for its absence.
const REQUIRED: [(&str, &str, &str); 29] = [
    ("dns_sd_configs", "names", "DNS-SD config must contain at least one SRV record name"),
    ("http_sd_configs", "url", "URL is missing"),
    ("docker_sd_configs", "host", "host missing"),
    ("dockerswarm_sd_configs", "host", "host missing"),
    ("dockerswarm_sd_configs", "role", "role missing (one of: tasks, services, nodes)"),
    ("kubernetes_sd_configs", "role", "role missing (one of: pod, service, endpoints, endpointslice, node, ingress)"),
    ("kuma_sd_configs", "server", "kuma SD server must not be empty"),
    ("puppetdb_sd_configs", "url", "URL is missing"),
    ("puppetdb_sd_configs", "query", "query missing"),
    ("ionos_sd_configs", "datacenter_id", "datacenter id can't be empty"),
    ("hetzner_sd_configs", "role", "role missing (one of: robot, hcloud)"),
    ("scaleway_sd_configs", "role", "role missing (one of: instance, baremetal)"),
    ("scaleway_sd_configs", "project_id", "project_id is mandatory"),
    ("scaleway_sd_configs", "access_key", "access_key is mandatory"),
    ("openstack_sd_configs", "role", "role missing (one of: instance, hypervisor, loadbalancer)"),
    ("openstack_sd_configs", "region", "openstack SD configuration requires a region"),
    ("marathon_sd_configs", "servers", "marathon_sd: must contain at least one Marathon server"),
    ("nerve_sd_configs", "servers", "nerve SD config must contain at least one Zookeeper server"),
    ("nerve_sd_configs", "paths", "nerve SD config must contain at least one path"),
    ("serverset_sd_configs", "servers", "serverset SD config must contain at least one Zookeeper server"),
    ("serverset_sd_configs", "paths", "serverset SD config must contain at least one path"),
    ("triton_sd_configs", "account", "triton SD configuration requires an account"),
    ("triton_sd_configs", "dns_suffix", "triton SD configuration requires a dns_suffix"),
    ("triton_sd_configs", "endpoint", "triton SD configuration requires an endpoint"),
    ("gce_sd_configs", "project", "GCE SD configuration requires a project"),
    ("gce_sd_configs", "zone", "GCE SD configuration requires a zone"),
    ("eureka_sd_configs", "server", "eureka_sd: empty or null eureka server"),
    ("uyuni_sd_configs", "server", "Uyuni SD configuration requires server host"),
    ("azure_sd_configs", "subscription_id", "azure SD configuration requires a subscription_id"),
];

/// Goes over every mechanism of a job or an Alertmanager section.
pub fn check(node: &Node, problems: &mut Problems<'_>) {
    for entry in node.entries() {
        if !entry.key.ends_with("_sd_configs") || entry.key == "file_sd_configs" {
            continue;
        }
        for section in entry.value.items().iter().filter(|section| !section.is_null()) {
            check_one(&entry.key, section, problems);
        }
    }
}

fn is_empty(section: &Node, key: &str) -> bool {
    section.get(key).is_none_or(|value| value.as_text() == Some("") || (value.as_text().is_none() && value.items().is_empty()))
}

fn check_one(mechanism: &str, section: &Node, problems: &mut Problems<'_>) {
    for (_, key, message) in REQUIRED.iter().filter(|(of, _, _)| *of == mechanism) {
        if is_empty(section, key) {
            problems.error(section.key_span(key), *message);
        }
    }
    http_client::client(section, problems);
    match mechanism {
        "kubernetes_sd_configs" => check_kubernetes(section, problems),
        "http_sd_configs" | "puppetdb_sd_configs" | "eureka_sd_configs" => check_url(mechanism, section, problems),
        "dns_sd_configs" if section.text("type").is_some_and(|kind| !kind.eq_ignore_ascii_case("SRV")) && section.get("port").is_none() => {
            problems.error(section.key_span("type"), "a port is required in DNS-SD configs for all record types except SRV");
        }
        "azure_sd_configs" if section.text("authentication_method").is_none_or(|method| method == "OAuth") => {
            for key in ["tenant_id", "client_id", "client_secret"] {
                if is_empty(section, key) {
                    problems.error(section.key_span(key), format!("azure SD configuration requires a {key}"));
                }
            }
        }
        "marathon_sd_configs" => check_marathon(section, problems),
        "oci_sd_configs" => check_oci(section, problems),
        "scaleway_sd_configs" => {
            let message = "at most one of secret_key & secret_key_file must be configured";
            http_client::at_most_one(section, &["secret_key", "secret_key_file"], message, problems);
            if is_empty(section, "secret_key") && is_empty(section, "secret_key_file") {
                problems.error(section.span, "one of secret_key & secret_key_file must be configured");
            }
        }
        "ec2_sd_configs" => {
            for filter in section.get("filters").map(Node::items).unwrap_or_default() {
                if is_empty(filter, "values") {
                    problems.error(filter.key_span("values"), "EC2 SD configuration filter values cannot be empty");
                }
            }
        }
        _ => {}
    }
}

fn check_url(mechanism: &str, section: &Node, problems: &mut Problems<'_>) {
    let key = if mechanism == "eureka_sd_configs" { "server" } else { "url" };
    let Some(url) = section.text(key) else { return };
    let at = section.get(key).map_or(section.span, |value| value.span);
    let web = url.starts_with("http://") || url.starts_with("https://");
    if !web {
        problems.error(at, "URL scheme must be 'http' or 'https'");
    } else if address::web_problem(url).is_some() {
        problems.error(at, "host is missing in URL");
    }
}

fn check_kubernetes(section: &Node, problems: &mut Problems<'_>) {
    let has = |key: &str| !is_empty(section, key);
    let keys = ["basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file", "tls_config", "proxy_url", "http_headers"];
    let own_client = keys.iter().any(|key| section.entry(key).is_some_and(|entry| !entry.value.is_null()))
        || section.flag("follow_redirects") == Some(false)
        || section.flag("enable_http2") == Some(false);
    let own_namespace = section.get("namespaces").is_some_and(|namespaces| namespaces.flag("own_namespace") == Some(true));
    if has("api_server") && has("kubeconfig_file") {
        problems.error(section.key_span("kubeconfig_file"), "cannot use 'kubeconfig_file' and 'api_server' simultaneously");
    }
    if has("kubeconfig_file") && own_client {
        let message = "cannot use a custom HTTP client configuration together with 'kubeconfig_file'";
        problems.error(section.key_span("kubeconfig_file"), message);
    } else if !has("api_server") && own_client {
        problems.error(section.span, "to use custom HTTP client configuration please provide the 'api_server' URL explicitly");
    }
    for key in ["api_server", "kubeconfig_file"] {
        if has(key) && own_namespace {
            problems.error(section.key_span(key), format!("cannot use '{key}' and 'namespaces.own_namespace' simultaneously"));
        }
    }
    check_selectors(section, problems);
}

/// Which kinds of objects a role can select by.
const SELECTORS: [(&str, &[&str]); 6] = [
    ("pod", &["pod", "node"]),
    ("service", &["service"]),
    ("endpoints", &["endpoints", "pod", "service"]),
    ("endpointslice", &["endpointslice", "pod", "service"]),
    ("node", &["node"]),
    ("ingress", &["ingress"]),
];

fn check_selectors(section: &Node, problems: &mut Problems<'_>) {
    let Some((role, allowed)) = SELECTORS.iter().find(|(role, _)| Some(*role) == section.text("role")) else { return };
    let with_node = section.get("attach_metadata").and_then(|attach| attach.flag("node")) == Some(true);
    for selector in section.get("selectors").map(Node::items).unwrap_or_default() {
        let Some(kind) = selector.text("role") else { continue };
        let may = allowed.contains(&kind) || (kind == "node" && with_node);
        if !may {
            problems.error(selector.key_span("role"), format!("{role} role supports only {} selectors", allowed.join(", ")));
        }
    }
}

fn check_marathon(section: &Node, problems: &mut Problems<'_>) {
    let message = "marathon_sd: at most one of auth_token & auth_token_file must be configured";
    http_client::at_most_one(section, &["auth_token", "auth_token_file"], message, problems);
    if is_empty(section, "auth_token") && is_empty(section, "auth_token_file") {
        return;
    }
    for key in ["basic_auth", "bearer_token", "bearer_token_file", "authorization", "oauth2"] {
        if !is_empty(section, key) || section.get(key).is_some_and(|value| !value.entries().is_empty()) {
            let message = match key {
                "bearer_token" | "bearer_token_file" => {
                    "marathon_sd: at most one of bearer_token, bearer_token_file, auth_token & auth_token_file must be configured"
                }
                "basic_auth" => "marathon_sd: at most one of basic_auth, auth_token & auth_token_file must be configured",
                _ => "marathon_sd: at most one of auth_token, auth_token_file & authorization must be configured",
            };
            problems.error(section.key_span(key), message);
        }
    }
}

fn check_oci(section: &Node, problems: &mut Problems<'_>) {
    for key in ["auth", "authentication_method"] {
        let known = ["api_key", "instance_principal", "APIKey", "InstancePrincipal", "resource_principal", "workload_identity"];
        if let Some(method) = section.text(key).filter(|method| !known.contains(method)) {
            problems.error(section.key_span(key), format!("unknown OCI authentication method \"{method}\""));
        }
    }
}
