//! Answers as CSV (RFC 4180): a column a label, then time and value.

use std::collections::BTreeSet;

use super::reply::{Answer, Point};
use crate::model::Labels;

pub fn write(answer: &Answer) -> String {
    match answer {
        Answer::Scalar(point) | Answer::Text(point) => rows(&[(&Labels::empty(), std::slice::from_ref(point))]),
        Answer::Vector(series) => rows(&series.iter().map(|(labels, point)| (labels, std::slice::from_ref(point))).collect::<Vec<_>>()),
        Answer::Matrix(series) => rows(&series.iter().map(|(labels, points)| (labels, points.as_slice())).collect::<Vec<_>>()),
    }
}

fn rows(series: &[(&Labels, &[Point])]) -> String {
    let names: BTreeSet<&str> = series.iter().flat_map(|(labels, _)| labels.iter().map(|(name, _)| name)).collect();
    let mut out = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        for (at, cell) in cells.enumerate() {
            if at > 0 {
                out.push(',');
            }
            out.push_str(&field(cell));
        }
        out.push('\n');
    };
    line(&mut names.iter().copied().chain(["timestamp", "value"]));
    for (labels, points) in series {
        for point in *points {
            let values = names.iter().map(|name| labels.get(name).unwrap_or(""));
            line(&mut values.chain([point.at.as_str(), point.value.as_str()]));
        }
    }
    out
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_needs_it() {
        let point = |at: &str, value: &str| Point { at: at.to_owned(), value: value.to_owned() };
        let rows = vec![
            (Labels::from_pairs([("__name__", "up"), ("a", "x,\"y\"")]), vec![point("1", "1"), point("2.5", "2")]),
            (Labels::from_pairs([("b", "z")]), vec![point("1", "NaN")]),
        ];
        assert_eq!(
            write(&Answer::Matrix(rows)),
            "__name__,a,b,timestamp,value\nup,\"x,\"\"y\"\"\",,1,1\nup,\"x,\"\"y\"\"\",,2.5,2\n,,z,1,NaN\n"
        );
        assert_eq!(write(&Answer::Scalar(point("1", "2"))), "timestamp,value\n1,2\n");
    }
}
