//! The structural scan: 64 bytes at a time into the positions of separators outside quotes, and one verdict: plain or
//! not. AVX2 and carry-less multiply where the CPU has them, a portable twin with equal results elsewhere. The one
//! place of `read` with `unsafe`.

/// The first byte of U+FFFD in UTF-8.
const LOST: u8 = 0xef;

/// What a scan needs to know of the grammar.
#[derive(Clone, Copy)]
pub(super) struct Marks {
    pub delimiter: u8,
    pub quote: Option<u8>,
}

/// What a scan saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScanSeen {
    /// A quote out of place or never closed, a CR alone outside quotes, or a NUL: only the exact grammar can tell.
    pub odd: bool,
    /// A byte beyond ASCII.
    pub high: bool,
    /// A byte that may begin U+FFFD.
    pub lost: bool,
    /// Line feeds that are outside of quotes.
    pub lines: usize,
}

/// Positions in a text, ascending.
#[derive(Default, Debug, PartialEq, Eq)]
pub(in crate::read::format) struct Positions {
    /// Delimiters and LFs outside quotes.
    pub ends: Vec<u32>,
    /// The second of two quotes that stand for one.
    pub doubled: Vec<u32>,
}

/// Finds what is in a text that starts at a record's start and is shorter than 4 GiB; `positions` is overwritten.
pub(super) fn scan(text: &[u8], marks: Marks, positions: &mut Positions) -> ScanSeen {
    positions.ends.clear();
    positions.doubled.clear();
    #[cfg(target_arch = "x86_64")]
    if avx::available() {
        return avx::run(text, marks, positions);
    }
    portable(text, marks, positions)
}

/// Positions of the marks among 64 bytes, bit `i` for byte `i`.
#[derive(Clone, Copy)]
struct Masks {
    quote: u64,
    delimiter: u64,
    lf: u64,
    cr: u64,
}

impl Masks {
    #[inline(always)]
    fn within(self, valid: u64) -> Masks {
        let Masks { quote, delimiter, lf, cr } = self;
        Masks { quote: quote & valid, delimiter: delimiter & valid, lf: lf & valid, cr: cr & valid }
    }
}

/// What one step hands to the next.
struct ScanStep {
    /// All ones inside quotes.
    inside: u64,
    /// Bit 0: a quote may open at the next byte.
    open: u64,
    /// Bit 0: the byte before closed a quote.
    closed: u64,
    /// Bit 0: the byte before is a CR outside quotes.
    cr: u64,
    bad: u64,
    lines: usize,
}

impl ScanStep {
    fn new() -> ScanStep {
        ScanStep { inside: 0, open: 1, closed: 0, cr: 0, bad: 0, lines: 0 }
    }

    /// Separators outside quotes, and second ones of doubled quotes. `parity` has bit `i` set when the quotes up to and with byte `i` are odd; `valid` has
    /// the bits of bytes that exist.
    #[inline(always)]
    fn step(&mut self, m: Masks, parity: u64, valid: u64) -> (u64, u64) {
        let inside = parity ^ self.inside;
        let (opening, closing) = (m.quote & inside, m.quote & !inside);
        let ends = (m.delimiter | m.lf) & !inside;
        let cr = m.cr & !inside;
        let after_closing = (closing << 1) | self.closed;
        let may_open = (ends << 1) | after_closing | self.open;
        let misplaced = opening & !may_open;
        let trailing = after_closing & !(m.delimiter | m.lf | m.cr | m.quote);
        let alone = ((cr << 1) | self.cr) & !m.lf;
        self.bad |= (misplaced | trailing | alone) & valid;
        self.lines += (m.lf & !inside).count_ones() as usize;
        self.inside = ((inside as i64) >> 63) as u64;
        self.open = ends >> 63;
        self.closed = closing >> 63;
        self.cr = cr >> 63;
        (ends, opening & after_closing)
    }

    fn seen(&self, text: &[u8], nul: bool, high: bool, lost: bool) -> ScanSeen {
        let odd = self.bad != 0 || self.inside != 0 || nul || text.last() == Some(&b'\r');
        ScanSeen { odd, high, lost, lines: self.lines }
    }
}

fn portable(text: &[u8], marks: Marks, positions: &mut Positions) -> ScanSeen {
    let mut state = ScanStep::new();
    let (mut nul, mut high, mut lost) = (false, false, false);
    for (block, part) in text.chunks(64).enumerate() {
        let mut bytes = [b' '; 64];
        bytes[..part.len()].copy_from_slice(part);
        let quote = marks.quote.map_or(0, |quote| equal(&bytes, quote));
        let masks = Masks {
            quote,
            delimiter: equal(&bytes, marks.delimiter),
            lf: equal(&bytes, b'\n'),
            cr: equal(&bytes, b'\r'),
        };
        let valid = u64::MAX >> (64 - part.len());
        let parity = [1, 2, 4, 8, 16, 32].iter().fold(quote & valid, |parity, shift| parity ^ (parity << shift));
        let (ends, doubled) = state.step(masks.within(valid), parity, valid);
        append(&mut positions.ends, (block * 64) as u32, ends);
        append(&mut positions.doubled, (block * 64) as u32, doubled);
        nul |= equal(&bytes, 0) != 0;
        high |= !bytes.is_ascii();
        lost |= equal(&bytes, LOST) != 0;
    }
    state.seen(text, nul, high, lost)
}

