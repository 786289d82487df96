//! `pryx "…"` and `pryx run`: one turn with the brain.

mod acts;
mod card;
mod mode;
mod piped;
mod question;
mod view;

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::out::OutError;
use super::signals::{Ending, Endings};
use super::{connect, model, out, sessions, terminal};
use card::{Card, Next};
use pryx_brain::event::{Event, Payload, Status};
use pryx_brain::planner::Os;
use pryx_brain::{
    Answerer, Ask, Brain, COMPACT, Connect, HandsError, Image, MAX_IMAGE_BYTES, MAX_IMAGES, MAX_STEPS, Op, Setup,
    Surroundings,
};
use pryx_ipc::Client;
use pryx_terms::Answer;
use question::{Question, Reply, Subject};
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc;
use view::View;

/// Events that wait to be shown. A slow terminal makes the turn wait, not grow.
const EVENTS: usize = 64;

/// Words to the brain that wait. A person says a few in a turn.
const OPS: usize = 8;

/// Asks.
pub async fn run(context: &Context, args: args::Ask) -> Result<u8, Failure> {
    let ask = request(context, &args).await?;
    if let Some(file) = &context.untrusted {
        let file = pryx_terms::visible(&file.display().to_string());
        let words = format!("{file} is not trusted and does not count · `pryx trust` shows what it says");
        context.talk(&context.style.dim(&words));
    }
    let store = sessions::open(context)?;
    // Hands elsewhere must tell where a turn would be before it begins; those here are started when they are needed.
    let there = match context.route.host() {
        Some(_) => Some(connect::connect(&context.route).await?),
        None => None,
    };
    let cwd = there.as_ref().map_or_else(|| context.cwd.clone(), |client| context.work_dir(client));
    let old = sessions::to_go_on_with(&args, &store, &context.workspace(&cwd))?;
    if old.is_none() && ask.request.trim() == COMPACT {
        return Err(Failure::usage("there is no session to make smaller").hint(format!("pryx -c {COMPACT}")));
    }
    let wanted = args.model.as_deref().or(old.as_ref().map(|session| session.model.as_str()));
    let (model, chosen) = model::choose(context, wanted)?;
    let offline = model.is_offline();
    let mut env = context.offered_env();
    let answerer = if offline {
        Answerer::Offline(system_of(there.as_ref()))
    } else {
        model::prepare(context, &model).await?;
        let mut route = model::route(context, model.clone(), chosen)?;
        model::unlock(context, &mut route).await?;
        model::learn(context, &mut route).await?;
        // Keys of models don't leave this process but for their provider.
        env.retain(|name, _| route.candidates.iter().all(|candidate| candidate.provider.key_source != *name));
        Answerer::Http(route)
    };
    let mut endings = Endings::watch().map_err(|e| Failure::because("signals can't be watched", &e))?;
    let (events, mut shown) = mpsc::channel(EVENTS);
    let directory = sessions::directory(context, old.as_ref(), cwd)?;
    let setup = Setup {
        surface: "cli".to_owned(),
        model,
        answerer,
        surroundings: surroundings(context, there.as_ref(), directory.clone()),
        env,
    };
    let brain = match &old {
        Some(session) => Brain::resume(setup, &session.id, store, hands(context, there), events).await,
        None => Brain::start(setup, store, hands(context, there), events).await,
    };
    let mut brain = brain.map_err(|e| Failure::new(e.to_string()))?;
    mode::choose(context, &args, old.is_some(), brain.session(), &directory).await?;
    let (say, mut ops) = mpsc::channel(OPS);
    let mut surface = Surface::new(context, offline, say);
    let turn = async {
        if ask.request.trim() == COMPACT { brain.compact(&mut ops).await } else { brain.run_turn(ask, &mut ops).await }
    };
    let mut turn = std::pin::pin!(turn);
    let status = loop {
        tokio::select! {
            biased;
            ending = endings.next() => surface.end(ending)?,
            Some(event) = shown.recv() => surface.show(&event).await,
            Some(reply) = surface.replies.recv() => surface.reply(reply).await,
            status = &mut turn => break status.map_err(|e| Failure::new(e.to_string()))?,
        }
    };
    while let Ok(event) = shown.try_recv() {
        surface.show(&event).await;
    }
    surface.exit_code(status)
}

