//! Metric families of the simulated exporters: written as a page for a scrape, listed as series for the history.

use crate::model::Labels;
use crate::model::number::{format_general, quote};

/// One metric family with its current values.
#[derive(Clone, Debug)]
pub struct Family {
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    pub help: &'static str,
    pub samples: Vec<Point>,
}

/// A series of a family: what follows its name, its labels, its value.
#[derive(Clone, Debug)]
pub struct Point {
    pub suffix: &'static str,
    pub labels: Vec<(&'static str, String)>,
    pub value: f64,
}

impl Family {
    pub fn new(name: &'static str, kind: &'static str, help: &'static str) -> Self {
        Self { name, kind, help, samples: Vec::new() }
    }

    pub fn push(&mut self, labels: &[(&'static str, &str)], value: f64) {
        self.point("", labels.iter().map(|(n, v)| (*n, (*v).to_owned())).collect(), value);
    }

    pub fn point(&mut self, suffix: &'static str, labels: Vec<(&'static str, String)>, value: f64) {
        self.samples.push(Point { suffix, labels, value });
    }

    /// Every series with its full label set, `target` labels included.
    pub fn series<'a>(&'a self, target: &'a Labels) -> impl Iterator<Item = (Labels, f64)> + 'a {
        self.samples.iter().map(move |point| {
            let mut builder = target.to_builder();
            builder.set("__name__", &format!("{}{}", self.name, point.suffix));
            for (name, value) in &point.labels {
                builder.set(name, value);
            }
            (builder.build(), point.value)
        })
    }
}

/// The page of a scrape, text format 0.0.4.
pub fn page(families: &[Family]) -> String {
    let mut out = String::new();
    for family in families {
        out.push_str(&format!("# HELP {} {}\n# TYPE {} {}\n", family.name, family.help, family.name, family.kind));
        for point in &family.samples {
            out.push_str(family.name);
            out.push_str(point.suffix);
            if !point.labels.is_empty() {
                let pairs: Vec<String> = point.labels.iter().map(|(n, v)| format!("{n}={}", quote(v))).collect();
                out.push_str(&format!("{{{}}}", pairs.join(",")));
            }
            out.push_str(&format!(" {}\n", format_general(point.value)));
        }
    }
    out
}

/// A classic histogram under construction.
#[derive(Clone, Debug)]
pub struct Buckets {
    bounds: &'static [f64],
    counts: Vec<u64>,
    sum: f64,
    count: u64,
}

impl Buckets {
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len()], sum: 0.0, count: 0 }
    }

    pub fn observe(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
        for (bound, count) in self.bounds.iter().zip(&mut self.counts) {
            *count += u64::from(value <= *bound);
        }
    }

    /// Adds `_bucket` (cumulative, by `le`), `_sum` and `_count`; bounds are written as Python's client writes them (`1.0`).
    pub fn write(&self, family: &mut Family, agent: &str) {
        let labels = |le: Option<String>| {
            let mut labels = vec![("agent_id", agent.to_owned())];
            labels.extend(le.map(|le| ("le", le)));
            labels
        };
        for (bound, count) in self.bounds.iter().zip(&self.counts) {
            family.point("_bucket", labels(Some(format!("{bound:?}"))), *count as f64);
        }
        family.point("_bucket", labels(Some("+Inf".to_owned())), self.count as f64);
        family.point("_sum", labels(None), self.sum);
        family.point("_count", labels(None), self.count as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_as_a_python_client_writes_it() {
        let mut family = Family::new("a_seconds", "histogram", "Time");
        let mut buckets = Buckets::new(&[0.5, 1.0]);
        buckets.observe(0.7);
        buckets.write(&mut family, "x");
        let text = page(&[family]);
        assert!(text.starts_with("# HELP a_seconds Time\n# TYPE a_seconds histogram\na_seconds_bucket{agent_id=\"x\",le=\"0.5\"} 0\n"));
        assert!(text.contains("a_seconds_bucket{agent_id=\"x\",le=\"1.0\"} 1\n") && text.contains("le=\"+Inf\"} 1\n"));
        assert!(text.ends_with("a_seconds_sum{agent_id=\"x\"} 0.7\na_seconds_count{agent_id=\"x\"} 1\n"));
    }
}
