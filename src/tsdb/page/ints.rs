//! Streams of integers: plain, differences, differences of differences or distances from a straight line, in bit-packed blocks with patched exceptions.

use super::unpack::unpack;
use crate::tsdb::bytes::{Damaged, Decoded, Reader, put_signed, put_varint, unzigzag, varint_len, zigzag};

/// Integers of one bit-packed block.
pub const BLOCK: usize = 128;
/// Set in the width byte where values are zigzag instead of counted up from a base.
const ZIGZAG: u8 = 0x80;
/// Added to the width where zigzag values are distances from a base: a few outliers on either side then cost only themselves.
const CENTERED: u8 = 65;
/// Bits behind the point of a line's slope.
const SLOPE_BITS: u32 = 20;
/// Shorter streams are not worth a line.
const TREND_FROM: usize = 16;
/// Integers whose middle one is taken for the middle of all.
const PROBES: usize = 15;

/// What is taken from a stream's integers before they are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Plain = 0,
    Delta = 1,
    DeltaDelta = 2,
    /// Distances from a line: a counter whose rate is steady but whose readings are noisy, as many are, costs one noise instead of two.
    Trend = 3,
}

impl Order {
    /// Numbers that come before the packed ones: first values, or the slope.
    pub fn leads(self) -> usize {
        match self {
            Self::Plain => 0,
            Self::Delta | Self::Trend => 1,
            Self::DeltaDelta => 2,
        }
    }

    pub fn take(reader: &mut Reader<'_>) -> Decoded<Self> {
        match reader.u8()? {
            0 => Ok(Self::Plain),
            1 => Ok(Self::Delta),
            2 => Ok(Self::DeltaDelta),
            3 => Ok(Self::Trend),
            _ => Err(Damaged("an unknown order of differences")),
        }
    }
}

/// Differences in place; the first place keeps what undoes it.
fn difference(values: &mut [i64]) {
    for at in (1..values.len()).rev() {
        values[at] = values[at].wrapping_sub(values[at - 1]);
    }
}

/// The slope of the line of least squares; none where it would not fit its fixed point.
fn slope(values: &[i64]) -> Option<i64> {
    let (count, first) = (values.len(), *values.first()?);
    if count < TREND_FROM {
        return None;
    }
    let (mut at, middle) = (0.0, (count - 1) as f64 / 2.0);
    let mut shared = 0.0;
    for value in values {
        shared += (at - middle) * value.wrapping_sub(first) as f64;
        at += 1.0;
    }
    let spread = count as f64 * (count as f64 * count as f64 - 1.0) / 12.0;
    let scaled = (shared / spread * f64::from(1u32 << SLOPE_BITS)).round();
    (scaled.abs() * (count as f64) < 4e18).then_some(scaled as i64)
}

/// What `order` makes of `values`: its leads, then what is packed. False where it cannot.
pub fn apply(order: Order, values: &[i64], into: &mut Vec<i64>) -> bool {
    into.clear();
    match order {
        Order::Plain => into.extend_from_slice(values),
        Order::Delta => {
            into.extend_from_slice(values);
            difference(into);
        }
        Order::DeltaDelta => {
            into.extend_from_slice(values);
            difference(into);
            difference(into.get_mut(1..).unwrap_or(&mut []));
        }
        Order::Trend => {
            let Some(slope) = slope(values) else { return false };
            into.push(slope);
            let mut line = 0i64;
            into.extend(values.iter().map(|value| {
                let distance = value.wrapping_sub(line >> SLOPE_BITS);
                line = line.wrapping_add(slope);
                distance
            }));
        }
    }
    true
}

