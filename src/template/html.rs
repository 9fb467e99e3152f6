//! Contextual escaping for HTML output, after the rules of Go's html/template: where a value stands decides how it is made safe.
//!
//! Go analyses the template before it runs; here the escaper follows the page as it is written, which gives the same
//! contexts for well-formed templates and needs no second pass. What a value contains never moves the state.

mod literal;
mod value;

/// What the bytes of the page so far leave us in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Behind a `<` that may or may not begin a tag.
    Less,
    /// Behind `<!`, with so many dashes seen.
    Bang(u8),
    Comment(u8),
    TagName,
    Tag,
    AttributeName,
    AfterName,
    BeforeValue,
    /// Inside an attribute's value.
    Value {
        quote: Quote,
        kind: AttributeKind,
    },
    /// Inside an element whose content is no markup.
    Raw(Element),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    Double,
    Single,
    None,
}

impl Quote {
    fn ends_with(self, c: char) -> bool {
        match self {
            Self::Double => c == '"',
            Self::Single => c == '\'',
            Self::None => matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c' | '>'),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AttributeKind {
    Plain,
    Url,
    Css,
    Script,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Script,
    Style,
    Textarea,
    Title,
}

impl Element {
    fn of(tag: &str) -> Option<Self> {
        match tag {
            "script" => Some(Self::Script),
            "style" => Some(Self::Style),
            "textarea" => Some(Self::Textarea),
            "title" => Some(Self::Title),
            _ => None,
        }
    }

    fn closing(self) -> &'static str {
        match self {
            Self::Script => "</script",
            Self::Style => "</style",
            Self::Textarea => "</textarea",
            Self::Title => "</title",
        }
    }
}

/// How far a URL has come: its scheme may still be open, or its path, or the query and fragment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum UrlPart {
    #[default]
    Start,
    Path,
    Query,
}

/// Inside a script or style: code, a string, a comment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Code {
    #[default]
    Plain,
    String(char),
    BlockComment,
    LineComment,
    /// Unquoted inside `url(`.
    Url,
    /// A string inside `url(`.
    UrlString(char),
}

/// Follows the page that is written through it.
#[derive(Debug, Default)]
pub struct Escaper {
    state: State,
    /// The name of the tag being opened, lower case.
    tag: String,
    attribute: String,
    url: UrlPart,
    code: Code,
    /// The last characters of code, to see `/*`, `*/`, `//` and `url(`.
    recent: String,
    /// The value of a script's `type`, lower case.
    script_type: String,
    /// Open braces of each `${` inside a template literal.
    nested: Vec<u32>,
    /// Characters of the present text that lie in a comment.
    in_comment: usize,
    /// A newline was inside the comment that is being left out.
    comment_had_newline: bool,
    /// The value at hand came to `html`, which leaves a plus as it is.
    keeps_plus: bool,
}

/// What an attribute's value is taken as, by its name.
fn attribute_kind(name: &str) -> AttributeKind {
    const URLS: [&str; 18] = [
        "action",
        "archive",
        "background",
        "cite",
        "classid",
        "codebase",
        "data",
        "formaction",
        "href",
        "icon",
        "longdesc",
        "manifest",
        "poster",
        "profile",
        "src",
        "srcset",
        "usemap",
        "xmlns",
    ];
    let name = name.strip_prefix("data-").unwrap_or(name);
    let name = match name.split_once(':') {
        Some(("xmlns", _)) => return AttributeKind::Url,
        Some((_, local)) => local,
        None => name,
    };
    match name {
        // A page of its own, not its address.
        "srcdoc" => AttributeKind::Plain,
        "style" => AttributeKind::Css,
        name if name.starts_with("on") => AttributeKind::Script,
        name if URLS.contains(&name) || name.contains("src") || name.contains("uri") || name.contains("url") => AttributeKind::Url,
        _ => AttributeKind::Plain,
    }
}
