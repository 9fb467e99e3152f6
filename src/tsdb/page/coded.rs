//! Streams of integers in classes: how far an integer is from a center picks its class, whose number is entropy-coded; where in its class it lies follows in plain bits.
//!
//! Classes grow with the distance, a few to each power of two, as in the number formats of zstd and pco. Smaller than bit-packing
//! wherever integers crowd, at the price of a table lookup and a shift for each.

use std::sync::LazyLock;

use super::ans::{self, CLASSES_MAX, LANES, LOG_MAX, LOG_MIN, Table, Writer, peek};
use super::ints::{BitWriter, Order, middle, put_order, take_order};
use crate::tsdb::bytes::{Damaged, Decoded, Reader, put_signed, put_varint, unzigzag, varint_len, zigzag};

/// At most 2^3 classes to a power of two.
const FINEST: u32 = 3;
/// So many classes lie on each side of the center at the finest split.
const REACH: usize = 496;
/// Integers fill their range evenly where the bits of the range are at most so many quarters more than those of their distances from the middle.
const BOUNDED_QUARTERS: u64 = 18;
/// Classes must save a byte for every so many integers (0.6 bits each), but more (a bit each) where packing loses nothing but a part of a bit.
pub const SAVES: usize = 14;
const SAVES_BOUNDED: usize = 8;
/// What a class costs in the head of a stream, in bits.
const CLASS_COST: u32 = 9;

/// The class of a distance, with 2^split classes to a power of two; negative ones mirror the others.
#[inline]
fn class_of(distance: i64, split: u32) -> i32 {
    let sign = distance >> 63;
    let size = (distance ^ sign) as u64;
    let shift = (64 - size.leading_zeros()).saturating_sub(split + 1);
    let class = ((shift << split) as i32).wrapping_add((size >> shift) as i32);
    class ^ sign as i32
}

/// The least distance in a class, and how many bits say which of its distances one is.
fn extent_of(class: i32, split: u32) -> (i64, u32) {
    let sign = class >> 31;
    let magnitude = (class ^ sign) as u64;
    if magnitude < 2 << split {
        return (magnitude as i64 ^ i64::from(sign), 0);
    }
    let width = (magnitude >> split) as u32 - 1;
    let least = ((magnitude & ((1 << split) - 1)) | 1 << split).wrapping_shl(width) as i64;
    if sign == 0 { (least, width) } else { ((!least).wrapping_sub(1u64.wrapping_shl(width).wrapping_sub(1) as i64), width) }
}

/// log2 in 256ths.
fn log2(count: u32) -> u32 {
    static TABLE: LazyLock<[u32; 256]> =
        LazyLock::new(|| std::array::from_fn(|n| if n < 2 { 0 } else { ((n as f64).log2() * 256.0).round() as u32 }));
    let shift = (32 - count.leading_zeros()).saturating_sub(8);
    TABLE[(count >> shift) as usize & 255] + shift * 256
}

/// How often each class occurs, ascending.
type Frequencies = Vec<(i32, u32)>;

/// Merges classes at the finest split into those of a coarser one, and says what coding would cost in bits.
fn coarser(finest: &Frequencies, split: u32, total: u32, into: &mut Frequencies) -> usize {
    into.clear();
    for (class, count) in finest {
        let class = if split == FINEST { *class } else { class_of(extent_of(*class, FINEST).0, split) };
        match into.last_mut() {
            Some((last, sum)) if *last == class => *sum += count,
            _ => into.push((class, *count)),
        }
    }
    let all = log2(total);
    into.iter()
        .map(|(class, count)| (count * (all - log2(*count).min(all)) / 256 + count * extent_of(*class, split).1 + CLASS_COST) as usize)
        .sum()
}

/// How a stream would be coded.
#[derive(Default)]
struct Plan {
    center: i64,
    split: u32,
    frequencies: Frequencies,
    cost_bits: usize,
}

/// Buffers of an encoder, used again from page to page.
#[derive(Default)]
pub struct Coder {
    best: Plan,
    finest: Frequencies,
    merged: Frequencies,
    occurrences: Vec<u32>,
    classes: Vec<u8>,
    counts: Vec<u16>,
    writer: Writer,
}

