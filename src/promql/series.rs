//! Series descriptions, as test files write them: a metric and its values, `up{job="x"} 0+1x5 _ stale {{sum:1 count:2}}`.

mod histogram;

use std::sync::Arc;

use super::features::Features;
use super::lexer::literal;
use super::native;
use super::{ExprKind, parse};
use crate::model::{Histogram, Labels, LabelsBuilder, MatchOp, STALE_NAN, Value};

/// Most values that one description may stand for.
const VALUES_MAX: usize = 10_000_000;

/// The values of a description; None is a gap.
pub type Values = Vec<Option<Value>>;

/// Reads a metric and what follows it. The rest starts after the metric.
pub fn parse_metric(text: &str) -> Result<(Labels, &str), String> {
    let text = text.trim_start();
    let name_end = text.find(|c: char| c == '{' || c.is_whitespace()).unwrap_or(text.len());
    let mut end = name_end;
    if text[name_end..].trim_start().starts_with('{') && !text[name_end..].trim_start().starts_with("{{") {
        let open = name_end + (text.len() - name_end - text[name_end..].trim_start().len());
        end = closing_brace(text, open).ok_or("unexpected end of input inside braces")?;
    }
    let (metric, rest) = text.split_at(end);
    // An empty set of labels selects nothing, so the parser would refuse it.
    if metric.chars().filter(|c| !c.is_whitespace()).eq("{}".chars()) {
        return Ok((Labels::empty(), rest));
    }
    labels_of(metric).map(|labels| (labels, rest))
}

fn closing_brace(text: &str, open: usize) -> Option<usize> {
    let mut at = open + 1;
    while at < text.len() {
        let c = text[at..].chars().next()?;
        match c {
            '}' => return Some(at + 1),
            '"' | '\'' | '`' => at += literal::scan(&text[at..], c).ok()?,
            _ => at += c.len_utf8(),
        }
    }
    None
}

/// The labels that a selector of equalities pins down.
fn labels_of(selector: &str) -> Result<Labels, String> {
    let expr = parse(selector, Features::default()).map_err(|errors| errors.first().map_or_else(String::new, ToString::to_string))?;
    let ExprKind::Selector(selector) = expr.kind else { return Err("a metric was expected".to_owned()) };
    let mut labels = LabelsBuilder::default();
    for matcher in &selector.matchers {
        if matcher.op != MatchOp::Equal {
            return Err(format!("a metric has labels, not matchers: {matcher}"));
        }
        labels.set(&matcher.name, &matcher.value);
    }
    Ok(labels.build())
}

/// Reads the values after a metric.
pub fn parse_values(text: &str) -> Result<Values, String> {
    let mut values = Values::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        rest = item(rest, &mut values)?.trim_start();
        if values.len() > VALUES_MAX {
            return Err(format!("more than {VALUES_MAX} values in one series"));
        }
    }
    Ok(values)
}

/// A metric with its values.
pub fn parse_series(text: &str) -> Result<(Labels, Values), String> {
    let (labels, rest) = parse_metric(text)?;
    Ok((labels, parse_values(rest)?))
}

fn item<'t>(text: &'t str, values: &mut Values) -> Result<&'t str, String> {
    if let Some(rest) = text.strip_prefix('_') {
        let (times, rest) = times(rest)?;
        values.extend(std::iter::repeat_n(None, times.unwrap_or(1)));
        return ends(text, rest);
    }
    let (first, rest) = value(text)?;
    if let Some(after) = rest.strip_prefix(['+', '-']) {
        let (step, after) = value(after)?;
        let (times, after) = times(after)?;
        let times = times.ok_or_else(|| format!("a step needs a repetition: {}", shown(text)))?;
        progression(first, &step, rest.starts_with('-'), times, values)?;
        return ends(text, after);
    }
    let (times, rest) = times(rest)?;
    let count = times.map_or(1, |t| t.saturating_add(1)).min(VALUES_MAX + 1);
    values.extend(std::iter::repeat_n(Some(first), count));
    ends(text, rest)
}

