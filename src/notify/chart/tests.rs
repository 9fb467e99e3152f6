//! Pictures, looked at pixel by pixel.

use super::*;
use crate::model::Labels;

fn line(values: &[f64]) -> Line {
    let points = values.iter().enumerate().map(|(n, value)| (TimestampMs(n as i64 * 60_000), *value)).collect();
    Line { labels: Labels::empty(), points }
}

fn plot(lines: &[Line]) -> Plot<'_> {
    Plot {
        lines: lines.iter().collect(),
        start: TimestampMs(0),
        end: TimestampMs(3_600_000),
        step: DurationMs(60_000),
        threshold: Some(0.8),
        firing: vec![(TimestampMs(2_400_000), TimestampMs(3_600_000))],
    }
}

/// Width, height and the pixels as red, green, blue, opacity.
fn decode(bytes: &[u8]) -> (u32, u32, Vec<[u8; 4]>) {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut out = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut out).unwrap();
    let pixels = out[..info.buffer_size()].chunks_exact(4).map(|pixel| [pixel[0], pixel[1], pixel[2], pixel[3]]);
    (info.width, info.height, pixels.collect())
}

fn wave(count: usize) -> Vec<f64> {
    (0..count).map(|n| 0.5 + 0.45 * (n as f64 / 7.0).sin()).collect()
}

#[test]
fn a_chart_has_a_line_a_threshold_and_a_shade_on_a_transparent_ground() {
    let bytes = png(&plot(&[line(&wave(61))])).unwrap();
    let (width, height, pixels) = decode(&bytes);
    assert_eq!((width, height), (WIDTH, HEIGHT));
    assert!(bytes.len() < 15_000, "{} bytes", bytes.len());
    let near = |color: [u8; 3]| move |pixel: &&[u8; 4]| pixel[3] > 230 && (0..3).all(|n| pixel[n].abs_diff(color[n]) < 24);
    let count = |color: [u8; 3]| pixels.iter().filter(near(color)).count();
    assert!(count([59, 130, 246]) > 3_000, "the line");
    assert!(count([224, 49, 49]) > 1_000, "the dashes");
    assert!(count([128, 134, 145]) > 500, "the names of marks");
    assert_eq!(pixels[0][3], 0, "the ground");
    let shaded = pixels.iter().filter(|pixel| (20..80).contains(&pixel[3]) && pixel[0] > 180 && pixel[1] < 90).count();
    assert!(shaded > 50_000, "{shaded} pixels are shaded");
}

#[test]
fn a_rich_chart_is_still_small_enough() {
    // Five lines that jump about, one point every other pixel.
    let wild = |k: usize| line(&(0..61).map(|n| ((n * (k + 7) * 37) % 101) as f64 * 1e6).collect::<Vec<_>>());
    let lines: Vec<Line> = (0..5).map(wild).collect();
    let sizes = [1.0, 0.5].map(|zoom| draw(&plot(&lines), &scale::scale(0.0, 1e8).unwrap(), zoom).unwrap().encode().unwrap().len());
    assert!(sizes[1] < sizes[0] && sizes[0] < 3 * CHART_BYTES_MAX, "{sizes:?}");
    let calm: Vec<Line> = (0..5).map(|k| line(&wave(61).iter().map(|value| value + f64::from(k)).collect::<Vec<_>>())).collect();
    let bytes = png(&plot(&calm)).expect("it is not too large");
    assert_eq!(decode(&bytes).0, WIDTH, "{} bytes", bytes.len());
}

#[test]
fn gaps_and_strange_values_are_left_out() {
    assert_eq!(png(&plot(&[])), None);
    assert_eq!(png(&plot(&[line(&[1.0])])), None, "a point is no course");
    assert_eq!(png(&plot(&[line(&[f64::NAN; 50])])), None);
    assert_eq!(png(&plot(&[line(&[-f64::MAX, f64::MAX])])), None, "no axis holds these");
    let odd = [1.0, f64::NAN, 3.0, f64::INFINITY, 2.0, f64::NEG_INFINITY];
    assert!(png(&plot(&[line(&odd)])).is_some());
    assert!(png(&Plot { threshold: Some(f64::INFINITY), ..plot(&[line(&wave(9))]) }).is_some());
    assert_eq!(png(&Plot { end: TimestampMs(0), ..plot(&[line(&wave(9))]) }), None);
    let steady = line(&[7.0; 30]);
    assert!(png(&Plot { threshold: None, firing: Vec::new(), ..plot(&[steady]) }).is_some());
}
