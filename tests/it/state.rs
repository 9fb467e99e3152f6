//! `state.db` and a process that is killed: what was acknowledged is there.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use promlet::model::{Labels, Matcher, TimestampMs};
use promlet::state::{Change, SilenceRow, State};
use promlet::telemetry::Registry;

// The recorder is preloaded into a dynamically linked child.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod power_cuts;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod recorded;

const FOLDER: &str = "PROMLET_TEST_STATE_FOLDER";

fn silence(number: usize) -> Change {
    Change::PutSilence(SilenceRow {
        id: format!("{number:08}"),
        matchers: vec![Matcher::equal("n", number.to_string())],
        starts_at: TimestampMs(0),
        ends_at: TimestampMs(1),
        updated_at: TimestampMs(0),
        created_by: String::new(),
        comment: String::new(),
        annotations: Labels::empty(),
    })
}

/// Does nothing in an ordinary run; as a child of the test below it writes until it is killed.
#[test]
fn writes_until_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let state = State::open(folder.as_ref(), &Registry::default()).unwrap();
    for number in 1..1_000_000 {
        state.apply_and_wait(vec![silence(number)]).unwrap();
        println!("acknowledged {number}");
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["state::writes_until_killed", "--exact", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let numbers = lines.map_while(Result::ok).filter_map(|line| line.rsplit_once("acknowledged ")?.1.parse::<usize>().ok());
        let wanted = round * 20;
        let reached = numbers.take_while(|number| *number < wanted).last().unwrap_or(0);
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged = acknowledged.max(reached + 1);
        let state = State::open(folder.path(), &Registry::default()).unwrap();
        let silences = state.silences().unwrap();
        assert!(silences.len() >= acknowledged, "round {round}: {} of {acknowledged} silences", silences.len());
        assert!(silences.iter().all(|row| row.matchers.len() == 1));
    }
}
