//! Streams of integers: plain, difference or difference of differences, in bit-packed blocks with patched exceptions.

use super::unpack::unpack;
use crate::tsdb::bytes::{Damaged, Decoded, Reader, put_signed, put_varint, unzigzag, varint_len, zigzag};

/// Integers of one bit-packed block.
pub const BLOCK: usize = 128;
/// Set in the width byte where values are zigzag instead of counted from a base.
const ZIGZAG: u8 = 0x80;

/// How often the stream was differenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Plain = 0,
    Delta = 1,
    DeltaDelta = 2,
}

/// Differences in place; the first `order` places keep what undoes it.
fn difference(values: &mut [i64]) {
    for at in (1..values.len()).rev() {
        values[at] = values[at].wrapping_sub(values[at - 1]);
    }
}

/// Width with the lowest cost for numbers of these bit lengths, and that cost in bits.
fn cheapest_width(lengths: &[u16; 65], count: usize) -> (u32, usize) {
    let longest = (0..=64usize).rev().find(|l| lengths[*l] > 0).unwrap_or(0);
    let (mut best, mut exceptions) = ((longest as u32, longest * count), 0usize);
    for width in (0..longest).rev() {
        exceptions += usize::from(lengths[width + 1]);
        let high = varint_len(1u64 << (longest - width - 1).min(63)) * 8;
        let cost = width * count + exceptions * (8 + high);
        if cost < best.1 {
            best = (width as u32, cost);
        }
    }
    best
}

struct Plan {
    zigzag: bool,
    base: i64,
    width: u32,
    cost: usize,
}

fn plan(block: &[i64]) -> Plan {
    let base = block.iter().copied().min().unwrap_or(0);
    let (mut from_base, mut signed) = ([0u16; 65], [0u16; 65]);
    for value in block {
        from_base[(64 - (value.wrapping_sub(base) as u64).leading_zeros()) as usize] += 1;
        signed[(64 - zigzag(*value).leading_zeros()) as usize] += 1;
    }
    let (width, cost) = cheapest_width(&from_base, block.len());
    let cost = cost + varint_len(zigzag(base)) * 8;
    let (signed_width, signed_cost) = cheapest_width(&signed, block.len());
    if signed_cost <= cost {
        Plan { zigzag: true, base: 0, width: signed_width, cost: signed_cost }
    } else {
        Plan { zigzag: false, base, width, cost }
    }
}

fn residual(plan: &Plan, value: i64) -> u64 {
    if plan.zigzag { zigzag(value) } else { value.wrapping_sub(plan.base) as u64 }
}

fn put_block(out: &mut Vec<u8>, block: &[i64]) {
    let plan = plan(block);
    out.push(plan.width as u8 | if plan.zigzag { ZIGZAG } else { 0 });
    if !plan.zigzag {
        put_signed(out, plan.base);
    }
    let fits = |value: u64| plan.width == 64 || value >> plan.width == 0;
    let exceptions = block.iter().filter(|v| !fits(residual(&plan, **v))).count();
    out.push(exceptions as u8);
    let mask = if plan.width == 64 { u64::MAX } else { (1u64 << plan.width) - 1 };
    let (mut held, mut bits) = (0u128, 0u32);
    if plan.width > 0 {
        for value in block {
            held |= u128::from(residual(&plan, *value) & mask) << bits;
            bits += plan.width;
            while bits >= 8 {
                out.push(held as u8);
                held >>= 8;
                bits -= 8;
            }
        }
    }
    if bits > 0 {
        out.push(held as u8);
    }
    for (at, value) in block.iter().enumerate() {
        let value = residual(&plan, *value);
        if !fits(value) {
            out.push(at as u8);
            put_varint(out, value >> plan.width);
        }
    }
}

/// The stream of these integers, differenced the cheapest way. `scratch` is clobbered.
pub fn put_stream(out: &mut Vec<u8>, values: &[i64], scratch: &mut Vec<i64>) {
    let mut best = (Order::Plain, usize::MAX);
    for order in [Order::Plain, Order::Delta, Order::DeltaDelta] {
        apply(order, values, scratch);
        let skip = order as usize;
        let lead: usize = scratch.iter().take(skip).map(|v| varint_len(zigzag(*v)) * 8).sum();
        let body: usize = scratch.get(skip..).unwrap_or(&[]).chunks(BLOCK).map(|block| plan(block).cost + 16).sum();
        if lead + body < best.1 {
            best = (order, lead + body);
        }
    }
    apply(best.0, values, scratch);
    out.push(best.0 as u8);
    let skip = (best.0 as usize).min(scratch.len());
    for lead in &scratch[..skip] {
        put_signed(out, *lead);
    }
    for block in scratch[skip..].chunks(BLOCK) {
        put_block(out, block);
    }
}

