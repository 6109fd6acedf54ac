//! The rows of a sheet, from their XML: each cell in its order, with what is written for it.

use super::sheet::{MOST_ROWS, cell, row};
use super::strings::TextSeen;
use super::xml::{BadXml, OwnNames, add_text, unescape, value};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Why rows cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadRow {
    /// Its XML makes no sense.
    Xml,
    /// A row or a cell is not after the one before it.
    Order,
}

impl From<BadXml> for BadRow {
    fn from(_: BadXml) -> BadRow {
        BadRow::Xml
    }
}

/// What kind of value a cell says that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    Number,
    Boolean,
    Error,
    /// Number of a shared string.
    Shared,
    /// Text that a formula gave.
    Text,
    /// Text in the cell itself.
    Inline,
    /// A date as ISO 8601.
    Date,
    Unknown,
}

/// A cell as it is written.
#[derive(Debug)]
pub(super) struct CellFound {
    /// Its place, from 0.
    pub column: usize,
    pub kind: CellKind,
    pub style: u32,
    /// A formula gave its value.
    pub formula: bool,
    /// A value is written, were it an empty one.
    pub valued: bool,
}

/// Reads whole rows, one cell after the other.
pub(super) struct RowReader<'a> {
    reader: Reader<&'a [u8]>,
    own: &'a OwnNames,
    /// Number of the row.
    pub line: u64,
    /// The column that the next cell is in or after.
    pub column: usize,
    /// Where its XML begins.
    start: u64,
    inside: bool,
    /// What is written in the cell just read.
    pub text: String,
}

impl<'a> RowReader<'a> {
    /// Begins at a row; `before` is the number of the last one before it.
    pub fn new(xml: &'a str, own: &'a OwnNames, before: u64) -> RowReader<'a> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().check_end_names = true;
        RowReader { reader, own, line: before, column: 0, start: 0, inside: false, text: String::new() }
    }

    /// Goes on to the next row; returns its number, and none at the end.
    pub fn next_row(&mut self) -> Result<Option<u64>, BadRow> {
        while self.inside {
            self.next_cell()?;
        }
        loop {
            self.start = self.reader.buffer_position();
            let (empty, start) = match self.reader.read_event().map_err(BadXml::from)? {
                Event::Start(start) => (false, start),
                Event::Empty(start) => (true, start),
                Event::Eof => return Ok(None),
                Event::Text(text) if text.iter().all(u8::is_ascii_whitespace) => continue,
                Event::Comment(_) | Event::PI(_) => continue,
                _ => return Err(BadRow::Xml),
            };
            if self.own.strip(&start) != Some(b"row") {
                return Err(BadRow::Xml);
            }
            let mut line = self.line + 1;
            for attribute in start.attributes() {
                let attribute = attribute.map_err(|_| BadXml)?;
                self.own.keeps(attribute.key.as_ref())?;
                if attribute.key.as_ref() == b"r" {
                    line = row(&attribute.value).ok_or(BadRow::Xml)?;
                }
            }
            if line <= self.line || line > MOST_ROWS {
                return Err(BadRow::Order);
            }
            (self.line, self.column, self.inside) = (line, 0, !empty);
            return Ok(Some(line));
        }
    }

    /// Returns how many bytes the row takes so far.
    pub fn bytes(&self) -> u64 {
        self.reader.buffer_position() - self.start
    }

    /// Returns where the reading is in the XML.
    pub fn position(&self) -> u64 {
        self.reader.buffer_position()
    }

    /// Reads the next cell of the row; none at its end. What is written in it is in `text`.
    pub fn next_cell(&mut self) -> Result<Option<CellFound>, BadRow> {
        while self.inside {
            match self.reader.read_event().map_err(BadXml::from)? {
                Event::Start(start) if self.own.strip(&start) == Some(b"c") => {
                    let mut found = self.begin(&start)?;
                    self.content(&mut found)?;
                    return Ok(Some(found));
                }
                Event::Empty(start) if self.own.strip(&start) == Some(b"c") => {
                    self.text.clear();
                    return self.begin(&start).map(Some);
                }
                Event::Start(start) if self.own.strip(&start) == Some(b"extLst") => {
                    self.reader.read_to_end(start.name()).map_err(BadXml::from)?;
                }
                Event::End(_) => self.inside = false,
                Event::Text(text) if text.iter().all(u8::is_ascii_whitespace) => {}
                Event::Comment(_) | Event::PI(_) => {}
                _ => return Err(BadRow::Xml),
            }
        }
        Ok(None)
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<CellFound, BadRow> {
        let mut found =
            CellFound { column: self.column, kind: CellKind::Number, style: 0, formula: false, valued: false };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| BadXml)?;
            match attribute.key.as_ref() {
                b"r" => {
                    let (column, line) = cell(&attribute.value).ok_or(BadRow::Xml)?;
                    if column < self.column || line != self.line {
                        return Err(BadRow::Order);
                    }
                    found.column = column;
                }
                b"s" => found.style = value(&attribute)?.parse().map_err(|_| BadXml)?,
                b"t" => found.kind = CellKind::of(&attribute.value),
                key => self.own.keeps(key)?,
            }
        }
        self.column = found.column + 1;
        Ok(found)
    }

    /// Reads what is in a cell, to its end.
    fn content(&mut self, found: &mut CellFound) -> Result<(), BadRow> {
        self.text.clear();
        let (mut depth, mut inline, mut kept) = (0_usize, false, TextSeen::default());
        let mut value = false;
        loop {
            let event = self.reader.read_event().map_err(BadXml::from)?;
            match &event {
                Event::Start(start) => {
                    depth += 1;
                    match (depth, self.own.local(start)?.ok_or(BadRow::Xml)?) {
                        (1, b"extLst") => {
                            self.reader.read_to_end(start.name()).map_err(BadXml::from)?;
                            depth = 0;
                        }
                        (1, b"v") if !found.valued => (value, found.valued) = (true, true),
                        (1, b"is") if !found.valued => (inline, found.valued) = (true, true),
                        (1, b"v" | b"is") => return Err(BadRow::Xml),
                        (1, b"f") => found.formula = true,
                        _ if inline => kept.open(depth, start),
                        _ => {}
                    }
                }
                Event::Empty(start) if depth == 0 => match self.own.local(start)?.ok_or(BadRow::Xml)? {
                    b"v" | b"is" if !found.valued => found.valued = true,
                    b"v" | b"is" => return Err(BadRow::Xml),
                    b"f" => found.formula = true,
                    _ => {}
                },
                Event::Empty(start) => drop(self.own.local(start)?.ok_or(BadRow::Xml)?),
                Event::End(_) => {
                    kept.close(depth);
                    match depth.checked_sub(1) {
                        None => break,
                        Some(0) => (depth, value, inline) = (0, false, false),
                        Some(less) => depth = less,
                    }
                }
                Event::Eof | Event::DocType(_) => return Err(BadRow::Xml),
                text if value && depth == 1 || kept.text() => add_text(text, &mut self.text)?,
                _ => {}
            }
        }
        if matches!(found.kind, CellKind::Inline | CellKind::Text) {
            unescape(&mut self.text, 0);
        }
        Ok(())
    }
}

