//! The failures of today's alerting systems, one row each, and what shows that this one does not have them. A row whose proof is gone,
//! or a failure without a row, fails here.

mod reading;
mod storm;

use std::path::{Path, PathBuf};

/// What goes wrong elsewhere, and where it is shown that it does not here: timelines, tests as `file::function`, checks as files.
const ROWS: [(&str, &[&str]); 17] = [
    (
        "Storm: thousands of alerts at once run into the provider's limit",
        &[
            "tests/it/alerts/failures/storm.rs::ten_thousand_alerts_are_five_messages_at_most_and_all_are_counted",
            "tests/it/alerts/storm.rs::a_few_groups_are_told_one_a_second",
            "tests/it/alerts/storm.rs::one_group_is_one_message",
        ],
    ),
    (
        "Crash loses silences and what was told",
        &[
            "tests/it/alerts/killed.rs::killed_twenty_times_it_neither_repeats_nor_forgets",
            "tests/it/state/power_cuts.rs::nothing_acknowledged_is_lost_when_the_power_goes",
            "tests/alerts/restart.timeline",
            ".ci/kill.py",
        ],
    ),
    (
        "Crash between the send and its note: twice, or never",
        &["tests/alerts/killed-in-flight.timeline", "tests/it/alerts/killed.rs::killed_twenty_times_it_neither_repeats_nor_forgets"],
    ),
    (
        "Stopped while an alert ends: its end is never said",
        &[
            "tests/alerts/ended-while-down.timeline",
            "tests/alerts/pending-again.timeline",
            "tests/it/app/restart.rs::a_restart_resolves_only_what_has_ended",
        ],
    ),
    (
        "A receiver that is down for an alert's whole life never hears of it",
        &[
            "tests/alerts/receiver-down-for-life.timeline",
            "tests/it/app/receivers.rs::one_that_fails_delays_no_other",
            "tests/alerts/fallback.timeline",
            "tests/alerts/fallback-fails-too.timeline",
            "tests/alerts/fallback-killed.timeline",
            "tests/alerts/fallback-killed-in-flight.timeline",
            "src/alerts/fallback.rs::it_hears_all_while_the_first_fails_and_only_ends_afterwards",
            "tests/it/app/receivers.rs::another_receiver_is_told_while_one_is_dead",
        ],
    ),
    (
        "An alert that ends while it is muted stays open for whoever heard of it",
        &["tests/alerts/silenced-then-resolved.timeline", "tests/alerts/muted-at-night.timeline", "tests/alerts/inhibited.timeline"],
    ),
    (
        "429 is final, and Retry-After is not read",
        &[
            "tests/alerts/retry-after.timeline",
            "src/notify/tests/answers.rs::each_provider_says_no_in_its_own_way",
            "tests/it/notify/flow.rs::a_broken_slack_is_tried_again_and_a_silent_one_delays_nobody",
        ],
    ),
    (
        "A template that fails blanks the message, or drops it",
        &[
            "tests/it/config/alertmanager.rs::broken_templates_are_refused",
            "tests/it/config/alertmanager.rs::templates_that_fail_are_refused",
            "tests/it/notify/golden.rs::a_template_that_fails_blanks_nothing_anywhere",
            "src/notify/tests.rs::a_mail_whose_template_fails_is_still_a_mail",
        ],
    ),
    (
        "Mail: TLS and logins fail without saying where",
        &[
            "tests/it/notify/mail.rs::missing_encryption_and_strangers_certificates_are_refused",
            "tests/it/notify/mail.rs::what_a_server_refuses_is_named_and_not_hammered",
            "tests/it/notify/flow.rs::a_trial_tells_each_step_and_the_reason_of_a_failure",
        ],
    ),
    (
        "A receiver that hangs holds up its group and its neighbours",
        &[
            "tests/alerts/hanging.timeline",
            "tests/it/notify/mail.rs::a_server_that_falls_silent_costs_ten_seconds_at_any_step",
            "tests/it/app/receivers.rs::one_that_fails_delays_no_other",
        ],
    ),
    (
        "What is refused for good is tried over and over, or given up in silence",
        &[
            "tests/alerts/refused.timeline",
            "tests/alerts/fallback-refused.timeline",
            "tests/it/alerts/failures/reading.rs::a_message_that_was_deleted_gives_way_to_a_new_one",
            "tests/it/app/receivers.rs::one_that_fails_delays_no_other",
        ],
    ),
    (
        "A failing evaluation, scrape or disk is taken for the end of an alert",
        &[
            "tests/it/rules/restart.rs::a_failing_rule_keeps_its_alerts_and_says_why",
            "src/app/questions.rs::rules_see_the_last_moment_of_a_store_that_stands_still",
            "tests/alerts/pending-again.timeline",
            ".ci/full_disk.py",
        ],
    ),
    (
        "A clock that is set makes bursts, or swallows repeats",
        &["tests/alerts/clock-set.timeline", "tests/alerts/state-of-the-future.timeline"],
    ),
    (
        "Editing a route, or reading the file again, announces everything anew",
        &[
            "tests/alerts/reload.timeline",
            "tests/alerts/reload-unchanged.timeline",
            "src/alerts/routing.rs::identity_survives_an_edit_of_the_matchers",
        ],
    ),
    (
        "A damaged state file keeps the server from starting",
        &[
            "src/state/tests.rs::a_damaged_file_is_set_aside_and_what_can_be_read_is_carried_over",
            "tests/it/alerts/failures/reading.rs::a_damaged_ledger_keeps_nobody_from_being_told",
            ".ci/damage.py",
        ],
    ),
    (
        "The monitor itself is dead, and nobody knows",
        &[
            "tests/alerts/heartbeat.timeline",
            "tests/it/app/heartbeats.rs::it_stops_with_what_it_speaks_for",
            "tests/it/app/restart.rs::a_start_says_for_how_long_nothing_was_seen",
            "src/app/blind.rs::a_long_one_is_shown_for_a_day",
        ],
    ),
    (
        "A secret's file is changed, or gone",
        &["tests/it/alerts/failures/reading.rs::a_secret_is_read_at_every_send_and_a_missing_one_is_that_receivers_error"],
    ),
];

