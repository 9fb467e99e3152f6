//! Tails against a plain list of rows.

use super::*;
use crate::tsdb::cell::put_stale;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Cell {
    Value(f64),
    Gap,
    Stale,
}

/// Writes rows as a group does: nothing for an unchanged live value, codes otherwise.
fn write(cells: &[Cell], restart_at: usize) -> (Column, Arena, bool) {
    let (mut column, mut arena, mut live) = (Column::new(1), Arena::default(), false);
    let mut scratch = Vec::new();
    for (at, cell) in cells.iter().enumerate() {
        if at == restart_at {
            column.restart();
            arena.clear();
        }
        let row = if at >= restart_at { at - restart_at } else { at } as u16;
        match cell {
            Cell::Value(value) if live && value.to_bits() == column.last() => {}
            Cell::Value(value) => {
                let (mut code, mut after) = (Vec::new(), column.coder());
                after.put(&mut code, value.to_bits());
                column.put_value(&mut arena, &mut scratch, row, live, &code, after);
                live = true;
            }
            Cell::Gap if !live => {}
            Cell::Gap => {
                let mut code = Vec::new();
                put_gap(&mut code);
                column.put_state(&mut arena, &mut scratch, row, live, &code);
                live = false;
            }
            Cell::Stale => {
                let mut code = Vec::new();
                put_stale(&mut code);
                column.put_state(&mut arena, &mut scratch, row, live, &code);
                live = false;
            }
        }
    }
    (column, arena, live)
}

fn check(cells: &[Cell], restart_at: usize) {
    let (column, arena, live) = write(cells, restart_at);
    let mut codes = Vec::new();
    arena.read(column.chain(), &mut codes);
    let expected = cells.get(restart_at..).unwrap_or(cells);
    let mut back = PageColumn::default();
    for rows in [expected.len(), expected.len() / 2] {
        decode(&codes, live.then_some(column.last()), rows, &mut back).expect("what was written");
        assert_eq!(back.floats.len(), rows);
        for (row, cell) in expected.iter().enumerate().take(rows) {
            let state = back.states.get(row).copied().unwrap_or(State::Value);
            match *cell {
                Cell::Value(value) => {
                    assert_eq!((state, back.floats[row].to_bits()), (State::Value, value.to_bits()), "row {row} of {cells:?}")
                }
                Cell::Gap => assert_eq!(state, State::Gap, "row {row} of {cells:?}"),
                Cell::Stale => assert_eq!(state, State::Stale, "row {row} of {cells:?}"),
            }
        }
    }
}

#[test]
fn rows_come_back() {
    use Cell::{Gap, Stale, Value};
    check(&[Value(1.0), Value(1.0), Value(2.0), Gap, Value(2.0), Stale, Gap, Value(0.5)], 100);
    check(&[Value(1.0), Value(1.0), Value(1.0), Value(1.0), Value(3.0)], 2);
    check(&[Value(1.0), Gap, Gap, Gap, Value(3.0)], 2);
    check(&[Gap, Gap, Stale], 100);
    check(&[Value(1.0), Stale, Gap, Gap, Value(f64::NAN), Value(-0.0)], 2);
}

proptest::proptest! {
    #[test]
    fn any_rows_come_back(picks in proptest::collection::vec(0u8..12, 1..120), restart_at in 0usize..150) {
        let mut value = 10.0;
        let mut cells: Vec<Cell> = picks.iter().map(|pick| match pick {
            0 => Cell::Gap,
            1 => Cell::Stale,
            2 => { value = 1.0 / (value + 1.0); Cell::Value(value) }
            3 => { value += 0.25; Cell::Value(value) }
            4 => { value += 1000.0; Cell::Value(value) }
            _ => Cell::Value(value),
        }).collect();
        cells.insert(0, Cell::Value(1.0));
        check(&cells, restart_at);
    }
}
