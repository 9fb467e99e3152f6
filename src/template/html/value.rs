//! Values in a page: escaped for where they stand, and for the attribute around that.

use super::{AttributeKind, Code, Element, Escaper, Quote, State, UrlPart};
use crate::template::json::{self, to_json};
use crate::template::print::{plain, shown};
use crate::template::value::{Markup, Value};

/// What stands where a value would be dangerous; html/template's word for it.
const REFUSED: &str = "ZgotmplZ";

impl Escaper {
    /// Writes a value that the template hands to `html`.
    pub fn value_for_html(&mut self, value: &Value, out: &mut String) {
        self.keeps_plus = true;
        // Where the escaper is `html` itself, no markup is trusted and nothing is `<no value>`.
        match self.state {
            State::Value { kind: AttributeKind::Url | AttributeKind::Css | AttributeKind::Script, .. } => self.value(value, out),
            _ => self.value(&Value::from(shown(value)), out),
        }
        self.keeps_plus = false;
    }

    /// Writes a value, made safe for the present place.
    pub fn value(&mut self, value: &Value, out: &mut String) {
        if self.state == State::BeforeValue {
            self.begin_value(Quote::None);
        }
        // A slash before the value and one behind it are no comment.
        self.recent.clear();
        let text = if value.is_nil() { String::new() } else { plain(value) };
        let markup = match value {
            Value::Safe(markup, _) => Some(*markup),
            _ => None,
        };
        match self.state {
            State::Text | State::Raw(Element::Textarea | Element::Title) => match (markup, self.state) {
                (Some(Markup::Html), State::Text) => out.push_str(&text),
                (Some(Markup::Html), _) => escape_into(&text, Escape { normalize: true, ..self.escape(Quote::Double) }, out),
                _ => escape_into(&text, self.escape(Quote::Double), out),
            },
            State::Less | State::Bang(_) => {
                // The `<` was text after all.
                out.push_str("&lt;");
                self.state = State::Text;
                self.value(value, out);
            }
            State::Comment(_) => {}
            State::TagName | State::Tag | State::AttributeName | State::AfterName | State::BeforeValue => out.push_str(&name_only(&text)),
            State::Value { quote, kind } => self.attribute_value(value, &text, markup, quote, kind, out),
            State::Raw(Element::Script) => out.push_str(&self.script(value, &text)),
            State::Raw(Element::Style) => out.push_str(&self.style(&text, markup)),
        }
    }

    fn attribute_value(&mut self, value: &Value, text: &str, markup: Option<Markup>, quote: Quote, kind: AttributeKind, out: &mut String) {
        let inner = match kind {
            AttributeKind::Plain if markup == Some(Markup::Html) => {
                return escape_into(&without_tags(text), Escape { normalize: true, ..self.escape(quote) }, out);
            }
            AttributeKind::Plain => text.to_owned(),
            AttributeKind::Url => self.url_text(text, markup),
            AttributeKind::Css => self.style(text, markup),
            AttributeKind::Script => self.script(value, text),
        };
        if quote == Quote::None && inner.is_empty() {
            return out.push_str(REFUSED);
        }
        escape_into(&inner, self.escape(quote), out);
    }

    fn escape(&self, quote: Quote) -> Escape {
        Escape { normalize: false, spaces: quote == Quote::None, plus: !self.keeps_plus }
    }

    fn url_text(&self, text: &str, markup: Option<Markup>) -> String {
        let trusted = markup == Some(Markup::Url);
        match self.url {
            UrlPart::Start if !trusted && !is_safe_url(text) => format!("#{REFUSED}"),
            UrlPart::Start | UrlPart::Path => percent(text, true),
            UrlPart::Query => percent(text, trusted),
        }
    }

    /// In a style: inside a string escaped, elsewhere only what can do no harm.
    fn style(&self, text: &str, markup: Option<Markup>) -> String {
        match self.code {
            Code::String(_) if self.url == UrlPart::Query => self.url_text(text, markup),
            Code::String(_) if self.url == UrlPart::Start && markup != Some(Markup::Url) && !is_safe_url(text) => format!("#{REFUSED}"),
            Code::String(_) => css_string(text),
            Code::Url | Code::UrlString(_) => self.url_text(text, markup),
            Code::BlockComment | Code::LineComment => String::new(),
            Code::Plain if is_safe_css(text) => text.to_owned(),
            Code::Plain => REFUSED.to_owned(),
        }
    }

