//! Series by number: their ids, their labels as pairs of symbols, and the way from a label set or a pair to the series.
//!
//! The head has one that grows; each sealed segment has one that does not. Labels that a whole group shares are stored once, as a *base*.

use std::collections::HashMap;

use hashbrown::HashTable;
use xxhash_rust::xxh64::Xxh64;

use super::bytes::{Damaged, Decoded, Reader, put_text, put_varint};
use super::postings::Postings;
use super::symbols::{Pairs, Symbols};
use crate::model::Labels;

/// New series are looked at one by one until they are this many, or a quarter of all.
const UNCOVERED_MAX: usize = 1024;

#[derive(Default)]
pub struct SeriesIndex {
    pub symbols: Symbols,
    pub pairs: Pairs,
    /// Pairs that groups of series share, each list in order of name.
    bases: Vec<Vec<u32>>,
    base_numbers: HashMap<Vec<u32>, u32>,
    ids: Vec<u64>,
    base_of: Vec<u32>,
    /// Where each series' own pairs end in `own`.
    own_ends: Vec<u32>,
    own: Vec<u32>,
    by_id: HashTable<u32>,
    postings: Postings,
    /// Nobody asks yet: postings are left until [`Self::cover`].
    pub is_filling: bool,
    /// Pairs by name symbol.
    by_name: HashMap<u32, Vec<u32>>,
}

/// The id of a label set: a hash of its text under the folder's seed, the same in every file of the folder.
pub fn id_of(labels: &Labels, seed: u64) -> u64 {
    let mut hash = Xxh64::new(seed);
    for (name, value) in labels {
        hash.update(name.as_bytes());
        hash.update(&[0xff]);
        hash.update(value.as_bytes());
        hash.update(&[0xff]);
    }
    hash.digest()
}

impl SeriesIndex {
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub fn id(&self, series: u32) -> u64 {
        self.ids[series as usize]
    }

    fn own(&self, series: u32) -> &[u32] {
        let at = series as usize;
        let start = if at == 0 { 0 } else { self.own_ends[at - 1] as usize };
        &self.own[start..self.own_ends[at] as usize]
    }

    /// Every pair of a series, in no particular order.
    pub fn for_each_pair(&self, series: u32, mut each: impl FnMut(u32)) {
        self.bases[self.base_of[series as usize] as usize].iter().copied().for_each(&mut each);
        self.own(series).iter().copied().for_each(&mut each);
    }

    /// Name and value symbols of a series, in order of name text.
    pub fn for_each_label(&self, series: u32, mut each: impl FnMut(u32, u32)) {
        let base = &self.bases[self.base_of[series as usize] as usize];
        let own = self.own(series);
        let (mut a, mut b) = (0, 0);
        while a < base.len() || b < own.len() {
            let from_base = match (base.get(a), own.get(b)) {
                (Some(x), Some(y)) => self.symbols.text(self.pairs.get(*x).0) < self.symbols.text(self.pairs.get(*y).0),
                (x, _) => x.is_some(),
            };
            let pair = if from_base { base[a] } else { own[b] };
            if from_base {
                a += 1
            } else {
                b += 1
            }
            let (name, value) = self.pairs.get(pair);
            each(name, value);
        }
    }

    pub fn labels(&self, series: u32) -> Labels {
        let mut pairs = Vec::new();
        self.for_each_label(series, |name, value| pairs.push((self.symbols.text(name), self.symbols.text(value))));
        Labels::from_sorted(pairs)
    }

    /// The value symbol of one label.
    pub fn value_of(&self, series: u32, name: u32) -> Option<u32> {
        let base = &self.bases[self.base_of[series as usize] as usize];
        self.own(series).iter().chain(base).map(|pair| self.pairs.get(*pair)).find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// The pairs whose name is this symbol.
    pub fn pairs_named(&self, name: u32) -> &[u32] {
        self.by_name.get(&name).map_or(&[], Vec::as_slice)
    }

    pub fn names(&self) -> impl Iterator<Item = u32> + '_ {
        self.by_name.keys().copied()
    }

    fn pair(&mut self, name: &str, value: &str) -> Option<u32> {
        let (name, value) = (self.symbols.intern(name)?, self.symbols.intern(value)?);
        let before = self.pairs.len();
        let pair = self.pairs.intern(name, value);
        if self.pairs.len() > before {
            self.by_name.entry(name).or_default().push(pair);
        }
        Some(pair)
    }

    /// The base of these labels, for [`Self::add`]. None when symbols are full.
    pub fn base(&mut self, labels: &Labels) -> Option<u32> {
        let pairs: Vec<u32> = labels.iter().map(|(name, value)| self.pair(name, value)).collect::<Option<_>>()?;
        if let Some(known) = self.base_numbers.get(&pairs) {
            return Some(*known);
        }
        let number = self.bases.len() as u32;
        self.bases.push(pairs.clone());
        self.base_numbers.insert(pairs, number);
        Some(number)
    }

    /// The number of a label set; `id` is its [`id_of`].
    pub fn find(&self, id: u64, labels: &Labels) -> Option<u32> {
        self.by_id.find(id, |n| self.ids[*n as usize] == id && self.has_labels(*n, labels)).copied()
    }

    fn has_labels(&self, series: u32, labels: &Labels) -> bool {
        let (mut wanted, mut is_same) = (labels.iter(), true);
        self.for_each_label(series, |name, value| {
            is_same = is_same && wanted.next() == Some((self.symbols.text(name), self.symbols.text(value)));
        });
        is_same && wanted.next().is_none()
    }

    pub fn find_id(&self, id: u64) -> Option<u32> {
        self.by_id.find(id, |n| self.ids[*n as usize] == id).copied()
    }

