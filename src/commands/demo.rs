//! `promlet demo`: the whole product on one machine, with a simulated trainer and three receivers, in a temporary folder.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use tokio::net::TcpListener;

use super::serve;
use super::serve_flags::{LogFormat, LogLevel, ServeFlags};
use crate::app::settings::{Mode, Settings};
use crate::app::signals::Ends;
use crate::app::{App, Request, StartError, questions};
use crate::bundled;
use crate::clock::Clock;
use crate::config;
use crate::demo::exporters::{self, Simulation};
use crate::demo::gpus::Gpus;
use crate::demo::history::{self, Target};
use crate::demo::script::{self, EVENTS};
use crate::demo::{Receivers, Trainer, receivers, smtp_sink};
use crate::model::{DurationMs, Labels, TimestampMs};
use crate::promql::{Engine, EngineOptions};
use crate::rules::{RuleGroups, RulesOptions, RulesParts};
use crate::storage::{GroupKey, GroupSource};
use crate::telemetry::Registry;
use crate::tsdb::{RealDisk, Tsdb, TsdbOptions};

/// Pending alerts of the last twenty minutes are what a restart would restore.
const RULES_FROM_SECONDS: i64 = -20 * 60;
const RULES_STEP_SECONDS: usize = 15;

#[derive(Args, Debug)]
pub struct DemoFlags {
    /// Address of the pages; another port is taken where this one is in use
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    listen_address: String,
    /// Least severity that is logged
    #[arg(long = "log.level", value_enum, default_value_t = LogLevel::Warn)]
    log_level: LogLevel,
}

/// Removes the folder when the demo ends.
struct TemporaryFolder(PathBuf);

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "the demo's folder could not be removed");
        }
    }
}

pub fn run(flags: DemoFlags) -> ExitCode {
    let clock = Clock::system();
    serve::start_log(flags.log_level, LogFormat::Logfmt, &clock);
    let outcome = serve::runtime().map_err(other).and_then(|runtime| runtime.block_on(demonstrate(flags, clock)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => serve::fail(&error),
    }
}

fn other(error: impl std::fmt::Display) -> StartError {
    StartError::Other(error.to_string())
}

/// The addresses that the demo's parts got.
struct Places {
    /// Held from the start on: while the past is written another demo must not take the port, too.
    web: TcpListener,
    trainer: TcpListener,
    gpus: TcpListener,
    receivers: TcpListener,
    smtp: TcpListener,
}

/// The wished port of loopback, or any free one.
async fn listen(address: &str) -> Result<TcpListener, StartError> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(_taken) => TcpListener::bind("127.0.0.1:0").await.map_err(other),
    }
}

impl Places {
    async fn find(web: &str) -> Result<Self, StartError> {
        Ok(Self {
            web: listen(web).await?,
            trainer: listen("127.0.0.1:8001").await?,
            gpus: listen("127.0.0.1:9400").await?,
            receivers: listen("127.0.0.1:9099").await?,
            smtp: listen("127.0.0.1:2525").await?,
        })
    }
}

fn local(listener: &TcpListener) -> Result<String, StartError> {
    listener.local_addr().map(|address| address.to_string()).map_err(other)
}