    fn script(&self, value: &Value, text: &str) -> String {
        match (self.code, value) {
            (Code::String(mark), _) => script_string(text, mark == '`'),
            (Code::BlockComment | Code::LineComment, _) => String::new(),
            (_, Value::Bool(_) | Value::Int(_)) => format!(" {text} "),
            (_, Value::Float(number)) if number.is_finite() => format!(" {text} "),
            (_, value) if value.is_nil() => " null ".to_owned(),
            (_, Value::Time(_) | Value::Record(_)) => to_json(value).unwrap_or_else(|_| " null ".to_owned()),
            (_, Value::Map(map)) if map.class.print.is_none() => to_json(value).unwrap_or_else(|_| " null ".to_owned()),
            (_, Value::List(list)) if list.class.print.is_none() => to_json(value).unwrap_or_else(|_| " null ".to_owned()),
            _ => {
                let mut literal = String::new();
                json::string(text, &mut literal);
                literal
            }
        }
    }
}

/// How to escape for element text and attributes.
#[derive(Clone, Copy)]
struct Escape {
    /// Entities that are already there stay.
    normalize: bool,
    /// Also what would end an attribute without quotes.
    spaces: bool,
    /// A plus too: old browsers read it as the start of another encoding.
    plus: bool,
}

fn escape_into(text: &str, how: Escape, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '+' if how.plus => out.push_str("&#43;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' if !how.normalize => out.push_str("&amp;"),
            '\0' => out.push('\u{fffd}'),
            '\t' | '\n' | '\x0b' | '\x0c' | '\r' | ' ' | '=' | '`' if how.spaces => out.push_str(&format!("&#{};", c as u32)),
            c => out.push(c),
        }
    }
}

/// Markup reduced to its text.
fn without_tags(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

/// A value as part of a tag or attribute name: only harmless plain attribute names.
fn name_only(text: &str) -> String {
    let harmless = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let lower = text.to_ascii_lowercase();
    if harmless && super::attribute_kind(&lower) == AttributeKind::Plain && !matches!(lower.as_str(), "script" | "style") {
        text.to_owned()
    } else {
        REFUSED.to_owned()
    }
}

/// No scheme, or one that runs nothing.
fn is_safe_url(text: &str) -> bool {
    match text.split_once(':') {
        Some((scheme, _)) if !scheme.contains('/') => ["http", "https", "mailto"].iter().any(|safe| scheme.eq_ignore_ascii_case(safe)),
        _ => true,
    }
}

/// Percent-encodes; `keep` leaves delimiters and existing escapes alone.
fn percent(text: &str, keep: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    for (at, byte) in bytes.iter().enumerate() {
        let is_escape = || bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(b) => out.push(*b as char),
            b if keep && (b"!#$&*+,/:;=?@[]".contains(b) || (*b == b'%' && is_escape())) => out.push(*b as char),
            b => out.push_str(&format!("%{b:02x}")),
        }
    }
    out
}

/// A CSS keyword, number, colour or list of such: nothing that ends the value, opens a string, comment or function, or runs code.
fn is_safe_css(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    !lower.contains(['\0', '"', '\'', '(', ')', '/', ';', '@', '[', '\\', ']', '`', '{', '}', '<', '>'])
        && !lower.contains("--")
        && !lower.contains("expression")
        && !lower.contains("mozbinding")
}

/// What could end a string or begin something else is escaped; a space ends an escape that would go on otherwise.
fn css_string(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\0' | '\t' | '\n' | '\x0c' | '\r' | '"' | '&' | '\'' | '(' | ')' | '+' | '/' | ':' | ';' | '<' | '>' | '{' | '}' => {
                out.push_str(&format!("\\{:x}", c as u32));
                if chars.peek().is_none_or(|next| next.is_ascii_hexdigit() || matches!(next, '\t' | '\n' | '\x0c' | '\r' | ' ')) {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// Inside a script's string: what ends it, and what a page could take for markup.
fn script_string(text: &str, is_template: bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0c' => out.push_str("\\f"),
            '\\' => out.push_str("\\\\"),
            '/' => out.push_str("\\/"),
            '"' | '`' | '&' | '\'' | '+' | '<' | '>' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            '$' | '{' | '}' if is_template => out.push_str(&format!("\\u{:04x}", c as u32)),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out
}
