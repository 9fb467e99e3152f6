//! The report in JUnit's XML, with the elements that promtool writes.

use crate::model::TimestampMs;

pub struct Suite {
    name: String,
    /// When it began; empty where the file could not be read.
    pub timestamp: String,
    errors: usize,
    pub cases: Vec<Case>,
}

pub struct Case {
    pub name: String,
    pub failures: Vec<String>,
    /// Why nothing could be run.
    pub error: String,
}

impl Suite {
    pub fn new(name: String) -> Self {
        Self { name, timestamp: String::new(), errors: 0, cases: Vec::new() }
    }

    /// The file cannot be run at all.
    pub fn abort(&mut self, error: String) {
        self.errors += 1;
        self.cases.push(Case { name: "unknown".to_owned(), failures: Vec::new(), error });
    }
}

/// `2006-01-02T15:04:05`, in UTC.
pub fn timestamp(at: TimestampMs) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

pub fn document(suites: &[Suite]) -> String {
    let mut out = "<testsuites>".to_owned();
    for suite in suites {
        let failures: usize = suite.cases.iter().map(|case| case.failures.len()).sum();
        out.push_str(&format!(
            "<testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{}\" skipped=\"0\" timestamp=\"{}\">",
            escaped(&suite.name),
            suite.cases.len(),
            suite.errors,
            suite.timestamp,
        ));
        for case in &suite.cases {
            out.push_str(&format!("<testcase name=\"{}\">", escaped(&case.name)));
            for failure in &case.failures {
                out.push_str(&format!("<failure>{}</failure>", escaped(failure)));
            }
            if !case.error.is_empty() {
                out.push_str(&format!("<error>{}</error>", escaped(&case.error)));
            }
            out.push_str("</testcase>");
        }
        out.push_str("</testsuite>");
    }
    out.push_str("</testsuites>");
    out
}

/// As Go's encoder writes texts and attributes; what XML cannot hold becomes the replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            c if (c as u32) < 0x20 || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
