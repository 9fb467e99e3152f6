//! Native histograms in expressions: arithmetic, comparison, resets, quantiles, trimming, text.

mod operators;
mod parts;
mod quantile;
mod reset;
mod statistics;
mod text;
mod totals;
mod trim;

pub(super) use operators::{Operated, equal, equal_compact, operate, scaled};
pub(super) use parts::{Incompatible, Noticed, Parts, combined};
pub(super) use quantile::ask;
pub(super) use reset::detect_reset;
pub(super) use text::text;
pub(super) use totals::{GroupedHistograms, Total, Totals};
