//! What one kind of request is: the ways to say it, the parameters it takes, and the command that answers it.

use super::slot::Slot;
use super::{IntentInfo, Os};

/// The command of an intent, a template (see `template.rs`).
#[derive(Debug, Clone, Copy)]
pub(super) enum Run {
    /// The same everywhere.
    Both(&'static str),
    /// One for each system.
    Each {
        /// GNU and Linux tools.
        linux: &'static str,
        /// BSD and Apple tools.
        macos: &'static str,
    },
}

impl Run {
    pub(super) fn on(self, os: Os) -> &'static str {
        match (self, os) {
            (Self::Both(command), _) => command,
            (Self::Each { linux, .. }, Os::Linux) => linux,
            (Self::Each { macos, .. }, Os::MacOs) => macos,
        }
    }
}

/// One kind of request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intent {
    /// Name, example, and whether it changes something. One that does is matched strictly: nothing but articles
    /// and politeness may stand between the words of its patterns.
    pub(super) info: IntentInfo,
    /// Patterns, with `;` between: words in order, `a|b` for alternatives, `word?` for one that may be missing, `{slot}`
    /// or `{slot:key}` for a parameter.
    pub(super) say: &'static str,
    /// Parameters that may stand anywhere in the sentence.
    pub(super) with: &'static [Slot],
    /// Words that may stand anywhere and mean nothing here.
    pub(super) also: &'static str,
    /// How many results are shown when the sentence doesn't say.
    pub(super) count: u64,
    /// The command.
    pub(super) run: Run,
    /// What is shown, in prose.
    pub(super) intro: &'static str,
    /// The answer when nothing was printed, in prose.
    pub(super) empty: &'static str,
}

impl Intent {
    /// Its patterns, one by one.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &'static str> {
        self.say.split(';').map(str::trim)
    }

    /// An intent that only reads.
    pub(super) const fn reads(name: &'static str, example: &'static str, run: Run) -> Self {
        let info = IntentInfo { name, example, changes: false };
        Self { info, say: "", with: &[], also: "", count: 20, run, intro: "", empty: "Nothing was found." }
    }

    /// An intent whose command changes something.
    pub(super) const fn changes(name: &'static str, example: &'static str, run: Run) -> Self {
        let info = IntentInfo { name, example, changes: true };
        Self { info, say: "", with: &[], also: "", count: 20, run, intro: "", empty: "Done." }
    }
}
