//! Policies of a person's own, and what the mode workspace makes of writes: one evaluation for all of it.

use super::World;
use pryx_terms::{Access, Area, Contacts, Plan, Ruling, Verdict};

impl World {
    fn write_policy(&self, name: &str, text: &str) {
        let dir = self.home().join("own/policies");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(name).with_extension("yaml"), text).unwrap();
    }

    fn says(&self, policy: &str, command: &str) -> (Verdict, String) {
        let Ruling { verdict, rule, .. } = self.rule_by(policy, &self.project(), "/bin/bash", command);
        (verdict, format!("{} {}", rule.name, rule.source.rsplit('/').next().unwrap_or_default()))
    }
}

#[test]
fn without_a_mode_only_what_is_mentioned_runs() {
    let world = World::new();
    let text = "name: own\ntools:\n  allowed:\n    - shell.exec:\n        commands:\n          - \"make *\"\n          - ls\n          - cat *\n";
    world.write_policy("own", text);
    for (command, verdict) in [
        ("make -j4 all", Verdict::Allow),
        ("ls", Verdict::Allow),
        ("ls -l", Verdict::Ask),
        ("pwd", Verdict::Ask),
        ("make all | tail", Verdict::Ask),
        ("make all > out", Verdict::Ask),
        ("cat notes.txt", Verdict::Allow),
        ("cat ~/.ssh/id_rsa", Verdict::Ask),
        ("cat server.pem", Verdict::Ask),
        ("./make all", Verdict::Ask),
        ("make all; rm -rf /", Verdict::Deny),
        ("x=1", Verdict::Ask),
        ("$x", Verdict::Ask),
    ] {
        assert_eq!(world.says("own", command).0, verdict, "{command}");
    }
    assert_eq!(world.says("own", "make all").1, "allowed own.yaml:6");
}

#[test]
fn deny_beats_ask_beats_allow_whatever_their_order() {
    let world = World::new();
    let text = "name: own\nmode: full\ntools:\n  allowed:\n    - shell.exec\n  ask:\n    - shell.exec: {commands: [git push]}\n  denied:\n    - shell.exec: {commands: [git push --force, git push * --force]}\n";
    world.write_policy("own", text);
    assert_eq!(world.says("own", "git push"), (Verdict::Ask, "asked own.yaml:7".to_owned()));
    assert_eq!(world.says("own", "git push --force"), (Verdict::Deny, "denied own.yaml:9".to_owned()));
    assert_eq!(world.says("own", "git push origin main --force").0, Verdict::Deny);
    assert_eq!(world.says("own", "timeout 9 sh -c 'git push --force'").0, Verdict::Deny);
    assert_eq!(world.says("own", "git $x").0, Verdict::Deny, "it might be");
    assert_eq!(world.says("own", "rm -rf src").0, Verdict::Allow);
    assert_eq!(world.says("own", "pryx approve x").0, Verdict::Deny);
    for rule in ["  denied: [shell.*]\n", "  denied: [\"*\"]\n"] {
        world.write_policy("own", &format!("name: own\nmode: full\ntools:\n  allowed: [shell.exec]\n{rule}"));
        assert_eq!(world.says("own", "ls").0, Verdict::Deny, "{rule}");
    }
}

#[test]
fn what_lies_outside_of_the_root_is_asked_if_the_policy_says_so() {
    let world = World::new();
    world.write_policy("own", "name: own\nmode: full\nworkspace:\n  root: .\n  allow_outside: false\n");
    for inside in ["rm -rf src", "cat notes.txt", "cd src && touch x", "ls > /dev/null", "cat ./src/../notes.txt"] {
        assert_eq!(world.says("own", inside).0, Verdict::Allow, "{inside}");
    }
    for outside in
        ["cat /etc/hosts", "cat ../x", "ls ..", "cd .. && ls", "touch ~/x", "sort -o/tmp/x notes.txt", "ls > /tmp/x"]
    {
        assert_eq!(world.says("own", outside), (Verdict::Ask, "outside-workspace own.yaml:4".to_owned()), "{outside}");
    }
    let reach = world.rules("own").judge(&world.plan(&world.project(), "/bin/bash", "ls")).reach;
    assert_eq!(reach.read, Area::Below { paths: vec![world.project()] });
}

