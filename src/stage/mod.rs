//! Rows go to buckets by the first bits of the subject token, in memory and, beyond a budget, sealed on disk.
//! All rows of a person are in one bucket. Must not know the policy nor the keys of tokens.
