//! Label matchers as text: the UTF-8 grammar, the older ASCII grammar, and Alertmanager's way between them.

use crate::model::number::quote;
use crate::model::regex;
use crate::model::{MatchOp, Matcher};

/// Characters that end an unquoted name or value in the UTF-8 grammar.
const RESERVED: &str = "{}!=~,\\\"'`";

/// The matchers of one line, and a warning where the two grammars do not agree.
///
/// As in Alertmanager's default mode: both grammars are tried; where only the older one reads the line, or both read it differently,
/// the older one counts.
pub fn parse(line: &str) -> Result<(Vec<Matcher>, Option<String>), String> {
    match (parse_utf8(line), parse_classic(line)) {
        (Ok(utf8), Ok(classic)) if utf8 == classic => Ok((utf8, None)),
        (Ok(utf8), Ok(classic)) => {
            let warning = format!("matchers {} are read as {}; write {} instead", quote(line), show(&classic), show(&classic));
            Ok((if utf8.is_empty() { utf8 } else { classic }, Some(warning)))
        }
        (Err(_), Ok(classic)) => {
            let warning = format!("matchers {} are in the old notation; write {} instead", quote(line), show(&classic));
            Ok((classic, Some(warning)))
        }
        (Ok(utf8), Err(_)) => Ok((utf8, None)),
        (Err(error), Err(_)) => Err(error),
    }
}

/// One matcher as the parameters of Alertmanager's API and amtool write it, in Alertmanager's default mode; the error is its sentence.
pub fn parse_one(text: &str) -> Result<Matcher, String> {
    if text.starts_with('{') || text.ends_with('}') {
        return Err(format!("unexpected open or close brace: {text}"));
    }
    let utf8 = parse_utf8(text).ok().filter(|matchers| matchers.len() == 1).and_then(|matchers| matchers.into_iter().next());
    match (classic_matcher(text), utf8) {
        (Ok(classic), _) => Ok(classic),
        (Err(_), Some(utf8)) => Ok(utf8),
        (Err(error), None) => Err(error),
    }
}

/// A matcher as Alertmanager prints it: the name is quoted only where it must be.
pub fn show_one(matcher: &Matcher) -> String {
    let reserved = matcher.name.contains(|c: char| c.is_whitespace() || RESERVED.contains(c));
    let name = if reserved { quote(&matcher.name) } else { matcher.name.clone() };
    format!("{name}{}{}", matcher.op.as_str(), quote(&matcher.value))
}

fn show(matchers: &[Matcher]) -> String {
    matchers.iter().map(show_one).collect::<Vec<_>>().join(",")
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn operator(&mut self) -> Option<MatchOp> {
        self.skip_space();
        // Longer ones first: `=~` also begins with `=`.
        let all = [MatchOp::Regex, MatchOp::NotRegex, MatchOp::NotEqual, MatchOp::Equal];
        all.into_iter().find(|op| self.take(op.as_str()))
    }

    /// A quoted or unquoted token of the UTF-8 grammar.
    fn token(&mut self) -> Result<Option<String>, String> {
        self.skip_space();
        if self.rest().starts_with('"') {
            return self.quoted().map(Some);
        }
        let length = self.rest().find(|c: char| c.is_whitespace() || RESERVED.contains(c)).unwrap_or(self.rest().len());
        let token = &self.rest()[..length];
        self.at += length;
        Ok((length > 0).then(|| token.to_owned()))
    }

    fn quoted(&mut self) -> Result<String, String> {
        let start = self.at;
        let mut escaped = false;
        let body = &self.text[start + 1..];
        for (index, c) in body.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    self.at = start + 1 + index + 1;
                    return unquote(&body[..index]).ok_or_else(|| format!("{start}: {}: invalid input", &self.text[start..self.at]));
                }
                _ => {}
            }
        }
        Err(format!("{start}:{}: {}: missing end \"", self.text.len(), &self.text[start..]))
    }
}

/// Go's escapes inside double quotes.
fn unquote(body: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let c = rest[at + 1..].chars().next()?;
        let behind = &rest[at + 1 + c.len_utf8()..];
        let digits = match c {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let code = u32::from_str_radix(behind.get(..digits)?, 16).ok()?;
            out.push(char::from_u32(code)?);
            rest = &behind[digits..];
            continue;
        }
        out.push(match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '\\' | '"' => c,
            _ => return None,
        });
        rest = behind;
    }
    out.push_str(rest);
    Some(out)
}

fn parse_utf8(line: &str) -> Result<Vec<Matcher>, String> {
    let mut scanner = Scanner { text: line, at: 0 };
    scanner.skip_space();
    let braces = scanner.take("{");
    let mut out = Vec::new();
    loop {
        scanner.skip_space();
        if scanner.rest().is_empty() || (braces && scanner.rest().starts_with('}')) {
            break;
        }
        let start = scanner.at;
        let Some(name) = scanner.token()? else {
            return Err(format!("{start}: unexpected {}: expected label name", unexpected(scanner.rest())));
        };
        let Some(op) = scanner.operator() else {
            return Err(format!("{}: expected an operator such as '=', '!=', '=~' or '!~' after {}", scanner.at, quote(&name)));
        };
        let Some(value) = scanner.token()? else {
            return Err(format!("{}: expected label value", scanner.at));
        };
        out.push(Matcher::new(name, op, value)?);
        scanner.skip_space();
        if !scanner.take(",") {
            break;
        }
    }
    scanner.skip_space();
    if braces && !scanner.take("}") {
        return Err(format!("{}: expected close paren", scanner.at));
    }
    scanner.skip_space();
    if !scanner.rest().is_empty() {
        return Err(format!("{}: unexpected {}: expected a comma or close paren", scanner.at, unexpected(scanner.rest())));
    }
    Ok(out)
}

