//! Numbers for people: SI and binary prefixes, durations, percentages, as Prometheus's and Alertmanager's templates print them.

use super::printf::sprintf;
use super::value::Value;
use crate::model::number::quote;

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];
const BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];

/// Numbers, texts of numbers and durations (as seconds); the error is Go's sentence.
pub fn to_float(value: &Value) -> Result<f64, String> {
    match value {
        Value::Float(number) => Ok(*number),
        Value::Int(number) => Ok(*number as f64),
        Value::Duration(nanos) => Ok(*nanos as f64 / 1e9),
        Value::Text(text) => parse_float(text),
        other => Err(format!("can't convert {} to float", other.type_name())),
    }
}

/// `strconv.ParseFloat`, but for hexadecimal floats.
pub fn parse_float(text: &str) -> Result<f64, String> {
    let invalid = || format!("strconv.ParseFloat: parsing {}: invalid syntax", quote(text));
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let word = unsigned.to_ascii_lowercase();
    let is_word = matches!(word.as_str(), "inf" | "infinity" | "nan");
    let is_number = unsigned.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) && unsigned.bytes().any(|b| b.is_ascii_digit());
    if !is_word && !is_number || (word == "nan" && unsigned.len() != text.len()) {
        return Err(invalid());
    }
    let value: f64 = text.parse().map_err(|_| invalid())?;
    if value.is_infinite() && !is_word {
        return Err(format!("strconv.ParseFloat: parsing {}: value out of range", quote(text)));
    }
    Ok(value)
}

/// `%.4g`.
fn short(value: f64) -> String {
    sprintf("%.4g", &[Value::Float(value)])
}

fn down_by(mut value: f64, base: f64, prefixes: [&'static str; 8]) -> String {
    let mut prefix = "";
    for next in prefixes {
        if value.abs() < base {
            break;
        }
        (value, prefix) = (value / base, next);
    }
    short(value) + prefix
}

fn up_by_thousands(mut value: f64) -> String {
    let mut prefix = "";
    for next in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        (value, prefix) = (value * 1000.0, next);
    }
    short(value) + prefix
}

pub fn humanize(value: f64) -> String {
    match value {
        v if v == 0.0 || !v.is_finite() => short(v),
        v if v.abs() >= 1.0 => down_by(v, 1000.0, LARGE),
        v => up_by_thousands(v),
    }
}

pub fn humanize_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() { short(value) } else { down_by(value, 1024.0, BINARY) }
}

pub fn humanize_percentage(value: f64) -> String {
    short(value * 100.0) + "%"
}

/// Seconds as days, hours, minutes and seconds.
pub fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return short(value);
    }
    if value == 0.0 {
        return "0s".to_owned();
    }
    if value.abs() < 1.0 {
        return up_by_thousands(value) + "s";
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let whole = value.abs() as u64;
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    if days > 0 {
        format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
    } else if hours > 0 {
        format!("{sign}{hours}h {minutes}m {seconds}s")
    } else if minutes > 0 {
        format!("{sign}{minutes}m {seconds}s")
    } else {
        format!("{sign}{}s", short(value.abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The compliance suite's and amtool's own outputs.
    #[test]
    fn prints_as_prometheus_and_alertmanager() {
        assert_eq!(humanize(1_048_576.0), "1.049M");
        assert_eq!(humanize_1024(1_048_576.0), "1Mi");
        assert_eq!(humanize_duration(135.3563), "2m 15s");
        assert_eq!(humanize_percentage(0.959), "95.9%");
        assert_eq!(humanize_duration(3661.5), "1h 1m 1s");
        assert_eq!(humanize_duration(0.000_010_22), "10.22us");
        assert_eq!(humanize(0.0), "0");
        assert_eq!(humanize(f64::INFINITY), "+Inf");
        assert_eq!(to_float(&Value::text("x")), Err("strconv.ParseFloat: parsing \"x\": invalid syntax".to_owned()));
    }
}
