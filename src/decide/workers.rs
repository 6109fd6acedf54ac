//! Buckets by several threads: each takes the next one until all are done.

use crate::error::Result;
use crate::threads::side_by_side;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls `work` for 0..buckets on `threads` threads, each with a state of its own from `state`; results in order.
/// After an error the others stop; the error of the lowest bucket met is returned.
pub(super) fn each_bucket<S, T: Send>(
    buckets: usize,
    threads: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let one_thread = || {
        let (mut state, mut done) = (state(), Vec::new());
        loop {
            let bucket = next.fetch_add(1, Ordering::Relaxed);
            if bucket >= buckets {
                return Ok(done);
            }
            match work(&mut state, bucket) {
                Ok(result) => done.push((bucket, result)),
                Err(error) => {
                    next.store(buckets, Ordering::Relaxed);
                    return Err((bucket, error));
                }
            }
        }
    };
    let (mut done, mut failed) = (Vec::with_capacity(buckets), Vec::new());
    for ended in side_by_side(threads.clamp(1, buckets.max(1)), || Ok(one_thread())) {
        match ended {
            Ok(Ok(results)) => done.extend(results),
            Ok(Err(error)) => failed.push(error),
            Err(broke_off) => failed.push((0, broke_off)),
        }
    }
    if let Some((_, error)) = failed.into_iter().min_by_key(|(bucket, _)| *bucket) {
        return Err(error);
    }
    done.sort_unstable_by_key(|(bucket, _)| *bucket);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Error};

    #[test]
    fn results_come_in_order_and_errors_end_it() {
        for threads in [0, 1, 3, 40] {
            let squares = each_bucket(20, threads, || (), |(), b| Ok(b * b)).expect("all done");
            assert_eq!(squares, (0..20).map(|b| b * b).collect::<Vec<_>>());
            let failed =
                each_bucket(20, threads, || (), |(), b| if b == 7 { Err(Error::new(Code::Brake, "7")) } else { Ok(b) });
            assert_eq!(failed.expect_err("refused").message(), "7");
        }
        assert_eq!(each_bucket(0, 2, || (), |(), b| Ok(b)).expect("nothing"), Vec::<usize>::new());
    }
}
