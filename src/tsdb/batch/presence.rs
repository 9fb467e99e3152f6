//! Which rows of a series hold anything, as it is put together block by block.

use crate::tsdb::page::State;

/// Which rows hold anything, written down only once one does not.
#[derive(Default)]
pub struct Presence {
    pub words: Vec<u64>,
    rows: usize,
    is_partial: bool,
}

impl Presence {
    pub fn all(&mut self, count: usize) {
        if self.is_partial {
            (self.rows..self.rows + count).for_each(|row| self.set(row));
        }
        self.rows += count;
    }

    pub fn none(&mut self, count: usize) {
        self.begin();
        self.rows += count;
        self.words.resize(self.rows.div_ceil(64), 0);
    }

    pub fn states(&mut self, states: &[State]) {
        self.begin();
        self.words.resize((self.rows + states.len()).div_ceil(64), 0);
        for (at, state) in states.iter().enumerate() {
            if *state != State::Gap {
                self.set(self.rows + at);
            }
        }
        self.rows += states.len();
    }

    fn begin(&mut self) {
        if !self.is_partial {
            self.is_partial = true;
            (0..self.rows).for_each(|row| self.set(row));
        }
    }

    fn set(&mut self, row: usize) {
        if row / 64 >= self.words.len() {
            self.words.resize(row / 64 + 1, 0);
        }
        self.words[row / 64] |= 1 << (row % 64);
    }
}
