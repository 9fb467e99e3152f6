//! What Go's `net/url` refuses to read, which is what Prometheus and Alertmanager refuse: in its words.

use crate::model::number::quote;

/// Why the text is no URL, if so.
pub fn problem(text: &str) -> Option<String> {
    fault(text).map(|fault| format!("parse {}: {fault}", quote(text)))
}

/// Why the text is no absolute address of a web server, if so.
pub fn web_problem(text: &str) -> Option<String> {
    if let Some(problem) = problem(text) {
        return Some(problem);
    }
    let (scheme, rest) = split_scheme(text).ok()?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Some(format!("unsupported scheme {} for URL", quote(&scheme.to_ascii_lowercase())));
    }
    let authority = rest.strip_prefix("//").unwrap_or("").split(['/', '?', '#']).next().unwrap_or("");
    authority.is_empty().then(|| "missing host for URL".to_owned())
}

/// The address as Go prints it: what may not stand in a host or path is escaped.
pub fn normal(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (before, after) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let (authority, path) = before.split_at(before.find('/').unwrap_or(before.len()));
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(user, _)| authority.split_at(user.len() + 1));
    let keep = |also: &'static str| move |b: u8| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b) || also.as_bytes().contains(&b);
    let path = match path.bytes().all(keep("!$&'()*+,;=:@[]/")) {
        true => path.to_owned(),
        false => escaped(path, keep("$&+,/:;=@")),
    };
    format!("{}://{user}{}{path}{after}", scheme.to_ascii_lowercase(), escaped(host, keep("!$&'()*+,;=:[]<>\"")))
}

fn escaped(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let each = text.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") });
    each.collect()
}

fn fault(text: &str) -> Option<String> {
    if text.contains(|c: char| c.is_ascii_control()) {
        return Some("net/url: invalid control character in URL".to_owned());
    }
    let text = match text.split_once('#') {
        Some((before, fragment)) => {
            if let Some(fault) = bad_escape(fragment) {
                return Some(fault);
            }
            before
        }
        None => text,
    };
    let (scheme, rest) = match split_scheme(text) {
        Ok(parts) => parts,
        Err(fault) => return Some(fault),
    };
    let rest = rest.split('?').next().unwrap_or("");
    if !rest.starts_with('/') {
        let is_opaque = !scheme.is_empty();
        let first = rest.split('/').next().unwrap_or("");
        if !is_opaque && first.contains(':') {
            return Some("first path segment in URL cannot contain colon".to_owned());
        }
        return if is_opaque { None } else { bad_escape(rest) };
    }
    let Some(authority) = rest.strip_prefix("//").filter(|_| !scheme.is_empty() || !rest.starts_with("///")) else {
        return bad_escape(rest);
    };
    let (authority, path) = authority.find('/').map_or((authority, ""), |at| authority.split_at(at));
    let host = authority.rsplit('@').next().unwrap_or("");
    bad_host(host).or_else(|| bad_escape(path))
}

/// The scheme, which may be empty, and what follows its colon.
fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((&text[..at], &text[at + 1..])),
            _ => return Ok(("", text)),
        }
    }
    Ok(("", text))
}

fn bad_host(host: &str) -> Option<String> {
    let port = match host.strip_prefix('[') {
        Some(inner) => match inner.rfind(']') {
            Some(end) => &inner[end + 1..],
            None => return Some("missing ']' in host".to_owned()),
        },
        None => host.rfind(':').map_or("", |at| &host[at..]),
    };
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    if !is_port {
        return Some(format!("invalid port {} after host", quote(port)));
    }
    let unfit = host.chars().find(|c| matches!(c, ' ' | '\\' | '^' | '`' | '{' | '|' | '}'));
    unfit.map(|c| format!("invalid character {} in host name", quote(&c.to_string()))).or_else(|| bad_escape(host))
}

/// A percent sign without two hexadecimal digits.
fn bad_escape(part: &str) -> Option<String> {
    let bytes = part.as_bytes();
    for at in memchr::memchr_iter(b'%', bytes) {
        if !bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            let shown: String = part[at..].chars().take(3).collect();
            return Some(format!("invalid URL escape {}", quote(&shown)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As amtool 0.33.1 says it.
    #[test]
    fn refuses_what_go_refuses() {
        for (text, fault) in [
            ("::", "missing protocol scheme"),
            ("1a:b", "first path segment in URL cannot contain colon"),
            ("http://x y", "invalid character \" \" in host name"),
            ("%zz", "invalid URL escape \"%zz\""),
            ("http://x:a", "invalid port \":a\" after host"),
            ("http://[::1", "missing ']' in host"),
            ("http://x/%zz", "invalid URL escape \"%zz\""),
        ] {
            assert_eq!(problem(text), Some(format!("parse \"{text}\": {fault}")));
        }
        for text in ["{{ .x }}", "foo", "", "a b", "//x", "socks5://x", "http://x:99999999", "http://u:p%20@x/a%20b?c=d#e", "mailto:a b"] {
            assert_eq!(problem(text), None, "{text}");
        }
    }

    #[test]
    fn printed_as_go_prints() {
        for (text, printed) in [
            ("http://x/a b", "http://x/a%20b"),
            ("http://x\u{fc}/\u{fc}", "http://x%C3%BC/%C3%BC"),
            ("HTTP://u:p@h:1/(a)?b c#d", "http://u:p@h:1/(a)?b c#d"),
            ("http://x/(a) b", "http://x/%28a%29%20b"),
            ("/a b", "/a b"),
        ] {
            assert_eq!(normal(text), printed);
        }
    }

    #[test]
    fn web_addresses_have_scheme_and_host() {
        for good in ["http://x", "HTTP://x", "https://x:1/a?b#c", "http://[::1]:80/"] {
            assert_eq!(web_problem(good), None, "{good}");
        }
        for (bad, fault) in [
            ("foo", "unsupported scheme \"\" for URL"),
            ("/x", "unsupported scheme \"\" for URL"),
            ("x:9", "unsupported scheme \"x\" for URL"),
            ("FTP://x", "unsupported scheme \"ftp\" for URL"),
            ("http://", "missing host for URL"),
            ("http:///x", "missing host for URL"),
        ] {
            assert_eq!(web_problem(bad).as_deref(), Some(fault), "{bad}");
        }
    }
}
