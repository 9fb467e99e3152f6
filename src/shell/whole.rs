//! Whether a text at the prompt is a whole expression, or goes on in the next line.

/// Words and signs behind which something must follow.
const WAITING: [&str; 22] = [
    "+", "-", "*", "/", "%", "^", "=", "!", "~", "<", ">", ",", "@", "and", "or", "unless", "by", "without", "on", "ignoring", "offset",
    "bool",
];

/// Open brackets or quotes, or an operator at the end, ask for more.
pub fn is_whole(text: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let (mut open, mut quote, mut last, mut word_goes_on) = (0i64, None, String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if let Some(end) = quote {
            if c == '\\' && end != '`' {
                chars.next();
            } else if c == end {
                quote = None;
            }
            continue;
        }
        match c {
            '"' | '\'' | '`' => quote = Some(c),
            '#' => {
                while chars.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open -= 1,
            _ => {}
        }
        if c.is_whitespace() {
            word_goes_on = false;
            continue;
        }
        if !(word_goes_on && in_word(c)) {
            last.clear();
        }
        last.push(c);
        word_goes_on = in_word(c);
    }
    open <= 0 && quote.is_none() && !WAITING.contains(&last.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_things_ask_for_more() {
        for whole in ["up", "sum(up)", "up # (", "a{b=\"(\"}", "1 + 2", "band", "sum by (a) (x)", ")", "x offset 5m", "", "and x"] {
            assert!(is_whole(whole), "{whole}");
        }
        for part in ["sum(", "up +", "a{b=\"x", "a and", "a\nor ", "a ==", "rate(x[5m", "sum by", "`x", "a @"] {
            assert!(!is_whole(part), "{part}");
        }
    }
}