/// Whether a proof is there: a file, or a test in one.
fn is_there(root: &Path, proof: &str) -> bool {
    let (file, function) = proof.split_once("::").map_or((proof, None), |(file, function)| (file, Some(function)));
    let Ok(text) = std::fs::read_to_string(root.join(file)) else { return false };
    function.is_none_or(|name| {
        let at = text.find(&format!("fn {name}("));
        let attributes = at.map(|at| text[..at].rsplit("\n\n").next().unwrap_or(""));
        attributes.is_some_and(|attributes| attributes.contains("test"))
    })
}

#[test]
fn every_failure_has_its_proof() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let missing: Vec<String> = ROWS
        .iter()
        .flat_map(|(row, proofs)| proofs.iter().filter(|proof| !is_there(&root, proof)).map(move |proof| format!("{row}: {proof}")))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(ROWS.iter().all(|(_, proofs)| !proofs.is_empty()));
    // Every timeline is there for a failure, or for the way things are meant to go.
    let ordinary = ["first-repeat-resolved", "group-grows", "never-announced", "silence-ends", "timed-out", "why"];
    let named: Vec<&str> = ROWS.iter().flat_map(|(_, proofs)| proofs.iter().copied()).collect();
    for entry in std::fs::read_dir(root.join("tests/alerts")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        let is_known = named.contains(&format!("tests/alerts/{name}").as_str()) || ordinary.contains(&name.trim_end_matches(".timeline"));
        assert!(is_known, "{name} is in no row");
    }
}

/// Where the research lies beside the project, its table has as many rows as this one.
#[test]
fn no_failure_is_left_out() {
    let Ok(shared) = std::env::var("PROMLET_SHARED") else { return };
    let text = std::fs::read_to_string(Path::new(&shared).join("research/alerting.md")).unwrap();
    let section = text.split("\n## ").find(|section| section.starts_with("9. ")).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| **")).count();
    assert_eq!(rows, ROWS.len());
}
