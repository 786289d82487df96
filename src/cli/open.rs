//! `pryx open` and `pryx close`: a visible window onto a terminal. Closing it leaves the terminal as it is.

use super::args;
use super::attach;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::terminal::{self, Size};
use super::window::{Around, Opening, Started, choose, is_there};
use pryx_ipc::{
    Call, Client, CloseWindows, Exec, Io, JobListing, ListJobs, Stdin, Until, Update, Wait, WaitEnd, WaitReply,
};
use pryx_terms::{CallKey, JobRecord, JobState, TerminalName, visible};
use std::path::Path;
use std::time::Duration;

/// The name of a terminal in a directory whose own name gives none.
const UNNAMED: &str = "main";

/// How long a window may take to show the terminal. A desktop under load needs seconds to draw one; a person who sees
/// none needs to be told how to get there.
const APPEARS: Duration = Duration::from_secs(20);

/// Opens a window onto a terminal, which is started if there is none of that name.
pub async fn open(context: &Context, args: args::Open) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let name = name_of(context, &client, args.name.as_deref())?;
    let listed = match find(&client, &name).await? {
        Some(listed) => listed,
        None => JobListing { job: start_shell(context, &client, &name).await?, live: None, windows: 0 },
    };
    if args.here {
        return attach::join(context, client, &listed.job, name.as_str(), args.read_only).await;
    }
    let command = command(context, &name, args.read_only)?;
    let title = context.route.host().map_or_else(|| name.to_string(), |host| format!("{name}@{host}"));
    let opening = choose(&Around::now(&context.settings)?, &title, &command, is_there)
        .map_err(|why| Failure::usage(why).hint("mend `terminal` in config.toml"))?;
    let Some(opening) = opening else {
        context.talk("no window can be opened from here (neither tmux nor a display); join it with:");
        return told(context, &listed.job, None, &name);
    };
    let wait = Wait {
        job: listed.job.id.to_string(),
        until: Until::Window { more_than: listed.windows },
        timeout_ms: Some(u64::try_from(APPEARS.as_millis()).unwrap_or(u64::MAX)),
    };
    let mut appeared = client.start(wait).await?;
    show(context, &opening, &mut appeared, &context.route.command(&format!("attach {name}"))).await?;
    context.talk(&context.style.dim(&format!(
        "{name} is in a window of {} · {} closes it, the shell goes on",
        opening.name,
        context.route.command(&format!("close {name}"))
    )));
    told(context, &listed.job, Some(&opening), &name)
}

/// Closes the windows onto a terminal.
pub async fn close(context: &Context, args: args::Close) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let job = match args.job {
        Some(job) => job,
        None => name_of(context, &client, None)?.to_string(),
    };
    let closed = client.call(CloseWindows { job: job.clone() }).await?.closed;
    if context.json {
        super::print_line(&serde_json::json!({ "closed": closed }).to_string())?;
    } else {
        let windows = match closed {
            0 => "no window was open".to_owned(),
            1 => "1 window closed".to_owned(),
            more => format!("{more} windows closed"),
        };
        context.talk(&format!("{windows}; {job} goes on · {}", context.route.command(&format!("stop {job}"))));
    }
    Ok(exit::DONE)
}

/// What a script reads: where the window is, or how to join.
fn told(context: &Context, job: &JobRecord, opening: Option<&Opening>, name: &TerminalName) -> Result<u8, Failure> {
    let attach = context.route.command(&format!("attach {name}"));
    if context.json {
        let window = opening.map(|opening| &opening.name);
        let text = serde_json::json!({ "job": job, "window": window, "attach": attach });
        super::print_line(&text.to_string())?;
    } else if opening.is_none() {
        super::print_line(&attach)?;
    }
    Ok(exit::DONE)
}

