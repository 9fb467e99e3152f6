//! How names and label values of Kubernetes may look.

/// Longest label value, name of a label, or name of a port's kind (DNS label).
pub const LABEL_MAX: usize = 63;
const SUBDOMAIN_MAX: usize = 253;
const PORT_NAME_MAX: usize = 15;

fn is_lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// Lower-case letters, digits and `-`, beginning and ending with a letter or digit (RFC 1123).
pub fn is_dns_label(name: &str) -> bool {
    let inner = name.chars().all(|c| is_lower(c) || c == '-');
    inner && name.len() <= LABEL_MAX && name.starts_with(is_lower) && name.ends_with(is_lower)
}

/// DNS labels with points between them.
pub fn is_subdomain(name: &str) -> bool {
    let part = |part: &str| part.starts_with(is_lower) && part.ends_with(is_lower) && part.chars().all(|c| is_lower(c) || c == '-');
    name.len() <= SUBDOMAIN_MAX && name.split('.').all(part)
}

/// At most 15 lower-case letters, digits and single `-`, with a letter among them (RFC 6335).
pub fn is_port_name(name: &str) -> bool {
    let parts = !name.contains("--") && is_dns_label(name);
    parts && name.len() <= PORT_NAME_MAX && name.contains(|c: char| c.is_ascii_lowercase())
}

fn is_qualified(text: &str) -> bool {
    let inner = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let end = |c: char| c.is_ascii_alphanumeric();
    inner && text.len() <= LABEL_MAX && text.starts_with(end) && text.ends_with(end)
}

/// Empty, or letters, digits, `-`, `_` and `.` with a letter or digit at both ends.
pub fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_qualified(value)
}

/// `name` or `prefix/name`.
pub fn is_label_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_qualified(name),
        None => is_qualified(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_api_reference_says() {
        assert!(is_label_value("") && is_label_value("a.B_c-1") && is_label_value(&"x".repeat(63)));
        assert!(!is_label_value("/metrics") && !is_label_value("a b") && !is_label_value("-a") && !is_label_value(&"x".repeat(64)));
        assert!(is_label_key("prometheus.io/path") && is_label_key("app") && !is_label_key("a/b/c") && !is_label_key("/x"));
        assert!(is_port_name("http-metrics") && !is_port_name("8080") && !is_port_name("a-very-long-port-name") && !is_port_name("Http"));
        assert!(is_dns_label("a-1") && !is_dns_label("a.b") && is_subdomain("a.b") && !is_subdomain("a..b"));
    }
}
