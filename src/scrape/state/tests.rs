//! Pages into rows: what is stored, what ends, what fails, against a store that only records.

use std::collections::BTreeMap;
use std::sync::Mutex;

use proptest::prelude::*;

mod allocations;
mod odd;

use super::*;
use crate::client::ClientOptions;
use crate::model::regex::AnchoredRegex;
use crate::model::{DurationMs, Labels, Metadata, Value, is_stale};
use crate::relabel::{Action, Step};
use crate::scrape::options::{JobOptions, ScrapeLimits, ScrapeProtocol};
use crate::scrape::target::{self, Prepared};
use crate::storage::GroupKey;
use crate::telemetry::Registry;

#[derive(Default)]
struct Recorded {
    series: Vec<Labels>,
    rows: Vec<Row>,
    described: Vec<(String, Metadata)>,
    /// More series are refused.
    series_max: Option<usize>,
    /// Newest sample of each column; what is not after it is refused as by the store, where `is_strict`.
    newest: BTreeMap<u32, (i64, u64)>,
    is_strict: bool,
}

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Recorded>>);

impl Append for Recorder {
    fn writer(&self, _key: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError> {
        Ok(Box::new(self.clone()))
    }
}

impl RowWriter for Recorder {
    fn column(&mut self, labels: &Labels) -> Result<Column, AppendError> {
        let mut recorded = self.0.lock().unwrap();
        let at = recorded.series.iter().position(|known| known == labels).unwrap_or(recorded.series.len());
        if at == recorded.series.len() {
            if recorded.series_max == Some(at) {
                return Err(AppendError::Limit(format!("no more than {at} series")));
            }
            recorded.series.push(labels.clone());
        }
        Ok(Column(at as u32))
    }

    fn describe(&mut self, family: &str, metadata: &Metadata) -> Result<(), AppendError> {
        self.0.lock().unwrap().described.push((family.to_owned(), metadata.clone()));
        Ok(())
    }

    fn commit(&mut self, row: &Row) -> Result<RowReport, AppendError> {
        let mut columns: Vec<Column> = row.cells.iter().map(|cell| cell.column).collect();
        columns.sort_unstable();
        columns.dedup();
        assert_eq!(columns.len(), row.cells.len(), "at most one cell a column");
        let mut recorded = self.0.lock().unwrap();
        let (mut taken, mut report) = (row.clone(), RowReport::default());
        if recorded.is_strict {
            taken.cells.retain(|cell| {
                let Value::Float(value) = cell.value else { return true };
                let last = recorded.newest.get(&cell.column.0).copied().unwrap_or((i64::MIN, 0));
                match row.at.0.cmp(&last.0) {
                    std::cmp::Ordering::Less => report.rejected.push((cell.column, Rejected::OutOfOrder)),
                    std::cmp::Ordering::Equal if value.to_bits() != last.1 => report.rejected.push((cell.column, Rejected::Duplicate)),
                    _ => drop(recorded.newest.insert(cell.column.0, (row.at.0, value.to_bits()))),
                }
                !report.rejected.iter().any(|(column, _)| *column == cell.column)
            });
        }
        report.accepted = taken.cells.len();
        recorded.rows.push(taken);
        Ok(report)
    }
}

struct World {
    recorder: Recorder,
    tools: Tools,
    registry: Registry,
    state: TargetState,
}

fn job() -> JobOptions {
    JobOptions {
        job_name: "j".into(),
        scrape_interval: DurationMs(5_000),
        scrape_timeout: DurationMs(5_000),
        metrics_path: "/metrics".into(),
        scheme: "http".into(),
        params: Vec::new(),
        honor_labels: false,
        honor_timestamps: true,
        track_timestamps_staleness: false,
        enable_compression: true,
        extra_scrape_metrics: false,
        protocols: vec![ScrapeProtocol::Text0],
        fallback_protocol: None,
        limits: ScrapeLimits::default(),
        client: ClientOptions::default(),
        discovery: Vec::new(),
        relabel: Vec::new(),
        metric_relabel: Vec::new(),
        legacy_names: false,
    }
}

fn setup(job: JobOptions) -> Arc<Setup> {
    match target::prepare(&Arc::new(job), "h:1", &Labels::empty()).unwrap() {
        Prepared::Target(setup) => Arc::from(setup),
        Prepared::Dropped(_) => panic!("kept"),
    }
}

fn world(job: JobOptions) -> World {
    let (recorder, registry) = (Recorder::default(), Registry::default());
    let mut tools = Tools {
        append: Arc::new(recorder.clone()),
        clock: Clock::manual(TimestampMs(0)),
        figures: Figures::new(&registry),
        families: Arc::default(),
        samples: Samples::default(),
        recall: Recall::default(),
        timed: Row::default(),
    };
    let state = TargetState::open(&setup(job), &mut tools).unwrap();
    World { recorder, tools, registry, state }
}

impl World {
    fn scrape_as(&mut self, format: Format, at: i64, page: &str) -> Scraped {
        let page = Ok(PlainPage { body: page.as_bytes(), format });
        self.state.take(Scrape { at: TimestampMs(at), started: Duration::ZERO, page, over_body_limit: false }, &mut self.tools)
    }

