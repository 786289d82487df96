//! The rules one by one: which one decides, and what it says.

use super::super::table;
use super::World;
use pryx_terms::Verdict;
use std::collections::BTreeSet;

#[test]
fn each_answer_names_its_rule() {
    let world = World::new();
    let cases = [
        ("ls", Verdict::Allow, "read-only-command"),
        ("rm x", Verdict::Ask, "changes-things"),
        ("echo x > ../y", Verdict::Ask, "writes-files"),
        ("cat ~/.ssh/id_rsa", Verdict::Ask, "reads-secrets"),
        ("cat < ~/.ssh/id_rsa", Verdict::Ask, "reads-secrets"),
        ("curl example.com", Verdict::Ask, "network"),
        ("cat < /dev/tcp/a/1", Verdict::Ask, "network"),
        ("sudo ls", Verdict::Ask, "privileged"),
        ("notaprogram", Verdict::Ask, "unknown-program"),
        ("./ls", Verdict::Ask, "unknown-program"),
        ("eval ls", Verdict::Ask, "open-question"),
        ("cat $x", Verdict::Ask, "unknown-argument"),
        ("sort -o x y", Verdict::Ask, "unlisted-arguments"),
        ("pryx approve x", Verdict::Deny, "no-self-approval"),
        ("pryx --home /x policy edit", Verdict::Deny, "no-self-approval"),
        ("/opt/pryx grants revoke x", Verdict::Deny, "no-self-approval"),
        ("env A=b sh -c 'pryx approve x'", Verdict::Deny, "no-self-approval"),
        ("mkfs.ext4 /dev/sda1", Verdict::Deny, "no-disk-wipe"),
        ("sudo dd if=x of=/dev/nvme0n1", Verdict::Deny, "no-disk-wipe"),
        ("cat x > /dev/sda", Verdict::Deny, "no-disk-wipe"),
        ("rm -rf /", Verdict::Deny, "no-whole-tree-delete"),
        ("rm -rf /*", Verdict::Deny, "no-whole-tree-delete"),
        ("rm -r --force ~", Verdict::Deny, "no-whole-tree-delete"),
        ("rm -Rf ~/project/..", Verdict::Deny, "no-whole-tree-delete"),
        ("cd / && rm -rf usr", Verdict::Deny, "no-whole-tree-delete"),
        ("sudo rm -fr /etc; $x", Verdict::Deny, "no-whole-tree-delete"),
        ("rm -rf ~/project", Verdict::Ask, "changes-things"),
    ];
    for (command, verdict, rule) in cases {
        let ruling = world.rule(command);
        assert_eq!((ruling.verdict, ruling.rule.name.as_str()), (verdict, rule), "{command}: {}", ruling.reason);
        assert!(!ruling.reason.is_empty());
    }
}

#[test]
fn a_link_to_a_secret_is_a_secret() {
    let world = World::new();
    assert_eq!(world.verdict("cat notes.txt"), Verdict::Allow);
    std::os::unix::fs::symlink(world.home().join(".ssh/id_rsa"), world.project().join("harmless.txt")).unwrap();
    assert_eq!(world.rule("cat harmless.txt").rule.name, "reads-secrets");
    assert_eq!(world.rule("cat harm*").rule.name, "reads-secrets");
    assert_eq!(world.verdict("ls -l harmless.txt"), Verdict::Allow, "its name is no secret");
    std::os::unix::fs::symlink(world.home(), world.project().join("up")).unwrap();
    assert_eq!(world.rule("grep -r x up").rule.name, "reads-secrets");
}

#[test]
fn the_directory_counts() {
    let world = World::new();
    let ssh = world.home().join(".ssh");
    assert_eq!(world.rule_in(&ssh, "/bin/bash", "cat config").rule.name, "reads-secrets");
    assert_eq!(world.rule("cd ~/.ssh && cat config").rule.name, "reads-secrets");
    assert_eq!(world.rule("cd ..; cd .ssh; cat config").rule.name, "reads-secrets");
    assert_eq!(world.rule("(cd ~/.ssh; cat *)").rule.name, "reads-secrets");
    assert_eq!(world.rule("cd; grep -r x").rule.name, "reads-secrets");
    assert_eq!(world.rule_in(&world.home(), "/bin/bash", "rg x").rule.name, "reads-secrets");
    assert_eq!(world.rule("git diff src ~").rule.name, "reads-secrets");
    assert_eq!(world.rule("diff src ..").rule.name, "reads-secrets");
    assert_eq!(world.rule("git grep --no-index x").rule.name, "unlisted-arguments");
    assert_eq!(world.rule("grep -r x ~/.config").rule.name, "reads-secrets");
    assert_eq!(world.verdict("cat ~/.bashrc"), Verdict::Allow);
    assert_eq!(world.verdict("diff ~/.bashrc notes.txt"), Verdict::Allow);
    assert_eq!(world.verdict("cd src && cat main.rs"), Verdict::Allow);
    assert_eq!(world.verdict("grep -r x src"), Verdict::Allow);
    assert_eq!(world.verdict("rg x src"), Verdict::Allow);
}

