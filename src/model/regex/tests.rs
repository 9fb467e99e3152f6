//! Where Go and Rust differ, and what runs without the automaton.

use super::{AnchoredRegex, GoRegex};

fn matches(pattern: &str, text: &str) -> bool {
    AnchoredRegex::new(pattern).unwrap().is_match(text)
}

fn error(pattern: &str) -> String {
    AnchoredRegex::new(pattern).unwrap_err()
}

#[test]
fn braces_brackets_and_quotes_mean_what_they_mean_in_go() {
    for (pattern, text) in [
        ("a{gid}", "a{gid}"),
        ("a{,3}", "a{,3}"),
        ("{", "{"),
        ("[[a]", "["),
        ("[\\w-,]+", "a-,"),
        ("\\Qa.b\\E+", "a.bbb"),
        ("\\123", "S"),
        ("[a&&b]+", "a&b"),
        ("(?i)straSSE", "STRAsse"),
        ("a.b", "a\nb"),
        ("(?-s:.)|x\n", "x\n"),
        ("[^a]", "\n"),
        ("\\x{1F600}", "\u{1f600}"),
        ("[[:alpha:]_]+", "aZ_"),
        ("\\pL+", "\u{e9}a"),
        ("a{2,3}", "aaa"),
        ("(?P<x>a)(?<y>b)", "ab"),
        ("", ""),
    ] {
        assert!(matches(pattern, text), "{pattern} {text:?}");
    }
    for (pattern, text) in [("\\d", "\u{661}"), ("\\w", "\u{e9}"), ("a", "ab"), ("a|b", "ab"), ("(?-s:.)", "\n"), ("a$b", "a$b")] {
        assert!(!matches(pattern, text), "{pattern} {text:?}");
    }
}

#[test]
fn errors_are_gos() {
    for (pattern, message) in [
        ("(", "missing closing ): `(`"),
        ("a)", "unexpected ): `a)`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("x{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        ("x{1001}", "invalid repeat count: `{1001}`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("[a--b]", "invalid character class range: `a--`"),
        ("(a{1000}){2}", "invalid repeat count: `{2}`"),
        ("(?<=a)", "invalid named capture: `(?<=a)`"),
        ("(?i", "invalid or unsupported Perl syntax: `(?i`"),
        ("[a", "missing closing ]: `[a`"),
        ("\\8", "invalid escape sequence: `\\8`"),
        ("(?x)", "invalid or unsupported Perl syntax: `(?x`"),
        ("(?P<n", "invalid named capture: `(?P<n`"),
        ("a\\", "trailing backslash at end of expression: ``"),
    ] {
        assert_eq!(error(pattern), format!("error parsing regexp: {message}"));
    }
    assert!(error(&"(".repeat(10_000)).contains("nests too deeply"));
    assert!(error("(\\pL{50}){20}(\\pL{50}){20}(\\pL{50}){20}").contains("too large"));
}

#[test]
fn sets_and_edges_are_known() {
    let texts = |pattern: &str| AnchoredRegex::new(pattern).unwrap().texts().map(<[String]>::to_vec);
    assert_eq!(texts("b|a(x|y)?").unwrap(), ["a", "ax", "ay", "b"]);
    assert_eq!(texts("a.*"), None);
    assert_eq!(AnchoredRegex::new("node_.*total").unwrap().prefix(), "node_");
    for (pattern, yes, no) in
        [("a.*", "abc", "b"), (".*c", "abc", "cb"), (".*b.*", "abc", "ac"), (".+", "a", ""), ("a.+", "ab", "a"), ("x.*y.*", "xzy", "xz")]
    {
        assert!(matches(pattern, yes) && !matches(pattern, no), "{pattern}");
    }
}

#[test]
fn templates_follow_go() {
    let regex = AnchoredRegex::new("(?P<first>a+)-(b+)").unwrap();
    for (template, out) in
        [("$1", "aa"), ("${2}x", "bx"), ("$1x", ""), ("$first!", "aa!"), ("$$", "$"), ("$", "$"), ("${", "${"), ("$9", "")]
    {
        assert_eq!(regex.expand("aa-b", template).as_deref(), Some(out), "{template}");
    }
    assert_eq!(regex.expand("aa-c", "$1"), None);
    let anywhere = GoRegex::new("b(c?)").unwrap();
    assert_eq!(anywhere.replace_all("abcb", "<$1>"), "a<c><>");
    assert_eq!(GoRegex::new("").unwrap().replace_all("ab", "-"), "-a-b-");
}
