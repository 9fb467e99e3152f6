//! `--enable-feature`: which of Prometheus's names promlet acts on, which it has anyway, and what is said of the others.

/// Switched on by the flag, or always on.
const ACTED_ON: [&str; 12] = [
    "promql-experimental-functions",
    "promql-extended-range-selectors",
    "promql-binop-fill-modifiers",
    "promql-delayed-name-removal",
    "promql-per-step-stats",
    "use-start-timestamps",
    "type-and-unit-labels",
    "exemplar-storage",
    "native-histograms",
    "ooo-native-histograms",
    "promql-duration-expr",
    "concurrent-rule-eval",
];
/// Prometheus knows them, promlet does nothing of the kind yet.
const KNOWN: [&str; 16] = [
    "auto-reload-config",
    "created-timestamp-zero-ingestion",
    "delayed-compaction",
    "extra-scrape-metrics",
    "fast-startup",
    "histograms-st-encoding",
    "memory-snapshot-on-shutdown",
    "metadata-wal-records",
    "old-ui",
    "otlp-deltatocumulative",
    "otlp-native-delta-ingestion",
    "search-api",
    "st-storage",
    "st-synthesis",
    "use-uncached-io",
    "xor2-encoding",
];

/// One line for each name that has no effect.
pub fn warnings(names: &[String]) -> Vec<String> {
    let said = |name: &str| match name {
        "" => None,
        acted_on if ACTED_ON.contains(&acted_on) => None,
        known if KNOWN.contains(&known) => Some(format!("--enable-feature={known} is known but not acted on by this version")),
        other => Some(format!("--enable-feature={other} is not known; it is ignored, as in Prometheus")),
    };
    names.iter().filter_map(|name| said(name.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_effect_is_said() {
        let said = warnings(&["native-histograms".to_owned(), " old-ui".to_owned(), "nonsense".to_owned(), String::new()]);
        assert_eq!(said.len(), 2);
        assert!(said[0].contains("old-ui is known but") && said[1].contains("nonsense is not known"), "{said:?}");
    }
}
