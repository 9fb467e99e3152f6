//! A snapshot: a commit sequence, the sealed segments of that moment, and the open ones from there on.

mod texts;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex};

use foldhash::{HashMap, HashMapExt};

use super::batch::{BatchBuilder, Builders};
use super::index::SeriesIndex;
use super::matching::matching;
use super::page::extreme::Extreme;
use super::segment::SegmentIndex;
use super::store::{SegmentSet, Store, lock, read};
use super::tombstones::Tombstones;
use crate::model::{Labels, Matcher, Metadata, TimeRange};
use crate::storage::{Batch, Hints, LabelPair, SelectError, Snapshot, Symbol, Version};
use texts::Wanted;

/// Symbols from here on are texts that only sealed segments have; the other half of what a snapshot may give out is the head's.
const OWN_SYMBOLS: u32 = Symbol::READER_FROM / 2;

pub struct TsdbSnapshot {
    pub store: Arc<Store>,
    pub sequence: u64,
    pub range: TimeRange,
    pub segments: Arc<SegmentSet>,
    pub tombstones: Arc<Tombstones>,
    /// How many symbols of the head this snapshot may give out.
    head_symbols: u32,
    own: Mutex<OwnSymbols>,
}

#[derive(Default)]
struct OwnSymbols {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl TsdbSnapshot {
    pub fn open(store: Arc<Store>, range: TimeRange) -> Self {
        let sequence = {
            // Held while the sequence is read, so that no flush forgets rows between the two.
            let mut pins = lock(&store.pins);
            let sequence = store.sequence();
            *pins.entry(sequence).or_insert(0) += 1;
            sequence
        };
        // Before the segments: those that were written without deleted samples need no tombstones, older ones do.
        let tombstones = store.tombstones.current();
        let segments = store.segments();
        let head_symbols = read(&store.head).index.symbols.len() as u32;
        Self { store, sequence, range, segments, tombstones, head_symbols, own: Mutex::default() }
    }

    pub fn symbol_of(&self, index: &SeriesIndex, text: &str) -> Symbol {
        if let Some(known) = index.symbols.get(text).filter(|symbol| *symbol < self.head_symbols) {
            return Symbol(known);
        }
        let mut own = lock(&self.own);
        if let Some(known) = own.numbers.get(text) {
            return Symbol(*known);
        }
        let number = OWN_SYMBOLS + own.texts.len() as u32;
        let text: Arc<str> = Arc::from(text);
        own.texts.push(text.clone());
        own.numbers.insert(text, number);
        Symbol(number)
    }

    /// A symbol of the head's table as this snapshot knows it.
    fn head_symbol(&self, index: &SeriesIndex, symbol: u32) -> Symbol {
        if symbol < self.head_symbols { Symbol(symbol) } else { self.symbol_of(index, index.symbols.text(symbol)) }
    }

    /// Labels of a series of the head.
    pub fn head_labels(&self, index: &SeriesIndex, series: u32, into: &mut Vec<LabelPair>) {
        index.for_each_label(series, |name, value| {
            into.push(LabelPair { name: self.head_symbol(index, name), value: self.head_symbol(index, value) });
        });
    }

    /// Labels of a series that only a segment has.
    /// `known` are the symbols of the index that were met before.
    pub fn segment_labels(
        &self,
        head: &SeriesIndex,
        index: &SeriesIndex,
        series: u32,
        known: &mut HashMap<u32, Symbol>,
        into: &mut Vec<LabelPair>,
    ) {
        index.for_each_label(series, |name, value| {
            let mut of = |symbol| *known.entry(symbol).or_insert_with(|| self.symbol_of(head, index.symbols.text(symbol)));
            into.push(LabelPair { name: of(name), value: of(value) });
        });
    }

    fn cut(&self, range: TimeRange) -> TimeRange {
        TimeRange::new(range.min.max(self.range.min), range.max.min(self.range.max))
    }

    /// Calls with every series that satisfies the matchers and may have samples in the range, in each index that has it.
    fn for_each_index(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        mut each: impl FnMut(&SeriesIndex, &[u32]),
    ) -> Result<(), SelectError> {
        for segment in self.segments.sealed.iter().filter(|s| s.range().overlaps(range)) {
            let index = self.store.indexes.get(segment)?;
            let found = matching(&index.series, matchers);
            each(&index.series, &self.not_deleted(&index.series, self.with_stripes(&index, found, range), matchers, range)?);
        }
        let head = read(&self.store.head);
        let found = matching(&head.index, matchers);
        drop(head);
        let present = Builders::present(self, &found, range);
        let head = read(&self.store.head);
        if self.tombstones.is_empty() {
            each(&head.index, &present);
            return Ok(());
        }
        let deleted: Vec<u32> = present.iter().copied().filter(|series| self.tombstones.of(head.index.id(*series)).is_some()).collect();
        drop(head);
        let left = self.left_of(&deleted, matchers, range)?;
        let head = read(&self.store.head);
        let mut present = present;
        present.retain(|series| {
            let id = head.index.id(*series);
            self.tombstones.of(id).is_none() || left.contains(&id)
        });
        each(&head.index, &present);
        Ok(())
    }