/// Starts the window and waits until it shows the terminal.
async fn show(context: &Context, opening: &Opening, appeared: &mut Call<Wait>, attach: &str) -> Result<(), Failure> {
    let mut started = Started::start(opening, &context.paths.run)?;
    let reply = async {
        loop {
            if let Update::Reply(reply) = appeared.next().await? {
                return Ok::<WaitReply, Failure>(reply);
            }
        }
    };
    let join = |what: String| Err(Failure::new(what).hint(format!("join it where you are: {attach}")));
    tokio::select! {
        reply = reply => match reply?.end {
            WaitEnd::Met { .. } => Ok(()),
            WaitEnd::Timeout => join(format!("{} shows no window", opening.name)),
            WaitEnd::Ended => join("the terminal has ended before a window was open".to_owned()),
        },
        why = started.failed() => join(format!("{} opens no window: {}", opening.name, visible(&why))),
    }
}

/// What runs in the window. The program in it finds the same home: not every window inherits our variables.
fn command(context: &Context, name: &TerminalName, read_only: bool) -> Result<Vec<String>, Failure> {
    let exe = std::env::current_exe().map_err(|e| Failure::because("this program's own file can't be found", &e))?;
    let mut command = Vec::new();
    if cfg!(unix) {
        let home = format!("PRYX_HOME={}", context.paths.home.display());
        command.extend(["env".to_owned(), home]);
    }
    command.push(exe.display().to_string());
    let host = context.route.host().map_or("local", |host| host.as_str());
    command.extend(["--host", host, "attach"].map(str::to_owned));
    command.extend(read_only.then(|| "--read-only".to_owned()));
    command.push(name.to_string());
    Ok(command)
}

/// The name that was given, else the directory's.
fn name_of(context: &Context, client: &Client, given: Option<&str>) -> Result<TerminalName, Failure> {
    let name = match given {
        Some(name) => name.to_owned(),
        None => of_directory(&context.work_dir(client)),
    };
    if name == "last" {
        return Err(Failure::usage("\"last\" means the newest job; a terminal needs another name")
            .hint("give it a name: pryx open NAME"));
    }
    TerminalName::parse(&name).map_err(|e| Failure::usage(e.to_string()))
}

fn of_directory(dir: &Path) -> String {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let plain: String = name.chars().map(plain).take(30).collect();
    let name = plain.trim_matches(['-', '.']);
    if name.is_empty() || name == "last" { UNNAMED.to_owned() } else { name.to_owned() }
}

/// By its name alone: a job whose id happens to begin like it is something else.
async fn find(client: &Client, name: &TerminalName) -> Result<Option<JobListing>, Failure> {
    let listed = client.call(ListJobs { all: false, limit: u32::MAX, tag: None, after: None }).await?.jobs;
    Ok(listed.into_iter().find(|JobListing { job, .. }| {
        job.terminal.as_ref() == Some(name) && job.within.is_none() && matches!(job.state, JobState::Running { .. })
    }))
}

async fn start_shell(context: &Context, client: &Client, name: &TerminalName) -> Result<JobRecord, Failure> {
    let there = client.machine().filter(|_| context.route.host().is_some());
    let shell = match there {
        Some(machine) => machine.shell.display().to_string(),
        None => super::settings::text_var("SHELL")?.unwrap_or_else(|| "/bin/sh".to_owned()),
    };
    let Size { rows, cols } = terminal::size();
    let request = Exec {
        key: CallKey::generate(),
        argv: vec![shell, "-i".to_owned()],
        cwd: context.work_dir(client),
        env: context.offered_env(),
        io: Io::Tty { rows, cols },
        stdin: Stdin::Inherit,
        timeout_ms: None,
        detach: true,
        terminal: Some(name.clone()),
        tag: None,
        keep: false,
        mode: None,
        inside: None,
        have: Vec::new(),
    };
    Ok(client.call(request).await?.job)
}

#[cfg(test)]
mod tests {
    use super::of_directory;
    use std::path::Path;

    #[test]
    fn a_terminal_is_named_after_its_directory() {
        for (dir, name) in [
            ("/home/me/my project", "my-project"),
            ("/", "main"),
            ("/x/.hidden", "hidden"),
            ("/x/büro", "b-ro"),
            ("/x/last", "main"),
            ("/x/...", "main"),
        ] {
            assert_eq!(of_directory(Path::new(dir)), name);
        }
        assert!(of_directory(Path::new(&format!("/{}", "x".repeat(200)))).len() <= 40);
    }
}