#[test]
fn listed_hosts_may_be_fetched_from_and_no_more() {
    let world = World::new();
    let text = "name: network-allowlist\ntools:\n  allowed:\n    - http.request:\n        domains: [example.com, \"*.example.org\"]\n";
    world.write_policy("network-allowlist", text);
    let mode = "network-allowlist";
    for fetch in
        ["curl -s https://example.com/x", "curl -sI http://a.example.org", "curl -m 5 https://example.com:8443/"]
    {
        assert_eq!(world.says(mode, fetch).0, Verdict::Allow, "{fetch}");
        assert_eq!(world.says("workspace", fetch).0, Verdict::Ask, "{fetch}");
    }
    for more in [
        "curl https://example.net/",
        "curl https://www.example.com/",
        "curl -L https://example.com/",
        "curl -o x https://example.com/",
        "curl -d x https://example.com/",
        "curl https://example.com@evil.net/",
        "curl https://example.com https://evil.net",
        "curl https://example.com/{a,b}",
        "curl 'https://{example.com,evil.net}/'",
        "curl https://example.com/$x",
        "curl --proxy evil.net https://example.com/",
        "wget https://example.com/",
        "curl -K x https://example.com/",
        "curl file:///etc/passwd",
        "curl",
    ] {
        assert_eq!(world.says(mode, more).0, Verdict::Ask, "{more}");
    }
    let request = |host: &str| Plan {
        tool: "http.request".into(),
        files: vec![Access::Contact { host: host.into() }],
        ..world.plan(&world.project(), "/bin/bash", ":")
    };
    let plan = |host: &str| Plan { programs: vec![], ..request(host) };
    let rules = world.rules(mode);
    assert_eq!(rules.judge(&plan("example.com")).ruling.verdict, Verdict::Allow);
    assert_eq!(rules.judge(&plan("evil.net")).ruling.verdict, Verdict::Ask);
    let hosts = vec!["example.com".to_owned(), "*.example.org".to_owned()];
    assert_eq!(rules.judge(&plan("example.com")).reach.contact, Contacts::Hosts { hosts });
    assert_eq!(world.rules("workspace").judge(&plan("example.com")).ruling.verdict, Verdict::Ask);
}

#[test]
fn a_policy_file_that_changed_counts_at_once_and_one_that_is_broken_asks() {
    let world = World::new();
    let policies = world.policies();
    let choice = super::super::Choice { name: "own".into(), dir: Some(world.project()) };
    let says = || policies.rules(&choice).judge(&world.plan(&world.project(), "/bin/bash", "rm x")).ruling;
    assert_eq!(says().rule.name, "policy-unreadable");
    world.write_policy("own", "name: own\nmode: full\n");
    assert_eq!(says().verdict, Verdict::Allow);
    world.write_policy("own", "name: own\nmode: read-only\n");
    assert_eq!(says().verdict, Verdict::Deny);
    world.write_policy("own", "name: own\nmode: [\n");
    assert_eq!((says().verdict, says().rule.name.as_str()), (Verdict::Ask, "policy-unreadable"));
    let file = world.home().join("own/policies/own.yaml");
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("nowhere", &file).unwrap();
    assert_eq!(says().rule.name, "policy-unreadable");
}

#[test]
fn hostile_policy_files_are_refused_quickly() {
    let world = World::new();
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nname: own\n";
    for text in [
        bomb.to_owned(),
        "[".repeat(100_000),
        format!("name: own\ndescription: \"{}\"", "x".repeat(300_000)),
        "\0".into(),
    ] {
        world.write_policy("own", &text);
        assert_eq!(world.says("own", "ls").1.split(' ').next(), Some("policy-unreadable"));
    }
}

