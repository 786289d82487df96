//! A web page as text to read: no scripts, styles or tags; links, headings and lists as in Markdown. It is for reading
//! only, so nothing depends on its being a whole parser; it takes one pass, whatever the page.

/// Elements whose inside is no text for a reader.
const SILENT: &[&str] = &["script", "style", "svg", "template", "noscript", "iframe", "object", "canvas", "select"];

/// Elements that begin on a line of their own.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "thead",
    "title",
    "tr",
    "ul",
];

/// Longest tag that is looked into; links have shorter ones.
const MAX_TAG: usize = 4096;

/// Longest entity (`&thetasym;` and the like).
const MAX_ENTITY: usize = 10;

/// The text of a page.
pub(crate) fn to_text(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let mut page = Page::default();
    let mut at = 0;
    while at < html.len() {
        let Some(open) = html[at..].find('<').map(|open| at + open) else {
            page.text(&html[at..]);
            break;
        };
        page.text(&html[at..open]);
        at = match tag(html, &lower, open) {
            Some((name, inside, end)) => page.tag(name, inside, &lower, end),
            None if lower[open..].starts_with("<!--") => {
                lower[open..].find("-->").map_or(html.len(), |end| open + end + 3)
            }
            None if lower[open..].starts_with("<!") || lower[open..].starts_with("<?") => {
                lower[open..].find('>').map_or(html.len(), |end| open + end + 1)
            }
            None => {
                page.text("<");
                open + 1
            }
        };
    }
    page.finish()
}

