//! Which sentence means which intent, and which means none.

use super::super::{Os, candidates, intents, matching, propose, table};
use super::{NEGATIVES, corpus};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn every_pattern_is_readable_and_every_name_unique() {
    let mut names = BTreeSet::new();
    for intent in table() {
        assert!(names.insert(intent.info.name), "{} stands twice", intent.info.name);
        for pattern in intent.patterns() {
            assert!(matching::is_readable(pattern), "{}: {pattern:?} is no pattern", intent.info.name);
        }
    }
    assert!(names.len() >= 90, "only {} intents", names.len());
}

#[test]
fn every_sentence_of_the_corpus_means_its_intent_and_no_other() {
    let mut wrong = Vec::new();
    for (intent, sentence) in corpus() {
        let best = candidates(sentence).iter().map(|fit| fit.0).max();
        let fits: Vec<_> =
            candidates(sentence).iter().filter(|fit| Some(fit.0) == best).map(|fit| fit.1.info.name).collect();
        let both = [Os::Linux, Os::MacOs].map(|os| propose(sentence, os).map(|proposal| proposal.intent));
        if fits != [intent] || both != [Some(intent); 2] {
            wrong.push(format!("{sentence:?} should mean {intent}, means {fits:?}, gives {both:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_corpus_has_the_example_and_four_more_ways_to_say_each_intent() {
    let mut sentences: BTreeMap<_, Vec<_>> = BTreeMap::new();
    corpus().into_iter().for_each(|(intent, sentence)| sentences.entry(intent).or_default().push(sentence));
    for info in intents() {
        let said = sentences.remove(info.name).unwrap_or_default();
        assert_eq!(said.first(), Some(&info.example), "{}", info.name);
        let different: BTreeSet<_> = said.iter().collect();
        assert!(different.len() >= 5, "{} has only {} sentences", info.name, different.len());
    }
    assert!(sentences.is_empty(), "no such intents: {sentences:?}");
}

#[test]
fn politeness_and_punctuation_make_no_difference() {
    let manners: [fn(&str) -> String; 5] = [
        |s| format!("Please {s}"),
        |s| format!("hey, could you {s}, please?"),
        |s| format!("  {s}!  "),
        |s| format!("i would like you to {s} now"),
        |s| format!("{s} thanks"),
    ];
    for (intent, sentence) in corpus() {
        let plain = propose(sentence, Os::Linux);
        for manner in manners {
            let polite = manner(sentence.trim_end_matches('?'));
            assert_eq!(propose(&polite, Os::Linux), plain, "{polite:?} should mean {intent}");
        }
    }
}

#[test]
fn whatever_is_no_everyday_request_is_left_alone() {
    let sentences: Vec<_> = NEGATIVES.lines().filter(|line| !line.is_empty()).collect();
    assert!(sentences.len() >= 60);
    let wrong: Vec<_> = sentences
        .iter()
        .filter_map(|sentence| Some(format!("{sentence:?} became {}", propose(sentence, Os::Linux)?.command)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn negation_and_additions_to_a_known_request_are_not_overlooked() {
    for info in intents() {
        let sentence = info.example.trim_end_matches('?');
        for other in [format!("don't {sentence}"), format!("{sentence} and fix it"), format!("why {sentence}")] {
            assert_eq!(propose(&other, Os::Linux), None, "{other:?}");
        }
    }
}

#[test]
fn unusual_input_is_nobodys_request() {
    for odd in [
        "",
        "   ",
        "?",
        "...",
        "\"\"",
        "list files\nrm -rf x",
        "list files\0",
        "list\tfiles",
        "\u{1b}[2J",
        "version of if",
    ] {
        assert_eq!(propose(odd, Os::Linux), None, "{odd:?}");
    }
    assert_eq!(propose(&"is the ".repeat(50), Os::Linux), None);
    assert_eq!(propose(&format!("show {}", "a".repeat(2000)), Os::Linux), None);
}

#[test]
fn parameters_are_filled_in() {
    let command = |request| propose(request, Os::Linux).map(|proposal| proposal.command).unwrap_or_default();
    for (request, part) in [
        ("what is using port 8080?", "'sport = :8080'"),
        ("list the 5 largest files below /var", "find /var -xdev -type f -printf"),
        ("list the 5 largest files below /var", "head -n 5 "),
        ("top ten largest files", "find . "),
        ("files bigger than 1.5 GB in ~/my-data", "find ~/my-data -xdev -type f -size +1536M "),
        ("which log files are over 20MB", " -iname '*.log' -size +20M "),
        ("files changed in the last 2 hours", " -mmin -120 "),
        ("files modified today in 'my dir'", "find 'my dir' -xdev"),
        ("files modified today in 'my dir'", " -newermt 'today 00:00' "),
        ("files older than 30 days on this computer", "find / "),
        ("search for TODO in src", "-e TODO src "),
        ("search for todo in src", "-rnIi "),
        ("replace a/b with c&d in notes.txt", r"'s/a\/b/c\&d/g' notes.txt"),
        ("commits from yesterday", "--since='yesterday 00:00' --until=midnight"),
        ("errors in the system log since yesterday", "--since='2 days ago'"),
        ("convert the timestamp 1700000000 to a date", "date -d @1700000000 "),
        ("which commits are not pushed?", "HEAD --not --remotes"),
        ("time in new york", "TZ=America/New_York date"),
        ("top three processes by memory", "head -n 4"),
        ("compress ./docs into docs.tar.xz", "tar -cavf docs.tar.xz ./docs"),
    ] {
        assert!(command(request).contains(part), "{request:?} gave {}", command(request));
    }
}

#[test]
fn introductions_speak_of_the_parameters() {
    let proposal = propose("is 'my server' running", Os::Linux);
    assert_eq!(proposal, None, "no process has such a name");
    let proposal = propose("is nginx running?", Os::Linux).unwrap();
    assert_eq!(
        (proposal.intro.as_str(), proposal.when_empty.as_str()),
        ("Processes named nginx:", "nginx is not running.")
    );
}