/// Width with the lowest cost for numbers of these bit lengths, and that cost in bits.
fn cheapest_width(lengths: &[u16; 65], longest: usize, count: usize) -> (u32, usize) {
    let (mut best, mut exceptions) = ((longest as u32, longest * count), 0usize);
    for width in (0..longest).rev() {
        exceptions += usize::from(lengths[width + 1]);
        let high = varint_len(1u64 << (longest - width - 1).min(63)) * 8;
        let cost = width * count + exceptions * (8 + high);
        if cost < best.1 {
            best = (width as u32, cost);
        }
        if exceptions * 16 > best.1 {
            break;
        }
    }
    best
}

struct Plan {
    zigzag: bool,
    base: i64,
    width: u32,
}

fn bit_length(value: u64) -> usize {
    (64 - value.leading_zeros()) as usize
}

/// How a block is packed the cheapest way.
fn plan(block: &[i64]) -> Plan {
    let base = block.iter().copied().min().unwrap_or(0);
    let center = Some(middle(block)).filter(|center| center.unsigned_abs() > 1).unwrap_or(0);
    let (mut from_base, mut signed) = ([0u16; 65], [0u16; 65]);
    let (mut any_from_base, mut any_signed) = (0u64, 0u64);
    for value in block {
        let (above, turned) = (value.wrapping_sub(base) as u64, zigzag(value.wrapping_sub(center)));
        any_from_base |= above;
        any_signed |= turned;
        from_base[bit_length(above)] += 1;
        signed[bit_length(turned)] += 1;
    }
    let (width, cost) = cheapest_width(&from_base, bit_length(any_from_base), block.len());
    let cost = cost + varint_len(zigzag(base)) * 8;
    let (signed_width, signed_cost) = cheapest_width(&signed, bit_length(any_signed), block.len());
    let signed_cost = signed_cost + if center == 0 { 0 } else { varint_len(zigzag(center)) * 8 };
    if (center == 0 && signed_cost <= cost) || (signed_cost < cost && signed_width <= 62) {
        Plan { zigzag: true, base: center, width: signed_width }
    } else {
        Plan { zigzag: false, base, width }
    }
}

fn residual(plan: &Plan, value: i64) -> u64 {
    let distance = value.wrapping_sub(plan.base);
    if plan.zigzag { zigzag(distance) } else { distance as u64 }
}

fn put_block(out: &mut Vec<u8>, block: &[i64]) {
    let plan = plan(block);
    match (plan.zigzag, plan.base) {
        (true, 0) => out.push(plan.width as u8 | ZIGZAG),
        (true, _) => out.push((plan.width as u8 + CENTERED) | ZIGZAG),
        (false, _) => out.push(plan.width as u8),
    }
    if !plan.zigzag || plan.base != 0 {
        put_signed(out, plan.base);
    }
    let fits = |value: u64| plan.width == 64 || value >> plan.width == 0;
    let exceptions = block.iter().filter(|v| !fits(residual(&plan, **v))).count();
    out.push(exceptions as u8);
    let mut bits = BitWriter::default();
    for value in block {
        bits.put(out, residual(&plan, *value), plan.width);
    }
    bits.finish(out);
    if exceptions == 0 {
        return;
    }
    for (at, value) in block.iter().enumerate() {
        let value = residual(&plan, *value);
        if !fits(value) {
            out.push(at as u8);
            put_varint(out, value >> plan.width);
        }
    }
}

/// Writes numbers bit by bit, low bits first.
#[derive(Default)]
pub struct BitWriter {
    held: u64,
    bits: u32,
}

impl BitWriter {
    /// The low `width` bits of `value`.
    #[inline]
    pub fn put(&mut self, out: &mut Vec<u8>, value: u64, width: u32) {
        if width == 0 {
            return;
        }
        let value = value & (u64::MAX >> (64 - width));
        self.held |= value << self.bits;
        let free = 64 - self.bits;
        if width >= free {
            out.extend_from_slice(&self.held.to_le_bytes());
            self.held = if free == 64 { 0 } else { value >> free };
            self.bits = width - free;
        } else {
            self.bits += width;
        }
    }

    pub fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.held.to_le_bytes()[..self.bits.div_ceil(8) as usize]);
    }
}

