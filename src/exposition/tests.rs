//! The scanner on small pages, on bad pages, and on arbitrary bytes.

use proptest::prelude::*;

use super::*;
use crate::model::{Labels, TimestampMs};

fn series(format: Format, text: &str) -> Vec<(String, f64, Option<i64>)> {
    parse(format, text.as_bytes())
        .filter_map(|entry| match entry.unwrap() {
            Entry::Series(line) => Some((line.labels().unwrap().to_string(), line.tail.value, line.tail.at.map(|t| t.0))),
            _ => None,
        })
        .collect()
}

fn error(format: Format, text: &str) -> String {
    parse(format, text.as_bytes()).find_map(Result::err).map_or_else(String::new, |e| e.to_string())
}

#[test]
fn reads_samples_of_the_text_format() {
    let page = "# a comment\n#no\n\n# HELP a one \\n two \\\\ \"x\"\n# TYPE a counter\na 1\n  a{b=\"c\",} +Inf 12\n a {b = \"d\" , e=\"\\\\\\\"\\n\"}\t-.5e1 -3\n{\"q.r\",\"s t\"=\"u\"} 0x\n";
    let mut found = parse(Format::Text, page.as_bytes());
    assert_eq!(found.next(), Some(Ok(Entry::Help { family: "a".into(), text: "one \n two \\ \"x\"".into() })));
    assert!(matches!(found.next(), Some(Ok(Entry::Type { .. }))));
    assert_eq!(found.by_ref().take_while(Result::is_ok).count(), 3);
    assert_eq!(found.next(), None, "an error ends the page");
    let page = page.replace("0x", "NaN");
    let samples = series(Format::Text, &page);
    assert_eq!(samples[0], ("a".into(), 1.0, None));
    assert_eq!(samples[1], ("a{b=\"c\"}".into(), f64::INFINITY, Some(12)));
    assert_eq!(samples[2], ("a{b=\"d\", e=\"\\\\\\\"\\n\"}".into(), -5.0, Some(-3)));
    assert_eq!(samples[3].0, "q.r{s t=\"u\"}");
    assert_eq!(samples[3].1.to_bits(), NORMAL_NAN.to_bits());
}

#[test]
fn reads_open_metrics_with_exemplars_and_units() {
    let page = "# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds x \\\"y\\\"\na_seconds_total{b=\"c\"} 1 1.5 # {t=\"1\"} 0.5 2.25\na_seconds_created 1e9\n# EOF\n";
    let entries: Vec<_> = parse(Format::OpenMetrics, page.as_bytes()).collect::<Result<_, _>>().unwrap();
    assert_eq!(entries.len(), 5);
    assert_eq!(entries[2], Entry::Help { family: "a_seconds".into(), text: "x \"y\"".into() });
    let Entry::Series(line) = &entries[3] else { panic!("a sample") };
    assert_eq!(line.tail.at, Some(TimestampMs(1500)));
    let exemplar = line.tail.exemplar.as_ref().unwrap().read().unwrap();
    assert_eq!((exemplar.labels, exemplar.value, exemplar.at), (Labels::from_pairs([("t", "1")]), 0.5, Some(TimestampMs(2250))));
}

