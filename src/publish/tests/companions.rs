//! Companions and files as they are opened and read.

use super::*;
use crate::publish::groups::Groups;

#[test]
fn r40_companions_hold_what_was_given_row_for_row() {
    let place = Place::memory();
    let sample = Sample::new(40_000, 8);
    let written = place.write(&sample, "run", 1, 2, false).unwrap();
    let mut numbers = BTreeSet::new();
    for file in &written.files {
        let mut companions = Companions::open(&place.state, &file.companion).unwrap();
        let mut persons = Companions::open_persons(&place.state, &file.companion).unwrap();
        assert_eq!(companions.rows(), file.rows);
        let mut last = [0; 16];
        while let Some(group) = companions.next_group().unwrap() {
            let only = persons.next_group().unwrap().unwrap();
            assert_eq!((group.identities(), group.field_untils(), group.quasis(), only.identities()), (2, 1, 1, 1));
            for i in 0..group.rows() {
                let number = group.keep_until(i) as u64;
                let row = sample.row(number);
                assert!(last <= row.subject);
                last = row.subject;
                assert_eq!((group.first(i), only.first(i)), (first(&row.subject), first(&row.subject)));
                assert_eq!((group.person(i), only.person(i)), (&row.identity, &row.identity));
                assert_eq!((group.mark(i, 0), group.identity(i, 0)), (mark::KEY, Some(&row.identity)));
                let weak = if number.is_multiple_of(2) {
                    (mark::WEAK | mark::RAW, Some(&row.identity))
                } else {
                    (mark::NONE, None)
                };
                assert_eq!((group.mark(i, 1), group.identity(i, 1)), weak);
                assert_eq!(group.since(i), if number.is_multiple_of(5) { NO_SINCE } else { number as i64 });
                assert_eq!(group.consent_until(i), if number.is_multiple_of(3) { i64::MAX } else { number as i64 });
                assert_eq!((group.field_until(i, 0), group.quasi(i, 0)), (-(number as i64), u64::MAX - number));
                numbers.insert(number);
            }
        }
        let mut found = Companions::open(&place.state, &file.companion).unwrap();
        assert_eq!(found.range().map(|(_, greatest)| greatest), Some(first(&last)));
        let groups = file.rows.div_ceil(16_384) as usize;
        assert_eq!(
            found.skip_while(|_, greatest| greatest >= first(&last)),
            groups - 1,
            "the footer finds the last subject"
        );
    }
    assert_eq!(numbers.len(), 40_000);
    let bytes = place.state.get(&written.files[0].companion).unwrap().unwrap();
    let cut = &bytes[..bytes.len() - 20];
    place.state.put("companions/cut.parquet", cut.to_vec()).unwrap();
    for path in ["companions/cut.parquet", "companions/none.parquet"] {
        assert_eq!(Companions::open(&place.state, path).err().unwrap().code(), Code::CompanionBroken);
    }
}

#[test]
fn a_file_is_opened_only_as_the_one_it_is_named_by_whatever_its_size() {
    let place = Place::memory();
    let written = place.write(&Sample::new(20_000, 8), "run", 1, 2, false).unwrap();
    let FileWritten { name, blake3, companion, companion_blake3, rows, .. } = &written.files[0];
    let path = place.target().file(name);
    for held in [0, 1000, u64::MAX] {
        let open = |blake3: &str| Groups::open_within(held, &place.lake, &path, blake3, |_| unreachable!()).unwrap();
        let mut groups = open(blake3).expect("the same");
        assert_eq!((groups.rows(), groups.read(1, &[1, 4]).unwrap().num_columns()), (*rows, 2), "{held}");
        assert!(open(companion_blake3).is_none(), "{held}");
    }
    let open = |blake3: &str| Companions::open_named(&place.state, companion, blake3).unwrap();
    assert_eq!(open(companion_blake3).map(|companions| companions.rows()), Some(*rows));
    assert!(open(blake3).is_none());
}

#[test]
fn r40_parts_of_a_companion_are_the_columns_that_are_asked_for() {
    let place = Place::memory();
    let written = place.write(&Sample::new(300, 8), "run", 1, 2, false).unwrap();
    let read = |part| {
        let companions = Companions::open(&place.state, &written.files[0].companion).unwrap();
        companions.only(part).next_group().unwrap().unwrap()
    };
    let (all, rules, hashes) = (read(CompanionPart::All), read(CompanionPart::Rules), read(CompanionPart::Hashes));
    assert_eq!((rules.identities(), rules.field_untils(), rules.quasis()), (2, 1, 0));
    assert_eq!((hashes.identities(), hashes.field_untils(), hashes.quasis()), (1, 1, 1));
    for row in 0..300 {
        let of_rules = |group: &CompanionGroup| {
            let dates = (group.keep_until(row), group.since(row), group.consent_until(row), group.field_until(row, 0));
            (dates, [0, 1].map(|slot| (group.mark(row, slot), group.identity(row, slot).copied())))
        };
        assert_eq!(of_rules(&rules), of_rules(&all));
        let of_hashes = |group: &CompanionGroup| {
            (*group.person(row), group.field_until(row, 0), group.quasi(row, 0), group.first(row))
        };
        assert_eq!(of_hashes(&hashes), of_hashes(&all));
    }
}
