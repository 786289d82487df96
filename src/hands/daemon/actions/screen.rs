//! `screen`: what a job's terminal shows now, drawn from its log off the loop that serves the others.

use crate::daemon::Hands;
use crate::daemon::handler::machine;
use crate::logs::{LogFile, times};
use crate::screen::Screen as Model;
use pryx_ipc::{Screen, ScreenFormat, ScreenReply, WireError};
use pryx_terms::JobRecord;

pub(crate) async fn run(hands: &Hands, data: Screen) -> Result<ScreenReply, WireError> {
    draw(hands, hands.job(&data.job)?, data.format).await
}

/// A job's screen, for whoever wants it.
pub(crate) async fn draw(hands: &Hands, job: JobRecord, format: ScreenFormat) -> Result<ScreenReply, WireError> {
    let found = super::read_log::stream_of(&job, None)?;
    let dir = hands.jobs.dir(&job.id);
    let draw = move || {
        let times = times::read(&dir, found.stream)?;
        let screen = Model::play(&mut LogFile::open(&dir, found.stream)?, found.bytes, &times)?;
        let ((rows, cols), cursor, alternate) = (screen.size(), screen.cursor(), screen.alternate());
        Ok::<_, std::io::Error>(ScreenReply { job, rows, cols, cursor, alternate, content: screen.render(format) })
    };
    tokio::task::spawn_blocking(draw).await.map_err(|error| machine(&error))?.map_err(|error| machine(&error))
}