#[test]
fn a_write_that_could_destroy_is_asked() {
    let world = World::new();
    std::os::unix::fs::symlink(world.home().join(".bashrc"), world.project().join("link")).unwrap();
    std::os::unix::fs::symlink(world.home(), world.project().join("up")).unwrap();
    std::os::unix::fs::symlink("nowhere", world.project().join("dangling")).unwrap();
    for fine in [
        "touch new",
        "mkdir -p a/b/c",
        "echo x > new",
        "echo x >> notes.txt",
        "ls | tee new",
        "cp notes.txt new",
        "mv notes.txt new",
        "cp -r src copy",
        "cd src && touch new",
        "cat <<E > new\nx\nE",
        "mkdir a && cp notes.txt a/n",
        "tee -a notes.txt < data.csv",
        "touch notes.txt",
    ] {
        assert_eq!(world.says("workspace", fine).0, Verdict::Allow, "{fine}");
        assert_ne!(world.says("read-only", fine).0, Verdict::Allow, "{fine}");
    }
    for asked in [
        "echo x > notes.txt",
        "echo x > link",
        "echo x >> link",
        "echo x > up/x",
        "echo x > dangling",
        "touch dangling",
        "echo x > new$$",
        "echo x > \"new$?\"",
        "cp notes.txt new$!",
        "touch ../x",
        "touch /tmp/x",
        "touch ~/x",
        "cp notes.txt data.csv",
        "mv notes.txt src/../data.csv",
        "mv notes.txt a; cp data.csv a",
        "mv notes.txt a; mv data.csv a",
        "mv src new; echo x > new/main.rs",
        "cp ~/.ssh/id_rsa new",
        "cp -r ~/.ssh new",
        "cp -rL src new",
        "cp -r /etc new",
        "mv .env new",
        "cp server.pem new",
        "cp notes.txt .git/hooks/x",
        "mkdir .git",
        "touch .vscode/tasks.json",
        "echo x > .ENVRC",
        "echo x > sub/.git/config",
        "mkdir -m 777 x",
        "touch -d now x",
        "cp --backup=x notes.txt new",
        "touch $x",
        "touch {a,b}",
        "ln -s notes.txt new",
        "cp notes.txt data.csv src",
        "cp /dev/zero new",
        "mv -t src notes.txt",
        "mv notes.txt new &",
        "cd .. && touch x",
        "cd $x && touch y",
        "tee new ../x",
    ] {
        // A move by itself is fine, in the background too; the rest destroys or leaves.
        let wanted = if asked == "mv notes.txt new &" { Verdict::Allow } else { Verdict::Ask };
        if asked == "cp notes.txt data.csv src" {
            assert_eq!(world.says("workspace", asked).0, Verdict::Allow, "two new files in a directory");
            continue;
        }
        assert_eq!(world.says("workspace", asked).0, wanted, "{asked}: {}", world.says("workspace", asked).1);
    }
    // From a directory that is nobody's workspace nothing is written.
    for dir in [world.home(), "/tmp".into(), "/".into(), "/etc".into(), world.home().join(".config")] {
        std::fs::create_dir_all(&dir).unwrap();
        let choice = super::super::Choice { name: "workspace".into(), dir: Some(dir.clone()) };
        let rules = world.policies().rules(&choice);
        assert_eq!(rules.judge(&world.plan(&dir, "/bin/bash", "touch new")).ruling.verdict, Verdict::Ask, "{dir:?}");
    }
}

#[test]
fn files_of_the_workspace_can_not_make_a_harmless_program_act() {
    let world = World::new();
    for asked in
        ["jq -f prog.jq data.json", "jq -rf prog.jq data.json", "jq --from-file prog.jq x", "findmnt -F notes.txt"]
    {
        assert_eq!(world.says("workspace", asked).0, Verdict::Ask, "{asked}");
    }
}

