//! Every label text once: names and values as numbers, label pairs as numbers.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Texts in one arena, numbered in order of arrival.
#[derive(Default)]
pub struct Symbols {
    text: String,
    ends: Vec<u32>,
    numbers: HashTable<u32>,
    hasher: RandomState,
}

impl Symbols {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn text(&self, symbol: u32) -> &str {
        let at = symbol as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.text[start..self.ends[at] as usize]
    }

    pub fn get(&self, text: &str) -> Option<u32> {
        self.numbers.find(self.hasher.hash_one(text), |n| self.text(*n) == text).copied()
    }

    /// None when the arena is full.
    pub fn intern(&mut self, text: &str) -> Option<u32> {
        if let Some(known) = self.get(text) {
            return Some(known);
        }
        if self.text.len() + text.len() > super::limits::SYMBOL_BYTES_MAX {
            return None;
        }
        reserve(&mut self.text, text.len());
        self.text.push_str(text);
        let number = self.ends.len() as u32;
        self.ends.push(self.text.len() as u32);
        let Self { text: arena, ends, numbers, hasher } = self;
        let of = |n: &u32| {
            let start = if *n == 0 { 0 } else { ends[*n as usize - 1] as usize };
            hasher.hash_one(&arena[start..ends[*n as usize] as usize])
        };
        numbers.insert_unique(hasher.hash_one(text), number, of);
        Some(number)
    }

    pub fn size_bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * 4 + self.numbers.capacity() * 5
    }
}

/// Growth by a quarter: the arena is long-lived and large.
fn reserve(text: &mut String, more: usize) {
    if text.len() + more > text.capacity() {
        text.reserve_exact(more.max(text.len() / 4).max(256));
    }
}

/// Label pairs (two symbols), numbered in order of arrival.
#[derive(Default)]
pub struct Pairs {
    pairs: Vec<(u32, u32)>,
    numbers: HashTable<u32>,
    hasher: RandomState,
}

impl Pairs {
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Name and value symbols.
    pub fn get(&self, pair: u32) -> (u32, u32) {
        self.pairs[pair as usize]
    }

    pub fn find(&self, name: u32, value: u32) -> Option<u32> {
        self.numbers.find(self.hasher.hash_one((name, value)), |n| self.pairs[*n as usize] == (name, value)).copied()
    }

    pub fn intern(&mut self, name: u32, value: u32) -> u32 {
        if let Some(known) = self.find(name, value) {
            return known;
        }
        let number = self.pairs.len() as u32;
        self.pairs.push((name, value));
        let Self { pairs, numbers, hasher } = self;
        numbers.insert_unique(hasher.hash_one((name, value)), number, |n| hasher.hash_one(pairs[*n as usize]));
        number
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.pairs.iter().copied()
    }

    pub fn size_bytes(&self) -> usize {
        self.pairs.capacity() * 8 + self.numbers.capacity() * 5
    }
}
