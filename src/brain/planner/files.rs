//! Finding and listing files.

use super::intent::{Intent, Run};
use super::slot::Slot;

/// What narrows down a search for files; sizes come before places, because "under 10 MB" is no place.
const FILTERS: &[Slot] = &[Slot::Larger, Slot::Smaller, Slot::Since, Slot::Older, Slot::Ext, Slot::Count, Slot::Place];

/// Where to look, and how many results.
const WHERE: &[Slot] = &[Slot::Count, Slot::Place];

const NO_FILES: &str = "No such files below {place}.";

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            biggest file; biggest {ext} file; file by size; file sort|sorted|ordered by? size; \
            file use most space|disk space?; file {larger}; {larger} file; big file; biggest thing|item|stuff; \
            file biggest",
        with: FILTERS,
        also: "disk with size",
        count: 10,
        intro: "The largest files below {place}:",
        empty: NO_FILES,
        ..Intent::reads(
            "largest-files",
            "list the 5 largest files below /var",
            Run::Each {
                linux: r"find {place} -xdev -type f{filters} -printf '%s\t%p\n' 2>/dev/null | sort -rn | head -n {count} | numfmt --to=iec",
                macos: "find {place} -xdev -type f{filters} -ls 2>/dev/null | sort -rnk 7,7 | head -n {count}",
            },
        )
    },
    Intent {
        say: "\
            newest file; recent|last|just|lately change|added|created file; \
            file recent|last|lately change|added|created; file change|added|created recent|lately|last; \
            file {since}; file change|added|created|written {since}; change file {since}; newest change|added file; \
            file by date|time|age|modification; file sort|sorted|ordered by? date|time|age",
        with: FILTERS,
        also: "that were time",
        count: 10,
        intro: "The files below {place} that changed last:",
        empty: NO_FILES,
        ..Intent::reads(
            "newest-files",
            "which files changed in the last 2 hours in ~/Documents?",
            Run::Each {
                linux: r"find {place} -xdev -type f -not -path '*/.git/*'{filters} -printf '%TY-%Tm-%Td %TH:%TM  %p\n' 2>/dev/null | sort -r | head -n {count}",
                macos: "find {place} -xdev -type f -not -path '*/.git/*'{filters} -exec stat -f '%Sm  %N' -t '%Y-%m-%d %H:%M' {} + 2>/dev/null | sort -r | head -n {count}",
            },
        )
    },
    Intent {
        say: "oldest file; file {older}; file change longest ago; old file; file oldest; file least recent change?",
        with: FILTERS,
        also: "that",
        count: 10,
        intro: "The files below {place} that have not changed for the longest time:",
        empty: NO_FILES,
        ..Intent::reads(
            "oldest-files",
            "show files older than 30 days in /tmp",
            Run::Each {
                linux: r"find {place} -xdev -type f -not -path '*/.git/*'{filters} -printf '%TY-%Tm-%Td %TH:%TM  %p\n' 2>/dev/null | sort | head -n {count}",
                macos: "find {place} -xdev -type f -not -path '*/.git/*'{filters} -exec stat -f '%Sm  %N' -t '%Y-%m-%d %H:%M' {} + 2>/dev/null | sort | head -n {count}",
            },
        )
    },
    Intent {
        say: "smallest file; tiniest file; file {smaller}; {smaller} file; small file",
        with: FILTERS,
        also: "that",
        count: 10,
        intro: "The smallest files below {place}:",
        empty: NO_FILES,
        ..Intent::reads(
            "smallest-files",
            "files smaller than 1 kB in src",
            Run::Each {
                linux: r"find {place} -xdev -type f -not -path '*/.git/*'{filters} -printf '%s\t%p\n' 2>/dev/null | sort -n | head -n {count} | numfmt --to=iec",
                macos: "find {place} -xdev -type f -not -path '*/.git/*'{filters} -ls 2>/dev/null | sort -nk 7,7 | head -n {count}",
            },
        )
    },
    Intent {
        say: "{ext} file; file {ext}; {ext} source|code file?",
        with: &[Slot::Count, Slot::Place],
        also: "code source",
        count: 50,
        intro: "Files ending in .{ext} below {place}:",
        empty: "No file below {place} ends in .{ext}.",
        ..Intent::reads(
            "files-by-extension",
            "find all python files in src",
            Run::Both("find {place} -type f -not -path '*/.git/*'{filters} 2>/dev/null | sort | head -n {count}"),
        )
    },
    Intent {
        say: "count file; count {ext} file; file count; count of? file",
        with: &[Slot::Larger, Slot::Smaller, Slot::Since, Slot::Older, Slot::Ext, Slot::Place],
        also: "change there",
        intro: "The number of such files below {place}:",
        ..Intent::reads(
            "count-files",
            "how many rust files are in this folder?",
            Run::Both("find {place} -type f -not -path '*/.git/*'{filters} 2>/dev/null | wc -l"),
        )
    },
    Intent {
        say: "\
            file; directory content; content directory; what in {place}; ls {place}?; file directory; \
            content {place}; everything {place}; content this|current|working directory",
        with: &[Slot::Place],
        intro: "What is in {place}:",
        empty: "There is nothing in {place}.",
        ..Intent::reads("list-files", "list the files in /etc", Run::Both("ls -lh {place} | head -n 200"))
    },
    Intent {
        say: "directory; sub directory; only directory",
        with: WHERE,
        count: 100,
        intro: "The directories in {place}:",
        empty: "There are no directories in {place}.",
        ..Intent::reads(
            "list-directories",
            "show the folders in ~",
            Run::Both("find {place} -mindepth 1 -maxdepth 1 -type d 2>/dev/null | sort | head -n {count}"),
        )
    },
    Intent {
        say: "hidden file; hidden directory; file hidden; dot file; hidden file directory; hidden item|thing",
        with: WHERE,
        count: 100,
        intro: "The hidden files in {place}:",
        empty: "There are no hidden files in {place}.",
        ..Intent::reads(
            "hidden-files",
            "show hidden files in my home directory",
            Run::Both("find {place} -mindepth 1 -maxdepth 1 -name '.*' 2>/dev/null | sort | head -n {count}"),
        )
    },
    Intent {
        say: "empty|blank file; file empty|blank; zero byte|length file; file with no content; file size zero|0",
        with: &[Slot::Ext, Slot::Place],
        also: "that",
        count: 50,
        intro: "Empty files below {place}:",
        empty: "There are no empty files below {place}.",
        ..Intent::reads(
            "empty-files",
            "find empty files in /tmp",
            Run::Both("find {place} -xdev -type f -empty -not -path '*/.git/*'{filters} 2>/dev/null | head -n {count}"),
        )
    },
    Intent {
        say: "empty directory; directory empty; directory without file|content; directory with no file|content",
        with: WHERE,
        also: "that",
        count: 50,
        intro: "Empty directories below {place}:",
        empty: "There are no empty directories below {place}.",
        ..Intent::reads(
            "empty-directories",
            "are there empty folders here?",
            Run::Both("find {place} -xdev -type d -empty -not -path '*/.git/*' 2>/dev/null | head -n {count}"),
        )
    },
    Intent {
        say: "\
            file named {pattern}; file with name {pattern}; file with {pattern} in name; \
            find|search file {pattern}; where is? {path:pattern}; where is? file {pattern}; find {path:pattern}; \
            file matching|like {pattern}; file whose name contain|is|match|matches {pattern}; \
            where|find|search file named {pattern}; find {pattern} file",
        with: &[Slot::Place],
        also: "the exactly",
        count: 50,
        intro: "Files below {place} of that name:",
        empty: "No such file below {place}.",
        ..Intent::reads(
            "find-file",
            "find files named config.toml in ~",
            Run::Both("find {place} -xdev -not -path '*/.git/*' -iname {glob} 2>/dev/null | head -n {count}"),
        )
    },
    Intent {
        say: "\
            directory named {pattern}; find|search directory {pattern}; where is? directory {pattern}; \
            where directory named {pattern}; directory with name {pattern}",
        with: &[Slot::Place],
        count: 50,
        intro: "Directories below {place} of that name:",
        empty: "No such directory below {place}.",
        ..Intent::reads(
            "find-directory",
            "find directories called node_modules below ~/src",
            Run::Both("find {place} -xdev -type d -iname {glob} 2>/dev/null | head -n {count}"),
        )
    },
    Intent {
        say: "\
            duplicate file name; file name duplicate; file with same name; \
            file name appear|occur|exist twice|more than once; duplicate file; name duplicate file",
        with: WHERE,
        also: "the that",
        count: 50,
        intro: "File names that occur more than once below {place}:",
        empty: "No file name occurs twice below {place}.",
        ..Intent::reads(
            "duplicate-names",
            "which file names are duplicated in src?",
            Run::Each {
                linux: r"find {place} -type f -not -path '*/.git/*' -printf '%f\n' 2>/dev/null | sort | uniq -d | head -n {count}",
                macos: "find {place} -type f -not -path '*/.git/*' 2>/dev/null | grep -o '[^/]*$' | sort | uniq -d | head -n {count}",
            },
        )
    },
    Intent {
        say: "\
            tree; directory tree|structure|hierarchy; structure directory; tree directory|file; file tree; \
            structure {place}",
        with: &[Slot::Place],
        also: "view as structure a",
        intro: "The tree below {place}, two levels deep:",
        empty: "There is nothing in {place}.",
        ..Intent::reads(
            "tree",
            "show the directory tree of src",
            Run::Both(
                "if command -v tree >/dev/null; then tree -L 2 {place}; else find {place} -maxdepth 2 -not -path '*/.*' | sort; fi | head -n 200",
            ),
        )
    },
    Intent {
        say: "broken link; link broken; link pointing|that|which nowhere|point? nowhere",
        with: WHERE,
        count: 50,
        intro: "Links below {place} that point to nothing:",
        empty: "There are no broken links below {place}.",
        ..Intent::reads(
            "broken-links",
            "find broken symlinks in ~/bin",
            Run::Both("find -L {place} -type l 2>/dev/null | head -n {count}"),
        )
    },
    Intent {
        say: "link; link file; file link",
        with: WHERE,
        count: 50,
        intro: "Symbolic links below {place}:",
        empty: "There are no symbolic links below {place}.",
        ..Intent::reads(
            "links",
            "list symbolic links in /etc",
            Run::Each {
                linux: r"find {place} -xdev -type l -printf '%p -> %l\n' 2>/dev/null | sort | head -n {count}",
                macos: "find {place} -xdev -type l -ls 2>/dev/null | head -n {count}",
            },
        )
    },
    Intent {
        say: "execute file; executables; file execute; file i running; script|scripts running|execute; script|scripts i running|execute",
        with: WHERE,
        also: "that are i can",
        count: 50,
        intro: "Executable files below {place}:",
        empty: "There are no executable files below {place}.",
        ..Intent::reads(
            "executable-files",
            "which files in scripts are executable?",
            Run::Both(
                "find {place} -xdev -type f -perm -100 -not -path '*/.git/*' 2>/dev/null | sort | head -n {count}",
            ),
        )
    },
    Intent {
        say: "\
            world writable|writeable file; file anyone|everyone|everybody write|change; \
            file writable|writeable by? anyone|everyone|everybody|world|others",
        with: WHERE,
        also: "that to",
        count: 50,
        intro: "Files below {place} that everybody can write:",
        empty: "No file below {place} can be written by everybody.",
        ..Intent::reads(
            "world-writable-files",
            "find world-writable files in /opt",
            Run::Both("find {place} -xdev -type f -perm -002 2>/dev/null | head -n {count}"),
        )
    },
    Intent {
        say: "setuid|suid file|binary|binaries|process; process|binaries setuid|suid; file with setuid|suid bit?",
        with: WHERE,
        also: "bit set",
        count: 50,
        intro: "Files below {place} that run with their owner's rights:",
        empty: "There are no setuid files below {place}.",
        ..Intent::reads(
            "setuid-files",
            "list setuid files in /usr",
            Run::Both("find {place} -xdev -type f -perm -4000 2>/dev/null | head -n {count}"),
        )
    },
    Intent {
        say: "file owner by? {name}; file owner by? user {name}; file of user {name}",
        with: WHERE,
        also: "that user",
        count: 50,
        intro: "Files below {place} that belong to {name}:",
        empty: "No file below {place} belongs to {name}.",
        ..Intent::reads(
            "files-of-user",
            "which files in /srv are owned by www-data?",
            Run::Both("find {place} -xdev -user {name} 2>/dev/null | head -n {count}"),
        )
    },
    Intent {
        say: "\
            current|working|present directory; current working directory; pwd; where am i; directory am i in; \
            what directory this|is|am; path current directory",
        also: "path",
        intro: "The current directory:",
        ..Intent::reads("current-directory", "which directory am I in?", Run::Both("pwd"))
    },
    Intent {
        say: "\
            permission {path}; owner {path}; who owner {path}; who can read|write|change {path}; {path} permission; \
            permission on|for|of {path}",
        also: "has who",
        intro: "Owner and permissions of {path}:",
        empty: "There is no {path}.",
        ..Intent::reads("permissions", "what are the permissions of /etc/hosts?", Run::Both("ls -ld {path}"))
    },
    Intent {
        say: "\
            stat {path}; metadata {path}; when {path} change|created|last; when {path} last change; \
            file info|information|detail|details {path}; info|information|detail|details {path}; last modification {path}; \
            modification time|date {path}; when was {path} change|created|written",
        also: "last about time",
        intro: "What is known about {path}:",
        empty: "There is no {path}.",
        ..Intent::reads(
            "file-info",
            "when was README.md last modified?",
            Run::Each { linux: "stat {path}", macos: "stat -x {path}" },
        )
    },
    Intent {
        say: "\
            type of? {path}; kind of? file {path}; what type|kind|sort of? {path}; file type {path}; what {path}; \
            {path} type|kind",
        also: "file",
        intro: "What kind of file {path} is:",
        ..Intent::reads("file-type", "what type of file is logo.png?", Run::Both("file {path}"))
    },
    Intent {
        say: "{path} exist|exists; exist|exists {path}; there a? {path}; is there {path}; there file|directory named {path}; do i have {path}",
        also: "file directory named",
        intro: "Whether {path} exists:",
        empty: "There is no {path}.",
        ..Intent::reads("file-exists", "does /etc/fstab exist?", Run::Both("ls -ld {path} 2>/dev/null"))
    },
    Intent {
        say: "\
            full|absolute|real|canonical path {path}; path of|to {path}; where does {path} point|lead; \
            {path} point to|at?",
        also: "file to",
        intro: "The full path of {path}:",
        ..Intent::reads("full-path", "what is the absolute path of src?", Run::Both("realpath {path}"))
    },
    Intent {
        say: "\
            newest|recent|last download; download; what i download; what i download {since}; \
            what i recent|last|just download; content download directory",
        with: &[Slot::Since, Slot::Count],
        also: "file the recent",
        count: 10,
        intro: "The newest files in ~/Downloads:",
        empty: "There is nothing in ~/Downloads.",
        ..Intent::reads(
            "recent-downloads",
            "what did I download recently?",
            Run::Both("ls -lht ~/Downloads | head -n {count_and_header}"),
        )
    },
];
