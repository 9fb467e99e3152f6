//! Runs a file of requests with the answers that are expected.
//!
//! `>>> METHOD PATH`, with ` <- FORM` for a form in the body, or ` <= JSON` for a JSON body; then `<<< STATUS CONTENT-TYPE`
//! (`-` for none) and the body up to the next empty line. `*` in a body stands for anything without a quotation mark.
//! Lines before the first request are comments.

use super::client::ask;
use super::fixture::Fixture;

struct Case {
    line: usize,
    request: String,
    status: String,
    body: String,
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if let Some(request) = line.strip_prefix(">>> ") {
            cases.push(Case { line: at + 1, request: request.to_owned(), status: String::new(), body: String::new() });
        } else if let Some(status) = line.strip_prefix("<<< ") {
            cases.last_mut().unwrap().status = status.to_owned();
        } else if let Some(case) = cases.last_mut() {
            case.body += line;
            case.body.push('\n');
        }
    }
    cases
}

pub async fn run(file: &str, fixture: &Fixture) {
    let path = format!("{}/tests/http/{file}", env!("CARGO_MANIFEST_DIR"));
    let cases = parse(&std::fs::read_to_string(path).unwrap());
    assert!(!cases.is_empty(), "{file} holds no case");
    let mut wrong = String::new();
    for case in &cases {
        let (target, form) = case.request.split_once(" <- ").unwrap_or((&case.request, ""));
        let (target, json) = target.split_once(" <= ").unwrap_or((target, ""));
        let (method, path) = target.split_once(' ').unwrap();
        let form = super::client::escape(form);
        let (kind, body) = if json.is_empty() { ("application/x-www-form-urlencoded", form.as_str()) } else { ("application/json", json) };
        let headers: &[(&str, &str)] = if body.is_empty() { &[] } else { &[("Content-Type", kind)] };
        let response = ask(fixture.address, method, path, headers, body.as_bytes()).await;
        let status = format!("{} {}", response.status, response.header("content-type").unwrap_or("-"));
        let (heard, expected) = (response.text(), case.body.trim_end());
        if status != case.status || !fits(heard.trim_end(), expected) {
            wrong +=
                &format!("{file}:{}: {}\n  expected {} {expected}\n  heard    {status} {heard}\n", case.line, case.request, case.status);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn fits(heard: &str, expected: &str) -> bool {
    let mut parts = expected.split('*');
    let Some(mut rest) = parts.next().and_then(|first| heard.strip_prefix(first)) else { return false };
    for part in parts {
        let stop = rest.find('"').unwrap_or(rest.len());
        let Some(at) = rest.find(part).filter(|at| *at <= stop) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty()
}
