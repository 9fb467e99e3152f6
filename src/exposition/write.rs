//! Writes metric families as a page.

use std::fmt::Write;

use crate::model::MetricType;
use crate::model::number::format_general;
use crate::telemetry::{Family, Kind};

use super::entry::Format;

pub const TEXT_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
pub const OPEN_METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores";

/// Our own figures as a page of `/metrics`.
pub fn write_page(format: Format, families: &[Family]) -> String {
    let mut out = String::new();
    for family in families {
        let metric_type = match family.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Summary => MetricType::Summary,
            Kind::Histogram => MetricType::Histogram,
        };
        write_family(&mut out, format, &FamilyText { name: &family.name, metric_type, help: &family.help });
        for (suffix, labels, value) in &family.samples {
            write_sample(&mut out, &family.name, suffix, labels, *value);
        }
    }
    write_end(&mut out, format);
    out
}

/// One family to be written. Names must be plain (`[a-zA-Z_:][a-zA-Z0-9_:]*`).
#[derive(Clone, Debug)]
pub struct FamilyText<'a> {
    /// Counters with their `_total`.
    pub name: &'a str,
    pub metric_type: MetricType,
    pub help: &'a str,
}

/// Appends the family's `# HELP` and `# TYPE` lines.
pub fn write_family(out: &mut String, format: Format, family: &FamilyText<'_>) {
    let name = match (format, family.metric_type) {
        (Format::OpenMetrics, MetricType::Counter) => family.name.strip_suffix("_total").unwrap_or(family.name),
        _ => family.name,
    };
    out.push_str("# HELP ");
    out.push_str(name);
    out.push(' ');
    escape(out, family.help, format == Format::OpenMetrics);
    let word = match (format, family.metric_type) {
        (Format::Text, MetricType::Unknown) => "untyped",
        (Format::Text, MetricType::Info | MetricType::StateSet) => "gauge",
        (Format::Text, MetricType::GaugeHistogram) => "histogram",
        (_, other) => other.as_str(),
    };
    let _ = writeln!(out, "\n# TYPE {name} {word}");
}

/// Appends one sample line: the family's name, a suffix such as `_sum`, labels, value.
pub fn write_sample<N: AsRef<str>, V: AsRef<str>>(out: &mut String, name: &str, suffix: &str, labels: &[(N, V)], value: f64) {
    out.push_str(name);
    out.push_str(suffix);
    let mut separator = '{';
    for (label, text) in labels {
        out.push(separator);
        separator = ',';
        out.push_str(label.as_ref());
        out.push_str("=\"");
        escape(out, text.as_ref(), true);
        out.push('"');
    }
    if separator == ',' {
        out.push('}');
    }
    out.push(' ');
    out.push_str(&format_general(value));
    out.push('\n');
}

/// Appends what must end an OpenMetrics page.
pub fn write_end(out: &mut String, format: Format) {
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
}

fn escape(out: &mut String, text: &str, quotes: bool) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            c => out.push(c),
        }
    }
}
