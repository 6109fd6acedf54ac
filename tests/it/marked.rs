//! The job of the sweep for leaks: `fixtures/leaks` on exports and lists in which every raw cell is a marker, for every
//! class of row there is. Published as they are, and without a marker: the city of rows that stay, a mail domain.

use crate::canary::Canary;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Columns of `Contact.csv`; the last one is in no source.
pub const COLUMNS: [&str; 20] = [
    "Id",
    "MasterId",
    "Email",
    "MobilePhone",
    "Name",
    "Account",
    "City",
    "PostalCode",
    "Birthdate",
    "Score",
    "Revenue",
    "Segment",
    "Reference",
    "Notes",
    "Reply",
    "Card",
    "IsDeleted",
    "LastActivity",
    "Created",
    "Grown__c",
];
pub const AS_OF: &str = "2026-11-20T02:00:00Z";
/// The export that the job reads.
pub const SET: &str = "raw/2026-11-19";

/// Cells of one record by column.
pub type Row = BTreeMap<&'static str, String>;

/// Makes markers, each unlike all others, and remembers them.
#[derive(Default)]
pub struct Marks {
    pub canaries: Vec<Canary>,
    made: u32,
}

impl Marks {
    /// Letters and digits of high entropy.
    pub fn text(&mut self, name: &str) -> String {
        let value = self.letters(16);
        self.remember(name, &value)
    }

    fn letters(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        self.made += 1;
        let mut bytes = vec![0; length];
        blake3::Hasher::new_derive_key("tamis markers")
            .update(&self.made.to_le_bytes())
            .finalize_xof()
            .fill(&mut bytes);
        bytes.iter().map(|byte| LETTERS[*byte as usize % LETTERS.len()] as char).collect()
    }

    fn remember(&mut self, name: &str, value: &str) -> String {
        self.canaries.push(Canary::new(name, value));
        value.to_owned()
    }

    /// What has a form of its own and is unique only as a whole, in each of the ways it may be written.
    fn whole<const N: usize>(&mut self, name: &str, spellings: [String; N]) -> String {
        self.made += 1;
        self.canaries.extend(spellings.iter().map(|spelling| Canary::whole(name, spelling)));
        spellings.into_iter().next().unwrap()
    }