    fn scrape(&mut self, at: i64, page: &str) -> Scraped {
        self.scrape_as(Format::Text, at, page)
    }

    fn fail(&mut self, at: i64) -> Scraped {
        let page = Err("connection refused".to_owned());
        self.state.take(Scrape { at: TimestampMs(at), started: Duration::ZERO, page, over_body_limit: false }, &mut self.tools)
    }

    /// All cells at a time, without the target's labels: `name{labels}` to value text.
    fn row(&self, at: i64) -> BTreeMap<String, String> {
        let recorded = self.recorder.0.lock().unwrap();
        let cells = recorded.rows.iter().filter(|row| row.at.0 == at).flat_map(|row| &row.cells);
        cells
            .map(|cell| {
                let Value::Float(value) = cell.value else { panic!("a float") };
                let text = if is_stale(value) { "stale".to_owned() } else { crate::model::number::format_general(value) };
                (recorded.series[cell.column.0 as usize].without(&["job", "instance"]).to_string(), text)
            })
            .collect()
    }

    /// The row without the report series.
    fn own(&self, at: i64) -> Vec<String> {
        let all = self.row(at).into_iter().filter(|(name, _)| name != "up" && !name.starts_with("scrape_"));
        all.map(|(name, value)| format!("{name} {value}")).collect()
    }

