//! Every value through every codec, to the bit; and no bytes that hurt a reader.

use super::decode::{Decoder, decode, decode_rows};
use super::extreme::{Extreme, extreme};
use super::*;
use crate::model::STALE_NAN;
use crate::tsdb::disk::crashing::Dice;

fn encoded(floats: &[f64], states: &[State]) -> Vec<u8> {
    let mut column = PageColumn::default();
    column.floats.extend_from_slice(floats);
    column.states.extend_from_slice(states);
    let mut out = Vec::new();
    encode(&mut column, &mut out);
    let mut back = Decoder::default();
    decode(&out, floats.len(), &mut back).expect("what was written");
    assert_eq!(back.floats.len(), floats.len());
    for (row, float) in floats.iter().enumerate() {
        match states.get(row).copied().unwrap_or(State::Value) {
            State::Value => assert_eq!(back.floats[row].to_bits(), float.to_bits(), "row {row} of {floats:?}"),
            State::Stale => assert_eq!(back.floats[row].to_bits(), STALE_NAN.to_bits()),
            _ => {}
        }
        if !back.states.is_empty() {
            assert_eq!(back.states[row], states[row]);
        }
    }
    for wanted in [0..floats.len() / 2, floats.len() / 3..floats.len(), floats.len().saturating_sub(1)..floats.len()] {
        let (mut decoder, mut some) = (Decoder::default(), vec![1.5]);
        decode_rows(&out, floats.len(), wanted.clone(), &mut decoder, &mut some).expect("what was written");
        let bits = |floats: &[f64]| floats.iter().map(|f| f.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&some[1..]), bits(&back.floats[wanted.clone()]), "{wanted:?} of {floats:?}");
        assert_eq!(decoder.states, back.states.get(wanted).unwrap_or(&[]));
    }
    let walked = |wanted: Extreme| {
        floats.iter().copied().reduce(|best, value| if wanted == Extreme::Least { best.min(value) } else { best.max(value) })
    };
    for wanted in [Extreme::Least, Extreme::Greatest] {
        if let Some(found) = extreme(&out, wanted).expect("what was written").filter(|found| !found.is_nan()) {
            assert_eq!(Some(found), walked(wanted), "{floats:?}");
        }
    }
    out
}

fn codec(floats: &[f64]) -> u8 {
    encoded(floats, &[])[0] & 0x0f
}

fn unit(dice: &mut Dice) -> f64 {
    (dice.roll() >> 11) as f64 / (1u64 << 53) as f64
}

/// Columns as exporters make them, one for each codec and mapping.
fn columns(rows: usize) -> Vec<(&'static str, Vec<f64>)> {
    let mut dice = Dice(7);
    let mut made = |make: &mut dyn FnMut(usize, f64) -> f64| (0..rows).map(|row| make(row, unit(&mut dice))).collect::<Vec<f64>>();
    let (mut sum, mut count) = (0.0, 0.0);
    vec![
        ("constant", made(&mut |_, _| 7.25)),
        ("sparse", made(&mut |row, _| if row * 2 < rows { 7.0 } else { 8.5 })),
        ("packed", made(&mut |row, noise| (row as f64 + noise) * 1000.0).iter().map(|v| v.floor()).collect()),
        ("memory pages", made(&mut |_, noise| 4e9 + (noise * 1000.0).floor() * 4096.0)),
        ("cents", made(&mut |_, noise| (noise * 10_000.0).floor() / 100.0)),
        ("ticks", made(&mut |row, noise| (row as f64 * 50.0 + noise * 20.0).floor() * 0.001)),
        (
            "sum",
            made(&mut |_, noise| {
                sum += (noise * 1e7).floor() / 1e9;
                sum
            }),
        ),
        (
            "coded",
            made(&mut |_, noise| {
                count += if noise > 0.7 { (noise * 10.0 - 5.0).floor() } else { 0.0 };
                count
            }),
        ),
        ("raw", made(&mut |_, noise| f64::from_bits(Dice(noise.to_bits()).roll()))),
        ("single", made(&mut |_, noise| f64::from(noise as f32))),
    ]
}

