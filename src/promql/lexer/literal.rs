//! String and number literals: Go's escapes, Prometheus's number forms.

use crate::model::DurationMs;

/// Go's `%q` of a character; the end of input counts as U+FFFD, as Go's lexer has it.
pub fn quote_char(c: Option<char>) -> String {
    match c {
        None => "'\u{fffd}'".to_owned(),
        Some('\'') => "'\\''".to_owned(),
        Some('"') => "'\"'".to_owned(),
        Some(c) => {
            let quoted = crate::model::number::quote(&c.to_string());
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    }
}

/// Length of the string literal that the input starts with, quotes included.
pub fn scan(input: &str, quote: char) -> Result<usize, String> {
    let mut chars = input.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok(at + 1),
            '\\' if quote != '`' => check_escape(&mut chars, quote)?,
            '\n' if quote != '`' => return Err("unterminated quoted string".to_owned()),
            _ => {}
        }
    }
    Err(if quote == '`' { "unterminated raw string" } else { "unterminated quoted string" }.to_owned())
}

fn check_escape(chars: &mut impl Iterator<Item = (usize, char)>, quote: char) -> Result<(), String> {
    let Some((_, c)) = chars.next() else {
        return Err("escape sequence not terminated".to_owned());
    };
    let (digits, base, max) = match c {
        'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => return Ok(()),
        _ if c == quote => return Ok(()),
        '0'..='7' => (2, 8, 255),
        'x' => (2, 16, 255),
        'u' => (4, 16, 0x10_ffff),
        'U' => (8, 16, 0x10_ffff),
        _ => return Err(format!("unknown escape sequence {}", unicode_name(c))),
    };
    let mut value = if base == 8 { c.to_digit(8).unwrap_or(0) } else { 0 };
    for _ in 0..digits {
        let Some((_, d)) = chars.next() else {
            return Err("escape sequence not terminated".to_owned());
        };
        let Some(digit) = d.to_digit(base) else {
            return Err(format!("illegal character {} in escape sequence", unicode_name(d)));
        };
        value = value.saturating_mul(base).saturating_add(digit);
    }
    if value > max || (0xd800..0xe000).contains(&value) {
        return Err("escape sequence is an invalid Unicode code point".to_owned());
    }
    Ok(())
}

/// Go's `%#U`.
fn unicode_name(c: char) -> String {
    format!("U+{:04X} '{c}'", c as u32)
}

/// The bytes of a scanned literal. Escapes may form bytes that are not UTF-8.
pub fn unquote(literal: &str) -> Vec<u8> {
    let inner = &literal[1..literal.len() - 1];
    if literal.starts_with('`') || !inner.contains('\\') {
        return inner.as_bytes().to_vec();
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            unescape(&mut chars, &mut out);
        } else {
            push_char(&mut out, c);
        }
    }
    out
}

fn push_char(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

fn unescape(chars: &mut std::str::Chars<'_>, out: &mut Vec<u8>) {
    let Some(c) = chars.next() else { return };
    let mut number = |count: usize, base: u32, start: u32| {
        (0..count).fold(start, |v, _| v * base + chars.next().and_then(|d| d.to_digit(base)).unwrap_or(0))
    };
    match c {
        'a' => out.push(7),
        'b' => out.push(8),
        'f' => out.push(12),
        'n' => out.push(b'\n'),
        'r' => out.push(b'\r'),
        't' => out.push(b'\t'),
        'v' => out.push(11),
        '0'..='7' => out.push(number(2, 8, c.to_digit(8).unwrap_or(0)) as u8),
        'x' => out.push(number(2, 16, 0) as u8),
        'u' => push_char(out, char::from_u32(number(4, 16, 0)).unwrap_or('\u{fffd}')),
        'U' => push_char(out, char::from_u32(number(8, 16, 0)).unwrap_or('\u{fffd}')),
        other => push_char(out, other),
    }
}

/// Go's `strconv.ParseInt(text, 0, 64)`, then `ParseFloat`: hexadecimal, octal with a leading zero, underscores, decimals, Inf and NaN.
pub fn parse_number(text: &str) -> Result<f64, String> {
    let plain = text.replace('_', "");
    let invalid = || format!("error parsing number: strconv.ParseFloat: parsing {}: invalid syntax", crate::model::number::quote(text));
    if text.ends_with('_') || text.contains("__") {
        return Err(invalid());
    }
    if let Some(hex) = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        // Beyond 64 bits Go reads a float, which in hexadecimal needs an exponent of its own.
        return i64::from_str_radix(hex, 16).map(|v| v as f64).map_err(|_| invalid());
    }
    let is_octal = plain.len() > 1 && plain.starts_with('0') && plain.bytes().all(|b| (b'0'..=b'7').contains(&b));
    if is_octal && let Ok(octal) = i64::from_str_radix(&plain, 8) {
        return Ok(octal as f64);
    }
    let value: f64 = plain.parse().map_err(|_| invalid())?;
    if value.is_infinite() && plain.bytes().any(|b| b.is_ascii_digit()) {
        return Err(format!("error parsing number: strconv.ParseFloat: parsing {}: value out of range", crate::model::number::quote(text)));
    }
    Ok(value)
}

/// A duration literal in seconds.
pub fn parse_duration(text: &str) -> Result<f64, String> {
    DurationMs::parse(text).map(DurationMs::as_seconds)
}
