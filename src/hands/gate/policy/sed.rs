//! A reader of sed scripts that agrees only to what prints, deletes and substitutes.

use super::known::is_option;

/// sed writes with `w`, starts programs with `e`, reads with `r`, and edits in place with `-i`.
pub(super) fn only_prints(args: &[&str]) -> bool {
    let mut scripts: Vec<&str> = Vec::new();
    let mut operands: Vec<&str> = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match *arg {
            "-e" | "--expression" => scripts.extend(rest.next().copied()),
            "--quiet" | "--silent" | "--regexp-extended" | "--posix" | "--unbuffered" | "--null-data" => {}
            arg if arg.starts_with("--expression=") => return false,
            arg if is_option(arg) && arg.chars().skip(1).all(|c| "nErsuz".contains(c)) => {}
            "-ne" | "-Ee" | "-re" | "-nEe" | "-nre" => scripts.extend(rest.next().copied()),
            arg if is_option(arg) => return false,
            _ => operands.push(arg),
        }
    }
    if scripts.is_empty() {
        scripts.extend(operands.first().copied());
    }
    !scripts.is_empty() && scripts.iter().all(|script| is_harmless(script))
}

struct Script<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
}

/// Whether the script can neither write, read other files, nor start a program.
fn is_harmless(script: &str) -> bool {
    let mut script = Script { rest: script.chars().peekable() };
    script.commands().is_some()
}

impl Script<'_> {
    fn commands(&mut self) -> Option<()> {
        loop {
            self.skip(|c| c.is_whitespace() || matches!(c, ';' | '{' | '}'));
            if self.rest.peek().is_none() {
                return Some(());
            }
            self.address()?;
            self.skip(|c| c == ' ' || c == '!');
            match self.rest.next()? {
                '{' => continue,
                'p' | 'd' | 'q' | '=' | 'n' | 'N' | 'h' | 'H' | 'g' | 'G' | 'x' | 'D' | 'P' => {}
                's' => self.substitute()?,
                _ => return None,
            }
            self.skip(|c| c == ' ');
            if !matches!(self.rest.peek(), None | Some(';' | '}' | '\n')) {
                return None;
            }
        }
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) {
        while self.rest.next_if(|c| what(*c)).is_some() {}
    }

    /// `5`, `$`, `/re/`, `1,5`, `1~2`, `/a/,/b/`, or nothing.
    fn address(&mut self) -> Option<()> {
        self.place()?;
        self.skip(|c| c == ' ');
        if self.rest.next_if_eq(&',').is_some() {
            self.skip(|c| matches!(c, ' ' | '+' | '~'));
            self.place()?;
        }
        Some(())
    }

    fn place(&mut self) -> Option<()> {
        match self.rest.peek() {
            Some('$') => drop(self.rest.next()),
            Some('/') => {
                self.rest.next();
                self.part('/')?;
                self.skip(|c| c == 'I');
            }
            _ => self.skip(|c| c.is_ascii_digit() || c == '~'),
        }
        Some(())
    }

    /// Up to an unescaped delimiter. Whether a delimiter inside brackets counts depends on the sed: refused.
    fn part(&mut self, delimiter: char) -> Option<()> {
        let mut bracket = false;
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => drop(self.rest.next()?),
                '\n' => return None,
                c if c == delimiter => return (!bracket).then_some(()),
                '[' => bracket = true,
                ']' => bracket = false,
                _ => {}
            }
        }
        None
    }

    fn replacement(&mut self, delimiter: char) -> Option<()> {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => drop(self.rest.next()?),
                '\n' => return None,
                c if c == delimiter => return Some(()),
                _ => {}
            }
        }
        None
    }

    fn substitute(&mut self) -> Option<()> {
        let delimiter = self.rest.next().filter(|c| c.is_ascii_punctuation() && *c != '\\')?;
        self.part(delimiter)?;
        self.replacement(delimiter)?;
        self.skip(|c| c.is_ascii_digit() || matches!(c, 'g' | 'p' | 'i' | 'I'));
        Some(())
    }
}
