//! `printf`: Go's verbs, flags, widths and its way of saying what is wrong inside the output.

use super::limits::OUTPUT_BYTES_MAX;
use super::print::plain;
use super::value::Value;
use crate::model::number::quote;

mod number;

/// Widths and precisions beyond this are refused, as in Go.
const WIDTH_MAX: usize = 1_000_000;

/// One directive's flags and sizes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spec {
    pub plus: bool,
    pub minus: bool,
    pub sharp: bool,
    pub space: bool,
    pub zero: bool,
    pub width: Option<usize>,
    pub precision: Option<usize>,
}

struct Printer<'a> {
    format: &'a [u8],
    at: usize,
    args: &'a [Value],
    next: usize,
    reordered: bool,
    /// The last `[n]` pointed to no argument.
    lost: bool,
    out: String,
}

/// `fmt.Sprintf`.
pub fn sprintf(format: &str, args: &[Value]) -> String {
    let mut printer = Printer { format: format.as_bytes(), at: 0, args, next: 0, reordered: false, lost: false, out: String::new() };
    while printer.at < format.len() && printer.out.len() <= OUTPUT_BYTES_MAX {
        let rest = &format[printer.at..];
        let text = rest.find('%').unwrap_or(rest.len());
        printer.out.push_str(&rest[..text]);
        printer.at += text;
        if printer.at < format.len() {
            printer.at += 1;
            printer.directive(format);
        }
    }
    if !printer.reordered && printer.next < args.len() {
        let extra: Vec<String> = args[printer.next..].iter().map(typed).collect();
        printer.out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    printer.out
}

/// `type=value`, as Go shows arguments that do not fit.
fn typed(value: &Value) -> String {
    if value.is_nil() { "<nil>".to_owned() } else { format!("{}={}", value.type_name(), plain(value)) }
}

impl Printer<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    fn directive(&mut self, format: &str) {
        let mut spec = Spec::default();
        while let Some(flag) = self.peek() {
            match flag {
                b'+' => spec.plus = true,
                b'-' => spec.minus = true,
                b'#' => spec.sharp = true,
                b' ' => spec.space = true,
                b'0' => spec.zero = true,
                _ => break,
            }
            self.at += 1;
        }
        self.index();
        let negative = self.peek() == Some(b'*') && matches!(self.args.get(self.next), Some(Value::Int(width)) if *width < 0);
        spec.minus |= negative;
        match self.size() {
            Ok(width) => spec.width = width,
            Err(()) => self.out.push_str("%!(BADWIDTH)"),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.index();
            match self.size() {
                Ok(precision) => spec.precision = Some(precision.unwrap_or(0)),
                Err(()) => self.out.push_str("%!(BADPREC)"),
            }
        }
        self.index();
        let Some(verb) = format[self.at..].chars().next() else {
            self.out.push_str("%!(NOVERB)");
            return;
        };
        self.at += verb.len_utf8();
        self.print(verb, spec);
    }

    /// `[2]`: the next argument's number.
    fn index(&mut self) {
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = &self.format[self.at + 1..];
        let Some(end) = rest.iter().position(|b| *b == b']') else { return };
        let number = std::str::from_utf8(&rest[..end]).ok().and_then(|digits| digits.parse::<usize>().ok());
        self.at += end + 2;
        match number.and_then(|n| n.checked_sub(1)).filter(|n| *n < self.args.len()) {
            Some(next) => self.next = next,
            None => self.lost = true,
        }
    }

    fn size(&mut self) -> Result<Option<usize>, ()> {
        if self.peek() == Some(b'*') {
            self.at += 1;
            let size = match self.args.get(self.next) {
                Some(Value::Int(size)) => usize::try_from(size.unsigned_abs()).ok().filter(|s| *s <= WIDTH_MAX),
                _ => None,
            };
            self.next = self.next.saturating_add(1);
            return size.map(Some).ok_or(());
        }
        let digits = self.format[self.at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let text = std::str::from_utf8(&self.format[self.at..self.at + digits]).unwrap_or("");
        self.at += digits;
        match text.parse::<usize>() {
            Ok(size) if size <= WIDTH_MAX => Ok(Some(size)),
            Ok(_) => Err(()),
            Err(_) if digits == 0 => Ok(None),
            Err(_) => Err(()),
        }
    }

    fn print(&mut self, verb: char, spec: Spec) {
        if verb == '%' {
            self.out.push('%');
            return;
        }
        if std::mem::take(&mut self.lost) {
            self.out.push_str(&format!("%!{verb}(BADINDEX)"));
            return;
        }
        let Some(value) = self.args.get(self.next) else {
            self.out.push_str(&format!("%!{verb}(MISSING)"));
            return;
        };
        self.next += 1;
        // With `%+v` the plus asks for field names, not for signs.
        let numbers = Spec { plus: spec.plus && verb != 'v', ..spec };
        let text = match verb {
            'T' => pad(value.type_name().to_owned(), spec),
            'v' if spec.sharp => pad(go_syntax(value), spec),
            _ => formatted(value, verb, numbers, spec.plus),
        };
        self.out.push_str(&text);
    }
}

/// One value by one verb; lists and maps element by element.
fn formatted(value: &Value, verb: char, spec: Spec, named: bool) -> String {
    match value {
        Value::Nil | Value::NilInterface if verb == 'v' => pad("<nil>".to_owned(), spec),
        Value::Nil | Value::NilInterface => format!("%!{verb}(<nil>)"),
        Value::Bool(value) if matches!(verb, 't' | 'v') => pad(value.to_string(), spec),
        Value::Int(number) => number::int(*number, verb, spec).unwrap_or_else(|| bad(value, verb, spec)),
        Value::Duration(number) if !matches!(verb, 'v' | 's' | 'q') => {
            number::int(*number, verb, spec).unwrap_or_else(|| bad(value, verb, spec))
        }
        Value::Named(named) if !matches!(verb, 'v' | 's' | 'q') => {
            number::int(named.number, verb, spec).unwrap_or_else(|| bad(value, verb, spec))
        }
        Value::Float(number) => number::float(*number, verb, spec).unwrap_or_else(|| bad(value, verb, spec)),
        Value::Text(text) | Value::Safe(_, text) => string(text, verb, spec).unwrap_or_else(|| bad(value, verb, spec)),
        Value::List(list) if list.class.print.is_none() => {
            let items: Vec<String> = list.items.iter().map(|item| formatted(item, verb, spec, named)).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Map(map) if map.class.print.is_none() => {
            let items: Vec<String> = map
                .entries
                .iter()
                .map(|(key, item)| {
                    format!(
                        "{}:{}",
                        string(key, verb, spec).unwrap_or_else(|| bad(&Value::text(key), verb, spec)),
                        formatted(item, verb, spec, named)
                    )
                })
                .collect();
            format!("map[{}]", items.join(" "))
        }
        Value::Record(record) => {
            let items: Vec<String> = record
                .fields
                .iter()
                .map(|(name, item)| {
                    if named && verb == 'v' {
                        format!("{name}:{}", formatted(item, verb, spec, named))
                    } else {
                        formatted(item, verb, spec, named)
                    }
                })
                .collect();
            format!("{}{{{}}}", if record.class.name.starts_with('*') { "&" } else { "" }, items.join(" "))
        }
        Value::Function(_) if verb == 'v' => plain(value),
        Value::Bool(_) | Value::Function(_) => bad(value, verb, spec),
        // What has a text of its own is formatted as that text.
        other => string(&plain(other), verb, spec).unwrap_or_else(|| bad(value, verb, spec)),
    }
}

/// A verb that does not fit: the value with its type, with the directive's flags still in force.
fn bad(value: &Value, verb: char, spec: Spec) -> String {
    let text = formatted(value, 'v', spec, false);
    if value.is_nil() { format!("%!{verb}({text})") } else { format!("%!{verb}({}={text})", value.type_name()) }
}

fn string(text: &str, verb: char, spec: Spec) -> Option<String> {
    let cut: String = match spec.precision {
        Some(precision) if !matches!(verb, 'x' | 'X') => text.chars().take(precision).collect(),
        _ => text.to_owned(),
    };
    match verb {
        'v' | 's' => Some(pad(cut, spec)),
        'q' if spec.sharp && !cut.contains('`') => Some(pad(format!("`{cut}`"), spec)),
        'q' if spec.plus => Some(pad(ascii_quote(&cut), spec)),
        'q' => Some(pad(quote(&cut), spec)),
        'x' | 'X' => {
            let bytes = &text.as_bytes()[..text.len().min(spec.precision.unwrap_or(usize::MAX))];
            let hex: Vec<String> = bytes.iter().map(|b| if verb == 'x' { format!("{b:02x}") } else { format!("{b:02X}") }).collect();
            Some(pad(hex.join(if spec.space { " " } else { "" }), spec))
        }
        _ => None,
    }
}

/// `%+q`: what is not ASCII is escaped too.
fn ascii_quote(text: &str) -> String {
    let mut out = String::new();
    for c in quote(text).chars() {
        match c as u32 {
            0..0x80 => out.push(c),
            code @ 0x80..0x10000 => out.push_str(&format!("\\u{code:04x}")),
            code => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    out
}

/// `%#v` of the plain kinds.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Safe(_, text) => quote(text),
        Value::List(list) => {
            let items: Vec<String> = list.items.iter().map(go_syntax).collect();
            format!("{}{{{}}}", list.class.name, items.join(", "))
        }
        Value::Map(map) => {
            let items: Vec<String> = map.entries.iter().map(|(key, item)| format!("{}:{}", quote(key), go_syntax(item))).collect();
            format!("{}{{{}}}", map.class.name, items.join(", "))
        }
        other => plain(other),
    }
}

/// To the width with spaces, or zeros where asked.
pub(super) fn pad(text: String, spec: Spec) -> String {
    let Some(width) = spec.width else { return text };
    let missing = width.saturating_sub(text.chars().count());
    if missing == 0 {
        return text;
    }
    if spec.minus {
        return text + &" ".repeat(missing);
    }
    (if spec.zero { "0" } else { " " }).repeat(missing) + &text
}

#[cfg(test)]
mod tests {
    use super::*;

    // Vectors made with Go's fmt; more of them run through whole templates in tests/template.
    #[test]
    fn prints_as_go() {
        let print = |format: &str, args: &[Value]| sprintf(format, args);
        assert_eq!(print("%d %s", &[Value::Int(3)]), "3 %!s(MISSING)");
        assert_eq!(print("%d", &[Value::text("x"), Value::Int(1)]), "%!d(string=x)%!(EXTRA int=1)");
        assert_eq!(
            print("%5.2f|%-6v|%06d|%+d|%x", &[Value::Float(3.146), Value::text("ab"), Value::Int(-42), Value::Int(7), Value::text("hi")]),
            " 3.15|ab    |-00042|+7|6869"
        );
        assert_eq!(print("%[2]s %[1]s %%", &[Value::text("a"), Value::text("b")]), "b a %");
        assert_eq!(print("%q %v %", &[Value::texts(["a", "b"]), Value::Float(1e21)]), "[\"a\" \"b\"] 1e+21 %!(NOVERB)");
        assert_eq!(print("%", &[]), "%!(NOVERB)");
    }
}
