//! What plain scalars mean: YAML 1.1's booleans and numbers, Go's durations, sizes in bytes.

use crate::model::DurationMs;

use super::node::{Node, Style, Value};

fn plain(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar { text, style: Style::Plain } => Some(text),
        _ => None,
    }
}

/// YAML 1.1's booleans, as Go's yaml package takes them for boolean fields.
pub fn boolean(node: &Node) -> Option<bool> {
    match plain(node)? {
        "true" | "True" | "TRUE" | "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "false" | "False" | "FALSE" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// Decimal, hexadecimal, octal (`0o17` and YAML 1.1's `017`) and binary integers; underscores between digits.
pub fn integer(node: &Node) -> Option<i64> {
    let text = plain(node)?.replace('_', "");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(&text)),
    };
    let radix = |prefix: &str, radix: u32| digits.strip_prefix(prefix).map(|rest| i64::from_str_radix(rest, radix));
    let parsed = radix("0x", 16)
        .or_else(|| radix("0b", 2))
        .or_else(|| radix("0o", 8))
        .or_else(|| radix("0", 8).filter(|_| digits.len() > 1))
        .unwrap_or_else(|| digits.parse::<i64>());
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    parsed.ok().map(|number| sign * number).or_else(|| whole(&text))
}

/// `1e3`: a float whose value is a whole number counts as one.
fn whole(text: &str) -> Option<i64> {
    let number: f64 = text.contains(['.', 'e', 'E']).then(|| text.parse().ok())??;
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// Integers and floats with YAML's `.inf` and `.nan`.
pub fn float(node: &Node) -> Option<f64> {
    match plain(node)? {
        ".inf" | ".Inf" | ".INF" | "+.inf" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        text if text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
            integer(node).map(|number| number as f64).or_else(|| text.replace('_', "").parse().ok())
        }
        _ => None,
    }
}

/// Whether a plain scalar of this text would be read as something other than a text (and so must be quoted when printed).
pub fn is_special(text: &str) -> bool {
    let node = Node::plain(text, crate::model::Span::default());
    node.is_null() || boolean(&node).is_some() || float(&node).is_some() || is_sexagesimal(text) || looks_like_date(text)
}

/// YAML 1.1's base 60: `12:30` would be read as 750 by old parsers.
fn is_sexagesimal(text: &str) -> bool {
    let mut parts = text.trim_start_matches(['+', '-']).split(':');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'_' || b == b'.');
    let first = parts.next().is_some_and(digits);
    let mut rest = parts.peekable();
    first && rest.peek().is_some() && rest.all(|part| digits(part) && part.parse::<f64>().is_ok_and(|number| number < 60.0))
}

fn looks_like_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 8 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-' && bytes[5].is_ascii_digit()
}

const GO_UNITS: [(&str, f64); 8] =
    [("ns", 1e-6), ("us", 1e-3), ("\u{b5}s", 1e-3), ("\u{3bc}s", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 60e3), ("h", 3_600e3)];

/// Go's notation (`1h30m`, `1.5s`; no days): what `time.ParseDuration` takes, rounded down to milliseconds.
pub fn go_duration(text: &str) -> Result<DurationMs, String> {
    let invalid = || format!("time: invalid duration {}", crate::model::number::quote(text));
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(DurationMs::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let letters = rest[digits..].find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len() - digits);
        let (number, unit) = (&rest[..digits], &rest[digits..digits + letters]);
        let number: f64 = number.parse().map_err(|_| invalid())?;
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", crate::model::number::quote(text)));
        }
        let unknown = || {
            let quote = crate::model::number::quote;
            format!("time: unknown unit {} in duration {}", quote(unit), quote(text))
        };
        total += number * GO_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(unknown)?.1;
        rest = &rest[digits + letters..];
    }
    if total > (i64::MAX / 1_000_000) as f64 {
        return Err(invalid());
    }
    Ok(DurationMs((sign * total) as i64))
}

/// A duration as Go prints it (`1m0s`, `1.5s`, `100ms`).
pub fn format_go_duration(value: DurationMs) -> String {
    let sign = if value.0 < 0 { "-" } else { "" };
    let ms = value.0.unsigned_abs();
    if ms == 0 {
        return "0s".to_owned();
    }
    if ms < 1000 {
        return format!("{sign}{ms}ms");
    }
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, (ms % 60_000) as f64 / 1000.0);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

