//! Runs a timeline: the state machine under a virtual clock, a real `state.db`, receivers that answer as told.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use promlet::alerts::group::Now;
use promlet::alerts::ids::Ids;
use promlet::alerts::machine::{Attempt, Machine, Stored, Ticket};
use promlet::alerts::metrics::Figures;
use promlet::alerts::notification::{Delivered, Failure, FailureKind, Notification, Outcome, Status};
use promlet::alerts::{Integration, Notify, Receiver, SilenceRequest};
use promlet::model::{Alert, DurationMs, Labels, TimestampMs};
use promlet::state::{Change, State};
use promlet::telemetry::Registry;

use super::timeline::{Answer, Event, Timeline};

/// How long a receiver that hangs keeps an attempt open.
const HANG: i64 = 30_000;

struct Unused;

impl Notify for Unused {
    fn notify<'a>(&'a self, _: &'a Notification) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(async { Err(Failure::give_up("the simulation answers itself")) })
    }
}

struct Run<'a> {
    timeline: &'a Timeline,
    folder: tempfile::TempDir,
    state: Option<State>,
    machine: Option<Machine>,
    steady: i64,
    /// How far the wall clock was set.
    wall_offset: i64,
    answers: HashMap<String, Answer>,
    hanging: Vec<(i64, Ticket)>,
    seen_ids: HashSet<String>,
    starts: u64,
    heard: Vec<String>,
}

pub fn run(timeline: &Timeline) -> Vec<String> {
    let mut run = Run {
        timeline,
        folder: tempfile::tempdir().unwrap(),
        state: None,
        machine: None,
        steady: 0,
        wall_offset: 0,
        answers: HashMap::new(),
        hanging: Vec::new(),
        seen_ids: HashSet::new(),
        starts: 0,
        heard: Vec::new(),
    };
    run.start();
    let mut events = timeline.events.iter().peekable();
    while run.steady <= timeline.until {
        while let Some((_, event)) = events.next_if(|(at, _)| *at <= run.steady) {
            run.happen(event);
        }
        run.end_hanging();
        run.tick();
        let wake = run.machine.as_ref().and_then(|machine| machine.next_wake(run.now()));
        let hanging = run.hanging.iter().map(|(at, _)| *at).min();
        let next = [events.peek().map(|(at, _)| *at), wake, hanging].into_iter().flatten().min();
        run.steady = next.map_or(timeline.until + 1, |next| next.max(run.steady + 1));
    }
    run.heard
}