impl CellKind {
    fn of(written: &[u8]) -> CellKind {
        match written {
            b"n" => CellKind::Number,
            b"b" => CellKind::Boolean,
            b"e" => CellKind::Error,
            b"s" => CellKind::Shared,
            b"str" => CellKind::Text,
            b"inlineStr" => CellKind::Inline,
            b"d" => CellKind::Date,
            _ => CellKind::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type CellRead = (u64, usize, CellKind, String, bool);

    fn cells(xml: &str) -> Result<Vec<CellRead>, BadRow> {
        let own = OwnNames::default();
        let (mut reader, mut all) = (RowReader::new(xml, &own, 3), Vec::new());
        while let Some(line) = reader.next_row()? {
            while let Some(found) = reader.next_cell()? {
                all.push((line, found.column, found.kind, reader.text.clone(), found.formula));
            }
        }
        Ok(all)
    }

    #[test]
    fn cells_have_the_text_that_is_seen_and_phonetic_hints_have_none() {
        let xml = "<row r='5'><c r='B5' t='inlineStr'><is><r><rPr><b/></rPr><t>a &amp; </t></r><r><t>b&#10;</t></r>\
            <rPh sb='0' eb='1'><t>hint</t></rPh><phoneticPr fontId='1'/></is></c><c><f>A1&lt;2</f><v>1</v></c></row>\
            <row><c t='s'><v>7</v></c><c r='D6'/></row>";
        let expected = [
            (5, 1, CellKind::Inline, "a & b\n".to_owned(), false),
            (5, 2, CellKind::Number, "1".to_owned(), true),
            (6, 0, CellKind::Shared, "7".to_owned(), false),
            (6, 3, CellKind::Number, String::new(), false),
        ];
        assert_eq!(cells(xml).unwrap(), expected);
    }

    #[test]
    fn r58_rows_and_cells_out_of_order_and_what_is_no_row_are_refused() {
        for (xml, why) in [
            ("<row r='5'/><row r='5'/>", BadRow::Order),
            ("<row r='3'/>", BadRow::Order),
            ("<row r='4'><c r='B4'/><c r='A4'/></row>", BadRow::Order),
            ("<row r='4'><c r='B4'/><c r='B4'/></row>", BadRow::Order),
            ("<row r='4'><c r='B5'/></row>", BadRow::Order),
            ("<row r='x'/>", BadRow::Xml),
            ("<row r='4'><c r='B4'>", BadRow::Xml),
            ("<row r='4'><c><v>1</v><v>2</v></c></row>", BadRow::Xml),
            ("<row r='4'><c><v>&other;</v></c></row>", BadRow::Xml),
            ("<row r='4'><c><v>1</v></d></row>", BadRow::Xml),
            ("<row r='4'>text</row>", BadRow::Xml),
            ("<cell/>", BadRow::Xml),
            ("<f:row r='4'/>", BadRow::Xml),
            ("<row r='4' xmlns='urn:other'/>", BadRow::Xml),
            ("<row r='4'><f:c><v>1</v></f:c></row>", BadRow::Xml),
            ("<row r='4'><c xmlns='urn:other'><v>1</v></c></row>", BadRow::Xml),
            ("<row r='4'><c><f:v>1</f:v></c></row>", BadRow::Xml),
            ("<row r='4'><c><v xmlns='urn:other'>1</v></c></row>", BadRow::Xml),
            ("<row r='4'><c t='inlineStr'><is><f:t>1</f:t></is></c></row>", BadRow::Xml),
            ("<row r='4'><c><f:v/></c></row>", BadRow::Xml),
        ] {
            assert_eq!(cells(xml), Err(why), "{xml}");
        }
    }
}
