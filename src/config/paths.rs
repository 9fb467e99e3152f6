//! Relative paths and the glob patterns of `rule_files`, `scrape_config_files`, `file_sd_configs` and `templates`.

use std::path::{Path, PathBuf};

/// Most files that one pattern is expanded to.
pub const FILES_MAX: usize = 10_000;

/// The folder of a file; `.` for a bare name.
pub fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Whether `*` stands in the last element only.
pub fn star_is_last(pattern: &str) -> bool {
    match pattern.split_once('*') {
        Some((_, rest)) => !rest.contains('/'),
        None => true,
    }
}

/// Whether a text holds any of the glob characters.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Whether a pattern is none: a bracket that is not closed or holds nothing, a backslash at the end.
pub fn is_malformed(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next().is_none() => return true,
            '[' => {
                let rest = chars.as_str();
                let inner = rest.strip_prefix('^').unwrap_or(rest);
                match inner.find(']') {
                    None | Some(0) => return true,
                    Some(end) => chars = inner[end + 1..].chars(),
                }
            }
            _ => {}
        }
    }
    false
}

/// The files that a pattern names, in the order of their names; patterns may stand in any element. Nothing found is no error.
pub fn expand(pattern: &Path) -> Vec<PathBuf> {
    if !is_pattern(&pattern.to_string_lossy()) {
        return if pattern.exists() { vec![pattern.to_owned()] } else { Vec::new() };
    }
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let text = part.as_os_str().to_string_lossy();
        if !is_pattern(&text) {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        let mut next = Vec::new();
        for folder in &found {
            let listed = std::fs::read_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
            let Ok(listed) = listed else { continue };
            let names = listed.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            next.extend(names.filter(|name| matches(&text, name)).map(|name| folder.join(name)).take(FILES_MAX));
        }
        next.sort();
        next.truncate(FILES_MAX);
        found = next;
    }
    found.retain(|path| path.exists());
    found
}

/// Go's `filepath.Match` on one path element: `*`, `?`, `[a-z]`, `[^a]`, `\` before a character that counts as itself.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut here) = (0, 0);
    // Where to resume when the text behind the last star does not fit.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at) == Some(&'*') {
            star = Some((at + 1, here));
            at += 1;
            continue;
        }
        let step = if here < name.len() { one(&pattern[at.min(pattern.len())..], name[here]) } else { None };
        match step {
            Some(length) => {
                at += length;
                here += 1;
            }
            None if here == name.len() && at == pattern.len() => return true,
            None => match star {
                Some((resume, eaten)) if eaten < name.len() => {
                    star = Some((resume, eaten + 1));
                    (at, here) = (resume, eaten + 1);
                }
                _ => return false,
            },
        }
    }
}

/// How many pattern characters match one character of the name.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '\\' => (pattern.get(1) == Some(&c)).then_some(2),
        '[' => {
            let negated = pattern.get(1) == Some(&'^');
            let mut at = if negated { 2 } else { 1 };
            let mut inside = false;
            while *pattern.get(at)? != ']' {
                let low = *pattern.get(at)?;
                let high = if pattern.get(at + 1) == Some(&'-') { *pattern.get(at + 2)? } else { low };
                inside |= (low..=high).contains(&c);
                at += if pattern.get(at + 1) == Some(&'-') { 3 } else { 1 };
            }
            (inside != negated).then_some(at + 1)
        }
        literal => (*literal == c).then_some(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_go() {
        for (pattern, name, expected) in [
            ("*.yml", "a.yml", true),
            ("*.yml", "a.yaml", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("?.yml", "ab.yml", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("\\*", "*", true),
            ("*", "", true),
            ("", "", true),
            ("[a", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        let malformed = ["[a", "a[", "a/[/b", "[]", "a\\"];
        assert!(malformed.into_iter().all(is_malformed) && !["[a]", "\\\\", "\\[", "a*?"].into_iter().any(is_malformed));
        assert!(star_is_last("a/b/*.yml") && star_is_last("a/b.yml") && !star_is_last("a/*/b.yml"));
    }

    #[test]
    fn expands_in_order_and_in_any_element() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.yml", "a.yml", "c.json"] {
            std::fs::write(folder.path().join(name), "").expect("writable");
        }
        let found = |pattern: &str| expand(&folder.path().join(pattern)).len();
        assert_eq!((found("*.yml"), found("a.yml"), found("none.yml"), found("no/*.yml")), (2, 1, 0, 0));
        assert!(expand(&folder.path().join("*.yml"))[0].ends_with("a.yml"));
    }
}
