//! The web pages, embedded: the bundle that `web/` builds and commits, each file gzipped and with its
//! content's hash. Which paths are pages is decided here too, so that `http` serves them all alike.

/// One file of the bundle. The bytes are a gzip stream; a client that takes no gzip gets them inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    pub bytes_gzip: &'static [u8],
    pub content_type: &'static str,
    /// Quoted, as the header wants it; of the content before compression.
    pub etag: &'static str,
    /// The name carries the content's hash: it may be cached for ever.
    pub immutable: bool,
}

/// Sorted by path, without a slash at the start; written by `web/build.mjs`.
const ASSETS: &[(&str, Asset)] = &include!("../web/dist/table.rs");

/// Sent with every page: nothing from elsewhere, nothing inline, framed by nobody else. The page itself repeats what a page can say.
pub const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'; frame-ancestors 'self'";

/// Paths of single pages, besides `dashboards/NAME`. The ones that promlet has no page of its own
/// for are Prometheus's addresses of the same things.
const PAGES: [&str; 10] =
    ["query", "dashboards", "alerts", "rules", "targets", "service-discovery", "status", "tsdb-status", "flags", "config"];

/// The file at a path such as `/assets/app-1234ABCD.js`, with or without its first slash; pages get `/index.html`.
pub fn asset(path: &str) -> Option<Asset> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let at = ASSETS.binary_search_by(|(name, _)| (*name).cmp(path)).ok()?;
    Some(ASSETS[at].1)
}

/// Is this path one that `index.html` answers? `/` and `/graph` are not: they redirect.
pub fn is_page(path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let dashboard = path.strip_prefix("dashboards/").is_some_and(|name| !name.is_empty() && !name.contains('/'));
    dashboard || PAGES.contains(&path)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{ASSETS, CONTENT_SECURITY_POLICY, asset, is_page};

    const LIMIT_BYTES: usize = 300 * 1024;

    fn text(path: &str) -> String {
        let found = asset(path).unwrap_or_else(|| panic!("{path} is not in the bundle"));
        let mut out = String::new();
        flate2::read::GzDecoder::new(found.bytes_gzip).read_to_string(&mut out).expect("a gzip stream of text");
        out
    }

    #[test]
    fn the_table_is_sorted_and_small() {
        assert!(ASSETS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let total: usize = ASSETS.iter().map(|(_, a)| a.bytes_gzip.len()).sum();
        assert!(total <= LIMIT_BYTES, "{total} bytes");
    }

    #[test]
    fn the_start_page_names_files_that_are_there() {
        let html = text("/index.html");
        let named: Vec<&str> = html.split('"').filter(|part| part.starts_with('/')).collect();
        assert!(named.len() >= 4, "{html}");
        for path in named {
            assert!(asset(path).is_some(), "{path}");
        }
        assert!(!html.contains("http:") && !html.contains("https:"), "nothing from elsewhere: {html}");
        assert!(!html.contains("<style") && !html.contains("<script>"), "nothing inline: {html}");
        let of_pages = CONTENT_SECURITY_POLICY.trim_end_matches("; frame-ancestors 'self'");
        assert!(html.contains(&format!("content=\"{of_pages}\"")), "the page says so itself: {html}");
    }

    #[test]
    fn only_hashed_names_are_immutable() {
        for (path, found) in ASSETS {
            let hashed = path.starts_with("assets/") && path.contains('-');
            assert_eq!(found.immutable, hashed, "{path}");
            assert!(found.etag.starts_with('"') && found.etag.ends_with('"') && found.etag.len() > 8, "{path}");
        }
    }

    #[test]
    fn pages_are_the_listed_paths_and_one_level_of_dashboards() {
        for page in ["/query", "/dashboards", "/dashboards/", "/dashboards/grpo-overview", "/alerts", "/targets", "/status", "/config"] {
            assert!(is_page(page) && is_page(&page[1..]), "{page}");
        }
        for other in ["/", "/graph", "/dashboards/a/b", "/api/v1/query", "/metrics", "/querying", "/assets/app.js"] {
            assert!(!is_page(other), "{other}");
        }
    }
}
