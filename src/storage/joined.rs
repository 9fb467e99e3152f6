//! Two stores read as one: the main one, which is written to, and an older one behind it.
//!
//! Where only the main store has anything of the time asked for, its own snapshot is given out and nothing costs more than before.
//! Otherwise series are matched by their labels; of two samples at one time the main store's counts.

mod both;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::select::{Batch, ColumnValues, Hints, LabelPair, Select, SelectError, SeriesId, Snapshot, Symbol, Version};
use crate::model::{Labels, Matcher, Metadata, TimeRange, TimestampMs};
use both::Both;

/// Symbols from here on are texts that only the older store has; see [`Symbol::READER_FROM`].
const OWN_SYMBOLS: u32 = Symbol::READER_FROM / 4 * 3;

/// Whether the older store may have anything of a range.
pub type Covers = dyn Fn(TimeRange) -> bool + Send + Sync;

pub struct Joined {
    main: Arc<dyn Select>,
    older: Arc<dyn Select>,
    covers: Box<Covers>,
}

impl Joined {
    pub fn new(main: Arc<dyn Select>, older: Arc<dyn Select>, covers: Box<Covers>) -> Self {
        Self { main, older, covers }
    }
}

impl Select for Joined {
    fn open(&self, range: TimeRange) -> Result<Arc<dyn Snapshot>, SelectError> {
        let main = self.main.open(range)?;
        if !(self.covers)(range) {
            return Ok(main);
        }
        Ok(Arc::new(JoinedSnapshot { main, older: self.older.open(range)?, own: Mutex::default() }))
    }
}

struct JoinedSnapshot {
    main: Arc<dyn Snapshot>,
    older: Arc<dyn Snapshot>,
    own: Mutex<OwnSymbols>,
}

#[derive(Default)]
struct OwnSymbols {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    /// The older snapshot's symbols as this one gives them out.
    known: HashMap<Symbol, Symbol>,
}

/// Series of one store that the other does not have.
struct Part {
    inner: Arc<dyn Batch>,
    /// Which of the batch's series.
    only: Vec<u32>,
    /// One for each of `only`; none where the batch's own hold.
    labels: Option<Vec<Vec<LabelPair>>>,
}

impl JoinedSnapshot {
    /// A text of the older snapshot as a symbol of this one.
    fn symbol_of(&self, own: &mut OwnSymbols, symbol: Symbol) -> Symbol {
        if let Some(known) = own.known.get(&symbol) {
            return *known;
        }
        let text = self.older.text(symbol);
        let given = match (self.main.symbol(&text), own.numbers.get(&text)) {
            (Some(of_main), _) => of_main,
            (None, Some(number)) => Symbol(*number),
            (None, None) => {
                let number = OWN_SYMBOLS + own.texts.len() as u32;
                own.texts.push(text.clone());
                own.numbers.insert(text, number);
                Symbol(number)
            }
        };
        own.known.insert(symbol, given);
        given
    }

    fn labels(&self, batch: &dyn Batch) -> Vec<Vec<LabelPair>> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pair = |p: &LabelPair| LabelPair { name: self.symbol_of(&mut own, p.name), value: self.symbol_of(&mut own, p.value) };
        (0..batch.len()).map(|index| batch.labels(index).iter().map(&mut pair).collect()).collect()
    }
}

