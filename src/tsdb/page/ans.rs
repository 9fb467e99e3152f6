//! Asymmetric numeral systems in tables (tANS; Duda 2013, laid out as Collet's FSE): classes with any frequencies cost about their entropy.
//!
//! Four states take turns, so that a reader's table lookups do not wait for each other. The bits are written in the order in which they are read.

use super::ints::BitWriter;
use crate::tsdb::bytes::{Damaged, Decoded};

/// The largest table has 2^8 places: a state is a byte.
pub const LOG_MAX: u32 = 8;
pub const LOG_MIN: u32 = 5;
/// States that take turns.
pub const LANES: usize = 4;
/// Different classes of one page.
pub const CLASSES_MAX: usize = 64;
const PLACES: usize = 1 << LOG_MAX;

/// Which class each place of the table stands for: classes are spread by an odd step, so that each is met about evenly.
fn spread(counts: &[u16], log: u32) -> [u8; PLACES] {
    let (places, mut at) = (1usize << log, 0usize);
    let mut table = [0u8; PLACES];
    for (class, count) in counts.iter().enumerate() {
        for _ in 0..*count {
            table[at] = class as u8;
            at = (at + (places >> 1) + (places >> 3) + 3) & (places - 1);
        }
    }
    table
}

/// Frequencies scaled to a table of 2^log places, each at least 1.
pub fn scale(frequencies: &[u32], log: u32, counts: &mut Vec<u16>) {
    let (places, total) = (1i64 << log, frequencies.iter().map(|f| i64::from(*f)).sum::<i64>().max(1));
    counts.clear();
    counts.extend(frequencies.iter().map(|f| ((i64::from(*f) * places + total / 2) / total).max(1) as u16));
    let mut over = counts.iter().map(|c| i64::from(*c)).sum::<i64>() - places;
    while over != 0 {
        let Some(largest) = counts.iter_mut().max() else { return };
        let change = if over > 0 { over.min((i64::from(*largest) / 4).max(1)) } else { over };
        *largest = (i64::from(*largest) - change) as u16;
        over -= change;
    }
}

/// Buffers of a writer, used again from page to page.
#[derive(Default)]
pub struct Writer {
    /// The state that class and x lead to; classes one after the other.
    next: Vec<u8>,
    starts: Vec<u16>,
    steps: Vec<(u8, u8)>,
}

impl Writer {
    /// Appends the first states and the bits of these classes; `bits` goes on behind them. The counts add up to 2^log.
    pub fn put(&mut self, out: &mut Vec<u8>, bits: &mut BitWriter, classes: &[u8], counts: &[u16], log: u32) {
        let places = 1u32 << log;
        self.starts.clear();
        let mut start = 0u16;
        for count in counts {
            self.starts.push(start);
            start += count;
        }
        let table = spread(counts, log);
        self.next.clear();
        self.next.resize(places as usize, 0);
        let mut met = self.starts.clone();
        for (place, class) in table[..places as usize].iter().enumerate() {
            self.next[usize::from(met[usize::from(*class)])] = place as u8;
            met[usize::from(*class)] += 1;
        }
        self.steps.clear();
        let mut states = [0u32; LANES];
        for (at, class) in classes.iter().enumerate().rev() {
            let (count, start) = (u32::from(counts[usize::from(*class)]), u32::from(self.starts[usize::from(*class)]));
            let state = &mut states[at % LANES];
            let mut x = count;
            if at + LANES < classes.len() {
                let full = places + *state;
                let mut width = log - count.ilog2();
                if full >> width < count {
                    width -= 1;
                }
                self.steps.push((width as u8, (full & ((1 << width) - 1)) as u8));
                x = full >> width;
            }
            *state = u32::from(self.next[(start + x - count) as usize]);
        }
        out.extend(states.iter().map(|state| *state as u8));
        for (width, low) in self.steps.iter().rev() {
            bits.put(out, u64::from(*low), u32::from(*width));
        }
    }
}

/// One place of a reader's table.
#[derive(Clone, Copy, Default)]
struct Place {
    class: u8,
    width: u8,
    base: u8,
}

/// A reader's table.
pub struct Table([Place; PLACES]);

impl Table {
    /// The counts add up to 2^log.
    pub fn new(counts: &[u16], log: u32) -> Self {
        let (places, table) = (1usize << log, spread(counts, log));
        let (mut met, mut out) = ([0u16; CLASSES_MAX], [Place::default(); PLACES]);
        met[..counts.len()].copy_from_slice(counts);
        for (place, class) in out[..places].iter_mut().zip(table) {
            let x = u32::from(met[usize::from(class)]);
            met[usize::from(class)] += 1;
            let width = log - x.max(1).ilog2().min(log);
            *place = Place { class, width: width as u8, base: ((x << width) - places as u32) as u8 };
        }
        Self(out)
    }

    /// Reads `count` classes into `classes` (cleared first) from the bits of `packed`; says how many bits that took.
    pub fn read(&self, mut states: [u8; LANES], packed: &[u8], count: usize, classes: &mut Vec<u8>) -> Decoded<usize> {
        classes.clear();
        let mut bit = 0usize;
        let mut left = count;
        while left >= 2 * LANES {
            let Some(word) = packed.get(bit / 8..bit / 8 + 8).and_then(|b| b.first_chunk::<8>()) else { break };
            let mut word = u64::from_le_bytes(*word) >> (bit % 8);
            let places = states.map(|state| self.0[usize::from(state)]);
            classes.extend_from_slice(&places.map(|place| place.class));
            for (state, place) in states.iter_mut().zip(places) {
                *state = place.base.wrapping_add((word & ((1 << place.width) - 1)) as u8);
                word >>= place.width;
                bit += usize::from(place.width);
            }
            left -= LANES;
        }
        let mut lane = 0;
        while left > 0 {
            let place = self.0[usize::from(states[lane])];
            classes.push(place.class);
            if left > LANES {
                let low = peek(packed, bit)? & ((1 << place.width) - 1);
                states[lane] = place.base.wrapping_add(low as u8);
                bit += usize::from(place.width);
            }
            lane = (lane + 1) % LANES;
            left -= 1;
        }
        Ok(bit)
    }
}

/// At least the next 57 bits, with zeros behind the end; an error where none are left though some are wanted.
#[inline]
pub fn peek(packed: &[u8], bit: usize) -> Decoded<u64> {
    let rest = packed.get(bit / 8..).ok_or(Damaged("a coded stream ends too early"))?;
    let word = match rest.first_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => {
            let mut bytes = [0u8; 8];
            bytes[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(bytes)
        }
    };
    Ok(word >> (bit % 8))
}
