//! The program itself, as a process: what it says, what it leaves behind.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_promlet");

fn output(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_misspelt_flag_or_command_gets_a_suggestion_and_exit_code_2() {
    for (arguments, suggestion) in
        [(&["--web.enable-lifecycl"][..], "'--web.enable-lifecycle'"), (&["dmeo"], "'demo'"), (&["check", "confg"], "'config'")]
    {
        let output = output(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(said(&output).contains(suggestion), "{}", said(&output));
    }
    assert!(said(&output(&["--version"])).starts_with("promlet "));
}

/// Starts the demo with its folder under `folder` and on a free port, and waits until it has said its piece.
fn demo(folder: &Path) -> Child {
    let mut child = Command::new(PROGRAM)
        .args(["demo", "--web.listen-address=127.0.0.1:0"])
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("nothing is left behind") {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the demo ended before it began");
    }
    // Later lines go nowhere, but must be taken.
    std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
    child
}

#[test]
fn a_demo_that_is_interrupted_at_once_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM, rustix::process::Signal::HUP] {
        let mut child = demo(folder.path());
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
        assert!(child.wait().unwrap().success(), "{signal:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{signal:?}");
    }
}