impl Run<'_> {
    fn now(&self) -> Now {
        Now { wall: TimestampMs(self.timeline.start + self.steady + self.wall_offset), steady: self.steady }
    }

    fn receivers(&self) -> Vec<Receiver> {
        let integration = |kind: &'static str, index: usize, send_resolved: bool| Integration {
            kind,
            index,
            send_resolved,
            destination: String::new(),
            notify: Arc::new(Unused),
        };
        let receiver = |(name, kinds, resolved): &(String, Vec<&'static str>, bool)| {
            let count = |at: usize| kinds[..at].iter().filter(|kind| **kind == kinds[at]).count();
            let integrations = (0..kinds.len()).map(|at| integration(kinds[at], count(at), *resolved)).collect();
            Receiver { name: name.clone(), integrations }
        };
        self.timeline.receivers.iter().map(receiver).collect()
    }

    fn start(&mut self) {
        self.starts += 1;
        let registry = Registry::default();
        let state = State::open(self.folder.path(), &registry).unwrap();
        let ids = Ids::seeded(self.starts);
        let mut machine = Machine::new(self.timeline.options.clone(), self.receivers(), ids, Figures::new(&registry));
        machine.restore(Stored::read(&state).unwrap(), self.now());
        self.state = Some(state);
        self.machine = Some(machine);
    }

    fn happen(&mut self, event: &Event) {
        let now = self.now();
        match event {
            Event::Start => return self.start(),
            Event::Clock(by) => self.wall_offset += by.0,
            Event::Answer { integration, answer } => drop(self.answers.insert(integration.clone(), *answer)),
            _ => {}
        }
        let options = self.timeline.options.clone();
        let receivers = self.receivers();
        let Some(machine) = &mut self.machine else { return };
        match event {
            Event::Fire { labels, lease } => machine.post(vec![alert(labels, now.wall, now.wall + *lease)], now),
            Event::End(labels) => machine.post(vec![alert(labels, now.wall - DurationMs(1), now.wall)], now),
            Event::Settle { awaited } => {
                machine.settle(&|labels| labels.get("alertname").is_some_and(|name| awaited.iter().any(|one| one == name)), now);
            }
            Event::Reload => {
                let route = self.timeline.after_reload.clone().unwrap_or_else(|| options.route.clone());
                machine.reload(promlet::alerts::AlertsOptions { route, ..options }, receivers, now);
            }
            Event::Why => self.heard.extend(why(machine, now)),
            Event::Silence { matchers, lease } => {
                let request = SilenceRequest {
                    id: None,
                    matchers: matchers.clone(),
                    starts_at: now.wall,
                    ends_at: now.wall + *lease,
                    created_by: String::new(),
                    comment: String::new(),
                    annotations: Labels::empty(),
                };
                let mut ids = machine.ids.clone();
                let plan = machine.silences.plan_set(request, now.wall, &mut ids).unwrap();
                let rows = plan.rows.iter().cloned().map(Change::PutSilence).collect();
                self.state.as_ref().unwrap().apply_and_wait(rows).unwrap();
                plan.rows.into_iter().for_each(|row| machine.silences.put(row));
            }
            _ => {}
        }
        self.save();
        if matches!(event, Event::Stop) {
            self.machine = None;
            self.state = None;
            self.hanging.clear();
        }
    }

    fn save(&mut self) {
        let changes = self.machine.as_mut().map(Machine::take_changes).unwrap_or_default();
        if !changes.is_empty() {
            self.state.as_ref().unwrap().apply_and_wait(changes).unwrap();
        }
    }

    fn tick(&mut self) {
        let now = self.now();
        let Some(machine) = &mut self.machine else { return };
        let attempts = machine.tick(now);
        self.save();
        attempts.into_iter().for_each(|attempt| self.answer(attempt));
        self.save();
    }

    fn answer(&mut self, attempt: Attempt) {
        let Attempt { ticket, notification, .. } = attempt;
        let full = format!("{}/{}", notification.receiver, notification.integration);
        let answer = self.answers.get(&full).or_else(|| self.answers.get(&notification.integration)).copied().unwrap_or(Answer::Ok);
        let repeated = if notification.may_repeat && !self.seen_ids.insert(notification.id.clone()) { " same-id" } else { "" };
        self.seen_ids.insert(notification.id.clone());
        self.heard.push(describe(self.steady, &notification, answer) + repeated);
        let outcome = match answer {
            Answer::Hang => return self.hanging.push((self.steady + HANG, ticket)),
            Answer::Ok => Ok(Delivered::new("ok")),
            Answer::Fail => Err(Failure::retry("fail")),
            Answer::Refuse => Err(Failure::give_up("refuse")),
            Answer::Busy(after) => Err(Failure { kind: FailureKind::Retry { after: Some(after) }, detail: "busy".to_owned() }),
        };
        let now = self.now();
        if let Some(machine) = &mut self.machine {
            machine.report(&ticket, outcome, Duration::ZERO, now);
        }
    }

    fn end_hanging(&mut self) {
        let now = self.now();
        let (over, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.hanging).into_iter().partition(|(at, _)| *at <= now.steady);
        self.hanging = open;
        for (_, ticket) in over {
            if let Some(machine) = &mut self.machine {
                machine.report(&ticket, Err(Failure::retry("no answer")), Duration::from_secs(30), now);
            }
        }
        self.save();
    }
}

fn alert(labels: &Labels, starts_at: TimestampMs, ends_at: TimestampMs) -> Alert {
    let (annotations, generator_url) = (Labels::empty(), String::new());
    Alert { labels: labels.clone(), annotations, starts_at, ends_at, generator_url, value: Some(1.0) }
}

fn why(machine: &Machine, now: Now) -> Vec<String> {
    let mut lines = Vec::new();
    let at = DurationMs(now.steady / 1000 * 1000);
    for standing in machine.standings(&[], now) {
        let name = standing.alert.alert.name().to_owned();
        for route in standing.routes {
            let mut say = |who: &str, word: &str, text: &str| {
                let who = [route.receiver.as_str(), who].join(" ");
                lines.push(format!("{at} why {name} {} {word}: {text}", who.trim_end()));
            };
            if let Some((word, text)) = route.held_by.filter(|_| route.integrations.is_empty()) {
                say("", &word, &text);
            }
            for one in &route.integrations {
                say(&one.integration, &format!("{:?}", one.standing).to_lowercase(), &one.text);
            }
        }
    }
    lines
}

fn describe(steady: i64, notification: &Notification, answer: Answer) -> String {
    let mut names: Vec<String> = Vec::new();
    for alert in &notification.alerts {
        let sign = if alert.status == Status::Resolved { "-" } else { "" };
        let while_down = if alert.ended_while_down { "(while-down)" } else { "" };
        let instance = alert.alert.labels.get("instance").map(|instance| format!("@{instance}")).unwrap_or_default();
        names.push(format!("{sign}{}{instance}{while_down}", alert.alert.name()));
    }
    for place in &notification.in_place_of {
        names.push(format!("for {}/{}", place.receiver, place.integration).trim_end_matches('/').to_owned());
    }
    let answer = match answer {
        Answer::Ok => String::new(),
        Answer::Busy(_) => " busy".to_owned(),
        other => format!(" {}", format!("{other:?}").to_lowercase()),
    };
    // Retries are spread by a few milliseconds; seconds are what a timeline can name.
    let at = DurationMs(steady / 1000 * 1000);
    let (receiver, integration, status) = (&notification.receiver, &notification.integration, notification.status.as_str());
    format!("{at} {receiver} {integration} {status} ({}) {}{answer}", notification.reason.as_str(), names.join(" "))
}
