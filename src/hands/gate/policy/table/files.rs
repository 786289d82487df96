//! The shell's own commands, text, and files.

use super::super::known::Args::{Any, Check, Except, Only, OnlyOptions, Operands};
use super::super::known::Known;
use super::super::known::Reads::{Content, Names, Nothing as NoFile, Tree};
use super::super::{awk, checks, known as options, sed};
use super::known;

pub(super) const KNOWN: &[Known] = &[
    // The shell's own.
    known(
        "echo printf true false : test [ pwd type exit return break continue shift cd set unset export \
         readonly read times wait dirs ulimit umask logout caller help",
        NoFile,
        Any,
    ),
    // `jobs -x` runs a command.
    known("jobs", NoFile, OnlyOptions("lnprs", "")),
    known("kill", NoFile, Check(|args| matches!(args, ["-l" | "-L"] | ["-l", _]))),
    // Text.
    known(
        "cat tac nl head tail cut tr paste join comm cmp fold fmt expand unexpand rev column od hexdump hd \
         strings md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum b3sum cksum sum md5 shasum \
         base32 tsort look diff colordiff pr bc envsubst egrep fgrep wdiff tokei hexyl",
        Content,
        Except("", "--files0-from"),
    ),
    // jq's modules are read from wherever the program says.
    known(
        "jq",
        Content,
        Check(|args| {
            // Nor from files whose text nobody has seen.
            Except("fL", "--from-file --library-path").allow(args)
                && args.iter().all(|a| !a.contains("import") && !a.contains("include"))
        }),
    ),
    known("grep", Content, Except("", "")),
    known("rg", Tree, Except("z", "--pre --hostname-bin --search-zip")),
    known("ag", Tree, Except("", "--pager")),
    known("wc", Content, Except("", "--files0-from")),
    known("sort", Content, Except("oTS", "--output --compress-program --files0-from --temporary-directory")),
    known("shuf", Content, Except("o", "--output --random-source")),
    known("base64", Content, Except("oD", "--output")),
    known("iconv", Content, Except("o", "--output")),
    known("uniq", Content, Check(checks::uniq)),
    known("xxd", Content, Check(checks::xxd)),
    known(
        "less more",
        Content,
        Check(|args| OnlyOptions("FRXSNniIMEeqgs", "").allow(args) && args.iter().all(|arg| !arg.starts_with('+'))),
    ),
    known(
        "bat batcat",
        Content,
        Check(|args| Except("", "--pager --diff --generate-config-file").allow(args) && !args.contains(&"cache")),
    ),
    known("zcat gzcat bzcat xzcat zstdcat lz4cat", Content, Operands),
    known("awk gawk mawk nawk", Content, Check(awk::only_prints)),
    known("sed gsed", Content, Check(sed::only_prints)),
    known(
        "yq",
        Content,
        Check(|args| {
            // There are two: one reads other files and the environment by words of its own, the other is jq.
            const WORDS: &[&str] = &["load", "env", "import", "include", "system"];
            args.iter().all(|arg| !is_among_yq(arg) && !WORDS.iter().any(|word| arg.contains(word)))
        }),
    ),
    known("file", Content, Except("Cfm", "--compile --files-from --magic-file")),
    known(
        "tee",
        NoFile,
        Check(|args| {
            args.iter().all(|arg| matches!(*arg, "-a" | "/dev/null" | "/dev/stderr" | "/dev/stdout" | "/dev/tty"))
        }),
    ),
    known(
        "seq basename dirname expr factor numfmt sleep nproc arch uname whoami logname tty groups id \
         w uptime cal ncal clear tput free vmstat iostat mpstat lscpu lsmem lsusb lspci lsmod lsns lsipc \
         locale printenv getconf pidof pstree lslocks lslogins ipcs modinfo \
         runlevel hostid",
        NoFile,
        Any,
    ),
    known(
        "last who users",
        NoFile,
        Check(|args| args.iter().all(|a| !a.contains('/') && !a.starts_with("-f") && !a.starts_with("--f"))),
    ),
    known("pgrep", NoFile, Except("F", "--pidfile")),
    known("sensors acpi", NoFile, Only("fuAjbti", "")),
    known(
        "ls dir vdir stat df readlink realpath which whereis exa eza lsd namei lsattr getfacl lsblk \
         locate plocate duf dust pathchk",
        Names,
        Any,
    ),
    known("findmnt", Names, Except("FN", "--tab-file --task")),
    known("du", Names, Except("X", "--files0-from --exclude-from")),
    known("tree", Names, Except("oR", "--output --fromfile --fromtabfile")),
    known("find", Names, Check(checks::find)),
    known("fd fdfind", Names, Except("xX", "--exec --exec-batch --ignore-file")),
    known("tar bsdtar", Content, Check(checks::tar)),
    known(
        "unzip",
        Content,
        Check(|args| {
            matches!(args.first(), Some(&"-l" | &"-lv" | &"-v" | &"-Z" | &"-Z1"))
                && args[1..].iter().all(|arg| !arg.starts_with('-'))
        }),
    ),
    known("zipinfo", Content, Operands),
    known(
        "gzip xz zstd",
        Content,
        Check(|args| matches!(args, ["-l" | "--list", rest @ ..] if rest.iter().all(|arg| !arg.starts_with('-')))),
    ),
];

fn is_among_yq(arg: &str) -> bool {
    options::is_among(arg, "isfL", "--inplace --in-place --split-exp --from-file --expression-file --library-path")
}
