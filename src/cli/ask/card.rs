//! What the keys of a card do: the answers, and what comes before one (a look at why, a grant, another command).

use crate::cli::approvals::card;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::{connect, editor, grants, policy, terminal};
use pryx_brain::event::BudgetReached;
use pryx_ipc::{ChangeCall, Client, Explain, GrantAlways, OfferGrant};
use pryx_terms::{Answer, Approval, GrantOffer, GrantTerms, visible};

/// Lines of a difference on a card: with its other lines it fits on a screen. `pryx approvals` shows all.
const MAX_DIFF: usize = 40;

/// Lines that the keys take below a card, on a narrow window.
const ROOM_FOR_KEYS: usize = 4;

/// Days that a grant can be for, in the order in which the key d goes through them; none is for good.
const DAYS: [Option<u64>; 4] = [Some(7), Some(1), Some(30), None];

/// A question on the screen, and how far the person has come with it.
pub struct Card {
    /// The question.
    pub approval: Approval,
    stage: Stage,
}

enum Stage {
    /// The question itself.
    Question,
    /// A grant is shown that would be saved.
    Offer { terms: GrantTerms, offer: Box<GrantOffer>, days: usize },
}

/// What a key led to.
pub enum Next {
    /// The answer is known, and is to be told to the brain.
    Answer(Answer),
    /// The whole turn is to stop.
    Stop,
    /// Something is to be shown, and asked.
    Ask(String),
    /// The hands were told; what comes of it they tell themselves.
    Told,
}

impl Card {
    /// A card for a question.
    pub fn new(approval: Approval) -> Self {
        Self { approval, stage: Stage::Question }
    }

    /// What is shown first.
    pub fn text(&self, context: &Context) -> String {
        let mut text = card(context, &self.approval, MAX_DIFF);
        let size = terminal::size();
        let columns = usize::from(size.cols).max(1);
        let lines: usize = text.lines().map(|line| line.chars().count().div_ceil(columns).max(1)).sum();
        // The command has left the screen, or is about to.
        if lines + ROOM_FOR_KEYS > usize::from(size.rows) {
            let style = context.style;
            text.push_str(&format!("{} {}\n", style.warn("?"), style.bold(&visible(&self.approval.plan.command))));
        }
        text + &self.keys(context)
    }

