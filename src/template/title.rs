//! Title case by Unicode's words: an apostrophe, point or colon between two letters, and `_`, do not end one.

/// What becomes of a word's other letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Lower case, as in Alertmanager.
    Lower,
    /// As they are, as in Prometheus.
    Keep,
}

/// Each word's first letter upper case.
pub fn title(text: &str, rest: Rest) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for (at, c) in chars.iter().enumerate() {
        let between = |test: fn(char) -> bool| at > 0 && test(chars[at - 1]) && chars.get(at + 1).is_some_and(|c| test(*c));
        let joins = match c {
            '\'' | '\u{2019}' | '.' => between(char::is_alphabetic) || between(char::is_numeric),
            ':' | '\u{b7}' => between(char::is_alphabetic),
            ',' | ';' => between(char::is_numeric),
            c => c.is_alphanumeric() || *c == '_',
        };
        match (inside, rest) {
            (true, Rest::Lower) => out.extend(c.to_lowercase()),
            (true, Rest::Keep) => out.push(*c),
            (false, _) => {
                out.extend(c.to_uppercase());
                inside = c.is_alphabetic();
            }
        }
        inside = inside && joins;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    // amtool 0.33.1 and Prometheus 3.5.3.
    #[test]
    fn as_upstream() {
        assert_eq!(title("hELLO wORLD fOO-bar o'neil \u{fc}ber_x 3rd", Rest::Lower), "Hello World Foo-Bar O'neil \u{dc}ber_x 3Rd");
        assert_eq!(title("aa bB-cc dd_ee o'neil \u{e9}a 3x.y", Rest::Keep), "Aa BB-Cc Dd_ee O'neil \u{c9}a 3X.y");
    }
}
