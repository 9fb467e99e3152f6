//! From an offset in a scalar's text back to the file: the text lost its quotes, escapes, folds and indentation on the way in.

use crate::model::Span;

use super::node::{Node, Style, Value};

/// The byte offset in `source` of byte `at` of the scalar's text.
///
/// Folding and indentation change only white space, so the n-th other character of the text is the n-th one of the source, once
/// escapes are undone. A place at white space or at the end is put behind the character before it.
pub fn locate(source: &str, node: &Node, at: usize) -> usize {
    let Value::Scalar { text, style } = &node.value else { return node.span.start };
    let at = text.floor_char_boundary(at.min(text.len()));
    let wanted = text[..at].chars().filter(|c| !c.is_whitespace()).count();
    let on_character = text[at..].chars().next().is_some_and(|c| !c.is_whitespace());
    let end = node.span.end.min(source.len()).max(node.span.start);
    let mut units = Units { source, at: node.span.start, end, style: *style };
    units.enter();
    let mut seen = 0;
    let mut last_end = units.at;
    while let Some((start, c)) = units.next() {
        if c.is_whitespace() {
            continue;
        }
        if seen == wanted && on_character {
            return start;
        }
        if seen == wanted {
            return last_end;
        }
        seen += 1;
        last_end = units.at;
    }
    last_end
}

/// The span in `source` of a span in the scalar's text.
pub fn locate_span(source: &str, node: &Node, span: Span) -> Span {
    let start = locate(source, node, span.start);
    Span::new(start, locate(source, node, span.end).max(start))
}

/// The source's characters with escapes undone, each with where it begins.
struct Units<'a> {
    source: &'a str,
    at: usize,
    end: usize,
    style: Style,
}

impl Units<'_> {
    /// Steps over the opening quote or the head of a block scalar.
    fn enter(&mut self) {
        let rest = &self.source[self.at..self.end];
        match self.style {
            Style::Single | Style::Double if rest.starts_with(['\'', '"']) => self.at += 1,
            Style::Block if rest.starts_with(['|', '>']) => self.at += rest.find('\n').map_or(rest.len(), |newline| newline + 1),
            _ => {}
        }
    }

    fn next(&mut self) -> Option<(usize, char)> {
        let start = self.at;
        let rest = self.source.get(start..self.end)?;
        let c = rest.chars().next()?;
        self.at += c.len_utf8();
        match (self.style, c) {
            (Style::Single, '\'') => rest[1..].starts_with('\'').then(|| {
                self.at += 1;
                (start, '\'')
            }),
            (Style::Double, '"') => None,
            (Style::Double, '\\') => {
                let (length, c) = escape(&rest[1..]);
                self.at = (start + 1 + length).min(self.end);
                Some((start, c))
            }
            _ => Some((start, c)),
        }
    }
}

/// What follows a backslash: its length and the character it stands for (a space for every kind of white space).
fn escape(rest: &str) -> (usize, char) {
    let Some(c) = rest.chars().next() else { return (0, ' ') };
    let digits = match c {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        '"' | '\\' | '/' => return (1, c),
        'n' | 't' | 'r' | '\t' | ' ' | '_' | 'N' | 'L' | 'P' | 'v' | 'f' | '\n' | '\r' => return (1, ' '),
        _ => return (c.len_utf8(), '\u{1}'),
    };
    let code = rest.get(1..=digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    (digits + 1, code.and_then(char::from_u32).unwrap_or('\u{1}'))
}

#[cfg(test)]
mod tests {
    use super::super::{Problems, Source, parse};
    use super::*;

    /// The line and column at which the word `HERE` of `expr`'s text is found in the file.
    fn place(yaml: &str) -> (usize, usize) {
        let source = Source::new("f", yaml);
        let mut problems = Problems::new(&source);
        let root = parse(&source, &mut problems).expect("valid");
        let node = root.get("expr").expect("there");
        let at = node.as_text().and_then(|text| text.find("HERE")).expect("there");
        source.line_column(locate(&source.text, node, at))
    }

    #[test]
    fn finds_the_place_in_every_style() {
        assert_eq!(place("a: 1\nexpr: sum(HERE)\n"), (2, 11));
        assert_eq!(place("expr: 'it''s HERE'\n"), (1, 14));
        assert_eq!(place("expr: \"a\\\"b\\u00e9\\n HERE\"\n"), (1, 21));
        assert_eq!(place("expr: |\n  sum(\n    HERE\n  )\n"), (3, 5));
        assert_eq!(place("expr: >-\n\n  a\n  b HERE\n"), (4, 5));
        assert_eq!(place("expr: a +\n  b +\n  HERE\nx: 1\n"), (3, 3));
        assert_eq!(place("expr: |2-\r\n    a\r\n    HERE\r\n"), (3, 5));
        assert_eq!(place("expr: \u{e9}HERE\n"), (1, 9));
    }

    #[test]
    fn the_end_of_the_text_is_behind_its_last_character() {
        let source = Source::new("f", "expr: |\n  rate(x[5m]\n\nother: 1\n");
        let mut problems = Problems::new(&source);
        let root = parse(&source, &mut problems).expect("valid");
        let node = root.get("expr").expect("there");
        let length = node.as_text().map_or(0, str::len);
        assert_eq!(source.line_column(locate(&source.text, node, length)), (2, 13));
    }
}
