//! What the pages say of the server as a whole.

use super::lifecycle::{Loaded, Shared};
use super::settings::Mode;
use crate::demo::script;
use crate::http::state::{Mode as ShownMode, Overview, OverviewNote};
use crate::model::{DurationMs, Problem};

/// What to write where nobody is told of alerts.
const HINT: &str = "Alerts are evaluated and shown here, but there is no alertmanager.yml that says whom to notify. Write one beside prometheus.yml (or name it with --alertmanager.config.file), for example:

route:
  receiver: me
receivers:
  - name: me
    slack_configs:
      - api_url_file: slack_url     # a file that holds the address of a Slack incoming webhook
        channel: '#alerts'
        send_resolved: true

Then reload promlet (kill -HUP) and try it: promlet notify test me";

pub fn of(shared: &Shared) -> Overview {
    let loaded = shared.loaded.load();
    let (files, started_at) = (&loaded.files, shared.started_at);
    let (mode, demo_url, started_at) = match &shared.settings.mode {
        Mode::Configured { .. } => (ShownMode::Config, None, started_at),
        Mode::ZeroConfig => (ShownMode::ZeroConfig, None, started_at),
        // The script counts from the program's first line, some seconds before the server is there.
        Mode::Demo { receivers_url, started, .. } => (ShownMode::Demo, Some(receivers_url.clone()), *started),
    };
    let interval = files.prometheus.scrape.iter().map(|job| job.scrape_interval).min().unwrap_or(DurationMs::seconds(60));
    Overview {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        mode,
        demo_script: if demo_url.is_some() { programme() } else { Vec::new() },
        demo_url,
        started_at,
        scrape_interval_seconds: interval.as_seconds(),
        alerting_configured: files.alerting.is_some(),
        alerting_hint: if files.alerting.is_some() { String::new() } else { HINT.to_owned() },
        notes: files.notes.iter().map(note).collect(),
        problems: problems(shared, &loaded),
    }
}

/// What the operator has to see to, whoever looks at whichever page.
fn problems(shared: &Shared, loaded: &Loaded) -> Vec<String> {
    let not_reloaded = |error: &String| format!("The last reload was refused, and what was in force before stays in force. {error}");
    let store = shared.store.read_only().into_iter().chain(shared.store.losses().iter().cloned());
    let alerting = shared.alerting.losses().into_iter().chain(shared.alerting.failing());
    let blind = shared.blind.and_then(|blind| blind.sentence(shared.clock.now()));
    store.chain(blind).chain(alerting).chain(shared.heartbeats.problems()).chain(loaded.failure.as_ref().map(not_reloaded)).collect()
}

fn programme() -> Vec<(u64, String)> {
    script::EVENTS.iter().map(|event| (u64::try_from(event.at_seconds).unwrap_or(0), event.what.to_owned())).collect()
}

fn note(problem: &Problem) -> OverviewNote {
    OverviewNote { file: problem.file.clone(), line: problem.line, column: problem.column, text: problem.message.clone() }
}
