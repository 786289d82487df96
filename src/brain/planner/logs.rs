//! Logs of the system and its services. On macOS `log` is called by its path, because zsh has a builtin of that name.

use super::intent::{Intent, Run};
use super::slot::Slot;

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            error system log|journal|logs; error log|journal; error; system error; log|journal error; \
            search system? log|journal for? error; error in journal|syslog|log; system log error; recent error; \
            what error; error message system? log|journal?; any error system|log|journal; errors happened|occurred; \
            error syslog|journalctl",
        with: &[Slot::Since, Slot::Count],
        also: "system log journal recent happened occurred messages message last were",
        count: 30,
        intro: "The last errors in the system's log:",
        empty: "There are none, as far as you may read the log.",
        ..Intent::reads(
            "system-errors",
            "show errors in the system log from the last 2 hours",
            Run::Each {
                linux: "journalctl -q -p err -n {count} --no-pager{since_journal}",
                macos: "/usr/bin/log show --last {last} --style compact --predicate 'messageType == error' | tail -n {count}",
            },
        )
    },
    Intent {
        say: "\
            system log; journal; syslog; log; newest|recent|last system? log|journal entries|message|lines?; \
            log entries|message; {count} log|journal entries|message|line; system log {since}; log {since}; \
            journalctl; what system log say; system message",
        with: &[Slot::Since, Slot::Count],
        also: "entries messages message system last recent newest line from",
        count: 50,
        intro: "The last entries of the system's log:",
        empty: "There are none, as far as you may read the log.",
        ..Intent::reads(
            "system-log",
            "show the last 50 log entries",
            Run::Each {
                linux: "journalctl -q -n {count} --no-pager{since_journal}",
                macos: "/usr/bin/log show --last {last} --style compact | tail -n {count}",
            },
        )
    },
    Intent {
        say: "\
            kernel message|log|errors|messages; dmesg; kernel ring buffer; what kernel say|said; message kernel; \
            log kernel; kernel error; kernel log message",
        with: &[Slot::Count],
        also: "last recent newest messages log output buffer message",
        count: 50,
        intro: "The last messages of the kernel:",
        empty: "There are none, as far as you may read them.",
        ..Intent::reads(
            "kernel-messages",
            "show the last kernel messages",
            Run::Each {
                linux: "(dmesg --ctime 2>/dev/null || journalctl -q -k --no-pager) | tail -n {count}",
                macos: "/usr/bin/log show --last 1h --style compact --predicate 'process == \"kernel\"' | tail -n {count}",
            },
        )
    },
    Intent {
        say: "\
            log of|for|from? {name}; log service {name}; log of {name} service; {name} log; {name} service log; \
            what {name} log|logged; journal of|for? {name}; journalctl -u {name}; message of|from {name} service; \
            what did {name} log",
        with: &[Slot::Since, Slot::Count],
        also: "service recent newest the last file entries messages line daemon",
        count: 50,
        intro: "The last log entries of {name}:",
        empty: "{name} logged nothing, as far as you may read the log.",
        ..Intent::reads(
            "service-log",
            "show the logs of the ssh service",
            Run::Each {
                linux: "journalctl -q -u {name} -n {count} --no-pager{since_journal}",
                macos: "/usr/bin/log show --last {last} --style compact --predicate {sender} | tail -n {count}",
            },
        )
    },
    Intent {
        say: "\
            failed login; failed login attempt|attempts; who tried log|login; login failed; \
            failed ssh login attempts?; wrong password|passwords; authentication failed|failure|error; \
            failed password attempts?; unsuccessful login attempts?",
        with: &[Slot::Since, Slot::Count],
        also: "attempt attempts ssh to in recent there last were",
        count: 30,
        intro: "Failed logins:",
        empty: "There are none, as far as you may read the log.",
        ..Intent::reads(
            "failed-logins",
            "were there failed login attempts today?",
            Run::Each {
                linux: "journalctl -q -n {count} --no-pager -g 'failed password|authentication failure'{since_journal}",
                macos: "/usr/bin/log show --last {last} --style compact --predicate 'eventMessage CONTAINS[c] \"authentication failed\"' | tail -n {count}",
            },
        )
    },
    Intent {
        say: "\
            out of memory kill|killer|error|events; oom kill|killer|killed|events|kills; process killed by oom; \
            oom; what oom killer kill|killed; process killed memory; did system running out of memory; \
            has anything been oom killed; process killed lack memory",
        with: &[Slot::Since],
        also: "killer been by because for of anything out was process killed",
        intro: "Processes the kernel ended because memory ran out:",
        empty: "There are none, as far as you may read the log.",
        ..Intent::reads(
            "oom-kills",
            "did the OOM killer kill anything?",
            Run::Each {
                linux: "journalctl -q -k --no-pager -g 'out of memory|oom-kill'{since_journal} | tail -n 20",
                macos: "/usr/bin/log show --last {last} --style compact --predicate 'eventMessage CONTAINS[c] \"jetsam\"' | tail -n 20",
            },
        )
    },
    Intent {
        say: "log file; newest log file; biggest log; log {place}; log in /var/log; log file system; which log exist|there",
        with: &[Slot::Count],
        also: "exist system there list newest recent",
        count: 30,
        intro: "Log files, the newest first:",
        ..Intent::reads(
            "log-files",
            "which log files are there?",
            Run::Both("ls -lht /var/log | head -n {count_and_header}"),
        )
    },
    Intent {
        say: "\
            size journal; how big journal|log; much space journal|log use; journal size|disk; journal disk use; disk use journal|log; \
            size log; log size",
        also: "system disk space use on are",
        intro: "The space that logs take:",
        ..Intent::reads("log-size", "how much space do the logs use?", Run::Both("du -sh /var/log 2>/dev/null"))
    },
];
