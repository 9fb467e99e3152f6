//! Go's literals: quoted and raw strings, characters, numbers.

use super::ast::Number;
use crate::model::number::quote;

const INVALID: &str = "invalid syntax";

/// The text of a quoted or raw string literal.
pub fn unquote(literal: &str) -> Result<String, String> {
    if let Some(raw) = literal.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return Ok(raw.replace('\r', ""));
    }
    let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or(INVALID)?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        rest = one(rest, '"', &mut bytes)?;
    }
    // Go strings may hold any bytes; ours are text, so others become the replacement character.
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Takes one character or escape; gives what is left.
fn one<'a>(text: &'a str, mark: char, into: &mut Vec<u8>) -> Result<&'a str, String> {
    let mut chars = text.chars();
    let first = chars.next().ok_or(INVALID)?;
    if first != '\\' {
        into.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
        return Ok(chars.as_str());
    }
    let escape = chars.next().ok_or(INVALID)?;
    let rest = chars.as_str();
    let simple = match escape {
        'a' => Some(7),
        'b' => Some(8),
        'f' => Some(12),
        'n' => Some(b'\n'),
        'r' => Some(b'\r'),
        't' => Some(b'\t'),
        'v' => Some(11),
        '\\' => Some(b'\\'),
        c if c == mark => Some(mark as u8),
        _ => None,
    };
    if let Some(byte) = simple {
        into.push(byte);
        return Ok(rest);
    }
    let (digits, radix) = match escape {
        'x' => (2, 16),
        'u' => (4, 16),
        'U' => (8, 16),
        '0'..='7' => (3, 8),
        _ => return Err(INVALID.to_owned()),
    };
    let from = text.len() - rest.len() - usize::from(radix == 8);
    let code = text.get(from..from + digits).ok_or(INVALID)?;
    let number = u32::from_str_radix(code, radix).map_err(|_| INVALID)?;
    if matches!(escape, 'u' | 'U') {
        let c = char::from_u32(number).ok_or(INVALID)?;
        into.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        into.push(u8::try_from(number).map_err(|_| INVALID)?);
    }
    Ok(&text[from + digits..])
}

fn character(literal: &str) -> Result<i64, String> {
    let mut bytes = Vec::new();
    let malformed = || format!("malformed character constant: {literal}");
    let inner = literal.strip_prefix('\'').ok_or_else(malformed)?;
    if inner.starts_with('\'') {
        return Err(INVALID.to_owned());
    }
    if one(inner, '\'', &mut bytes)? != "'" {
        return Err(malformed());
    }
    let text = String::from_utf8_lossy(&bytes);
    text.chars().next().map(|c| c as i64).ok_or_else(malformed)
}

/// A number or character literal.
pub fn number(literal: &str) -> Result<Number, String> {
    let text = literal.to_owned();
    if literal.starts_with('\'') {
        let code = character(literal)?;
        return Ok(Number { text, int: Some(code), float: Some(code as f64), reads_as_float: false });
    }
    if let Some(value) = integer(literal) {
        return match i64::try_from(value) {
            Ok(int) => Ok(Number { text, int: Some(int), float: Some(int as f64), reads_as_float: false }),
            Err(_) if u64::try_from(value).is_ok() => Ok(Number { text, int: None, float: Some(value as f64), reads_as_float: false }),
            Err(_) => Err(format!("integer overflow: {}", quote(literal))),
        };
    }
    let plain = literal.replace('_', "");
    match float(&plain).or_else(|| hex_float(&plain)) {
        Some(value) => {
            let int = (value as i64 as f64 == value).then_some(value as i64);
            Ok(Number { text, int, float: Some(value), reads_as_float: true })
        }
        None => Err(format!("illegal number syntax: {}", quote(literal))),
    }
}

/// Go's integer literals, wide enough to see an overflow.
fn integer(literal: &str) -> Option<i128> {
    let (negative, digits) = match literal.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, literal.strip_prefix('+').unwrap_or(literal)),
    };
    let lower = digits.to_ascii_lowercase().replace('_', "");
    let value = match lower.get(..2) {
        Some("0x") => i128::from_str_radix(&lower[2..], 16).ok()?,
        Some("0o") => i128::from_str_radix(&lower[2..], 8).ok()?,
        Some("0b") => i128::from_str_radix(&lower[2..], 2).ok()?,
        _ if lower.len() > 1 && lower.starts_with('0') && lower.bytes().all(|b| b.is_ascii_digit()) => {
            i128::from_str_radix(&lower, 8).ok()?
        }
        _ if lower.bytes().all(|b| b.is_ascii_digit()) => lower.parse().ok()?,
        _ => return None,
    };
    Some(if negative { -value } else { value })
}

fn float(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    let is_decimal = lower.bytes().all(|b| b.is_ascii_digit() || b"+-.e".contains(&b));
    if is_decimal && lower.bytes().any(|b| b.is_ascii_digit()) { lower.parse().ok().filter(|value: &f64| value.is_finite()) } else { None }
}

/// `0x1.8p4`: a hexadecimal mantissa and a power of two.
fn hex_float(text: &str) -> Option<f64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = rest.to_ascii_lowercase();
    let (mantissa, exponent) = lower.strip_prefix("0x")?.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{part}");
    // Fourteen digits are all that a float holds.
    let number = u64::from_str_radix(&digits, 16).ok().filter(|number| *number < 1 << 53)?;
    let value = sign * number as f64 * 2f64.powi(exponent.saturating_sub(4 * part.len() as i32));
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_strings_as_go() {
        assert_eq!(unquote(r#""a\n\x41\u00e9\101\"""#), Ok("a\nA\u{e9}A\"".to_owned()));
        assert_eq!(unquote("`a\\n`"), Ok("a\\n".to_owned()));
        for bad in [r#""\q""#, r#""\'""#, r#""\u12""#, r#""\400""#, "\"a"] {
            assert!(unquote(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reads_numbers_as_go() {
        let int = |text: &str| number(text).unwrap().int;
        assert_eq!((int("0x1F"), int("-7"), int("010"), int("1_000"), int("'a'")), (Some(31), Some(-7), Some(8), Some(1000), Some(97)));
        let float = number("1.5e3").unwrap();
        assert_eq!((float.float, float.int, float.reads_as_float), (Some(1500.0), Some(1500), true));
        assert_eq!((int("0x1p4"), number("0x1.8p-1").unwrap().float), (Some(16), Some(0.75)));
        for bad in ["99999999999999999999999", "1.2.3", "0x", "1e"] {
            assert!(number(bad).is_err(), "{bad}");
        }
    }
}