    /// An id of 15 letters, also looked for as the 18 of its normal form.
    fn id(&mut self, name: &str) -> String {
        let id = format!("003{}", self.letters(12));
        let block = |from: usize| id[from..from + 5].bytes().enumerate();
        let bits = |from| block(from).map(|(k, c)| usize::from(c.is_ascii_uppercase()) << k).sum::<usize>();
        let check: String =
            [0, 5, 10].map(|from| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits(from)] as char).iter().collect();
        self.remember(name, &format!("{id}{check}"));
        self.remember(name, &id)
    }

    fn email(&mut self, name: &str) -> String {
        let local = self.text(name);
        self.remember(name, &format!("{local}@example.org"))
    }

    fn phone(&mut self, name: &str) -> String {
        let digits = format!("{:08}", 20_000_000 + self.made * 7919);
        self.whole(name, [format!("0151 / {digits}"), format!("+49151{digits}"), format!("0151{digits}")])
    }

    /// Cells of a person whom nothing removes. All kept rows share year of birth, city and postal area.
    pub fn person(&mut self, class: &str) -> Row {
        let n = self.made;
        let mut row = Row::new();
        for column in COLUMNS {
            let name = format!("{class}.{column}");
            let value = match column {
                "Id" | "MasterId" => self.id(&name),
                "Email" => self.email(&name),
                "MobilePhone" => self.phone(&name),
                "City" => "Lyon".into(),
                "PostalCode" => format!("69{}", self.text(&name)),
                "Birthdate" => self.whole(&name, [format!("1984-{:02}-{:02}", 1 + n / 28 % 10, 1 + n % 28)]),
                "Score" => self.whole(&name, [format!("{}.{:02}", 51_111 + n * 13, 10 + n % 90)]),
                "Revenue" => self.whole(&name, [format!("{}", 313_131_313 + u64::from(n) * 7877)]),
                "IsDeleted" => "false".into(),
                "LastActivity" => self.whole(&name, [format!("2026-{:02}-{:02}", 1 + n / 28 % 8, 1 + n % 28)]),
                "Created" => self.whole(&name, [format!("2024-05-17T08:31:22.{:06}Z", 123_457 + n * 331)]),
                "Notes" => format!("ü \"{}\"\r\n{}, ", self.text(&name), self.text(&name)),
                "Reply" => {
                    let (email, phone) = (self.email(&name), self.phone(&name));
                    format!("{}, at {email} or {phone}: www.example.org/{}", row["Name"], self.text(&name))
                }
                _ => self.text(&name),
            };
            row.insert(column, value);
        }
        row
    }

    /// Rows of every class, and the request list that erases two of them.
    pub fn rows(&mut self) -> (Vec<Row>, String) {
        let mut rows: Vec<Row> = (0..4).map(|_| self.person("kept")).collect();
        for (class, column, value) in [
            ("excluded", "IsDeleted", "TRUE"),
            ("no-subject", "Id", " "),
            ("expired", "LastActivity", "2019-03-02"),
            ("no-clock", "LastActivity", ""),
        ] {
            let mut row = self.person(class);
            row.insert(column, value.into());
            let ends = match class {
                "expired" => Some(self.whole("expired.Created", ["2018-02-13T04:05:06.777123Z".into()])),
                "no-clock" => Some(String::new()),
                _ => None,
            };
            row.extend(ends.map(|created| ("Created", created)));
            rows.push(row);
        }
        for column in ["IsDeleted", "LastActivity", "Created"] {
            let mut row = self.person("rejected");
            row.insert(column, self.text(&format!("rejected.{column}")));
            rows.push(row);
        }
        let mut alone = self.person("suppressed");
        alone.extend(["City", "PostalCode"].map(|column| (column, self.text(&format!("suppressed.{column}")))));
        alone.insert("Birthdate", self.whole("suppressed.Birthdate", ["1961-10-27".into()]));
        rows.push(alone);
        for _ in 0..2 {
            // Kept, with cells that no treatment and no normal form can read.
            let mut row = self.person("odd");
            for column in ["Id", "MasterId", "Email", "MobilePhone", "Birthdate", "Score", "Revenue"] {
                row.insert(column, self.text(&format!("odd.{column}")));
            }
            rows.push(row);
        }
        let erased = [self.person("erased"), self.person("erased")];
        let list = self.list(&erased);
        rows.extend(erased);
        (rows, list)
    }

    fn list(&mut self, erased: &[Row; 2]) -> String {
        let (stranger, id) = (self.email("list.stranger"), self.id("list.stranger"));
        let (odd, other_odd) = (self.text("list.odd"), self.text("list.odd"));
        let comments = [(); 5].map(|()| self.text("list.comment"));
        let [a, b, c, d, e] = &comments;
        format!(
            "Case,Email,ContactId,RequestedAt,{HEADER}\n\
            E-0001,{},,2026-11-01,{a}\nE-0002,,{},2026-11-02,{b}\nE-0003,{stranger},,2026-11-03,{c}\n\
            E-0004,,{id},2026-11-04,\"{d}\"\"\"\nE-0005,{odd},{other_odd},2026-11-05,{e}\n",
            erased[0]["Email"], erased[1]["Id"]
        )
    }

    /// Corrections of kept rows: laid, of a link, of a third value, of a record that is not there.
    fn corrections(&mut self, rows: &[Row]) -> String {
        let postal = format!("69{}", self.text("correction.PostalCode"));
        let (email, phone) = (self.email("correction.Email"), self.phone("correction.MobilePhone"));
        let (was, name, nobody) = (self.text("correction.was"), self.text("correction.Name"), self.id("correction.id"));
        let comments = [(); 5].map(|()| self.text("correction.comment"));
        let lines = [
            (&rows[0]["Id"], "PostalCode", &rows[0]["PostalCode"], &postal, "wrong"),
            (&rows[1]["Id"], "Email", &rows[1]["Email"], &email, "changed"),
            (&rows[2]["Id"], "MobilePhone", &rows[2]["MobilePhone"], &phone, "never-theirs"),
            (&rows[3]["Id"], "Name", &was, &name, "incomplete"),
            (&nobody, "Name", &was, &name, "wrong"),
        ];
        let line = |((id, column, was, value, reason), comment)| {
            format!("{id},{column},{was},{value},{reason},E-0009,2026-11-01,{comment}\n")
        };
        let lines: String = lines.into_iter().zip(comments).map(line).collect();
        format!("ContactId,Column,Was,Value,Reason,Case,RequestedAt,{HEADER}\n{lines}")
    }

    fn tasks(&mut self, of: &str) -> String {
        let mut text = String::from("Id,WhoId,Subject,ActivityDate,Grown__c\n");
        for (class, who) in [("task", of.to_owned()), ("task.stranger", self.id("task.WhoId"))] {
            let cells = ["Subject", "Grown__c"].map(|column| self.text(&format!("{class}.{column}")));
            let day = self.whole(&format!("{class}.day"), [format!("2026-09-{:02}", 1 + self.made % 28)]);
            text += &format!("{},{who},{},{day},{}\n", self.id(class), cells[0], cells[1]);
        }
        text + &format!("{},{of},x,{},x\n", self.id("task.odd"), self.text("task.ActivityDate"))
    }
}

