//! Matchers to series numbers, over the index of the head or of a segment.

use std::collections::HashMap;

use super::index::SeriesIndex;
use crate::model::{MatchOp, Matcher};

/// A matcher on a label that this index knows, with the answers for values seen so far.
struct Filter<'a> {
    matcher: &'a Matcher,
    name: u32,
    matches_empty: bool,
    known: HashMap<u32, bool>,
}

impl Filter<'_> {
    fn passes(&mut self, index: &SeriesIndex, series: u32) -> bool {
        match index.value_of(series, self.name) {
            None => self.matches_empty,
            Some(value) => *self.known.entry(value).or_insert_with(|| self.matcher.matches(index.symbols.text(value))),
        }
    }
}

/// A matcher that only series with the label can satisfy, as the pairs that do.
fn pairs_for(index: &SeriesIndex, matcher: &Matcher, name: u32) -> Vec<u32> {
    match matcher.op {
        MatchOp::Equal => index.symbols.get(&matcher.value).and_then(|value| index.pairs.find(name, value)).into_iter().collect(),
        _ => {
            let fits = |pair: &&u32| matcher.matches(index.symbols.text(index.pairs.get(**pair).1));
            index.pairs_named(name).iter().filter(fits).copied().collect()
        }
    }
}

/// The numbers of all series that satisfy every matcher, ascending.
pub fn matching(index: &SeriesIndex, matchers: &[Matcher]) -> Vec<u32> {
    let mut lists: Vec<(usize, Vec<u32>, &Matcher, u32)> = Vec::new();
    let mut filters = Vec::new();
    for matcher in matchers {
        let matches_empty = matcher.matches_empty();
        let Some(name) = index.symbols.get(&matcher.name) else {
            // No series has the label: each counts as having it empty.
            if matches_empty {
                continue;
            }
            return Vec::new();
        };
        if matches_empty {
            filters.push(Filter { matcher, name, matches_empty, known: HashMap::new() });
            continue;
        }
        let pairs = pairs_for(index, matcher, name);
        let weight = pairs.iter().map(|pair| index.weight(*pair)).sum();
        lists.push((weight, pairs, matcher, name));
    }
    lists.sort_by_key(|(weight, ..)| *weight);
    let mut lists = lists.into_iter();
    let Some((first_weight, pairs, ..)) = lists.next() else {
        let all = 0..index.len() as u32;
        return all.filter(|series| filters.iter_mut().all(|f| f.passes(index, *series))).collect();
    };
    let mut found = union(index, &pairs);
    for (weight, pairs, matcher, name) in lists {
        // A list much longer than what is left costs more to read than the few labels cost to look at.
        if weight / 8 > first_weight.max(found.len()) {
            filters.push(Filter { matcher, name, matches_empty: false, known: HashMap::new() });
        } else {
            intersect(&mut found, &union(index, &pairs));
        }
    }
    if !filters.is_empty() {
        found.retain(|series| filters.iter_mut().all(|f| f.passes(index, *series)));
    }
    found
}

fn union(index: &SeriesIndex, pairs: &[u32]) -> Vec<u32> {
    let mut found = Vec::new();
    for pair in pairs {
        index.with_pair(*pair, &mut found);
    }
    if pairs.len() > 1 {
        // Pairs of one name never share a series, so sorting is enough.
        found.sort_unstable();
    }
    found
}

fn intersect(found: &mut Vec<u32>, other: &[u32]) {
    let mut at = 0usize;
    found.retain(|series| {
        while other.get(at).is_some_and(|o| o < series) {
            at += 1;
        }
        other.get(at) == Some(series)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Labels;
    use crate::tsdb::bytes::Reader;
    use crate::tsdb::index::id_of;

    fn index(count: u32) -> SeriesIndex {
        let mut index = SeriesIndex::default();
        let base_labels = Labels::from_pairs([("job", "j"), ("instance", "i")]);
        let base = index.base(&base_labels).expect("space");
        for n in 0..count {
            let mut labels = base_labels.to_builder();
            labels.set("__name__", if n % 2 == 0 { "a" } else { "b" }).set("n", &n.to_string());
            if n % 3 == 0 {
                labels.set("third", "yes");
            }
            if n % 5 == 0 {
                labels.set("instance", "other");
            }
            let labels = labels.build();
            index.add(id_of(&labels, 7), &labels, base);
        }
        index
    }

    #[test]
    fn the_same_as_looking_at_every_label() {
        let index = index(3000);
        let mut bytes = Vec::new();
        index.put(&mut bytes);
        let read = SeriesIndex::take(&mut Reader::new(&bytes)).expect("what was written");
        let regex = |name: &str, op, value: &str| Matcher::new(name, op, value).expect("a pattern");
        let cases = [
            vec![],
            vec![Matcher::equal("__name__", "a")],
            vec![Matcher::equal("__name__", "a"), Matcher::equal("third", "yes")],
            vec![Matcher::equal("__name__", "b"), regex("third", MatchOp::NotEqual, "yes")],
            vec![Matcher::equal("third", "")],
            vec![regex("n", MatchOp::Regex, "1.*"), Matcher::equal("instance", "other")],
            vec![regex("n", MatchOp::NotRegex, "1.*|2.*"), Matcher::equal("instance", "i")],
            vec![Matcher::equal("nothing", "x")],
            vec![Matcher::equal("nothing", "")],
            vec![regex("n", MatchOp::Regex, ".*")],
        ];
        for matchers in cases {
            let naive: Vec<u32> = (0..index.len() as u32)
                .filter(|s| {
                    let labels = index.labels(*s);
                    matchers.iter().all(|m| m.matches(labels.get(&m.name).unwrap_or("")))
                })
                .collect();
            assert_eq!(matching(&index, &matchers), naive, "{matchers:?}");
            assert_eq!(matching(&read, &matchers), naive, "{matchers:?} after reading");
        }
        for series in 0..index.len() as u32 {
            assert_eq!(index.find(index.id(series), &index.labels(series)), Some(series));
            assert_eq!(read.labels(series), index.labels(series));
        }
    }
}
