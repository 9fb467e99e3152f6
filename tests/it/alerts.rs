//! Routing over virtual time: every `.timeline` file under `tests/alerts` is run, and what was sent is compared with what it says.

mod failures;
mod killed;
mod simulation;
mod storm;
mod timeline;

use std::path::PathBuf;

#[test]
fn timelines() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/alerts");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "timeline"));
    files.sort();
    assert!(files.len() >= 10, "only {} timelines were found", files.len());
    let mut wrong = String::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let line = timeline::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let heard = simulation::run(&line);
        if heard != line.expected {
            let name = path.file_name().unwrap().to_string_lossy();
            wrong += &format!("{name}\n  expected:\n    {}\n  heard:\n    {}\n", line.expected.join("\n    "), heard.join("\n    "));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
