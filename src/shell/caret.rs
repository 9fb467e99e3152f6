//! Shows where in an expression something is wrong.

use crate::model::around;

/// The line in question with a caret under the column, both from 1, the column in bytes.
pub fn under(source: &str, line: usize, column: usize) -> String {
    let Some(text) = source.lines().nth(line.saturating_sub(1)) else { return String::new() };
    let before = text.get(..column.saturating_sub(1).min(text.len())).unwrap_or(text);
    let (shown, column) = around(text, before.chars().count() + 1);
    let pad: String = shown.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    format!("  {shown}\n  {pad}^\n")
}

/// The position in a server's message, `… 2:5: parse error: …`.
pub fn position(message: &str) -> Option<(usize, usize)> {
    let before = message.split(": parse error").next().filter(|before| before.len() < message.len())?;
    let place = before.rsplit(' ').next()?;
    let (line, column) = place.split_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_at_the_column() {
        assert_eq!(position("invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis"), Some((1, 5)));
        assert_eq!(position("invalid parameter \"query\": unknown position: parse error: no expression found in input"), None);
        assert_eq!(position("query timed out"), None);
        assert_eq!(under("a +\n  sum(", 2, 6), "    sum(\n       ^\n");
        assert_eq!(under("x", 1, 9), "  x\n   ^\n");
        assert!(under(&"(".repeat(1_000_000), 1, 501).len() < 500);
    }
}
