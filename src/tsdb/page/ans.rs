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

/// A reader's table: each place in four bytes, its class, how many bits to take, their mask, and what to add them to.
pub struct Table([u32; PLACES]);

#[inline]
fn width_of(place: u32) -> u32 {
    place >> 8 & 0xff
}

/// The state after `place`, given the bits that follow.
#[inline]
fn after(place: u32, bits: u64) -> usize {
    ((place >> 24) + (bits as u32 & place >> 16 & 0xff)) as usize
}

impl Table {
    /// The counts add up to 2^log.
    pub fn new(counts: &[u16], log: u32) -> Self {
        let (places, table) = (1usize << log, spread(counts, log));
        let (mut met, mut out) = ([0u16; CLASSES_MAX], [0u32; PLACES]);
        met[..counts.len()].copy_from_slice(counts);
        for (place, class) in out[..places].iter_mut().zip(table) {
            let x = u32::from(met[usize::from(class)]);
            met[usize::from(class)] += 1;
            let width = log - x.max(1).ilog2().min(log);
            let base = (x << width).wrapping_sub(places as u32) & 0xff;
            *place = u32::from(class) | width << 8 | ((1 << width) - 1) << 16 | base << 24;
        }
        Self(out)
    }

    /// Reads classes into `classes` from the bits of `packed`; says how many bits that took.
    pub fn read(&self, first: [u8; LANES], packed: &[u8], classes: &mut [u8]) -> Decoded<usize> {
        let (mut bit, mut done) = (0usize, 0usize);
        let mut states = first.map(usize::from);
        let moving = classes.len().saturating_sub(LANES) / LANES;
        for four in classes.as_chunks_mut::<LANES>().0.iter_mut().take(moving) {
            let word = peek(packed, bit)?;
            let places = [0, 1, 2, 3].map(|lane: usize| self.0[states[lane] % PLACES]);
            *four = places.map(|place| place as u8);
            let first = width_of(places[0]);
            let second = first + width_of(places[1]);
            let third = second + width_of(places[2]);
            states = [
                after(places[0], word),
                after(places[1], word >> first),
                after(places[2], word >> second),
                after(places[3], word >> third),
            ];
            bit += (third + width_of(places[3])) as usize;
            done += LANES;
        }
        let count = classes.len();
        for (at, class) in classes.iter_mut().enumerate().skip(done) {
            let place = self.0[states[at % LANES] % PLACES];
            *class = place as u8;
            if at + LANES < count {
                states[at % LANES] = after(place, peek(packed, bit)?);
                bit += width_of(place) as usize;
            }
        }
        Ok(bit)
    }
}

/// At least the next 57 bits, with zeros behind the end; an error where none are left though some are wanted.
#[inline]
pub fn peek(packed: &[u8], bit: usize) -> Decoded<u64> {
    match packed.get(bit / 8..bit / 8 + 8).and_then(|bytes| bytes.first_chunk::<8>()) {
        Some(word) => Ok(u64::from_le_bytes(*word) >> (bit % 8)),
        None => peek_end(packed, bit),
    }
}

#[cold]
fn peek_end(packed: &[u8], bit: usize) -> Decoded<u64> {
    let rest = packed.get(bit / 8..).ok_or(Damaged("a coded stream ends too early"))?;
    let mut word = [0u8; 8];
    word[..rest.len()].copy_from_slice(rest);
    Ok(u64::from_le_bytes(word) >> (bit % 8))
}
