//! Processes: who they are, what they use, ending them.

use super::intent::{Intent, Run};
use super::slot::Slot;

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            what|who|process use cpu; process use most cpu; most cpu; cpu use process?; top process; \
            process by cpu; biggest cpu process|user|use|hungry?; process sort|sorted by? cpu; \
            busiest process; process cpu; process use cpu most; what slow|slowing down; \
            most cpu use|intensive process; top {count} process; top cpu process?",
        with: &[Slot::Count],
        also: "the who most all much so highest up per",
        count: 10,
        intro: "The processes that use most CPU:",
        ..Intent::reads(
            "top-cpu",
            "what is using the most CPU?",
            Run::Each {
                linux: "ps -eo pid,user,%cpu,%mem,etime,comm --sort=-%cpu | head -n {count_and_header}",
                macos: "ps -Aceo pid,user,%cpu,%mem,etime,comm -r | head -n {count_and_header}",
            },
        )
    },
    Intent {
        say: "\
            what|who|process use memory; process use most memory; most memory; memory use process|by|per; \
            process by memory; biggest memory process|user|use|consumer|consumers; process sort|sorted by? memory; \
            process memory; most memory use|intensive|hungry process; \
            top memory process|consumer|consumers?; memory hungry process; top {count} process by? memory",
        with: &[Slot::Count],
        also: "the who most all much so highest up process",
        count: 10,
        intro: "The processes that use most memory:",
        ..Intent::reads(
            "top-memory",
            "top three processes by memory",
            Run::Each {
                linux: "ps -eo pid,user,%mem,rss,etime,comm --sort=-rss | head -n {count_and_header}",
                macos: "ps -Aceo pid,user,%mem,rss,etime,comm -m | head -n {count_and_header}",
            },
        )
    },
    Intent {
        say: "process; running process; process running; what running; what is running; all process; ps; ps aux",
        also: "list",
        count: 200,
        intro: "Running processes:",
        ..Intent::reads(
            "processes",
            "list all running processes",
            Run::Each {
                linux: "ps -eo pid,user,stat,etime,args | head -n {count_and_header}",
                macos: "ps -Ao pid,user,stat,etime,args | head -n {count_and_header}",
            },
        )
    },
    Intent {
        say: "count process; count running process; count process running; process count",
        also: "total",
        intro: "The number of running processes:",
        ..Intent::reads("count-processes", "how many processes are running?", Run::Both("ps -A -o pid= | wc -l"))
    },
    Intent {
        say: "\
            my process; process of|by|i mine|me|my|own|started; process running as|by me; my own? process; \
            my running process; process i started; process started me; which process are mine; process owner by me",
        also: "own running user",
        intro: "Your processes:",
        ..Intent::reads("my-processes", "show my own processes", Run::Both("ps ux | head -n 200"))
    },
    Intent {
        say: "\
            process of|by|for user {name}; process owner user? {name}; process running by|as user? {name}; \
            process user {name}; what user {name} running; process started by {name}",
        also: "running that",
        intro: "Processes of {name}:",
        empty: "{name} runs no processes.",
        ..Intent::reads(
            "processes-of-user",
            "which processes belong to user postgres?",
            Run::Both("ps -u {name} -o pid,%cpu,%mem,etime,args | head -n 200"),
        )
    },
    Intent {
        say: "\
            {name} running; is {name} running; {name} process running; is process {name} running; \
            {name} still|up|started running?; process named {name}; process {name} running; \
            instances|instance of? {name}; {name} process",
        also: "still already running an instance up there named called",
        intro: "Processes named {name}:",
        empty: "{name} is not running.",
        ..Intent::reads(
            "process-running",
            "is nginx running?",
            Run::Each { linux: "pgrep -ai {name}", macos: "pgrep -il {name}" },
        )
    },
    Intent {
        say: "\
            pid of? {name}; process id of? {name}; {name} pid; pid process {name}; id process {name}; \
            process id|number {name} process?; pids of? {name}",
        also: "has process number",
        intro: "The process ids of {name}:",
        empty: "{name} is not running.",
        ..Intent::reads("pid-of", "what is the pid of sshd?", Run::Both("pgrep -il {name}"))
    },
    Intent {
        say: "\
            process {pid}; process with? pid|id|number {pid}; pid {pid}; what process|pid {pid}; \
            what process have? pid|id {pid}; who|what is pid {pid}; process id {pid}",
        also: "doing has running about number",
        intro: "The process {pid}:",
        empty: "There is no process {pid}.",
        ..Intent::reads(
            "process-info",
            "what is process 4242?",
            Run::Both("ps -p {pid} -o pid,ppid,user,%cpu,%mem,etime,args"),
        )
    },
    Intent {
        say: "\
            open|opened file process? pid? {pid}; file open|opened process? pid? {pid}; \
            file process? pid? {pid} have? open|opened|use; lsof {pid}; file use process? pid? {pid}; \
            file descriptors process? pid? {pid}; what file process? pid? {pid} use|open|opened",
        also: "pid process the has",
        count: 200,
        intro: "Files that process {pid} has open:",
        empty: "Nothing is visible: there is no process {pid}, or it belongs to somebody else.",
        ..Intent::reads(
            "open-files",
            "which files does process 4242 have open?",
            Run::Each {
                linux: "if command -v lsof >/dev/null; then lsof -nP -p {pid}; else ls -l /proc/{pid}/fd; fi | head -n {count}",
                macos: "lsof -nP -p {pid} | head -n {count}",
            },
        )
    },
    Intent {
        say: "\
            who|what|process use {path}; who|what|process have? {path} open; process have? {path} open; \
            who|what|process open {path}; what locking|locked {path}; process reading|writing {path}; \
            use file {path}; what use {path}",
        also: "file directory has that",
        intro: "Processes that have {path} open:",
        empty: "Nobody has {path} open.",
        ..Intent::reads("file-users", "which process is using /var/log/syslog?", Run::Both("lsof {path}"))
    },
    Intent {
        say: "zombie; zombie process; process zombie",
        intro: "Zombie processes:",
        empty: "There are no zombie processes.",
        ..Intent::reads(
            "zombies",
            "are there any zombie processes?",
            Run::Both("ps -A -o stat,pid,ppid,user,comm | grep '^Z'"),
        )
    },
    Intent {
        say: "\
            process tree; tree process; pstree; process hierarchy; hierarchy process; process as tree; \
            running process as tree",
        also: "as parent child",
        intro: "The process tree:",
        ..Intent::reads(
            "process-tree",
            "show the process tree",
            Run::Each {
                linux: "ps -eo pid,user,args --forest | head -n 300",
                macos: "if command -v pstree >/dev/null; then pstree; else ps -Ao ppid,pid,user,comm; fi | head -n 300",
            },
        )
    },
    Intent {
        say: "\
            child|children process? of? {pid}; children|child process pid {pid}; process started by {pid}; \
            sub|child process of? process|pid? {pid}",
        also: "processes pid process the",
        intro: "Children of process {pid}:",
        empty: "Process {pid} has no children.",
        ..Intent::reads("child-processes", "show the child processes of 4242", Run::Both("pgrep -lP {pid}"))
    },
    Intent {
        say: "thread process|pid? {pid}; count thread process|pid? {pid}; thread of? {pid}; {pid} thread",
        also: "have the use",
        count: 200,
        intro: "Threads of process {pid}:",
        empty: "There is no process {pid}.",
        ..Intent::reads(
            "threads",
            "list the threads of process 4242",
            Run::Each {
                linux: "ps -T -p {pid} -o spid,%cpu,stat,comm | head -n {count_and_header}",
                macos: "ps -M -p {pid} | head -n {count_and_header}",
            },
        )
    },
    Intent {
        say: "\
            how long {name} running|up; since when {name} running; how long has {name} been running; \
            when did? {name} start|started; uptime of? {name}; {name} running since when; when was {name} started",
        also: "has been process last",
        intro: "How long {name} has been running:",
        empty: "{name} is not running.",
        ..Intent::reads(
            "process-age",
            "how long has sshd been running?",
            Run::Each {
                linux: "ps -C {name} -o pid,etime,lstart,args",
                macos: "ps -Aco pid,etime,lstart,comm | grep -iw -e {name}",
            },
        )
    },
    Intent {
        say: "kill|stop|end process? {pid}; kill|stop|end process|pid {pid}; kill|stop|end process with pid|id {pid}",
        intro: "Ask process {pid} to end:",
        ..Intent::changes("kill-pid", "kill process 4242", Run::Both("kill {pid}"))
    },
    Intent {
        say: "\
            force kill|quit|stop process|pid? {pid}; force-kill process|pid? {pid}; kill -9 {pid}; \
            kill process|pid? {pid} by|with force; forcibly|forcefully kill process|pid? {pid}",
        intro: "End process {pid} at once, without giving it a chance to clean up:",
        ..Intent::changes("force-kill-pid", "force kill process 4242", Run::Both("kill -9 {pid}"))
    },
    Intent {
        say: "\
            kill {name}; kill process named? {name}; kill all {name} process?; killall {name}; pkill {name}; \
            kill {name} process; end process {name}; kill every {name} process?",
        also: "running",
        intro: "Ask every process named exactly {name} to end:",
        empty: "Done, if there was one.",
        ..Intent::changes("kill-name", "kill all firefox processes", Run::Both("pkill -x {name}"))
    },
];
