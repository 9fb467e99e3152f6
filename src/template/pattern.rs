//! Unanchored Go-style regular expressions for `match` and `reReplaceAll`.

use crate::model::regex::GoRegex;

/// `match`: does the pattern occur in the text?
pub fn matches(pattern: &str, text: &str) -> Result<bool, String> {
    Ok(GoRegex::new(pattern)?.is_match(text))
}

/// `reReplaceAll`: every match replaced; `$1`, `${name}` and `$$` as in Go.
pub fn replace_all(pattern: &str, replacement: &str, text: &str) -> Result<String, String> {
    let compiled = GoRegex::new(pattern).map_err(|error| format!("regexp: Compile(`{pattern}`): {error}"))?;
    Ok(compiled.replace_all(text, replacement))
}
