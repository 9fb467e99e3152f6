//! Query strings and forms as Go writes them: blanks as plus signs, only letters, digits and `-_.~` bare.

pub fn escape(text: &str) -> String {
    encode(text, "+")
}

/// As a piece of a path, and as AWS's signatures want it.
pub fn escape_strictly(text: &str) -> String {
    encode(text, "%20")
}

fn encode(text: &str, blank: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push_str(blank),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// In order of name.
pub fn form(mut pairs: Vec<(String, String)>) -> String {
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    #[test]
    fn forms_are_gos() {
        let pairs = [("b", "a b&~*\u{e9}"), ("a.1", "+49")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(super::form(pairs.to_vec()), "a.1=%2B49&b=a+b%26~%2A%C3%A9");
        assert_eq!(super::escape_strictly("a b/"), "a%20b%2F");
    }
}
