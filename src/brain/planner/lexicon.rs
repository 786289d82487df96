//! English as people type it to a terminal: which words mean the same here, and which mean nothing.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Words that mean the same, the first standing for all. Patterns may be written with any of them.
const SYNONYMS: &[(&str, &str)] = &[
    (
        "show",
        "\
            list lists listing lst display displays print prints give view output see get tell enumerate check \
            inspect shows dump report",
    ),
    ("find", "locate finds"),
    ("search", "grep searches searching look looking scan"),
    ("file", "files"),
    ("directory", "directories folder folders dir dirs subfolder subfolders subdirectory subdirectories"),
    (
        "process",
        "\
            processes proc procs program programs programme programmes app apps application applications task \
            tasks",
    ),
    ("port", "ports"),
    ("memory", "ram mem"),
    ("cpu", "cpus processor processors"),
    (
        "use",
        "\
            using uses used usage utilisation utilization utilising utilizing consuming consumes consume \
            consumption eating eats eat taking takes take taken hogging occupying occupies occupied occupy holding \
            holds hold blocking",
    ),
    ("listen", "listening listens listener listeners bound"),
    ("running", "run runs alive"),
    ("biggest", "largest heaviest hugest fattest"),
    ("bigger", "larger greater heavier"),
    ("big", "large heavy huge"),
    ("newest", "latest"),
    ("recent", "recently"),
    ("change", "changes changed modified modify modification modifications edited edits touched"),
    ("commit", "committed"),
    ("branch", "branches"),
    ("tag", "tags"),
    ("bug", "bugs"),
    ("problem", "problems"),
    ("issue", "issues"),
    ("remote", "remotes"),
    ("stash", "stashes stashed"),
    ("contributor", "contributors contributed authors author committers"),
    ("repo", "repository repositories repos"),
    ("line", "lines"),
    ("word", "words"),
    ("character", "characters chars char letters"),
    ("user", "users account accounts"),
    ("group", "groups"),
    ("member", "members"),
    ("service", "services daemon daemons unit units"),
    ("log", "logs"),
    ("error", "errors"),
    ("message", "messages"),
    ("package", "packages pkg pkgs"),
    ("container", "containers"),
    ("image", "images"),
    ("volume", "volumes"),
    ("version", "versions"),
    ("connection", "connections connected"),
    ("interface", "interfaces nic nics adapter adapters"),
    ("disk", "disks drive drives hdd ssd harddisk harddrive"),
    ("partition", "partitions"),
    ("device", "devices"),
    ("mount", "mounts mounted"),
    ("filesystem", "filesystems"),
    ("inode", "inodes"),
    ("space", "storage"),
    ("free", "available left remaining unused"),
    ("size", "sizes"),
    ("permission", "permissions perms mode"),
    ("owner", "owns owned own belongs belong belonging provides"),
    ("content", "contents"),
    ("contain", "contains containing mention mentions mentioning"),
    ("duplicate", "duplicates duplicated dupes repeated"),
    ("name", "names"),
    ("named", "called titled"),
    ("delete", "remove rm erase"),
    ("kill", "terminate"),
    ("create", "make"),
    ("copy", "cp"),
    ("move", "mv"),
    ("extract", "unpack untar unzip decompress uncompress"),
    ("outdated", "upgradable upgradeable updatable upgraded updated"),
    ("install", "installs"),
    ("server", "servers"),
    ("ip", "ips"),
    ("route", "routes routing"),
    ("neighbour", "neighbor neighbors neighbours"),
    ("login", "logins"),
    ("zombie", "zombies defunct"),
    ("thread", "threads"),
    ("job", "jobs"),
    ("timer", "timers"),
    ("cron", "cronjob cronjobs crontab crontabs"),
    ("core", "cores"),
    ("temperature", "temperatures temp temps"),
    ("extension", "ext extensions suffix"),
    ("link", "links symlink symlinks"),
    ("difference", "differences"),
    ("checksum", "checksums hash digest sum"),
    ("replace", "substitute"),
    ("reach", "reachable reached"),
    ("restart", "reboot"),
    ("wifi", "wi-fi wlan wireless"),
    ("hour", "hours hrs hr"),
    ("download", "downloads downloaded"),
    ("execute", "executable"),
    ("license", "licence"),
    ("variable", "variables var vars"),
    ("certificate", "certificates cert"),
    ("broken", "dangling dead"),
    ("graphics", "video"),
    ("unix", "epoch"),
    ("module", "modules"),
    ("limit", "limits ulimit ulimits"),
    ("failed", "failing failures"),
    ("switch", "checkout"),
];

