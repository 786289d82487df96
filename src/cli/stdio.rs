//! `pryx hands --stdio`: this machine's hands over stdin and stdout, for somebody on another machine. The daemon and its
//! jobs outlive the connection.

use super::connect::{self, Route};
use super::context::Context;
use super::exit;
use super::failure::Failure;

/// Connects both until either side has ended.
///
/// # Errors
/// When the hands can't be reached or started.
#[cfg(unix)]
pub async fn serve(context: &Context) -> Result<u8, Failure> {
    use rustix::event::{PollFd, PollFlags, poll};
    use tokio::io::AsyncWriteExt;

    // Those of this machine, whatever PRYX_HOST says. Starting them is what this greeting is for.
    drop(connect::connect(&Route::Here(context.paths.clone())).await?);
    let socket = pryx_hands::socket_path(&context.paths.run);
    let cannot = |e: &std::io::Error| Failure::because("the hands can't be reached", e);
    let stream = tokio::net::UnixStream::connect(&socket).await.map_err(|e| cannot(&e))?;
    let (mut from_hands, mut to_hands) = stream.into_split();
    let up = async {
        let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut to_hands).await;
        // What was asked is answered still, as long as somebody listens.
        let _ = to_hands.shutdown().await;
        std::future::pending::<()>().await;
    };
    let down = async {
        let mut stdout = tokio::io::stdout();
        let mut chunk = vec![0_u8; 64 * 1024];
        while let Ok(count @ 1..) = tokio::io::AsyncReadExt::read(&mut from_hands, &mut chunk).await {
            // Each at once: the other side waits for it.
            if stdout.write_all(&chunk[..count]).await.is_err() || stdout.flush().await.is_err() {
                return;
            }
        }
    };
    // A connection that is gone would else be noticed with the next word of the hands, in hours perhaps.
    let gone = tokio::task::spawn_blocking(|| {
        let stdout = rustix::stdio::stdout();
        while let Err(rustix::io::Errno::INTR) = poll(&mut [PollFd::new(&stdout, PollFlags::empty())], None) {}
    });
    tokio::select! {
        () = up => {}
        () = down => {}
        _ = gone => {}
    }
    Ok(exit::DONE)
}

/// There are no hands to be had.
///
/// # Errors
/// Always.
#[cfg(windows)]
pub async fn serve(context: &Context) -> Result<u8, Failure> {
    connect::connect(&Route::Here(context.paths.clone())).await?;
    Err(Failure::new("the hands of this system can't be reached from elsewhere").code(exit::FAILED))
}
