//! Prometheus's flags that promlet does not have: accepted with one warning line each, so that a command line goes on working.
//! Negated switches (`--no-…`) are understood here too.

/// Name, and whether a value follows.
const FLAGS: [(&str, bool); 39] = [
    ("agent", false),
    ("alertmanager.timeout", true),
    ("auto-gomaxprocs", false),
    ("auto-gomemlimit", false),
    ("auto-gomemlimit.ratio", true),
    ("config.auto-reload", false),
    ("config.auto-reload-interval", true),
    ("scrape.adjust-timestamps", false),
    ("scrape.discovery-reload-interval", true),
    ("scrape.timestamp-tolerance", true),
    ("storage.agent.no-lockfile", false),
    ("storage.agent.path", true),
    ("storage.agent.retention.max-time", true),
    ("storage.agent.retention.min-time", true),
    ("storage.agent.wal-compression", false),
    ("storage.agent.wal-compression-type", true),
    ("storage.remote.flush-deadline", true),
    ("storage.remote.read-concurrent-limit", true),
    ("storage.remote.read-max-bytes-in-frame", true),
    ("storage.remote.read-sample-limit", true),
    ("storage.tsdb.allow-overlapping-blocks", false),
    ("storage.tsdb.delayed-compaction.max-percent", true),
    ("storage.tsdb.head-chunks-write-queue-size", true),
    ("storage.tsdb.max-block-chunk-segment-size", true),
    ("storage.tsdb.max-block-duration", true),
    ("storage.tsdb.min-block-duration", true),
    ("storage.tsdb.retention", true),
    ("storage.tsdb.samples-per-chunk", true),
    ("storage.tsdb.wal-compression", false),
    ("storage.tsdb.wal-compression-type", true),
    ("storage.tsdb.wal-segment-size", true),
    ("web.console.libraries", true),
    ("web.console.templates", true),
    ("web.enable-otlp-receiver", false),
    ("web.local-assets", true),
    ("web.max-notifications-subscribers", true),
    ("web.read-timeout", true),
    ("web.remote-write-receiver.accepted-protobuf-messages", true),
    ("web.user-assets", true),
];

/// Our own switches that Prometheus lets one negate as well: `--no-web.enable-lifecycle`.
const SWITCHES: [&str; 4] =
    ["storage.tsdb.no-lockfile", "web.enable-admin-api", "web.enable-lifecycle", "web.enable-remote-write-receiver"];

/// Takes such flags out of the arguments (the program's name first) and says which they were.
pub fn take_out(arguments: Vec<String>) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut warnings) = (Vec::new(), Vec::new());
    let mut rest = arguments.into_iter().peekable();
    while let Some(argument) = rest.next() {
        let stem = argument.strip_prefix("--").map(|name| name.split('=').next().unwrap_or(name));
        if let Some(name) = stem.and_then(|name| name.strip_prefix("no-")).filter(|name| SWITCHES.contains(name)) {
            // The last word counts: what was switched on before is off again.
            kept.retain(|before: &String| before.strip_prefix("--") != Some(name));
            continue;
        }
        let found = stem.and_then(|name| FLAGS.iter().find(|(flag, _)| *flag == name || name.strip_prefix("no-") == Some(*flag)));
        let Some((flag, has_value)) = found else {
            kept.push(argument);
            continue;
        };
        if *has_value && !argument.contains('=') && rest.peek().is_some_and(|next| !next.starts_with("--")) {
            rest.next();
        }
        warnings.push(format!("--{flag} is a flag of Prometheus that promlet does not act on: it is ignored"));
    }
    (kept, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ones_go_with_their_value_and_others_stay() {
        let given = ["promlet", "--web.console.templates", "x", "--storage.tsdb.path=d", "--agent", "--nosuch"].map(str::to_owned).to_vec();
        let (kept, warnings) = take_out(given);
        assert_eq!(kept, ["promlet", "--storage.tsdb.path=d", "--nosuch"]);
        assert_eq!(warnings.len(), 2);
    }

    #[test]
    fn switches_can_be_negated() {
        let given = ["promlet", "--web.enable-lifecycle", "--no-web.enable-lifecycle", "--no-storage.tsdb.wal-compression"];
        let (kept, warnings) = take_out(given.map(str::to_owned).to_vec());
        assert_eq!((kept, warnings.len()), (vec!["promlet".to_owned()], 1));
    }
}
