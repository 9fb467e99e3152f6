//! Digits and the few signs that an axis needs, as strokes on a grid of 6 by 10: no font is needed, and none has to be there.

/// A stroke: points that a pen joins. The y axis points down, the base line is at 10.
type Stroke = &'static [(u8, u8)];

/// What stands between two signs.
const GAP: u8 = 3;

/// A sign's strokes and its width; a sign that is not here leaves a blank.
pub fn glyph(sign: char) -> (&'static [Stroke], u8) {
    match sign {
        '0' => (&[&[(2, 0), (4, 0), (6, 2), (6, 8), (4, 10), (2, 10), (0, 8), (0, 2), (2, 0)]], 6),
        '1' => (&[&[(1, 2), (3, 0), (3, 10)]], 4),
        '2' => (&[&[(0, 2), (2, 0), (4, 0), (6, 2), (6, 4), (0, 10), (6, 10)]], 6),
        '3' => (&[&[(0, 2), (2, 0), (4, 0), (6, 2), (6, 3), (4, 5), (2, 5)], &[(4, 5), (6, 7), (6, 8), (4, 10), (2, 10), (0, 8)]], 6),
        '4' => (&[&[(5, 10), (5, 0), (0, 7), (6, 7)]], 6),
        '5' => (&[&[(6, 0), (0, 0), (0, 4), (4, 4), (6, 6), (6, 8), (4, 10), (2, 10), (0, 9)]], 6),
        '6' => (&[&[(5, 0), (3, 0), (0, 4), (0, 8), (2, 10), (4, 10), (6, 8), (6, 6), (4, 4), (2, 4), (0, 6)]], 6),
        '7' => (&[&[(0, 0), (6, 0), (2, 10)]], 6),
        '8' => (
            &[&[
                (2, 5),
                (0, 3),
                (0, 2),
                (2, 0),
                (4, 0),
                (6, 2),
                (6, 3),
                (4, 5),
                (2, 5),
                (0, 7),
                (0, 8),
                (2, 10),
                (4, 10),
                (6, 8),
                (6, 7),
                (4, 5),
            ]],
            6,
        ),
        '9' => (&[&[(1, 10), (3, 10), (6, 6), (6, 2), (4, 0), (2, 0), (0, 2), (0, 4), (2, 6), (4, 6), (6, 4)]], 6),
        '.' => (&[&[(1, 9), (1, 10)]], 2),
        ':' => (&[&[(1, 3), (1, 4)], &[(1, 8), (1, 9)]], 2),
        '-' => (&[&[(1, 5), (5, 5)]], 6),
        '+' => (&[&[(1, 5), (5, 5)], &[(3, 3), (3, 7)]], 6),
        'e' => (&[&[(0, 7), (5, 7), (5, 6), (4, 4), (2, 4), (0, 6), (0, 8), (2, 10), (5, 10)]], 5),
        'k' => (&[&[(0, 0), (0, 10)], &[(5, 3), (0, 7)], &[(2, 6), (5, 10)]], 5),
        'M' => (&[&[(0, 10), (0, 0), (3, 5), (6, 0), (6, 10)]], 6),
        'G' => (&[&[(6, 2), (4, 0), (2, 0), (0, 2), (0, 8), (2, 10), (4, 10), (6, 8), (6, 5), (3, 5)]], 6),
        'T' => (&[&[(0, 0), (6, 0)], &[(3, 0), (3, 10)]], 6),
        'P' => (&[&[(0, 10), (0, 0), (4, 0), (6, 2), (6, 3), (4, 5), (0, 5)]], 6),
        _ => (&[], 3),
    }
}

/// Each sign of a text with the place where it begins, and the width of the whole.
pub fn placed(text: &str) -> (Vec<(&'static [Stroke], u16)>, u16) {
    let (mut out, mut at) = (Vec::new(), 0);
    for sign in text.chars() {
        let (strokes, width) = glyph(sign);
        out.push((strokes, at));
        at += u16::from(width + GAP);
    }
    (out, at.saturating_sub(u16::from(GAP)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_of_an_axis_is_there_and_stays_on_its_grid() {
        for sign in "0123456789.:-+ekMGTP".chars() {
            let (strokes, width) = glyph(sign);
            assert!(!strokes.is_empty(), "{sign}");
            let on_grid = strokes.iter().flat_map(|stroke| stroke.iter()).all(|(x, y)| *x <= width && *y <= 10);
            assert!(on_grid, "{sign}");
        }
        assert_eq!(placed("10").1, 4 + 3 + 6);
        assert_eq!(placed("").1, 0);
    }
}