async fn demonstrate(flags: DemoFlags, clock: Clock) -> Result<(), StartError> {
    // A terminal that is closed ends the demo, too.
    let mut ends = Ends::listen(true).map_err(other)?;
    let start = clock.now();
    let folder = TemporaryFolder(std::env::temp_dir().join(format!("promlet-demo-{}-{}", std::process::id(), start.0)));
    fs::create_dir_all(folder.0.join("rules")).map_err(other)?;
    let places = Places::find(&flags.listen_address).await?;
    let receivers_url = format!("http://{}", local(&places.receivers)?);
    let web = local(&places.web)?;
    announce(&web, &receivers_url);
    write_files(&folder.0, &places).map_err(other)?;
    let mode = Mode::Demo { file: folder.0.join("prometheus.yml"), receivers_url, started: start };
    let settings = settings(mode, &folder.0, &web);
    let targets = targets(&places)?;
    let stopped = Arc::new(AtomicBool::new(false));
    let mut past = {
        let (settings, folder, stopped) = (settings.clone(), folder.0.clone(), stopped.clone());
        tokio::task::spawn_blocking(move || write_history(&settings, &folder, &targets, start, &stopped))
    };
    let past = tokio::select! {
        past = &mut past => past,
        () = ends.come() => {
            stopped.store(true, Ordering::Relaxed);
            past.await
        }
    };
    let Some((trainer, gpus)) = past.map_err(other)?? else { return Ok(()) };
    let simulation = Simulation::new(trainer, gpus, clock.clone(), start);
    let inbox = Receivers::new(clock.clone(), start);
    let servers = [
        tokio::spawn(exporters::serve_trainer(places.trainer, simulation.clone())),
        tokio::spawn(exporters::serve_gpus(places.gpus, simulation)),
        tokio::spawn(receivers::serve(places.receivers, inbox.clone())),
        tokio::spawn(smtp_sink::serve(places.smtp, inbox)),
    ];
    let environment = serve::environment(&settings.features);
    let app = App::start_on(vec![places.web], settings, environment, clock, Registry::default()).await?;
    let requests = app.shared().requests.clone();
    tokio::spawn(async move {
        ends.come().await;
        // Nobody receives once it is stopping anyway.
        let _stopping = requests.send(Request::Quit).await;
    });
    app.run_until_told().await;
    servers.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

fn announce(web: &str, receivers_url: &str) {
    let mut text = format!(
        "promlet demo: a simulated GRPO trainer, two GPUs, and what happens when things go wrong\n\n  \
         pages      http://{web}\n  receivers  {receivers_url}  (Slack-shaped endpoint, mail server, webhook: all told by the real notifiers)\n\n"
    );
    for event in &EVENTS {
        text.push_str(&format!("  {:>4} s  {}\n", event.at_seconds, event.what));
    }
    text.push_str("\nCtrl-C ends it; nothing is left behind.\n");
    let _closed_pipe = io::stdout().write_all(text.as_bytes());
}

fn write_files(folder: &Path, places: &Places) -> io::Result<()> {
    for file in bundled::RULES {
        fs::write(folder.join("rules").join(file.name), file.text)?;
    }
    let address = |listener: &TcpListener| listener.local_addr().map(|address| address.to_string());
    let (trainer, gpus, receivers, smtp) =
        (address(&places.trainer)?, address(&places.gpus)?, address(&places.receivers)?, address(&places.smtp)?);
    let prometheus = format!(
        "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: [rules/*.yml]\nscrape_configs:\n\
         - job_name: agentcore-training\n  static_configs:\n  - targets: ['{trainer}']\n\
         - job_name: gpu\n  static_configs:\n  - targets: ['{gpus}']\n\
         - job_name: promlet\n  scrape_interval: 5s\n  static_configs:\n  - targets: ['{}']\n",
        address(&places.web)?
    );
    fs::write(folder.join("prometheus.yml"), prometheus)?;
    let alertmanager = format!(
        "global: {{smtp_smarthost: '{smtp}', smtp_from: promlet@localhost, smtp_require_tls: false}}\n\
         route: {{receiver: everyone, group_by: [alertname, agent_id, job_id], group_wait: 1s, group_interval: 5s, repeat_interval: 1h}}\n\
         inhibit_rules:\n- source_matchers: ['alertname=\"TrainingBudgetExceeded\"']\n  target_matchers: ['alertname=\"TrainingBudgetWarning\"']\n  equal: [agent_id, job_id]\n\
         receivers:\n- name: everyone\n  slack_configs: [{{api_url: 'http://{receivers}/slack', channel: '#training', send_resolved: true}}]\n\
         \x20 email_configs: [{{to: you@localhost, send_resolved: true}}]\n  webhook_configs: [{{url: 'http://{receivers}/webhook'}}]\n"
    );
    fs::write(folder.join("alertmanager.yml"), alertmanager)
}

fn settings(mode: Mode, folder: &Path, web: &str) -> Settings {
    #[derive(clap::Parser)]
    struct Defaults {
        #[command(flatten)]
        serve: ServeFlags,
    }
    let defaults = <Defaults as clap::Parser>::parse_from(["promlet"]).serve;
    let mut settings = defaults.settings(false);
    settings.mode = mode;
    settings.web.listen_addresses = vec![web.to_owned()];
    settings.web.enable_lifecycle = true;
    settings.storage.path = folder.join("data");
    // Alerts restored from the history may fire within the demo's two minutes.
    settings.rule_timings.for_grace_period = DurationMs::seconds(60);
    settings
}

/// The groups that the demo's scrapes will go to, so that history and present are one.
fn targets(places: &Places) -> Result<[Target; 2], StartError> {
    let target = |job: &str, address: String| {
        let labels = Labels::from_pairs([("job", job), ("instance", address.as_str())]);
        let key = GroupKey { source: GroupSource::Scrape, name: format!("{job};http://{address}/metrics"), labels: labels.clone() };
        Target { key, labels }
    };
    Ok([target("agentcore-training", local(&places.trainer)?), target("gpu", local(&places.gpus)?)])
}

/// Fills a store with the past, evaluates the rules over its last minutes, and closes it: the server then starts on it as after a restart.
/// None where it was stopped.
fn write_history(
    settings: &Settings,
    folder: &Path,
    targets: &[Target; 2],
    start: TimestampMs,
    stopped: &AtomicBool,
) -> Result<Option<(Trainer, Gpus)>, StartError> {
    let clock = Clock::manual(start);
    let registry = Registry::default();
    let options = TsdbOptions::new(&settings.storage.path);
    let store = Arc::new(Tsdb::open(options, Arc::new(RealDisk), clock.clone(), &registry).map_err(other)?);
    let is_stopped = || stopped.load(Ordering::Relaxed);
    let Some(simulation) = history::write(store.as_ref(), &targets[0], &targets[1], start, &is_stopped).map_err(other)? else {
        return Ok(None);
    };
    let environment = serve::environment(&[]);
    let config = config::load_prometheus(&folder.join("prometheus.yml"), &environment).map_err(StartError::Files)?;
    let engine = Engine::new(EngineOptions::default(), clock.clone(), &registry);
    let rules = RuleGroups::new(RulesParts {
        clock: clock.clone(),
        registry,
        query: questions::for_rules(Arc::new(arc_swap::ArcSwap::from_pointee(engine)), store.clone(), Arc::new(|| None)),
        append: store.clone(),
        select: store.clone(),
        // Nobody is told of the past.
        alerts: Arc::new(|_| ()),
    });
    rules.apply(RulesOptions { groups: config.rules, limits: settings.rule_timings, ..RulesOptions::default() });
    let from = RULES_FROM_SECONDS.max(-script::HISTORY_SECONDS);
    // Once more just before the start: what passed since the last evaluation does not count as waiting.
    for second in (from..0).step_by(RULES_STEP_SECONDS).chain([-1]) {
        if is_stopped() {
            return Ok(None);
        }
        let at = TimestampMs(start.0 + second * 1000);
        clock.set(at);
        rules.evaluate_all(at);
    }
    rules.stop();
    drop(rules);
    store.close().map_err(other)?;
    Ok(Some(simulation))
}