fn unexpected(rest: &str) -> String {
    rest.chars().next().map_or_else(|| "end of input".to_owned(), String::from)
}

/// The older grammar: braces optional, commas outside quotes separate, values may be empty or unquoted.
fn parse_classic(line: &str) -> Result<Vec<Matcher>, String> {
    let mut text = line.trim();
    text = text.strip_prefix('{').unwrap_or(text);
    text = text.strip_suffix('}').unwrap_or(text);
    let mut parts = Vec::new();
    let (mut start, mut inside, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => inside = !inside,
            ',' if !inside => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = &text[start..];
    // One comma may trail.
    if !last.trim().is_empty() || parts.is_empty() && !text.trim().is_empty() {
        parts.push(last);
    }
    parts.into_iter().map(classic_matcher).collect()
}

fn classic_matcher(part: &str) -> Result<Matcher, String> {
    let bad = || format!("bad matcher format: {part}");
    let mut scanner = Scanner { text: part, at: 0 };
    scanner.skip_space();
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let length = scanner.rest().find(|c: char| !letters(c)).unwrap_or(scanner.rest().len());
    let name = scanner.rest()[..length].to_owned();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(bad());
    }
    scanner.at += length;
    let op = scanner.operator().ok_or_else(bad)?;
    let value = classic_value(scanner.rest().trim())?;
    Matcher::new(name, op, value.as_str()).map_err(|problem| regex::within_anchors(&value, problem))
}

/// `\"`, `\n` and `\\` are escapes; any other backslash stands for itself.
fn classic_value(raw: &str) -> Result<String, String> {
    let bad = || format!("matcher value contains unescaped double quote: {raw}");
    let (inner, mut opened) = raw.strip_prefix('"').map_or((raw, false), |rest| (rest, true));
    let (mut out, mut escaped) = (String::new(), false);
    for (at, c) in inner.char_indices() {
        let is_last = at + c.len_utf8() == inner.len();
        match c {
            _ if escaped => {
                escaped = false;
                match c {
                    'n' => out.push('\n'),
                    '"' | '\\' => out.push(c),
                    c => out.extend(['\\', c]),
                }
            }
            '\\' if !is_last => escaped = true,
            // Only the one that closes the value may stand unescaped.
            '"' if !opened || !is_last => return Err(bad()),
            '"' => opened = false,
            c => out.push(c),
        }
    }
    if opened { Err(bad()) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> String {
        match parse(line) {
            Ok((matchers, _)) => show(&matchers),
            Err(_) => "error".to_owned(),
        }
    }

    #[test]
    fn both_grammars() {
        for (line, expected) in [
            ("a=b", "a=\"b\""),
            ("{a=\"b\",c!=d}", "a=\"b\",c!=\"d\""),
            (" a =~ \"x|y\" , ", "a=~\"x|y\""),
            ("a!~b", "a!~\"b\""),
            ("\"x y\"=\"\u{1f642}\"", "\"x y\"=\"\u{1f642}\""),
            ("a=", "a=\"\""),
            ("a=b,c", "error"),
            ("a=\"b\\\"c\"", "a=\"b\\\"c\""),
            ("a=foo bar", "a=\"foo bar\""),
            ("a=~[", "error"),
            ("=b", "error"),
            ("a=\"b", "error"),
            ("{}", ""),
            ("a==b", "a=\"=b\""),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn one_matcher_at_a_time() {
        for (text, expected) in [
            ("alertname=A", "alertname=\"A\""),
            (" a =~ x|y ", "a=~\"x|y\""),
            ("\"a b\"!=\"c\\\"d\"", "\"a b\"!=\"c\\\"d\""),
            ("a!~", "a!~\"\""),
            ("foo=bar=baz", "foo=\"bar=baz\""),
            ("a=\"\\d\"", "a=\"\\\\d\""),
            ("", "bad matcher format: "),
            ("a.b=x y", "bad matcher format: a.b=x y"),
            ("{a=b}", "unexpected open or close brace: {a=b}"),
            ("a=\"x", "matcher value contains unescaped double quote: \"x"),
            ("a=\"x\",b=\"y\"", "matcher value contains unescaped double quote: \"x\",b=\"y\""),
            ("a=~(", "error parsing regexp: missing closing ): `^(?:()$`"),
        ] {
            assert_eq!(parse_one(text).map_or_else(|error| error, |matcher| show_one(&matcher)), expected, "{text}");
        }
    }

    #[test]
    fn old_notation_is_named() {
        assert!(parse("a=").expect("classic").1.is_some());
        assert!(parse("a=b").expect("both").1.is_none());
    }
}
