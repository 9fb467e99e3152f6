//! `label_replace` and `label_join`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Eval, Series, Sink, Steps};
use crate::model::regex::AnchoredRegex;
use crate::promql::ast::{Call, Expr, Text};
use crate::promql::error::QueryError;
use crate::promql::limits::MADE_TEXT_BYTES_MAX;
use crate::storage::Symbol;

/// Gives a series other labels.
type Change<'c> = dyn FnMut(&mut Series) -> Result<(), QueryError> + 'c;

impl Eval<'_> {
    pub(super) fn label_replace(&self, call: &Call, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let [input, target, replacement, source, pattern] = call.args.as_slice() else {
            return QueryError::execution("internal: label_replace takes five arguments");
        };
        let pattern = self.utf8(pattern)?;
        let mut regex = AnchoredRegex::new(pattern)
            .map_err(|_| QueryError::Execution(format!("invalid regular expression in label_replace(): {pattern}")))?;
        regex.set_fuse(&self.guard.fuse());
        let target = self.symbols.get(self.target_label(target, "label_replace")?);
        let replacement = self.utf8(replacement)?;
        let references = replacement.matches('$').count();
        let source = self.symbols.get(self.utf8(source)?);
        // Many series share a value: each is matched once.
        let mut known: HashMap<Option<Symbol>, Option<String>> = HashMap::new();
        self.relabelled(input, steps, sink, &mut |series| {
            let value = super::symbols::Symbols::value_of(&series.labels, source);
            let replaced = match known.entry(value) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let text = value.map_or_else(|| "".into(), |v| self.symbols.text(v));
                    // Each reference stands for the text at most.
                    self.check_made(text.len().saturating_mul(references).saturating_add(replacement.len()))?;
                    let replaced = regex.expand(&text, replacement);
                    self.guard.work(text.len() + 1)?;
                    self.guard.hold_bytes(replaced.as_ref().map_or(0, |made| 2 * made.len() as u64))?;
                    place.insert(replaced)
                }
            };
            if let Some(replaced) = replaced {
                self.set_label(series, target, replaced);
            }
            Ok(())
        })
    }

    pub(super) fn label_join(&self, call: &Call, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let [input, target, separator, sources @ ..] = call.args.as_slice() else {
            return QueryError::execution("internal: label_join takes at least three arguments");
        };
        let target = self.symbols.get(self.target_label(target, "label_join")?);
        let separator = self.utf8(separator)?;
        let mut names = Vec::new();
        for source in sources {
            let text = self.text(source)?;
            match text.utf8() {
                Ok(name) if !name.is_empty() => names.push(self.symbols.get(name)),
                _ => return QueryError::execution(format!("invalid source label name in label_join(): {}", shown(text))),
            }
        }
        self.relabelled(input, steps, sink, &mut |series| {
            let value_of = |name: &Symbol| {
                super::symbols::Symbols::value_of(&series.labels, *name).map_or_else(|| "".into(), |v| self.symbols.text(v))
            };
            let values: Vec<_> = names.iter().map(value_of).collect();
            self.check_made(values.iter().map(|v| v.len().saturating_add(separator.len())).sum())?;
            let joined = values.join(separator);
            self.guard.hold_bytes(joined.len() as u64)?;
            self.set_label(series, target, &joined);
            Ok(())
        })
    }

    /// Changes labels; equal ones merge where their values do not overlap.
    fn relabelled(&self, input: &Expr, steps: &Steps, sink: &mut Sink<'_>, change: &mut Change<'_>) -> Result<(), QueryError> {
        self.merged(sink, &mut |out| {
            self.vector(input, steps, &mut |series| {
                change(series)?;
                out(series)
            })
        })
    }

    fn check_made(&self, bytes: usize) -> Result<(), QueryError> {
        if bytes > MADE_TEXT_BYTES_MAX {
            return QueryError::execution(format!("a label value could become longer than the limit of {MADE_TEXT_BYTES_MAX} bytes"));
        }
        Ok(())
    }

    /// Writing the metric's name cancels its pending removal.
    fn set_label(&self, series: &mut Series, name: Symbol, value: &str) {
        if name == self.symbols.metric_name {
            series.drop_name = false;
        }
        self.symbols.set(&mut series.labels, name, value);
    }

    pub(super) fn utf8<'e>(&self, expr: &'e Expr) -> Result<&'e str, QueryError> {
        self.text(expr)?.utf8().map_err(|quoted| QueryError::Execution(format!("{quoted} is not valid UTF-8")))
    }

    fn target_label<'e>(&self, expr: &'e Expr, function: &str) -> Result<&'e str, QueryError> {
        let text = self.text(expr)?;
        match text.utf8() {
            Ok(name) if !name.is_empty() => Ok(name),
            _ => QueryError::execution(format!("invalid destination label name in {function}(): {}", shown(text))),
        }
    }
}

fn shown(text: &Text) -> String {
    String::from_utf8_lossy(&text.bytes).into_owned()
}
