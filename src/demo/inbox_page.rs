//! The page of the demo's receivers: three columns, newest first, each message as a person would see it there.

/// What one receiver was told, ready to be shown.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// `slack`, `mail` or `webhook`.
    pub receiver: &'static str,
    /// Seconds from the program's first line.
    pub second: i64,
    pub title: &'a str,
    pub text: &'a str,
}

/// Longer texts are cut on the page.
const SHOWN_CHARS_MAX: usize = 4000;

const COLUMNS: [(&str, &str); 3] = [("slack", "Slack channel #training"), ("mail", "Mail to you@localhost"), ("webhook", "Webhook")];

const HEAD: &str = r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><title>promlet demo: what the receivers heard</title>
<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<noscript><meta http-equiv="refresh" content="5"></noscript>
<style>
body{font:14px/1.5 system-ui,sans-serif;margin:0 auto;max-width:100rem;padding:1.2rem 1.5rem}h1{font-size:1.3rem;margin:0}h2{font-size:1rem;margin:0 0 .6rem}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1.4rem;margin-top:1rem}
article{border:1px solid #8884;border-left:5px solid #dc2626;border-radius:6px;margin:0 0 .9rem;padding:.5rem .8rem;overflow-wrap:anywhere}
article.resolved{border-left-color:#16a34a}article header{display:flex;gap:.6rem;align-items:baseline}article b{font-weight:650}time{opacity:.65;margin-left:auto;white-space:nowrap;font-size:12px}
pre{white-space:pre-wrap;margin:.3rem 0 0;font:inherit}details pre,code{font:12px/1.45 ui-monospace,monospace}code{background:#8882;border-radius:3px;padding:0 .25em}summary{cursor:pointer;opacity:.75}.none{opacity:.65}
</style></head>
<body><h1>What the receivers heard</h1>A Slack-shaped endpoint, a mail server and a webhook on this machine, told by promlet's real notifiers. Newest first.
"#;

/// Fetches itself and takes the new messages over, so that what is open and where one reads stays.
const TAIL: &str = r#"<script>
setInterval(async () => {
  try {
    const next = new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html').querySelector('main');
    const main = document.querySelector('main');
    if (next && next.dataset.count !== main.dataset.count) main.replaceWith(next);
  } catch { document.title = 'the demo has ended'; }
}, 1000);
</script></body></html>
"#;

/// The whole page; `count` is how many messages came so far.
pub fn page(messages: &[Shown<'_>], count: u64) -> String {
    let mut out = format!("{HEAD}<main data-count=\"{count}\">\n");
    for (receiver, name) in COLUMNS {
        out.push_str(&format!("<section id=\"{receiver}\"><h2>{name}</h2>\n"));
        let before = out.len();
        messages.iter().filter(|message| message.receiver == receiver).for_each(|message| out.push_str(&article(message)));
        if out.len() == before {
            out.push_str("<p class=\"none\">Nothing yet. The first alert fires 20 seconds after the start.</p>");
        }
        out.push_str("</section>\n");
    }
    out + "</main>" + TAIL
}

fn article(message: &Shown<'_>) -> String {
    let text: String = message.text.chars().take(SHOWN_CHARS_MAX).collect();
    let body = match message.receiver {
        "slack" => format!("<pre>{}</pre>", slack_markup(&text)),
        "webhook" => format!("<details><summary>its JSON</summary><pre>{}</pre></details>", escape(&text)),
        _ => format!("<pre>{}</pre>", escape(&text)),
    };
    let is_resolved = message.title.to_ascii_lowercase().contains("resolved");
    format!(
        "<article class=\"{}\"><header><b>{}</b><time>at {} s</time></header>{body}</article>\n",
        if is_resolved { "resolved" } else { "firing" },
        escape(message.title),
        message.second,
    )
}

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Slack's mrkdwn as far as promlet writes it: links, bold and code. Its texts come with `&`, `<` and `>` escaped as in HTML.
fn slack_markup(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(&styled(before));
        let (link, tail) = after.split_once('>').unwrap_or((after, ""));
        let (address, name) = link.split_once('|').unwrap_or((link, link));
        match address.starts_with("http") {
            true => out.push_str(&format!("<a href=\"{}\">{}</a>", address.replace('"', "%22"), styled(name))),
            false => out.push_str(&styled(link)),
        }
        rest = tail;
    }
    out + &styled(rest)
}

/// Pairs of `*` and of backticks on one line.
fn styled(text: &str) -> String {
    let quoted = text.replace('"', "&quot;");
    let tagged = |line: &str| {
        let code: Vec<String> =
            line.split('`').enumerate().map(|(at, part)| if at % 2 == 1 { part.to_owned() } else { pairs(part) }).collect();
        between(&code, "code")
    };
    quoted.split('\n').map(tagged).collect::<Vec<_>>().join("\n")
}

fn pairs(text: &str) -> String {
    between(&text.split('*').map(str::to_owned).collect::<Vec<_>>(), "b")
}

/// Every second part in a tag; a last one that nothing closes stays as it was.
fn between(parts: &[String], tag: &str) -> String {
    let mark = if tag == "b" { "*" } else { "`" };
    let mut out = String::new();
    for (at, part) in parts.iter().enumerate() {
        match at % 2 {
            0 => out.push_str(part),
            _ if at + 1 < parts.len() => out.push_str(&format!("<{tag}>{part}</{tag}>")),
            _ => out.push_str(&format!("{mark}{part}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slack_messages_look_as_in_slack() {
        let text = "*A &lt;b&gt;* is `x=\"*y*\"`\n<http://h/?a=1&amp;b=\"2|Graph> <!here> 2 * 3";
        assert_eq!(
            slack_markup(text),
            "<b>A &lt;b&gt;</b> is <code>x=&quot;*y*&quot;</code>\n<a href=\"http://h/?a=1&amp;b=%222\">Graph</a> !here 2 * 3"
        );
    }

    #[test]
    fn each_receiver_has_its_column() {
        let of = |receiver, title| Shown { receiver, second: 7, title, text: "{\"a\": 1}" };
        let page = page(&[of("webhook", "resolved: A"), of("mail", "<FIRING>")], 2);
        assert!(
            page.contains("data-count=\"2\"") && page.contains("<article class=\"resolved\"><header><b>resolved: A</b><time>at 7 s</time>")
        );
        assert!(page.contains("<b>&lt;FIRING&gt;</b>") && page.contains("{&quot;a&quot;: 1}"));
        assert_eq!(page.matches("Nothing yet").count(), 1, "only Slack heard nothing");
    }
}
