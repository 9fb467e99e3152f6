//! Expected alerts against those that fire.

use super::difference::difference;
use super::samples::braced;
use crate::config::rule_tests::AlertTest;
use crate::model::Labels;

/// Labels and annotations.
type Shown = (Labels, Labels);

/// The tests, the first at the end: by time, then as in the file.
pub fn in_order(tests: &[AlertTest]) -> Vec<&AlertTest> {
    let mut tests: Vec<&AlertTest> = tests.iter().collect();
    tests.sort_by_key(|test| test.eval_time);
    tests.reverse();
    tests
}

/// What is wrong, in promtool's words.
pub fn judge(test: &AlertTest, got: &[Shown], name: &str, diff: bool) -> Option<String> {
    let (mut expected, mut got) = (test.expected.clone(), got.to_vec());
    expected.sort();
    got.sort();
    if expected == got {
        return None;
    }
    let name = if name.is_empty() { String::new() } else { format!("    name: {name},\n") };
    let head = format!("{name}    alertname: {}, time: {}, \n        ", test.alert, test.eval_time);
    const INDENT: &str = "            ";
    if diff {
        return Some(format!("{head}diff: {}", indented(&difference(&json(&expected), &json(&got)), INDENT)));
    }
    Some(format!("{head}exp:{}, \n        got:{}", indented(&list(&expected), INDENT), indented(&list(&got), INDENT)))
}

fn list(alerts: &[Shown]) -> String {
    if alerts.is_empty() {
        return "[]".to_owned();
    }
    let shown = alerts.iter().enumerate().map(|(place, (labels, annotations))| {
        let text = format!("\nLabels:{}\nAnnotations:{}", braced(labels), braced(annotations));
        format!("{place}:{}", indented(&text, "  "))
    });
    format!("[\n{}\n]", shown.collect::<Vec<_>>().join(",\n"))
}

/// Every line but the first moved to the right.
fn indented(text: &str, by: &str) -> String {
    text.replace('\n', &format!("\n{by}"))
}

/// Nothing is shown as one alert without anything, so that there is something to compare with.
fn json(alerts: &[Shown]) -> serde_json::Value {
    let map = |labels: &Labels| labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect::<serde_json::Map<_, _>>();
    let one = |(labels, annotations): &Shown| serde_json::json!({"Labels": map(labels), "Annotations": map(annotations)});
    match alerts {
        [] => vec![one(&Shown::default())].into(),
        alerts => alerts.iter().map(one).collect::<Vec<_>>().into(),
    }
}
