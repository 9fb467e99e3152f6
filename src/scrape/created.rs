//! Start timestamps: which columns each `_created` line of an OpenMetrics page speaks of.

use hashbrown::HashMap;

use crate::exposition::SeriesLine;
use crate::model::{MetricType, TimestampMs};
use crate::storage::{Column, Row};

const CREATED: &str = "_created";

/// By line number, the columns whose start that line states.
#[derive(Clone, Debug, Default)]
pub(super) struct Created {
    /// Line, and where its columns begin in `columns`; ascending.
    lines: Vec<(u32, u32)>,
    columns: Vec<Column>,
}

impl Created {
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Adds the starts that line `index` states; `cursor` counts the lines met so far.
    pub(super) fn apply(&self, index: usize, cursor: &mut usize, seconds: f64, row: &mut Row) {
        let Some((line, from)) = self.lines.get(*cursor) else { return };
        if *line as usize != index {
            return;
        }
        *cursor += 1;
        let to = self.lines.get(*cursor).map_or(self.columns.len(), |(_, next)| *next as usize);
        if seconds.is_finite() {
            let start = TimestampMs((seconds * 1000.0) as i64);
            row.starts.extend(self.columns[*from as usize..to].iter().map(|column| (*column, start)));
        }
    }
}

/// Gathers [`Created`] while a page is read.
#[derive(Debug, Default)]
pub(super) struct CreatedBuilder {
    family: String,
    /// By family and labels: the `_created` line, and the columns.
    metrics: HashMap<String, (Option<u32>, Vec<Column>)>,
}

impl CreatedBuilder {
    pub(super) fn enter(&mut self, family: &str) {
        if self.family != family {
            family.clone_into(&mut self.family);
        }
    }

    /// Takes a sample line of the current family.
    pub(super) fn take(&mut self, index: usize, line: &SeriesLine<'_>, column: Column) {
        let suffixes: &[&str] = match line.metric_type {
            MetricType::Counter => &["_total", CREATED],
            MetricType::Histogram => &["_bucket", "_count", "_sum", CREATED],
            MetricType::Summary => &["", "_count", "_sum", CREATED],
            _ => return,
        };
        let Ok(labels) = line.labels() else { return };
        let Some(suffix) = labels.metric_name().strip_prefix(self.family.as_str()).filter(|suffix| suffixes.contains(suffix)) else {
            return;
        };
        let of_part = if line.metric_type == MetricType::Histogram { "le" } else { "quantile" };
        let rest = labels.without(&[crate::model::METRIC_NAME, of_part]);
        let metric = self.metrics.entry(format!("{}{rest}", self.family)).or_default();
        if suffix == CREATED {
            metric.0 = Some(index as u32);
        } else {
            metric.1.push(column);
        }
    }

    pub(super) fn finish(self) -> Created {
        let mut found: Vec<_> = self.metrics.into_values().filter_map(|(line, columns)| Some((line?, columns))).collect();
        found.sort_by_key(|(line, _)| *line);
        let mut created = Created::default();
        for (line, columns) in found {
            created.lines.push((line, created.columns.len() as u32));
            created.columns.extend(columns);
        }
        created
    }
}