/// Column of the list that no key of the policy names.
const HEADER: &str = "Comment";

/// Records as the export tool writes them: everything quoted, CRLF.
pub fn csv(rows: &[Row]) -> String {
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let record = |cells: Vec<String>| cells.join(",") + "\r\n";
    let head = record(COLUMNS.map(quoted).to_vec());
    rows.iter().fold(head, |text, row| text + &record(COLUMNS.map(|column| quoted(&row[column])).to_vec()))
}

/// A zip of these members.
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Specs, keys, exports and lists in a folder; the same markers each time.
pub struct Marked {
    pub folder: tempfile::TempDir,
    pub marks: Marks,
    pub contacts: String,
    pub tasks: String,
    pub list: String,
}

impl Marked {
    pub fn new() -> Marked {
        let folder = tempfile::tempdir().unwrap();
        let mut marks = Marks::default();
        let (rows, list) = marks.rows();
        let tasks = marks.tasks(&rows[0]["Id"]);
        // Too few cells, too many: dropped.
        let ragged = [(); 3].map(|()| marks.text("ragged"));
        let corrections = marks.corrections(&rows);
        let contacts = csv(&rows) + &format!("{},{}\r\n\"{}\"{}\r\n", ragged[0], ragged[1], ragged[2], ",".repeat(30));
        let marked = Marked { folder, marks, contacts, tasks, list };
        for folder in ["jobs/sources", SET, "requests/erasure", "requests/corrections", "home", "spill"] {
            fs::create_dir_all(marked.path(folder)).unwrap();
        }
        for name in ["policy.toml", "contacts.toml", "sources/contact.toml", "sources/task.toml"] {
            fs::copy(Path::new("fixtures/leaks").join(name), marked.path("jobs").join(name)).unwrap();
        }
        marked.export(marked.contacts.as_bytes());
        fs::write(marked.path(SET).join("_DONE"), "").unwrap();
        fs::write(marked.path("requests/erasure/2026.csv"), &marked.list).unwrap();
        fs::write(marked.path("requests/corrections/2026.csv"), corrections).unwrap();
        marked
    }

    /// With keys and state made; the keys are markers too.
    pub fn ready() -> Marked {
        let mut marked = Marked::new();
        fs::DirBuilder::new().mode(0o700).create(marked.path("keys")).unwrap();
        for name in ["identity.key", "token-2026a.key"] {
            let key = blake3::derive_key("tamis keys of the sweep", name.as_bytes());
            marked.key(name, &blake3::Hash::from(key).to_hex());
            marked.marks.canaries.push(Canary::secret(name, &key));
        }
        assert!(marked.tamis(&["state", "create"]).status.success());
        marked
    }

    /// Writes a key file as tamis wants it.
    pub fn key(&self, name: &str, text: &str) {
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(self.path("keys").join(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts these contacts into the export, with a member that nobody reads.
    pub fn export(&self, contacts: &[u8]) {
        let members: [(&str, &[u8]); 3] =
            [("Contact.csv", contacts), ("Task.csv", self.tasks.as_bytes()), ("Other.csv", self.contacts.as_bytes())];
        fs::write(self.path(SET).join("WE_1.zip"), zip(&members)).unwrap();
    }

    /// Replaces text in a file of the folder, which must have it.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(self.path(file), text.replace(from, to)).unwrap();
    }

    /// Runs the program in a folder of its own, with everything sealed on disk at once and all logging asked for.
    pub fn tamis(&self, arguments: &[&str]) -> Output {
        self.tamis_told(arguments, "")
    }

    /// The same with something on standard input.
    pub fn tamis_told(&self, arguments: &[&str], told: &str) -> Output {
        let more: &[&str] = match arguments.first() {
            Some(&"run") => &["--as-of", AS_OF, "--memory", "0"],
            Some(&"plan") => &["--as-of", AS_OF],
            _ => &[],
        };
        let mut child = Command::new(env!("CARGO_BIN_EXE_tamis"))
            .arg("--dir")
            .arg(self.path("jobs"))
            .args(arguments)
            .args(more)
            .current_dir(self.path("home"))
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("spill"))
            .envs([("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may have ended before.
        let _ = child.stdin.take().unwrap().write_all(told.as_bytes());
        child.wait_with_output().unwrap()
    }
}
