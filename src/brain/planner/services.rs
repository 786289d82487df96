//! Services, timers and scheduled jobs.

use super::intent::{Intent, Run};

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            running service; service; service running; active service; service active|up; systemctl list-units; \
            background service; service started",
        also: "all systemd running background",
        intro: "Running services:",
        ..Intent::reads(
            "services",
            "which services are running?",
            Run::Each {
                linux: "systemctl list-units --type=service --state=running --no-pager --plain",
                macos: "launchctl list | head -n 200",
            },
        )
    },
    Intent {
        say: "\
            failed service; service failed; service crashed|broken|down; broken|crashed service; \
            what failed service; service in failed state; did any service failed|fail|crash",
        also: "systemd state have that not",
        intro: "Services that failed:",
        empty: "No service failed.",
        ..Intent::reads(
            "failed-services",
            "are there failed services?",
            Run::Each {
                linux: "systemctl --failed --no-pager --plain --no-legend",
                macos: "launchctl list | grep -v -E '^[^[:space:]]+[[:space:]]+(0|Status)[[:space:]]'",
            },
        )
    },
    Intent {
        say: "\
            status of? {name} service; status service {name}; status of? {name}; service {name} status; \
            service {name} running|up|active; is service {name} running|up|active; \
            {name} service running|up|active|status; {name} status; systemctl status {name}; \
            how is {name} service doing; service {name}",
        also: "service running systemd the",
        intro: "The status of the service {name}:",
        ..Intent::reads(
            "service-status",
            "what is the status of the nginx service?",
            Run::Each {
                linux: "systemctl status {name} --no-pager -n 10",
                macos: "launchctl list | grep -i -e {name}",
            },
        )
    },
    Intent {
        say: "\
            service start|started at|on boot|startup|login; service enabled; enabled service; \
            what start|starts at|on boot|startup|login; process start|starts at|on boot|startup|login; \
            service enabled at? boot|startup; autostart service|process; startup service|process|items; \
            service running at|on boot|startup",
        also: "at boot systemd automatically starts up the",
        intro: "Services that start with the system:",
        ..Intent::reads(
            "enabled-services",
            "which services start at boot?",
            Run::Each {
                linux: "systemctl list-unit-files --type=service --state=enabled --no-pager --no-legend",
                macos: "ls /Library/LaunchDaemons /Library/LaunchAgents ~/Library/LaunchAgents",
            },
        )
    },
    Intent {
        say: "timer; systemd timer; active timer; timer scheduled; next timer; when timer running|fire",
        also: "systemd active next will",
        intro: "Timers and when they fire next:",
        ..Intent::reads(
            "timers",
            "list systemd timers",
            Run::Each {
                linux: "systemctl list-timers --all --no-pager",
                macos: "ls /Library/LaunchDaemons ~/Library/LaunchAgents",
            },
        )
    },
    Intent {
        say: "\
            cron; my cron; cron job|entries|tasks|process; scheduled job|process|cron; job scheduled; job in cron; \
            what scheduled; crontab -l",
        also: "job my scheduled entries have user",
        intro: "Your cron jobs:",
        empty: "You have no cron jobs.",
        ..Intent::reads("cron-jobs", "show my cron jobs", Run::Both("crontab -l"))
    },
    Intent {
        say: "\
            system cron job?; system-wide cron job?; cron job system; etc cron; global cron job?; \
            cron job? of? all user; cron directory",
        also: "job wide system the",
        intro: "Cron jobs of the system:",
        ..Intent::reads(
            "system-cron",
            "list the system-wide cron jobs",
            Run::Both(
                "ls -l /etc/crontab /etc/cron.d /etc/cron.daily /etc/cron.hourly /etc/cron.weekly /etc/cron.monthly 2>/dev/null",
            ),
        )
    },
    Intent {
        say: "restart {name} service; restart service {name}; systemctl restart {name}; restart {name} daemon",
        intro: "Restart the service {name}:",
        empty: "Done: {name} was restarted.",
        ..Intent::changes(
            "restart-service",
            "restart the nginx service",
            Run::Each { linux: "systemctl restart {name}", macos: "brew services restart {name}" },
        )
    },
    Intent {
        say: "\
            start {name} service; start service {name}; systemctl start {name}; bring up {name} service; \
            bring up service {name}",
        intro: "Start the service {name}:",
        empty: "Done: {name} was started.",
        ..Intent::changes(
            "start-service",
            "start the postgresql service",
            Run::Each { linux: "systemctl start {name}", macos: "brew services start {name}" },
        )
    },
    Intent {
        say: "\
            stop {name} service; stop service {name}; systemctl stop {name}; shut down {name} service; \
            shut down service {name}",
        intro: "Stop the service {name}:",
        empty: "Done: {name} was stopped.",
        ..Intent::changes(
            "stop-service",
            "stop the nginx service",
            Run::Each { linux: "systemctl stop {name}", macos: "brew services stop {name}" },
        )
    },
];
