//! Go's replacement templates: `$1`, `$name` (the longest run of word characters), `${name}`, `$$`.

use regex_automata::util::captures::Captures;

/// The template with groups filled in; a group that is unknown or took no part is empty.
pub fn expand(template: &str, text: &str, captures: &Captures) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        match reference(rest) {
            Some((name, after)) => {
                out.push_str(group(name, text, captures));
                rest = after;
            }
            None => out.push('$'),
        }
    }
    out.push_str(rest);
    out
}

/// A name, and what follows it.
fn reference(rest: &str) -> Option<(&str, &str)> {
    let word_end = |text: &str| text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    if let Some(braced) = rest.strip_prefix('{') {
        let end = word_end(braced);
        return (end > 0 && braced[end..].starts_with('}')).then(|| (&braced[..end], &braced[end + 1..]));
    }
    let end = word_end(rest);
    (end > 0).then(|| rest.split_at(end))
}

fn group<'t>(name: &str, text: &'t str, captures: &Captures) -> &'t str {
    let is_number = name.bytes().all(|b| b.is_ascii_digit());
    let span = if is_number { name.parse().ok().and_then(|index| captures.get_group(index)) } else { captures.get_group_by_name(name) };
    span.map_or("", |span| &text[span.start..span.end])
}
