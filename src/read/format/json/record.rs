//! One record to a row of cells: what is needed is found by its path, everything else is checked and passed over. Must not
//! know files or blocks.

use super::fault::{JsonFault, JsonFlaw};
use super::lexer::{DEEPEST, Lexer, Scalar, unescape};
use super::paths::{Element, PathNode, Paths};
use super::shape::RecordShape;
use crate::policy::ElementChoice;
use crate::read::batch::Cell;
use crate::read::found::NameFound;
use crate::read::wanted::Structures;

const VALUE: NameFound = NameFound { value: true, inner: false };
const INNER: NameFound = NameFound { value: false, inner: true };
const NOTHING: NameFound = NameFound { value: false, inner: false };

/// What columns say that tell whether there is something, and where these words are among the values.
const PRESENCE: &str = "truefalse";
const PRESENT: (usize, usize) = (0, 4);
const ABSENT: (usize, usize) = (4, 9);

/// Whether an element is what a path chooses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ElementMatch {
    No,
    /// It says that another one would be.
    Another,
    Yes,
}

/// JsonRows of a block in the making.
pub(super) struct JsonRows<'t, 'p> {
    pub lexer: Lexer<'t>,
    pub paths: &'p Paths,
    pub shape: &'p mut RecordShape,
    /// Row after row, each as wide as there are columns.
    pub cells: &'p mut Vec<Cell>,
    /// Values that differ from what is written; in cells their positions come after the text.
    pub values: String,
    /// The row being filled.
    row: usize,
    /// It has something that is neither null nor blank.
    filled: bool,
    /// A text for a moment.
    scratch: String,
}

impl<'t, 'p> JsonRows<'t, 'p> {
    pub fn new(
        lexer: Lexer<'t>,
        paths: &'p Paths,
        shape: &'p mut RecordShape,
        cells: &'p mut Vec<Cell>,
    ) -> JsonRows<'t, 'p> {
        cells.clear();
        let (values, scratch) = (PRESENCE.into(), String::new());
        JsonRows { lexer, paths, shape, cells, values, row: 0, filled: false, scratch }
    }

    /// Forgets all rows after so many.
    pub fn keep(&mut self, rows: usize) {
        self.cells.truncate(rows * self.paths.width);
    }

    /// Reads a record; says whether it holds anything but nulls and blanks.
    pub fn record(&mut self) -> Result<bool, JsonFault> {
        self.row = self.cells.len();
        self.filled = false;
        self.cells.resize(self.row + self.paths.width, Cell::default());
        let paths = self.paths;
        for leaf in &paths.presences {
            self.fill(Some(*leaf), self.word(ABSENT));
        }
        if self.lexer.next_byte()? != b'{' {
            let at = self.lexer.at;
            // What is no value at all is told as that.
            return self.lexer.skip(0).and(Err(JsonFlaw::NoObject.at(at)));
        }
        self.object(self.shape.record(), 0)?;
        Ok(self.filled)
    }

    /// Reads an object that is looked into.
    fn object(&mut self, here: u32, depth: usize) -> Result<NameFound, JsonFault> {
        self.lexer.at += 1;
        if self.lexer.empty(b'}')? {
            return Ok(NOTHING);
        }
        let (object, mut before, mut keys) = (self.shape.object(), None, 0);
        loop {
            let place = self.shape.key(&mut self.lexer, here, before, object)?;
            before = Some(place);
            keys += 1;
            if keys > self.lexer.max_keys {
                return Err(JsonFlaw::TooManyKeys { most: self.lexer.max_keys }.at(self.lexer.at));
            }
            self.lexer.expect(b':')?;
            self.value(place, depth + 1)?;
            if !self.lexer.another(b'}')? {
                return Ok(INNER);
            }
        }
    }

    fn value(&mut self, place: u32, depth: usize) -> Result<(), JsonFault> {
        let first = self.lexer.next_byte()?;
        let paths = self.paths;
        let node = self.shape.node(place).map(|node| paths.at(node));
        let start = self.lexer.at;
        let finding = match first {
            b'{' | b'[' if depth >= DEEPEST => return Err(JsonFlaw::TooDeep { most: DEEPEST }.at(start)),
            b'{' if node.is_some_and(PathNode::entered) => {
                let finding = self.object(place, depth)?;
                self.entered(node, start, finding, false)?
            }
            b'[' if node.is_some_and(|node| !node.elements.is_empty()) => {
                let finding = self.chosen(node, depth)?;
                self.entered(node, start, finding, true)?
            }
            b'{' | b'[' => self.whole(node, first, depth)?,
            _ => self.scalar(node, first)?,
        };
        let finding = node.map_or(finding, |node| self.present(node, first, finding));
        self.shape.found(place, finding);
        Ok(())
    }

