//! The template's own text: it is trusted, written as it is (comments left out), and moves the state.

use super::{AttributeKind, Code, Element, Escaper, Quote, State, UrlPart, attribute_kind};

/// The only text behind `<!` that stays markup.
const DOCTYPE: &str = "<!doctype";

impl Escaper {
    /// Writes text of the template itself.
    pub fn literal(&mut self, text: &str, out: &mut String) {
        let mut rest = text;
        self.in_comment = 0;
        while let Some(c) = rest.chars().next() {
            if let State::Raw(element) = self.state
                && c == '<'
                && starts_with_ignoring_case(rest, element.closing())
            {
                self.state = State::Less;
                self.code = Code::Plain;
                rest = &rest[1..];
                continue;
            }
            if self.state == State::Text && starts_with_ignoring_case(rest, DOCTYPE) {
                out.push_str(&rest[..DOCTYPE.len()]);
                rest = &rest[DOCTYPE.len()..];
                continue;
            }
            self.step(c, out);
            rest = &rest[c.len_utf8()..];
        }
        // Each part of a comment between two actions leaves its own gap.
        if self.code == Code::BlockComment && self.in_comment > 0 {
            let is_script = matches!(self.state, State::Raw(Element::Script) | State::Value { kind: AttributeKind::Script, .. });
            out.push(if is_script && self.comment_had_newline { '\n' } else { ' ' });
            self.comment_had_newline = false;
        }
    }

    fn step(&mut self, c: char, out: &mut String) {
        match self.state {
            State::Text if c == '<' => self.state = State::Less,
            State::Text => out.push(c),
            State::Less => self.after_less(c, out),
            State::Bang(dashes) => self.after_bang(c, dashes, out),
            State::Comment(dashes) => {
                self.state = match (c, dashes) {
                    ('-', _) => State::Comment((dashes + 1).min(2)),
                    ('>', 2) => State::Text,
                    _ => State::Comment(0),
                }
            }
            State::TagName if c.is_ascii_alphanumeric() || matches!(c, '-' | ':') => {
                self.tag.push(c.to_ascii_lowercase());
                out.push(c);
            }
            State::TagName | State::Tag => self.in_tag(c, out),
            State::AttributeName => self.in_attribute_name(c, out),
            State::AfterName => match c {
                '=' => self.to(State::BeforeValue, c, out),
                c if c.is_ascii_whitespace() => out.push(c),
                _ => self.in_tag(c, out),
            },
            State::BeforeValue => self.before_value(c, out),
            State::Value { quote, kind } => self.in_value(c, quote, kind, out),
            State::Raw(element) => self.in_raw(c, element, out),
        }
    }

    fn to(&mut self, state: State, c: char, out: &mut String) {
        self.state = state;
        out.push(c);
    }

    fn after_less(&mut self, c: char, out: &mut String) {
        match c {
            '/' => {
                self.tag.clear();
                out.push_str("</");
                // An end tag opens no element: its name is kept apart by the slash.
                self.tag.push('/');
                self.state = State::TagName;
            }
            '!' => self.state = State::Bang(0),
            c if c.is_ascii_alphabetic() => {
                self.script_type.clear();
                self.tag.clear();
                self.tag.push(c.to_ascii_lowercase());
                out.push('<');
                self.to(State::TagName, c, out);
            }
            c => {
                out.push_str("&lt;");
                self.state = State::Text;
                self.step(c, out);
            }
        }
    }

    fn after_bang(&mut self, c: char, dashes: u8, out: &mut String) {
        match (c, dashes) {
            ('-', 0) => self.state = State::Bang(1),
            ('-', _) => self.state = State::Comment(0),
            _ => {
                out.push_str("&lt;!");
                out.push_str(if dashes == 1 { "-" } else { "" });
                self.state = State::Text;
                self.step(c, out);
            }
        }
    }

    fn in_tag(&mut self, c: char, out: &mut String) {
        match c {
            '>' => {
                out.push('>');
                self.code = Code::Plain;
                self.recent.clear();
                self.nested.clear();
                let is_code = self.tag != "script" || is_script_type(&self.script_type);
                self.state = Element::of(&self.tag).filter(|_| is_code).map_or(State::Text, State::Raw);
            }
            c if c.is_ascii_whitespace() || c == '/' => self.to(State::Tag, c, out),
            c => {
                self.attribute.clear();
                self.attribute.push(c.to_ascii_lowercase());
                self.to(State::AttributeName, c, out);
            }
        }
    }

    fn in_attribute_name(&mut self, c: char, out: &mut String) {
        match c {
            '=' => self.to(State::BeforeValue, c, out),
            c if c.is_ascii_whitespace() => self.to(State::AfterName, c, out),
            '>' | '/' => self.in_tag(c, out),
            c => {
                self.attribute.push(c.to_ascii_lowercase());
                out.push(c);
            }
        }
    }

    fn before_value(&mut self, c: char, out: &mut String) {
        let quote = match c {
            '"' => Quote::Double,
            '\'' => Quote::Single,
            '>' => return self.in_tag(c, out),
            c if c.is_ascii_whitespace() => return out.push(c),
            _ => Quote::None,
        };
        self.begin_value(quote);
        if quote == Quote::None { self.step(c, out) } else { out.push(c) }
    }

