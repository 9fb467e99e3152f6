//! Two JSON values as one text: what only one of them has and what differs is coloured, as promtool's `--diff` shows it.

use serde_json::Value;

use crate::model::number::{format_general, quote};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ink {
    Plain,
    /// Only in the second value.
    Added,
    /// Only in the first value.
    Removed,
    Changed,
}

impl Ink {
    fn begin(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Added => "\u{1b}[0;32m",
            Self::Removed => "\u{1b}[0;31m",
            Self::Changed => "\u{1b}[0;33m",
        }
    }

    fn end(self) -> &'static str {
        if self == Self::Plain { "" } else { "\u{1b}[0m" }
    }
}

/// Colours begin anew on each line.
struct Page {
    text: String,
    depth: usize,
    ink: Ink,
}

/// Both values laid over each other.
pub fn difference(expected: &Value, got: &Value) -> String {
    let mut page = Page { text: String::new(), depth: 0, ink: Ink::Plain };
    page.both(expected, got);
    page.take(Ink::Plain);
    page.text
}

impl Page {
    fn take(&mut self, ink: Ink) {
        if self.ink != ink {
            self.text.push_str(self.ink.end());
            self.text.push_str(ink.begin());
            self.ink = ink;
        }
    }

    fn write(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn line(&mut self) {
        self.text.push_str(self.ink.end());
        self.text.push('\n');
        self.text.push_str(&"    ".repeat(self.depth));
        self.text.push_str(self.ink.begin());
    }

    fn both(&mut self, expected: &Value, got: &Value) {
        match (expected, got) {
            (Value::Array(a), Value::Array(b)) => {
                let count = a.len().max(b.len());
                self.items(["[", "]"], count, |page, at| page.either(None, a.get(at), b.get(at)));
            }
            (Value::Object(a), Value::Object(b)) => {
                let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
                keys.sort();
                keys.dedup();
                self.items(["{", "}"], keys.len(), |page, at| page.either(Some(keys[at]), a.get(keys[at]), b.get(keys[at])));
            }
            (a, b) if a == b => {
                self.take(Ink::Plain);
                self.whole(a);
            }
            (a, b) => {
                self.take(Ink::Changed);
                self.write(&format!("{} => {}", short(a), short(b)));
            }
        }
    }

    /// One element, of both values or of one.
    fn either(&mut self, key: Option<&String>, expected: Option<&Value>, got: Option<&Value>) {
        let key = key.map_or(String::new(), |key| format!("{}: ", quote(key)));
        match (expected, got) {
            (Some(a), Some(b)) => {
                self.write(&key);
                self.both(a, b);
            }
            (Some(only), None) | (None, Some(only)) => {
                self.take(if expected.is_some() { Ink::Removed } else { Ink::Added });
                self.write(&key);
                self.whole(only);
            }
            (None, None) => {}
        }
        self.take(Ink::Plain);
    }

    fn items(&mut self, [open, close]: [&str; 2], count: usize, mut item: impl FnMut(&mut Self, usize)) {
        self.write(open);
        self.depth += 1;
        for at in 0..count {
            if at > 0 {
                self.write(",");
            }
            self.line();
            item(self, at);
        }
        self.depth -= 1;
        if count > 0 {
            self.line();
        }
        self.write(close);
    }

    /// A value that only one side has, or both alike.
    fn whole(&mut self, value: &Value) {
        match value {
            Value::Array(items) => self.items(["[", "]"], items.len(), |page, at| page.whole(&items[at])),
            Value::Object(entries) => {
                let entries: Vec<_> = entries.iter().collect();
                self.items(["{", "}"], entries.len(), |page, at| {
                    page.write(&format!("{}: ", quote(entries[at].0)));
                    page.whole(entries[at].1);
                });
            }
            plain => self.write(&short(plain)),
        }
    }
}

/// Lists and mappings are only hinted at.
fn short(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), format_general),
        Value::String(text) => quote(text),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_coloured() {
        let expected = serde_json::json!([{"a": "1", "gone": "x", "same": "s"}]);
        let got = serde_json::json!([{"a": "2", "new": "y", "same": "s"}, {}]);
        let shown = difference(&expected, &got).replace('\u{1b}', "~");
        let lines = [
            "[",
            "    {",
            "        \"a\": ~[0;33m\"1\" => \"2\"~[0m,",
            "        ~[0;31m\"gone\": \"x\"~[0m,",
            "        ~[0;32m\"new\": \"y\"~[0m,",
            "        \"same\": \"s\"",
            "    },",
            "    ~[0;32m{}~[0m",
            "]",
        ];
        assert_eq!(shown, lines.join("\n"));
    }
}
