//! Where a series' samples go, by a hash of its label bytes: in steady state no label is ever decoded.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::limits::PLACES_MAX;
use crate::storage::Column;

/// A series' column in one of its sender's groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub group: u32,
    pub column: Column,
}

/// 128 bits from two keyed hashes, instead of the bytes themselves: even a hundred million series meet by chance less than once in 10^22.
type Key = [u64; 2];

struct Entry {
    key: Key,
    place: Place,
}

/// Two generations: what is used moves to the young one, what is still in the old one at a turn is forgotten.
#[derive(Default)]
pub struct Places {
    seeds: [RandomState; 2],
    young: HashTable<Entry>,
    old: HashTable<Entry>,
}

fn rehash(entry: &Entry) -> u64 {
    entry.key[0]
}

impl Places {
    pub fn key(&self, labels: &[u8]) -> Key {
        [0, 1].map(|at: usize| {
            let mut hasher = self.seeds[at].build_hasher();
            hasher.write(labels);
            hasher.finish()
        })
    }

    /// Among the young only.
    #[inline]
    pub fn get(&self, key: Key) -> Option<Place> {
        self.young.find(key[0], |entry| entry.key == key).map(|entry| entry.place)
    }

    /// Among the old, making it young again.
    pub fn revive(&mut self, key: Key) -> Option<Place> {
        let entry = self.old.find_entry(key[0], |entry| entry.key == key).ok()?;
        let place = entry.remove().0.place;
        self.put(key, place);
        Some(place)
    }

    pub fn put(&mut self, key: Key, place: Place) {
        if self.young.len() >= PLACES_MAX {
            self.turn();
        }
        match self.young.find_mut(key[0], |entry| entry.key == key) {
            Some(entry) => entry.place = place,
            None => {
                self.young.insert_unique(key[0], Entry { key, place }, rehash);
            }
        }
    }

    /// Forgets what was not used since the turn before, and says what that was.
    pub fn turn(&mut self) -> Vec<Place> {
        let forgotten = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
        forgotten.into_iter().map(|entry| entry.place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_places_are_forgotten_after_two_turns() {
        let mut places = Places::default();
        let (a, b) = (places.key(b"a"), places.key(b"b"));
        let place = |n| Place { group: n, column: Column(n) };
        places.put(a, place(1));
        places.put(b, place(2));
        places.turn();
        assert_eq!((places.get(a), places.revive(a), places.get(a)), (None, Some(place(1)), Some(place(1))));
        assert_eq!(places.turn(), [place(2)], "what is forgotten is said");
        assert_eq!((places.revive(a), places.revive(b)), (Some(place(1)), None));
    }
}