async fn request(context: &Context, args: &args::Ask) -> Result<Ask, Failure> {
    let all = args.words.iter().any(|w| w == "-");
    let words = args.words.iter().filter(|w| *w != "-").map(String::as_str).collect::<Vec<_>>().join(" ");
    let piped = piped::read(all).await;
    if let Some(piped) = &piped {
        if piped.cut_short {
            context.talk(
                &context
                    .style
                    .warn("standard input stays open and is silent: going on without its end (`-` waits for it)"),
            );
        }
        if piped.omitted > 0 {
            context.talk(
                &context
                    .style
                    .warn(&format!("standard input is long: {} bytes in its middle are left out", piped.omitted)),
            );
        }
    }
    let (request, data) = match (words.trim(), piped) {
        ("", Some(piped)) => (piped.text, Vec::new()),
        ("", None) => return Err(Failure::usage("there is no request").hint("pryx \"what is using port 8080?\"")),
        (words, piped) => {
            (words.to_owned(), piped.map(|p| ("standard input".to_owned(), p.text)).into_iter().collect())
        }
    };
    Ok(Ask {
        request,
        data,
        images: images(&args.images)?,
        steps: args.steps.unwrap_or(MAX_STEPS),
        limit: args.timeout,
        think: args.think.or(context.settings.think),
    })
}

/// The pictures, read and checked before anything is asked.
fn images(files: &[PathBuf]) -> Result<Vec<Image>, Failure> {
    if files.len() > MAX_IMAGES {
        let words = format!("there are {} pictures; providers take {MAX_IMAGES} at most", files.len());
        return Err(Failure::usage(words).hint("show fewer of them"));
    }
    let read = |file: &PathBuf| {
        let mut bytes = Vec::new();
        // One byte more than is allowed is enough to know that it is too large.
        std::fs::File::open(file)
            .and_then(|open| open.take(MAX_IMAGE_BYTES as u64 + 1).read_to_end(&mut bytes))
            .map_err(|e| {
                let words = format!("{} can't be read", file.display());
                Failure::because(words, &e).code(exit::USAGE).hint("name the file as it is from this directory")
            })?;
        Image::new(bytes).map_err(|e| {
            Failure::usage(format!("{} can't be shown to a model: {e}", file.display()))
                .hint("show a PNG or JPEG below 3.75 MB; text is piped: cat FILE | pryx \"…\"")
        })
    };
    files.iter().map(read).collect()
}

/// The first connection is the one that is there already, if one is. Those after it take the place of a lost one.
fn hands(context: &Context, there: Option<Client>) -> Connect {
    let (route, first) = (context.route.clone(), Mutex::new(there));
    Box::new(move || {
        let (route, first) = (route.clone(), first.lock().unwrap_or_else(PoisonError::into_inner).take());
        Box::pin(async move {
            let client = match first {
                Some(client) => Ok(client),
                None => connect::again(&route).await,
            };
            client.map_err(|failure| {
                let (message, hint) = failure.words();
                HandsError { code: "hands_unreachable".to_owned(), message, hint }
            })
        })
    })
}

/// The system that the offline planner plans for.
fn system_of(there: Option<&Client>) -> Os {
    let name = there.and_then(Client::machine).map_or(std::env::consts::OS, |machine| machine.os.as_str());
    if name == "macos" { Os::MacOs } else { Os::Linux }
}

/// The machine that a request is about, as its model is told.
pub fn surroundings(context: &Context, there: Option<&Client>, cwd: PathBuf) -> Surroundings {
    let machine = there.and_then(Client::machine);
    let has_bash =
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|d| d.join("bash").is_file()));
    Surroundings {
        os: machine.map_or_else(super::system::name, |machine| machine.system.clone()),
        host: context.route.host().map(ToString::to_string),
        cwd,
        // Hands take bash wherever they find it; of another machine the model sees what it finds.
        shell: if has_bash || machine.is_some() { "bash" } else { "sh" }.to_owned(),
        date: jiff::Timestamp::now().to_zoned(super::system::zone()).date().to_string(),
        interactive: can_ask(),
    }
}

fn can_ask() -> bool {
    std::io::stderr().is_terminal() && terminal::can_ask()
}

/// The command line as a surface of the brain.
struct Surface<'a> {
    context: &'a Context,
    view: View<'a>,
    say: mpsc::Sender<Op>,
    keys: mpsc::Sender<Reply>,
    replies: mpsc::Receiver<Reply>,
    question: Option<Question>,
    card: Option<Card>,
    ending: Option<Ending>,
    out: Result<(), OutError>,
}

