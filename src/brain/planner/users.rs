//! Users, groups and logins.

use super::intent::{Intent, Run};
use super::slot::Slot;

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            who am i; whoami; my user name; my username; what user am i; username; current user; user am i; \
            user name; which user am i; loggedin as who|whom; who am i loggedin as; what user running as",
        also: "name current logged loggedin as running username user my",
        intro: "Your user name:",
        ..Intent::reads("whoami", "who am I?", Run::Both("id -un"))
    },
    Intent {
        say: "\
            who loggedin; user loggedin; loggedin user; who on|else here|machine|system|server?; who online; \
            current|active user session|sessions; who is here; login session|sessions; active user; \
            anyone|anybody|someone else? loggedin; count user loggedin",
        also: "user currently system machine else sessions server people who everyone",
        intro: "Who is logged in:",
        empty: "Nobody is logged in.",
        ..Intent::reads("logged-in", "who is logged in?", Run::Both("who"))
    },
    Intent {
        say: "\
            my group; group am i in; group i am in; group member of; which group am i member; group i belong; \
            what group in",
        also: "am i owner member user part to",
        intro: "Your groups:",
        ..Intent::reads("my-groups", "which groups am I in?", Run::Both("id -Gn"))
    },
    Intent {
        say: "\
            group of? user? {name}; group {name} in|member|owner; group user {name} in; group does {name} owner; \
            {name} group; what group {name}",
        also: "user of member in belong to owner",
        intro: "Groups of {name}:",
        ..Intent::reads("groups-of", "which groups is alice in?", Run::Both("id -Gn {name}"))
    },
    Intent {
        say: "\
            member group {name}; user in? group {name}; who in? group {name}; member of {name} group; \
            user in? {name} group; who in? {name} group; who member group {name}",
        also: "group member part",
        intro: "Members of the group {name}:",
        empty: "There is no group {name}.",
        ..Intent::reads(
            "group-members",
            "who is in the group docker?",
            Run::Each { linux: "getent group {name}", macos: "dscacheutil -q group -a name {name}" },
        )
    },
    Intent {
        say: "group; all group; group exist|there|machine|system; which group exist|there",
        also: "exist user system",
        intro: "Groups on this machine:",
        ..Intent::reads(
            "groups",
            "list all groups on this system",
            Run::Each { linux: "getent group | cut -d : -f 1 | sort", macos: "dscl . list /Groups | grep -v '^_'" },
        )
    },
    Intent {
        say: "\
            user; all user; user exist|there|system|machine|local; user user exist; local user; user name; which user exist|there; \
            human user; user have login; what user",
        also: "exist local system name defined have",
        intro: "Users on this machine:",
        ..Intent::reads(
            "users",
            "list all users on this system",
            Run::Each {
                linux: "getent passwd | cut -d : -f 1,3,6,7 | sort -t : -n -k 2",
                macos: "dscl . list /Users | grep -v '^_'",
            },
        )
    },
    Intent {
        say: "\
            user {name}; info|information|detail user {name}; uid|id user? {name}; user id of? {name}; \
            user {name} exist|exists; id of? user? {name}; does user {name} exist; who user {name}",
        also: "about the exist exists of number id",
        intro: "The user {name}:",
        empty: "There is no user {name}.",
        ..Intent::reads("user-info", "does the user postgres exist?", Run::Both("id {name}"))
    },
    Intent {
        say: "\
            my user id; my uid; uid; my id; what uid am|have i?; user id; uid and gid; am i root; am i admin; \
            do i have root; gid",
        also: "user and gid my current rights id an number",
        intro: "Your user and group ids:",
        ..Intent::reads("my-id", "what is my user id?", Run::Both("id"))
    },
    Intent {
        say: "\
            home directory of|for user? {name}; home of? user? {name}; where home of? user? {name}; \
            home directory user {name}; {name} home directory; {name} home",
        also: "directory user where path of",
        intro: "The home directory of {name}:",
        empty: "There is no user {name}.",
        ..Intent::reads(
            "home-of",
            "where is the home directory of www-data?",
            Run::Each { linux: "getent passwd {name} | cut -d : -f 6", macos: "dscacheutil -q user -a name {name}" },
        )
    },
    Intent {
        say: "\
            my home directory; where home directory; where my home; home directory; home directory path; \
            path home directory; my home; $home; what home directory",
        also: "path of my where",
        intro: "Your home directory:",
        ..Intent::reads("my-home", "where is my home directory?", Run::Both("printenv HOME"))
    },
    Intent {
        say: "\
            last login; login history; who loggedin last|recent|lately; recent login; login; history login; \
            when did who last loggedin; last {count} login; who last loggedin; who login last|recent; \
            who has loggedin recent|lately; last user login",
        with: &[Slot::Count],
        also: "last recent history user lately has in newest",
        count: 20,
        intro: "The last logins:",
        empty: "No login was recorded.",
        ..Intent::reads("last-logins", "show the last logins", Run::Both("last | head -n {count}"))
    },
    Intent {
        say: "\
            reboot history; history reboot|reboots|restarts; last {count} reboot|reboots|restarts; recent reboot|reboots|restarts; when machine|system rebooted; last reboots|restarts; \
            how often reboot|rebooted|restarted; list reboots|restarts; reboots|restarts",
        with: &[Slot::Count],
        also: "history recent system machine list the",
        count: 10,
        intro: "The last restarts:",
        empty: "No restart was recorded.",
        ..Intent::reads("reboots", "show the reboot history", Run::Both("last reboot | head -n {count}"))
    },
];
