//! What a page is that is no page of metrics, and what to do about it.

/// Bytes of a page that are looked at.
const LOOKED_AT: usize = 512;

/// A sentence on what the page is instead and the way out; none where its beginning does not tell.
pub fn not_metrics(page: &[u8]) -> Option<&'static str> {
    let start = String::from_utf8_lossy(&page[..page.len().min(LOOKED_AT)]).trim_start().to_ascii_lowercase();
    let begins = |text: &str| start.starts_with(text);
    match () {
        () if begins("[object promise]") || (start.trim_end() == "{}" && page.len() < LOOKED_AT) => {
            Some("the page is a promise that nobody waited for: metrics() of prom-client is async, write res.end(await register.metrics())")
        }
        () if begins("[object object]") => Some("the page is an object turned into text: write the text that the client library renders"),
        () if begins("<!doctype html") || begins("<html") => {
            Some("the page is a web page: metrics_path may be another one, or a login stands before it")
        }
        () if begins("{") || begins("[") => {
            Some("the page is JSON: metrics_path may be another one, or needs a parameter for Prometheus's format")
        }
        () => None,
    }
}

/// An error with what the page is instead.
pub fn with_hint(error: String, page: &[u8]) -> String {
    match not_metrics(page) {
        Some(hint) => format!("{error}; {hint}"),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_are_no_metrics_are_known() {
        assert!(not_metrics(b"[object Promise]").is_some_and(|hint| hint.contains("await")));
        assert!(not_metrics(b" {}\n").is_some_and(|hint| hint.contains("await")));
        assert!(not_metrics(b"\n<!DOCTYPE html><p>").is_some_and(|hint| hint.contains("web page")));
        assert!(not_metrics(b"{\"a\": 1}").is_some_and(|hint| hint.contains("JSON")));
        assert_eq!(not_metrics(b"{\"a.b\"} 1\n").map(|hint| hint.contains("JSON")), Some(true));
        assert_eq!((not_metrics(b"# HELP x y\n"), not_metrics(b"x 1\n"), not_metrics(b"")), (None, None, None));
    }
}
