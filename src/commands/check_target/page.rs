//! A page of metrics that was fetched, and what several of one target say together.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use crate::commands::check::plural;
use crate::exposition::{Entry, Format, parse};
use crate::model::MetricType;

/// Check, message, way out.
pub type Said = (&'static str, String, String);

/// When a process began, as every client library says it.
const STARTED: &str = "process_start_time_seconds";
/// Series that are named in one message.
const NAMED_MAX: usize = 3;

/// What one scrape gave.
#[derive(Debug, Default)]
pub struct Page {
    content_type: String,
    bytes: usize,
    took: Duration,
    /// Values by series as the page writes them.
    series: HashMap<String, f64>,
    types: HashMap<String, MetricType>,
    duplicates: Vec<String>,
}

impl Page {
    /// Reads a page; the error says the line.
    pub fn read(body: &[u8], format: Format, content_type: String, took: Duration) -> Result<Self, String> {
        let mut page = Self { content_type, bytes: body.len(), took, ..Self::default() };
        for entry in parse(format, body) {
            match entry.map_err(|error| error.to_string())? {
                Entry::Type { family, metric_type } => {
                    page.types.insert(family.into_owned(), metric_type);
                }
                Entry::Series(line) => {
                    let name = String::from_utf8_lossy(line.metric).into_owned();
                    if page.series.insert(name.clone(), line.tail.value).is_some() {
                        page.duplicates.push(name);
                    }
                }
                Entry::Help { .. } | Entry::Unit { .. } => {}
            }
        }
        Ok(page)
    }

    pub fn facts(&self) -> String {
        let (series, families) = (plural(self.series.len(), "sample"), self.types.len());
        let metrics = if families == 1 { "1 metric".to_owned() } else { format!("{families} metrics") };
        let millis = self.took.as_millis();
        format!("{}, {}, {series} of {metrics}, {millis} ms", self.content_type, plural(self.bytes, "byte"))
    }

    /// Counters, and the parts of histograms and summaries that only grow.
    fn grows(&self, series: &str) -> bool {
        let name = series.split(['{', ' ']).next().unwrap_or(series);
        let kind = |name: &str| self.types.get(name).copied();
        if let Some(kind) = kind(name) {
            return kind == MetricType::Counter;
        }
        let part = ["_total", "_bucket", "_count"].iter().find_map(|end| kind(name.strip_suffix(end)?));
        matches!(part, Some(MetricType::Counter | MetricType::Histogram | MetricType::Summary))
    }
}

/// What is wrong with pages of one target, fetched one after the other.
pub fn judge(pages: &[Page]) -> Vec<Said> {
    let Some(first) = pages.first() else { return Vec::new() };
    let mut said = Vec::new();
    if first.series.is_empty() {
        said.push((
            "no-samples",
            "the page has no samples".to_owned(),
            "the registry that is written is perhaps not the one that metrics are registered with".to_owned(),
        ));
    }
    if let Some(name) = first.duplicates.first() {
        let message = format!("{} series are twice on one page, as {name}: only one of the values is kept", first.duplicates.len());
        said.push(("duplicate-series", message, "tell them apart by a label".to_owned()));
    }
    said.extend(several_processes(pages));
    said.extend(wrong_names(first));
    said
}

/// Workers behind one address answer in turn, each with its own numbers.
fn several_processes(pages: &[Page]) -> Option<Said> {
    let starts: BTreeSet<String> = pages.iter().filter_map(|page| page.series.get(STARTED)).map(f64::to_string).collect();
    let mut fell: Vec<&str> = Vec::new();
    for pair in pages.windows(2) {
        let falls = pair[1].series.iter().filter(|(name, value)| pair[0].series.get(*name).is_some_and(|before| before > *value));
        fell.extend(falls.map(|(name, _)| name.as_str()).filter(|name| pair[1].grows(name)));
    }
    let message = match (starts.len(), fell.is_empty()) {
        (2.., _) => format!(
            "{} processes answered {} requests: counters jump between them, and rate() takes each jump for a restart",
            starts.len(),
            pages.len()
        ),
        (_, false) => {
            let distinct: BTreeSet<&str> = fell.into_iter().collect();
            let some: Vec<&str> = distinct.into_iter().take(NAMED_MAX).collect();
            format!(
                "counters fell from one request to the next ({}): several processes answer in turn, and rate() takes each fall for a restart",
                some.join(", ")
            )
        }
        _ => return None,
    };
    let way_out = "gunicorn, uwsgi: prometheus_client's multiprocess mode (PROMETHEUS_MULTIPROC_DIR); node's cluster: its AggregatorRegistry; or a \
                   port for each worker";
    Some(("several-processes", message, way_out.to_owned()))
}

fn wrong_names(page: &Page) -> Vec<Said> {
    let mut said = Vec::new();
    let mut names: Vec<(&String, &MetricType)> = page.types.iter().collect();
    names.sort_by_key(|(name, _)| *name);
    for (name, kind) in names {
        if *kind == MetricType::Gauge && name.ends_with("_total") {
            let message = format!("{name} is a gauge with a counter's name: people and tools will take its rate");
            said.push(("gauge-named-total", message, "leave _total to counters".to_owned()));
        }
    }
    let families: HashSet<&str> = page.series.keys().map(|series| series.split(['{', ' ']).next().unwrap_or(series)).collect();
    let mut summaries: Vec<&String> = page.types.iter().filter(|(_, kind)| **kind == MetricType::Summary).map(|(name, _)| name).collect();
    summaries.sort();
    for name in
        summaries.into_iter().filter(|name| !families.contains(name.as_str()) && families.contains(format!("{name}_count").as_str()))
    {
        let message = format!("the summary {name} has no quantiles: clients such as Python's give it a sum and a count only");
        said.push(("no-quantiles", message, "make it a histogram where quantiles are wanted".to_owned()));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page::read(text.as_bytes(), Format::Text, "text/plain".to_owned(), Duration::ZERO).expect("valid")
    }

    fn checks(pages: &[Page]) -> Vec<&'static str> {
        judge(pages).into_iter().map(|(check, ..)| check).collect()
    }

    #[test]
    fn workers_that_answer_in_turn_are_told() {
        let worker =
            |start: &str, count: u32| page(&format!("# TYPE c counter\nc{{a=\"b\"}} {count}\nprocess_start_time_seconds {start}\n"));
        assert_eq!(checks(&[worker("1.5", 9), worker("2.5", 3), worker("1.5", 9)]), ["several-processes"]);
        assert_eq!(checks(&[worker("1.5", 9), worker("1.5", 3)]), ["several-processes"]);
        assert!(checks(&[worker("1.5", 9), worker("1.5", 9), worker("1.5", 10)]).is_empty());
        let gauge = |value: u32| page(&format!("# TYPE g gauge\ng {value}\n"));
        assert!(checks(&[gauge(3), gauge(2)]).is_empty());
        let histogram =
            |value: u32| page(&format!("# TYPE h histogram\nh_bucket{{le=\"+Inf\"}} {value}\nh_count {value}\nh_sum -{value}\n"));
        assert_eq!(checks(&[histogram(3), histogram(2)]), ["several-processes"]);
        assert!(checks(&[histogram(2), histogram(3)]).is_empty());
    }

    #[test]
    fn a_page_by_itself() {
        assert_eq!(checks(&[page("")]), ["no-samples"]);
        assert_eq!(checks(&[page("a 1\na 2\n")]), ["duplicate-series"]);
        assert_eq!(checks(&[page("# TYPE a_total gauge\na_total 2\n")]), ["gauge-named-total"]);
        assert_eq!(checks(&[page("# TYPE s summary\ns_count 2\ns_sum 2\n")]), ["no-quantiles"]);
        assert!(checks(&[page("# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count 2\ns_sum 2\n")]).is_empty());
        assert!(checks(&[]).is_empty());
    }
}
