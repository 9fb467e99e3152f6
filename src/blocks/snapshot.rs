//! Reading a Prometheus folder: series of blocks and head put together by their labels, and by equal times into batches.

mod batch;
mod decode;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::block::Block;
use super::deleted::BySeries;
use super::error::BlockError;
use super::head::Head;
use super::index::{ChunkRef, Entry, Tables};
use crate::model::{Labels, Matcher, Metadata, TimeRange};
use crate::storage::{Batch, Hints, LabelPair, SelectError, Snapshot, Symbol, Version};

/// What a selection reads from; batches share it.
pub struct Sources {
    blocks: Vec<Arc<Block>>,
    head: Option<Arc<Head>>,
    /// What promlet deleted of them.
    deleted: Arc<BySeries>,
}

pub struct FolderSnapshot {
    sources: Arc<Sources>,
    range: TimeRange,
    version: u64,
    /// Monotonic milliseconds of when it was opened.
    now: i64,
    texts: Arc<Mutex<Texts>>,
}

/// The snapshot's symbols, given out as they are met.
#[derive(Default)]
pub struct Texts {
    list: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Texts {
    fn symbol(&mut self, text: &str) -> Symbol {
        if let Some(known) = self.numbers.get(text) {
            return Symbol(*known);
        }
        let (number, text) = (self.list.len() as u32, Arc::<str>::from(text));
        self.list.push(text.clone());
        self.numbers.insert(text, number);
        Symbol(number)
    }
}

/// Where some of a series' samples are.
#[derive(Clone, Debug)]
pub enum Part {
    /// Which block, the series' reference there, its chunks in the range.
    Block(u32, u32, Vec<ChunkRef>),
    Head(u32),
}

/// A series of a selection.
#[derive(Clone, Debug)]
pub struct Found {
    pub labels: Vec<LabelPair>,
    pub parts: Vec<Part>,
    /// Stretches that promlet deleted.
    pub deleted: Vec<(i64, i64)>,
}

impl FolderSnapshot {
    pub fn new(
        (blocks, head): (Vec<Arc<Block>>, Option<Arc<Head>>),
        deleted: Arc<BySeries>,
        range: TimeRange,
        version: u64,
        now: i64,
    ) -> Self {
        Self { sources: Arc::new(Sources { blocks, head, deleted }), range, version, now, texts: Arc::default() }
    }

    fn cut(&self, range: TimeRange) -> TimeRange {
        TimeRange::new(range.min.max(self.range.min), range.max.min(self.range.max))
    }

    /// Calls with every series of a block that satisfies the matchers and has chunks in the range.
    fn each_of_block(
        &self,
        block: &Block,
        matchers: &[Matcher],
        range: TimeRange,
        mut each: impl FnMut(&Tables, u32, &Entry, Vec<ChunkRef>) -> Result<(), BlockError>,
    ) -> Result<(), BlockError> {
        if !block.range().overlaps(range) {
            return Ok(());
        }
        let tables = block.tables(self.now)?;
        let references = block.matching(&tables, matchers)?;
        block.index.series(&references, |reference, entry| {
            let meets = |c: &&ChunkRef| c.min_time <= range.max.0 && c.max_time >= range.min.0;
            let chunks: Vec<ChunkRef> = entry.chunks.iter().filter(meets).copied().collect();
            if chunks.is_empty() { Ok(()) } else { each(&tables, reference, entry, chunks) }
        })
    }

    fn found(&self, matchers: &[Matcher], range: TimeRange, limit: usize) -> Result<Vec<Found>, BlockError> {
        let mut found: Vec<Found> = Vec::new();
        let mut places: HashMap<Vec<LabelPair>, usize> = HashMap::new();
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut add = |labels: Vec<LabelPair>, part: Part, found: &mut Vec<Found>| match places.get(&labels) {
            Some(place) => found[*place].parts.push(part),
            None if limit > 0 && found.len() >= limit => {}
            None => {
                places.insert(labels.clone(), found.len());
                found.push(Found { labels, parts: vec![part], deleted: Vec::new() });
            }
        };
        for (number, block) in self.sources.blocks.iter().enumerate() {
            // The block's symbols as the snapshot knows them.
            let mut known: HashMap<u32, Symbol> = HashMap::new();
            self.each_of_block(block, matchers, range, |tables, reference, entry, chunks| {
                let mut labels = Vec::with_capacity(entry.labels.len());
                for (name, value) in &entry.labels {
                    let mut of = |symbol: &u32| match (known.get(symbol), tables.symbol(*symbol)) {
                        (Some(known), _) => Ok(*known),
                        (None, Some(text)) => Ok(*known.entry(*symbol).or_insert_with(|| texts.symbol(text))),
                        (None, None) => Err(no_symbol(block, reference)),
                    };
                    labels.push(LabelPair { name: of(name)?, value: of(value)? });
                }
                add(labels, Part::Block(number as u32, reference, chunks), &mut found);
                Ok(())
            })?;
        }
        if let Some(head) = &self.sources.head {
            for number in head.matching(matchers).into_iter().filter(|number| head.overlaps(*number, range)) {
                let labels = head.series[number as usize].labels.iter();
                let pairs = labels.map(|(name, value)| LabelPair { name: texts.symbol(name), value: texts.symbol(value) }).collect();
                add(pairs, Part::Head(number), &mut found);
            }
        }
        if !self.sources.deleted.is_empty() {
            for one in &mut found {
                let text = |symbol: Symbol| texts.list.get(symbol.0 as usize).map_or("", |text| text);
                let labels = Labels::from_pairs(one.labels.iter().map(|pair| (text(pair.name), text(pair.value))));
                one.deleted = self.sources.deleted.get(&labels).cloned().unwrap_or_default();
            }
        }
        Ok(found)
    }

