//! Series selectors in parameters (`match[]`).

use crate::model::Matcher;
use crate::promql::ast::Modifiers;
use crate::promql::{self, ExprKind, Features};

/// What Prometheus says of a selector that selects everything, in a parameter.
const EMPTY: &str = "match[] must contain at least one non-empty matcher";

/// The matchers of `up{job="x"}`; the error is Prometheus's, with its position.
pub fn parse(text: &str) -> Result<Vec<Matcher>, String> {
    let parsed = promql::parse(text, Features::default()).map_err(|errors| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        if first.contains("vector selector must contain at least one non-empty matcher") { EMPTY.to_owned() } else { first }
    });
    match parsed?.kind {
        ExprKind::Selector(selector) if selector.modifiers == Modifiers::default() => Ok(selector.matchers),
        _ => Err("1:1: parse error: a series selector is expected here, such as up{job=\"x\"}".to_owned()),
    }
}
