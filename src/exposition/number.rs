//! Numbers of metrics pages: Go's `strconv.ParseFloat` without hexadecimal forms and underscores, as Prometheus reads them.

/// The NaN that Prometheus stores for every NaN of a page.
pub const NORMAL_NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0001);

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];
/// So many decimal digits always fit into the 53 bits of a double's mantissa.
const EXACT_DIGITS: usize = 15;

/// Reads a whole token; none where Go would report an error, which includes finite texts beyond the largest double.
pub fn read_float(token: &[u8]) -> Option<f64> {
    let (value, end) = read_prefix(token, 0)?;
    (end == token.len()).then_some(value)
}

/// Reads the token that starts at `at` and ends before a blank, a newline or the end.
pub(super) fn read_prefix(text: &[u8], at: usize) -> Option<(f64, usize)> {
    // Most values are short decimals, exact by one division: `mantissa / 10^decimals` rounds once.
    let negative = text.get(at) == Some(&b'-');
    let start = at + usize::from(negative);
    let (mut mantissa, mut decimals, mut digits, mut end) = (0u64, 0usize, 0usize, start);
    let mut seen_point = false;
    while let Some(byte) = text.get(end) {
        match byte {
            b'0'..=b'9' if digits < EXACT_DIGITS => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                digits += 1;
                decimals += usize::from(seen_point);
            }
            b'.' if !seen_point => seen_point = true,
            b' ' | b'\n' | b'\t' => break,
            _ => return read_general(text, at),
        }
        end += 1;
    }
    if digits == 0 {
        return None;
    }
    let value = if decimals == 0 { mantissa as f64 } else { mantissa as f64 / EXACT_POWERS[decimals] };
    Some((if negative { -value } else { value }, end))
}

#[cold]
fn read_general(text: &[u8], at: usize) -> Option<(f64, usize)> {
    let length = text[at..].iter().take_while(|b| !matches!(b, b' ' | b'\n' | b'\t')).count();
    let token = &text[at..at + length];
    let unsigned = token.strip_prefix(b"+").or(token.strip_prefix(b"-")).unwrap_or(token);
    let value = if unsigned.first().is_some_and(|b| b.is_ascii_digit() || *b == b'.') {
        let value: f64 = fast_float2::parse(token).ok()?;
        value.is_finite().then_some(value)?
    } else {
        let lower = unsigned.to_ascii_lowercase();
        match lower.as_slice() {
            b"inf" | b"infinity" if token[0] == b'-' => f64::NEG_INFINITY,
            b"inf" | b"infinity" => f64::INFINITY,
            b"nan" if unsigned.len() == token.len() => NORMAL_NAN,
            _ => return None,
        }
    };
    Some((value, at + length))
}
