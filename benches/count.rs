//! Instruction counts: `cargo bench --bench NAME -- count [PART OF A CASE]` runs the benchmark once a case under valgrind's callgrind,
//! which counts while one named function runs, and prints a table. Counts do not depend on the machine's load, and hardly on the machine.

use std::process::Command;

/// What the child is asked for.
pub const ONE: &str = "one";
/// Begins the line in which a child says how much it did.
const DID: &str = "did ";

/// A case by its name, and the function that is counted, as callgrind writes it; `*` stands for any text.
#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub function: &'static str,
}

/// Prints the table.
pub fn table(cases: impl IntoIterator<Item = Case>, only: Option<&str>) {
    println!("| case | instructions | of | instructions each |\n|---|---|---|---|");
    for case in cases.into_iter().filter(|case| only.is_none_or(|only| case.name.contains(only))) {
        match count(case) {
            Ok((instructions, units, unit)) => {
                let each = instructions as f64 / units.max(1) as f64;
                println!("| {} | {:.2} M | {units} {unit} | {each:.1} |", case.name, instructions as f64 / 1e6);
            }
            Err(problem) => println!("| {} | {problem} | | |", case.name),
        }
    }
}

/// For the child: so many units were looked at while its function ran.
pub fn did(units: u64, unit: &str) {
    println!("{DID}{units} {unit}");
}

fn count(case: Case) -> Result<(u64, u64, String), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={}", case.function))
        .arg(program)
        .args([ONE, case.name])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let (said, counted) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    let after = |text: &str, mark: &str| text.lines().find_map(|line| Some(line.split_once(mark)?.1.trim().to_owned()));
    let instructions = after(&counted, "Collected :").and_then(|number| number.parse().ok());
    let units = after(&said, DID).and_then(|line| line.split_once(' ').map(|(n, unit)| (n.parse().ok(), unit.to_owned())));
    match (instructions, units) {
        (Some(0), _) => Err(format!("no function {} was called", case.function)),
        (Some(instructions), Some((Some(units), unit))) => Ok((instructions, units, unit)),
        _ => Err(format!("it ended with {}", run.status)),
    }
}
