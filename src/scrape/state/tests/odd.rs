//! Odd pages and a store that takes no more series: what is taken all the same.

use super::*;

#[test]
fn a_series_that_comes_several_times_is_stored_in_the_order_of_the_page() {
    let mut world = world(job());
    world.recorder.0.lock().unwrap().is_strict = true;
    world.scrape(
        20_000,
        "up 1\nb 1 15000\nback 2 16000\nforth 1 15000\nback 1 15000\nforth 2 16000\nafter 1\nafter 2 15000\nbefore 1 15000\nbefore 2\n",
    );
    assert_eq!(world.own(15_000), ["b 1", "before 1", "forth 1"], "what goes back after it went forth is refused");
    assert_eq!(world.own(16_000), ["back 2", "forth 2"]);
    assert_eq!(world.own(20_000), ["after 1"]);
    assert_eq!(world.figure("prometheus_target_scrapes_sample_out_of_order_total"), 0.0, "as Prometheus counts it");
    assert_eq!(world.report(20_000), ["1", "10", "10", "6"], "a line again is no new series");
    world.scrape(30_000, "b 1 14000\nback 3 16000\nnew 1 12000\n");
    assert_eq!(world.figure("prometheus_target_scrapes_sample_out_of_order_total"), 1.0);
    assert_eq!(world.figure("prometheus_target_scrapes_sample_duplicate_timestamp_total"), 2.0);
}

#[test]
fn a_tracked_series_ends_where_its_sample_is_refused() {
    let mut world = world(JobOptions { track_timestamps_staleness: true, ..job() });
    world.recorder.0.lock().unwrap().is_strict = true;
    for (at, time) in [(20_000, 15_000), (30_000, 14_000), (40_000, 13_000)] {
        world.scrape(at, &format!("a 1 {time}\nb 1\n"));
    }
    assert_eq!(world.own(30_000), ["a stale", "b 1"]);
    assert_eq!(world.own(40_000), ["b 1"], "it has ended");
}

#[test]
fn what_relabeling_makes_one_series_is_not_counted_as_repeated() {
    let drop = Step { action: Action::LabelDrop, regex: AnchoredRegex::new("gone").unwrap(), ..Step::default() };
    let mut world = world(JobOptions { metric_relabel: vec![drop], ..job() });
    for at in 1..3 {
        world.scrape(at, "a{gone=\"1\",x=\"2\"} 1\na{gone=\"2\",x=\"2\"} 2\na{x=\"2\",gone=\"1\"} 3\n");
        assert_eq!(world.own(at), ["a{x=\"2\"} 1"]);
        assert_eq!(world.report(at)[1..], ["3", "3", if at == 1 { "3" } else { "0" }], "each line is told as new, as in Prometheus");
        assert_eq!(world.figure("prometheus_target_scrapes_sample_duplicate_timestamp_total"), at as f64);
    }
}

#[test]
fn a_page_may_speak_of_itself() {
    let mut world = world(job());
    for at in 1..3 {
        world.scrape(at, "up 5\nb 1\n");
        assert_eq!(world.report(at)[..3], ["5", "2", "2"]);
    }
    world.fail(3);
    assert_eq!(world.report(3)[0], "0");
    assert_eq!(world.own(3), ["b stale"]);
}

#[test]
fn a_target_that_says_nothing_for_a_moment_is_known_afterwards() {
    let mut world = world(job());
    world.scrape(1, "a 1\nb 1\n");
    world.scrape(2, "");
    assert_eq!(
        (world.own(2), world.report(2)),
        (vec!["a stale".to_owned(), "b stale".to_owned()], vec!["1".to_owned(), "0".into(), "0".into(), "0".into()])
    );
    world.scrape(3, "");
    assert!(world.own(3).is_empty());
    world.scrape(4, "a 1\nb 1\n");
    assert_eq!(world.report(4), ["1", "2", "2", "0"]);
}

#[test]
fn series_that_the_store_refuses_cost_only_themselves() {
    let mut world = world(job());
    world.scrape(1, "a 1\nb 1\n");
    let held = world.recorder.0.lock().unwrap().series.len();
    world.recorder.0.lock().unwrap().series_max = Some(held);
    for at in 2..4 {
        let scraped = world.scrape(at, "a 2\nnew 1\nb 2\nnewer 1\n");
        assert_eq!(scraped.error, None);
        assert_eq!(scraped.unstored, Some((2, format!("no more than {held} series"))));
        assert_eq!(
            (world.own(at), world.report(at)),
            (vec!["a 2".to_owned(), "b 2".into()], ["1", "4", "4", "0"].map(str::to_owned).to_vec())
        );
        let count = world.registry.counter(
            "promlet_target_refused_series_samples_total",
            "",
            &[("scrape_job", "j"), ("target", "http://h:1/metrics")],
        );
        assert_eq!(count.get(), 2 * (at as u64 - 1));
    }
    world.recorder.0.lock().unwrap().series_max = None;
    let asked = (4..12).find(|at| world.scrape(*at, "a 2\nnew 1\nb 2\nnewer 1\n").unstored.is_none()).expect("it is asked for again");
    assert_eq!(world.report(asked), ["1", "4", "4", "2"]);
    assert_eq!(world.own(asked).len(), 4);
}
