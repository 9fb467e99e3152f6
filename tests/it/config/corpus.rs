//! Prometheus's own test configurations: good ones load, bad ones are refused.

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
