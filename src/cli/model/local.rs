//! Model servers that run on this machine, as the command line finds and uses them.

use super::KNOWN;
use super::reach::Reach;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use pryx_brain::{Candidate, LocalServer, OLLAMA, Route, local_servers};

/// A server that runs, and what it is called as a provider.
pub struct Local {
    pub provider: &'static str,
    pub server: LocalServer,
}

impl Local {
    /// The names of its models, as they are asked for.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.server.models.iter().map(|model| format!("{}/{}", self.provider, model.name))
    }

    /// Which program, where, how many models.
    pub fn words(&self) -> String {
        let LocalServer { kind, base_url, models } = &self.server;
        let count = match models.len() {
            0 => "no model".to_owned(),
            1 => "1 model".to_owned(),
            count => format!("{count} models"),
        };
        format!("{} at {} ({count})", kind.title(), pryx_terms::visible(base_url))
    }
}

/// Looks for them, all at once.
///
/// # Errors
/// When what the settings say about models makes no sense.
pub async fn find(context: &Context) -> Result<Vec<Local>, Failure> {
    Ok(look(Reach::new(context)?.local()).await)
}

async fn look(places: Vec<(&'static str, pryx_brain::LocalPlace)>) -> Vec<Local> {
    let (names, places): (Vec<_>, Vec<_>) = places.into_iter().unzip();
    let name_of = |server: &LocalServer| {
        let place = places.iter().position(|place| place.kind == server.kind);
        place.and_then(|at| names.get(at)).copied().unwrap_or_default()
    };
    let found = local_servers(&places).await;
    found.into_iter().map(|server| Local { provider: name_of(&server), server }).collect()
}

/// Asks a server of this machine how much its model reads at once, where nobody said it: a request that is longer would
/// fail, or lose its beginning.
///
/// # Errors
/// When what the settings say about models makes no sense.
pub async fn learn(context: &Context, route: &mut Route) -> Result<(), Failure> {
    let unknown = |candidate: &&mut Candidate| {
        let here = KNOWN.iter().any(|known| known.name == candidate.provider.name && known.local.is_some());
        // Ollama is told with each request.
        let tells = here && candidate.provider.name != OLLAMA;
        tells && candidate.info.context.is_none() && candidate.provider.limits.context.is_none()
    };
    for candidate in route.candidates.iter_mut().filter(unknown) {
        let reach = Reach::new(context)?;
        let own: Vec<_> = reach.local().into_iter().filter(|(name, _)| *name == candidate.provider.name).collect();
        for local in look(own).await {
            let model = local.server.models.iter().find(|model| model.name == candidate.model.model);
            candidate.info.context = model.and_then(|model| model.context);
        }
    }
    Ok(())
}