#[test]
fn normalises_bucket_bounds_by_declared_type() {
    let page = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_bucket{le=\"1e-05\"} 1\n# TYPE s summary\ns{quantile=\"1\",le=\"1\"} 1\n# TYPE g gauge\ng{le=\"1\"} 1\n";
    let names: Vec<_> = series(Format::Text, page).into_iter().map(|(name, ..)| name).collect();
    let expected =
        ["h_bucket{le=\"1.0\"}", "h_bucket{le=\"+Inf\"}", "h_bucket{le=\"1e-05\"}", "s{le=\"1\", quantile=\"1.0\"}", "g{le=\"1\"}"];
    assert_eq!(names, expected);
}

#[test]
fn bad_lines_are_named() {
    for (text, expected) in [
        ("a 1\nb\n", "line 2: expected a value, found the end of the line in \"b\""),
        ("a 1\n\nb x\n", "line 3: expected a number as the value, found \"x\" in \"b x\""),
        ("a{b=\"c\" 1\n", "line 1: expected a label name or \"}\", found \"1\" in \"a{b=\\\"c\\\" 1\""),
        ("a{b=c} 1\n", "line 1: expected a quoted label value, found \"c}\" in \"a{b=c} 1\""),
        ("a{b=\"c} 1\n", "line 1: a quoted text is not closed in \"a{b=\\\"c} 1\""),
        ("a 1 2 3\n", "line 1: expected the end of the line after the timestamp, found \"3\" in \"a 1 2 3\""),
        ("a 1 2.5\n", "line 1: expected a timestamp in whole milliseconds or the end of the line, found \"2.5\" in \"a 1 2.5\""),
        ("<html>\n", "line 1: expected a metric name, found \"<html>\" in \"<html>\""),
        ("# TYPE a nonsense\n", "line 1: invalid metric type \"nonsense\" in \"# TYPE a nonsense\""),
        ("a 1e999\n", "line 1: expected a number as the value, found \"1e999\" in \"a 1e999\""),
        ("{b=\"c\"} 1\n", "line 1: the metric has no name in \"{b=\\\"c\\\"} 1\""),
    ] {
        assert_eq!(error(Format::Text, text), expected);
    }
    for (text, expected) in [
        ("a 1\n", "line 2: data does not end with # EOF in \"\""),
        ("a 1\n\n# EOF\n", "line 2: expected a metric name, found the end of the line in \"\""),
        ("a 1\n# EOF\nb 1\n", "line 3: unexpected data after # EOF in \"b 1\""),
        ("# UNIT a b\n# EOF\n", "line 1: unit \"b\" is not a suffix of metric \"a\" in \"# UNIT a b\""),
        ("a  1\n# EOF\n", "line 1: expected a number as the value, found \"\" in \"a  1\""),
    ] {
        let found = error(Format::OpenMetrics, text);
        assert_eq!(found.split(" found").next(), expected.split(" found").next());
    }
    let twice = parse(Format::Text, b"a{b=\"1\",b=\"2\"} 1\n").next();
    let Some(Ok(Entry::Series(line))) = twice else { panic!("a sample") };
    assert_eq!(line.labels(), Err("label name \"b\" is not unique".to_owned()));
}

#[test]
fn numbers_read_as_go_reads_them() {
    for (text, value) in
        [("1", 1.0), ("-0", -0.0), ("1.", 1.0), (".5", 0.5), ("+3", 3.0), ("1e3", 1e3), ("1E+3", 1e3), ("infinity", f64::INFINITY)]
    {
        assert_eq!(read_float(text.as_bytes()).map(f64::to_bits), Some(f64::to_bits(value)), "{text}");
    }
    assert_eq!(read_float(b"123456789012345678901234567890"), Some(123456789012345678901234567890.0));
    assert_eq!(read_float(b"0.1234567890123456789"), Some(0.123_456_789_012_345_68));
    for text in ["", ".", "-", "+", "1_000", "0x1p4", "1e", "e1", "+nan", "1e400", "--1", "1..2"] {
        assert_eq!(read_float(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn what_is_written_reads_back() {
    for format in [Format::Text, Format::OpenMetrics] {
        let mut page = String::new();
        let family = FamilyText { name: "a_total", metric_type: crate::model::MetricType::Counter, help: "quo\"te \\ and\nline" };
        write_family(&mut page, format, &family);
        write_sample(&mut page, "a_total", "", &[("l", "x\"\\\n")], 1.5);
        write_sample::<&str, &str>(&mut page, "a_total", "", &[], f64::INFINITY);
        write_end(&mut page, format);
        let entries: Vec<_> = parse(format, page.as_bytes()).collect::<Result<_, _>>().unwrap();
        assert!(matches!(&entries[0], Entry::Help { text, .. } if text == family.help), "{entries:?}");
        assert_eq!(series(format, &page)[0], ("a_total{l=\"x\\\"\\\\\\n\"}".into(), 1.5, None));
    }
}

#[test]
fn our_own_figures_read_back() {
    let registry = crate::telemetry::Registry::default();
    registry.counter("a_total", "a", &[("x", "y")]).add(3);
    registry.latency("b_seconds", "b", &[]);
    for format in [Format::Text, Format::OpenMetrics] {
        let names: Vec<_> = series(format, &write_page(format, &registry.gather())).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names[0], "a_total{x=\"y\"}");
        assert_eq!(names[1..3], ["b_seconds{quantile=\"0.5\"}", "b_seconds{quantile=\"0.9\"}"]);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), open in any::<bool>()) {
        let format = if open { Format::OpenMetrics } else { Format::Text };
        for entry in parse(format, &bytes).flatten() {
            if let Entry::Series(line) = entry {
                let _ = line.labels();
            }
        }
    }

    #[test]
    fn arbitrary_words_never_panic(
        words in proptest::collection::vec(prop_oneof!["# HELP ", "# TYPE ", "# EOF", "a", "\\{", "\\}", "\"", "=", ",", " ", "\n", "1", "\\\\", "# \\{", "x=\"y\""], 0..40),
        open in any::<bool>(),
    ) {
        let format = if open { Format::OpenMetrics } else { Format::Text };
        let text = words.concat();
        for entry in parse(format, text.as_bytes()).flatten() {
            if let Entry::Series(line) = entry {
                let _ = line.labels();
                if let Some(exemplar) = &line.tail.exemplar {
                    let _ = exemplar.read();
                }
            }
        }
    }

    #[test]
    fn floats_survive(value in any::<f64>()) {
        let text = crate::model::number::format_general(value);
        let read = read_float(text.as_bytes()).unwrap();
        prop_assert!(read.to_bits() == value.to_bits() || (value.is_nan() && read.is_nan()));
    }
}