const BYTE_UNITS: [(&str, u32); 7] = [("B", 0), ("K", 1), ("M", 2), ("G", 3), ("T", 4), ("P", 5), ("E", 6)];

/// A size such as `10MB`, `1GiB`, `512B`: powers of 1024 whichever way it is written; `0` alone is allowed.
pub fn bytes(text: &str) -> Result<u64, String> {
    if text == "0" {
        return Ok(0);
    }
    let invalid = || format!("units: invalid {text}");
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let letters = rest[digits..].find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len() - digits);
        let (number, unit) = (&rest[..digits], &rest[digits..digits + letters]);
        let number: f64 = number.parse().map_err(|_| invalid())?;
        if unit.is_empty() {
            return Err(format!("units: missing unit in {text}"));
        }
        let short = unit.strip_suffix("iB").or_else(|| unit.strip_suffix('B').filter(|short| !short.is_empty())).unwrap_or(unit);
        let unknown = || format!("units: unknown unit {unit} in {text}");
        let (_, power) = BYTE_UNITS.iter().find(|(name, power)| *name == short && (*power == 0 || unit.len() > 1)).ok_or_else(unknown)?;
        total += number * 1024f64.powi(*power as i32);
        rest = &rest[digits + letters..];
    }
    if text.is_empty() || total >= i64::MAX as f64 {
        return Err(invalid());
    }
    Ok(total as u64)
}

/// A size as Prometheus prints it: `15MiB`, `1GiB512MiB`.
pub fn format_bytes(mut value: u64) -> String {
    if value == 0 {
        return "0B".to_owned();
    }
    let mut out = String::new();
    for (name, power) in BYTE_UNITS.iter().rev() {
        let size = 1u64 << (10 * power);
        if value >= size {
            let unit = if *power == 0 { "B".to_owned() } else { format!("{name}iB") };
            out.push_str(&format!("{}{unit}", value / size));
            value %= size;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Span;

    fn node(text: &str) -> Node {
        Node::plain(text, Span::default())
    }

    #[test]
    fn numbers_and_booleans_of_yaml_1_1() {
        for (text, number) in
            [("12", 12), ("-3", -3), ("0x1f", 31), ("010", 8), ("0o17", 15), ("1_000", 1000), ("0", 0), ("1e3", 1000), ("2.0", 2)]
        {
            assert_eq!(integer(&node(text)), Some(number), "{text}");
        }
        for text in ["", "x", "1.5", "08", "0x", "1e-3", "--1", "9223372036854775808"] {
            assert_eq!(integer(&node(text)), None, "{text}");
        }
        for (text, number) in [("1.5", 1.5), ("-0.25", -0.25), ("1e-3", 0.001), ("0x10", 16.0), ("08", 8.0), (".5", 0.5)] {
            assert_eq!(float(&node(text)), Some(number), "{text}");
        }
        assert_eq!(boolean(&node("yes")), Some(true));
        assert_eq!(boolean(&node("Off")), Some(false));
        assert_eq!(boolean(&Node::quoted("true", Span::default())), None);
        assert_eq!(float(&node("1e3")), Some(1000.0));
        assert_eq!(float(&node("inf")), None);
    }

    #[test]
    fn durations_of_go() {
        for (text, ms) in [("1.5h", 5_400_000), ("1m30s", 90_000), ("0", 0), ("250ms", 250), ("-2s", -2000)] {
            assert_eq!(go_duration(text), Ok(DurationMs(ms)), "{text}");
        }
        for text in ["", "1", "1d", "x", "1.2.3s", "s"] {
            assert!(go_duration(text).is_err(), "{text}");
        }
        for (ms, text) in [(60_000, "1m0s"), (1_500, "1.5s"), (3_600_000, "1h0m0s"), (0, "0s"), (20, "20ms")] {
            assert_eq!(format_go_duration(DurationMs(ms)), text);
        }
    }

    #[test]
    fn sizes() {
        for (text, size) in [("15MB", 15 << 20), ("1GiB", 1 << 30), ("512B", 512), ("0", 0), ("1.5KB", 1536)] {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
        for text in ["100", "1XB", "MB", "", "1K"] {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert_eq!(format_bytes(15 << 20), "15MiB");
        assert_eq!(format_bytes(1536), "1KiB512B");
    }
}
