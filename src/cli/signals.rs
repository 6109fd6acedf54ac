//! What a command does at SIGTERM and SIGINT.

use crate::error::{Code, Error, Result};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

/// Calls back at each SIGTERM and SIGINT.
///
/// # Errors
/// A storage error when the system gives no signals.
pub fn on_signal(runtime: &Runtime, told: impl Fn() + Send + 'static) -> Result<()> {
    let _entered = runtime.enter();
    let none = |_| Error::new(Code::SystemLimit, "the system gives no signals");
    let (mut term, mut int) =
        (signal(SignalKind::terminate()).map_err(none)?, signal(SignalKind::interrupt()).map_err(none)?);
    runtime.spawn(async move {
        loop {
            let (term, int) = (std::pin::pin!(term.recv()), std::pin::pin!(int.recv()));
            futures::future::select(term, int).await;
            told();
        }
    });
    Ok(())
}
