//! Integers and floats by Go's verbs.

use super::{Spec, pad};
use crate::model::number::{format_fixed, format_general};

/// None where the verb does not fit.
pub fn int(value: i64, verb: char, spec: Spec) -> Option<String> {
    let size = value.unsigned_abs();
    let digits = match verb {
        'd' | 'v' => size.to_string(),
        'b' => format!("{}{size:b}", if spec.sharp { "0b" } else { "" }),
        'o' => format!("{}{size:o}", if spec.sharp { "0" } else { "" }),
        'O' => format!("0o{size:o}"),
        'x' => format!("{}{size:x}", if spec.sharp { "0x" } else { "" }),
        'X' => format!("{}{size:X}", if spec.sharp { "0X" } else { "" }),
        'c' => return Some(pad(character(value).to_string(), Spec { zero: false, ..spec })),
        'q' => return Some(pad(format!("'{}'", character(value)), Spec { zero: false, ..spec })),
        'U' => {
            return Some(pad(
                if spec.sharp { format!("U+{value:04X} '{}'", character(value)) } else { format!("U+{value:04X}") },
                Spec { zero: false, ..spec },
            ));
        }
        _ => return None,
    };
    let digits = match spec.precision {
        Some(precision) if digits.len() < precision => "0".repeat(precision - digits.len()) + &digits,
        _ => digits,
    };
    // A precision switches zero padding off.
    Some(signed(value < 0, &digits, Spec { zero: spec.zero && spec.precision.is_none(), ..spec }))
}

fn character(value: i64) -> char {
    u32::try_from(value).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
}

/// Sign, then zeros up to the width, then the digits.
fn signed(negative: bool, digits: &str, spec: Spec) -> String {
    let sign = match negative {
        true => "-",
        false if spec.plus => "+",
        false if spec.space => " ",
        false => "",
    };
    let width = spec.width.unwrap_or(0).saturating_sub(sign.len());
    if spec.zero && !spec.minus && digits.len() < width {
        return format!("{sign}{}{digits}", "0".repeat(width - digits.len()));
    }
    pad(format!("{sign}{digits}"), Spec { zero: false, ..spec })
}

/// None where the verb does not fit.
pub fn float(value: f64, verb: char, spec: Spec) -> Option<String> {
    if !matches!(verb, 'v' | 'g' | 'G' | 'f' | 'F' | 'e' | 'E') {
        return None;
    }
    if !value.is_finite() {
        let text = match (value.is_nan(), spec.plus) {
            (true, false) => "NaN",
            (true, true) => "+NaN",
            _ if value < 0.0 => "-Inf",
            _ => "+Inf",
        };
        return Some(pad(text.to_owned(), Spec { zero: false, ..spec }));
    }
    let size = value.abs();
    let text = match (verb, spec.precision) {
        ('f' | 'F', precision) => format!("{size:.*}", precision.unwrap_or(6)),
        ('e' | 'E', precision) => exponent(size, precision.unwrap_or(6)),
        (_, None) => format_general(size),
        (_, Some(precision)) => general(size, precision),
    };
    let text = if verb.is_uppercase() { text.to_uppercase() } else { text };
    Some(signed(value.is_sign_negative(), &text, spec))
}

/// `1.50e+03`.
fn exponent(size: f64, precision: usize) -> String {
    let text = format!("{size:.precision$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    format!("{mantissa}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
}

/// `%.Ng`: N significant digits without trailing zeros; an exponent below 1e-4 and from 10^N on.
pub fn general(size: f64, precision: usize) -> String {
    let precision = precision.max(1);
    if size == 0.0 {
        return "0".to_owned();
    }
    let rounded = format!("{size:.*e}", precision - 1);
    let (mantissa, power) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    let digits = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    if power < -4 || power >= i32::try_from(precision).unwrap_or(i32::MAX) {
        return format!("{digits}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs());
    }
    let value: f64 = format!("{digits}e{power}").parse().unwrap_or(size);
    format_fixed(value)
}
