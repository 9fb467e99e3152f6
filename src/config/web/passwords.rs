//! Whether a text is a bcrypt hash, in the words of Go's bcrypt package, which Prometheus passes on.

/// Prefix, salt and hash together.
const LENGTH_MIN: usize = 59;

pub(super) fn check(hash: &str) -> Result<(), String> {
    if hash.len() < LENGTH_MIN {
        return Err("crypto/bcrypt: hashedSecret too short to be a bcrypted password".to_owned());
    }
    let mut parts = hash.split('$');
    let first = hash.chars().next().unwrap_or(' ');
    if parts.next() != Some("") {
        return Err(format!("crypto/bcrypt: bcrypt hashes must start with '$', but hashedSecret started with '{first}'"));
    }
    let version = parts.next().unwrap_or("");
    if !["2a", "2b", "2x", "2y"].contains(&version) {
        return Err(format!("crypto/bcrypt: bcrypt algorithm version '{version}' is none of 2a, 2b, 2x and 2y"));
    }
    let cost = parts.next().unwrap_or("");
    match cost.parse::<u32>() {
        Ok(4..=31) => {}
        Ok(cost) => return Err(format!("crypto/bcrypt: cost {cost} is outside allowed inclusive range [4,31]")),
        Err(_) => return Err(format!("crypto/bcrypt: \"{cost}\" is no cost")),
    }
    let rest = parts.next().unwrap_or("");
    let in_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || b"./".contains(&byte);
    if rest.len() != 53 || !rest.bytes().all(in_alphabet) {
        return Err("crypto/bcrypt: salt and hash are not 53 characters of bcrypt's alphabet".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_told_from_other_texts() {
        let rest = "abcdefghijklmnopqrstuuKT1WJ5YPvWgOZ0q9fTUxx7sTZxO3v8m";
        assert_eq!(check(&format!("$2y$10${rest}")), Ok(()));
        for (text, expected) in [
            ("secret".to_owned(), "too short"),
            (format!("x2y$10${rest}"), "must start with '$', but hashedSecret started with 'x'"),
            (format!("$3y$10${rest}"), "version '3y'"),
            (format!("$2y$40${rest}"), "cost 40 is outside allowed inclusive range [4,31]"),
            (format!("$2y$xx${rest}"), "\"xx\" is no cost"),
            (format!("$2y$10${rest}x"), "53 characters"),
            (format!("$2y$10$!{}", &rest[1..]), "alphabet"),
        ] {
            let told = check(&text).unwrap_err();
            assert!(told.contains(expected), "{told}");
        }
    }
}