impl Snapshot for JoinedSnapshot {
    fn select(&self, matchers: &[Matcher], hints: &Hints) -> Result<Vec<Box<dyn Batch>>, SelectError> {
        let main = self.main.select(matchers, hints)?;
        let older: Vec<Arc<dyn Batch>> = self.older.select(matchers, hints)?.into_iter().map(Arc::from).collect();
        if older.is_empty() {
            return Ok(main);
        }
        let main: Vec<Arc<dyn Batch>> = main.into_iter().map(Arc::from).collect();
        let mut labels: Vec<Vec<Vec<LabelPair>>> = older.iter().map(|batch| self.labels(batch.as_ref())).collect();
        let mut places: HashMap<&[LabelPair], (usize, u32)> = HashMap::new();
        if !main.is_empty() {
            for (batch, sets) in labels.iter().enumerate() {
                places.extend(sets.iter().zip(0..).map(|(set, index)| (set.as_slice(), (batch, index))));
            }
        }
        // For each pair of batches the series that are in both.
        let mut shared: BTreeMap<(usize, usize), Vec<(u32, u32)>> = BTreeMap::new();
        let mut taken: HashSet<(usize, u32)> = HashSet::new();
        let mut batches: Vec<Box<dyn Batch>> = Vec::new();
        for (number, batch) in main.iter().enumerate() {
            let mut only = Vec::new();
            for index in 0..batch.len() as u32 {
                match places.get(batch.labels(index as usize)) {
                    Some((other, at)) => {
                        shared.entry((*other, number)).or_default().push((*at, index));
                        taken.insert((*other, *at));
                    }
                    None => only.push(index),
                }
            }
            if !only.is_empty() {
                batches.push(Box::new(Part { inner: batch.clone(), only, labels: None }));
            }
        }
        for ((of_older, of_main), pairs) in shared {
            batches.push(Box::new(Both::new(older[of_older].clone(), main[of_main].clone(), pairs)));
        }
        for (number, batch) in older.into_iter().enumerate() {
            let only: Vec<u32> = (0..batch.len() as u32).filter(|index| !taken.contains(&(number, *index))).collect();
            if !only.is_empty() {
                let labels = only.iter().map(|index| std::mem::take(&mut labels[number][*index as usize])).collect();
                batches.push(Box::new(Part { inner: batch, only, labels: Some(labels) }));
            }
        }
        Ok(batches)
    }

    fn series(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Labels>, SelectError> {
        let mut sets: HashSet<Labels> = self.main.series(matchers, range)?.into_iter().collect();
        sets.extend(self.older.series(matchers, range)?);
        Ok(sets.into_iter().collect())
    }

    fn label_names(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SelectError> {
        let mut names: BTreeSet<String> = self.main.label_names(matchers, range)?.into_iter().collect();
        names.extend(self.older.label_names(matchers, range)?);
        Ok(names.into_iter().collect())
    }

    fn label_values(&self, name: &str, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SelectError> {
        let mut values: BTreeSet<String> = self.main.label_values(name, matchers, range)?.into_iter().collect();
        values.extend(self.older.label_values(name, matchers, range)?);
        Ok(values.into_iter().collect())
    }

    fn metadata(&self) -> Result<Vec<(String, Metadata)>, SelectError> {
        let mut known: BTreeMap<String, Metadata> = self.older.metadata()?.into_iter().collect();
        known.extend(self.main.metadata()?);
        Ok(known.into_iter().collect())
    }

    fn text(&self, symbol: Symbol) -> Arc<str> {
        if symbol.0 >= OWN_SYMBOLS {
            let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            return own.texts.get((symbol.0 - OWN_SYMBOLS) as usize).cloned().unwrap_or_else(|| Arc::from(""));
        }
        self.main.text(symbol)
    }

    fn symbol(&self, text: &str) -> Option<Symbol> {
        let of_main = self.main.symbol(text);
        of_main.or_else(|| {
            let of_older = self.older.symbol(text)?;
            Some(self.symbol_of(&mut self.own.lock().unwrap_or_else(PoisonError::into_inner), of_older))
        })
    }

    /// Both grow only, so their sum tells any two states apart.
    fn version(&self, range: TimeRange) -> Version {
        Version(self.main.version(range).0.wrapping_add(self.older.version(range).0.wrapping_add(1) << 52))
    }
}

impl Batch for Part {
    fn times(&self) -> &[TimestampMs] {
        self.inner.times()
    }

    fn len(&self) -> usize {
        self.only.len()
    }

    fn series_id(&self, index: usize) -> SeriesId {
        self.inner.series_id(self.only[index] as usize)
    }

    fn labels(&self, index: usize) -> &[LabelPair] {
        match &self.labels {
            Some(labels) => &labels[index],
            None => self.inner.labels(self.only[index] as usize),
        }
    }

    fn read(&self, index: usize, rows: Range<usize>, into: &mut ColumnValues) -> Result<(), SelectError> {
        self.inner.read(self.only[index] as usize, rows, into)
    }
}

#[cfg(test)]
mod tests;