    /// Without the series all of whose samples in the range are deleted.
    fn not_deleted(
        &self,
        index: &SeriesIndex,
        mut found: Vec<u32>,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Vec<u32>, SelectError> {
        let deleted: Vec<u32> = found.iter().copied().filter(|series| self.tombstones.of(index.id(*series)).is_some()).collect();
        let left = self.left_of(&deleted, matchers, range)?;
        found.retain(|series| self.tombstones.of(index.id(*series)).is_none() || left.contains(&index.id(*series)));
        Ok(found)
    }

    /// The ids of series with samples in the range, if any of `deleted` needs to be known.
    fn left_of(&self, deleted: &[u32], matchers: &[Matcher], range: TimeRange) -> Result<HashSet<u64>, SelectError> {
        if deleted.is_empty() {
            return Ok(HashSet::new());
        }
        let batches = self.select(matchers, &Hints { range: Some(range), ..Hints::default() })?;
        Ok(batches.iter().flat_map(|batch| (0..batch.len()).map(|at| batch.series_id(at).0)).collect())
    }

    /// Series of a segment whose group has a stripe in the range.
    fn with_stripes(&self, index: &SegmentIndex, mut found: Vec<u32>, range: TimeRange) -> Vec<u32> {
        let overlaps = |group: u32| {
            let stripes = &index.groups[group as usize].stripes;
            stripes.iter().any(|s| s.min_time <= range.max.0 && s.max_time >= range.min.0)
        };
        let has: Vec<bool> = (0..index.groups.len() as u32).map(overlaps).collect();
        found.retain(|series| index.groups_of(*series).any(|group| has[group as usize]));
        found
    }
}

/// Whether the one window that is asked for is only looked at for its least or greatest value.
fn asked(hints: &Hints) -> Option<Extreme> {
    match hints.function {
        _ if hints.window.is_none() || hints.step.is_some() => None,
        Some("max_over_time") => Some(Extreme::Greatest),
        Some("min_over_time") => Some(Extreme::Least),
        _ => None,
    }
}

impl Drop for TsdbSnapshot {
    fn drop(&mut self) {
        let mut pins = lock(&self.store.pins);
        if let Some(count) = pins.get_mut(&self.sequence) {
            *count -= 1;
            if *count == 0 {
                pins.remove(&self.sequence);
            }
        }
    }
}

impl Snapshot for TsdbSnapshot {
    fn select(&self, matchers: &[Matcher], hints: &Hints) -> Result<Vec<Box<dyn Batch>>, SelectError> {
        self.store.metrics.selects.inc();
        let range = self.cut(hints.range.unwrap_or(self.range));
        if range.min > range.max {
            return Ok(Vec::new());
        }
        let mut builders = Builders::new(self, range);
        for segment in self.segments.sealed.iter().filter(|s| s.range().overlaps(range)) {
            let index = self.store.indexes.get(segment).inspect_err(|_| self.store.metrics.damaged_reads.inc())?;
            builders.add_segment(segment, &index, &matching(&index.series, matchers));
        }
        let found = matching(&read(&self.store.head).index, matchers);
        builders.add_head(&found);
        BatchBuilder::finish(builders, hints.limit, asked(hints))
    }

    fn series(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Labels>, SelectError> {
        let mut found: HashMap<u64, Labels> = HashMap::new();
        self.for_each_index(matchers, self.cut(range), |index, series| {
            for number in series {
                found.entry(index.id(*number)).or_insert_with(|| index.labels(*number));
            }
        })?;
        Ok(found.into_values().collect())
    }

    fn label_names(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SelectError> {
        if matchers.is_empty() && self.tombstones.is_empty() {
            return self.all_texts(Wanted::Names, self.cut(range));
        }
        let mut names = BTreeSet::new();
        self.for_each_index(matchers, self.cut(range), |index, series| {
            let mut symbols = BTreeSet::new();
            for number in series {
                index.for_each_pair(*number, |pair| {
                    symbols.insert(index.pairs.get(pair).0);
                });
            }
            names.extend(symbols.into_iter().map(|symbol| index.symbols.text(symbol).to_owned()));
        })?;
        Ok(names.into_iter().collect())
    }

    fn label_values(&self, name: &str, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SelectError> {
        if matchers.is_empty() && self.tombstones.is_empty() {
            return self.all_texts(Wanted::ValuesOf(name), self.cut(range));
        }
        let mut values = BTreeSet::new();
        self.for_each_index(matchers, self.cut(range), |index, series| {
            let Some(symbol) = index.symbols.get(name) else { return };
            let found: BTreeSet<u32> = series.iter().filter_map(|number| index.value_of(*number, symbol)).collect();
            values.extend(found.into_iter().map(|symbol| index.symbols.text(symbol).to_owned()));
        })?;
        Ok(values.into_iter().collect())
    }

    fn metadata(&self) -> Result<Vec<(String, Metadata)>, SelectError> {
        let known: &BTreeMap<String, Metadata> = &read(&self.store.metadata);
        Ok(known.iter().map(|(family, metadata)| (family.clone(), metadata.clone())).collect())
    }

    fn text(&self, symbol: Symbol) -> Arc<str> {
        if symbol.0 >= OWN_SYMBOLS {
            let own = lock(&self.own);
            return own.texts.get((symbol.0 - OWN_SYMBOLS) as usize).cloned().unwrap_or_else(|| Arc::from(""));
        }
        let head = read(&self.store.head);
        if symbol.0 < self.head_symbols { Arc::from(head.index.symbols.text(symbol.0)) } else { Arc::from("") }
    }

    fn symbol(&self, text: &str) -> Option<Symbol> {
        // A text that only an old segment has gets its symbol now, so that it is the same before and after a selection.
        Some(self.symbol_of(&read(&self.store.head).index, text))
    }

    fn version(&self, range: TimeRange) -> Version {
        Version(self.store.versions.of(range))
    }
}