impl Coder {
    fn count(&mut self, values: &[i64], center: i64) {
        self.occurrences.resize(2 * REACH, 0);
        self.finest.clear();
        let (mut least, mut most) = (2 * REACH, 0);
        for value in values {
            let at = (class_of(value.wrapping_sub(center), FINEST) + REACH as i32) as usize;
            self.occurrences[at] += 1;
            (least, most) = (least.min(at), most.max(at));
        }
        for at in least..=most {
            let count = std::mem::take(&mut self.occurrences[at]);
            if count > 0 {
                self.finest.push((at as i32 - REACH as i32, count));
            }
        }
    }

    /// Decides how to code these integers, whose distances from their middle have `spread` bits in all. The bytes that it takes, about, and
    /// the bytes that it must save to be worth its slower reading.
    pub fn plan(&mut self, packed: &[i64], spread: u64) -> (usize, usize) {
        self.best.cost_bits = usize::MAX;
        if packed.is_empty() {
            return (usize::MAX, 0);
        }
        let (least, most) = packed.iter().fold((i64::MAX, i64::MIN), |(least, most), v| (least.min(*v), most.max(*v)));
        let range = u64::from(64 - (most.wrapping_sub(least) as u64).leading_zeros());
        // Where all lie about evenly in a range there are fewer classes counted from its end, otherwise from the middle.
        let is_bounded = range * 4 * (packed.len() as u64) < spread * 4 + BOUNDED_QUARTERS * packed.len() as u64;
        let center = if is_bounded { least } else { middle(packed) };
        self.count(packed, center);
        let head = 8 * (LANES + 2 + varint_len(zigzag(center)));
        for split in 0..=FINEST {
            let cost = head + coarser(&self.finest, split, packed.len() as u32, &mut self.merged);
            if cost < self.best.cost_bits && self.merged.len() <= CLASSES_MAX {
                (self.best.center, self.best.split, self.best.cost_bits) = (center, split, cost);
                std::mem::swap(&mut self.best.frequencies, &mut self.merged);
            }
        }
        let bytes = if self.best.cost_bits == usize::MAX { usize::MAX } else { self.best.cost_bits.div_ceil(8) };
        (bytes, packed.len() / if is_bounded { SAVES_BOUNDED } else { SAVES })
    }

    /// Appends the stream as [`Coder::plan`] decided for it.
    pub fn put(&mut self, out: &mut Vec<u8>, order: Order, applied: &[i64]) {
        put_order(out, order, applied);
        let packed = &applied[order.leads().min(applied.len())..];
        let Plan { center, split, frequencies, .. } = &self.best;
        let wanted = (frequencies.len() * 2).max(packed.len() / 2).max(2).ilog2() + 1;
        let log = wanted.clamp(LOG_MIN, LOG_MAX);
        let occurrences: Vec<u32> = frequencies.iter().map(|(_, count)| *count).collect();
        ans::scale(&occurrences, log, &mut self.counts);
        out.push((split | log << 2) as u8);
        put_signed(out, *center);
        put_classes(out, frequencies, &self.counts);
        let base = frequencies.first().map_or(0, |(class, _)| *class);
        let mut places = vec![0u8; (frequencies.last().map_or(0, |(class, _)| *class) - base) as usize + 1];
        let mut extents = Vec::with_capacity(frequencies.len());
        for (at, (class, _)) in frequencies.iter().enumerate() {
            places[(class - base) as usize] = at as u8;
            extents.push(extent_of(*class, *split));
        }
        self.classes.clear();
        self.classes.extend(packed.iter().map(|v| places[(class_of(v.wrapping_sub(*center), *split) - base) as usize]));
        let mut bits = BitWriter::default();
        if frequencies.len() > 1 {
            self.writer.put(out, &mut bits, &self.classes, &self.counts, log);
        }
        for (value, class) in packed.iter().zip(&self.classes) {
            let (least, width) = extents[usize::from(*class)];
            bits.put(out, value.wrapping_sub(*center).wrapping_sub(least) as u64, width);
        }
        bits.finish(out);
    }
}

