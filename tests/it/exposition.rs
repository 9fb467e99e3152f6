//! Pages in `tests/exposition`, each with the reading that is expected beside it (`PAGE.expected`).
//!
//! An expectation has a line for each entry, and ends with `error: …` where the page is to be refused.

use std::fmt::Write;
use std::path::Path;

use promlet::exposition::{Entry, Format, parse};

fn reading(format: Format, page: &[u8]) -> String {
    let mut out = String::new();
    for entry in parse(format, page) {
        let _ = match entry {
            Ok(Entry::Help { family, text }) => writeln!(out, "help {family}: {text:?}"),
            Ok(Entry::Type { family, metric_type }) => writeln!(out, "type {family}: {}", metric_type.as_str()),
            Ok(Entry::Unit { family, unit }) => writeln!(out, "unit {family}: {unit}"),
            Ok(Entry::Series(line)) => {
                let labels = line.labels().map_or_else(|error| format!("refused: {error}"), |labels| labels.to_string());
                let _ = write!(out, "{labels} = {:?}", line.tail.value);
                if let Some(at) = line.tail.at {
                    let _ = write!(out, " at {at}");
                }
                if let Some(exemplar) = line.tail.exemplar {
                    let exemplar = exemplar.read().unwrap();
                    let _ = write!(out, " exemplar {} = {:?}", exemplar.labels, exemplar.value);
                    if let Some(at) = exemplar.at {
                        let _ = write!(out, " at {at}");
                    }
                }
                writeln!(out)
            }
            Err(error) => writeln!(out, "error: {error}"),
        };
    }
    out
}

#[test]
fn pages_read_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exposition");
    let mut checked = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let format = match path.extension().and_then(|e| e.to_str()) {
            Some("txt") => Format::Text,
            Some("om") => Format::OpenMetrics,
            _ => continue,
        };
        let expected = std::fs::read_to_string(path.with_added_extension("expected")).unwrap();
        assert_eq!(reading(format, &std::fs::read(&path).unwrap()), expected, "{}", path.display());
        checked += 1;
    }
    assert!(checked >= 6, "only {checked} pages found");
}
