//! The same work by several threads at once, as many as the system gives. Must not know what the work is.

use crate::error::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, scope};

/// Most threads that may be asked for: more than any machine tamis is meant for has cores.
pub const MAX_THREADS: usize = 1024;

/// Runs `work` on up to `threads` threads, the calling one among them, and returns what each of them gave. `work` takes
/// its next piece from a common place until none is left, so fewer threads do the same: where the system gives no more
/// of them, those that there are go on.
///
/// # Errors
/// None of its own: a thread that broke off gives an error of kind `Fault`.
pub fn side_by_side<T: Send>(threads: usize, work: impl Fn() -> Result<T> + Sync) -> Vec<Result<T>> {
    let one = || guarded("a worker", &work);
    scope(|scope| {
        let started = (1..threads.min(MAX_THREADS)).map_while(|_| Builder::new().spawn_scoped(scope, one).ok());
        let others: Vec<_> = started.collect();
        let own = one();
        let joined = others.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(Error::fault("a worker"))));
        std::iter::once(own).chain(joined).collect()
    })
}

/// Does `work`; a panic ends it alone. The panic's text may hold a value, so nobody gets it.
///
/// # Errors
/// Those of the work, and one of kind `Fault` when it broke off.
pub fn guarded<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::fault(what)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn all_pieces_are_done_once_whatever_the_number_of_threads() {
        for threads in [0, 1, 2, 7] {
            let next = AtomicUsize::new(0);
            let given = side_by_side(threads, || {
                Ok(std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < 100))
                    .sum::<usize>())
            });
            assert_eq!(given.len(), threads.max(1));
            assert_eq!(given.into_iter().map(|sum| sum.expect("a sum")).sum::<usize>(), 4950);
        }
    }

    #[test]
    fn a_panic_is_an_error_that_does_not_say_its_text() {
        let given = side_by_side(2, || -> Result<()> { panic!("a value") });
        for error in given.into_iter().map(|one| one.expect_err("broken off")) {
            assert_eq!(error.code(), Code::InternalFault);
            assert!(!error.message().contains("a value"), "{}", error.message());
        }
    }
}
