//! All label names, or all values of one label, of a stretch of time: what every page of a client asks first.
//!
//! A sealed segment that lies in the range as a whole has them in its index. Of others, and of the head, only series that could bring
//! something new are looked at.

use std::collections::BTreeSet;

use super::TsdbSnapshot;
use crate::model::TimeRange;
use crate::storage::SelectError;
use crate::tsdb::batch::Builders;
use crate::tsdb::index::SeriesIndex;
use crate::tsdb::store::read;

/// Which texts of labels are wanted.
#[derive(Clone, Copy)]
pub enum Wanted<'a> {
    Names,
    ValuesOf(&'a str),
}

impl Wanted<'_> {
    /// The pairs of an index that have such texts.
    fn pairs(self, index: &SeriesIndex) -> Vec<u32> {
        match self {
            Self::Names => index.names().flat_map(|name| index.pairs_named(name)).copied().collect(),
            Self::ValuesOf(name) => index.symbols.get(name).map_or_else(Vec::new, |name| index.pairs_named(name).to_vec()),
        }
    }

    fn text(self, index: &SeriesIndex, pair: u32) -> &str {
        let (name, value) = index.pairs.get(pair);
        index.symbols.text(if matches!(self, Self::Names) { name } else { value })
    }
}

impl TsdbSnapshot {
    /// Sorted and unique, of all series with samples in the range. Nothing may be deleted in it.
    pub(super) fn all_texts(&self, wanted: Wanted<'_>, range: TimeRange) -> Result<Vec<String>, SelectError> {
        let mut found: BTreeSet<String> = BTreeSet::new();
        let (whole, partial): (Vec<_>, Vec<_>) = self
            .segments
            .sealed
            .iter()
            .filter(|s| s.range().overlaps(range))
            .partition(|s| range.min <= s.range().min && s.range().max <= range.max);
        for segment in whole {
            let index = self.store.indexes.get(segment)?;
            let mut others = Vec::new();
            for pair in wanted.pairs(&index.series) {
                // A pair without postings belongs to nothing, or to series that are not listed yet.
                if index.series.weight(pair) == 0 {
                    others.push(pair);
                } else {
                    add(&mut found, wanted.text(&index.series, pair));
                }
            }
            let series = series_of(&index.series, wanted, others, &found);
            add_texts(&mut found, &index.series, wanted, &series);
        }
        for segment in partial {
            let index = self.store.indexes.get(segment)?;
            let series = series_of(&index.series, wanted, wanted.pairs(&index.series), &found);
            add_texts(&mut found, &index.series, wanted, &self.with_stripes(&index, series, range));
        }
        let series = {
            let head = read(&self.store.head);
            series_of(&head.index, wanted, wanted.pairs(&head.index), &found)
        };
        if !series.is_empty() {
            let present = Builders::present(self, &series, range);
            add_texts(&mut found, &read(&self.store.head).index, wanted, &present);
        }
        Ok(found.into_iter().collect())
    }
}

fn add(found: &mut BTreeSet<String>, text: &str) {
    if !found.contains(text) {
        found.insert(text.to_owned());
    }
}

/// The series with any of these pairs whose text is not known yet, ascending.
fn series_of(index: &SeriesIndex, wanted: Wanted<'_>, pairs: Vec<u32>, found: &BTreeSet<String>) -> Vec<u32> {
    let mut series = Vec::new();
    for pair in pairs.into_iter().filter(|pair| !found.contains(wanted.text(index, *pair))) {
        index.with_pair(pair, &mut series);
    }
    series.sort_unstable();
    series.dedup();
    series
}

fn add_texts(found: &mut BTreeSet<String>, index: &SeriesIndex, wanted: Wanted<'_>, series: &[u32]) {
    let name = match wanted {
        Wanted::Names => None,
        Wanted::ValuesOf(name) => match index.symbols.get(name) {
            Some(name) => Some(name),
            None => return,
        },
    };
    for number in series {
        index.for_each_pair(*number, |pair| {
            if name.is_none_or(|name| index.pairs.get(pair).0 == name) {
                add(found, wanted.text(index, pair));
            }
        });
    }
}