/// How many classes, the first one, and for each but the last its count and the way to the next.
fn put_classes(out: &mut Vec<u8>, frequencies: &Frequencies, counts: &[u16]) {
    put_varint(out, frequencies.len() as u64);
    put_signed(out, frequencies.first().map_or(0, |(class, _)| i64::from(*class)));
    for (pair, count) in frequencies.windows(2).zip(counts) {
        let gap = (pair[1].0 - pair[0].0) as u64;
        put_varint(out, (u64::from(*count) - 1) << 1 | u64::from(gap > 1));
        if gap > 1 {
            put_varint(out, gap - 2);
        }
    }
}

/// What a reader knows of a class: its least integer, and how many bits (and their mask) say which of its integers one is.
#[derive(Clone, Copy, Default)]
struct Class {
    least: i64,
    mask: u64,
    width: usize,
}

/// What a reader knows of all classes.
struct Classes {
    counts: Vec<u16>,
    all: [Class; CLASSES_MAX],
    widest: usize,
}

fn take_classes(reader: &mut Reader<'_>, split: u32, log: u32, center: i64) -> Decoded<Classes> {
    let count = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    if count == 0 || count > CLASSES_MAX {
        return Err(Damaged("a coded stream of no or too many classes"));
    }
    let mut classes = Classes { counts: Vec::with_capacity(count), all: [Class::default(); CLASSES_MAX], widest: 0 };
    let (mut class, mut left) = (reader.signed()?, 1u64 << log);
    for at in 0..count {
        if !(-(REACH as i64)..REACH as i64).contains(&class) {
            return Err(Damaged("a class out of reach"));
        }
        let (least, width) = extent_of(class as i32, split);
        if width > 63 {
            return Err(Damaged("a class out of reach"));
        }
        classes.all[at] = Class { least: center.wrapping_add(least), mask: (1 << width) - 1, width: width as usize };
        classes.widest = classes.widest.max(width as usize);
        let mut share = left;
        if at + 1 < count {
            let said = reader.varint()?;
            share = (said >> 1).saturating_add(1);
            class = class.saturating_add(1);
            if said & 1 == 1 {
                class = class.saturating_add_unsigned(reader.varint()?.saturating_add(1));
            }
        }
        if share == 0 || share > left || (share == left && at + 1 < count) {
            return Err(Damaged("classes of a coded stream do not add up"));
        }
        left -= share;
        classes.counts.push(share as u16);
    }
    Ok(classes)
}

/// Reads back `count` integers as they were before their order is undone (`out` is cleared first); `buffer` is clobbered.
pub fn take_coded(reader: &mut Reader<'_>, count: usize, out: &mut Vec<i64>, buffer: &mut Vec<u8>) -> Decoded<Order> {
    let (order, packed) = take_order(reader, count, out)?;
    let shape = u32::from(reader.u8()?);
    let (split, log) = (shape & 3, shape >> 2);
    if !(LOG_MIN..=LOG_MAX).contains(&log) {
        return Err(Damaged("a coded stream of an unknown shape"));
    }
    let center = unzigzag(reader.varint()?);
    let classes = take_classes(reader, split, log, center)?;
    buffer.clear();
    buffer.resize(packed, 0);
    let mut bit = 0usize;
    if classes.counts.len() > 1 {
        let states = reader.bytes(LANES)?.first_chunk::<LANES>().copied().unwrap_or_default();
        if states.iter().any(|state| u32::from(*state) >> log != 0) {
            return Err(Damaged("a coded stream begins outside its table"));
        }
        bit = Table::new(&classes.counts, log).read(states, reader.rest, buffer)?;
    }
    let end = place(&classes, buffer, reader.rest, bit, out);
    reader.bytes(end.div_ceil(8))?;
    Ok(order)
}

/// Adds where in its class each integer lies; says at which bit that ends. What is missing there is noticed by who takes the bytes.
fn place(classes: &Classes, numbers: &[u8], packed: &[u8], bit: usize, out: &mut Vec<i64>) -> usize {
    match classes.widest {
        0 => {
            out.extend(numbers.iter().map(|number| classes.all[usize::from(*number) % CLASSES_MAX].least));
            bit
        }
        1..=14 => place_groups::<4>(classes, numbers, packed, bit, out),
        15..=28 => place_groups::<2>(classes, numbers, packed, bit, out),
        29..=57 => place_groups::<1>(classes, numbers, packed, bit, out),
        _ => place_rest(classes, numbers, packed, bit, out),
    }
}