    /// Tells the column that says whether there is something; what there is is then no column of its own.
    fn present(&mut self, node: &PathNode, first: u8, finding: NameFound) -> NameFound {
        let Some(leaf) = node.present else { return finding };
        if first != b'n' {
            self.fill(Some(leaf), self.word(PRESENT));
        }
        self.shape.found_leaf(leaf, VALUE);
        if node.leaf.is_none() { INNER } else { finding }
    }

    fn word(&self, (start, end): (usize, usize)) -> Cell {
        let base = self.lexer.text.len();
        Cell { start: (base + start) as u32, end: (base + end) as u32 }
    }

    /// What an object or array that was looked into is by itself: of an array not all is looked into, so that who looks at
    /// everything sees it as a column, too.
    fn entered(
        &mut self,
        node: Option<&PathNode>,
        start: usize,
        finding: NameFound,
        array: bool,
    ) -> Result<NameFound, JsonFault> {
        let leaf = node.and_then(|node| node.leaf);
        if self.paths.structures == Structures::Refuse {
            let needed = leaf.filter(|leaf| self.needed(*leaf));
            return needed.map_or(Ok(finding), |leaf| Err(JsonFlaw::Object(leaf).at(start)));
        }
        self.fill(leaf, Cell { start: start as u32, end: self.lexer.at as u32 });
        Ok(if array && finding.inner { VALUE } else { finding })
    }

    /// Reads an object or array that is not looked into: a column by itself.
    fn whole(&mut self, node: Option<&PathNode>, first: u8, depth: usize) -> Result<NameFound, JsonFault> {
        let start = self.lexer.at;
        let refuse = self.paths.structures == Structures::Refuse;
        let leaf = node.and_then(|node| node.leaf).filter(|leaf| self.needed(*leaf));
        if let Some(leaf) = leaf.filter(|_| refuse) {
            return match (first, self.paths.leaves[leaf].separator) {
                (b'[', Some(separator)) => self.joined(leaf, separator),
                (b'[', None) => self.empty_array().map_err(|at| JsonFlaw::Array(leaf).at(at)),
                _ => Err(JsonFlaw::Object(leaf).at(start)),
            };
        }
        if let Some(leaf) = node.and_then(|node| node.needed_below).filter(|_| refuse) {
            return match first {
                b'[' => self.empty_array().map_err(|at| JsonFlaw::NotEntered(leaf).at(at)),
                _ => Err(JsonFlaw::NotEntered(leaf).at(start)),
            };
        }
        self.lexer.skip(depth)?;
        let written = &self.lexer.text[start..self.lexer.at];
        let empty = written[1..written.len() - 1].trim_ascii().is_empty();
        self.filled |= !empty;
        if empty {
            return Ok(NOTHING);
        }
        self.fill(leaf, Cell { start: start as u32, end: self.lexer.at as u32 });
        Ok(VALUE)
    }

    /// Passes over an array with nothing in it, which is no value; else says where it begins.
    fn empty_array(&mut self) -> Result<NameFound, usize> {
        let start = self.lexer.at;
        self.lexer.at += 1;
        match self.lexer.empty(b']') {
            Ok(true) => Ok(NOTHING),
            _ => Err(start),
        }
    }

    fn needed(&self, leaf: usize) -> bool {
        !self.paths.leaves[leaf].columns.is_empty()
    }

    fn scalar(&mut self, node: Option<&PathNode>, first: u8) -> Result<NameFound, JsonFault> {
        let start = self.lexer.at;
        let scalar = self.lexer.scalar(first)?;
        let cell = self.cell(scalar, node.is_some_and(|node| node.leaf.is_some_and(|leaf| self.needed(leaf))));
        let Some(cell) = cell else { return Ok(NOTHING) };
        let Some(node) = node else { return Ok(VALUE) };
        if let Some(leaf) = node.leaf.filter(|leaf| self.needed(*leaf)) {
            if self.paths.leaves[leaf].identified {
                self.names_somebody(scalar, leaf)?;
            }
            self.checked(cell, start)?;
            self.fill(Some(leaf), cell);
        } else if let Some(leaf) = node.needed_below.filter(|_| self.paths.structures == Structures::Refuse) {
            return Err(JsonFlaw::NotEntered(leaf).at(start));
        }
        Ok(VALUE)
    }

