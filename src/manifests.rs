//! Kubernetes manifests without a cluster: what an API server refuses, what Prometheus there would never scrape, what Grafana would not load.
//!
//! Rules of validity follow the Kubernetes API reference and the API of Prometheus's operator. What other files may hold is not guessed:
//! where a finding needs two objects, both are among those that were given.

mod dashboard;
mod job;
mod keys;
mod metadata;
mod monitor;
mod names;
mod object;
mod retired;
mod service;
mod workload;

use crate::model::{Problem, Severity, Span};
use crate::yaml::{self, Node, Problems, Source};

pub use object::Object;

/// What the YAML parser says where a key follows a list's items at their depth.
const LIST_BROKEN: &str = "did not find expected '-' indicator";
/// Most findings about one object; a reader stops earlier.
const FINDINGS_MAX: usize = 50;

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The API server does not take the object.
    Refused,
    /// It takes it, and something does not work.
    Broken,
}

/// One thing that is wrong with one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub check: &'static str,
    pub outcome: Outcome,
    pub problem: Problem,
}

/// A file with its documents.
pub struct Manifest {
    pub source: Source,
    documents: Vec<Node>,
    /// What is wrong with it as YAML.
    pub errors: Vec<Problem>,
}

impl Manifest {
    /// Reads every document, up to a broken one.
    pub fn new(source: Source) -> Self {
        let mut problems = Problems::new(&source);
        let documents = yaml::parse_all(&source, &mut problems);
        let (mut errors, _) = problems.finish();
        if !errors.is_empty() && source.text.contains("{{") {
            let way_out = "a Helm template is no manifest yet: helm template ... | promlet check manifests -";
            errors.iter_mut().for_each(|error| error.suggestion = Some(way_out.to_owned()));
        }
        for error in errors.iter_mut().filter(|error| error.message.contains(LIST_BROKEN)) {
            let way_out = "this line stands as deep as the list above it, and is no item: move it out, or the list further in";
            error.suggestion = Some(way_out.to_owned());
        }
        Self { source, documents, errors }
    }

    /// Its objects, those of lists one by one.
    pub fn objects(&self) -> Vec<Object<'_>> {
        self.documents.iter().flat_map(|document| Object::all(document, &self.source)).collect()
    }
}

/// Collects what checks find about one object.
pub struct Findings<'o> {
    object: &'o Object<'o>,
    found: Vec<Finding>,
}

impl Findings<'_> {
    fn refused(&mut self, check: &'static str, at: Span, message: impl AsRef<str>, way_out: impl Into<String>) {
        self.add(check, Outcome::Refused, at, message.as_ref(), way_out.into());
    }

    fn broken(&mut self, check: &'static str, at: Span, message: impl AsRef<str>, way_out: impl Into<String>) {
        self.add(check, Outcome::Broken, at, message.as_ref(), way_out.into());
    }

    fn add(&mut self, check: &'static str, outcome: Outcome, at: Span, message: &str, way_out: String) {
        if self.found.len() >= FINDINGS_MAX {
            return;
        }
        let message = format!("{}: {message} [{check}]", self.object.title());
        let problem = self.object.source.problem(Severity::Error, at.start, message, Some(way_out));
        // A pod's metadata is its template's, too.
        if !self.found.iter().any(|found| found.problem == problem) {
            self.found.push(Finding { check, outcome, problem });
        }
    }
}

type Check = fn(&Object<'_>, &[Object<'_>], &mut Findings<'_>);

const CHECKS: [Check; 8] =
    [retired::check, metadata::check, keys::check, service::check, workload::check, job::check, monitor::check, dashboard::check];

/// Everything that is wrong with the objects of all files, in their order.
pub fn check(objects: &[Object<'_>]) -> Vec<Finding> {
    let mut all = Vec::new();
    for object in objects {
        let mut findings = Findings { object, found: Vec::new() };
        if object.kind.is_empty() || object.api.is_empty() {
            let message = match (object.api.is_empty(), object.kind.is_empty()) {
                (true, true) => "neither apiVersion nor kind says what this is: no cluster takes it",
                (true, false) => "has no apiVersion: no cluster takes it",
                _ => "has no kind: no cluster takes it",
            };
            let way_out = "a whole object begins with apiVersion, kind and metadata; a piece of one has no meaning by itself";
            findings.refused("no-object", object.node.span, message, way_out);
        } else if !object.is_for_kustomize() {
            CHECKS.iter().for_each(|check| check(object, objects, &mut findings));
        }
        findings.found.sort_by_key(|finding| (finding.problem.line, finding.problem.column));
        all.append(&mut findings.found);
    }
    all
}
