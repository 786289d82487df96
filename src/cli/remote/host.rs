//! The name of another machine, as a person gives it to `ssh`: checked, so that it can be nothing else to it.

use std::fmt;

/// Longest name. DNS ends at 253 characters; a user's name and a port come on top.
const MAX: usize = 320;

/// `[user@]server`, a name from `~/.ssh/config`, or `ssh://[user@]server[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(String);

/// The word for this machine, where a setting names another one.
const HERE: &str = "local";

impl Host {
    /// Reads a name; nothing when it means this machine.
    ///
    /// # Errors
    /// When ssh, or a shell that its settings start with the name, could take it for something else.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text == HERE {
            return Ok(None);
        }
        let wrong = |why: &str| {
            let shown: String = text.chars().take(60).collect();
            Err(format!("{shown:?} is no host: {why}"))
        };
        if text.len() > MAX {
            return wrong("it is too long");
        }
        let plain = |c: char| c.is_alphanumeric() || "._-@:[]%+/".contains(c);
        if let Some(c) = text.chars().find(|c| !plain(*c)) {
            return wrong(&format!("{c:?} is in no host's name"));
        }
        // A part that begins with a dash would be an option, for ssh or for a program that it hands the name to.
        let rest = text.strip_prefix("ssh://").unwrap_or(text);
        if rest.contains('/') || rest.split(['@', ':', '[', ']']).any(|part| part.starts_with('-')) {
            return wrong("no part of it may begin with a dash or hold a slash");
        }
        match rest.rsplit_once('@') {
            Some((user, server)) if user.is_empty() || server.is_empty() => wrong("something is missing around the @"),
            None if rest.is_empty() => wrong("it is empty"),
            _ => Ok(Some(Self(text.to_owned()))),
        }
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Host;

    #[test]
    fn names_that_ssh_takes() {
        for name in ["box", "me@box", "me@10.0.0.1", "ssh://me@box:2222", "me@[fe80::1%eth0]", "a.b+c@büro", "x@y@z"] {
            assert_eq!(Host::parse(name).unwrap().unwrap().as_str(), name);
        }
        assert_eq!(Host::parse("local"), Ok(None));
    }

    #[test]
    fn nothing_that_is_an_option_or_shell_text() {
        for bad in [
            "",
            "-oProxyCommand=touch /tmp/x",
            "-oProxyCommand=x",
            "-l",
            "me@-oProxyCommand=x",
            "-x@box",
            "ssh://-oProxyCommand=x/",
            "ssh://me@-x",
            "box:-x",
            "box;id",
            "box`id`",
            "$(id)",
            "a b",
            "a\nb",
            "a\u{1b}[2Jb",
            "a\0b",
            "@box",
            "me@",
            "box|x",
            "box'x",
            "box\\x",
            "ssh://",
            "file:///etc/passwd",
        ] {
            assert!(Host::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Host::parse(&"x".repeat(1000)).is_err());
    }
}
