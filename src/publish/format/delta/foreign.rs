//! Commits of other programs in a table of ours: which change nothing that tamis answers for, so that it goes on past
//! them, and which do. Judged by what a commit says that it does; whatever is not known here is taken for a change.

use serde_json::Value;

/// What a commit of another program does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    /// The word for it.
    pub operation: &'static str,
    /// It adds and removes no file and asks for no feature.
    pub harmless: bool,
    /// It writes properties or columns anew: harmless only when columns stay.
    pub metadata: bool,
}

const OPERATIONS: [&str; 16] = [
    "VACUUM START",
    "VACUUM END",
    "SET TBLPROPERTIES",
    "UNSET TBLPROPERTIES",
    "OPTIMIZE",
    "DELETE",
    "UPDATE",
    "MERGE",
    "WRITE",
    "TRUNCATE",
    "RESTORE",
    "ADD COLUMNS",
    "CHANGE COLUMN",
    "CREATE TABLE",
    "REPLACE TABLE",
    "FSCK",
];
/// Features that every writer of version 2 has and that are not in use without a property or a rule of their own.
const IDLE_FEATURES: [&str; 2] = ["appendOnly", "invariants"];

impl Foreign {
    /// Reads an entry of the log.
    pub fn of(entry: &[u8]) -> Foreign {
        let mut found = Foreign { operation: "an operation unknown to tamis", harmless: true, metadata: false };
        let lines: Vec<&[u8]> = entry.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        found.harmless = !lines.is_empty();
        for line in lines {
            match serde_json::from_slice::<Value>(line) {
                Ok(Value::Object(action)) => action.iter().for_each(|(name, said)| found.action(name, said)),
                _ => found.harmless = false,
            }
        }
        found
    }

    fn action(&mut self, name: &str, said: &Value) {
        match name {
            "commitInfo" => {
                let word = said["operation"].as_str();
                let known = OPERATIONS.iter().find(|known| word.is_some_and(|word| word.eq_ignore_ascii_case(known)));
                self.operation = known.copied().unwrap_or(self.operation);
            }
            "txn" => {}
            "metaData" => self.metadata = true,
            "protocol" => self.harmless &= idle(said),
            _ => self.harmless = false,
        }
    }
}

/// Whether a protocol asks for no more than tables of tamis do.
fn idle(protocol: &Value) -> bool {
    let features = |key: &str| protocol[key].as_array().map_or(&[][..], Vec::as_slice).iter();
    let asked = features("readerFeatures").chain(features("writerFeatures"));
    let none = asked.into_iter().all(|feature| feature.as_str().is_some_and(|name| IDLE_FEATURES.contains(&name)));
    let versions = (protocol["minReaderVersion"].as_u64(), protocol["minWriterVersion"].as_u64());
    none && matches!(versions, (Some(1), Some(1 | 2 | 7)) | (Some(3), Some(7)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_change_nothing_is_passed() {
        let info = |operation: &str| format!("{{\"commitInfo\":{{\"operation\":\"{operation}\"}}}}\n");
        let of = |text: &str| Foreign::of(text.as_bytes());
        assert_eq!(of(&info("VACUUM START")), Foreign { operation: "VACUUM START", harmless: true, metadata: false });
        assert_eq!(of(&info("x\u{1b}[2J")).operation, "an operation unknown to tamis");
        let txn = "{\"txn\":{\"appId\":\"x\",\"version\":1}}";
        let plain = "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}";
        let idle = "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[],\
                    \"writerFeatures\":[\"appendOnly\",\"invariants\"]}}";
        for action in [txn, plain, idle, "{\"metaData\":{}}"] {
            assert!(of(&(info("SET TBLPROPERTIES") + action)).harmless, "{action}");
        }
        assert!(of("{\"metaData\":{}}").metadata);
        for action in [
            "{\"add\":{\"path\":\"x\"}}",
            "{\"remove\":{\"path\":\"x\"}}",
            "{\"cdc\":{}}",
            "{\"domainMetadata\":{}}",
            "{\"protocol\":{\"minReaderVersion\":2,\"minWriterVersion\":5}}",
            "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"writerFeatures\":[\"deletionVectors\"]}}",
            "{\"new\":1}",
            "[]",
            "no json",
        ] {
            assert!(!of(&(info("OPTIMIZE") + action)).harmless, "{action}");
        }
        assert!(!of("").harmless, "an entry that says nothing at all is no entry");
    }
}
