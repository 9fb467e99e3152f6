//! Single turns of the state machine that the timelines in `tests/it/rules.rs` do not reach.

use super::*;

const NOW: TimestampMs = TimestampMs(1_000_000);

fn seconds(count: i64) -> DurationMs {
    DurationMs::seconds(count)
}

fn one(value: f64) -> Vec<Observed> {
    vec![Observed { labels: Labels::from_pairs([("alertname", "a")]), annotations: Labels::empty(), value }]
}

fn timings(hold: i64, keep: i64, limit: usize) -> AlertTimings {
    AlertTimings { hold: seconds(hold), keep_firing_for: seconds(keep), limit }
}

fn state(tracks: &Tracks) -> Option<AlertState> {
    tracks.values().next().map(|track| track.state)
}

#[test]
fn keeps_firing_for_its_time_then_resolves() {
    let rule = timings(0, 60, 0);
    let mut tracks = Tracks::new();
    step(rule, &mut tracks, one(1.0), NOW).unwrap();
    step(rule, &mut tracks, vec![], NOW + seconds(30)).unwrap();
    assert_eq!(state(&tracks), Some(AlertState::Firing));
    step(rule, &mut tracks, vec![], NOW + seconds(89)).unwrap();
    assert_eq!(state(&tracks), Some(AlertState::Firing), "59 s after it was first missed");
    step(rule, &mut tracks, vec![], NOW + seconds(90)).unwrap();
    assert_eq!(state(&tracks), Some(AlertState::Inactive));
}

#[test]
fn coming_back_restarts_keep_firing() {
    let rule = timings(0, 60, 0);
    let mut tracks = Tracks::new();
    step(rule, &mut tracks, one(1.0), NOW).unwrap();
    step(rule, &mut tracks, vec![], NOW + seconds(30)).unwrap();
    step(rule, &mut tracks, one(2.0), NOW + seconds(60)).unwrap();
    step(rule, &mut tracks, vec![], NOW + seconds(100)).unwrap();
    assert_eq!(state(&tracks), Some(AlertState::Firing), "the 60 s count from the second miss");
}

#[test]
fn a_limit_forgets_all_and_the_same_labels_change_nothing() {
    let mut tracks = Tracks::new();
    step(timings(0, 0, 0), &mut tracks, one(1.0), NOW).unwrap();
    let twice = [one(1.0), one(2.0)].concat();
    let before = tracks.clone();
    assert_eq!(step(timings(0, 0, 0), &mut tracks, twice, NOW + seconds(1)), Err(AlertingError::SameLabels));
    assert_eq!(tracks, before);
    let other = Observed { labels: Labels::from_pairs([("alertname", "b")]), annotations: Labels::empty(), value: 1.0 };
    let two = [one(1.0), vec![other]].concat();
    let error = step(timings(0, 0, 1), &mut tracks, two, NOW + seconds(2)).unwrap_err();
    assert_eq!(error.to_string(), "exceeded limit of 1 with 2 alerts");
    assert!(tracks.is_empty());
}

#[test]
fn a_raised_hold_sends_firing_back_to_pending() {
    let mut tracks = Tracks::new();
    step(timings(0, 0, 0), &mut tracks, one(1.0), NOW).unwrap();
    assert_eq!(state(&tracks), Some(AlertState::Firing));
    step(timings(300, 0, 0), &mut tracks, one(1.0), NOW + seconds(60)).unwrap();
    assert_eq!(state(&tracks), Some(AlertState::Pending));
    assert!(!tracks.values().next().unwrap().is_due(NOW + seconds(60), seconds(60)));
}

#[test]
fn a_resolved_alert_is_told_for_a_quarter_of_an_hour() {
    let rule = timings(0, 0, 0);
    let mut tracks = Tracks::new();
    step(rule, &mut tracks, one(1.0), NOW).unwrap();
    step(rule, &mut tracks, vec![], NOW + seconds(60)).unwrap();
    step(rule, &mut tracks, vec![], NOW + seconds(960)).unwrap();
    assert_eq!(tracks.len(), 1, "900 s after it was resolved");
    step(rule, &mut tracks, vec![], NOW + seconds(961)).unwrap();
    assert!(tracks.is_empty());
}

#[test]
fn writes_both_series_of_active_alerts() {
    let mut tracks = Tracks::new();
    step(timings(60, 0, 0), &mut tracks, one(1.0), NOW).unwrap();
    let shown: Vec<(String, f64)> = series(&tracks).into_iter().map(|s| (s.labels.to_string(), s.value)).collect();
    assert_eq!(
        shown,
        [("ALERTS{alertname=\"a\", alertstate=\"pending\"}".to_owned(), 1.0), ("ALERTS_FOR_STATE{alertname=\"a\"}".to_owned(), 1000.0)]
    );
}
