//! Ports of this machine: who listens where.

use super::intent::{Intent, Run};
use super::slot::Slot;

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            what|who|process use port {port}; use port {port}; \
            what|who|process|service|server listen|running|open|on port? {port}; listen port? {port}; \
            who|what|process|service|server port {port}; what|who|process on|behind port? {port}; \
            process have? port {port}; what service|process? port {port}; port {port}; pid port {port}; \
            who has|got|owner port {port}; what|process owner port {port}; lsof port {port}; what|who use {port}; \
            running port {port}",
        also: "tcp udp my process behind application who local localhost up",
        intro: "What listens on port {port}:",
        empty: "Nothing is listening on port {port}.",
        ..Intent::reads(
            "port-holder",
            "what is using port 8080?",
            Run::Each {
                linux: "if command -v ss >/dev/null; then ss -Htulnp 'sport = :{port}'; else lsof -nP -i :{port} -sTCP:LISTEN; fi",
                macos: "lsof -nP -i :{port} -sTCP:LISTEN",
            },
        )
    },
    Intent {
        say: "\
            is port {port} free|open|busy|use|closed; port {port} free|open|busy|use|closed; \
            is {port} free|use|busy; can i use port {port}; \
            is anything|something|anybody|someone listen|running|on port? {port}; \
            anything|something|anybody|someone use|listen|on port? {port}; \
            is there|anything a? server on|listen port {port}",
        also: "already in by anything something local still tcp or to not",
        intro: "Whether something listens on port {port}:",
        empty: "Port {port} is free: nothing is listening on it.",
        ..Intent::reads(
            "port-free",
            "is port 3000 free?",
            Run::Each {
                linux: "if command -v ss >/dev/null; then ss -Htulnp 'sport = :{port}'; else lsof -nP -i :{port} -sTCP:LISTEN; fi",
                macos: "lsof -nP -i :{port} -sTCP:LISTEN",
            },
        )
    },
    Intent {
        say: "\
            listen port; open port; port listen; port open; port use; use port; port; \
            what|who|process|service listen; what|who|process listen port; \
            listen socket|sockets|service|process|server; open tcp|udp port; port process listen; everything listen",
        also: "tcp udp network local all who server connection sockets being process on",
        intro: "Ports that something listens on:",
        empty: "Nothing is listening.",
        ..Intent::reads(
            "listening-ports",
            "show all listening ports",
            Run::Each {
                linux: "if command -v ss >/dev/null; then ss -tulnp; else lsof -nP -iTCP -sTCP:LISTEN; fi",
                macos: "lsof -nP -iTCP -sTCP:LISTEN",
            },
        )
    },
    Intent {
        say: "\
            port {name} use|listen; port use by? {name}; port of {name}; where {name} listen; port {name} running; \
            what|which port does {name} listen|use; port process {name} use|listen",
        also: "process service open has the listen running",
        intro: "Ports that {name} listens on:",
        empty: "No port of {name} is visible; what belongs to other users shows its name only to root.",
        ..Intent::reads(
            "ports-of-process",
            "which ports does nginx use?",
            Run::Each {
                linux: "if command -v ss >/dev/null; then ss -Htulnp; else lsof -nP -iTCP -sTCP:LISTEN; fi | grep -i -e {name}",
                macos: "lsof -nP -iTCP -sTCP:LISTEN | grep -i -e {name}",
            },
        )
    },
    Intent {
        say: "\
            connection; open|active|established|network connection; who|what connection; \
            active network|tcp connection; connection to machine; established tcp connection; who connection to me",
        with: &[Slot::Count],
        also: "network tcp open active internet",
        count: 50,
        intro: "Established connections:",
        empty: "There are no established connections.",
        ..Intent::reads(
            "connections",
            "show active network connections",
            Run::Each {
                linux: "if command -v ss >/dev/null; then ss -Htunp state established; else lsof -nP -i TCP -s TCP:ESTABLISHED; fi | head -n {count}",
                macos: "lsof -nP -i TCP -s TCP:ESTABLISHED | head -n {count}",
            },
        )
    },
    Intent {
        say: "\
            kill|stop|end process|server|whatever|service|thing|what on|use|running|listen port? {port}; \
            kill|stop|end process|server|whatever|service|thing that|which is? on|use|running|listen on? port {port}; \
            kill|stop|end whatever|what|process|server is? on|use|running|listen on? port? {port}; \
            kill|stop|end process|server|service running|listen on port? {port}; kill|free port {port}; \
            free up port {port}",
        also: "currently",
        intro: "Ask what listens on port {port} to end:",
        empty: "Done, if something was listening on port {port}.",
        ..Intent::changes(
            "stop-port",
            "stop whatever is on port 3000",
            Run::Each {
                linux: "ss -Htulnp 'sport = :{port}' | grep -o 'pid=[0-9]*' | cut -d = -f 2 | sort -u | xargs -r -t kill",
                macos: "lsof -nP -t -i :{port} -sTCP:LISTEN | sort -u | xargs -t kill",
            },
        )
    },
];
