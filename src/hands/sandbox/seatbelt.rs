//! A profile in the language of Seatbelt, the sandbox of macOS. Of its rules the last that fits decides.

use super::{Network, Profile};
use std::fmt::Write;
use std::path::Path;

/// Devices that hold nothing and lead nowhere.
const HARMLESS: &[&str] = &["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/tty"];

/// Where names are looked up.
const RESOLVER: &str = "/private/var/run/mDNSResponder";

/// The whole text, for `sandbox-exec -p`. `terminal` is the command's own.
pub(super) fn text(profile: &Profile, terminal: Option<&Path>) -> String {
    let mut text = String::from("(version 1)\n(allow default)\n(deny file-write*)\n");
    let harmless = HARMLESS.iter().map(Path::new).chain(terminal);
    rule(&mut text, "allow file-write* file-ioctl", harmless.map(|path| ("literal", path)));
    rule(&mut text, "allow file-write*", profile.write.iter().map(|path| ("subpath", path.as_path())));
    rule(&mut text, "deny file-read* file-write*", profile.hidden.iter().map(|path| ("subpath", path.as_path())));
    // What a file is called, and that it is there, is no secret: without this, no path below it could be looked up.
    rule(&mut text, "allow file-read-metadata", profile.hidden.iter().map(|path| ("subpath", path.as_path())));
    rule(&mut text, "allow file-read*", profile.read_too.iter().map(|path| ("subpath", path.as_path())));
    rule(&mut text, "allow file-read* file-write*", profile.write_too.iter().map(|path| ("subpath", path.as_path())));
    text.push_str("(deny signal)\n(allow signal (target same-sandbox))\n");
    network(&mut text, &profile.network);
    rule(&mut text, "allow network-outbound", profile.door.iter().map(|path| ("literal", path.as_path())));
    text
}

fn network(text: &mut String, network: &Network) {
    text.push_str("(deny network*)\n");
    match network {
        Network::None => {}
        Network::Ports(ports) => {
            for port in ports {
                let _ = writeln!(text, "(allow network-outbound (remote tcp \"*:{port}\"))");
                let _ = writeln!(text, "(allow network-bind network-inbound (local tcp \"*:{port}\"))");
            }
        }
        Network::All => {
            text.push_str("(allow network-outbound (remote ip \"*:*\"))\n");
            text.push_str("(allow network-bind network-inbound (local ip \"*:*\"))\n");
            rule(text, "allow network-outbound", [("literal", Path::new(RESOLVER))]);
        }
    }
}

fn rule<'a>(text: &mut String, what: &str, places: impl IntoIterator<Item = (&'static str, &'a Path)>) {
    let mut places = places.into_iter().peekable();
    if places.peek().is_none() {
        return;
    }
    let _ = write!(text, "({what}");
    for (kind, path) in places {
        let _ = write!(text, "\n  ({kind} \"{}\")", quoted(path));
    }
    text.push_str(")\n");
}

/// Inside a string of the language only these two mean something.
fn quoted(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(network: Network) -> Profile {
        Profile {
            name: "workspace".to_owned(),
            read: vec!["/".into()],
            write: vec!["/work".into(), "/private/tmp".into()],
            hidden: vec!["/Users/u/.ssh".into()],
            read_too: vec!["/Users/u/.ssh/config".into()],
            write_too: vec!["/Users/u/.pryx/jobs/x/tmp".into()],
            network,
            door: None,
            builds: None,
        }
    }

    #[test]
    fn the_last_rule_that_fits_is_the_one_that_is_meant() {
        let text = text(&profile(Network::None), Some(Path::new("/dev/ttys003")));
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part} in {text}"));
        assert!(at("(deny file-write*)") < at("(allow file-write*\n  (subpath \"/work\")"));
        assert!(at("(subpath \"/work\")") < at("(deny file-read* file-write*\n  (subpath \"/Users/u/.ssh\"))"));
        assert!(at("\"/Users/u/.ssh\"") < at("(allow file-read*\n  (subpath \"/Users/u/.ssh/config\"))"));
        assert!(at("\"/Users/u/.ssh\"") < at("(subpath \"/Users/u/.pryx/jobs/x/tmp\")"));
        assert!(at("(deny signal)") < at("(target same-sandbox)"));
        assert!(at("(deny network*)") > 0 && !text.contains("allow network"));
        assert!(text.contains("(literal \"/dev/ttys003\")"));
        assert_eq!(text.matches('(').count(), text.matches(')').count());
    }

    #[test]
    fn ports_and_hosts() {
        let text = super::text(&profile(Network::Ports(vec![5432])), None);
        assert!(text.contains("(remote tcp \"*:5432\")") && !text.contains("*:*"));
        let text = super::text(&profile(Network::All), None);
        assert!(text.contains("(remote ip \"*:*\")") && text.contains(RESOLVER));
    }

    #[test]
    fn the_hands_are_the_one_socket() {
        let profile = Profile { door: Some("/Users/u/.pryx/run/hands.sock".into()), ..profile(Network::None) };
        let text = text(&profile, None);
        let (denied, allowed) = text.split_once("(deny network*)").expect("the rule");
        assert!(!denied.contains("hands.sock"));
        assert_eq!(allowed.trim(), "(allow network-outbound\n  (literal \"/Users/u/.pryx/run/hands.sock\"))");
    }

    #[test]
    fn a_path_can_not_end_its_string() {
        assert_eq!(quoted(Path::new("/a\"b\\c)")), "/a\\\"b\\\\c)");
    }
}