/// Several words that mean the same as others, after synonyms were resolved. Applied once, in this order.
pub(super) const PHRASES: &[(&str, &str)] = &[
    ("how do i show", ""),
    ("how do i find", ""),
    ("how can i show", ""),
    ("how can i find", ""),
    ("with their size", ""),
    ("with size", ""),
    ("how many", "count"),
    ("number of", "count"),
    ("count the count", "count"),
    ("count count", "count"),
    ("how much", "much"),
    ("most recent", "newest"),
    ("ip address", "ip"),
    ("ip addresses", "ip"),
    ("mac address", "macaddress"),
    ("mac addresses", "macaddress"),
    ("hardware address", "macaddress"),
    ("operating system", "os"),
    ("environment variable", "env"),
    ("env variable", "env"),
    ("logged in", "loggedin"),
    ("logged on", "loggedin"),
    ("logged into", "loggedin"),
    ("signed in", "loggedin"),
    ("logging in", "loggedin"),
    ("hard disk", "disk"),
    ("file system", "filesystem"),
    ("file systems", "filesystem"),
    ("time zone", "timezone"),
    ("host name", "hostname"),
    ("block device", "blockdevice"),
    ("symbolic link", "link"),
    ("soft link", "link"),
    ("unix timestamp", "epoch"),
    ("unix time", "epoch"),
    ("name server", "nameserver"),
    ("use up", "use"),
    ("in use", "use"),
    ("cron job", "cron"),
    ("cron table", "cron"),
    ("set to", "set"),
    ("up to date", "uptodate"),
];

/// Contractions and slips, by the words they stand for.
pub(super) const CONTRACTIONS: &[(&str, &str)] = &[
    ("what's", "what is"),
    ("whats", "what is"),
    ("wat", "what"),
    ("what're", "what are"),
    ("which's", "which is"),
    ("who's", "who is"),
    ("whos", "who is"),
    ("where's", "where is"),
    ("wheres", "where is"),
    ("how's", "how is"),
    ("hows", "how is"),
    ("there's", "there is"),
    ("theres", "there is"),
    ("that's", "that is"),
    ("thats", "that is"),
    ("it's", "it is"),
    ("i'm", "i am"),
    ("im", "i am"),
    ("i've", "i have"),
    ("i'd", "i would"),
    ("pdfs", "pdf file"),
    ("logfile", "log file"),
    ("logfiles", "log file"),
    ("dotfiles", "hidden file"),
    ("filenames", "file name"),
    ("filename", "file name"),
    ("hashsum", "checksum"),
    ("todos", "TODO"),
    ("fixmes", "FIXME"),
    ("world-writable", "world writable"),
    ("pretty-print", "pretty print"),
    ("prettyprint", "pretty print"),
    ("system-wide", "system wide"),
    ("systemwide", "system wide"),
    ("ip-address", "ip"),
    ("e-mail", "email"),
    ("dirtree", "directory tree"),
    ("who've", "who have"),
    ("didn't", "not"),
    ("isn't", "is not"),
    ("haven't", "have not"),
    ("hasn't", "has not"),
    ("aren't", "are not"),
    ("doesn't", "does not"),
];

/// Words that may stand anywhere in a request that only reads: they ask, point or are polite.
const FILLER: &str = "\
    a an the teh hte th my our your me us i we you is are was were be been am do does did have has had got there \
    this that these those all any some every each just only now currently please pls of for in on at to by from \
    into what which show find can could would if whether machine computer system box laptop pc here right existing \
    info information details detail overview exactly actually really quickly want need like know let ok okay well \
    out its their so recent different various";

/// Verbs that are nouns, too: before an article they give an order.
pub(super) const ORDERS: &str = "\
    free mount unmount update upgrade partition reboot restart tag commit branch log link group use open run load \
    stash remote time name size swap proxy route package stage change limit force cron schedule mail empty break \
    order";

/// Words that may stand between those of a request that changes something.
const ARTICLES: &str = "a an the teh hte th my";

