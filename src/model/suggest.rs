//! "Did you mean": the nearest of the known words.

/// Longest word that is compared, in characters.
const WORD_CHARS_MAX: usize = 80;

/// The known word nearest to `word`, unless even that is far off: more than a third of the word would have to change.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase().replace('-', "_");
    if folded.chars().count() > WORD_CHARS_MAX {
        return None;
    }
    let length = folded.chars().count();
    let allowed = (length / 3).clamp(1, 4);
    known
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (distance(&folded, &candidate.to_lowercase()), candidate))
        // A word of which nothing is kept is another word.
        .filter(|(distance, _)| *distance <= allowed && *distance < length)
        // Of equally near ones that which only goes on.
        .min_by_key(|(distance, candidate)| (*distance, !candidate.starts_with(word)))
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours, one each.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, l) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, r) in right.iter().enumerate() {
            let change = above[column] + usize::from(l != r);
            let mut best = change.min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && *l == right[column - 1] && left[row - 1] == *r {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_and_nothing_far_off() {
        let known = ["expr", "alert", "for", "labels", "keep_firing_for"];
        assert_eq!(nearest("exprr", known), Some("expr"));
        assert_eq!(nearest("lables", known), Some("labels"));
        assert_eq!(nearest("keep-firing-for", known), Some("keep_firing_for"));
        assert_eq!(nearest("annotations", known), None);
        assert_eq!(nearest("rat", ["rad", "rate"]), Some("rate"));
        assert_eq!(nearest("a", ["b", "A"]), Some("A"));
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }
}
