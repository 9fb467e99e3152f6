//! Every template of a configuration rendered before it is needed: on alerts that fire, on resolved ones, and on one without any label.

use std::path::PathBuf;

use super::options::RehearsedText;
use super::texts::Texts;
use crate::model::{Labels, TimestampMs};
use crate::telemetry::Registry;
use crate::template::data::{NotificationAlert, NotificationData};
use crate::template::notification_functions::notification_functions;

const STARTED: TimestampMs = TimestampMs(1_700_000_000_000);
const ENDED: TimestampMs = TimestampMs(1_700_000_600_000);

/// For each text what is wrong with it, if anything; or the template files that cannot be used.
pub fn rehearse(files: &[PathBuf], texts: &[RehearsedText<'_>]) -> Result<Vec<Option<String>>, Vec<String>> {
    let set =
        Texts::read(files, true, &Registry::default()).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<String>>())?;
    let firing = [alert("firing", "0"), alert("firing", "1")];
    let nothing = NotificationAlert { labels: Labels::empty(), annotations: Labels::empty(), ..alert("firing", "0") };
    let samples = [
        ("firing alerts", false, data("firing", &firing)),
        ("resolved alerts", true, data("resolved", &[alert("resolved", "0")])),
        ("an alert without labels", false, data("firing", &[nothing])),
    ];
    let functions = notification_functions(ENDED, &Labels::empty());
    let judge = |text: &RehearsedText<'_>| {
        samples.iter().filter(|(_, is_resolved, _)| !is_resolved || text.resolved).find_map(|(name, _, data)| {
            let error = set.rendered(text.text, text.html, &data.to_value(), &functions).err()?.to_string();
            (!is_elsewhere(&error)).then(|| format!("fails on {name}: {error}"))
        })
    };
    Ok(texts.iter().map(judge).collect())
}

/// Names that Alertmanager defines for integrations whose texts are not here.
fn is_elsewhere(error: &str) -> bool {
    error.contains(".default.") && error.ends_with("not defined")
}

fn alert(status: &str, gpu: &str) -> NotificationAlert {
    NotificationAlert {
        status: status.to_owned(),
        labels: Labels::from_pairs([
            ("alertname", "GpuTooHot"),
            ("gpu", gpu),
            ("instance", "box:9400"),
            ("job", "gpu"),
            ("severity", "warning"),
        ]),
        annotations: Labels::from_pairs([("description", "91 degrees for five minutes"), ("summary", "GPU is too hot")]),
        starts_at: STARTED,
        ends_at: (status == "resolved").then_some(ENDED),
        generator_url: "http://localhost:9090/graph?g0.expr=x&g0.tab=1".to_owned(),
        fingerprint: "0123456789abcdef".to_owned(),
    }
}

fn data(status: &str, alerts: &[NotificationAlert]) -> NotificationData {
    let first = &alerts[0];
    NotificationData {
        receiver: "receiver".to_owned(),
        status: status.to_owned(),
        alerts: alerts.to_vec(),
        group_labels: Labels::from_pairs(first.labels.iter().filter(|(name, _)| *name == "alertname")),
        common_labels: first.labels.without(&["gpu"]),
        common_annotations: first.annotations.clone(),
        notification_reason: "first notification".to_owned(),
        external_url: "http://localhost:9090".to_owned(),
        ..NotificationData::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str, html: bool, resolved: bool) -> Option<String> {
        rehearse(&[], &[RehearsedText { text, html, resolved }]).unwrap().remove(0)
    }

    #[test]
    fn what_fails_on_some_alerts_is_told() {
        assert_eq!(
            judged("{{ .Alerts.Firing | len }} {{ .CommonAnnotations.nope }} {{ template \"slack.default.title\" . }}", false, true),
            None
        );
        assert_eq!(judged("{{ (index .Alerts.Firing 0).Labels.gpu }}", false, false), None);
        let error = judged("{{ (index .Alerts.Firing 0).Labels.gpu }}", false, true).unwrap();
        assert!(error.starts_with("fails on resolved alerts: template: ") && error.contains("index out of range"), "{error}");
        let error = judged("{{ .Alert.Labels }}", false, false).unwrap();
        assert!(error.starts_with("fails on firing alerts: ") && error.contains("can't evaluate field Alert"), "{error}");
        let error = judged("{{ slice .CommonLabels.alertname 0 3 }}", true, false).unwrap();
        assert!(error.starts_with("fails on an alert without labels: "), "{error}");
        assert!(judged("{{ template \"mine\" . }}", false, false).is_some());
        assert_eq!(judged("{{ template \"pagerduty.default.description\" . }}", false, false), None, "Alertmanager has it");
    }

    #[test]
    fn files_that_cannot_be_used_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tmpl");
        std::fs::write(&path, "{{ define \"x\" }}").unwrap();
        let errors = rehearse(&[path], &[]).unwrap_err();
        assert!(errors[0].contains("a.tmpl: ") && errors[0].contains("unexpected EOF"), "{errors:?}");
    }
}
