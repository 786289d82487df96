//! A screen as a drawing that needs nothing else: no script, no font, nothing fetched.

use std::fmt::Write as _;
use vt100::{Cell, Color};

/// Size of a character cell, and of the letters in it.
const WIDTH: u32 = 9;
const HEIGHT: u32 = 18;
const FONT: u32 = 15;

/// Default colours: light on dark.
const TEXT: &str = "#d8d8d8";
const GROUND: &str = "#181818";

/// The sixteen colours of a terminal.
const BASIC: [&str; 16] = [
    "#181818", "#cc4444", "#55aa55", "#c8a040", "#4a7fd0", "#a860c0", "#40a8a8", "#d8d8d8", "#686868", "#ff6b6b",
    "#7fd67f", "#f0c860", "#70a8ff", "#d08ae8", "#68d0d0", "#ffffff",
];

#[derive(Clone, PartialEq, Eq)]
struct Look {
    text: String,
    ground: String,
    bold: bool,
    italic: bool,
    underline: bool,
}

pub(super) fn draw(screen: &vt100::Screen) -> String {
    let (rows, cols) = screen.size();
    let (width, height) = (u32::from(cols.get()) * WIDTH, u32::from(rows.get()) * HEIGHT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\
         <rect width=\"100%\" height=\"100%\" fill=\"{GROUND}\"/>\
         <g font-family=\"ui-monospace,monospace\" font-size=\"{FONT}\" xml:space=\"preserve\">\n"
    );
    for row in 0..rows.get() {
        draw_row(&mut svg, screen, row, cols.get());
    }
    svg.push_str("</g></svg>\n");
    svg
}

fn draw_row(svg: &mut String, screen: &vt100::Screen, row: u16, cols: u16) {
    let mut run: Option<(u16, u16, Look, String)> = None;
    for col in 0..cols {
        let Some(cell) = screen.cell(row, col).filter(|cell| !cell.is_wide_continuation()) else { continue };
        let look = look(cell);
        let text = if cell.has_contents() { cell.contents() } else { " " };
        let wide = if cell.is_wide() { 2 } else { 1 };
        match &mut run {
            Some((_, length, known, letters)) if *known == look => {
                *length += wide;
                letters.push_str(text);
            }
            _ => {
                put(svg, row, run.take());
                run = Some((col, wide, look, text.to_owned()));
            }
        }
    }
    put(svg, row, run);
}

fn put(svg: &mut String, row: u16, run: Option<(u16, u16, Look, String)>) {
    let Some((col, length, look, letters)) = run else { return };
    let (x, y, width) = (u32::from(col) * WIDTH, u32::from(row) * HEIGHT, u32::from(length) * WIDTH);
    if look.ground != GROUND {
        let _ =
            write!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" fill=\"{}\"/>", look.ground);
    }
    if letters.trim().is_empty() && !look.underline {
        return;
    }
    let _ = write!(svg, "<text x=\"{x}\" y=\"{}\" textLength=\"{width}\" fill=\"{}\"", y + HEIGHT - 4, look.text);
    for (is, attribute) in [
        (look.bold, " font-weight=\"bold\""),
        (look.italic, " font-style=\"italic\""),
        (look.underline, " text-decoration=\"underline\""),
    ] {
        svg.push_str(if is { attribute } else { "" });
    }
    svg.push('>');
    for c in letters.chars() {
        match c {
            '<' => svg.push_str("&lt;"),
            '>' => svg.push_str("&gt;"),
            '&' => svg.push_str("&amp;"),
            '"' => svg.push_str("&quot;"),
            // No character of XML.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => svg.push('\u{fffd}'),
            c => svg.push(c),
        }
    }
    svg.push_str("</text>\n");
}

fn look(cell: &Cell) -> Look {
    let (mut text, mut ground) = (colour(cell.fgcolor(), TEXT), colour(cell.bgcolor(), GROUND));
    if cell.inverse() {
        std::mem::swap(&mut text, &mut ground);
    }
    Look { text, ground, bold: cell.bold(), italic: cell.italic(), underline: cell.underline() }
}

fn colour(colour: Color, default: &str) -> String {
    match colour {
        Color::Default => default.to_owned(),
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        Color::Idx(index) => match index {
            0..16 => BASIC[usize::from(index)].to_owned(),
            16..232 => {
                let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
                let n = index - 16;
                format!("#{:02x}{:02x}{:02x}", level(n / 36), level(n / 6 % 6), level(n % 6))
            }
            232.. => {
                let grey = 8 + 10 * (index - 232);
                format!("#{grey:02x}{grey:02x}{grey:02x}")
            }
        },
    }
}
