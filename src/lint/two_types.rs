//! One name that targets expose as two types: what is right for one of them is wrong for the other.

use std::collections::BTreeSet;

use super::shape::metrics;
use super::{Known, Said, Subject};

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    let names: BTreeSet<&str> = metrics(subject.expr).into_iter().collect();
    let judge = |name: &str| {
        let kinds = known.metrics.get(name).map(|metric| &metric.kinds).filter(|kinds| kinds.len() > 1)?;
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        let message = format!("{name} is a {} on different targets: this rule is wrong for one of them", kinds.join(" and a "));
        Some((message, "give them two names where they are made, or choose the targets here by job".to_owned()))
    };
    names.into_iter().filter_map(judge).collect()
}
