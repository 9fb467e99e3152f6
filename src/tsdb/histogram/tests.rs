//! Histograms by themselves and in columns: everything comes back to the bit, and what is alike is short.

use std::sync::Arc;

use super::*;
use crate::tsdb::disk::crashing::Dice;

const ODD: [f64; 8] = [0.0, -0.0, f64::NAN, f64::INFINITY, 5e-324, 1.0 / 3.0, f64::MAX, 9_007_199_254_740_993.0];

type Rows = Vec<(u32, u32, Arc<Histogram>)>;

fn span(offset: i32, length: u32) -> BucketSpan {
    BucketSpan { offset, length }
}

fn odd() -> Histogram {
    Histogram {
        schema: -53,
        zero_threshold: 1e-128,
        zero_count: 1.0,
        count: f64::NAN,
        sum: -0.0,
        positive_spans: vec![span(-3, 2), span(4, 1)],
        positive_counts: vec![1.0, 2.5, 1.0 / 3.0],
        negative_spans: vec![span(0, 1)],
        negative_counts: vec![7.0],
        custom_bounds: vec![0.1, f64::INFINITY],
        reset_hint: ResetHint::Gauge,
    }
}

#[test]
fn a_histogram_comes_back() {
    let histogram = odd();
    let mut out = Vec::new();
    put(&mut out, &histogram);
    assert!(take(&mut Reader::new(&out)).expect("what was written").same_bits(&histogram));
    for cut in 0..out.len() {
        assert!(take(&mut Reader::new(&out[..cut])).is_err());
    }
}

fn round_trip(rows: &Rows) -> Vec<u8> {
    let mut out = Vec::new();
    column::put(&mut out, rows, &mut column::Buffers::default());
    let back = column::take(&out).expect("what was written");
    assert_eq!(back.len(), rows.len());
    for ((row, h), (_, wanted, other)) in back.iter().zip(rows) {
        assert_eq!(row, wanted);
        assert!(h.same_bits(other), "row {row}: {h:?} instead of {other:?}");
    }
    out
}

fn each(rows: &Rows) -> usize {
    let mut out = Vec::new();
    rows.iter().for_each(|(.., h)| put(&mut out, h));
    out.len()
}

/// Latencies as a server counts them: most buckets grow a little, now and then a new one appears.
fn latencies(rows: u32) -> Rows {
    let (mut dice, mut counts) = (Dice(3), vec![0u64; 24]);
    let mut made = Vec::new();
    for row in 0..rows {
        for _ in 0..20 {
            let about = 6 + dice.below(6) + dice.below(if row > rows / 2 { 8 } else { 4 });
            counts[about as usize] += 1;
        }
        let used: Vec<usize> = (0..counts.len()).filter(|at| counts[*at] > 0).collect();
        let (mut positive_spans, mut end): (Vec<BucketSpan>, i32) = (Vec::new(), 0);
        for at in &used {
            match positive_spans.last_mut() {
                Some(last) if end == *at as i32 => last.length += 1,
                _ => positive_spans.push(span(*at as i32 - end, 1)),
            }
            end = *at as i32 + 1;
        }
        let positive_counts: Vec<f64> = used.iter().map(|at| counts[*at] as f64).collect();
        let h = Histogram {
            schema: 3,
            zero_threshold: 2.938735877055719e-39,
            count: positive_counts.iter().sum(),
            sum: f64::from(row) * 1.234567,
            positive_spans,
            positive_counts,
            reset_hint: if row == 0 { ResetHint::Unknown } else { ResetHint::NotReset },
            ..Histogram::default()
        };
        made.push((0, row * 2, Arc::new(h)));
    }
    made
}

