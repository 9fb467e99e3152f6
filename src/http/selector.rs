//! Series selectors in parameters (`match[]`).

use super::error::ApiError;
use super::limits::QUICK_TEXT_BYTES_MAX;
use super::pool::Turn;
use super::query::QueryState;
use crate::model::number::quote;
use crate::model::regex::Fuse;
use crate::model::{Matcher, Span};
use crate::promql::ast::Modifiers;
use crate::promql::{self, ExprKind, Features};

/// What Prometheus says of a selector that selects everything, in a parameter.
const EMPTY: &str = "match[] must contain at least one non-empty matcher";

/// The matchers of `up{job="x"}`; the error is Prometheus's, with its position.
pub fn parse(text: &str) -> Result<Vec<Matcher>, String> {
    if let Some((at, c)) = foreign(text) {
        let (line, column) = Span::new(at, at).line_column(text);
        return Err(format!("{line}:{column}: parse error: unexpected {}", quote(&c.to_string())));
    }
    let parsed = promql::parse(text, Features::default()).map_err(|errors| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        if first.contains("vector selector must contain at least one non-empty matcher") { EMPTY.to_owned() } else { first }
    });
    match parsed?.kind {
        ExprKind::Selector(selector) if selector.modifiers == Modifiers::default() => Ok(selector.matchers),
        _ => Err("1:1: parse error: a series selector is expected here, such as up{job=\"x\"}".to_owned()),
    }
}

/// Whether texts can be read on a socket worker: short ones without a regular expression, which takes long to compile.
pub fn is_quick<'t>(texts: impl IntoIterator<Item = &'t str>) -> bool {
    let mut left = QUICK_TEXT_BYTES_MAX;
    texts.into_iter().all(|text| {
        let fits = text.len() <= left && !text.contains('~');
        left = left.saturating_sub(text.len());
        fits
    })
}

/// The matchers of each selector, read off the socket workers where that may take long.
pub async fn parse_all(state: &QueryState, texts: Vec<String>, refuse: fn(String) -> ApiError) -> Result<Vec<Vec<Matcher>>, ApiError> {
    if is_quick(texts.iter().map(String::as_str)) {
        return texts.iter().map(|text| parse(text).map_err(refuse)).collect();
    }
    let work = move |turn: &Turn| {
        let one = |text: &String| {
            turn.check()?;
            parse(text).map_err(refuse)
        };
        texts.iter().map(one).collect()
    };
    state.pool.aside(state.timeout, work).await
}

/// Lets the fuse end matching that takes too long.
pub fn with_fuse(selectors: &mut [Vec<Matcher>], fuse: &Fuse) {
    selectors.iter_mut().flatten().for_each(|matcher| matcher.set_fuse(fuse));
}

/// The first sign outside of quotes that no selector has. What is left for the parser cannot be nested, so that any thread may run it.
fn foreign(text: &str) -> Option<(usize, char)> {
    let (mut quote, mut escaped, mut braces) = (None, false, 0);
    for (at, c) in text.char_indices() {
        if let Some(end) = quote {
            if escaped {
                escaped = false;
            } else if c == '\\' && end != '`' {
                escaped = true;
            } else if c == end {
                quote = None;
            }
            continue;
        }
        match c {
            '"' | '\'' | '`' => quote = Some(c),
            '{' if braces == 0 => braces = 1,
            '{' | '(' | ')' | '[' | ']' | '+' | '-' | '*' | '/' | '%' | '^' | '@' => return Some((at, c)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_selectors_are_taken() {
        let printed = |text: &str| parse(text).map(|matchers| matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
        assert_eq!(printed("up{a=\"(\",b=~'x-y'}").as_deref(), Ok("a=\"(\",b=~\"x-y\",__name__=\"up\""));
        assert_eq!(printed("sum("), Err("1:4: parse error: unexpected \"(\"".to_owned()));
        assert_eq!(printed("up[5m]"), Err("1:3: parse error: unexpected \"[\"".to_owned()));
        assert_eq!(printed("{}"), Err(EMPTY.to_owned()));
        for bad in ["", "1", "up offset 5m", "a b", "up{", &"(".repeat(100_000), &"-".repeat(100_000), &"{".repeat(100_000)] {
            assert!(parse(bad).is_err());
        }
    }
}