/// The middle one of some of the integers.
pub fn middle(values: &[i64]) -> i64 {
    let mut probes = [0i64; PROBES];
    for (at, probe) in probes.iter_mut().enumerate() {
        *probe = values.get(at * values.len() / PROBES).copied().unwrap_or(0);
    }
    probes.sort_unstable();
    probes[PROBES / 2]
}

/// How many bits the distances of integers from their middle have in all.
fn spread(values: &[i64]) -> u64 {
    let center = middle(values);
    let length = |value: &i64| {
        let distance = value.wrapping_sub(center);
        u64::from(64 - (distance ^ distance >> 63).leading_zeros())
    };
    values.iter().map(length).sum()
}

/// Finds the order that leaves the smallest numbers; `into` holds what it makes of `values`. Also says how many bits those have in all.
pub fn cheapest_order(values: &[i64], into: &mut Vec<i64>) -> (Order, u64) {
    let mut best = (Order::Plain, u64::MAX);
    let mut last = Order::Plain;
    for order in [Order::Plain, Order::Trend, Order::Delta, Order::DeltaDelta] {
        // Differences of differences are noisier still where differences were no gain.
        let is_in_vain = order == Order::DeltaDelta && best.0 != Order::Delta;
        if is_in_vain || !apply(order, values, into) {
            continue;
        }
        last = order;
        let leads = order.leads().min(into.len());
        let lead: u64 = into[..leads].iter().map(|v| varint_len(zigzag(*v)) as u64 * 8).sum();
        let cost = lead + spread(&into[leads..]);
        if cost < best.1 {
            best = (order, cost);
        }
    }
    if last != best.0 {
        apply(best.0, values, into);
    }
    best
}

/// The byte of the order, and its leads.
pub fn put_order(out: &mut Vec<u8>, order: Order, applied: &[i64]) {
    out.push(order as u8);
    for lead in &applied[..order.leads().min(applied.len())] {
        put_signed(out, *lead);
    }
}

pub fn put_blocks(out: &mut Vec<u8>, order: Order, applied: &[i64]) {
    put_order(out, order, applied);
    for block in applied[order.leads().min(applied.len())..].chunks(BLOCK) {
        put_block(out, block);
    }
}

/// The stream of these integers, packed the cheapest way. `scratch` is clobbered.
pub fn put_stream(out: &mut Vec<u8>, values: &[i64], scratch: &mut Vec<i64>) {
    let (order, _) = cheapest_order(values, scratch);
    put_blocks(out, order, scratch);
}

