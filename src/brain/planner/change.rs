//! Changing files: every command here is put before the person by the gate.

use super::intent::{Intent, Run};

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "create new? directory named? {anypath}; mkdir {anypath}; create {anypath} directory",
        also: "new",
        intro: "Create the directory {anypath}:",
        ..Intent::changes("create-directory", "create a folder called reports", Run::Both("mkdir -p {anypath}"))
    },
    Intent {
        say: "create new? empty? file named? {anypath}; touch {anypath}; create empty? {path}",
        also: "new empty",
        intro: "Create the file {anypath}:",
        ..Intent::changes("create-file", "create an empty file called notes.txt", Run::Both("touch {anypath}"))
    },
    Intent {
        say: "\
            rename file|directory? {anydoomed:old} to|into|as {anypath:new}; \
            change name of {doomed:old} to {anypath:new}",
        intro: "Rename {old} to {new}, unless there is a {new} already:",
        empty: "Nothing was renamed: {new} exists already.",
        ..Intent::changes("rename", "rename draft.txt to final.txt", Run::Both("mv -nv {old} {new}"))
    },
    Intent {
        say: "\
            move {doomed:old} {path:new}; move file|directory? {doomed:old} to|into|in {anypath:new}; \
            move file|directory? {doomed:old} to|into|in directory {anypath:new}; \
            move file|directory {anydoomed:old} to|into|in {anypath:new}",
        intro: "Move {old} to {new}, without overwriting anything:",
        empty: "Nothing was moved: the target exists already.",
        ..Intent::changes("move", "move report.pdf to ~/Documents", Run::Both("mv -nv {old} {new}"))
    },
    Intent {
        say: "\
            copy {path:old} {path:new}; copy file|directory? {path:old} to|into|in|as {anypath:new}; \
            copy file|directory? {path:old} to|into directory {anypath:new}; \
            copy file|directory {anypath:old} to|into|in|as {anypath:new}; \
            create copy of {path:old} named|as|in {anypath:new}",
        intro: "Copy {old} to {new}, without overwriting anything:",
        empty: "Nothing was copied: the target exists already.",
        ..Intent::changes("copy", "copy config.toml to config.bak", Run::Both("cp -Rnv {old} {new}"))
    },
    Intent {
        say: "back up {path}; backup {path}; create backup copy? of {path}",
        intro: "Copy {path} beside itself, ending in .bak, unless that exists:",
        empty: "Nothing was copied: there is a backup already.",
        ..Intent::changes("backup", "make a backup of config.toml", Run::Both("cp -Rnv {path} {backup}"))
    },
    Intent {
        say: "delete {doomed:file}; delete file {anydoomed:file}; delete file named {anydoomed:file}",
        intro: "Delete {file}:",
        ..Intent::changes("delete-file", "delete old.log", Run::Both("rm -v {file}"))
    },
    Intent {
        say: "\
            delete directory {anydoomed:file}; delete directory named {anydoomed:file}; \
            delete {anydoomed:file} directory; delete directory {anydoomed:file} and everything in it; \
            delete directory {anydoomed:file} and its? all? content; \
            delete directory {anydoomed:file} with everything in it",
        also: "its",
        intro: "Delete the directory {file} with everything in it:",
        ..Intent::changes("delete-directory", "delete the folder build-old", Run::Both("rm -r {file}"))
    },
    Intent {
        say: "\
            create {path} execute; create script|file {anypath:path} execute; chmod +x {path}; chmod {path} execute; \
            add execute permission to {path}",
        intro: "Let the owner run {path}:",
        empty: "Done: {path} can be run.",
        ..Intent::changes("make-executable", "make deploy.sh executable", Run::Both("chmod u+x {path}"))
    },
    Intent {
        say: "\
            create link from|named {anypath:new} to {anypath:old}; \
            create link to {anypath:old} named|at|in {anypath:new}; link {path:new} to {path:old}",
        intro: "Make {new} a symbolic link to {old}:",
        ..Intent::changes("create-link", "create a symlink called live to releases/v2", Run::Both("ln -s {old} {new}"))
    },
    Intent {
        say: "\
            replace {text:old} with|by {text:new} in file? {path}; \
            replace all? occurrences|occurrence of? {text:old} with|by {text:new} in {path}; \
            in {path} replace {text:old} with|by {text:new}; change {text:old} to {text:new} in {path}",
        also: "all every word text",
        intro: "Replace {old} by {new} in {path}:",
        empty: "Done, wherever it occurred in {path}.",
        ..Intent::changes(
            "replace-text",
            "replace foo with bar in notes.txt",
            Run::Each { linux: "sed -i -e {substitution} {path}", macos: "sed -i '' -e {substitution} {path}" },
        )
    },
    Intent {
        say: "\
            download {url}; fetch {url}; wget {url}; get {url}; download file|page? from|at {url}; curl {url}; \
            save {url}",
        intro: "Download {url} into the current directory:",
        ..Intent::changes("download", "download https://example.com/data.csv", Run::Both("curl -fLO {url}"))
    },
    Intent {
        say: "download|fetch|save|get {url} to|as|into file? {anypath}",
        intro: "Download {url} to {anypath}:",
        ..Intent::changes(
            "download-as",
            "download https://example.com/data.csv as input.csv",
            Run::Both("curl -fL -o {anypath} {url}"),
        )
    },
];
