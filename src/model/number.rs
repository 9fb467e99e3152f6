//! Numbers and strings as Go prints and reads them, since clients compare the texts.

/// A Go-quoted string (`strconv.Quote`), as Prometheus puts texts into its messages.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if c.is_control() || is_unseen(c) => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Separators, marks of direction and the like that Go does not print as they are.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{ad}' | '\u{1680}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

/// The sign, shortest round-trip digits and decimal exponent of a finite number: `0.d1d2… * 10^exponent`.
fn decimal(value: f64) -> (bool, String, i32) {
    // The standard library breaks ties between two shortest texts upwards; Go, and zmij, take the even one.
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    if significant.is_empty() {
        return (value.is_sign_negative(), "0".to_owned(), 1);
    }
    let leading = all.len() - significant.len();
    let point = whole.len() as i32 - leading as i32 + exponent.parse::<i32>().unwrap_or(0);
    (value.is_sign_negative(), significant.trim_end_matches('0').to_owned(), point)
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        v if v.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

fn exponent_form(negative: bool, digits: &str, point: i32) -> String {
    let mut out = String::new();
    if negative {
        out.push('-');
    }
    out.push_str(&digits[..1]);
    if digits.len() > 1 {
        out.push('.');
        out.push_str(&digits[1..]);
    }
    let exponent = if digits == "0" { 0 } else { point - 1 };
    out.push_str(&format!("e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()));
    out
}

/// `strconv.FormatFloat(v, 'f', -1, 64)`: shortest digits that read back the same, never an exponent.
pub fn format_fixed(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let (negative, digits, point) = decimal(value);
    let sign = if negative { "-" } else { "" };
    let count = digits.len() as i32;
    if point <= 0 {
        let zeros = "0".repeat(point.unsigned_abs() as usize);
        return format!("{sign}0.{zeros}{digits}");
    }
    if point >= count {
        let zeros = "0".repeat((point - count) as usize);
        return format!("{sign}{digits}{zeros}");
    }
    let (whole, fraction) = digits.split_at(point as usize);
    format!("{sign}{whole}.{fraction}")
}

/// `strconv.FormatFloat(v, 'e', -1, 64)`.
pub fn format_exponent(value: f64) -> String {
    special(value).map_or_else(
        || {
            let (negative, digits, point) = decimal(value);
            exponent_form(negative, &digits, point)
        },
        str::to_owned,
    )
}

/// `strconv.FormatFloat(v, 'g', -1, 64)`: an exponent below 1e-4 and from 1e6 on.
pub fn format_general(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let (negative, digits, point) = decimal(value);
    let exponent = point - 1;
    if value != 0.0 && !(-4..6).contains(&exponent) {
        return exponent_form(negative, &digits, point);
    }
    format_fixed(value)
}

/// A sample's value as the HTTP API writes it: fixed, but with an exponent below 1e-6 and from 1e21 on.
pub fn format_sample(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && size.is_finite() && !(1e-6..1e21).contains(&size) { format_exponent(value) } else { format_fixed(value) }
}

/// The text of a `le` or `quantile` label value, as OpenMetrics wants it: a float that always shows a point or exponent (`1` becomes `1.0`).
pub fn format_open_metrics(value: f64) -> String {
    let text = format_general(value);
    let is_plain_integer = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if is_plain_integer { text + ".0" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Vectors made with Go's strconv.
    #[test]
    fn prints_as_go_does() {
        assert_eq!(format_fixed(3_945_499_003_730_073.0 / 4.0), "986374750932518.2");
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (0.05, "0.05"),
            (100.0, "100"),
            (-12.5, "-12.5"),
            (1e-7, "0.0000001"),
            (5e-324, &format!("0.{}5", "0".repeat(323))),
        ] {
            assert_eq!(format_fixed(value), text);
        }
        assert_eq!(format_fixed(1e21), "1000000000000000000000");
        assert_eq!(format_fixed(f64::INFINITY), "+Inf");
        assert_eq!(format_exponent(1.0), "1e+00");
        assert_eq!(format_exponent(0.0), "0e+00");
        assert_eq!(format_exponent(123456.0), "1.23456e+05");
        assert_eq!(format_general(1e21), "1e+21");
        assert_eq!(format_general(1e6), "1e+06");
        assert_eq!(format_general(1_234_567.5), "1.2345675e+06");
        assert_eq!(format_general(100_000.0), "100000");
        assert_eq!(format_general(0.00001), "1e-05");
        assert_eq!(format_general(0.0001), "0.0001");
        assert_eq!(format_general(-0.0), "-0");
        assert_eq!(format_sample(1e-7), "1e-07");
        assert_eq!(format_sample(0.000001), "0.000001");
        assert_eq!(format_open_metrics(1.0), "1.0");
        assert_eq!(format_open_metrics(0.5), "0.5");
        assert_eq!(format_open_metrics(f64::INFINITY), "+Inf");
    }

    #[test]
    fn quotes_as_go_does() {
        assert_eq!(quote("a\"b\\c\nd\u{1}"), "\"a\\\"b\\\\c\\nd\\x01\"");
    }
}
