//! The labels with which alerts leave: external ones where an alert has none of that name, then `alert_relabel_configs`. Pure.

use std::sync::Arc;

use crate::model::{Alert, Labels};
use crate::relabel::{self, Outcome, Step};

/// `global.external_labels` and `alerting.alert_relabel_configs`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertLabels {
    pub external: Labels,
    pub relabel: Vec<Step>,
}

impl AlertLabels {
    /// None where relabeling drops the alert, or leaves no label.
    pub fn of(&self, labels: &Labels) -> Option<Labels> {
        let mut builder = labels.to_builder();
        for (name, value) in &self.external {
            if labels.get(name).is_none_or(str::is_empty) {
                builder.set(name, value);
            }
        }
        match relabel::apply(&self.relabel, builder) {
            Outcome::Kept(labels) => Some(labels.build()).filter(|labels| !labels.is_empty()),
            Outcome::Dropped(_) => None,
        }
    }

    pub(super) fn put_on(&self, mut alert: Alert) -> Option<Alert> {
        if !self.external.is_empty() || !self.relabel.is_empty() {
            alert.labels = self.of(&alert.labels)?;
        }
        Some(alert)
    }
}

/// The steps of one section, over alerts that others see without them.
pub(super) fn relabelled(steps: &[Step], alerts: &[Arc<Alert>]) -> Vec<Arc<Alert>> {
    let over = |alert: &Arc<Alert>| match relabel::apply(steps, alert.labels.to_builder()) {
        Outcome::Kept(labels) => {
            let labels = labels.build();
            (!labels.is_empty()).then(|| Arc::new(Alert { labels, ..Alert::clone(alert) }))
        }
        Outcome::Dropped(_) => None,
    };
    if steps.is_empty() { alerts.to_vec() } else { alerts.iter().filter_map(over).collect() }
}
