//! Prometheus's own test configurations: good ones load, bad ones are refused.

use promlet::commands::check::{Subject, check_all};
use promlet::config::load_prometheus;

use super::{environment, shared};

/// Bad files that load here, each with why.
const EXEMPT: [(&str, &str); 3] = [
    ("scrape_config_files_double_import.bad.yml", "the file it imports twice is not in the corpus; see prometheus.rs for our own"),
    ("scrape_config_files_duplicate.bad.yml", "the file with the other job of that name is not in the corpus"),
    ("scrape_config_files_global.bad.yml", "the file with the defect is not in the corpus"),
];

#[test]
fn prometheus_files_load_or_are_refused_as_named() {
    let Some(folder) = shared("corpus/prometheus-config") else { return };
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder).expect("readable").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".yml") {
            continue;
        }
        let loaded = load_prometheus(&path, &environment());
        let bad = name.contains(".bad.") || name.contains(".incompatible.");
        match loaded {
            Ok(_) if bad && !EXEMPT.iter().any(|(file, _)| *file == name) => wrong.push(format!("{name}: loaded")),
            Err(problems) if !bad => wrong.push(format!("{name}: refused: {}", problems[0])),
            Err(problems) => eprintln!("{name}: {}", problems[0].message),
            Ok(_) => {}
        }
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// promtool's own test files, judged as promtool does. Left out are those whose defect only a PromQL parser sees (see the tests of
/// the assembled program), and targets that become addresses with a path by relabelling, which promtool simulates.
#[test]
fn promtool_files_are_judged_alike() {
    let Some(folder) = shared("corpus/promtool") else { return };
    let judged = [
        (Subject::Config, "authorization_credentials_file.good.yml", true),
        (Subject::Config, "authorization_credentials_file.bad.yml", false),
        (Subject::Config, "config_with_rule_files.yml", false),
        (Subject::Config, "config_with_service_discovery_files.yml", true),
        (Subject::Config, "config_with_tls_files.yml", false),
        (Subject::Config, "prometheus-aws-sd-empty-region.good.yml", true),
        (Subject::Config, "prometheus-config.good.yml", true),
        (Subject::Config, "prometheus-config.bad.yml", false),
        (Subject::Config, "prometheus-config.lint.yml", true),
        (Subject::Config, "prometheus-config.lint.too_long_scrape_interval.yml", true),
        (Subject::Config, "url_in_alert_targetgroup_with_relabel_config.good.yml", true),
        (Subject::Config, "url_in_scrape_targetgroup_with_relabel_config.good.yml", true),
        (Subject::Rules, "at-modifier.yml", true),
        (Subject::Rules, "bad-rules-error.yml", true),
        (Subject::Rules, "features.yml", true),
        (Subject::Rules, "negative-offset.yml", true),
        (Subject::Rules, "prometheus-config.rules.good.yml", true),
        (Subject::Rules, "prometheus-rules.lint.yml", true),
        (Subject::Rules, "rules.yml", true),
        (Subject::Rules, "rules_duplicates.yml", true),
        (Subject::Rules, "rules_extrafields.yml", false),
    ];
    for (subject, name, expected) in judged {
        let mut said = Vec::new();
        let right = check_all(subject, &[folder.join(name)], &environment(), &mut said).expect("writable");
        assert_eq!(right, expected, "{name}: {}", String::from_utf8_lossy(&said));
    }
}