fn take_block(reader: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Decoded<()> {
    let head = reader.u8()?;
    let (is_zigzag, mut width) = (head & ZIGZAG != 0, u32::from(head & !ZIGZAG));
    let is_centered = is_zigzag && width >= u32::from(CENTERED);
    if is_centered {
        width -= u32::from(CENTERED);
    } else if width > 64 {
        return Err(Damaged("a bit width above 64"));
    }
    let base = if is_zigzag && !is_centered { 0 } else { reader.signed()? };
    let exceptions = reader.u8()?;
    let packed = reader.rest;
    reader.bytes((count * width as usize).div_ceil(8))?;
    let start = out.len();
    match (exceptions, is_zigzag) {
        (0, true) => unpack(packed, width, count, out, |v| base.wrapping_add(unzigzag(v))),
        (0, false) => unpack(packed, width, count, out, |v| base.wrapping_add(v as i64)),
        _ => {
            unpack(packed, width, count, out, |v| v as i64);
            patch(reader, exceptions, width, &mut out[start..])?;
            for value in &mut out[start..] {
                *value = base.wrapping_add(if is_zigzag { unzigzag(*value as u64) } else { *value });
            }
        }
    }
    Ok(())
}

fn patch(reader: &mut Reader<'_>, exceptions: u8, width: u32, block: &mut [i64]) -> Decoded<()> {
    for _ in 0..exceptions {
        let at = usize::from(reader.u8()?);
        let high = reader.varint()?.checked_shl(width).unwrap_or(0);
        *block.get_mut(at).ok_or(Damaged("an exception behind its block"))? |= high as i64;
    }
    Ok(())
}

/// The order of a stream of `count` integers and its leads, which go into `out` (cleared first), and how many packed integers follow.
pub fn take_order(reader: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Decoded<(Order, usize)> {
    out.clear();
    let order = Order::take(reader)?;
    let (leads, packed) = match order {
        Order::Trend => (1, count),
        _ => (order.leads().min(count), count - order.leads().min(count)),
    };
    for _ in 0..leads {
        out.push(reader.signed()?);
    }
    Ok((order, packed))
}

/// Reads back at least the first `until` of `count` integers as they were before their order is undone (`out` is cleared first).
pub fn take_blocks(reader: &mut Reader<'_>, count: usize, until: usize, out: &mut Vec<i64>) -> Decoded<Order> {
    let (order, mut left) = take_order(reader, count, out)?;
    let until = until + usize::from(order == Order::Trend);
    while left > 0 && out.len() < until {
        let block = left.min(BLOCK);
        take_block(reader, block, out)?;
        left -= block;
    }
    Ok(order)
}

/// Undoes an order in place; the values are what is returned.
pub fn undo(order: Order, applied: &mut [i64]) -> &mut [i64] {
    let accumulate = |values: &mut [i64]| {
        let mut sum = 0i64;
        for value in values {
            sum = sum.wrapping_add(*value);
            *value = sum;
        }
    };
    match order {
        Order::Plain => applied,
        Order::Delta => {
            accumulate(applied);
            applied
        }
        Order::DeltaDelta => {
            accumulate(applied.get_mut(1..).unwrap_or(&mut []));
            accumulate(applied);
            applied
        }
        Order::Trend => {
            let Some((slope, values)) = applied.split_first_mut() else { return &mut [] };
            let mut line = 0i64;
            for value in values.iter_mut() {
                *value = value.wrapping_add(line >> SLOPE_BITS);
                line = line.wrapping_add(*slope);
            }
            values
        }
    }
}

/// Reads back `count` integers (`out` is cleared first).
pub fn take_stream(reader: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Decoded<()> {
    let order = take_blocks(reader, count, count, out)?;
    let behind = out.len() - undo(order, out).len();
    out.drain(..behind);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(values: &[i64]) -> usize {
        let mut out = Vec::new();
        put_stream(&mut out, values, &mut Vec::new());
        let (mut reader, mut back) = (Reader::new(&out), Vec::new());
        take_stream(&mut reader, values.len(), &mut back).expect("what was written");
        assert_eq!(back, values);
        assert!(reader.is_empty());
        out.len()
    }

    #[test]
    fn streams_come_back_and_are_small() {
        for len in [0, 1, 2, 3, 127, 128, 129, 300] {
            round_trip(&vec![i64::MIN; len]);
            round_trip(&(0..len as i64).map(|i| if i % 2 == 0 { i64::MIN } else { i64::MAX }).collect::<Vec<_>>());
        }
        assert!(round_trip(&(0..120).map(|i| i * 1000).collect::<Vec<_>>()) < 12);
        let mut counter: Vec<i64> = (0..120).map(|i| i * 1000 + i % 7).collect();
        counter[60..].iter_mut().for_each(|v| *v -= 50_000);
        assert!(round_trip(&counter) < 120);
    }

    proptest::proptest! {
        #[test]
        fn any_integers_come_back(values in proptest::collection::vec(proptest::num::i64::ANY, 0..400), shift in 0u32..64) {
            round_trip(&values.iter().map(|v| v >> shift).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), count in 0usize..300) {
            let _ = take_stream(&mut Reader::new(&bytes), count, &mut Vec::new());
        }
    }
}
