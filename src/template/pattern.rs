//! Unanchored Go-style regular expressions for `match` and `reReplaceAll`.

use crate::model::regex::{PATTERN_BYTES_MAX, PROGRAM_BYTES_MAX};

/// A compiled pattern that may match anywhere in a text.
pub struct Pattern(regex::Regex);

impl Pattern {
    /// The error is Go's sentence where the fault is a plain one.
    pub fn new(pattern: &str) -> Result<Self, String> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(format!("regular expression of {} bytes is longer than the limit of {PATTERN_BYTES_MAX} bytes", pattern.len()));
        }
        match regex::RegexBuilder::new(pattern).size_limit(PROGRAM_BYTES_MAX).build() {
            Ok(regex) => Ok(Self(regex)),
            Err(regex::Error::CompiledTooBig(limit)) => Err(format!("regular expression needs more than the limit of {limit} bytes")),
            Err(error) => {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or("").trim_start_matches("error: ").to_owned();
                Err(match reason.as_str() {
                    "unclosed group" => format!("error parsing regexp: missing closing ): `{pattern}`"),
                    "unclosed character class" => format!("error parsing regexp: missing closing ]: `{pattern}`"),
                    _ => format!("error parsing regexp: {reason}: `{pattern}`"),
                })
            }
        }
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// Every match replaced; `$1`, `${name}` and `$$` as in Go.
    pub fn replace_all(&self, text: &str, replacement: &str) -> String {
        self.0.replace_all(text, replacement).into_owned()
    }
}

/// `match`: does the pattern occur in the text?
pub fn matches(pattern: &str, text: &str) -> Result<bool, String> {
    Ok(Pattern::new(pattern)?.is_match(text))
}

/// `reReplaceAll`.
pub fn replace_all(pattern: &str, replacement: &str, text: &str) -> Result<String, String> {
    let compiled = Pattern::new(pattern).map_err(|error| format!("regexp: Compile(`{pattern}`): {error}"))?;
    Ok(compiled.replace_all(text, replacement))
}
