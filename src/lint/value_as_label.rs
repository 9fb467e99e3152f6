//! A value in a label makes a new alert of every value: `for` begins anew each time.

use super::unit_mismatch::actions;
use super::{Known, Said, Subject};

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    let Some(alert) = subject.alert() else { return Vec::new() };
    let prints = |text: &str| actions(text).iter().any(|action| action.prints_value());
    let labels = alert.labels.iter().filter(|(_, text)| prints(text));
    let said = |label: &str| {
        let message = format!("label {label} holds the value: each new value is another alert, the old one resolves, and for begins anew");
        (message, "values belong into annotations".to_owned())
    };
    labels.map(|(label, _)| said(label)).collect()
}
