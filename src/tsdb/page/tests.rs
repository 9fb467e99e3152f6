//! Every value through every codec, to the bit.

use super::decode::{Decoder, decode, decode_rows};
use super::*;
use crate::model::STALE_NAN;

fn encoded(floats: &[f64], states: &[State]) -> Vec<u8> {
    let mut column = PageColumn::default();
    column.floats.extend_from_slice(floats);
    column.states.extend_from_slice(states);
    let mut out = Vec::new();
    encode(&mut column, &mut out);
    let mut back = Decoder::default();
    decode(&out, floats.len(), &mut back).expect("what was written");
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
    out
}

#[test]
fn the_cheapest_codec_is_taken() {
    let codec = |floats: &[f64]| encoded(floats, &[])[0] & 0x0f;
    assert_eq!(codec(&[7.25; 120]), CONSTANT);
    let mut sparse = vec![7.0; 120];
    sparse[100..].fill(8.0);
    assert_eq!(codec(&sparse), SPARSE);
    let counter: Vec<f64> = (0..120).map(|i| f64::from(i * 100 + i % 13)).collect();
    assert_eq!(codec(&counter), PACKED);
    let noise: Vec<f64> = (1..120u64).map(|i| f64::from_bits(crate::tsdb::disk::crashing::Dice(i).roll())).collect();
    assert_eq!(codec(&noise), RAW);
    // Floats that were 32 bits wide have many zero bits at the end.
    let single: Vec<f64> = (1..120u32).map(|i| f64::from(1.0f32 / i as f32)).collect();
    assert!(encoded(&single, &[]).len() < 120 * 5);
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
    encoded(&floats, &[State::Gap; 10]);
    encoded(&[], &[]);
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
    fn any_decimals_come_back(cents in proptest::collection::vec(-10_000_000i64..10_000_000, 1..300), exponent in 0u32..6) {
        encoded(&cents.iter().map(|c| *c as f64 / 10f64.powi(exponent as i32)).collect::<Vec<_>>(), &[]);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), rows in 0usize..300) {
        let _ = decode(&bytes, rows, &mut Decoder::default());
        let _ = decode_rows(&bytes, rows, rows / 2..rows, &mut Decoder::default(), &mut Vec::new());
    }
}
