//! Keyed BLAKE3 over a column of values, eight at a time (R2). Every result is plain `keyed_hash(key, value)`.

use zeroize::Zeroizing;

/// Input of up to this many bytes is one compression.
const BLOCK: usize = 64;
/// How many values are hashed at once.
const LANES: usize = 8;

/// Hashes every value of a column: `out[i] = keyed_hash(key, values[ends[i-1]..ends[i]])`. `out` is overwritten.
pub fn hash_column(key: &[u8; 32], values: &[u8], ends: &[u32], out: &mut Vec<[u8; 32]>) {
    out.clear();
    out.resize(ends.len(), [0; 32]);
    let mut start = 0;
    for (ends, out) in ends.chunks(LANES).zip(out.chunks_mut(LANES)) {
        let mut edges = [start; LANES + 1];
        for lane in 0..LANES {
            edges[lane + 1] = ends.get(lane).map_or(edges[lane], |end| *end as usize);
        }
        if edges[LANES - 1] + BLOCK <= values.len() {
            hash_group(key, values, &edges, out);
        } else {
            // The last values of a column have no 64 bytes to load.
            let mut last = Zeroizing::new(values[start..edges[LANES]].to_vec());
            last.extend_from_slice(&[0; BLOCK]);
            hash_group(key, &last, &edges.map(|edge| edge - start), out);
        }
        start = edges[LANES];
    }
}

/// Hashes up to eight values between edges; from the beginning of each there are 64 bytes to load.
fn hash_group(key: &[u8; 32], values: &[u8], edges: &[usize; LANES + 1], out: &mut [[u8; 32]]) {
    let lengths: [usize; LANES] = std::array::from_fn(|lane| edges[lane + 1] - edges[lane]);
    let blocks = std::array::from_fn(|lane| values[edges[lane]..].first_chunk().unwrap_or(&[0; BLOCK]));
    let mut hashes = [[0; 32]; LANES];
    let done = wide::hash_blocks(key, &blocks, &lengths.map(|length| length.min(BLOCK)), &mut hashes);
    for (lane, out) in out.iter_mut().enumerate() {
        *out = if done && lengths[lane] <= BLOCK {
            hashes[lane]
        } else {
            *blake3::keyed_hash(key, &values[edges[lane]..edges[lane + 1]]).as_bytes()
        };
    }
}

/// The second level: `out[i] = keyed_hash(key, identities[i])[..16]`. `out` is overwritten.
pub fn hash_identities(key: &[u8; 32], identities: &[[u8; 32]], out: &mut Vec<[u8; 16]>) {
    out.clear();
    out.resize(identities.len(), [0; 16]);
    let mut hashes = [[0; 32]; LANES];
    for (group, tokens) in identities.chunks(LANES).zip(out.chunks_mut(LANES)) {
        let last = group[group.len() - 1];
        let done = wide::hash_halves(key, group.first_chunk().unwrap_or(&padded(group, last)), &mut hashes);
        for ((token, identity), hash) in tokens.iter_mut().zip(group).zip(&hashes) {
            let hash = if done { *hash } else { *blake3::keyed_hash(key, identity).as_bytes() };
            token.copy_from_slice(&hash[..16]);
        }
    }
}

