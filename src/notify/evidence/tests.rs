//! What is found for messages, and what is not.

use super::*;
use crate::alerts::fingerprint;
use crate::alerts::notification::{Measured, Reason};
use crate::model::Alert;

const NOW: i64 = 10_000_000;
const SERVER: &str = "http://box:9090";

fn alert(run: &str, began: i64, ended: Option<i64>, url: &str) -> NotifiedAlert {
    let labels = Labels::from_pairs([("alertname", "Loss"), ("run", run)]);
    NotifiedAlert {
        fingerprint: fingerprint::of(&labels),
        status: if ended.is_some() { Status::Resolved } else { Status::Firing },
        ended_while_down: false,
        measured: Measured::default(),
        alert: Alert {
            labels,
            annotations: Labels::empty(),
            starts_at: TimestampMs(began),
            ends_at: TimestampMs(ended.unwrap_or(i64::MAX)),
            generator_url: url.to_owned(),
            value: Some(1.0),
        },
    }
}

fn own(expression: &str) -> String {
    format!("{SERVER}/graph?g0.expr={}&g0.tab=1", super::super::query::escape(expression))
}

fn notification(alerts: Vec<NotifiedAlert>) -> Notification {
    Notification {
        id: "id".to_owned(),
        receiver: "r".to_owned(),
        integration: "email[0]".to_owned(),
        status: Status::Firing,
        reason: Reason::First,
        alerts,
        group_labels: Labels::empty(),
        route_labels: Labels::empty(),
        group_key: "{}".to_owned(),
        external_url: SERVER.to_owned(),
        at: TimestampMs(NOW),
        may_repeat: false,
        memo: None,
        in_place_of: Vec::new(),
        deadline: DurationMs::seconds(30),
    }
}

/// Values rise by one a minute, for two runs.
fn course(window: &Window) -> Result<Vec<Line>, String> {
    let count = (window.end.0 - window.start.0) / window.step.0;
    let points = |scale: f64| (0..=count).map(|n| (window.start + DurationMs(n * window.step.0), n as f64 * scale)).collect();
    let line = |run: &str, scale: f64| Line { labels: Labels::from_pairs([("run", run)]), points: points(scale) };
    Ok(vec![line("6", 0.5), line("7", 1.0)])
}

fn witness(course: CourseOf) -> Witness {
    let threshold = |text: &str| text.contains('>').then_some(Threshold { operator: ">", value: 5.0 });
    Witness {
        evidence: Evidence { threshold: Arc::new(threshold), course },
        draws: true,
        allowance: Arc::default(),
        clock: Clock::manual(TimestampMs(NOW)),
        registry: Registry::default(),
    }
}

fn counted(witness: &Witness, outcome: &str) -> u64 {
    witness.registry.counter("promlet_notification_courses_total", "", &[("outcome", outcome)]).get()
}

#[tokio::test]
async fn alerts_of_one_expression_share_a_chart_and_know_threshold_and_peak() {
    let witness = witness(Arc::new(course));
    let told = notification(vec![
        alert("7", NOW - 600_000, None, &own("loss > 5")),
        alert("6", NOW - 1_200_000, Some(NOW - 300_000), &own("loss > 5")),
    ]);
    let (known, charts) = witness.look(&told, true).await;
    let threshold = Some(Threshold { operator: ">", value: 5.0 });
    assert_eq!(known.alerts[0].measured, Measured { threshold, peak: None });
    assert_eq!(known.alerts[1].measured.threshold, threshold);
    // 240 steps of 15 s end 5 s after NOW; the last step within the alert is 21 steps before that.
    assert_eq!(known.alerts[1].measured.peak, Some(0.5 * 219.0));
    assert_eq!(charts.len(), 1);
    assert_eq!(charts[0].of, told.alerts[0].fingerprint);
    assert_eq!(charts[0].legend.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["run=7", "run=6"]);
    assert!(
        charts[0].alt.starts_with("Chart of Loss, 1970-01-01 01:46") && charts[0].alt.ends_with("it fires at > 5"),
        "{}",
        charts[0].alt
    );
    assert_eq!(charts[0].caption, "Dashed: > 5. Shaded: firing. 01:46 to 02:46 UTC.");
    assert_eq!(counted(&witness, "found"), 1);
    let (_, charts) = witness.look(&told, false).await;
    assert!(charts.is_empty(), "others have no room for them");
}