/// What parsers, arithmetic and wire formats can give.
const ODD: [u64; 16] = [
    0x7ff0_0000_0000_0002, // the stale marker
    0x7ff8_0000_0000_0001,
    0xfff8_dead_beef_0001,
    0x7ff0_0000_0000_0001,
    0x8000_0000_0000_0000, // -0.0
    0x0000_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x0000_0000_0000_0001, // the smallest denormal
    0x800f_ffff_ffff_ffff,
    0x7fef_ffff_ffff_ffff,
    0x3fb9_9999_9999_999a, // 0.1
    0x3fd5_5555_5555_5555, // a third, 17 digits
    0x4340_0000_0000_0000, // 2^53
    0x4340_0000_0000_0001,
    0xc340_0000_0000_0001,
];

#[test]
fn long_pages_of_decimals_say_their_extremes() {
    let floats: Vec<f64> = (0..960).map(|n: i64| (n * 7919 % 1009 - 500) as f64 / 10.0).collect();
    let page = encoded(&floats, &[]);
    assert_eq!(page[0] & HAS_EXTREMES, HAS_EXTREMES);
    assert_eq!(extreme(&page, Extreme::Least), Ok(floats.iter().copied().reduce(f64::min)));
    assert_eq!(extreme(&page, Extreme::Greatest), Ok(floats.iter().copied().reduce(f64::max)));
    let steps: Vec<f64> = (0..960).map(|n| f64::from(n / 300) - 1.5).collect();
    assert_eq!(extreme(&encoded(&steps, &[]), Extreme::Greatest), Ok(Some(1.5)));
    assert_eq!(extreme(&encoded(&[1.0, f64::NAN].repeat(300), &[]), Extreme::Least), Ok(None));
}

#[test]
fn the_cheapest_codec_is_taken() {
    for (name, wanted) in [("constant", CONSTANT), ("sparse", SPARSE), ("packed", PACKED), ("coded", CODED), ("raw", RAW)] {
        let (_, floats) = columns(960).into_iter().find(|(n, _)| *n == name).expect("a column");
        assert_eq!(codec(&floats), wanted, "{name}");
    }
    assert_eq!(encoded(&[0.0; 120], &[]), [SMALL_CONSTANT]);
    assert_eq!(encoded(&[127.0; 120], &[]), [SMALL_CONSTANT | 127]);
    assert_eq!(encoded(&[-0.0; 120], &[]).len(), 10);
    assert!(!has_states(SMALL_CONSTANT | 16));
}

#[test]
fn mappings_make_small_pages() {
    let sizes: Vec<(&str, usize)> = columns(960).iter().map(|(name, floats)| (*name, encoded(floats, &[]).len())).collect();
    let most = [
        ("constant", 4),
        ("sparse", 12),
        ("packed", 1250),
        ("memory pages", 1250),
        ("cents", 1720),
        ("ticks", 640),
        ("sum", 3400),
        ("coded", 300),
        ("single", 960 * 4),
    ];
    for (name, bytes) in most {
        let size = sizes.iter().find(|(n, _)| *n == name).map_or(0, |(_, size)| *size);
        assert!(size <= bytes, "{name}: {size} bytes");
    }
}

#[test]
fn special_values_in_decimal_pages_are_exceptions() {
    let mut floats: Vec<f64> = (0..120).map(|i| f64::from(i % 40) / 4.0).collect();
    floats[3] = f64::NAN;
    floats[50] = -0.0;
    floats[119] = f64::INFINITY;
    let page = encoded(&floats, &[]);
    assert_eq!(page[0] & HAS_EXCEPTIONS, HAS_EXCEPTIONS);
    assert!(page.len() < 170, "{}", page.len());
}

#[test]
fn states_are_kept() {
    let floats: Vec<f64> = (0..10).map(f64::from).collect();
    let mut states = vec![State::Value; 10];
    states[0] = State::Gap;
    states[4] = State::Stale;
    states[5..8].fill(State::Gap);
    states[9] = State::Histogram;
    encoded(&floats, &states);
    encoded(&[3.0; 10], &states);
    encoded(&floats, &[State::Gap; 10]);
    encoded(&[], &[]);
}

