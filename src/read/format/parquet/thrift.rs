//! A walk over Thrift's compact protocol that keeps nothing: whether lengths are those of bytes that are there, and how
//! large a page says it is. It comes before the real parser, which trusts lengths.

/// Structures in structures, and lists in lists.
const MOST_DEPTH: usize = 24;

/// What the header of a page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageHead {
    /// Bytes of the header itself.
    pub length: usize,
    pub unpacked: u64,
    pub packed: u64,
}

/// Reads the header of a page; none for one that makes no sense or is not all there.
pub(super) fn page_head(bytes: &[u8]) -> Option<PageHead> {
    let (mut walk, mut sizes) = (ThriftWalk { bytes, at: 0, elements: 0 }, [None; 2]);
    walk.structure(0, &mut |field, number| match field {
        2 | 3 => sizes[field as usize - 2] = Some(number),
        _ => {}
    })?;
    let [unpacked, packed] = sizes.map(|size| u64::try_from(size?).ok());
    Some(PageHead { length: walk.at, unpacked: unpacked?, packed: packed? })
}

/// Counts what is in the lists of a structure; none for one that makes no sense.
pub(super) fn elements(bytes: &[u8]) -> Option<u64> {
    let mut walk = ThriftWalk { bytes, at: 0, elements: 0 };
    walk.structure(0, &mut |_, _| {})?;
    Some(walk.elements)
}

struct ThriftWalk<'a> {
    bytes: &'a [u8],
    at: usize,
    elements: u64,
}

impl ThriftWalk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(count).ok()?)?;
        self.at = (end <= self.bytes.len()).then_some(end)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        self.number().map(|number| (number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// Passes a structure, and tells the numbers in fields of the outermost one.
    fn structure(&mut self, depth: usize, tell: &mut dyn FnMut(i64, i64)) -> Option<()> {
        let mut field = 0;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            field = if head >> 4 == 0 { self.signed()? } else { field + i64::from(head >> 4) };
            match head & 0xf {
                // A truth is in the head.
                1 | 2 => {}
                4..=6 => {
                    let number = self.signed()?;
                    if depth == 0 {
                        tell(field, number);
                    }
                }
                kind => self.value(kind, depth + 1)?,
            }
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > MOST_DEPTH {
            return None;
        }
        match kind {
            1..=3 => self.pass(1),
            4..=6 => self.number().map(|_| ()),
            7 => self.pass(8),
            8 => {
                let length = self.number()?;
                self.pass(length)
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.number()? } else { u64::from(head >> 4) };
                self.each(count, &[head & 0xf], depth)
            }
            11 => {
                let count = self.number()?;
                let kinds = if count == 0 { 0 } else { self.byte()? };
                self.each(count, &[kinds >> 4, kinds & 0xf], depth)
            }
            12 => self.structure(depth, &mut |_, _| {}),
            _ => None,
        }
    }

    fn each(&mut self, count: u64, kinds: &[u8], depth: usize) -> Option<()> {
        // Everything in a list takes a byte at least.
        if count > (self.bytes.len() - self.at) as u64 {
            return None;
        }
        self.elements += count;
        (0..count).try_for_each(|_| kinds.iter().try_for_each(|kind| self.value(*kind, depth + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_pages_are_found_and_lengths_are_held() {
        // type 0, unpacked 300, packed 20, and a structure with a text of two bytes.
        let head = [0x15, 0, 0x15, 0xd8, 4, 0x15, 40, 0x2c, 0x18, 2, b'a', b'b', 0, 0, 99];
        assert_eq!(page_head(&head), Some(PageHead { length: 14, unpacked: 300, packed: 20 }));
        for cut in 0..14 {
            assert_eq!(page_head(&head[..cut]), None, "{cut}");
        }
        // A list of more than there is, a text that is longer, a negative size, and structures without end.
        for wrong in
            [&[0x19, 0xfc, 0xff, 0xff, 3, 0][..], &[0x18, 100, 0], &[0x15, 0, 0x15, 3, 0x15, 40, 0], &[0x1c; 99]]
        {
            assert!(page_head(wrong).is_none() && (wrong[0] == 0x15 || elements(wrong).is_none()), "{wrong:?}");
        }
        assert_eq!(elements(&[0x19, 0x35, 2, 2, 2, 0]), Some(3));
    }
}