#[test]
fn alike_histograms_are_short() {
    let rows = latencies(120);
    let bytes = round_trip(&rows);
    assert!(bytes.len() * 3 < each(&rows), "{} bytes, one by one {}", bytes.len(), each(&rows));
    let same: Rows = (0..120).map(|row| (0, row, rows[100].2.clone())).collect();
    let bytes = round_trip(&same);
    assert!(bytes.len() < 200, "{} bytes for one histogram over and over", bytes.len());
    // One by itself is no longer than it was.
    assert!(round_trip(&rows[50..51].to_vec()).len() <= each(&rows[50..51].to_vec()) + 8);
}

#[test]
fn what_does_not_fit_stands_one_by_one() {
    // Buckets that are named twice, and counts without spans.
    let twice = Histogram { positive_spans: vec![span(3, 2), span(-2, 2)], positive_counts: vec![1.0; 4], ..odd() };
    let unspanned = Histogram { positive_spans: Vec::new(), positive_counts: vec![4.0], ..odd() };
    let swapped = Histogram { positive_counts: vec![1.0], negative_counts: vec![1.0; 3], ..odd() };
    for h in [twice, unspanned, swapped, odd()] {
        round_trip(&(0..40).map(|row| (7, row, Arc::new(h.clone()))).collect());
    }
    // A shape of its own for each.
    let many = (0..400).map(|row| (0, row, Arc::new(Histogram { zero_threshold: f64::from(row), ..odd() })));
    round_trip(&many.collect());
}

fn any(dice: &mut Dice) -> Histogram {
    let mut number = |whole: bool| if whole || dice.below(3) > 0 { dice.below(1000) as f64 } else { ODD[dice.below(8) as usize] };
    let counts: Vec<f64> = (0..9).map(|at| number(at > 3)).collect();
    let (zero_count, sum) = (number(true), number(false));
    let (longer, shifted) = (dice.below(4) as usize, dice.below(3) as i32);
    let negatives = dice.below(3) as usize;
    let mut h = Histogram {
        schema: if dice.below(9) == 0 { 2 } else { 3 },
        zero_count,
        sum,
        positive_spans: vec![span(-shifted, 2), span(0, 0), span(1, longer as u32)],
        positive_counts: counts[..2 + longer].to_vec(),
        negative_spans: vec![span(shifted, negatives as u32)],
        negative_counts: counts[6..6 + negatives].to_vec(),
        custom_bounds: if dice.below(5) == 0 { vec![0.5, -0.0] } else { Vec::new() },
        reset_hint: HINTS[dice.below(4) as usize],
        ..Histogram::default()
    };
    h.count =
        if dice.below(20) == 0 { f64::NAN } else { h.positive_counts.iter().chain(&h.negative_counts).fold(zero_count, |a, b| a + b) };
    h
}

#[test]
fn any_histograms_come_back_to_the_bit() {
    for seed in 0..600u64 {
        let mut dice = Dice(seed);
        let (count, alike) = (1 + dice.below(90) as u32, dice.below(12));
        let mut held = any(&mut dice);
        let rows = (0..count).map(|row| {
            if dice.below(12) >= alike {
                held = any(&mut dice);
            } else if let Some(first) = held.positive_counts.first_mut() {
                *first += dice.below(5) as f64;
            }
            (0, row * 3 + 1, Arc::new(held.clone()))
        });
        round_trip(&rows.collect());
    }
}

#[test]
fn damaged_columns_are_refused_or_read() {
    let bytes = round_trip(&latencies(60));
    for cut in 0..bytes.len() {
        assert!(column::take(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    for seed in 0..20_000u64 {
        let mut dice = Dice(seed);
        let mut spoiled = bytes.clone();
        for _ in 0..1 + dice.below(3) {
            let reach = if dice.below(2) == 0 { 60 } else { bytes.len() as u64 };
            let at = dice.below(reach) as usize;
            spoiled[at] = if dice.below(2) == 0 { dice.roll() as u8 } else { spoiled[at] ^ 1 << dice.below(8) };
        }
        if let Ok(held) = column::take(&spoiled) {
            assert!(held.len() <= crate::tsdb::limits::STRIPE_ROWS_MAX, "seed {seed}");
        }
    }
}