fn ends<'t>(text: &str, rest: &'t str) -> Result<&'t str, String> {
    if rest.is_empty() || rest.starts_with(char::is_whitespace) {
        Ok(rest)
    } else {
        Err(format!("unexpected text in series values: {}", shown(text)))
    }
}

fn shown(text: &str) -> String {
    crate::model::number::quote(text.split_whitespace().next().unwrap_or(""))
}

/// `xN`, if it is there.
fn times(text: &str) -> Result<(Option<usize>, &str), String> {
    let Some(rest) = text.strip_prefix('x') else { return Ok((None, text)) };
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let count: usize = rest[..digits].parse().map_err(|_| format!("a repetition needs a number: {}", shown(text)))?;
    Ok((Some(count.min(VALUES_MAX)), &rest[digits..]))
}

fn value(text: &str) -> Result<(Value, &str), String> {
    if text.starts_with("{{") {
        let end = text.find("}}").ok_or("unexpected end of histogram description")? + 2;
        let histogram = histogram::parse(&text[2..end - 2])?;
        return Ok((Value::Histogram(Arc::new(histogram)), &text[end..]));
    }
    // A mark that a series ended has no repetition.
    if let Some(rest) = text.strip_prefix("stale").filter(|rest| !rest.starts_with('x')) {
        return Ok((Value::Float(STALE_NAN), rest));
    }
    let length = number_length(text);
    let number = &text[..length];
    let parsed = literal::parse_number(number.trim_start_matches(['+', '-'])).map_err(|_| format!("not a value: {}", shown(text)))?;
    Ok((Value::Float(if number.starts_with('-') { -parsed } else { parsed }), &text[length..]))
}

/// Bytes of the number at the start; an `x` ends it, so there are no hexadecimal ones here.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    if text.get(at..at + 3).is_some_and(|word| word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("nan")) {
        return at + 3;
    }
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    at += digits(at);
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        at += digits(at);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits((at + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}

fn progression(first: Value, step: &Value, down: bool, times: usize, values: &mut Values) -> Result<(), String> {
    match (first, step) {
        (Value::Float(first), Value::Float(step)) => {
            let step = if down { -step } else { *step };
            let mut current = first;
            for _ in 0..=times {
                values.push(Some(Value::Float(current)));
                current += step;
            }
            Ok(())
        }
        (Value::Histogram(first), Value::Histogram(step)) => {
            let mut current = first;
            values.push(Some(Value::Histogram(Arc::clone(&current))));
            for _ in 0..times {
                current = combined(&current, step, down)?;
                values.push(Some(Value::Histogram(Arc::clone(&current))));
            }
            Ok(())
        }
        _ => Err("a progression needs two numbers or two histograms".to_owned()),
    }
}

fn combined(current: &Histogram, step: &Histogram, down: bool) -> Result<Arc<Histogram>, String> {
    if current.schema > step.schema {
        return Err(format!("error combining histograms: cannot merge from schema {} to {}", step.schema, current.schema));
    }
    native::combined(current, step, down).map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(text: &str) -> Vec<Option<f64>> {
        let float = |v: Option<Value>| match v {
            Some(Value::Float(v)) => Some(v),
            _ => None,
        };
        parse_values(text).unwrap().into_iter().map(float).collect()
    }

    #[test]
    fn progressions_repetitions_and_gaps() {
        assert_eq!(
            floats("1+2x2 _ 5x1 _x2 -1-1x1 1e2"),
            [1.0, 3.0, 5.0, f64::NAN, 5.0, 5.0, f64::NAN, f64::NAN, -1.0, -2.0, 100.0].map(|v| (!v.is_nan()).then_some(v))
        );
        assert_eq!(floats("0x3").len(), 4);
        assert!(parse_values("1+2").is_err());
        assert!(parse_values("1y").is_err());
    }

    #[test]
    fn metrics_of_all_spellings() {
        for (text, labels) in [("up 1", "up"), ("up{a=\"}\"} 1", "up{a=\"}\"}"), ("{} 1", "{}"), ("{\"a.b\", c=\"d\"} 1", "a.b{c=\"d\"}")] {
            let (found, rest) = parse_metric(text).unwrap();
            assert_eq!((found.to_string().as_str(), rest.trim()), (labels, "1"));
        }
    }
}