    pub(super) fn begin_value(&mut self, quote: Quote) {
        self.url = UrlPart::Start;
        self.code = Code::Plain;
        self.recent.clear();
        self.state = State::Value { quote, kind: attribute_kind(&self.attribute) };
    }

    fn in_value(&mut self, c: char, quote: Quote, kind: AttributeKind, out: &mut String) {
        if quote.ends_with(c) {
            self.state = State::Tag;
            return if c == '>' { self.in_tag(c, out) } else { out.push(c) };
        }
        match kind {
            AttributeKind::Url => self.url = after_url_char(self.url, c),
            AttributeKind::Css => return self.code_char(c, false, out),
            AttributeKind::Script => return self.code_char(c, true, out),
            AttributeKind::Plain if self.tag == "script" && self.attribute == "type" => self.script_type.push(c.to_ascii_lowercase()),
            AttributeKind::Plain => {}
        }
        out.push(c);
    }

    fn in_raw(&mut self, c: char, element: Element, out: &mut String) {
        match element {
            Element::Script => self.code_char(c, true, out),
            Element::Style => self.code_char(c, false, out),
            Element::Textarea | Element::Title => out.push(c),
        }
    }

    /// A character of script or style: strings and comments are told apart, comments are left out.
    fn code_char(&mut self, c: char, is_script: bool, out: &mut String) {
        let previous = self.recent.chars().next_back();
        match self.code {
            Code::Plain => match c {
                '"' | '\'' => {
                    self.code = Code::String(c);
                    self.url = UrlPart::Start;
                }
                '{' | '}' if is_script && !self.nested.is_empty() => self.brace(c),
                '`' if is_script => self.code = Code::String(c),
                '*' if previous == Some('/') => return self.begin_comment(Code::BlockComment, out),
                '/' if is_script && previous == Some('/') => return self.begin_comment(Code::LineComment, out),
                '(' if !is_script && self.recent.to_ascii_lowercase().ends_with("url") => {
                    self.code = Code::Url;
                    self.url = UrlPart::Start;
                }
                _ => {}
            },
            Code::String(mark) if c == mark && previous != Some('\\') => self.code = Code::Plain,
            Code::String(_) if previous == Some('\\') && c == '\\' => {
                // An escaped backslash escapes nothing more.
                self.recent.clear();
                out.push(c);
                return;
            }
            Code::String('`') if c == '{' && previous == Some('$') => {
                self.nested.push(1);
                self.code = Code::Plain;
            }
            Code::UrlString(mark) if c == mark => self.code = Code::Plain,
            Code::String(_) | Code::UrlString(_) => self.url = after_url_char(self.url, c),
            Code::Url if c == ')' => self.code = Code::Plain,
            Code::Url if matches!(c, '"' | '\'') && self.url == UrlPart::Start => self.code = Code::UrlString(c),
            Code::Url => self.url = after_url_char(self.url, c),
            Code::BlockComment | Code::LineComment => return self.in_comment(c, previous, is_script, out),
        }
        out.push(c);
        self.remember(c);
    }

    /// The brace that closes `${` leads back into the template literal.
    fn brace(&mut self, c: char) {
        let Some(open) = self.nested.last_mut() else { return };
        *open = if c == '{' { open.saturating_add(1) } else { open.saturating_sub(1) };
        if *open == 0 {
            self.nested.pop();
            self.code = Code::String('`');
        }
    }

    fn remember(&mut self, c: char) {
        self.recent.push(c);
        if self.recent.chars().count() > 3 {
            self.recent.remove(0);
        }
    }

    fn begin_comment(&mut self, code: Code, out: &mut String) {
        out.pop();
        self.recent.clear();
        self.comment_had_newline = false;
        self.code = code;
    }

    fn in_comment(&mut self, c: char, previous: Option<char>, is_script: bool, out: &mut String) {
        let newline = matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}');
        self.comment_had_newline |= newline;
        self.in_comment += 1;
        self.remember(c);
        match self.code {
            Code::BlockComment if c == '/' && previous == Some('*') => {
                out.push(if is_script && self.comment_had_newline { '\n' } else { ' ' });
            }
            Code::LineComment if newline => out.push(c),
            _ => return,
        }
        self.code = Code::Plain;
        self.recent.clear();
        self.in_comment = 0;
    }
}

/// Types of `<script>` whose content is code; without one it is.
fn is_script_type(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or("").trim();
    let ends = ["ecmascript", "javascript", "json", "ld+json", "x-ecmascript", "x-javascript"];
    let named = |top: &str| kind.strip_prefix(top).is_some_and(|end| ends.contains(&end));
    let text = ["text/javascript1.0", "text/javascript1.1", "text/javascript1.2", "text/javascript1.3", "text/javascript1.4"];
    let more = ["", "module", "text/javascript1.5", "text/jscript", "text/livescript"];
    named("application/") || (named("text/") && !kind.ends_with("json")) || text.contains(&kind) || more.contains(&kind)
}

fn after_url_char(part: UrlPart, c: char) -> UrlPart {
    match c {
        '?' | '#' => UrlPart::Query,
        c if c.is_ascii_whitespace() => part,
        _ if part == UrlPart::Start => UrlPart::Path,
        _ => part,
    }
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}