/// Appends `base` + the position of every set bit.
#[inline(never)]
fn append(to: &mut Vec<u32>, base: u32, mut found: u64) {
    while found != 0 {
        to.push(base + found.trailing_zeros());
        found &= found - 1;
    }
}

/// Bit `i` set where byte `i` is `needle`, eight bytes at a time.
fn equal(bytes: &[u8; 64], needle: u8) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    let needle = u64::from_ne_bytes([needle; 8]);
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().enumerate().fold(0, |mask, (index, word)| {
        let differs = u64::from_le_bytes(*word) ^ needle;
        // The highest bit of each byte that is zero, without carries between bytes; then those eight bits in a row.
        let zero = !(((differs & LOW) + LOW) | differs | LOW);
        let bits = (zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        mask | (bits << (index * 8))
    })
}

/// A block's bytes as text, without a second look where the scan has seen ASCII only; the bytes back when malformed.
#[allow(unsafe_code)]
pub(super) fn text(bytes: Vec<u8>, seen: ScanSeen) -> Result<String, Vec<u8>> {
    if seen.high && simdutf8::basic::from_utf8(&bytes).is_err() {
        return Err(bytes);
    }
    debug_assert!(std::str::from_utf8(&bytes).is_ok());
    // SAFETY: either simdutf8 has just found the bytes to be UTF-8, or `seen.high` is false, which `scan` sets only when
    // no byte of the text has its highest bit set; ASCII is UTF-8. `seen` comes from `scan` over these same bytes.
    Ok(unsafe { String::from_utf8_unchecked(bytes) })
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx {
    use super::{LOST, Marks, Masks, Positions, ScanSeen, ScanStep};
    use std::arch::x86_64::*;

    pub(super) fn available() -> bool {
        is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("popcnt")
    }

    /// Only to be called when `available()`.
    pub(super) fn run(text: &[u8], marks: Marks, positions: &mut Positions) -> ScanSeen {
        debug_assert!(available());
        // SAFETY: `scan` and the tests call this only when the CPU has all features that `scan_avx2` is compiled for.
        unsafe { scan_avx2(text, marks, positions) }
    }

    struct Needles {
        quote: __m256i,
        quoting: u64,
        delimiter: __m256i,
    }

    #[target_feature(enable = "avx2,pclmulqdq,bmi1,popcnt")]
    fn scan_avx2(text: &[u8], marks: Marks, positions: &mut Positions) -> ScanSeen {
        let needles = Needles {
            quote: _mm256_set1_epi8(marks.quote.unwrap_or(0) as i8),
            quoting: if marks.quote.is_some() { u64::MAX } else { 0 },
            delimiter: _mm256_set1_epi8(marks.delimiter as i8),
        };
        let zero = _mm256_setzero_si256();
        let (mut state, mut all) = (ScanStep::new(), All { least: _mm256_set1_epi8(-1), any: zero, lost: zero });
        let (blocks, tail) = text.as_chunks::<64>();
        for (block, bytes) in blocks.iter().enumerate() {
            let found = look(bytes, &needles, &mut state, u64::MAX, &mut all);
            append(positions, (block * 64) as u32, found);
        }
        if !tail.is_empty() {
            let mut bytes = [b' '; 64];
            bytes[..tail.len()].copy_from_slice(tail);
            let valid = u64::MAX >> (64 - tail.len());
            let (ends, doubled) = look(&bytes, &needles, &mut state, valid, &mut all);
            append(positions, (blocks.len() * 64) as u32, (ends & valid, doubled & valid));
        }
        let nul = _mm256_movemask_epi8(_mm256_cmpeq_epi8(all.least, zero)) != 0;
        state.seen(text, nul, _mm256_movemask_epi8(all.any) != 0, _mm256_movemask_epi8(all.lost) != 0)
    }

    /// Of all bytes at a place among 32.
    struct All {
        least: __m256i,
        any: __m256i,
        lost: __m256i,
    }

    #[inline]
    #[target_feature(enable = "avx2,pclmulqdq,bmi1,popcnt")]
    fn look(bytes: &[u8; 64], needles: &Needles, state: &mut ScanStep, valid: u64, all: &mut All) -> (u64, u64) {
        // SAFETY: two unaligned loads of 32 bytes each from an array of 64.
        let (low, high) = unsafe {
            let at = bytes.as_ptr().cast::<__m256i>();
            (_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1)))
        };
        let lost = _mm256_set1_epi8(LOST as i8);
        let lost = _mm256_or_si256(_mm256_cmpeq_epi8(low, lost), _mm256_cmpeq_epi8(high, lost));
        all.least = _mm256_min_epu8(all.least, _mm256_min_epu8(low, high));
        all.any = _mm256_or_si256(all.any, _mm256_or_si256(low, high));
        all.lost = _mm256_or_si256(all.lost, lost);
        let masks = Masks {
            quote: mask(low, high, needles.quote) & needles.quoting,
            delimiter: mask(low, high, needles.delimiter),
            lf: mask(low, high, _mm256_set1_epi8(b'\n' as i8)),
            cr: mask(low, high, _mm256_set1_epi8(b'\r' as i8)),
        };
        let masks = masks.within(valid);
        let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, masks.quote as i64), _mm_set1_epi8(-1));
        state.step(masks, _mm_cvtsi128_si64(product) as u64, valid)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn mask(low: __m256i, high: __m256i, needle: __m256i) -> u64 {
        let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, needle)) as u32;
        let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, needle)) as u32;
        u64::from(low) | (u64::from(high) << 32)
    }

    /// Appends `base` + the position of every set bit: separators, of which there are many, and doubled quotes.
    #[inline]
    #[target_feature(enable = "bmi1,popcnt")]
    fn append(Positions { ends, doubled }: &mut Positions, base: u32, (mut found, twice): (u64, u64)) {
        if twice != 0 {
            super::append(doubled, base, twice);
        }
        let (length, count) = (ends.len(), found.count_ones() as usize);
        if ends.capacity() - length < 64 {
            ends.reserve(64);
        }
        // SAFETY: there is room for 64 more, `count` is at most 64, and each round writes 4 places beginning at `done`,
        // a multiple of 4 below `count`, so below 64 too. The first `count` places have been written when the length
        // is set; what is written beyond them lies within the capacity and is never read.
        unsafe {
            let out = ends.as_mut_ptr().add(length);
            let mut done = 0;
            while done < count {
                for i in done..done + 4 {
                    out.add(i).write(base.wrapping_add(found.trailing_zeros()));
                    found &= found.wrapping_sub(1);
                }
                done += 4;
            }
            ends.set_len(length + count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMMA: Marks = Marks { delimiter: b',', quote: Some(b'"') };

    /// One byte at a time, straight from R39.
    fn slow(text: &[u8], marks: Marks) -> (ScanSeen, Positions) {
        let (mut ends, mut doubled, mut inside, mut odd, mut lines) = (Vec::new(), Vec::new(), false, false, 0);
        let is_quote = |byte: Option<&u8>| byte.is_some() && byte == marks.quote.as_ref();
        for (at, &byte) in text.iter().enumerate() {
            let before = at.checked_sub(1).map(|b| text[b]);
            let after = text.get(at + 1);
            if is_quote(Some(&byte)) {
                inside = !inside;
                if inside {
                    let reopened = is_quote(before.as_ref()) && at > 0;
                    let at_start = before.is_none_or(|b| b == b'\n' || b == marks.delimiter);
                    odd |= !(at_start || reopened);
                    doubled.extend(reopened.then_some(at as u32));
                } else if let Some(&b) = after {
                    odd |= !(b == b'\n' || b == b'\r' || b == marks.delimiter || is_quote(after));
                }
            } else if !inside && (byte == b'\n' || byte == marks.delimiter) {
                ends.push(at as u32);
                lines += usize::from(byte == b'\n');
            } else if !inside && byte == b'\r' {
                odd |= after != Some(&b'\n');
            }
            odd |= byte == 0;
        }
        let lost = text.contains(&LOST);
        (ScanSeen { odd: odd || inside, high: !text.is_ascii(), lost, lines }, Positions { ends, doubled })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn simd_portable_and_byte_by_byte_agree(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "\"", "\"", "\"\"", ",", ",", "\n", "\r\n", "\r", "a", "\u{fffd}", "some words that fill a block of bytes ", "é", "\0",
            ]), 0..120),
            quoting: bool,
        ) {
            let text = parts.concat().into_bytes();
            let marks = Marks { quote: COMMA.quote.filter(|_| quoting), ..COMMA };
            let expected = slow(&text, marks);
            let mut found = Positions { ends: vec![7; 3], doubled: vec![8] };
            let seen = scan(&text, marks, &mut found);
            let mut twin = Positions::default();
            prop_assert_eq!(portable(&text, marks, &mut twin), seen);
            prop_assert_eq!(&twin, &found);
            prop_assert_eq!(seen.odd, expected.0.odd);
            // Where a quote is out of place, or text ends in a CR inside quotes, only `odd` counts.
            if !seen.odd {
                prop_assert_eq!((seen, found), expected);
            }
        }
    }

    #[test]
    fn a_text_without_line_end_and_one_of_whole_blocks_are_scanned_to_their_end() {
        for length in [1, 63, 64, 65, 128, 129] {
            let text = vec![b','; length];
            let mut positions = Positions::default();
            let (seen, ends) = (scan(&text, COMMA, &mut positions), positions.ends);
            assert_eq!((seen.odd, ends.len(), ends.last().copied()), (false, length, Some(length as u32 - 1)));
        }
    }
}