#[test]
fn a_glob_that_brings_an_option_is_ruled_on_with_it() {
    let world = World::new();
    assert_eq!(world.verdict("sort *.txt"), Verdict::Allow);
    std::fs::write(world.project().join("-o.txt"), "").unwrap();
    assert_eq!(world.verdict("sort *.txt"), Verdict::Ask);
    assert_eq!(world.verdict("sort ./*.txt"), Verdict::Allow);
}

#[test]
fn sed_scripts_are_read_closely() {
    let world = World::new();
    for script in [
        "5p",
        "1,5p",
        "$p",
        "/a/p",
        "/a/,/b/d",
        "s/a/b/",
        "s|a|b|gI",
        "s/a\\/b/c/g",
        "1d;s/x/y/",
        "/x/{p;d}",
        "1!d",
        "s/[0-9]*//2",
    ] {
        assert_eq!(world.verdict(&format!("sed -n '{script}' notes.txt")), Verdict::Allow, "{script}");
    }
    for script in [
        "w out",
        "1w out",
        "s/a/b/w out",
        "s/a/b/gw out",
        "s/a/b/e",
        "e",
        "1e rm x",
        "r /etc/shadow",
        "R x",
        "W x",
        "s/a/b/;w out",
        "/a/{w out\n}",
        "a\\\ntext",
        "s/[/]/x/w out",
        "s/a/b\nw out",
        "p;e",
        "y/a/b/;w x",
        "bx;:x;w out",
        "/a/e",
        "\\,a,w out",
        "s/a/b/m;w o",
        "F",
        "s,a,b,pw x",
    ] {
        assert_eq!(world.verdict(&format!("sed -n '{script}' notes.txt")), Verdict::Ask, "{script}");
    }
    for command in [
        "sed -i s/a/b/ x",
        "sed -ni p x",
        "sed --in-place p x",
        "sed -f x y",
        "sed --file=x y",
        "sed -s -i p x",
        "sed p -i x",
        "sed",
        "sed -E -i.bak p x",
    ] {
        assert_eq!(world.verdict(command), Verdict::Ask, "{command}");
    }
}

#[test]
fn awk_programs_are_read_closely() {
    let world = World::new();
    for program in [
        "{print $1}",
        "$3 > 5",
        "$3 > 5 {print $1}",
        "{if ($3 > 5) print}",
        "/systemd/ {print}",
        "$1 == \"a\" || $2",
        "{print ($1 > 2)}",
    ] {
        assert_eq!(world.verdict(&format!("awk '{program}' notes.txt")), Verdict::Allow, "{program}");
    }
    for program in [
        "{print > \"x\"}",
        "{print >> \"x\"}",
        "{print | \"sh\"}",
        "{system(\"x\")}",
        "{system (\"x\")}",
        "{system\\\n(\"x\")}",
        "{\"x\" | getline}",
        "{getline < \"x\"}",
        "@load \"x\"",
        "{@f()}",
        "{print \"a\" \"}\" > \"x\"}",
        "/(/ {print > \"x\"}",
        "{print(1) > \"x\"}",
        "function f() {print > \"x\"}",
        "{printf \"a\" |& \"sh\"}",
    ] {
        assert_eq!(world.verdict(&format!("awk '{program}' notes.txt")), Verdict::Ask, "{program}");
    }
}

#[test]
fn a_number_of_the_shells_can_not_complete_a_name() {
    let world = World::new();
    assert_eq!(world.verdict("(exit 4); cat key$?.db"), Verdict::Ask);
    assert_eq!(world.verdict("ps -p $$"), Verdict::Allow);
}

#[test]
fn the_table_has_each_name_once() {
    let mut seen = BTreeSet::new();
    for name in table::all().flat_map(|known| known.names.split_ascii_whitespace()) {
        assert!(seen.insert(name), "{name} stands twice");
    }
}

#[test]
fn a_wrapper_has_no_entry_of_its_own() {
    // It is let through because the plan holds what it starts.
    let mut names = table::all().flat_map(|known| known.names.split_ascii_whitespace());
    assert_eq!(names.find(|name| crate::gate::plan::is_wrapper(name)), None);
}

/// Found by trying to get around the gate; each of these ran code, read a secret or wrote a file unasked once.
#[test]
fn what_once_got_through_is_asked() {
    let world = World::new();
    for command in [
        "jobs -x touch made",
        "bash -c 'jobs -x rm -f victim'",
        "ps -N eww",
        "ps --no-headers axeww",
        "ps --forest eaxww",
        "jq -n 'import \"creds\" as $x {search:\"/home/u/.ssh\"}; $x'",
        "jq -n -L/home/u 'import \"c\" as $x; $x'",
        "man ./so.1",
        "whatis -C x ls",
        "apropos --config-file=x ls",
        "awk 'BEGIN{ARGV[1]=\"/home/u/.s\" \"sh/id\";ARGC=2}{print}'",
        "awk 'BEGIN{ # (\n print \"x\" > \"made\" }'",
        "last -f /etc/shadow",
        "who /home/u/.ssh/id_rsa",
    ] {
        let ruling = world.rule(command);
        assert_ne!(ruling.verdict, Verdict::Allow, "{command}: {}", ruling.rule.name);
    }
}