    fn report(&self, at: i64) -> Vec<String> {
        let row = self.row(at);
        ["up", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added"]
            .map(|name| row[name].clone())
            .to_vec()
    }

    /// Why a sample of the last page was refused, and of which series it was.
    fn complaint(&self) -> Option<String> {
        let (column, reason) = self.tools.samples.refused?;
        Some(format!("{}: {}", reason.as_str(), self.state.lines.text_of(column)?))
    }

    fn figure(&self, name: &str) -> f64 {
        self.registry.gather().iter().find(|family| family.name == name).map_or(f64::NAN, |family| family.samples[0].2)
    }
}

const PAGE: &str = "# HELP a x\n# TYPE a gauge\na{l=\"1\"} 1\na{l=\"2\"} 2\n\n# TYPE b counter\nb 3\n";

#[test]
fn an_unchanged_page_is_replayed_with_its_new_values() {
    let mut world = world(job());
    assert_eq!(world.scrape(1_000, PAGE).error, None);
    assert_eq!(world.own(1_000), ["a{l=\"1\"} 1", "a{l=\"2\"} 2", "b 3"]);
    assert_eq!(world.report(1_000), ["1", "3", "3", "3"]);
    world.scrape(2_000, &PAGE.replace("} 2", "} 2.5e10").replace("b 3", "b NaN"));
    assert_eq!(world.own(2_000), ["a{l=\"1\"} 1", "a{l=\"2\"} 2.5e+10", "b NaN"]);
    assert_eq!(world.report(2_000), ["1", "3", "3", "0"]);
    assert_eq!((world.figure("promlet_scrape_pages_unchanged_total"), world.figure("promlet_scrape_pages_changed_total")), (1.0, 1.0));
    assert_eq!(world.recorder.0.lock().unwrap().described.len(), 2);
}

#[test]
fn lines_that_come_go_or_move_keep_their_columns() {
    let mut world = world(job());
    world.scrape(1, PAGE);
    let columns = world.recorder.0.lock().unwrap().series.len();
    world.scrape(2, "b 4\na{l=\"2\"} 5\n");
    assert_eq!(world.own(2), ["a{l=\"1\"} stale", "a{l=\"2\"} 5", "b 4"]);
    world.scrape(3, "b 4\na{l=\"2\"} 5\n");
    assert_eq!(world.own(3), ["a{l=\"2\"} 5", "b 4"]);
    world.scrape(4, "b 4\nbb 1\na{l=\"2\"} 5\n");
    assert_eq!((world.own(4).join(";"), world.report(4)[3].as_str()), ("a{l=\"2\"} 5;b 4;bb 1".to_owned(), "1"));
    world.scrape(5, PAGE);
    assert_eq!(world.own(5), ["a{l=\"1\"} 1", "a{l=\"2\"} 2", "b 3", "bb stale"]);
    assert_eq!(world.recorder.0.lock().unwrap().series.len(), columns + 1);
}

#[test]
fn a_longer_name_at_the_same_place_is_another_series() {
    let mut world = world(job());
    world.scrape(1, "foo 1\nx 1\n");
    world.scrape(2, "foobar 2\nx 1\n");
    assert_eq!(world.own(2), ["foo stale", "foobar 2", "x 1"]);
    world.scrape(3, "foo{a=\"b\"} 2\nx 1\n");
    assert_eq!(world.own(3), ["foobar stale", "foo{a=\"b\"} 2", "x 1"]);
    world.scrape(4, "foo {a=\"b\"} 2\nx 1\n");
    assert_eq!(world.own(4), ["foo{a=\"b\"} 2", "x 1"]);
}

#[test]
fn failed_scrapes_end_all_series_once() {
    let mut world = world(job());
    world.scrape(1, PAGE);
    assert_eq!(world.fail(2).error.as_deref(), Some("connection refused"));
    assert_eq!(world.own(2), ["a{l=\"1\"} stale", "a{l=\"2\"} stale", "b stale"]);
    assert_eq!(world.report(2), ["0", "0", "0", "0"]);
    world.fail(3);
    assert!(world.own(3).is_empty());
    world.scrape(4, PAGE);
    assert_eq!(world.report(4), ["1", "3", "3", "0"], "known lines are not new after a failure");
    let error = world.scrape(5, "a{l=\"1\"} 1\nb x\n").error.unwrap();
    assert_eq!(error, "line 2: expected a number as the value, found \"x\" in \"b x\"");
    assert_eq!(world.own(5), ["a{l=\"1\"} stale", "a{l=\"2\"} stale", "b stale"]);
    assert_eq!(world.report(5), ["0", "1", "1", "0"]);
    world.scrape(55, "new 1\nb x\n");
    assert_eq!(world.report(55), ["0", "1", "1", "0"], "nothing was added");
    world.scrape(60, "b 1\n");
    assert_eq!(world.own(60), ["b 1"], "what ended at the failure does not end again");
    world.state.end(TimestampMs(70), &mut world.tools).unwrap();
    assert_eq!(world.row(70).len(), 6);
    assert!(world.row(70).values().all(|value| value == "stale"));
}

#[test]
fn of_duplicates_the_first_wins() {
    let mut world = world(job());
    for at in 1..3 {
        world.scrape(at, "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\na{x=\"1\",y=\"2\"} 3\nb 1\n");
        assert_eq!(world.own(at), ["a{x=\"1\", y=\"2\"} 1", "b 1"]);
        assert_eq!(world.report(at)[1..3], ["4", "4"]);
        assert_eq!(world.figure("prometheus_target_scrapes_sample_duplicate_timestamp_total"), 2.0 * at as f64);
    }
    assert_eq!(world.complaint().as_deref(), Some("duplicate sample for timestamp: a{x=\"1\",y=\"2\"}"));
    world.scrape(3, "b 1\n");
    assert_eq!(world.own(3), ["a{x=\"1\", y=\"2\"} stale", "b 1"]);
}

#[test]
fn stated_times_make_rows_of_their_own() {
    let mut world = world(job());
    for at in [10_000, 20_000] {
        world.scrape(at, &format!("a 1 {}\nb 2\nc 3 {}\nd 4 {}\na 5 {}\n", at - 10, at - 10, at - 5, at + 700_000));
        assert_eq!(world.own(at), ["b 2"]);
        assert_eq!(world.own(at - 10), ["a 1", "c 3"]);
        assert_eq!(world.own(at - 5), ["d 4"]);
        assert_eq!(world.report(at)[1], "5");
    }
    assert_eq!(world.figure("prometheus_target_scrapes_sample_out_of_bounds_total"), 2.0);
    assert_eq!(world.complaint().as_deref(), Some("the sample is too far in the future: a"));
    world.fail(30_000);
    assert_eq!(world.own(30_000), ["b stale"], "series with their own times are not ended");
    let mut tracking = self::world(JobOptions { track_timestamps_staleness: true, ..job() });
    tracking.scrape(10, "a 1 5\n");
    tracking.scrape(20, "");
    assert_eq!(tracking.own(20), ["a stale"]);
    let mut ignoring = self::world(JobOptions { honor_timestamps: false, ..job() });
    ignoring.scrape(10, "a 1 5\n");
    ignoring.scrape(20, "a 1 5\n");
    assert_eq!((ignoring.own(10), ignoring.own(20)), (vec!["a 1".to_owned()], vec!["a 1".to_owned()]));
}

#[test]
fn clashing_labels_are_exported_or_honored() {
    let page = "a{job=\"own\",instance=\"\",exported_job=\"x\"} 1\n";
    let full = |world: &World| world.recorder.0.lock().unwrap().series.last().unwrap().to_string();
    let mut plain = world(job());
    plain.scrape(1, page);
    assert_eq!(full(&plain), "a{exported_exported_job=\"own\", exported_job=\"x\", instance=\"h:1\", job=\"j\"}");
    let mut honoring = world(JobOptions { honor_labels: true, ..job() });
    honoring.scrape(1, page);
    assert_eq!(full(&honoring), "a{exported_job=\"x\", job=\"own\"}");
}

#[test]
fn metric_relabeling_drops_and_renames() {
    let drop =
        Step { action: Action::Drop, source_labels: vec!["__name__".into()], regex: AnchoredRegex::new("a").unwrap(), ..Step::default() };
    let rename =
        Step { source_labels: vec!["__name__".into()], target_label: "__name__".into(), replacement: "x_$1".into(), ..Step::default() };
    let mut world = world(JobOptions { metric_relabel: vec![drop, rename], ..job() });
    for at in 1..3 {
        world.scrape(at, PAGE);
        assert_eq!(world.own(at), ["x_b 3"]);
        assert_eq!(world.report(at)[1..3], ["3", "1"]);
    }
}

#[test]
fn limits_fail_the_whole_scrape_in_prometheus_words() {
    let with = |limits: ScrapeLimits| world(JobOptions { limits, ..job() });
    let mut samples = with(ScrapeLimits { samples: 2, ..ScrapeLimits::default() });
    for at in 1..3 {
        assert_eq!(samples.scrape(at, PAGE).error.as_deref(), Some("sample limit exceeded"));
        assert_eq!(samples.report(at)[..3], ["0", "3", "3"]);
        assert!(samples.own(at).is_empty());
    }
    assert_eq!(samples.figure("prometheus_target_scrapes_exceeded_sample_limit_total"), 2.0);
    assert_eq!(samples.scrape(3, "b 1\na 1\n").error, None, "exactly the limit");
    let mut labels = with(ScrapeLimits { labels: 3, ..ScrapeLimits::default() });
    let error = labels.scrape(1, PAGE).error.unwrap();
    assert_eq!(error, "label_limit exceeded (metric: a, number of labels: 4, limit: 3)");
    assert_eq!(labels.report(1), ["0", "1", "0", "0"], "the line at fault counts as scraped, not as kept");
    let mut values = with(ScrapeLimits { label_value_bytes: 5, ..ScrapeLimits::default() });
    let error = values.scrape(1, "a{l=\"123456\"} 1\n").error.unwrap();
    assert_eq!(error, "label_value_length_limit exceeded (metric: a, label name: l, value: \"123456\", length: 6, limit: 5)");
    assert_eq!(values.figure("prometheus_target_scrape_pool_exceeded_label_limits_total"), 1.0);
    let mut legacy = world(JobOptions { legacy_names: true, ..job() });
    let error = legacy.scrape(1, "{\"a.b\"} 1\n").error.unwrap();
    assert!(error.starts_with("line 1: invalid metric name or label names:"), "{error}");
}

#[test]
fn created_lines_give_start_timestamps() {
    let page = "# TYPE a counter\na_total{x=\"1\"} 1\na_created{x=\"1\"} 1.5\na_total{x=\"2\"} 1\na_created{x=\"2\"} 2.5\n\
                # TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\nh_created 3\n\
                # TYPE g gauge\ng_created 7\n# EOF\n";
    let mut world = world(job());
    for at in [10, 20] {
        assert_eq!(world.scrape_as(Format::OpenMetrics, at, page).error, None);
        let recorded = world.recorder.0.lock().unwrap();
        let row = recorded.rows.iter().find(|row| row.at.0 == at).unwrap();
        let starts: Vec<_> =
            row.starts.iter().map(|(c, at)| (recorded.series[c.0 as usize].without(&["job", "instance"]).to_string(), at.0)).collect();
        let expected = [
            ("a_total{x=\"1\"}", 1_500),
            ("a_total{x=\"2\"}", 2_500),
            ("h_bucket{le=\"1.0\"}", 3_000),
            ("h_bucket{le=\"+Inf\"}", 3_000),
            ("h_sum", 3_000),
            ("h_count", 3_000),
        ];
        assert_eq!(starts, expected.map(|(name, at)| (name.to_owned(), at)));
        drop(recorded);
        assert!(world.own(at).contains(&"a_created{x=\"1\"} 1.5".to_owned()), "Prometheus stores them as series, too");
    }
    assert_eq!(world.figure("promlet_scrape_pages_unchanged_total"), 1.0);
}

#[test]
fn other_options_resolve_the_lines_anew() {
    let mut world = world(job());
    world.scrape(1, PAGE);
    let drop = Step { action: Action::Drop, source_labels: vec!["l".into()], regex: AnchoredRegex::new("1").unwrap(), ..Step::default() };
    world.state.adopt(&setup(JobOptions { metric_relabel: vec![drop], ..job() })).unwrap();
    world.scrape(2, PAGE);
    assert_eq!(world.own(2), ["a{l=\"1\"} stale", "a{l=\"2\"} 2", "b 3"]);
}

#[test]
fn a_clock_that_goes_back_a_little_costs_nothing() {
    let mut world = world(job());
    world.scrape(5_000, "a 1\n");
    world.scrape(4_000, "a 2\n");
    assert_eq!(world.own(5_001), ["a 2"]);
    assert_eq!(world.figure("promlet_scrape_clock_steps_total"), 1.0);
}

/// What a scrape shall store, worked out without any memory of lines: series to value, the first of duplicates.
fn plainly(page: &str) -> Option<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    for entry in crate::exposition::parse(Format::Text, page.as_bytes()) {
        if let crate::exposition::Entry::Series(line) = entry.ok()? {
            let value = crate::model::number::format_general(line.tail.value);
            values.entry(line.labels().ok()?.to_string()).or_insert(value);
        }
    }
    Some(values)
}

proptest! {
    #[test]
    fn any_succession_of_pages_is_stored_as_it_stands(
        pages in proptest::collection::vec(
            proptest::collection::vec((prop_oneof![
                "a", "ab", "abc", "b\\{x=\"1\"\\}", "b\\{x=\"12\"\\}", "b \\{x=\"1\"\\}", "b\\{x=\"1\",\\}", "b", "# HELP a [xy]\na", "# TYPE b gauge\nb", "\n\nc", "#\nc",
                "\\{\"q r\"\\}", "bad\\{", "b1", "c\\{x=\"12\"\\}",
            ], 0..3u8), 0..6),
            1..8,
        ),
        repeat in any::<bool>(),
    ) {
        let mut world = world(job());
        let mut before: BTreeMap<String, String> = BTreeMap::new();
        let mut at = 0;
        for lines in &pages {
            let page: String = lines.iter().map(|(metric, value)| format!("{metric} {value}\n")).collect();
            for _ in 0..=u8::from(repeat) {
                at += 1;
                let error = world.scrape(at, &page).error;
                let now = plainly(&page);
                prop_assert_eq!(error.is_none(), now.is_some());
                let now = now.unwrap_or_default();
                let mut expected = now.clone();
                expected.extend(before.keys().filter(|series| !now.contains_key(*series)).map(|series| (series.clone(), "stale".to_owned())));
                let mut found = world.row(at);
                found.retain(|name, _| name != "up" && !name.starts_with("scrape_"));
                prop_assert_eq!(found, expected, "page {:?}", page);
                before = now;
            }
        }
    }
}
