//! Cutting texts to a provider's limit, as Alertmanager does: an ellipsis stands where something is missing.

const MARK: &str = "\u{2026}";

/// At most so many characters.
pub fn runes(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    if longest <= 3 {
        return text.chars().take(longest).collect();
    }
    text.chars().take(longest - 1).collect::<String>() + MARK
}

/// At most so many bytes; no character is cut in two.
pub fn bytes(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    if longest <= MARK.len() {
        return prefix(text, longest).to_owned();
    }
    prefix(text, longest - MARK.len()).to_owned() + MARK
}

/// The first bytes, without a piece of a character at the end.
pub fn prefix(text: &str, longest: usize) -> &str {
    let mut end = longest.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A text with remarks below it that must stay whole: what is cut is the text.
pub fn with_remarks(text: String, remarks: &[String], longest: usize, cut: fn(&str, usize) -> String) -> String {
    if remarks.is_empty() {
        return cut(&text, longest);
    }
    let below = cut(&remarks.join("\n"), longest / 2);
    let room = longest.saturating_sub(below.len() + 2);
    format!("{}\n\n{below}", cut(&text, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(runes("abcdef", 6), "abcdef");
        assert_eq!(runes("a\u{e9}cdefg", 6), "a\u{e9}cde\u{2026}");
        assert_eq!(runes("abcdef", 3), "abc");
        assert_eq!(bytes("abcdef", 6), "abcdef");
        assert_eq!(bytes("abcdefg", 6), "abc\u{2026}");
        assert_eq!(bytes("ab\u{20ac}\u{20ac}", 6), "ab\u{2026}");
        assert_eq!(bytes("\u{20ac}\u{20ac}", 2), "");
        let cut = with_remarks("x".repeat(100), &["title fails".to_owned()], 40, runes);
        assert!(cut.chars().count() <= 40 && cut.ends_with("title fails") && cut.contains('\u{2026}'), "{cut}");
        let cut = with_remarks("\u{20ac}".repeat(100), &["title fails".to_owned()], 50, bytes);
        assert!(cut.len() <= 50 && cut.ends_with("title fails"), "{cut}");
    }
}
