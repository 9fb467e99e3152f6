//! `sort` and its kin: they order instant results; a range result is always ordered by labels.

use std::cmp::Ordering;

use super::quantile::nan_first;
use super::{Eval, Series, Sink, Steps};
use crate::model::Span;
use crate::promql::annotation::Note;
use crate::promql::ast::Call;
use crate::promql::error::QueryError;
use crate::promql::functions::FunctionId;
use crate::storage::Symbol;

impl Eval<'_> {
    pub(super) fn sort(&self, call: &Call, span: Span, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        if self.bounds.step != 0 {
            self.notes.warn(span, &Note::IneffectiveSort(call.function.name));
        }
        let mut all = self.collect(&call.args[0], steps)?;
        let by_value = matches!(call.function.id, FunctionId::Sort | FunctionId::SortDesc);
        let descending = matches!(call.function.id, FunctionId::SortDesc | FunctionId::SortByLabelDesc);
        if by_value {
            all.iter_mut().for_each(|s| s.column.drop_histograms());
            all.retain(|s| !s.column.is_empty());
            if steps.count == 1 {
                all.sort_by(|a, b| by_float(a.column.floats[0], b.column.floats[0], descending));
            }
        } else if steps.count == 1 {
            self.sort_by_named_labels(call, descending, &mut all)?;
        }
        for mut series in all {
            let held = series.column.len();
            sink(&mut series)?;
            self.guard.release(held);
        }
        Ok(())
    }

    fn sort_by_named_labels(&self, call: &Call, descending: bool, all: &mut [Series]) -> Result<(), QueryError> {
        let mut names: Vec<Symbol> = Vec::new();
        for arg in &call.args[1..] {
            names.push(self.symbols.get(self.utf8(arg)?));
        }
        all.sort_by_cached_key(|series| {
            let values: Vec<_> = names
                .iter()
                .map(|name| super::symbols::Symbols::value_of(&series.labels, *name).map_or_else(|| "".into(), |v| self.symbols.text(v)))
                .map(|text: std::sync::Arc<str>| Natural(text.to_string()))
                .collect();
            (values, self.symbols.to_labels(&series.labels))
        });
        if descending {
            all.reverse();
        }
        Ok(())
    }
}

/// NaN goes last in either direction.
fn by_float(a: f64, b: f64, descending: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) if descending => nan_first(b, a),
        (false, false) => nan_first(a, b),
        (x, y) => x.cmp(&y),
    }
}

/// Text in natural order: runs of digits compare as numbers.
#[derive(PartialEq, Eq)]
struct Natural(String);

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        natural(self.0.as_bytes(), other.0.as_bytes()).then_with(|| self.0.cmp(&other.0))
    }
}

fn natural(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        match (a.first(), b.first()) {
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (left, right) = (digits(a), digits(b));
                let order = trimmed(left).len().cmp(&trimmed(right).len()).then_with(|| trimmed(left).cmp(trimmed(right)));
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (&a[left.len()..], &b[right.len()..]);
            }
            (Some(x), Some(y)) if x == y => (a, b) = (&a[1..], &b[1..]),
            (x, y) => return x.cmp(&y),
        }
    }
}

fn digits(text: &[u8]) -> &[u8] {
    &text[..text.iter().take_while(|b| b.is_ascii_digit()).count()]
}

fn trimmed(digits: &[u8]) -> &[u8] {
    &digits[digits.iter().take_while(|b| **b == b'0').count()..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_within_texts_compare_as_numbers() {
        let mut names = ["4m1000", "4m5", "10", "9", "4m600", "a", ""].map(|n| Natural(n.to_owned()));
        names.sort();
        assert_eq!(names.map(|n| n.0), ["", "4m5", "4m600", "4m1000", "9", "10", "a"]);
    }
}
