//! One matcher as Alertmanager's `filter` parameters write it: `alertname=A`, `"label name"=~"a|b"`.

use crate::model::{MatchOp, Matcher};

/// Name and value may be bare or in double quotes; braces around the whole are allowed.
pub fn parse(text: &str) -> Result<Matcher, String> {
    let inner = text.trim();
    let inner = inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(inner).trim();
    let (name, rest) = word(inner).map_err(|problem| format!("bad matcher format: {text}: {problem}"))?;
    if name.is_empty() {
        return Err(format!("bad matcher format: {text}: a label name stands before the operator"));
    }
    let rest = rest.trim_start();
    let operators = [("=~", MatchOp::Regex), ("!~", MatchOp::NotRegex), ("!=", MatchOp::NotEqual), ("=", MatchOp::Equal)];
    let found = operators.into_iter().find_map(|(sign, op)| rest.strip_prefix(sign).map(|rest| (op, rest)));
    let Some((op, rest)) = found else {
        return Err(format!("bad matcher format: {text}: one of = != =~ !~ stands after the label name"));
    };
    let rest = rest.trim();
    let value = if rest.starts_with('"') {
        let (value, after) = word(rest).map_err(|problem| format!("bad matcher format: {text}: {problem}"))?;
        if !after.trim().is_empty() {
            return Err(format!("bad matcher format: {text}: nothing may stand after the value"));
        }
        value
    } else {
        rest.to_owned()
    };
    Matcher::new(name, op, value)
}

/// A quoted text or everything up to an operator, and what follows.
fn word(text: &str) -> Result<(String, &str), String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['=', '!', '~']).unwrap_or(text.len());
        return Ok((text[..end].trim().to_owned(), &text[end..]));
    };
    let mut out = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((out, &quoted[at + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, c @ ('"' | '\\'))) => out.push(c),
                Some((_, c)) => out.extend(['\\', c]),
                None => break,
            },
            c => out.push(c),
        }
    }
    Err("a quotation mark is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_notations() {
        for (text, printed) in [
            ("alertname=A", "alertname=\"A\""),
            ("{alertname = \"A b\"}", "alertname=\"A b\""),
            ("a=~x|y", "a=~\"x|y\""),
            ("\"a b\"!=\"c\\\"d\"", "a b!=\"c\\\"d\""),
            ("a!~", "a!~\"\""),
            ("foo=bar=baz", "foo=\"bar=baz\""),
        ] {
            assert_eq!(parse(text).map(|matcher| matcher.to_string()).as_deref(), Ok(printed), "{text}");
        }
        for bad in ["", "alertname", "=x", "a=\"x", "a=\"x\"y", "a=~("] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