fn padded(group: &[[u8; 32]], with: [u8; 32]) -> [[u8; 32]; LANES] {
    std::array::from_fn(|lane| group.get(lane).copied().unwrap_or(with))
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // unaligned loads and stores of whole arrays, and the calls behind the CPU check; nothing else
mod wide {
    use super::{BLOCK, LANES};
    use std::arch::x86_64::*;

    /// The first four words of the initial state, as in table 1 of the BLAKE3 paper.
    const IV: [i32; 4] = [0x6A09E667_u32 as i32, 0xBB67AE85_u32 as i32, 0x3C6EF372_u32 as i32, 0xA54FF53A_u32 as i32];
    /// KEYED_HASH | ROOT | CHUNK_END | CHUNK_START.
    const FLAGS: i32 = 16 | 8 | 2 | 1;
    /// A window of 64 bytes at `64 - n` keeps the first `n` bytes of a block.
    const KEEP: [u8; 2 * BLOCK] = {
        let mut bytes = [0; 2 * BLOCK];
        let mut at = 0;
        while at < BLOCK {
            bytes[at] = 0xff;
            at += 1;
        }
        bytes
    };

    // Macros, so that every index is a constant and the state stays in registers at any optimisation level.
    macro_rules! rotate {
        ($x:expr, $right:literal, $left:literal) => {{
            let x = $x;
            _mm256_or_si256(_mm256_srli_epi32::<$right>(x), _mm256_slli_epi32::<$left>(x))
        }};
    }
    macro_rules! mix {
        ($v:ident, $a:literal, $b:literal, $c:literal, $d:literal, $x:expr, $y:expr) => {
            $v[$a] = _mm256_add_epi32(_mm256_add_epi32($v[$a], $v[$b]), $x);
            $v[$d] = rotate!(_mm256_xor_si256($v[$d], $v[$a]), 16, 16);
            $v[$c] = _mm256_add_epi32($v[$c], $v[$d]);
            $v[$b] = rotate!(_mm256_xor_si256($v[$b], $v[$c]), 12, 20);
            $v[$a] = _mm256_add_epi32(_mm256_add_epi32($v[$a], $v[$b]), $y);
            $v[$d] = rotate!(_mm256_xor_si256($v[$d], $v[$a]), 8, 24);
            $v[$c] = _mm256_add_epi32($v[$c], $v[$d]);
            $v[$b] = rotate!(_mm256_xor_si256($v[$b], $v[$c]), 7, 25);
        };
    }
    macro_rules! round {
        ($v:ident, $m:ident, $a:literal $b:literal $c:literal $d:literal $e:literal $f:literal $g:literal
         $h:literal $i:literal $j:literal $k:literal $l:literal $n:literal $o:literal $p:literal $q:literal) => {
            mix!($v, 0, 4, 8, 12, $m[$a], $m[$b]);
            mix!($v, 1, 5, 9, 13, $m[$c], $m[$d]);
            mix!($v, 2, 6, 10, 14, $m[$e], $m[$f]);
            mix!($v, 3, 7, 11, 15, $m[$g], $m[$h]);
            mix!($v, 0, 5, 10, 15, $m[$i], $m[$j]);
            mix!($v, 1, 6, 11, 12, $m[$k], $m[$l]);
            mix!($v, 2, 7, 8, 13, $m[$n], $m[$o]);
            mix!($v, 3, 4, 9, 14, $m[$p], $m[$q]);
        };
    }

    enum Able {
        Avx512,
        Avx2,
        Neither,
    }

    fn able() -> Able {
        let newest = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        match is_x86_feature_detected!("avx2") {
            true if newest => Able::Avx512,
            true => Able::Avx2,
            false => Able::Neither,
        }
    }

    /// Writes the hashes of eight values, each the first `length` bytes of its block; false when the CPU lacks AVX2.
    pub fn hash_blocks(
        key: &[u8; 32],
        blocks: &[&[u8; BLOCK]; LANES],
        lengths: &[usize; LANES],
        out: &mut [[u8; 32]; LANES],
    ) -> bool {
        // SAFETY: the CPU has what the module is compiled for, as `able` says.
        unsafe {
            match able() {
                Able::Avx512 => avx512::blocks(key, blocks, lengths, out),
                Able::Avx2 => avx2::blocks(key, blocks, lengths, out),
                Able::Neither => return false,
            }
        }
        true
    }

    /// Writes the hashes of eight values of 32 bytes; false when the CPU lacks AVX2.
    pub fn hash_halves(key: &[u8; 32], values: &[[u8; 32]; LANES], out: &mut [[u8; 32]; LANES]) -> bool {
        // SAFETY: the CPU has what the module is compiled for, as `able` says.
        unsafe {
            match able() {
                Able::Avx512 => avx512::halves(key, values, out),
                Able::Avx2 => avx2::halves(key, values, out),
                Able::Neither => return false,
            }
        }
        true
    }

    /// What `hash_blocks` and `hash_halves` do where there is no AVX-512.
    #[cfg(test)]
    pub fn hash_with_avx2(key: &[u8; 32], values: &[[u8; 32]; LANES]) -> Option<[[[u8; 32]; LANES]; 2]> {
        let mut out = [[[0; 32]; LANES]; 2];
        let blocks = values.map(|value| std::array::from_fn(|at| if at < 32 { value[at] } else { 1 }));
        if let Able::Neither = able() {
            return None;
        }
        // SAFETY: the CPU has AVX2.
        unsafe {
            avx2::blocks(key, &blocks.each_ref(), &[32; LANES], &mut out[0]);
            avx2::halves(key, values, &mut out[1]);
        }
        Some(out)
    }

    // Eight lanes twice: AVX-512 has the same lanes, but rotations and registers enough for state and message.
    macro_rules! lanes {
        ($name:ident, $features:literal) => {
            mod $name {
                use super::*;

            #[target_feature(enable = $features)]
            pub fn blocks(
                key: &[u8; 32],
                blocks: &[&[u8; BLOCK]; LANES],
                lengths: &[usize; LANES],
                out: &mut [[u8; 32]; LANES],
            ) {
                let (mut low, mut high) = ([_mm256_setzero_si256(); LANES], [_mm256_setzero_si256(); LANES]);
                for lane in 0..LANES {
                    let keep = BLOCK - lengths[lane].min(BLOCK);
                    low[lane] = _mm256_and_si256(load(blocks[lane], 0), load(&KEEP, keep));
                    high[lane] = _mm256_and_si256(load(blocks[lane], 32), load(&KEEP, keep + 32));
                }
                let [l0, l1, l2, l3, l4, l5, l6, l7] = lengths.map(|length| length as i32);
                let length = _mm256_setr_epi32(l0, l1, l2, l3, l4, l5, l6, l7);
                compress(key, transpose(low), transpose(high), length, out);
            }

            #[target_feature(enable = $features)]
            pub fn halves(key: &[u8; 32], values: &[[u8; 32]; LANES], out: &mut [[u8; 32]; LANES]) {
                let zero = _mm256_setzero_si256();
                let mut low = [zero; LANES];
                for lane in 0..LANES {
                    low[lane] = load(&values[lane], 0);
                }
                compress(key, transpose(low), [zero; LANES], _mm256_set1_epi32(32), out);
            }

            /// One compression per lane: chunk counter 0, the first and last block of the first and last chunk.
            #[target_feature(enable = $features)]
            #[inline]
            #[rustfmt::skip] // four words of the state to a line
            fn compress(key: &[u8; 32], low: [__m256i; 8], high: [__m256i; 8], length: __m256i, out: &mut [[u8; 32]; LANES]) {
                let m = [
                    low[0], low[1], low[2], low[3], low[4], low[5], low[6], low[7],
                    high[0], high[1], high[2], high[3], high[4], high[5], high[6], high[7],
                ];
                let zero = _mm256_setzero_si256();
                let mut v = [
                    word(key, 0), word(key, 1), word(key, 2), word(key, 3),
                    word(key, 4), word(key, 5), word(key, 6), word(key, 7),
                    _mm256_set1_epi32(IV[0]), _mm256_set1_epi32(IV[1]), _mm256_set1_epi32(IV[2]), _mm256_set1_epi32(IV[3]),
                    zero, zero, length, _mm256_set1_epi32(FLAGS),
                ];
                // The message words of each round: the paper's permutation applied 0 to 6 times.
                round!(v, m, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
                round!(v, m, 2 6 3 10 7 0 4 13 1 11 12 5 9 14 15 8);
                round!(v, m, 3 4 10 12 13 2 7 14 6 5 9 0 11 15 8 1);
                round!(v, m, 10 7 12 9 14 3 13 15 4 0 11 2 5 8 1 6);
                round!(v, m, 12 13 9 11 15 10 14 8 7 2 5 3 0 1 6 4);
                round!(v, m, 9 14 11 5 8 12 15 1 13 3 0 10 2 6 4 7);
                round!(v, m, 11 15 5 0 1 9 8 6 14 10 2 12 3 4 7 13);
                let hashes = transpose([
                    _mm256_xor_si256(v[0], v[8]), _mm256_xor_si256(v[1], v[9]),
                    _mm256_xor_si256(v[2], v[10]), _mm256_xor_si256(v[3], v[11]),
                    _mm256_xor_si256(v[4], v[12]), _mm256_xor_si256(v[5], v[13]),
                    _mm256_xor_si256(v[6], v[14]), _mm256_xor_si256(v[7], v[15]),
                ]);
                for lane in 0..LANES {
                    store(&mut out[lane], hashes[lane]);
                }
            }

            /// Rows of words become columns: `out[w]` holds word `w` of all eight rows.
            #[target_feature(enable = $features)]
            #[inline]
            fn transpose(r: [__m256i; 8]) -> [__m256i; 8] {
                let (a0, a1) = (_mm256_unpacklo_epi32(r[0], r[1]), _mm256_unpackhi_epi32(r[0], r[1]));
                let (a2, a3) = (_mm256_unpacklo_epi32(r[2], r[3]), _mm256_unpackhi_epi32(r[2], r[3]));
                let (a4, a5) = (_mm256_unpacklo_epi32(r[4], r[5]), _mm256_unpackhi_epi32(r[4], r[5]));
                let (a6, a7) = (_mm256_unpacklo_epi32(r[6], r[7]), _mm256_unpackhi_epi32(r[6], r[7]));
                let (b0, b1) = (_mm256_unpacklo_epi64(a0, a2), _mm256_unpackhi_epi64(a0, a2));
                let (b2, b3) = (_mm256_unpacklo_epi64(a1, a3), _mm256_unpackhi_epi64(a1, a3));
                let (b4, b5) = (_mm256_unpacklo_epi64(a4, a6), _mm256_unpackhi_epi64(a4, a6));
                let (b6, b7) = (_mm256_unpacklo_epi64(a5, a7), _mm256_unpackhi_epi64(a5, a7));
                [
                    _mm256_permute2x128_si256::<0x20>(b0, b4),
                    _mm256_permute2x128_si256::<0x20>(b1, b5),
                    _mm256_permute2x128_si256::<0x20>(b2, b6),
                    _mm256_permute2x128_si256::<0x20>(b3, b7),
                    _mm256_permute2x128_si256::<0x31>(b0, b4),
                    _mm256_permute2x128_si256::<0x31>(b1, b5),
                    _mm256_permute2x128_si256::<0x31>(b2, b6),
                    _mm256_permute2x128_si256::<0x31>(b3, b7),
                ]
            }

            /// One word of the key, in every lane.
            #[target_feature(enable = $features)]
            #[inline]
            fn word(key: &[u8; 32], word: usize) -> __m256i {
                let bytes = [key[4 * word], key[4 * word + 1], key[4 * word + 2], key[4 * word + 3]];
                _mm256_set1_epi32(i32::from_le_bytes(bytes))
            }

            /// 32 bytes from `at`.
            #[target_feature(enable = $features)]
            #[inline]
            fn load(bytes: &[u8], at: usize) -> __m256i {
                let bytes = &bytes[at..at + 32];
                // SAFETY: the pointer is to 32 readable bytes; the load needs no alignment.
                unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
            }

            #[target_feature(enable = $features)]
            #[inline]
            fn store(bytes: &mut [u8; 32], words: __m256i) {
                // SAFETY: the pointer is to 32 writable bytes; the store needs no alignment.
                unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), words) }
            }
            }
        };
    }
    lanes!(avx2, "avx2");
    lanes!(avx512, "avx2,avx512f,avx512vl");
}

