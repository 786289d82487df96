//! Programs of macOS.

use super::super::known::Args::{Any, Check, Nothing, Sub};
use super::super::known::Known;
use super::super::known::Reads::{Content, Nothing as NoFile};
use super::known;

pub(super) const KNOWN: &[Known] = &[
    known("sw_vers vm_stat system_profiler ioreg mdls mdfind machine hostinfo", NoFile, Any),
    known("lsappinfo", NoFile, Check(|args| matches!(args, ["list" | "front"] | ["info", _]))),
    known("scutil", NoFile, Check(|args| matches!(args, ["--dns" | "--proxy" | "--nwi"] | ["--get", _]))),
    known(
        "networksetup",
        NoFile,
        Check(|args| args.first().is_some_and(|arg| arg.starts_with("-get") || arg.starts_with("-list"))),
    ),
    known("pmset", NoFile, Check(|args| args.first() == Some(&"-g"))),
    known("diskutil", NoFile, Sub("", &[("list", Any), ("info", Any), ("apfs", Sub("", &[("list", Any)]))])),
    known("launchctl", NoFile, Sub("", &[("list", Any), ("print", Any), ("print-disabled", Any)])),
    known("dscacheutil", NoFile, Check(|args| matches!(args, ["-statistics"] | ["-q", "user" | "group", ..]))),
    known("defaults", NoFile, Sub("", &[("read", Any), ("read-type", Any), ("domains", Nothing), ("find", Any)])),
    known("log", NoFile, Sub("", &[("show", Any), ("stream", Any), ("stats", Any)])),
    known("csrutil fdesetup", NoFile, Check(|args| args == ["status"])),
    known("spctl", NoFile, Check(|args| args == ["--status"])),
    known("softwareupdate", NoFile, Check(|args| args == ["--history"])),
    known(
        "tmutil",
        NoFile,
        Sub(
            "",
            &[("listbackups", Nothing), ("status", Nothing), ("latestbackup", Nothing), ("destinationinfo", Nothing)],
        ),
    ),
    known("dscl", NoFile, Check(|args| matches!(args, ["." | "/Local/Default", "-list" | "list", _]))),
    known("xcode-select", NoFile, Check(|args| matches!(args, ["-p" | "--print-path" | "-v" | "--version"]))),
    known("xcodebuild", NoFile, Check(|args| args == ["-version"])),
    known("pkgutil", NoFile, Check(|args| matches!(args, ["--pkgs"] | ["--pkg-info" | "--files", _]))),
    known("plutil", Content, Check(|args| matches!(args, ["-p", _]))),
];