    /// Refuses characters that no text may hold (R39) and that a backslash has written: others are seen in the file.
    fn checked(&self, cell: Cell, start: usize) -> Result<(), JsonFault> {
        if (cell.start as usize) < self.lexer.text.len() {
            return Ok(());
        }
        match self.text(cell).chars().find(|letter| matches!(letter, '\0' | '\u{fffd}')) {
            Some('\0') => Err(JsonFlaw::Nul.at(start)),
            Some(_) => Err(JsonFlaw::Replacement.at(start)),
            None => Ok(()),
        }
    }

    fn text(&self, cell: Cell) -> &str {
        let base = self.lexer.text.len();
        match (cell.start as usize).checked_sub(base) {
            Some(start) => &self.values[start..cell.end as usize - base],
            None => cell.of(self.lexer.text),
        }
    }

    /// A number with a point or an exponent may have been another one before it was written (R57).
    fn names_somebody(&self, scalar: Scalar, leaf: usize) -> Result<(), JsonFault> {
        let Scalar::Number { start, end } = scalar else { return Ok(()) };
        match &self.lexer.text[start..end] {
            "-0" => Err(JsonFlaw::MinusZero(leaf).at(start)),
            written if written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => Ok(()),
            _ => Err(JsonFlaw::NotPlain(leaf).at(start)),
        }
    }

    /// Where the text of a scalar is; none for null. What a backslash stands for is worked out only if it is `needed`.
    fn cell(&mut self, scalar: Scalar, needed: bool) -> Option<Cell> {
        let (start, end) = match scalar {
            Scalar::Null => return None,
            Scalar::Number { start, end } | Scalar::Boolean { start, end } => (start, end),
            Scalar::Text(quoted) if quoted.escaped && needed => {
                let base = self.lexer.text.len();
                let start = self.values.len();
                unescape(&self.lexer.text[quoted.start..quoted.end], &mut self.values);
                (base + start, base + self.values.len())
            }
            Scalar::Text(quoted) => (quoted.start, quoted.end),
        };
        let cell = Cell { start: start as u32, end: end as u32 };
        self.filled = self.filled || !self.text(cell).trim().is_empty();
        Some(cell)
    }

    fn fill(&mut self, leaf: Option<usize>, cell: Cell) {
        for column in leaf.into_iter().flat_map(|leaf| &self.paths.leaves[leaf].columns) {
            self.cells[self.row + *column as usize] = cell;
        }
    }

    /// Reads an array of single values as one cell, with the separator of the column's `several` between them.
    fn joined(&mut self, leaf: usize, separator: char) -> Result<NameFound, JsonFault> {
        let base = self.lexer.text.len();
        self.lexer.at += 1;
        if self.lexer.empty(b']')? {
            return Ok(NOTHING);
        }
        let (from, mut joined, mut unescaped) = (self.lexer.at, String::new(), std::mem::take(&mut self.scratch));
        loop {
            let first = self.lexer.next_byte()?;
            let at = self.lexer.at;
            if matches!(first, b'{' | b'[') {
                return Err(JsonFlaw::Nested(leaf).at(at));
            }
            let scalar = self.lexer.scalar(first)?;
            self.names_somebody(scalar, leaf)?;
            let said = self.lexer.said(scalar, &mut unescaped);
            if let Some(value) = said.filter(|value| !value.trim().is_empty()) {
                if value.contains(separator) {
                    return Err(JsonFlaw::Separator(leaf).at(at));
                }
                if !joined.is_empty() {
                    joined.push(separator);
                }
                joined.push_str(value);
            }
            if !self.lexer.another(b']')? {
                break;
            }
        }
        self.scratch = unescaped;
        self.filled |= !joined.trim().is_empty();
        let start = base + self.values.len();
        self.values.push_str(&joined);
        let cell = Cell { start: start as u32, end: (start + joined.len()) as u32 };
        self.checked(cell, from)?;
        self.fill(Some(leaf), cell);
        Ok(VALUE)
    }

