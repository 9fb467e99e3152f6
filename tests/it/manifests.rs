//! Findings about Kubernetes manifests: on our own files, where a comment stands at each line that is wrong; on the documented ones, by name; on
//! those that others publish, of which nothing is said.

use std::path::Path;

use promlet::commands::check_manifests::{check_all, read};
use promlet::commands::check_rules::Verdict;
use promlet::lint::Known;
use promlet::manifests::{Finding, Manifest, check};
use promlet::yaml::Source;

use crate::config::shared;

/// Check and line of each finding, in order.
fn found(manifest: &Manifest) -> Vec<(usize, String)> {
    let objects = manifest.objects();
    let mut found: Vec<(usize, String)> = check(&objects).iter().map(place).collect();
    found.extend(manifest.errors.iter().map(|error| (error.line, error.message.clone())));
    found.sort();
    found
}

fn place(finding: &Finding) -> (usize, String) {
    (finding.problem.line, finding.check.to_owned())
}

/// `# <- name, name` for this line, `# <- +2 name` for one two lines below.
fn expected(text: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some((_, marked)) = line.split_once("# <- ") else { continue };
        let (below, names) = match marked.strip_prefix('+').and_then(|rest| rest.split_once(' ')) {
            Some((below, names)) => (below.parse().unwrap(), names),
            None => (0, marked),
        };
        all.extend(names.split(", ").map(|name| (at + 1 + below, name.to_owned())));
    }
    all.sort();
    all
}

#[test]
fn each_marked_line_is_found_and_no_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let source = Source::read(&entry.unwrap().path()).unwrap();
        let (name, wanted) = (source.file.clone(), expected(&source.text));
        assert_eq!(found(&Manifest::new(source)), wanted, "{name}");
        files += 1;
    }
    assert_eq!(files, 6);
}

/// The blocks of a document that are YAML, each padded so that its lines keep their numbers.
fn blocks(document: &str) -> Vec<Source> {
    let path = shared("seeds").unwrap().join(document);
    let text = std::fs::read_to_string(path).unwrap();
    let mut all = Vec::new();
    for (at, _) in text.match_indices("```yaml\n") {
        let start = at + "```yaml\n".len();
        let length = text[start..].find("```").unwrap();
        let padding = "\n".repeat(text[..start].matches('\n').count());
        all.push(Source::new(document, format!("{padding}{}", &text[start..start + length])));
    }
    all
}

/// What the documents that the product was asked for from have wrong (B1 to B4), at its lines.
#[test]
fn the_documented_manifests_have_their_known_defects() {
    if shared("seeds").is_none() {
        return;
    }
    let all: Vec<(usize, String)> =
        blocks("ml-platform-monitoring-guide.md").into_iter().flat_map(|source| found(&Manifest::new(source))).collect();
    let wanted = [
        (92, "label-value"),        // B1: prometheus.io/path as a label
        (101, "duplicate-port"),    // B2
        (161, "no-selector"),       // B4: Service user-api
        (170, "no-selector"),       // B4: its Deployment
        (194, "restart-policy"),    // B4: Job
        (200, "behind-no-service"), // B4: no ServiceMonitor finds its pods
        (224, "restart-policy"),    // B4: CronJob
        (230, "behind-no-service"),
        (253, "dashboard"), // B3
    ];
    assert_eq!(all, wanted.map(|(line, check)| (line, check.to_owned())));
    let broken = Manifest::new(blocks("kubeflow-training-operator-metrics.md").remove(0));
    assert_eq!(broken.errors.len(), 1, "{:?}", broken.errors);
    assert_eq!(broken.errors[0].line, 28, "{}", broken.errors[0]);
    assert!(broken.errors[0].message.starts_with("not valid YAML"), "{}", broken.errors[0]);
}

#[test]
fn published_manifests_are_left_alone() {
    let Some(folder) = shared("corpus/manifests") else { return };
    let (files, problems) = read(&[folder]);
    assert!(problems.is_empty() && files.len() >= 9);
    let objects: Vec<_> = files.iter().flat_map(Manifest::objects).collect();
    let said: Vec<String> = check(&objects).iter().map(|finding| finding.problem.to_string()).collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn rules_inside_are_read_and_linted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.yml");
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {a: b}, ports: [{port: 1}]}\n---\n\
        apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: r}\nspec:\n  groups:\n  - name: g\n    \
        partial_response_strategy: warn\n    rules:\n    - alert: A\n      expr: rate(http_requests_total[5m]) > 0.1\n      \
        annotations: {d: \"{{ $value | humanizePercentage }}\"}\n    - {record: one, expr: 1}\n";
    let run = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let (files, problems) = read(std::slice::from_ref(&path));
        let mut out = Vec::new();
        let verdict = check_all(&files, &problems, &Known::default(), &mut out).unwrap();
        (verdict, String::from_utf8(out).unwrap().replace(&format!("{}/", folder.path().display()), ""))
    };
    let (verdict, said) = run(text);
    assert_eq!(verdict, Verdict { files_wrong: 0, findings: 1 }, "{said}");
    assert!(said.contains("alerts.yml: 1 group, 1 alerting rule, 1 recording rule\n"), "{said}");
    assert!(said.contains("alerts.yml:14: A: ") && said.contains("[unit-mismatch]"), "{said}");
    assert!(said.ends_with("alerts.yml: 2 objects (PrometheusRule, Service)\n"), "{said}");
    let (verdict, said) = run(&text.replace("humanizePercentage }}", "humanize }").replace("expr: 1", "exprr: 1"));
    assert_eq!(verdict.files_wrong, 1);
    assert!(said.contains("alerts.yml:17:") && said.contains("did you mean \"expr\"?"), "{said}");
    let (verdict, said) = run("kind: {{ .Values.kind }}\n");
    assert_eq!(verdict.files_wrong, 1);
    assert!(said.contains("helm template"), "{said}");
    let (_, said) = run("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {a: b}}\n");
    assert!(said.ends_with("alerts.yml: 1 object (Service), 1 refused by a cluster\n"), "{said}");
}
