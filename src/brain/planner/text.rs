//! Reading, searching, counting and comparing text.

use super::intent::{Intent, Run};
use super::slot::Slot;

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            show|cat|read {path}; show|cat|read {file:path}; what in {file:path}; content {path}; show content {path}; \
            what does {path} contain|say; what {path} contain",
        also: "content whole entire",
        intro: "The first 200 lines of {path}:",
        empty: "{path} is empty.",
        ..Intent::reads("show-file", "show me the contents of /etc/hosts", Run::Both("head -n 200 {path}"))
    },
    Intent {
        say: "\
            first {count} line {path}; first line {path}; beginning|start|head|top {path}; {count} line {path}; \
            head {path}; head {count} line {path}; top {count} line {path}",
        also: "few couple lines",
        count: 10,
        intro: "The first {count} lines of {path}:",
        empty: "{path} is empty.",
        ..Intent::reads("first-lines", "show the first 20 lines of notes.txt", Run::Both("head -n {count} {path}"))
    },
    Intent {
        say: "\
            last {count} line {path}; {count} last line {path}; last line {path}; end|tail|bottom {path}; \
            tail {count} line {path}; tail {path} {count} line; last {count} line log {path}; \
            last entries|message {path}",
        also: "few couple log the",
        count: 10,
        intro: "The last {count} lines of {path}:",
        empty: "{path} is empty.",
        ..Intent::reads("last-lines", "show the last 50 lines of app.log", Run::Both("tail -n {count} {path}"))
    },
    Intent {
        say: "\
            search {text} in? {file}; search for? word|text|string|phrase|pattern {text} in? {file}; \
            search {file} for? {text}; search {file} for? word|text|string|phrase {text}; find {text} in {file}; \
            find word|text|string {text} in? {file}; line {file} contain|with|matching {text}; \
            line contain|with|matching {text} in? {file}; {file} contain {text}; where {text} in {file}; show {text} in {file}",
        also: "file the every that",
        count: 100,
        intro: "The lines of {file} with {text}:",
        empty: "Nothing in {file} matches {text}.",
        ..Intent::reads(
            "search-file",
            "search app.log for timeout",
            Run::Both("grep -n{any_case} -e {text} {file} | head -n {count}"),
        )
    },
    Intent {
        say: "\
            search {text} {place}; search for? word|text|string|phrase|pattern {text} {place}; search for? {text}; \
            search for? word|text|string|phrase|pattern {text}; find text|string|word|phrase {text}; \
            where {text} use|defined|mentioned|called; occurrence|occurrences|mention|use of {text} {place}?; \
            search all? file for {text}; search {text} all? file; find {capitals:text}; where {capitals:text}; search in? file for {text}; search {place} for? {text}; \
            line contain|with {text}",
        with: &[Slot::Ext, Slot::Place, Slot::Count],
        also: "all code every occurrence occurrences source the",
        count: 50,
        intro: "Lines with {text} below {place}:",
        empty: "Nothing below {place} matches {text}.",
        ..Intent::reads(
            "search-text",
            "search for TODO in src",
            Run::Both("grep -rnI{any_case} --exclude-dir=.git{include} -e {text} {place} | head -n {count}"),
        )
    },
    Intent {
        say: "\
            file contain {text}; file with? word|text|string|phrase {text}; \
            file contain word|text|string|phrase {text}; file with {text} in them|it; file use {text}; \
            {text} contain in? which file; where file contain {text}",
        with: &[Slot::Ext, Slot::Place, Slot::Count],
        also: "that the",
        count: 50,
        intro: "Files below {place} that contain {text}:",
        empty: "No file below {place} contains {text}.",
        ..Intent::reads(
            "files-containing",
            "which files contain \"connection refused\"?",
            Run::Both("grep -rlI{any_case} --exclude-dir=.git{include} -e {text} {place} | head -n {count}"),
        )
    },
    Intent {
        say: "\
            count line {path}; line count {path}; {path} count line; how long is? {path}; \
            count line does {path} have; length {path}",
        also: "there",
        intro: "The number of lines of {path}:",
        ..Intent::reads("count-lines", "how many lines are in Cargo.toml?", Run::Both("wc -l {path}"))
    },
    Intent {
        say: "\
            count line code; count line {ext} code|source|file?; line code; count line {ext}; count line {language:ext}; loc; \
            count line all? {ext} file; count line {ext} file; line {ext} code",
        with: &[Slot::Ext, Slot::Place],
        also: "source file code project total together",
        intro: "Lines of text below {place}, all files together:",
        ..Intent::reads(
            "count-code",
            "how many lines of rust code are in src?",
            Run::Both("grep -rhI --exclude-dir=.git{include} -e '' {place} | wc -l"),
        )
    },
    Intent {
        say: "count word {path}; word count {path}; {path} count word; count word does {path} have",
        also: "there",
        intro: "The number of words in {path}:",
        ..Intent::reads("count-words", "how many words are in essay.txt?", Run::Both("wc -w {path}"))
    },
    Intent {
        say: "\
            count character {path}; character count {path}; {path} count character; \
            count character does {path} have",
        also: "there",
        intro: "The number of characters in {path}:",
        ..Intent::reads("count-characters", "how many characters are in notes.txt?", Run::Both("wc -m {path}"))
    },
    Intent {
        say: "\
            count {text} in? {path}; count time|times {text} in? {path}; \
            count time|times {text} appear|appears|occur|occurs in? {path}; \
            count line {path} contain|with|matching {text}; count line contain|with|matching {text} in? {path}; \
            count occurrence|occurrences {text} in? {path}; how often {text} in? {path}; \
            how often does {text} appear|appears|occur|occurs in? {path}",
        also: "word the",
        intro: "The number of lines of {path} with {text}:",
        ..Intent::reads(
            "count-matches",
            "how many lines in app.log contain ERROR?",
            Run::Both("grep -c{any_case} -e {text} {path}"),
        )
    },
    Intent {
        say: "\
            sort {path}; sort line {path}; {path} sorted; sorted line {path}; {path} sort alphabetically; \
            sort {path} alphabetically",
        also: "alphabetically line the",
        count: 200,
        intro: "The lines of {path}, sorted:",
        empty: "{path} is empty.",
        ..Intent::reads("sort-lines", "sort the lines of names.txt", Run::Both("sort {path} | head -n {count}"))
    },
    Intent {
        say: "\
            unique|distinct|uniq line {path}; unique|distinct value {path}; most common|frequent line {path}; \
            line {path} most common|often|frequent; unique|distinct values|entries {path}",
        with: &[Slot::Count],
        also: "the",
        count: 50,
        intro: "The different lines of {path}, the most frequent first:",
        empty: "{path} is empty.",
        ..Intent::reads(
            "unique-lines",
            "show the unique lines in access.log",
            Run::Both("sort {path} | uniq -c | sort -rn | head -n {count}"),
        )
    },
    Intent {
        say: "\
            duplicate line {path}; line {path} duplicate|twice; \
            line appear|occur|appearing|occurring twice|more in? {path}; duplicate {path}; \
            line {path} occur|appear|occurs twice; line {path} occur|appear more than once",
        also: "that than once entries",
        count: 50,
        intro: "Lines that occur more than once in {path}:",
        empty: "No line occurs twice in {path}.",
        ..Intent::reads(
            "duplicate-lines",
            "are there duplicate lines in hosts.txt?",
            Run::Both("sort {path} | uniq -d | head -n {count}"),
        )
    },
    Intent {
        say: "\
            compare {path:old} and|with|to|against {path:new}; difference between? {path:old} and|to {path:new}; \
            diff {path:old} and|with|against? {path:new}; diff {path:old} {path:new}; \
            how does? {path:old} differ from? {path:new}; {path:old} and {path:new} same|identical|equal; \
            what different|difference between? {path:old} and {path:new}",
        also: "file the between",
        intro: "What differs between {old} and {new}:",
        empty: "{old} and {new} are the same.",
        ..Intent::reads(
            "compare-files",
            "compare old.conf and new.conf",
            Run::Both("diff -u {old} {new} | head -n 200"),
        )
    },
    Intent {
        say: "longest line {path}; line {path} longest",
        with: &[Slot::Count],
        count: 5,
        intro: "The longest lines of {path}, with their lengths:",
        empty: "{path} is empty.",
        ..Intent::reads(
            "longest-lines",
            "what are the longest lines in main.py?",
            Run::Both(r#"awk '{ print length($0) "\t" $0 }' {path} | sort -rn | head -n {count}"#),
        )
    },
    Intent {
        say: "\
            pretty print|show json {path}; format json {path}; pretty print|show {path}; validate json? {path}; \
            {path} valid json",
        also: "file nicely",
        intro: "{path}, one value a line:",
        ..Intent::reads("pretty-json", "pretty-print data.json", Run::Both("jq . {path} | head -n 300"))
    },
    Intent {
        say: "\
            sha256|sha-256 checksum|of? {path}; sha256|sha-256 checksum? {path}; sha256sum|shasum {path}; \
            checksum {path}; {path} checksum|sha256",
        also: "file sha256",
        intro: "The SHA-256 of {path}:",
        ..Intent::reads(
            "sha256",
            "what is the checksum of image.iso?",
            Run::Each { linux: "sha256sum {path}", macos: "shasum -a 256 {path}" },
        )
    },
    Intent {
        say: "md5|md5sum checksum? {path}; {path} md5",
        also: "file checksum",
        intro: "The MD5 of {path}:",
        ..Intent::reads("md5", "md5 of image.iso", Run::Each { linux: "md5sum {path}", macos: "md5 {path}" })
    },
];
