//! Dates, clocks and uptime.

use super::intent::{Intent, Run};

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            date; time; date and time; what time; what day; today date; date today; what day today; \
            current date|time; what the time; time now; today's date; what time it; day of week; day week today; \
            what date today; day today",
        also: "today it local and time is week day",
        intro: "The date and time here:",
        ..Intent::reads("date", "what time is it?", Run::Both("date '+%A %Y-%m-%d %H:%M:%S %Z'"))
    },
    Intent {
        say: "\
            time in {city}; what time in {city}; what time it in {city}; time {city}; \
            local|current time in? {city}; date in {city}; date and time in {city}; {city} time; \
            what date in {city}",
        also: "it local is and zone",
        intro: "The time in {city}:",
        ..Intent::reads("time-in", "what time is it in Tokyo?", Run::Both("TZ={zone} date '+%A %Y-%m-%d %H:%M %Z'"))
    },
    Intent {
        say: "\
            timezone; my timezone; timezone am i in; timezone set|use|configured; what timezone; timezone machine; \
            utc offset; timezone in",
        also: "set use configured am system i",
        intro: "The time zone:",
        ..Intent::reads(
            "timezone",
            "which timezone is this machine in?",
            Run::Each {
                linux: "date '+%Z (UTC%:z)'; readlink /etc/localtime",
                macos: "date '+%Z (UTC%z)'; readlink /etc/localtime",
            },
        )
    },
    Intent {
        say: "\
            uptime; how long system|machine|computer|server? up|running|on; how long up|running|on; system uptime; \
            uptime machine|system|server; machine uptime; how long has been up|running",
        also: "been up running machine computer system server the",
        intro: "How long this machine has been up:",
        ..Intent::reads("uptime", "how long has this machine been up?", Run::Both("uptime"))
    },
    Intent {
        say: "\
            when system|machine|computer|server? boot|booted|started|start|restart|restarted|rebooted; \
            last boot|reboot|restart; boot time; when last boot|booted|reboot|rebooted|restart|restarted; \
            time last boot|reboot|restart; time of boot; \
            when did system|machine|computer|server? last? boot|reboot|start|restart; \
            when was machine|system|computer|server? last? booted|rebooted|restarted|started",
        also: "last time system machine computer server",
        intro: "When this machine was started:",
        empty: "The start was not recorded.",
        ..Intent::reads(
            "boot-time",
            "when was the last reboot?",
            Run::Each { linux: "uptime -s", macos: "sysctl -n kern.boottime" },
        )
    },
    Intent {
        say: "calendar; cal; calendar this month; this month calendar; calendar month; month calendar",
        also: "month this current",
        intro: "This month:",
        ..Intent::reads(
            "calendar",
            "show a calendar of this month",
            Run::Both("if command -v cal >/dev/null; then cal; else date '+%A %Y-%m-%d, week %V'; fi"),
        )
    },
    Intent {
        say: "\
            week number; what|which week; number week; week of year; calendar week; week this; current week; \
            week count|number today; which week year; iso week",
        also: "number it year of today this calendar in",
        intro: "The week of the year (ISO 8601):",
        ..Intent::reads("week-number", "which week of the year is it?", Run::Both("date '+week %V of %G'"))
    },
    Intent {
        say: "\
            epoch; current epoch; epoch now; epoch time|timestamp?; seconds since 1970|epoch; \
            timestamp now|current; current timestamp; timestamp",
        also: "time now seconds timestamp in",
        intro: "Seconds since 1970-01-01:",
        ..Intent::reads("unix-time", "what is the current unix timestamp?", Run::Both("date +%s"))
    },
    Intent {
        say: "\
            epoch {epoch}; timestamp {epoch}; convert epoch|timestamp? {epoch}; date of? timestamp|epoch? {epoch}; \
            what date|time is? timestamp|epoch? {epoch}; {epoch} as|to date; convert {epoch} to? date|time?; \
            what time {epoch}; {epoch} to date|time; what {epoch} as|in date; when was timestamp|epoch? {epoch}",
        also: "timestamp time unix epoch date human readable as a seconds",
        intro: "The time that {epoch} stands for:",
        ..Intent::reads(
            "from-unix-time",
            "convert the unix timestamp 1700000000 to a date",
            Run::Each {
                linux: "date -d @{epoch} '+%A %Y-%m-%d %H:%M:%S %Z'",
                macos: "date -r {epoch} '+%A %Y-%m-%d %H:%M:%S %Z'",
            },
        )
    },
    Intent {
        say: "\
            epoch {date}; timestamp {date}; convert {date} to? epoch|timestamp; \
            {date} as|to|in epoch|timestamp|seconds; epoch of|for {date}; timestamp of|for {date}; \
            {date} epoch|timestamp",
        also: "timestamp time unix date epoch as a",
        intro: "Midnight of {date} here, in seconds since 1970-01-01:",
        ..Intent::reads(
            "to-unix-time",
            "what is the unix timestamp of 2024-05-01?",
            Run::Each { linux: "date -d {date} +%s", macos: "date -j -f '%Y-%m-%d %H:%M:%S' {date}' 00:00:00' +%s" },
        )
    },
    Intent {
        say: "\
            day of? week {date}; what|which day {date}; weekday of? {date}; what weekday {date}; day {date}; \
            which day of the week was {date}",
        also: "of week it weekday will",
        intro: "The day of the week of {date}:",
        ..Intent::reads(
            "weekday-of",
            "which day of the week was 2024-02-29?",
            Run::Each { linux: "date -d {date} +%A", macos: "date -j -f %Y-%m-%d {date} +%A" },
        )
    },
];
