//! Git: what changed, who did it, where the branches stand.

use super::intent::{Intent, Run};
use super::slot::Slot;

/// Words that only say which repository is meant: the one the person stands in.
const THIS_REPO: &str = "git repo project here working directory copy";

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            git status; status repo|git; uncommitted change|file|work?; change not commit|commits|committed; \
            status working tree; have i? uncommitted change; repo clean|dirty; working tree clean|dirty|status; \
            file not commit|commits yet?; unsaved git change; anything to commit|commits; is there anything uncommitted; \
            modified file in? git|repo",
        also: THIS_REPO,
        intro: "What differs from the last commit:",
        empty: "Everything is committed.",
        ..Intent::reads("git-status", "are there uncommitted changes?", Run::Both("git status --short --branch"))
    },
    Intent {
        say: "\
            what change; what i change; what have i change; git change; change since last commit; file i change; summary change; \
            change repo|git; what change since last commit; what change in repo|git; diff stat|summary; \
            file change since last commit",
        also: THIS_REPO,
        intro: "Changes since the last commit, by file:",
        empty: "Nothing changed since the last commit.",
        ..Intent::reads("git-changes", "what changed in this repo?", Run::Both("git --no-pager diff --stat HEAD"))
    },
    Intent {
        say: "\
            git diff; diff; my diff; show diff; diff repo|working|git; unstaged diff|change; diff of? change; \
            change line by line; diff since last commit|commits",
        also: THIS_REPO,
        intro: "Changes that are not staged:",
        empty: "There are no unstaged changes.",
        ..Intent::reads("git-diff", "show the git diff", Run::Both("git --no-pager diff"))
    },
    Intent {
        say: "\
            git? diff of|for? {path}; git? change of|in? {path}; what change in {path}; how {path} change; \
            what i change in {path}; change to|in {path}",
        also: "git file i have since last commit has",
        intro: "Changes in {path} since the last commit:",
        empty: "{path} didn't change since the last commit.",
        ..Intent::reads(
            "git-diff-file",
            "what changed in src/main.rs?",
            Run::Both("git --no-pager diff HEAD -- {path}"),
        )
    },
    Intent {
        say: "\
            staged change|file|diff; git diff staged|cached; what staged; what would commit|commits; \
            what about to be commit|commits; file staged; change staged; what will be commit|commits; staged; staged for commit",
        also: "git repo next for commit will",
        intro: "Changes that the next commit would hold:",
        empty: "Nothing is staged.",
        ..Intent::reads("git-staged", "what is staged?", Run::Both("git --no-pager diff --staged --stat"))
    },
    Intent {
        say: "\
            commit|commits; git log; last|recent|newest commits; commit|commits history|log; history commit|commits|repo; git history; \
            log repo|git; {count} commit|commits; git log {count}",
        with: &[Slot::Count],
        also: THIS_REPO,
        count: 20,
        intro: "The last {count} commits:",
        empty: "There are no commits.",
        ..Intent::reads(
            "git-log",
            "show the last 5 commits",
            Run::Both("git --no-pager log -n {count} --date=short --format='%h  %ad  %an  %s'"),
        )
    },
    Intent {
        say: "\
            commit|commits {since}; what commit|commits {since}; commit|commits made|from? {since}; what was commit|commits {since}; who commit|commits {since}; count commit|commits {since}; \
            git log {since}; {since} commit|commits; what i commit|commits {since}; \
            what happened in|on|to? repo|git|project {since}; work done {since}",
        also: "git repo project made were here done happened",
        intro: "Commits since {since}:",
        empty: "There were none.",
        ..Intent::reads(
            "git-log-since",
            "which commits were made today?",
            Run::Both("git --no-pager log{since_git} --date=format:'%Y-%m-%d %H:%M' --format='%h  %ad  %an  %s'"),
        )
    },
    Intent {
        say: "count commit|commits; count commit|commits repo; commit|commits count; total count commit|commits",
        with: &[],
        also: "git repo project there total branch",
        intro: "The number of commits on this branch:",
        ..Intent::reads(
            "git-count-commits",
            "how many commits does this repo have?",
            Run::Both("git rev-list --count HEAD"),
        )
    },
    Intent {
        say: "\
            last commit; newest commit; what last commit change?; show last commit; last commit change|do|contain; \
            head commit; what was in the last commit; change in? last commit; file change in last commit; \
            who made last commit",
        also: "git repo change contain who made project message",
        intro: "The last commit:",
        ..Intent::reads("git-last-commit", "what was in the last commit?", Run::Both("git --no-pager show --stat HEAD"))
    },
    Intent {
        say: "\
            who change {path}; who last change {path}; who worked on {path}; history {path}; git log {path}; \
            log of {path}; commit|commits change|touching|to|on {path}; who wrote {path}; \
            when was {path} last commit|commits; git history {path}; commit|commits that change {path}",
        with: &[Slot::Count],
        also: "file last git has edited and when recent the",
        count: 20,
        intro: "Who changed {path}, and when:",
        empty: "No commit has touched {path}.",
        ..Intent::reads(
            "git-file-history",
            "who changed README.md?",
            Run::Both("git --no-pager log -n {count} --follow --date=short --format='%h  %ad  %an  %s' -- {path}"),
        )
    },
    Intent {
        say: "\
            blame {path}; git blame {path}; who wrote each|every line {path}; who wrote line|lines {path}; \
            annotate {path}; contributor of? each|every line {path}",
        also: "file each every git the",
        intro: "Who wrote each line of {path}:",
        ..Intent::reads("git-blame", "git blame src/main.rs", Run::Both("git --no-pager blame --date=short {path}"))
    },
    Intent {
        say: "\
            commit|commits by|from|of {name}; commit|commits contributor {name}; commit|commits made by {name}; commit|commits {name} made; \
            what {name} commit|commits; what did {name} commit|commits; commit|commits by|of {text:name}",
        with: &[Slot::Since, Slot::Count],
        also: "git repo made last recent the author",
        count: 20,
        intro: "Commits by {name}:",
        empty: "There are no commits by {name}.",
        ..Intent::reads(
            "git-commits-by",
            "show the commits by alice this week",
            Run::Both(
                "git --no-pager log -n {count} -i --author={name}{since_git} --date=short --format='%h  %ad  %an  %s'",
            ),
        )
    },
    Intent {
        say: "\
            commit|commits contain|mentioning|about|with {text}; commit|commits message contain|with {text}; \
            search commit|commits for? {text}; search commit|commits message for? {text}; search git log|history for? {text}; \
            commit|commits whose message contain|mentions {text}",
        also: "git messages that the in message",
        count: 20,
        intro: "Commits whose message has {text}:",
        empty: "No commit message has {text}.",
        ..Intent::reads(
            "git-search-log",
            "which commits mention \"keeper\"?",
            Run::Both("git --no-pager log -n {count} -i -F --grep={text} --date=short --format='%h  %ad  %an  %s'"),
        )
    },
    Intent {
        say: "\
            branch am i on; current|active branch; which|what branch; name branch; git branch name; \
            branch checked out; what branch this; name of current branch; branch i am on; which branch am i on",
        also: "git repo is name checked out working",
        intro: "The current branch:",
        empty: "No branch is checked out.",
        ..Intent::reads("git-branch", "which branch am I on?", Run::Both("git branch --show-current"))
    },
    Intent {
        say: "\
            all branch; show branch; git branch; branch; local branch; remote branch; branch repo; show all branch; \
            branch exist|there; branch sorted|by date|age; newest branch",
        also: "git repo local remote and exist project the",
        intro: "Branches, the newest first:",
        empty: "There are no branches.",
        ..Intent::reads(
            "git-branches",
            "list all git branches",
            Run::Both(
                "git --no-pager branch -a --sort=-committerdate --format='%(committerdate:short)  %(refname:short)  %(subject)' | head -n 50",
            ),
        )
    },
    Intent {
        say: "\
            merged branch; branch merged; branch already merged; branch can be delete; branch safe to delete; \
            unmerged branch already merged",
        also: "git already which local been that main into can be",
        intro: "Branches whose work is all in the current one:",
        empty: "There are none.",
        ..Intent::reads(
            "git-merged-branches",
            "which branches are already merged?",
            Run::Both("git --no-pager branch --merged"),
        )
    },
    Intent {
        say: "\
            unpushed commit|commits|change|work; commit|commits not? pushed; commit|commits not pushed yet?; what i pushed; \
            commit|commits ahead remote|origin|upstream; what not pushed; commit|commits to push; what would|will pushed|push; \
            have i pushed everything|all; local commit|commits not pushed",
        also: "git not yet have local still any everything be",
        intro: "Commits that are not pushed:",
        empty: "Everything is pushed.",
        ..Intent::reads(
            "git-unpushed",
            "which commits are not pushed yet?",
            Run::Both("git --no-pager log --oneline HEAD --not --remotes"),
        )
    },
    Intent {
        say: "\
            contributor; who contributor; git contributor; top contributor; who wrote code|most|this; \
            who commit|commits|worked on? repo|project|most|here|this; contributor repo|project; \
            who contributor to? repo|project|this|here; who has most commit|commits; who made most commit|commits; \
            commit|commits per contributor|person; count contributor; count people|persons|developers contributor; who are the contributor",
        with: &[Slot::Count],
        also: "git repo project most here code top wrote count number by",
        count: 20,
        intro: "Contributors and their numbers of commits:",
        ..Intent::reads(
            "git-contributors",
            "who are the contributors of this project?",
            Run::Both("git --no-pager shortlog -sn HEAD | head -n {count}"),
        )
    },
    Intent {
        say: "\
            stash; git stash; stash list|entries|change|content; what stash; what in stash; \
            have i stash something|anything; show stash",
        also: "git list entries anything something saved",
        intro: "Stashed changes:",
        empty: "Nothing is stashed.",
        ..Intent::reads("git-stash-list", "show the git stash list", Run::Both("git --no-pager stash list"))
    },
    Intent {
        say: "tag; git tag; all tag; release tag; newest|last tag; tag repo|project; version tag",
        with: &[Slot::Count],
        also: "git repo project exist version last newest release",
        count: 20,
        intro: "Tags, the newest first:",
        empty: "There are no tags.",
        ..Intent::reads(
            "git-tags",
            "list the git tags",
            Run::Both(
                "git --no-pager tag --sort=-creatordate --format='%(creatordate:short)  %(refname:short)' | head -n {count}",
            ),
        )
    },
    Intent {
        say: "\
            remote; git remote; remote repo|url|urls; where repo pushed|push|come|hosted; remote of repo; \
            url remote|repo|origin; origin url?; git url; where this repo come|hosted|pushed; \
            where does this repo come from",
        also: "git repo url urls configured address to project where",
        intro: "Remotes of this repository:",
        empty: "There are no remotes.",
        ..Intent::reads("git-remotes", "what are the git remotes?", Run::Both("git remote -v"))
    },
    Intent {
        say: "\
            untracked file; file untracked; file git not tracked|know|tracking; file not tracked git?; \
            file not in git|repo; new file git not know",
        also: "git by not does that repo yet about",
        intro: "Files that git doesn't track:",
        empty: "Every file is tracked or ignored.",
        ..Intent::reads(
            "git-untracked",
            "which files are untracked?",
            Run::Both("git ls-files --others --exclude-standard | head -n 200"),
        )
    },
    Intent {
        say: "\
            ignored file; file ignored; git ignored file; file git ignore|ignores|ignored; gitignored file; \
            what git ignore|ignores|ignored",
        also: "git by that",
        intro: "Files that git ignores:",
        empty: "No file is ignored.",
        ..Intent::reads(
            "git-ignored",
            "which files are ignored by git?",
            Run::Both("git ls-files --others --ignored --exclude-standard --directory | head -n 200"),
        )
    },
    Intent {
        say: "\
            tracked file; file tracked; file in git|repo; git tracked file; git ls-files; \
            file git track|tracks|know",
        also: "git by repo that",
        intro: "Files that git tracks:",
        empty: "No file is tracked.",
        ..Intent::reads("git-tracked", "which files are tracked by git?", Run::Both("git ls-files | head -n 500"))
    },
    Intent {
        say: "\
            size repo|git; how big repo|git; git repo size; repo size; much space git|repo use; \
            size of git history; size .git; big git repo|history|objects",
        also: "git repo history directory disk objects this",
        intro: "The size of the repository's objects:",
        ..Intent::reads("git-size", "how big is this git repository?", Run::Both("git count-objects -vH"))
    },
    Intent {
        say: "\
            root repo|git|project; git root; repo root; top level directory repo|git; where repo; where root repo; \
            where git repo; toplevel repo",
        also: "directory git repo path of level project start located",
        intro: "The root of the repository:",
        ..Intent::reads("git-root", "where is the root of this repository?", Run::Both("git rev-parse --show-toplevel"))
    },
    Intent {
        say: "\
            git config|configuration|settings; git user; git user name|email; what git user|name|email; \
            who git think i am; git identity; git email; email git use; git user configured",
        also: "name email and use configured set settings with as",
        intro: "Git settings:",
        ..Intent::reads("git-config", "show my git config", Run::Both("git --no-pager config --list"))
    },
    Intent {
        say: "\
            undo last git? commit|commits; undo my last commit|commits; revert last commit|commits but keep change; \
            undo last commit|commits but|and keep change; uncommit; uncommit last commit|commits; take back last commit|commits; \
            undo commit|commits",
        also: "git the my files of",
        intro: "Undo the last commit and keep its changes staged:",
        empty: "Done: its changes are staged.",
        ..Intent::changes("git-undo-commit", "undo the last commit", Run::Both("git reset --soft HEAD~1"))
    },
    Intent {
        say: "\
            create new? git? branch named? {name}; create and switch to new? branch named? {name}; \
            start new? branch named? {name}; new branch named? {name}; git checkout -b {name}; \
            create branch {anypath:name}; create new? branch named {anypath:name}",
        also: "git new",
        intro: "Create the branch {name} and switch to it:",
        ..Intent::changes("git-create-branch", "create a branch called fix-login", Run::Both("git switch -c {name}"))
    },
    Intent {
        say: "\
            switch to git? branch {name}; switch branch to? {name}; git checkout|switch {name}; \
            change to branch {name}; switch to {name} branch; go to branch {name}; switch branch {name}",
        also: "git",
        intro: "Switch to the branch {name}:",
        ..Intent::changes("git-switch", "switch to branch main", Run::Both("git switch {name}"))
    },
    Intent {
        say: "\
            stash change|everything|work; git stash push|save; stash my|all change; put change away|aside; \
            put my change in stash; save change in|to stash; stash uncommitted change; stash away change",
        also: "git all my uncommitted current",
        intro: "Put the uncommitted changes aside (`git stash pop` brings them back):",
        ..Intent::changes("git-stash", "stash my changes", Run::Both("git stash push"))
    },
    Intent {
        say: "\
            pull; git pull; pull newest|new|remote|last change|commit|commits|code|version?; pull from remote|origin; \
            update repo|branch from remote|origin; get newest change from remote|origin; \
            pull newest change from remote|origin|git",
        also: "git from origin recent",
        intro: "Fetch and fast-forward the current branch:",
        ..Intent::changes("git-pull", "pull the latest changes", Run::Both("git pull --ff-only"))
    },
];
