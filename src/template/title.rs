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
        let goes_on = || chars.get(at + 1).is_some_and(|c| c.is_alphanumeric() && !stands_alone(*c));
        let joins = match c {
            '\'' | '\u{2019}' | '.' | ':' | '\u{b7}' => goes_on(),
            '\u{300}'..='\u{36f}' => true,
            c => c.is_alphanumeric() || *c == '_',
        };
        match (inside, rest) {
            (true, Rest::Lower) => out.extend(c.to_lowercase()),
            (true, Rest::Keep) => out.push(*c),
            (false, _) => {
                out.extend(c.to_uppercase());
                inside = c.is_alphabetic() && !stands_alone(*c);
            }
        }
        inside = inside && joins;
    }
    out
}

/// Characters of which each is a word: ideographs and Hiragana.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{309f}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    // amtool 0.33.1 and Prometheus 3.5.3.
    #[test]
    fn as_upstream() {
        assert_eq!(title("hELLO wORLD fOO-bar o'neil \u{fc}ber_x 3rd", Rest::Lower), "Hello World Foo-Bar O'neil \u{dc}ber_x 3Rd");
        assert_eq!(
            title("a0.expr 0.expr a.5b 5'ab a:5b a,bc 5;6b \u{4e16}.xx a\u{301}.bc", Rest::Lower),
            "A0.expr 0.Expr A.5b 5'Ab A:5b A,Bc 5;6B \u{4e16}.Xx A\u{301}.bc"
        );
        assert_eq!(title("aa bB-cc dd_ee o'neil \u{e9}a 3x.y", Rest::Keep), "Aa BB-Cc Dd_ee O'neil \u{c9}a 3X.y");
    }
}