    /// Reads an array of which some elements are looked into.
    fn chosen(&mut self, node: Option<&PathNode>, depth: usize) -> Result<NameFound, JsonFault> {
        self.lexer.at += 1;
        if self.lexer.empty(b']')? {
            return Ok(NOTHING);
        }
        let elements = node.map(|node| &node.elements[..]).unwrap_or_default();
        let mut best = vec![ElementMatch::No; elements.len()];
        for place in 0.. {
            self.lexer.next_byte()?;
            let start = self.lexer.at;
            self.lexer.skip(depth + 1)?;
            let end = self.lexer.at;
            for (element, best) in elements.iter().zip(&mut best) {
                self.lexer.at = start;
                let chosen = self.chooses(&element.choice, place)?;
                if chosen == ElementMatch::Yes {
                    self.once(element, *best, start)?;
                    self.lexer.at = start;
                    self.inside(element.node)?;
                }
                *best = chosen.max(*best);
            }
            self.lexer.at = end;
            if !self.lexer.another(b']')? {
                break;
            }
        }
        for (element, _) in elements.iter().zip(best).filter(|(_, best)| *best == ElementMatch::Another) {
            element.leaves.iter().for_each(|leaf| self.shape.found_leaf(*leaf, NOTHING));
        }
        self.filled = true;
        Ok(INNER)
    }

    /// Refuses a second element that a needed path chooses.
    fn once(&self, element: &Element, best: ElementMatch, start: usize) -> Result<(), JsonFault> {
        let needed = element.leaves.iter().find(|leaf| self.needed(**leaf));
        let refuse = best == ElementMatch::Yes && self.paths.structures == Structures::Refuse;
        match needed.filter(|_| refuse) {
            Some(leaf) => Err(JsonFlaw::SeveralElements(*leaf).at(start)),
            None => Ok(()),
        }
    }

    /// Whether an element that was read before, and comes next, is what a path chooses.
    fn chooses(&mut self, choice: &ElementChoice, place: usize) -> Result<ElementMatch, JsonFault> {
        let (wanted, equals) = match choice {
            ElementChoice::At(at) if *at == place => return Ok(ElementMatch::Yes),
            // A shorter array has none, which says nothing of the columns in it.
            ElementChoice::At(at) if place < *at => return Ok(ElementMatch::Another),
            ElementChoice::At(_) => return Ok(ElementMatch::No),
            ElementChoice::Where { key, equals } => (key, equals),
        };
        if self.lexer.peek() != Some(b'{') {
            return Ok(ElementMatch::No);
        }
        self.lexer.at += 1;
        if self.lexer.empty(b'}')? {
            return Ok(ElementMatch::No);
        }
        loop {
            let key = self.lexer.key()?;
            self.lexer.expect(b':')?;
            let first = self.lexer.next_byte()?;
            if key == wanted.as_str() {
                if matches!(first, b'{' | b'[') {
                    return Ok(ElementMatch::Another);
                }
                let scalar = self.lexer.scalar(first)?;
                let mut unescaped = std::mem::take(&mut self.scratch);
                let equal = self.lexer.said(scalar, &mut unescaped).is_some_and(|said| said == equals);
                self.scratch = unescaped;
                return Ok(if equal { ElementMatch::Yes } else { ElementMatch::Another });
            }
            self.lexer.skip(0)?;
            if !self.lexer.another(b'}')? {
                return Ok(ElementMatch::No);
            }
        }
    }

    /// Reads what is needed of an element that was read before.
    fn inside(&mut self, within: usize) -> Result<(), JsonFault> {
        let paths = self.paths;
        let node = paths.at(within);
        let first = self.lexer.next_byte()?;
        let start = self.lexer.at;
        let finding = match first {
            b'{' if node.entered() => {
                let finding = self.keys_inside(node)?;
                self.entered(Some(node), start, finding, false)?
            }
            b'[' if !node.elements.is_empty() => {
                let finding = self.chosen(Some(node), 0)?;
                self.entered(Some(node), start, finding, true)?
            }
            b'{' | b'[' => self.whole(Some(node), first, 0)?,
            _ => self.scalar(Some(node), first)?,
        };
        let finding = self.present(node, first, finding);
        if let Some(leaf) = node.leaf {
            self.shape.found_leaf(leaf, finding);
        }
        Ok(())
    }

    fn keys_inside(&mut self, node: &PathNode) -> Result<NameFound, JsonFault> {
        self.lexer.at += 1;
        if self.lexer.empty(b'}')? {
            return Ok(NOTHING);
        }
        loop {
            let key = self.lexer.key()?;
            self.lexer.expect(b':')?;
            match node.key(&key) {
                Some(next) => self.inside(next)?,
                None => self.lexer.skip(0)?,
            }
            if !self.lexer.another(b'}')? {
                return Ok(INNER);
            }
        }
    }
}