#[cfg(not(target_arch = "x86_64"))]
mod wide {
    use super::{BLOCK, LANES};

    /// Other CPUs use the crate.
    #[cfg(test)]
    pub fn hash_with_avx2(_: &[u8; 32], _: &[[u8; 32]; LANES]) -> Option<[[[u8; 32]; LANES]; 2]> {
        None
    }

    /// Other CPUs use the crate.
    pub fn hash_blocks(_: &[u8; 32], _: &[&[u8; BLOCK]; LANES], _: &[usize; LANES], _: &mut [[u8; 32]; LANES]) -> bool {
        false
    }

    /// Other CPUs use the crate.
    pub fn hash_halves(_: &[u8; 32], _: &[[u8; 32]; LANES], _: &mut [[u8; 32]; LANES]) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that look random and are the same in every run.
    fn bytes(count: usize, seed: u64) -> Vec<u8> {
        let mut out = vec![0; count];
        blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut out);
        out
    }

    fn key(seed: u64) -> [u8; 32] {
        bytes(32, seed).try_into().expect("32 bytes")
    }

    #[test]
    fn r2_every_length_up_to_200_equals_the_crate_in_every_lane() {
        for shift in 0..LANES {
            let (mut values, mut ends) = (bytes(shift * 3, 7), Vec::new());
            ends.extend((0..shift).map(|i| (i * 3 + 3) as u32));
            for length in 0..=200 {
                values.extend(bytes(length, length as u64));
                ends.push(values.len() as u32);
            }
            let (key, mut out) = (key(1), Vec::new());
            hash_column(&key, &values, &ends, &mut out);
            let mut start = 0;
            for (hash, end) in out.iter().zip(&ends) {
                let value = &values[start..*end as usize];
                assert_eq!(hash, blake3::keyed_hash(&key, value).as_bytes(), "length {}", value.len());
                start = *end as usize;
            }
        }
    }

    #[test]
    fn r2_mixed_lengths_equal_the_crate() {
        let (key, mut out) = (key(2), Vec::new());
        let lengths = bytes(20_000, 3);
        let values = bytes(lengths.iter().map(|l| *l as usize % 90).sum(), 4);
        let mut end = 0;
        let ends: Vec<u32> = lengths
            .iter()
            .map(|l| {
                end += u32::from(*l) % 90;
                end
            })
            .collect();
        hash_column(&key, &values, &ends, &mut out);
        let mut start = 0;
        for (hash, end) in out.iter().zip(&ends) {
            assert_eq!(hash, blake3::keyed_hash(&key, &values[start..*end as usize]).as_bytes());
            start = *end as usize;
        }
    }

    #[test]
    fn r2_the_second_level_is_the_first_16_bytes_for_any_count() {
        for count in 0..=25 {
            let identities: Vec<[u8; 32]> = (0..count).map(|i| key(100 + i)).collect();
            let mut out = vec![[9; 16]; 3];
            hash_identities(&key(5), &identities, &mut out);
            assert_eq!(out.len(), identities.len());
            for (token, identity) in out.iter().zip(&identities) {
                assert_eq!(token[..], blake3::keyed_hash(&key(5), identity).as_bytes()[..16]);
            }
        }
    }

    #[test]
    fn r2_cpus_without_avx512_get_the_same() {
        let values = std::array::from_fn(|lane| key(lane as u64));
        let expected = values.map(|value| *blake3::keyed_hash(&key(9), &value).as_bytes());
        if let Some(found) = wide::hash_with_avx2(&key(9), &values) {
            assert_eq!(found, [expected; 2]);
        }
    }
}
