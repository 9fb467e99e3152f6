//! Groups that run by themselves on a runtime: on their interval, until they are stopped.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use promlet::clock::Clock;
use promlet::model::{Alert, DurationMs, Labels};
use promlet::rules::{QueryResult, ResultSample, RuleGroups, RulesParts};
use promlet::telemetry::Registry;

use super::bench::{alerting, group, options};
use super::store::Store;

const PATIENCE: Duration = Duration::from_secs(30);

fn running() -> (RuleGroups, Receiver<Vec<Alert>>, Registry) {
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let (store, registry) = (Store::default(), Registry::default());
    let parts = RulesParts {
        clock: Clock::system(),
        registry: registry.clone(),
        query: Arc::new(|expr, _| match expr {
            "panic" => panic!("an engine that panics"),
            _ => Ok(QueryResult::Vector(vec![ResultSample::float(Labels::empty(), 1.0)])),
        }),
        append: Arc::new(store.clone()),
        select: Arc::new(store),
        alerts: Arc::new(move |alerts| {
            // The test may have ended already.
            let _ = sender.lock().unwrap().send(alerts);
        }),
    };
    (RuleGroups::new(parts), receiver, registry)
}

#[test]
fn groups_run_on_their_interval_until_stopped() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let (groups, alerts, registry) = running();
    groups.start(runtime.handle());
    let mut quick = group("g", vec![alerting("A", "x", 0, &[], &[])]);
    quick.interval = DurationMs(20);
    let mut panics = group("p", vec![alerting("P", "panic", 0, &[], &[])]);
    panics.interval = DurationMs(20);
    let mut wanted = options(vec![quick, panics]);
    wanted.limits.resend_delay = DurationMs(20);
    groups.apply(wanted.clone());
    let first = alerts.recv_timeout(PATIENCE).unwrap();
    let second = alerts.recv_timeout(PATIENCE).unwrap();
    assert_eq!((first[0].name(), second[0].name()), ("A", "A"));
    assert_eq!((second[0].ends_at - first[0].ends_at).0 % 20, 0, "evaluation times are multiples of the interval");
    let iterations = registry.counter("prometheus_rule_group_iterations_total", "", &[("rule_group", "rules.yml;g")]);
    assert!(iterations.get() >= 1);

    groups.apply(wanted);
    alerts.recv_timeout(PATIENCE).unwrap();
    groups.stop();
    let after = iterations.get();
    while alerts.try_recv().is_ok() {}
    drop(runtime);
    assert_eq!(iterations.get(), after, "nothing is evaluated after stop");
    assert!(alerts.try_recv().is_err());
}