    /// Takes out the label sets of which nothing in the range is left.
    fn without_deleted(&self, sets: &mut HashSet<Labels>, matchers: &[Matcher], range: TimeRange) -> Result<(), BlockError> {
        if !sets.iter().any(|labels| self.sources.deleted.contains_key(labels)) {
            return Ok(());
        }
        for one in self.found(matchers, range, 0)?.iter().filter(|one| !one.deleted.is_empty()) {
            if self.sources.decode(one, range)?.is_empty() {
                let pairs = one.labels.iter().map(|pair| (self.text(pair.name), self.text(pair.value)));
                sets.remove(&Labels::from_pairs(pairs));
            }
        }
        Ok(())
    }

    /// The label sets that satisfy the matchers.
    fn label_sets(&self, matchers: &[Matcher], range: TimeRange) -> Result<HashSet<Labels>, BlockError> {
        let mut sets = HashSet::new();
        for block in &self.sources.blocks {
            self.each_of_block(block, matchers, range, |tables, reference, entry, _| {
                sets.insert(labels_of(block, tables, reference, entry)?);
                Ok(())
            })?;
        }
        if let Some(head) = &self.sources.head {
            let numbers = head.matching(matchers).into_iter().filter(|number| head.overlaps(*number, range));
            sets.extend(numbers.map(|number| head.series[number as usize].labels.clone()));
        }
        self.without_deleted(&mut sets, matchers, range)?;
        Ok(sets)
    }
}

fn no_symbol(block: &Block, reference: u32) -> BlockError {
    BlockError::damaged(block.index.path(), u64::from(reference) * super::index::ALIGNMENT, "a series names a symbol that is not there")
}

/// A series' labels as the model has them.
pub fn labels_of(block: &Block, tables: &Tables, reference: u32, entry: &Entry) -> Result<Labels, BlockError> {
    let mut pairs = Vec::with_capacity(entry.labels.len());
    for (name, value) in &entry.labels {
        let pair = tables.symbol(*name).zip(tables.symbol(*value));
        pairs.push(pair.ok_or_else(|| no_symbol(block, reference))?);
    }
    Ok(Labels::from_pairs(pairs))
}

impl Snapshot for FolderSnapshot {
    fn select(&self, matchers: &[Matcher], hints: &Hints) -> Result<Vec<Box<dyn Batch>>, SelectError> {
        let range = self.cut(hints.range.unwrap_or(self.range));
        if range.min > range.max {
            return Ok(Vec::new());
        }
        let found = self.found(matchers, range, hints.limit);
        found.and_then(|found| batch::batches(&self.sources, &self.texts, found, range)).map_err(BlockError::for_select)
    }

    fn series(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Labels>, SelectError> {
        Ok(self.label_sets(matchers, self.cut(range)).map_err(BlockError::for_select)?.into_iter().collect())
    }

    fn label_names(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SelectError> {
        let sets = self.label_sets(matchers, self.cut(range)).map_err(BlockError::for_select)?;
        let names: BTreeSet<&str> = sets.iter().flat_map(|labels| labels.iter().map(|(name, _)| name)).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn label_values(&self, name: &str, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SelectError> {
        let sets = self.label_sets(matchers, self.cut(range)).map_err(BlockError::for_select)?;
        let values: BTreeSet<&str> = sets.iter().filter_map(|labels| labels.get(name)).collect();
        Ok(values.into_iter().map(str::to_owned).collect())
    }

    fn metadata(&self) -> Result<Vec<(String, Metadata)>, SelectError> {
        let known = self.sources.head.iter().flat_map(|head| &head.metadata);
        Ok(known.map(|(name, metadata)| (name.clone(), metadata.clone())).collect())
    }

    fn text(&self, symbol: Symbol) -> Arc<str> {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.list.get(symbol.0 as usize).cloned().unwrap_or_else(|| Arc::from(""))
    }

    fn symbol(&self, text: &str) -> Option<Symbol> {
        // A text that is met only later gets its symbol now, so that it is the same before and after a selection.
        Some(self.texts.lock().unwrap_or_else(PoisonError::into_inner).symbol(text))
    }

    fn version(&self, _: TimeRange) -> Version {
        Version(self.version)
    }
}
