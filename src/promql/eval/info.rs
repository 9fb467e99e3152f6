//! `info`.

use super::{Eval, Sink, Steps};
use crate::promql::ast::Call;
use crate::promql::error::QueryError;

impl Eval<'_> {
    pub(super) fn info(&self, call: &Call, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        self.vector(&call.args[0], steps, sink)
    }
}
