//! Label sets: sorted name-value pairs in one shared allocation.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";

/// Sorted, unique label pairs without empty values; cloning shares the bytes.
///
/// Inside: for each pair the name and the value, each as a little-endian u32 length and its text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Labels(Arc<str>);

const LENGTH_DIGITS: usize = 5;

impl Default for Labels {
    fn default() -> Self {
        Self::empty()
    }
}

impl Labels {
    pub fn empty() -> Self {
        Self(Arc::from(""))
    }

    /// Any order; of equal names the last wins; empty values are dropped.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut builder = LabelsBuilder::default();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.build()
    }

    /// What rules set, and annotations: an empty value is kept (a rule's takes the label away from what it is set on). Of equal names the
    /// last wins.
    pub fn to_set<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut pairs: Vec<(N, V)> = pairs.into_iter().collect();
        if pairs.windows(2).any(|two| two[0].0.as_ref() >= two[1].0.as_ref()) {
            // Equal names keep their order, so that the last of them can be told.
            pairs.sort_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
        }
        let names = pairs.iter().skip(1).map(|(name, _)| Some(name.as_ref())).chain([None]);
        let last = pairs.iter().zip(names).filter(|((name, _), next)| *next != Some(name.as_ref()));
        Self::from_sorted(last.map(|((name, value), _)| (name.as_ref(), value.as_ref())))
    }

    /// In order of name.
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.0 }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// The metric's name, empty when there is none.
    pub fn metric_name(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or("")
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.iter().count()
    }

    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder { pairs: self.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect() }
    }

    pub fn without(&self, names: &[&str]) -> Self {
        Self::from_sorted(self.iter().filter(|(n, _)| !names.contains(n)))
    }

    pub fn without_metric_name(&self) -> Self {
        self.without(&[METRIC_NAME])
    }

    /// The caller promises order, uniqueness and values that are not empty.
    pub fn from_sorted<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        // Most label sets fit; what is too much goes with the copy below.
        let mut text = String::with_capacity(256);
        for (name, value) in pairs {
            push_part(&mut text, name);
            push_part(&mut text, value);
        }
        Self(Arc::from(text))
    }

    /// Bytes held, for budgets.
    pub fn size_bytes(&self) -> usize {
        self.0.len() + 32
    }
}

/// Lengths are five base-128 characters, so that the whole stays valid UTF-8 (`str` needs no `unsafe` to slice).
fn push_part(text: &mut String, part: &str) {
    let mut length = part.len() as u64;
    for _ in 0..LENGTH_DIGITS {
        text.push((length & 0x7f) as u8 as char);
        length >>= 7;
    }
    text.push_str(part);
}

fn take_part(rest: &str) -> (&str, &str) {
    rest[LENGTH_DIGITS..].split_at(part_length(rest.as_bytes()))
}

fn take_bytes(rest: &[u8]) -> (&[u8], &[u8]) {
    rest[LENGTH_DIGITS..].split_at(part_length(rest))
}

fn part_length(rest: &[u8]) -> usize {
    match *rest {
        // Hardly any part is longer.
        [length, 0, 0, 0, 0, ..] => usize::from(length),
        _ => rest[..LENGTH_DIGITS].iter().rev().fold(0usize, |sum, b| (sum << 7) | usize::from(*b)),
    }
}

pub struct Iter<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (name, rest) = take_part(self.rest);
        let (value, rest) = take_part(rest);
        self.rest = rest;
        Some((name, value))
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Labels {
    /// Pair by pair, name then value; a prefix comes first. This is the order of Prometheus's matrices.
    fn cmp(&self, other: &Self) -> Ordering {
        // Texts are ordered as their bytes are.
        let (mut mine, mut others) = (self.0.as_bytes(), other.0.as_bytes());
        while !mine.is_empty() && !others.is_empty() {
            let ((a, rest), (b, other_rest)) = (take_bytes(mine), take_bytes(others));
            match a.cmp(b) {
                Ordering::Equal => (mine, others) = (rest, other_rest),
                order => return order,
            }
        }
        mine.len().cmp(&others.len())
    }
}

impl fmt::Display for Labels {
    /// `name{a="b", c="d"}`, as Prometheus prints a metric.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.metric_name();
        f.write_str(name)?;
        let mut separator = "";
        let others = self.iter().filter(|(n, _)| *n != METRIC_NAME);
        if name.is_empty() || self.len() > 1 {
            f.write_str("{")?;
            for (n, v) in others {
                write!(f, "{separator}{n}={}", super::number::quote(v))?;
                separator = ", ";
            }
            f.write_str("}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A label set under construction, kept sorted.
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder {
    pairs: Vec<(String, String)>,
}

impl LabelsBuilder {
    /// An empty value removes the label.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        match self.pairs.binary_search_by(|(n, _)| n.as_str().cmp(name)) {
            Ok(at) if value.is_empty() => {
                self.pairs.remove(at);
            }
            Ok(at) => self.pairs[at].1 = value.to_owned(),
            Err(_) if value.is_empty() => {}
            Err(at) => self.pairs.insert(at, (name.to_owned(), value.to_owned())),
        }
        self
    }

    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.set(name, "")
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.pairs.binary_search_by(|(n, _)| n.as_str().cmp(name)).ok()?;
        Some(&self.pairs[at].1)
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) -> &mut Self {
        self.pairs.retain(|(n, v)| keep(n, v));
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    pub fn build(&self) -> Labels {
        Labels::from_sorted(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_drops_empty_and_prints() {
        let labels = Labels::from_pairs([("job", "x"), ("__name__", "up"), ("a", ""), ("b", "q\"\u{e9}")]);
        assert_eq!(labels.to_string(), "up{b=\"q\\\"\u{e9}\", job=\"x\"}");
        assert_eq!(labels.get("b"), Some("q\"\u{e9}"));
        assert_eq!(labels.without_metric_name().to_string(), "{b=\"q\\\"\u{e9}\", job=\"x\"}");
        assert_eq!(Labels::from_pairs([("__name__", "up")]).to_string(), "up");
        assert_eq!(Labels::empty().to_string(), "{}");
        assert_eq!(labels, Labels::from_pairs([("b", "q\"\u{e9}"), ("job", "x"), ("__name__", "up")]));
    }

    #[test]
    fn what_is_to_be_set_keeps_empty_values() {
        let set = Labels::to_set([("b", ""), ("a", "1"), ("a", "2")]);
        assert_eq!(set.to_string(), "{a=\"2\", b=\"\"}");
        let mut builder = Labels::from_pairs([("b", "x"), ("c", "y")]).to_builder();
        set.iter().for_each(|(name, value)| {
            builder.set(name, value);
        });
        assert_eq!(builder.build().to_string(), "{a=\"2\", c=\"y\"}");
    }

    #[test]
    fn long_values_survive() {
        let long = "x".repeat(300_000);
        let labels = Labels::from_pairs([("a", long.as_str()), ("b", "c")]);
        assert_eq!(labels.get("a"), Some(long.as_str()));
        assert_eq!(labels.get("b"), Some("c"));
    }

    #[test]
    fn orders_pair_by_pair() {
        let of = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        assert!(of(&[("a", "1")]) < of(&[("a", "1"), ("b", "1")]));
        assert!(of(&[("a", "10")]) < of(&[("a", "9")]));
        assert!(of(&[("a", "2")]) < of(&[("b", "1")]));
    }
}