impl<'a> Surface<'a> {
    fn new(context: &'a Context, offline: bool, say: mpsc::Sender<Op>) -> Self {
        let (keys, replies) = mpsc::channel(1);
        Self {
            context,
            view: View::new(context, offline),
            say,
            keys,
            replies,
            question: None,
            card: None,
            ending: None,
            out: Ok(()),
        }
    }

    async fn show(&mut self, event: &Event) {
        if self.out.is_ok() {
            self.out = self.view.show(event);
            if self.out.is_err() {
                // Nobody reads the answer any more: there is no reason to go on.
                self.op(Op::Cancel).await;
            }
        }
        match &event.payload {
            Payload::ApprovalNeeded(needed) if can_ask() => {
                let card = Card::new(needed.approval.clone());
                let text = card.text(self.context);
                self.put(card, &text);
            }
            Payload::BudgetReached(reached) if can_ask() => {
                let text = card::budget(self.context, reached);
                self.question = Question::ask(&text, Subject::Budget, b"ynq", self.keys.clone()).ok();
            }
            Payload::BudgetResolved(_) => {
                self.question.take_if(|question| question.about == Subject::Budget);
            }
            Payload::ApprovalResolved(resolved) => {
                self.question.take_if(|question| question.about == Subject::Act(resolved.approval.clone()));
                self.card.take_if(|card| card.approval.id == resolved.approval);
            }
            _ => {}
        }
    }

    /// Puts a question, or the next part of one.
    fn put(&mut self, card: Card, text: &str) {
        // Without a terminal to ask on, the question stays answerable with `pryx approve`.
        let about = Subject::Act(card.approval.id.clone());
        self.question = Question::ask(text, about, card.known(), self.keys.clone()).ok();
        self.card = Some(card);
    }

    async fn reply(&mut self, reply: Reply) {
        let (id, key) = match reply {
            Reply::Key(Subject::Act(id), key) => (id, key),
            Reply::Lost(Subject::Act(approval)) => {
                return self.op(Op::Resolve { approval, answer: Answer::No }).await;
            }
            Reply::Key(Subject::Budget, key) => return self.op(Op::Spend(key.eq_ignore_ascii_case(&b'y'))).await,
            Reply::Lost(Subject::Budget) => return self.op(Op::Spend(false)).await,
        };
        let Some(mut card) = self.card.take_if(|card| card.approval.id == id) else { return };
        match card.press(self.context, key).await {
            Next::Answer(answer) => self.op(Op::Resolve { approval: id, answer }).await,
            Next::Stop => self.op(Op::Cancel).await,
            Next::Ask(text) => self.put(card, &text),
            Next::Told => {}
        }
    }

    async fn op(&mut self, op: Op) {
        // The turn is over when nobody takes it; then it needs no word any more.
        let _ = self.say.send(op).await;
    }

    /// The first Ctrl-C stops the turn; the second one leaves at once.
    fn end(&mut self, ending: Ending) -> Result<(), Failure> {
        if self.ending.replace(ending).is_some() || self.say.try_send(Op::Cancel).is_err() {
            return Err(Failure::new(format!("left on {} before the turn had stopped", ending.name))
                .hint("`pryx ps` shows what still runs")
                .code(ending.code));
        }
        Ok(())
    }

    fn exit_code(self, status: Status) -> Result<u8, Failure> {
        match self.out {
            Ok(()) => {}
            Err(OutError::Gone) => return Ok(exit::BROKEN_PIPE),
            Err(OutError::Failed(e)) => return Err(Failure::because("the answer can't be written", &e)),
        }
        Ok(match status {
            Status::Done => exit::DONE,
            Status::Declined => exit::DECLINED,
            Status::Blocked => exit::BLOCKED,
            Status::ProviderError => exit::PROVIDER,
            Status::HandsError => exit::FAILED,
            Status::NothingToRun => exit::NOTHING_TO_RUN,
            Status::OverBudget => exit::OVER_BUDGET,
            Status::Timeout => exit::TIMEOUT,
            Status::Stuck => exit::STUCK,
            Status::Interrupted => {
                out::talk(&self.context.style.dim("stopped"));
                self.ending.map_or(exit::INTERRUPTED, |ending| ending.code)
            }
        })
    }
}
