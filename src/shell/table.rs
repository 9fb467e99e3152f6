//! Answers as tables for people: one row a series, numbers aligned, ranges with their extremes and a small curve.

use super::reply::{Answer, Point};
use crate::model::Labels;

/// Rows that a terminal gets; a pipe gets all.
const ROWS_MAX: usize = 100;
/// Characters of a curve.
const CURVE_WIDTH: usize = 24;
const CURVE: [char; 8] = ['\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}'];
/// The place of the curve in a row; it stands left, as the series do.
const CURVE_COLUMN: usize = 5;

/// The table, and a note about rows that are left out.
pub fn write(answer: &Answer, terminal: bool) -> (String, Option<String>) {
    match answer {
        Answer::Scalar(point) | Answer::Text(point) => (format!("{}\n", point.value), None),
        Answer::Vector(rows) => {
            let (shown, note) = cut(rows, terminal);
            let rows = shown.iter().map(|(labels, point)| vec![labels.to_string(), point.value.clone()]).collect();
            (lay(&["series", "value"], rows), note)
        }
        Answer::Matrix(rows) => {
            let (shown, note) = cut(rows, terminal);
            let rows = shown.iter().map(|(labels, points)| range_row(labels, points, terminal)).collect();
            let mut head = vec!["series", "points", "min", "max", "last"];
            if terminal {
                head.push("");
            }
            (lay(&head, rows), note)
        }
    }
}

fn cut<T>(rows: &[T], terminal: bool) -> (&[T], Option<String>) {
    if !terminal || rows.len() <= ROWS_MAX {
        return (rows, None);
    }
    (&rows[..ROWS_MAX], Some(format!("+{} more series (-o csv prints all)", rows.len() - ROWS_MAX)))
}

fn range_row(labels: &Labels, points: &[Point], terminal: bool) -> Vec<String> {
    let numbers: Vec<(f64, &str)> = points
        .iter()
        .filter_map(|point| Some((point.value.parse().ok()?, point.value.as_str())))
        .filter(|(v, _): &(f64, _)| !v.is_nan())
        .collect();
    // the texts of the extremes as the server printed them, not numbers printed anew
    let text = |extreme: Option<&(f64, &str)>| extreme.map_or("-".to_owned(), |(_, text)| (*text).to_owned());
    let low = text(numbers.iter().min_by(|a, b| a.0.total_cmp(&b.0)));
    let high = text(numbers.iter().max_by(|a, b| a.0.total_cmp(&b.0)));
    let last = points.last().map_or("-".to_owned(), |point| point.value.clone());
    let mut row = vec![labels.to_string(), points.len().to_string(), low, high, last];
    if terminal {
        row.push(curve(&numbers));
    }
    row
}

/// Each character stands for the mean of its share of the points.
fn curve(numbers: &[(f64, &str)]) -> String {
    let finite: Vec<f64> = numbers.iter().map(|(value, _)| *value).filter(|value| value.is_finite()).collect();
    let (low, high) = finite.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    let width = CURVE_WIDTH.min(finite.len());
    let column = |at: usize| {
        let (from, to) = (at * finite.len() / width, (at + 1) * finite.len() / width);
        let mean = finite[from..to].iter().sum::<f64>() / (to - from) as f64;
        let place = if high > low { (mean - low) / (high - low) * 7.0 } else { 3.0 };
        CURVE[(place.round().max(0.0) as usize).min(7)]
    };
    (0..width).map(column).collect()
}

/// Columns two spaces apart; all but the first and a curve are numbers and stand right.
fn lay(head: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let length = |text: &str| text.chars().count();
    let widths: Vec<usize> =
        (0..head.len()).map(|at| rows.iter().map(|row| length(&row[at])).chain([length(head[at])]).max().unwrap_or(0)).collect();
    let mut out = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (at, cell) in cells.enumerate() {
            let pad = " ".repeat(widths[at].saturating_sub(length(cell)));
            let gap = if at == 0 { "" } else { "  " };
            let stands_left = at == 0 || at == CURVE_COLUMN;
            text.push_str(&if stands_left { format!("{gap}{cell}{pad}") } else { format!("{gap}{pad}{cell}") });
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(&mut head.iter().copied());
    for row in &rows {
        line(&mut row.iter().map(String::as_str));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at: &str, value: &str) -> Point {
        Point { at: at.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn vectors_are_aligned() {
        let rows = vec![
            (Labels::from_pairs([("__name__", "up"), ("job", "a")]), point("1", "1")),
            (Labels::from_pairs([("job", "bcd")]), point("1", "12.5")),
        ];
        let (text, note) = write(&Answer::Vector(rows), false);
        assert_eq!(text, "series       value\nup{job=\"a\"}      1\n{job=\"bcd\"}   12.5\n");
        assert_eq!(note, None);
    }

    #[test]
    fn ranges_show_their_extremes() {
        let points = ["1", "NaN", "-3", "10", "2"].map(|value| point("1", value)).to_vec();
        let rows = vec![(Labels::from_pairs([("__name__", "x")]), points)];
        assert_eq!(write(&Answer::Matrix(rows.clone()), false).0, "series  points  min  max  last\nx            5   -3   10     2\n");
        assert!(write(&Answer::Matrix(rows), true).0.ends_with("   -3   10     2  \u{2583}\u{2581}\u{2588}\u{2584}\n"));
    }

    #[test]
    fn a_terminal_gets_a_hundred_rows() {
        let rows = vec![(Labels::empty(), point("1", "1")); 130];
        let (text, note) = write(&Answer::Vector(rows), true);
        assert_eq!((text.lines().count(), note.as_deref()), (101, Some("+30 more series (-o csv prints all)")));
    }
}