#[tokio::test]
async fn only_the_own_expressions_are_looked_up_and_no_more_than_three() {
    let witness = witness(Arc::new(course));
    let foreign = notification(vec![alert("7", NOW, None, "http://other:9090/graph?g0.expr=loss+%3E+5"), alert("6", NOW, None, "")]);
    let (known, charts) = witness.look(&foreign, true).await;
    assert_eq!((known, charts.len()), (foreign, 0));
    let four = (0..4).map(|n| alert("7", NOW - 1000, None, &own(&format!("loss > {n}")))).collect();
    assert_eq!(witness.look(&notification(four), true).await.1.len(), CHARTS_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_slow_or_failing_store_costs_the_chart_and_nothing_else() {
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    let slow = witness(Arc::new(move |_: &Window| {
        let _closed = held.lock().unwrap().recv();
        Err("too late".to_owned())
    }));
    let told = notification(vec![alert("7", NOW, None, &own("loss > 5"))]);
    // Time does not pass by itself while a thread works.
    let (passing, looking) = (tokio::time::advance(EVIDENCE_TIME_MAX), slow.look(&told, true));
    let ((known, charts), ()) = tokio::join!(looking, passing);
    assert_eq!((known.alerts[0].measured.threshold.is_some(), charts.len(), counted(&slow, "too_late")), (true, 0, 1));
    drop(hold);
    let failing = witness(Arc::new(|_: &Window| Err("no".to_owned())));
    assert!(failing.look(&told, true).await.1.is_empty());
    assert_eq!(counted(&failing, "failed"), 1);
    let panics = witness(Arc::new(|_: &Window| panic!("a bug")));
    assert!(panics.look(&told, true).await.1.is_empty());
}

#[tokio::test]
async fn in_a_storm_messages_go_without() {
    let witness = witness(Arc::new(course));
    let told = notification(vec![alert("7", NOW - 1000, None, &own("loss > 5"))]);
    for _ in 0..COURSES_PER_MINUTE_MAX {
        assert_eq!(witness.look(&told, true).await.1.len(), 1);
    }
    let (known, charts) = witness.look(&told, true).await;
    assert_eq!((charts.len(), counted(&witness, "left_out")), (0, 1));
    assert!(known.alerts[0].measured.threshold.is_some(), "that costs nothing");
    witness.clock.advance(DurationMs::seconds(60));
    assert_eq!(witness.look(&told, true).await.1.len(), 1);
}

#[test]
fn windows_follow_the_alerts() {
    let of = |alerts: Vec<NotifiedAlert>| {
        let alerts: Vec<(usize, NotifiedAlert)> = alerts.into_iter().enumerate().collect();
        let window = window("x".to_owned(), &alerts, TimestampMs(NOW));
        assert!(window.start <= window.end && (window.end.0 - window.start.0) % window.step.0 == 0, "{window:?}");
        ((NOW - window.start.0) / 1000, (NOW - window.end.0) / 1000, window.step.0 / 1000)
    };
    assert_eq!(of(vec![alert("7", NOW - 60_000, None, "")]), (3595, -5, 15), "an hour, on the grid of 15 s");
    let (start, end, step) = of(vec![alert("7", NOW - 7_200_000, None, "")]);
    assert!(start > 8_900 && start < 9_100 && (-step..=0).contains(&end) && step == 37, "{start} {end} {step}");
    let (_, end, _) = of(vec![alert("7", NOW - 7_200_000, Some(NOW - 3_600_000), "")]);
    assert!((3_200..3_300).contains(&end), "{end}: a tenth of its length after its end");
    let (start, _, _) = of(vec![alert("7", NOW - 864_000_000, None, "")]);
    assert!(start <= 86_800, "at most a day");
    assert_eq!(of(vec![alert("7", NOW + 5_000, None, "")]).1, -5, "a start in the future");
}

#[test]
fn small_values_that_fire_have_a_lowest_and_equal_ones_no_peak() {
    let told = alert("7", 1_000, Some(3_000), "");
    let points = vec![
        (TimestampMs(0), -9.0),
        (TimestampMs(1_000), 4.0),
        (TimestampMs(2_000), f64::NAN),
        (TimestampMs(3_000), 2.0),
        (TimestampMs(4_000), 99.0),
    ];
    let line = Line { labels: Labels::empty(), points };
    let window = Window { expression: String::new(), start: TimestampMs(0), end: TimestampMs(5_000), step: DurationMs(1000) };
    let peak = |operator: Option<&'static str>| {
        let threshold = operator.map(|operator| Threshold { operator, value: 0.0 });
        super::peak(&Subject { window: window.clone(), threshold, alerts: Vec::new() }, &line, &told)
    };
    assert_eq!(
        [peak(Some(">")), peak(Some("<=")), peak(None), peak(Some("=="))],
        [Some(4.0), Some(1.0), Some(4.0), None],
        "the rule saw 1 between the points"
    );
}