fn apply(order: Order, values: &[i64], scratch: &mut Vec<i64>) {
    scratch.clear();
    scratch.extend_from_slice(values);
    match order {
        Order::Plain => {}
        Order::Delta => difference(scratch),
        Order::DeltaDelta => {
            difference(scratch);
            difference(scratch.get_mut(1..).unwrap_or(&mut []));
        }
    }
}

fn take_block(reader: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Decoded<()> {
    let head = reader.u8()?;
    let (is_zigzag, width) = (head & ZIGZAG != 0, u32::from(head & !ZIGZAG));
    if width > 64 {
        return Err(Damaged("a bit width above 64"));
    }
    let base = if is_zigzag { 0 } else { reader.signed()? };
    let exceptions = reader.u8()?;
    // With what follows, so that the last numbers can be loaded as words, too.
    let packed = reader.rest;
    reader.bytes((count * width as usize).div_ceil(8))?;
    let start = out.len();
    match (exceptions, is_zigzag) {
        (0, true) => unpack(packed, width, count, out, unzigzag),
        (0, false) => unpack(packed, width, count, out, |v| base.wrapping_add(v as i64)),
        _ => {
            unpack(packed, width, count, out, |v| v as i64);
            patch(reader, exceptions, width, &mut out[start..])?;
            for value in &mut out[start..] {
                *value = if is_zigzag { unzigzag(*value as u64) } else { value.wrapping_add(base) };
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

/// Reads back at least the first `until` of `count` integers as they were differenced (`out` is cleared first), and how often.
pub fn take_differences(reader: &mut Reader<'_>, count: usize, until: usize, out: &mut Vec<i64>) -> Decoded<Order> {
    out.clear();
    let order = match reader.u8()? {
        0 => Order::Plain,
        1 => Order::Delta,
        2 => Order::DeltaDelta,
        _ => return Err(Damaged("an unknown order of differences")),
    };
    let lead = (order as usize).min(count);
    for _ in 0..lead {
        out.push(reader.signed()?);
    }
    let mut left = count - lead;
    while left > 0 && out.len() < until {
        let block = left.min(BLOCK);
        take_block(reader, block, out)?;
        left -= block;
    }
    Ok(order)
}

/// Undoes differences on the way from `differences` to `each`'s results, from the place `from` on.
#[inline]
pub fn undo<T>(order: Order, differences: &[i64], from: usize, out: &mut Vec<T>, each: impl Fn(i64) -> T) {
    let from = from.min(differences.len());
    let (before, wanted) = differences.split_at(from);
    match order {
        Order::Plain => out.extend(wanted.iter().map(|v| each(*v))),
        Order::Delta => {
            let mut sum = before.iter().fold(0i64, |sum, v| sum.wrapping_add(*v));
            out.extend(wanted.iter().map(|v| {
                sum = sum.wrapping_add(*v);
                each(sum)
            }));
        }
        Order::DeltaDelta => {
            let (mut sum, mut step) = (0i64, 0i64);
            // The first number stands for itself, the others for what the step grows by.
            if let [first, rest @ ..] = before {
                sum = *first;
                for v in rest {
                    step = step.wrapping_add(*v);
                    sum = sum.wrapping_add(step);
                }
            }
            let wanted = match wanted {
                [first, rest @ ..] if from == 0 => {
                    sum = *first;
                    out.push(each(sum));
                    rest
                }
                wanted => wanted,
            };
            out.extend(wanted.iter().map(|v| {
                step = step.wrapping_add(*v);
                sum = sum.wrapping_add(step);
                each(sum)
            }));
        }
    }
}

/// Reads back `count` integers (`out` is cleared first).
pub fn take_stream(reader: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Decoded<()> {
    let mut differences = Vec::with_capacity(count);
    let order = take_differences(reader, count, count, &mut differences)?;
    out.clear();
    undo(order, &differences, 0, out, |v| v);
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
