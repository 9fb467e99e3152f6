//! Numbers of a fixed bit width, packed without gaps: the innermost loop of every read.
//!
//! Eight numbers of `W` bits take `W` bytes, so that within such a group every shift is a constant of the compiled loop.

/// Widest numbers that have a loop of their own: one of them, and the bits before, fit into one word.
const OWN_LOOP_MAX: u32 = 56;
/// Widest numbers of which two, and the bits before them, fit into one word.
const TWO_A_WORD_MAX: usize = 28;
/// Widest numbers of which four, and the bits before them, fit into one word.
const OWN_WORD_MAX: usize = 15;

/// Appends `count` numbers of `width` (0 to 64) bits, each as `finish` makes it. What stands behind them in `packed` may be read but does
/// not matter; bits that are not there count as zero.
#[inline]
pub fn unpack(packed: &[u8], width: u32, count: usize, out: &mut Vec<i64>, finish: impl Fn(u64) -> i64) {
    if width == 0 {
        out.resize(out.len() + count, finish(0));
        return;
    }
    let start = out.len();
    out.resize(start + count, 0);
    let out = &mut out[start..];
    let done = if width <= OWN_LOOP_MAX { by_width(packed, width, out, &finish) } else { 0 };
    one_by_one(packed, width as usize, done, out, finish);
}

/// How many numbers were unpacked by the loop of their width: whole groups of eight, as long as there are bytes to load from.
fn by_width(packed: &[u8], width: u32, out: &mut [i64], finish: &impl Fn(u64) -> i64) -> usize {
    macro_rules! loops {
        ($($width:literal)*) => {
            match width {
                $($width => eights::<$width>(packed, out, finish),)*
                _ => 0,
            }
        };
    }
    loops!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28
        29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56)
}

fn eights<const W: usize>(mut packed: &[u8], out: &mut [i64], finish: &impl Fn(u64) -> i64) -> usize {
    let mask = (1u64 << W) - 1;
    let mut done = 0;
    for group in out.as_chunks_mut::<8>().0 {
        // Four numbers end within a byte where the width is odd.
        let skip = 4 * W % 8;
        if W <= OWN_WORD_MAX {
            let low = packed.first_chunk::<8>();
            let high = packed.get(W / 2..).and_then(|bytes| bytes.first_chunk::<8>());
            let (Some(low), Some(high)) = (low, high) else { break };
            let (low, high) = (u64::from_le_bytes(*low), u64::from_le_bytes(*high) >> skip);
            for at in 0..4 {
                group[at] = finish(low >> (at * W) & mask);
                group[at + 4] = finish(high >> (at * W) & mask);
            }
        } else if W > TWO_A_WORD_MAX {
            let Some(bytes) = packed.get(..W * 7 / 8 + 8) else { break };
            for (at, number) in group.iter_mut().enumerate() {
                let word = bytes[at * W / 8..].first_chunk::<8>().map_or(0, |word| u64::from_le_bytes(*word));
                *number = finish(word >> (at * W % 8) & mask);
            }
        } else {
            let Some(bytes) = packed.get(..W * 6 / 8 + 8) else { break };
            for at in 0..4 {
                let bit = 2 * W * at;
                let Some(two) = bytes[bit / 8..].first_chunk::<8>() else { break };
                let two = u64::from_le_bytes(*two) >> (bit % 8);
                group[2 * at] = finish(two & mask);
                group[2 * at + 1] = finish(two >> W & mask);
            }
        }
        packed = packed.get(W..).unwrap_or(&[]);
        done += 8;
    }
    done
}

fn one_by_one(packed: &[u8], width: usize, from: usize, out: &mut [i64], finish: impl Fn(u64) -> i64) {
    let mask = if width == 64 { u64::MAX } else { (1u64 << width) - 1 };
    for (at, place) in out.iter_mut().enumerate().skip(from) {
        let bit = at * width;
        let mut bytes = [0u8; 16];
        let start = (bit / 8).min(packed.len());
        let end = (start + 9).min(packed.len());
        bytes[..end - start].copy_from_slice(&packed[start..end]);
        *place = finish((u128::from_le_bytes(bytes) >> (bit % 8)) as u64 & mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_width_and_length_agrees_with_single_bits(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), width in 0u32..=64, count in 0usize..140,
        ) {
            let bit = |at: usize| u64::from(bytes.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1));
            let number = |at: usize| (0..width as usize).fold(0, |number, b| number | bit(at * width as usize + b) << b);
            let mut out = vec![7];
            unpack(&bytes, width, count, &mut out, |v| v as i64);
            let wanted: Vec<i64> = std::iter::once(7).chain((0..count).map(|at| number(at) as i64)).collect();
            proptest::prop_assert_eq!(out, wanted);
        }
    }
}
