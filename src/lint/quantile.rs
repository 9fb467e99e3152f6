//! Quantiles of classic histograms: `le` must survive the aggregation, and without one there is a quantile for every series.

use super::labels;
use super::shape::{binaries, metrics, selectors};
use super::{Known, Said, Subject};
use crate::model::MatchOp;
use crate::promql::ast::Call;
use crate::promql::{Expr, ExprKind};

pub fn find(subject: &Subject<'_>, known: &Known) -> Vec<Said> {
    let mut said = Vec::new();
    subject.expr.walk(&mut |expr| {
        if let ExprKind::Call(call) = &expr.kind
            && call.function.name == "histogram_quantile"
        {
            said.extend(judge(call, known));
        }
        if let ExprKind::Aggregate(aggregate) = &expr.kind
            && matches!(aggregate.op.as_str(), "avg" | "sum")
            && is_quantile(&aggregate.expr)
        {
            let message = format!("{} of quantiles is no quantile of anything", aggregate.op.as_str());
            said.push((message, "add the buckets first: histogram_quantile(0.95, sum by (le) (rate(..._bucket[5m])))".to_owned()));
        }
    });
    said
}

fn is_quantile(expr: &Expr) -> bool {
    matches!(&expr.unwrapped().kind, ExprKind::Call(call) if call.function.name == "histogram_quantile")
}

fn judge(call: &Call, known: &Known) -> Option<Said> {
    let buckets = call.args.get(1)?;
    let name = metrics(buckets).into_iter().find(|name| name.ends_with("_bucket"))?;
    if labels::of(buckets, known).lacks("le") {
        let message = format!("the aggregation drops le, by which the buckets of {name} are told apart: there is never a result");
        return Some((message, "keep it: sum by (le, ...) (...)".to_owned()));
    }
    let mut aggregated = false;
    buckets.walk(&mut |expr| aggregated |= matches!(expr.kind, ExprKind::Aggregate(_)));
    let one_instance = selectors(buckets)
        .iter()
        .any(|selector| selector.matchers.iter().any(|matcher| matcher.op == MatchOp::Equal && matcher.name == "instance"));
    if aggregated || one_instance || !binaries(buckets).is_empty() {
        return None;
    }
    let message = format!("a quantile for every series of {name}, each process and each label apart: they cannot be averaged later");
    let inner = crate::promql::print(buckets);
    Some((message, format!("add the buckets first, by the labels that matter: sum by (le, job) ({inner})")))
}