/// Groups of `N` whose bits fit in what one load brings.
fn place_groups<const N: usize>(classes: &Classes, numbers: &[u8], packed: &[u8], mut bit: usize, out: &mut Vec<i64>) -> usize {
    let (groups, rest) = numbers.as_chunks::<N>();
    for group in groups {
        let word = peek(packed, bit).unwrap_or(0);
        let mut used = 0usize;
        out.extend_from_slice(&group.map(|number| {
            let class = &classes.all[usize::from(number) % CLASSES_MAX];
            let within = word >> used & class.mask;
            used += class.width;
            class.least.wrapping_add(within as i64)
        }));
        bit += used;
    }
    place_rest(classes, rest, packed, bit, out)
}

fn place_rest(classes: &Classes, numbers: &[u8], packed: &[u8], mut bit: usize, out: &mut Vec<i64>) -> usize {
    for number in numbers {
        let class = &classes.all[usize::from(*number) % CLASSES_MAX];
        let low = peek(packed, bit).unwrap_or(0) & 0xffff_ffff;
        let high = if class.width > 32 { peek(packed, bit + 32).unwrap_or(0) << 32 } else { 0 };
        out.push(class.least.wrapping_add(((low | high) & class.mask) as i64));
        bit += class.width;
    }
    bit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tsdb::page::ints::{apply, undo};

    fn round_trip(values: &[i64], order: Order, spread: u64) -> usize {
        let (mut applied, mut coder, mut out) = (Vec::new(), Coder::default(), Vec::new());
        if !apply(order, values, &mut applied) || applied.len() <= order.leads() {
            return 0;
        }
        if coder.plan(&applied[order.leads()..], spread).0 == usize::MAX {
            return 0;
        }
        coder.put(&mut out, order, &applied);
        let (mut reader, mut ints) = (Reader::new(&out), Vec::new());
        let order = take_coded(&mut reader, values.len(), &mut ints, &mut Vec::new()).expect("what was written");
        assert_eq!(undo(order, &mut ints), values);
        assert!(reader.is_empty());
        out.len()
    }

    #[test]
    fn classes_tile_all_integers() {
        let edges = (0..64).flat_map(|bit| [-1i64, 0, 1].map(|by| (1i64 << bit).wrapping_add(by)));
        for value in edges.flat_map(|v| [v, v.wrapping_neg(), !v]) {
            for split in 0..=FINEST {
                let class = class_of(value, split);
                assert!((-(REACH as i32)..REACH as i32).contains(&class));
                let (least, width) = extent_of(class, split);
                let within = value.wrapping_sub(least) as u64;
                assert!(within >> width == 0, "{value} {split} {class} {least} {width}");
            }
        }
    }

    #[test]
    fn crowded_integers_take_about_their_entropy() {
        // Of 960 three quarters are the same: 0.81 bits each where the others are one value.
        let values: Vec<i64> = (0..960).map(|i| if i * 7919 % 4 == 0 { 5 } else { 0 }).collect();
        let size = round_trip(&values, Order::Plain, 0);
        assert!((90..112).contains(&size), "{size}");
        assert!(round_trip(&[i64::MIN, i64::MAX, 0, -1, i64::MIN], Order::Plain, 0) > 0);
        assert!(round_trip(&[42; 300], Order::Plain, 0) < 12);
    }

    proptest::proptest! {
        #[test]
        fn any_integers_come_back(values in proptest::collection::vec(proptest::num::i64::ANY, 1..400), shift in 0u32..64, order in 0usize..4) {
            let order = [Order::Plain, Order::Delta, Order::DeltaDelta, Order::Trend][order];
            round_trip(&values.iter().map(|v| v >> shift).collect::<Vec<_>>(), order, u64::from(shift) * 300);
            round_trip(&values.iter().map(|v| v >> shift.max(v.trailing_zeros().min(63))).collect::<Vec<_>>(), order, u64::from(shift) * 300);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), count in 0usize..300) {
            let (mut out, mut buffer) = (Vec::new(), Vec::new());
            if take_coded(&mut Reader::new(&bytes), count, &mut out, &mut buffer).is_ok() {
                assert!(out.len() <= count + 1);
            }
        }
    }
}
