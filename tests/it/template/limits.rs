//! Templates that want too much end with a sentence, and no text makes the engine panic.

use promlet::model::{Labels, TimestampMs};
use promlet::template::limits::{DEPTH_MAX, NESTING_MAX, STEPS_MAX};
use promlet::template::notification_functions::notification_functions;
use promlet::template::{Functions, Limits, Template, TemplateError, Value};
use proptest::prelude::*;

fn functions() -> Functions {
    notification_functions(TimestampMs(0), &Labels::empty())
}

fn render(text: &str) -> Result<String, TemplateError> {
    let data = Value::map([("list", Value::list([Value::Int(1), Value::text("a")])), ("name", Value::text("<n>"))]);
    Template::parse("t", text, &functions())?.render_text(&data, &functions(), Limits::default())
}

/// On a thread with the stack that tokio gives its blocking threads.
fn on_small_stack(text: String) -> Result<String, TemplateError> {
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(move || render(&text)).unwrap().join().unwrap()
}

fn limit(text: &str) -> String {
    match on_small_stack(text.to_owned()) {
        Err(TemplateError::Limit(error) | TemplateError::Execute(error) | TemplateError::Parse(error)) => error,
        Ok(text) => panic!("rendered {} bytes", text.len()),
    }
}

#[test]
fn endless_things_end() {
    assert!(
        limit("{{define \"r\"}}{{template \"r\" .}}{{end}}{{template \"r\" .}}")
            .contains(&format!("exceeded maximum template depth ({DEPTH_MAX})"))
    );
    assert!(limit("{{range 1000000000}}{{end}}").contains(&format!("more than the limit of {STEPS_MAX} steps")));
    assert!(limit("{{range 1000000}}0123456789{{end}}").contains("longer than the limit of 4194304 bytes"));
    assert!(limit("{{$x := \"0123456789\"}}{{range 64}}{{$x = print $x $x}}{{end}}").contains("longer than the limit of 4194304 bytes"));
    assert!(limit("{{$l := list}}{{range 64}}{{$l = list $l}}{{end}}").contains("nested deeper than the limit of 32 levels"));
    assert!(limit("{{$l := list 1 1 1 1}}{{range 20}}{{$l = list $l $l $l $l}}{{end}}{{$l}}").contains("limit of"));
    assert!(limit("{{$l := list 1 1 1 1}}{{range 20}}{{$l = list $l $l $l $l}}{{end}}{{toJson $l}}").contains("limit of"));
    assert!(limit("{{range 100000}}{{printf \"%999999d\" 1}}{{end}}").contains("limit of"));
}

#[test]
fn deep_nesting_is_refused_before_the_stack_ends() {
    let parens = format!("{{{{{}1{}}}}}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(limit(&parens).contains("max expression depth exceeded"));
    let blocks = format!("{}{}", "{{if 1}}".repeat(100_000), "{{end}}".repeat(100_000));
    assert!(limit(&blocks).contains(&format!("limit of {NESTING_MAX} blocks")));
    let chain = format!("{{{{if 0}}}}{}{{{{end}}}}", "{{else if 0}}x".repeat(100_000));
    assert!(limit(&chain).contains("limit of"));
    let allowed = format!("{{{{{}1{}}}}}", "(".repeat(NESTING_MAX - 1), ")".repeat(NESTING_MAX - 1));
    assert_eq!(on_small_stack(allowed).as_deref(), Ok("1"));
    let deepest = format!("{}x{}", "{{with 1}}".repeat(NESTING_MAX - 1), "{{end}}".repeat(NESTING_MAX - 1));
    assert_eq!(on_small_stack(deepest).as_deref(), Ok("x"));
}

/// Pieces that make texts which are nearly templates.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{{",
        "}}",
        "{{-",
        "-}}",
        " ",
        "if ",
        "else ",
        "end",
        "range ",
        "with ",
        "define \"a\"",
        "template \"a\" ",
        "block \"b\" ",
        "break",
        "continue",
        ".",
        ".list",
        ".name",
        "$",
        "$x",
        ":=",
        "=",
        ",",
        "|",
        "(",
        ")",
        "1",
        "-2",
        "0x1F",
        "1.5e3",
        "'a'",
        "\"q\"",
        "`r`",
        "nil",
        "true",
        "index ",
        "slice ",
        "printf ",
        "\"%d %v %[9]*.*f %q\" ",
        "len ",
        "eq ",
        "and ",
        "or ",
        "list ",
        "dict ",
        "toJson ",
        "date ",
        "now",
        "\u{e9}",
        "\n",
        "/* c */",
        "<a href=\"",
        "\"",
        "<script>",
        "</",
        "<!--",
        "-->",
        "style=",
        "'",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_panics(text in pieces()) {
        let data = Value::map([("list", Value::list([Value::Int(1), Value::text("a")])), ("name", Value::text("<n>"))]);
        if let Ok(template) = Template::parse("t", &text, &functions()) {
            let _ = template.render_text(&data, &functions(), Limits::default());
            let _ = template.render_html(&data, &functions(), Limits::default());
        }
    }

    #[test]
    fn html_never_lets_a_value_open_a_tag(value in ".{0,20}", before in prop::sample::select(vec!["<p>", "<p title=\"", "<p title='", "<p class=", "<title>", "<textarea>", "<a href=\"", "<p style=\"x: ", "<p onclick=\"f('"])) {
        let text = format!("{before}{{{{ .v }}}}");
        let template = Template::parse("t", &text, &Functions::default()).unwrap();
        let data = Value::map([("v", Value::text(&value))]);
        let out = template.render_html(&data, &Functions::default(), Limits::default()).unwrap();
        let written = &out[before.len()..];
        prop_assert!(!written.contains(['<', '>', '"', '\'']), "{value:?} became {written:?}");
    }
}