    /// Adds a label set that [`Self::find`] did not find; labels that are in the base are not stored again. None when symbols are full.
    pub fn add(&mut self, id: u64, labels: &Labels, base: u32) -> Option<u32> {
        let is_whole_base = self.bases[base as usize].iter().all(|pair| {
            let (name, value) = self.pairs.get(*pair);
            labels.get(self.symbols.text(name)) == Some(self.symbols.text(value))
        });
        let base = if is_whole_base { base } else { self.base(&Labels::empty())? };
        let mut own = Vec::with_capacity(8);
        for (name, value) in labels {
            let pair = self.pair(name, value)?;
            if !self.bases[base as usize].contains(&pair) {
                own.push(pair);
            }
        }
        Some(self.push(id, base, &own))
    }

    fn push(&mut self, id: u64, base: u32, own: &[u32]) -> u32 {
        let number = self.ids.len() as u32;
        self.ids.push(id);
        self.base_of.push(base);
        self.own.extend_from_slice(own);
        self.own_ends.push(self.own.len() as u32);
        let Self { by_id, ids, .. } = self;
        by_id.insert_unique(id, number, |n| ids[*n as usize]);
        let uncovered = self.ids.len() - self.postings.covered as usize;
        if !self.is_filling && uncovered > UNCOVERED_MAX.max(self.ids.len() / 4) {
            self.cover();
        }
        number
    }

    /// Brings the postings up to the last series.
    pub fn cover(&mut self) {
        self.is_filling = false;
        self.postings = Postings::build(self.ids.len() as u32, self.pairs.len(), |series, each| self.for_each_pair(series, each));
    }

    /// The series with a pair, ascending.
    pub fn with_pair(&self, pair: u32, into: &mut Vec<u32>) {
        self.postings.list(pair, into);
        let uncovered = self.postings.covered..self.ids.len() as u32;
        into.extend(uncovered.filter(|series| {
            let base = &self.bases[self.base_of[*series as usize] as usize];
            self.own(*series).contains(&pair) || base.contains(&pair)
        }));
    }

    pub fn weight(&self, pair: u32) -> usize {
        self.postings.weight(pair)
    }

    pub fn size_bytes(&self) -> usize {
        let own = self.own.capacity() * 4 + self.ids.capacity() * 8 + self.base_of.capacity() * 8 + self.by_id.capacity() * 5;
        let bases: usize = self.bases.iter().map(|b| b.len() * 8 + 100).sum();
        own + bases + self.symbols.size_bytes() + self.pairs.size_bytes() * 2 + self.postings.size_bytes()
    }

    /// Writes all but the hash maps, which are made again when it is read.
    pub fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.symbols.len() as u64);
        (0..self.symbols.len() as u32).for_each(|symbol| put_text(out, self.symbols.text(symbol)));
        put_varint(out, self.pairs.len() as u64);
        for (name, value) in self.pairs.iter() {
            put_varint(out, u64::from(name));
            put_varint(out, u64::from(value));
        }
        put_varint(out, self.bases.len() as u64);
        self.bases.iter().for_each(|base| put_pairs(out, base));
        put_varint(out, self.ids.len() as u64);
        for series in 0..self.ids.len() as u32 {
            out.extend_from_slice(&self.id(series).to_le_bytes());
            put_varint(out, u64::from(self.base_of[series as usize]));
            put_pairs(out, self.own(series));
        }
        self.postings.put(out);
    }

    pub fn take(reader: &mut Reader<'_>) -> Decoded<Self> {
        let mut index = Self::default();
        for _ in 0..reader.count(1)? {
            index.symbols.intern(reader.text()?).ok_or(Damaged("too many symbols"))?;
        }
        for _ in 0..reader.count(2)? {
            let (name, value) = (index.symbol(reader)?, index.symbol(reader)?);
            let pair = index.pairs.intern(name, value);
            index.by_name.entry(name).or_default().push(pair);
        }
        for _ in 0..reader.count(1)? {
            let base = index.take_pairs(reader)?;
            index.bases.push(base);
        }
        let count = reader.count(10)?;
        for _ in 0..count {
            let id = reader.u64()?;
            let base = reader.varint32()?;
            if base as usize >= index.bases.len() {
                return Err(Damaged("a series without a base"));
            }
            let own = index.take_pairs(reader)?;
            index.ids.push(id);
            index.base_of.push(base);
            index.own.extend_from_slice(&own);
            index.own_ends.push(index.own.len() as u32);
        }
        index.postings = Postings::take(reader)?;
        if index.postings.covered as usize > index.ids.len() {
            return Err(Damaged("postings of more series than there are"));
        }
        let Self { by_id, ids, .. } = &mut index;
        by_id.reserve(ids.len(), |n| ids[*n as usize]);
        for (number, id) in ids.iter().enumerate() {
            by_id.insert_unique(*id, number as u32, |n| ids[*n as usize]);
        }
        Ok(index)
    }

    fn symbol(&self, reader: &mut Reader<'_>) -> Decoded<u32> {
        let symbol = reader.varint32()?;
        if symbol as usize >= self.symbols.len() {
            return Err(Damaged("a pair without its symbol"));
        }
        Ok(symbol)
    }

    fn take_pairs(&self, reader: &mut Reader<'_>) -> Decoded<Vec<u32>> {
        let count = reader.count(1)?;
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            let pair = reader.varint32()?;
            if pair as usize >= self.pairs.len() {
                return Err(Damaged("a series without its pair"));
            }
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

fn put_pairs(out: &mut Vec<u8>, pairs: &[u32]) {
    put_varint(out, pairs.len() as u64);
    pairs.iter().for_each(|pair| put_varint(out, u64::from(*pair)));
}