/// Words that stand for something else or describe it: never a name of anything, unless they are quoted.
const POINTING: &str = "\
    it something anything everything nothing whatever someone anyone everyone who whom whose how why when where \
    and or not no with without as than then but most more less biggest bigger newest oldest running installed use \
    named count much many them him her he she they still already about one ones open up down off old new empty \
    same other whole entire hidden parent temporary stuff things thing file files directory directories folder \
    folders dir process processes last first always never today yesterday again don't dont cannot can't won't \
    everybody somebody anybody nobody current working home slowest fastest busiest hungriest largest smallest tiniest all every both too very also will should must";

/// Kinds of things rather than names of them, where nothing says that a name follows.
const KINDS_OF_THINGS: &str = "\
    staged port service package user group disk memory cpu network internet recent listen change line word \
    character error world search contain free size space online loggedin top server test tests build code project \
    repo version log commit branch container image active background bug problem issue home function functions \
    class classes days hours minutes weeks months years hour week month year day time delete kill stop start \
    restart install uninstall update upgrade explain write fix create move rename copy replace generate add open \
    execute improve review summarise summarize translate deploy";

/// Things that are no files and are spoken of by a name that follows: "the branch a".
const BEARERS: &str =
    "branch tag function variable class user group container service package host image commit module";

/// Words for several things. What changes something is done to one thing at a time.
const SEVERAL: &str = "files folders directories dirs branches containers services images packages users commits";

/// Kinds of things that are words people look for in a text, too.
const LOOKED_FOR: &str = "error test version user server";

/// Opening words of politeness, dropped from the front of any request.
pub(super) const OPENINGS: &str = "\
    can you; can u; could you; could u; would you; will you; i want you to; i need you to; i want to; i need to; \
    i wanna; i would like you to; i would like to; go ahead and; help me to; help me; let us; lets; let's; please; \
    pls; plz; kindly; hey; hi; hello; ok; okay; so; well; now; just; quickly; pryx; there";

/// Closing words of politeness, dropped from the end of any request.
pub(super) const CLOSINGS: &str = "\
    please; pls; plz; thanks; thank you; thx; cheers; for me; right now; now; at the moment; at present; quickly; \
    asap; if you can; if possible; would you; will you; pryx";

/// Every synonym, with the word that stands for it.
static CANONICAL: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| SYNONYMS.iter().flat_map(|(word, same)| same.split(' ').map(move |same| (same, *word))).collect());

/// A list of words, looked up many times for each request.
type Words = LazyLock<HashSet<&'static str>>;
static FILLERS: Words = LazyLock::new(|| FILLER.split(' ').collect());
static POINTERS: Words = LazyLock::new(|| POINTING.split(' ').collect());
static KINDS: Words = LazyLock::new(|| KINDS_OF_THINGS.split(' ').collect());

/// The word that stands for all its synonyms.
pub(super) fn canonical(lower: &str) -> &str {
    CANONICAL.get(lower).copied().unwrap_or(lower)
}

/// Whether a word means nothing in a request that only reads.
pub(super) fn is_filler(word: &str) -> bool {
    FILLERS.contains(word)
}

/// Whether a word is an article, in a request that changes something.
pub(super) fn is_article(word: &str) -> bool {
    ARTICLES.split(' ').any(|known| known == word)
}

/// Whether a bare word could be somebody's name for something.
pub(super) fn may_be_a_name(word: &str) -> bool {
    may_be_called(word) && !KINDS.contains(word)
}

/// The same where the sentence says that a name follows ("called test").
pub(super) fn may_be_called(word: &str) -> bool {
    !POINTERS.contains(word) && !is_filler(word)
}

/// Whether a bare word could be the name of a file where the sentence says that one follows.
pub(super) fn may_be_a_file(word: &str) -> bool {
    may_be_called(word) && !BEARERS.split(' ').any(|known| known == word)
}

/// Whether a word, as it was typed, stands for several things.
pub(super) fn is_several(word: &str) -> bool {
    SEVERAL.split(' ').any(|known| known == word)
}

/// Whether a bare word is something to look for in a text.
pub(super) fn may_be_looked_for(word: &str) -> bool {
    may_be_a_name(word) || LOOKED_FOR.split(' ').any(|known| known == word)
}
