//! Functions of one value: arithmetic, logarithms, trigonometry, rounding, clamping. Histograms fall away.

use std::f64::consts::LN_2;

use super::{Eval, Sink, Steps, is_absent};
use crate::promql::ast::{Call, Expr};
use crate::promql::error::QueryError;
use crate::promql::functions::FunctionId;

/// From here on the square root of `v * v + 1` is `v`, and near the largest float twice the value is none any more.
const LARGE: f64 = (1u64 << 28) as f64;

/// The function of one float, if that is all it is.
pub fn of_float(function: FunctionId) -> Option<fn(f64) -> f64> {
    use FunctionId as F;
    Some(match function {
        F::Abs => f64::abs,
        F::Acos => f64::acos,
        F::Acosh => |v| if v > LARGE { v.ln() + LN_2 } else { v.acosh() },
        F::Asin => f64::asin,
        F::Asinh => |v| if v.abs() > LARGE { (v.abs().ln() + LN_2).copysign(v) } else { v.asinh() },
        F::Atan => f64::atan,
        F::Atanh => f64::atanh,
        F::Ceil => f64::ceil,
        F::Cos => f64::cos,
        F::Cosh => f64::cosh,
        // As Prometheus computes it: times 180, then by pi.
        F::Deg => |v| v * 180.0 / std::f64::consts::PI,
        F::Exp => f64::exp,
        F::Floor => f64::floor,
        F::Ln => f64::ln,
        F::Log10 => f64::log10,
        F::Log2 => f64::log2,
        F::Rad => |v| v * std::f64::consts::PI / 180.0,
        F::Sgn => |v| {
            if v < 0.0 {
                -1.0
            } else if v > 0.0 {
                1.0
            } else {
                v
            }
        },
        F::Sin => f64::sin,
        F::Sinh => f64::sinh,
        F::Sqrt => f64::sqrt,
        F::Tan => f64::tan,
        F::Tanh => f64::tanh,
        _ => return None,
    })
}

impl Eval<'_> {
    /// Applies a function to every float of a vector; None takes the value away.
    pub(super) fn map_floats(
        &self,
        input: &Expr,
        steps: &Steps,
        sink: &mut Sink<'_>,
        map: &dyn Fn(usize, f64) -> Option<f64>,
    ) -> Result<(), QueryError> {
        self.unique(input, sink, &mut |unique| {
            self.vector(input, steps, &mut |series| {
                series.column.drop_histograms();
                let mut any = false;
                for (step, value) in series.column.floats.iter_mut().enumerate().filter(|(_, v)| !is_absent(**v)) {
                    *value = match map(step, *value) {
                        Some(mapped) => {
                            any = true;
                            mapped
                        }
                        None => super::series::ABSENT,
                    };
                }
                if !any {
                    return Ok(());
                }
                self.drop_name(series);
                unique(series)
            })
        })
    }

    pub(super) fn clamp(&self, call: &Call, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let unbounded = |value: f64| vec![value; steps.count];
        let (low, high) = match call.function.id {
            FunctionId::ClampMax => (unbounded(f64::NEG_INFINITY), self.scalar(&call.args[1], steps)?),
            FunctionId::ClampMin => (self.scalar(&call.args[1], steps)?, unbounded(f64::INFINITY)),
            _ => (self.scalar(&call.args[1], steps)?, self.scalar(&call.args[2], steps)?),
        };
        self.map_floats(&call.args[0], steps, sink, &|step, value| {
            let (low, high) = (low[step], high[step]);
            if high < low {
                return None;
            }
            Some(super::resolve::go_max(low, super::resolve::go_min(high, value)))
        })
    }

    pub(super) fn round(&self, call: &Call, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let to = match call.args.get(1) {
            Some(to) => self.scalar(to, steps)?,
            None => vec![1.0; steps.count],
        };
        // The inverse keeps 0.1 and the like exact.
        let inverse: Vec<f64> = to.iter().map(|to| 1.0 / to).collect();
        self.map_floats(&call.args[0], steps, sink, &|step, value| Some((value * inverse[step] + 0.5).floor() / inverse[step]))
    }
}