    /// The keys that mean something now.
    pub fn known(&self) -> &'static [u8] {
        match self.stage {
            Stage::Question => b"ysaexnq",
            Stage::Offer { .. } => b"ywhdn",
        }
    }

    fn keys(&self, context: &Context) -> String {
        let key = |key: &str, what: &str| format!("{} {what}", context.style.bold(&format!("[{key}]")));
        let keys = match &self.stage {
            Stage::Question => vec![
                key("y", "yes, once"),
                key("s", "yes, this command for the rest of the session"),
                key("a", "always…"),
                key("e", "edit"),
                key("x", "explain"),
                key("n", "no"),
                key("q", "stop"),
            ],
            Stage::Offer { offer, .. } => {
                let wider = offer.wider.as_ref().map(|wider| key("w", &format!("as `{}`", visible(wider))));
                let rest = [key("h", "here or everywhere"), key("d", "how long"), key("n", "back, save nothing")];
                [key("y", "save and run")].into_iter().chain(wider).chain(rest).collect()
            }
        };
        format!("  {}  ", keys.join("   "))
    }

    /// Does what a key means.
    pub async fn press(&mut self, context: &Context, key: u8) -> Next {
        let key = key.to_ascii_lowercase();
        match &self.stage {
            Stage::Question => match key {
                b'y' => Next::Answer(Answer::Once),
                b's' => Next::Answer(Answer::Session),
                b'a' => self.offer(context, GrantTerms { seconds: seconds(0), ..GrantTerms::default() }, 0).await,
                b'e' => self.edit(context).await,
                b'x' => self.explain(context).await,
                b'n' => Next::Answer(Answer::No),
                _ => Next::Stop,
            },
            Stage::Offer { terms, offer, days } => {
                let (mut terms, mut days) = (terms.clone(), *days);
                match key {
                    b'y' => return self.save(context, terms).await,
                    b'w' => match &offer.wider {
                        Some(wider) => terms.pattern = Some(wider.clone()),
                        None => return Next::Ask(self.keys(context)),
                    },
                    b'h' => terms.everywhere = !terms.everywhere,
                    b'd' => {
                        days = (days + 1) % DAYS.len();
                        terms.seconds = seconds(days);
                    }
                    _ => {
                        self.stage = Stage::Question;
                        return Next::Ask(format!("nothing is saved\n{}", self.keys(context)));
                    }
                }
                self.offer(context, terms, days).await
            }
        }
    }

    async fn offer(&mut self, context: &Context, terms: GrantTerms, days: usize) -> Next {
        let asked = OfferGrant { approval: self.approval.id.clone(), terms: terms.clone() };
        match ask_hands(context, async |hands| Ok(hands.call(asked).await?.offer)).await {
            Ok(offer) => {
                let shown = shown(&offer);
                self.stage = Stage::Offer { terms, offer: Box::new(offer), days };
                Next::Ask(shown + &self.keys(context))
            }
            Err(failure) => self.again(context, &failure),
        }
    }

    async fn save(&mut self, context: &Context, terms: GrantTerms) -> Next {
        let asked = GrantAlways { approval: self.approval.id.clone(), terms };
        match ask_hands(context, async |hands| Ok(hands.call(asked).await?.grant)).await {
            Ok(grant) => {
                context.talk(&format!("granted · pryx grants revoke {}", grant.id));
                Next::Told
            }
            Err(failure) => self.again(context, &failure),
        }
    }

    async fn explain(&mut self, context: &Context) -> Next {
        let (plan, session) = (&self.approval.plan, self.approval.session.clone());
        let (command, cwd) = (plan.command.clone(), plan.cwd.clone());
        let asked = Explain { command, cwd, env: context.offered_env(), mode: None, session };
        match ask_hands(context, async |hands| Ok(hands.call(asked).await?.explanation)).await {
            Ok(explanation) => Next::Ask(format!("\n{}\n{}", policy::explained(&explanation), self.keys(context))),
            Err(failure) => self.again(context, &failure),
        }
    }

    /// The command in the person's editor; what comes back is another plan, asked about by a card of its own.
    async fn edit(&mut self, context: &Context) -> Next {
        let before = self.approval.plan.command.clone();
        let file = std::env::temp_dir().join(format!("pryx-command-{}.sh", self.approval.id));
        let (text, place) = (before.clone(), file.clone());
        let edited = tokio::task::spawn_blocking(move || editor::edit(&place, &text)).await;
        let _ = std::fs::remove_file(&file);
        let command = match edited {
            Ok(Ok(text)) => text.trim_end_matches('\n').to_owned(),
            Ok(Err(failure)) => return self.again(context, &failure),
            Err(e) => return self.again(context, &Failure::because("the editor can't be started", &e)),
        };
        if command == before || command.trim().is_empty() {
            return Next::Ask(format!("nothing was changed\n{}", self.keys(context)));
        }
        let asked = ChangeCall { approval: self.approval.id.clone(), command };
        match ask_hands(context, async |hands| Ok(hands.call(asked).await?)).await {
            Ok(_) => Next::Told,
            Err(failure) => self.again(context, &failure),
        }
    }

    /// Something did not work: the question stands as it stood.
    fn again(&mut self, context: &Context, failure: &Failure) -> Next {
        failure.print(&context.style);
        self.stage = Stage::Question;
        Next::Ask(self.keys(context))
    }
}

/// The question whether to go on beyond a budget.
pub fn budget(context: &Context, reached: &BudgetReached) -> String {
    let (yes, no) = (context.style.bold("[y]"), context.style.bold("[n]"));
    let card = crate::cli::budget::card(context, reached);
    format!("{card}  {yes} yes: {}   {no} no, end the turn  ", crate::cli::budget::meaning(reached))
}

fn seconds(days: usize) -> Option<u64> {
    DAYS.get(days).copied().flatten().map(|days| days * 24 * 60 * 60)
}

/// The grant as it would be saved.
fn shown(offer: &GrantOffer) -> String {
    let grant = &offer.grant;
    let mut text = format!("\n  would be allowed from now on, unasked\n  pattern {}\n", grants::subject(grant));
    text.push_str(&format!("  scope   {}\n  until   {}\n", grants::scope(grant), grants::until(grant)));
    for (label, list) in [("covers ", &offer.matches), ("but not", &offer.misses)] {
        list.iter().for_each(|command| text.push_str(&format!("  {label} {}\n", visible(command))));
    }
    text
}

/// On a connection of its own: the brain's is busy with the call that asks.
async fn ask_hands<T>(context: &Context, ask: impl AsyncFnOnce(Client) -> Result<T, Failure>) -> Result<T, Failure> {
    ask(connect::connect(&context.route).await?).await
}