/// Odd values anywhere among those of every codec: few stay exceptions, many change the mapping.
#[test]
fn odd_values_survive_every_codec() {
    let mut dice = Dice(11);
    for rows in [1, 2, 3, 17, 120, 129, 960] {
        for (_, column) in columns(rows) {
            encoded(&column, &[]);
            for share in [1, rows / 40 + 1, rows / 3 + 1] {
                let mut floats = column.clone();
                for _ in 0..share {
                    let odd = ODD[dice.roll() as usize % ODD.len()];
                    floats[dice.roll() as usize % rows] = f64::from_bits(odd);
                }
                encoded(&floats, &[]);
                let states: Vec<State> =
                    (0..rows).map(|_| [State::Value, State::Value, State::Gap, State::Stale][dice.roll() as usize % 4]).collect();
                encoded(&floats, &states);
            }
        }
    }
}

/// Pages of every codec, with bytes flipped, lost, doubled and cut: an error or other values, never a panic, never more rows.
#[test]
fn damaged_pages_are_refused_or_read() {
    let mut dice = Dice(13);
    let mut back = Decoder::default();
    for rows in [40, 200] {
        for (name, column) in columns(rows) {
            let mut floats = column;
            if rows == 200 {
                floats[7] = f64::NAN;
            }
            let page = encoded(&floats, &[]);
            for _ in 0..2000 {
                let mut damaged = page.clone();
                for _ in 0..=dice.roll() % 3 {
                    let at = dice.roll() as usize % damaged.len();
                    match dice.roll() % 5 {
                        0 => damaged[at] ^= 1 << (dice.roll() % 8),
                        1 => damaged[at] = dice.roll() as u8,
                        2 => damaged.truncate(at.max(1)),
                        3 => damaged.insert(at, dice.roll() as u8),
                        _ => damaged[at] = 0xff,
                    }
                }
                let read = decode(&damaged, rows, &mut back);
                assert!(back.floats.len() <= rows && back.states.len() <= rows, "{name}: {damaged:?}");
                assert!(read.is_err() || back.floats.len() == rows, "{name}: {damaged:?}");
                let (mut other, mut some) = (Decoder::default(), Vec::new());
                let read = decode_rows(&damaged, rows, rows / 4..rows / 2, &mut other, &mut some);
                assert!(read.is_err() || some.len() == rows / 2 - rows / 4, "{name}: {damaged:?}");
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_bits_come_back(bits in proptest::collection::vec(proptest::num::u64::ANY, 0..200), shift in 0u32..60) {
        let floats: Vec<f64> = bits.iter().map(|b| f64::from_bits(b >> shift << shift)).collect();
        encoded(&floats, &[]);
        let states: Vec<State> = bits.iter().map(|b| [State::Value, State::Gap, State::Stale, State::Value][(b % 4) as usize]).collect();
        encoded(&floats, &states);
    }

    #[test]
    fn any_decimals_come_back(cents in proptest::collection::vec(-10_000_000i64..10_000_000, 1..300), exponent in 0u32..6, step in 1i64..5000) {
        encoded(&cents.iter().map(|c| *c as f64 / 10f64.powi(exponent as i32)).collect::<Vec<_>>(), &[]);
        encoded(&cents.iter().map(|c| (*c * step) as f64).collect::<Vec<_>>(), &[]);
        encoded(&cents.iter().map(|c| *c as f64 * crate::tsdb::decimal::INVERSES[exponent as usize]).collect::<Vec<_>>(), &[]);
    }

    #[test]
    fn any_sums_come_back(parts in proptest::collection::vec(0u64..1_000_000_000, 1..300), start in 0u64..1 << 40) {
        let mut sum = start as f64 / 1e3;
        let floats: Vec<f64> = parts.iter().map(|part| { sum += *part as f64 / 1e9; sum }).collect();
        encoded(&floats, &[]);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), rows in 0usize..300) {
        let mut back = Decoder::default();
        let read = decode(&bytes, rows, &mut back);
        assert!(back.floats.len() <= rows.max(back.states.len()));
        assert!(read.is_err() || back.floats.len() == rows);
        let _ = decode_rows(&bytes, rows, rows / 2..rows, &mut Decoder::default(), &mut Vec::new());
    }
}
