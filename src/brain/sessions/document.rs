//! A session as a document: Markdown, or a page of HTML that needs nothing else and runs nothing.

use super::{Kind, Transcript};
use crate::clean::line;
use std::fmt::Write as _;

/// Characters of a title in a heading.
const MAX_TITLE: usize = 200;

const PAGE_STYLE: &str = "body{max-width:52rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif}\
    pre{background:#8881;padding:.7rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}\
    h2{font-size:1rem;margin:2rem 0 .3rem}.meta,time{color:#888;font-weight:400}.text{white-space:pre-wrap}\
    :root{color-scheme:light dark}";

impl Transcript {
    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n{}\n", self.title().replace(['#', '<', '`'], " "), self.facts());
        for entry in self.entries() {
            let at = format!("{:.0}", entry.at);
            let _ = match &entry.kind {
                Kind::Request(words) => write!(text, "\n## You, {at}\n\n{words}\n"),
                Kind::Handed { label, text: data } => write!(text, "\nWith it, {label}:\n\n{}", fenced(data)),
                Kind::Picture { media_type, bytes } => {
                    write!(text, "\nWith it, a picture: {media_type}, {bytes} bytes\n")
                }
                Kind::Answer(words) => write!(text, "\n## pryx, {at}\n\n{words}\n"),
                Kind::Act { tool, what, outcome, output } => {
                    let outcome = outcome.as_deref().unwrap_or("its end was not seen");
                    let output = if output.is_empty() { String::new() } else { format!("\n{}", fenced(output)) };
                    write!(text, "\n`{tool}`, {at}: {outcome}\n\n{}{output}", fenced(what))
                }
            };
        }
        text
    }

    /// As a page of HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let title = escape(&self.title());
        let mut text = format!(
            "<!doctype html>\n<html><head><meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
             content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>{title}</title>\n<style>{PAGE_STYLE}\
             </style></head>\n<body>\n<h1>{title}</h1>\n<p class=\"meta\">{}</p>\n",
            escape(&self.facts())
        );
        for entry in self.entries() {
            let time = format!("<time>{:.0}</time>", entry.at);
            let _ = match &entry.kind {
                Kind::Request(words) => {
                    writeln!(text, "<h2>You {time}</h2>\n<div class=\"text\">{}</div>", escape(words))
                }
                Kind::Handed { label, text: data } => {
                    writeln!(text, "<p>With it, {}:</p>\n<pre>{}</pre>", escape(label), escape(data))
                }
                Kind::Picture { media_type, bytes } => {
                    writeln!(text, "<p>With it, a picture: {}, {bytes} bytes</p>", escape(media_type))
                }
                Kind::Answer(words) => {
                    writeln!(text, "<h2>pryx {time}</h2>\n<div class=\"text\">{}</div>", escape(words))
                }
                Kind::Act { tool, what, outcome, output } => {
                    let outcome = outcome.as_deref().unwrap_or("its end was not seen");
                    let body = if output.is_empty() { what.clone() } else { format!("$ {what}\n\n{output}") };
                    let tool = escape(tool);
                    writeln!(
                        text,
                        "<p><code>{tool}</code>: {} {time}</p>\n<pre>{}</pre>",
                        escape(outcome),
                        escape(&body)
                    )
                }
            };
        }
        text.push_str("</body></html>\n");
        text
    }

    fn title(&self) -> String {
        let title = line(&self.session.title, MAX_TITLE);
        if title.is_empty() { format!("Session {}", self.session.id) } else { title }
    }

    fn facts(&self) -> String {
        let session = &self.session;
        let workspace = line(&session.workspace.display().to_string(), usize::MAX);
        format!(
            "Session {}, {}, in {workspace}, begun {:.0}, {} turn{}",
            session.id,
            line(&session.model, MAX_TITLE),
            session.created,
            session.turns,
            if session.turns == 1 { "" } else { "s" }
        )
    }
}

/// A block that its own text can't close.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