/// The tag that begins here: its name in lower case, what is in it, and where it ends.
fn tag<'a>(html: &'a str, lower: &'a str, open: usize) -> Option<(&'a str, &'a str, usize)> {
    let start = open + 1 + usize::from(lower[open + 1..].starts_with('/'));
    if !lower[start..].starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let name_end = start + lower[start..].find(|c: char| !c.is_ascii_alphanumeric() && c != '-')?;
    let mut quote = None;
    let window = html[name_end..].bytes().take(MAX_TAG).enumerate();
    for (index, byte) in window {
        match (quote, byte) {
            (None, b'>') => {
                let end = name_end + index;
                return Some((&lower[open + 1..name_end], &html[name_end..end], end + 1));
            }
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    None
}

#[derive(Default)]
struct Page {
    out: String,
    /// White space that comes before the next text, if one comes.
    space: bool,
    preformatted: usize,
    link: Option<(usize, String)>,
}

impl Page {
    fn text(&mut self, text: &str) {
        let text = unescape(text);
        if self.preformatted > 0 {
            self.out.push_str(&text);
            return;
        }
        for (index, word) in text.split(|c: char| c.is_whitespace()).enumerate() {
            self.space |= index > 0;
            if word.is_empty() {
                continue;
            }
            if self.space && !self.out.is_empty() && !self.out.ends_with(['\n', ' ']) {
                self.out.push(' ');
            }
            self.space = false;
            self.out.push_str(word);
        }
    }

    /// Takes in a tag; gives where to go on.
    fn tag(&mut self, name: &str, inside: &str, lower: &str, end: usize) -> usize {
        let (closes, name) = name.strip_prefix('/').map_or((false, name), |name| (true, name));
        if SILENT.contains(&name) && !closes {
            if inside.ends_with('/') {
                return end;
            }
            let close = format!("</{name}");
            let rest = lower[end..].find(&close).map(|at| end + at + close.len());
            return rest.map_or(lower.len(), |at| lower[at..].find('>').map_or(lower.len(), |close| at + close + 1));
        }
        if BLOCKS.contains(&name) {
            self.line();
        }
        match (name, closes) {
            ("pre", false) => self.preformatted += 1,
            ("pre", true) => self.preformatted = self.preformatted.saturating_sub(1),
            ("li", false) => self.out.push_str("- "),
            ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", false) => {
                let level = usize::from(name.as_bytes()[1] - b'0');
                self.out.push_str(&"#".repeat(level));
                self.out.push(' ');
            }
            ("p" | "h1" | "h2" | "h3" | "table" | "ul" | "ol", true) if !self.out.ends_with("\n\n") => {
                self.out.push('\n')
            }
            ("td" | "th", true) => self.out.push_str(" | "),
            ("a", false) => {
                self.link = attribute(inside, "href")
                    .filter(|href| !href.starts_with('#') && !href.starts_with("javascript:"))
                    .map(|href| (self.out.len(), href));
            }
            ("a", true) => {
                if let Some((from, href)) = self.link.take()
                    && self.out.get(from..).is_some_and(|text| !text.trim().is_empty() && !text.contains('\n'))
                {
                    self.out.push_str(&format!(" ({href})"));
                }
            }
            _ => {}
        }
        end
    }

    fn line(&mut self) {
        self.space = false;
        self.out.truncate(self.out.trim_end_matches(' ').len());
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn finish(self) -> String {
        self.out.trim().to_owned()
    }
}

/// The value of an attribute in the inside of a tag.
fn attribute(inside: &str, name: &str) -> Option<String> {
    let lower = inside.to_ascii_lowercase();
    let at = lower.match_indices(name).find(|(at, _)| *at > 0 && lower.as_bytes()[at - 1].is_ascii_whitespace())?.0;
    let value = inside[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
    let value = match value.bytes().next()? {
        quote @ (b'"' | b'\'') => value[1..].split(char::from(quote)).next()?,
        _ => value.split_whitespace().next()?,
    };
    Some(unescape(value))
}

/// The text with its commoner entities as characters.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(MAX_ENTITY + 2).position(|b| b == b';');
        match end.and_then(|end| Some((character(&rest[1..end])?, end))) {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<char> {
    if let Some(number) = entity.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "mdash" => '—',
        "ndash" => '–',
        "hellip" => '…',
        "copy" => '©',
        "laquo" => '«',
        "raquo" => '»',
        "rsquo" => '’',
        "lsquo" => '‘',
        "rdquo" => '”',
        "ldquo" => '“',
        "bull" => '•',
        "middot" => '·',
        "rarr" => '→',
        "times" => '×',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::to_text;

    #[test]
    fn a_page_reads_as_text() {
        let page = "<!DOCTYPE html><html><head><title>A &amp; B</title><style>p { x: '>' }</style></head><body>\n\
                    <!-- not <p>this</p> --><h1>Head</h1>\n<p>One <b>two</b>,\n  three.</p>\
                    <script>if (a < b) { document.write('<p>no</p>') }</script>\
                    <ul><li>first</li><li><a href=\"/x?a=1&amp;b=2\">second</a></li></ul>\
                    <pre>  keep\n   this</pre><a href=#top>up</a> 1 < 2 &unknown; &#x41;</body>";
        assert_eq!(
            to_text(page),
            "A & B\n# Head\n\nOne two, three.\n\n- first\n- second (/x?a=1&b=2)\n\n  keep\n   this\nup 1 < 2 &unknown; A"
        );
    }

    #[test]
    fn broken_pages_do_no_harm() {
        assert_eq!(to_text("<p"), "<p");
        assert_eq!(to_text("a<script>b"), "a");
        assert_eq!(to_text("a<!-- b"), "a");
        assert_eq!(to_text("a</p><//><>b"), "a\n\n<//><>b");
        assert_eq!(to_text("<a href=\"x>y</a>z"), "<a href=\"x>yz");
        for nasty in [
            "<".repeat(100_000),
            "<a href='".repeat(20_000),
            "<!--".repeat(50_000),
            "&".repeat(100_000),
            "<script>".repeat(30_000),
        ] {
            let _ = to_text(&nasty);
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_stop(text in "(<|>|/|a|p|pre|script|href|=|\"|'|&|;|#|x|ü|!|--| |\n){0,60}") {
            let _ = to_text(&text);
        }
    }
}
