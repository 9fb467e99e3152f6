//! Prometheus's own test configurations: good ones load, bad ones are refused.

use promlet::config::load_prometheus;

use super::{environment, shared};

/// Bad files that load here, each with why.
const EXEMPT: [(&str, &str); 0] = [];

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
        let bad = name.contains(".bad.");
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
