//! Recording rules: an answer becomes series of the rule's name and labels. Pure.

use std::collections::HashSet;

use super::query::{QueryResult, ResultSample};
use crate::model::{Labels, METRIC_NAME, Value};

/// The series to write; the error is Prometheus's sentence.
pub fn recorded(name: &str, labels: &Labels, limit: usize, result: QueryResult) -> Result<Vec<(Labels, Value)>, String> {
    let samples = result.into_samples();
    let mut seen = HashSet::with_capacity(samples.len());
    let mut out = Vec::with_capacity(samples.len());
    for ResultSample { labels: own, value } in samples {
        let mut builder = own.to_builder();
        builder.set(METRIC_NAME, name);
        for (label, text) in labels {
            builder.set(label, text);
        }
        let labels = builder.build();
        if !seen.insert(labels.clone()) {
            return Err("vector contains metrics with the same labelset after applying rule labels".to_owned());
        }
        out.push((labels, value));
    }
    if limit > 0 && out.len() > limit {
        return Err(format!("exceeded limit of {limit} with {} series", out.len()));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(pairs: &[(&str, &str)]) -> ResultSample {
        ResultSample::float(Labels::from_pairs(pairs.iter().copied()), 2.0)
    }

    #[test]
    fn overrides_name_and_labels() {
        let result = QueryResult::Vector(vec![sample(&[("__name__", "x"), ("a", "1"), ("b", "2")])]);
        let out = recorded("job:x", &Labels::from_pairs([("a", "9"), ("c", "3")]), 0, result).unwrap();
        assert_eq!(out[0].0.to_string(), "job:x{a=\"9\", b=\"2\", c=\"3\"}");
        let scalar = recorded("one", &Labels::empty(), 1, QueryResult::Scalar(1.0)).unwrap();
        assert_eq!(scalar[0].0.to_string(), "one");
    }

    #[test]
    fn refuses_duplicates_and_too_many() {
        let two = || QueryResult::Vector(vec![sample(&[("a", "1")]), sample(&[("a", "2")])]);
        assert_eq!(
            recorded("x", &Labels::from_pairs([("a", "9")]), 0, two()).unwrap_err(),
            "vector contains metrics with the same labelset after applying rule labels"
        );
        assert_eq!(recorded("x", &Labels::empty(), 1, two()).unwrap_err(), "exceeded limit of 1 with 2 series");
    }
}
