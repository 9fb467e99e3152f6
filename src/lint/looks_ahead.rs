//! A negative offset asks for the future, where there is nothing yet.

use super::shape::selectors;
use super::{Known, Said, Subject};

pub fn find(subject: &Subject<'_>, _: &Known) -> Vec<Said> {
    let ahead = selectors(subject.expr).into_iter().filter(|selector| selector.modifiers.offset.fixed().0 < 0);
    let said = |name: &str| {
        let message =
            format!("a negative offset asks for values of {name} that do not exist yet: at evaluation it finds none, or old ones");
        (message, "move the other side back instead, with a positive offset".to_owned())
    };
    ahead.map(|selector| said(selector.metric_name().unwrap_or("the metric"))).collect()
}
