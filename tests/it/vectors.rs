//! What others compute in their own way: published vectors of tokens (R2 to R9) and phone numbers (R8).

use crate::python::Python;

#[test]
fn python_has_the_pinned_packages() {
    let Some(python) = Python::find() else { return };
    let listed = python.run("versions.py", [""; 0]);
    let wanted = include_str!("../requirements.txt");
    for line in wanted.lines().filter(|line| line.contains("==")) {
        let line = line.split_whitespace().next().unwrap();
        assert!(listed.lines().any(|have| have == line), "{line} is not installed:\n{listed}");
    }
}

#[test]
fn r2_to_r9_published_vectors_are_recomputed() {
    let Some(python) = Python::find() else { return };
    let said = python.run("tokens.py", ["docs/tokens.md"]);
    assert!(said.contains(" vectors recomputed, 0 wrong"), "{said}");
}

#[test]
fn r8_the_reference_still_answers_as_recorded() {
    let Some(python) = Python::find() else { return };
    let said = python.run("phones.py", ["compare", "tests/python/phones.tsv"]);
    assert!(said.starts_with("10000 numbers, 0 differ, phonenumbers 9.0.42"), "{said}");
}