#[test]
fn loops_and_pipes_over_known_names_are_looked_through() {
    let world = World::new();
    std::fs::create_dir_all(world.project().join("sub")).unwrap();
    std::fs::write(world.project().join("sub/a.txt"), "").unwrap();
    for fine in [
        "for f in *.txt; do wc -l \"$f\"; done",
        "for f in *.txt *.csv; do echo \"$f\"; head -n 1 $f; done",
        "for d in src sub; do ls \"$d\"; cat \"$d\"/*; done",
        "find . -name '*.txt' | xargs grep x",
        "find src -name '*.rs' -print0 | xargs -0 wc -l",
        "find . -name '*.txt' | head -n 1 | xargs cat",
        "find . -type f -name '*.txt' -exec grep -l x {} +",
        "find . -name '*.txt' -exec head -n 2 {} \\;",
        "ls *.txt | xargs cat",
        "find . -name '*.txt' | xargs -I{} sh -c 'cat {}'",
        "grep -rl --include='*.txt' x sub | xargs wc -l",
        "for f in *.txt; do echo \"${f%.txt}\"; done",
    ] {
        assert_eq!(world.says("workspace", fine).0, Verdict::Allow, "{fine}: {}", world.says("workspace", fine).1);
    }
    for asked in [
        "for f in *.txt; do rm \"$f\"; done",
        "for f in ~/.ssh/*; do cat \"$f\"; done",
        "for f in .env x; do cat \"$f\"; done",
        "for f in notes.txt; do f=/etc/shadow; cat \"$f\"; done",
        "for f in notes.txt; do read f; cat \"$f\"; done",
        "for f in notes.txt; do exec {f}</etc/shadow; cat \"$f\"; done",
        "for f in notes.txt; do for f in ~/.netrc; do cat \"$f\"; done; done",
        "for f in p 'w out'; do sed -n \"$f\" notes.txt; done",
        "for f in notes.txt; do cat \"$g\"; done",
        "for f in notes.txt; do :; done; cat \"$f\"",
        "for f in 'notes.txt ../.netrc'; do cat $f; done",
        "for f in $(ls); do cat \"$f\"; done",
        "find . | xargs cat",
        "find . -type f | xargs cat",
        "find .. -name '*_rsa' | xargs cat",
        "find . -name '*.txt' | xargs rm",
        "find . -name '*.txt' | xargs -I{} sh -c 'rm {}'",
        "find . -name '*.txt' | xargs -n 1 sed -n",
        "find . -name '.env' -exec cat {} +",
        "find . -name '*.txt' -exec rm {} +",
        "find . -name '*.txt' 2>&1 | xargs cat",
        "find . -name '*.txt' -printf '/etc/shadow' | xargs cat",
        "find . -name '*.txt' -ls | xargs cat",
        "rg -rl x | xargs cat",
        "rg -r ../.netrc -l x | xargs cat",
        "for f in notes.txt; do sh -c 'cat \"$f\"'; done",
        "cat notes.txt | xargs cat",
        "echo ~/.netrc | xargs cat",
    ] {
        assert_ne!(world.says("workspace", asked).0, Verdict::Allow, "{asked}");
    }
    // A name that xargs would part, or that leads elsewhere.
    std::fs::write(world.project().join("a -o out.txt"), "").unwrap();
    assert_eq!(world.says("workspace", "find . -name '*.txt' | xargs sort").0, Verdict::Ask);
    std::fs::remove_file(world.project().join("a -o out.txt")).unwrap();
    std::os::unix::fs::symlink(world.home().join(".netrc"), world.project().join("b.txt")).unwrap();
    assert_eq!(world.says("workspace", "find . -name '*.txt' | xargs cat").0, Verdict::Ask);
    assert_eq!(world.says("workspace", "find . -type f -name '*.txt' | xargs cat").0, Verdict::Allow);
}
