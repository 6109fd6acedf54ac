//! Values whose identity is another than before (R5, R6, R8): what was stored of them goes on having its effect.

use crate::erase::{current, state};
use crate::installation::{Installation, contacts};
use tamis::key::Keyring;
use tamis::policy::Effect;
use tamis::requests::{RequestCommand, Requests};
use tamis::store::Root;

/// Stores an erasure that names an identity, as it was made before.
fn stored(installation: &Installation, keys: &Keyring, request: &str, kind: &str, hashed: &str) {
    let folder = installation.path("state");
    let root = Root::open("state", folder.to_str().unwrap(), installation.handle()).unwrap();
    let mut requests = Requests::open(&root, &keys.identity).unwrap();
    let identity = *blake3::keyed_hash(keys.identity_key(kind).expose(), hashed.as_bytes()).as_bytes();
    let command = RequestCommand {
        effect: Effect::Erase,
        purposes: None,
        request: request.into(),
        received: installation.at(0),
        lifts: None,
        lift_erase: false,
        lift_several: false,
        terms: Default::default(),
        identities: vec![(identity, false)],
    };
    assert!(requests.ask(&root, command, installation.at(0)).unwrap());
}

fn keys(installation: &Installation) -> Keyring {
    let project = tamis::policy::load(&installation.path("jobs"), &[]).unwrap();
    Keyring::load(&project.keys, &[]).unwrap()
}

#[test]
fn r6_a_request_stored_by_a_former_identity_goes_on_reaching_the_person() {
    let installation = Installation::new();
    let mut people = contacts(0..30, -10);
    people[4].email = "\u{200b}Hidden@example.org".into();
    people[5].id = "\u{feff}crm-00005".into();
    people[6].id = "0".into();
    installation.export("s1", &people);
    assert_eq!(installation.run(0).unwrap().manifest.rows_out, 30);
    let keys = keys(&installation);
    stored(&installation, &keys, "C-1", "email/1", "\u{200b}hidden@example.org");
    stored(&installation, &keys, "C-2", "crm-id@test/1", "\u{feff}crm-00005");
    stored(&installation, &keys, "C-3", "crm-id@test/1", "0");

    installation.export("s2", &people);
    let plan = tamis::run::plan(&installation.call(1), &tamis::monitor::Silent).unwrap().manifest;
    let erased =
        |removed: &[tamis::evidence::manifest::Removed]| removed.iter().find(|r| r.reason == "erased").unwrap().rows;
    assert_eq!(erased(&plan.removed), 3, "a plan writes nothing and says so all the same");
    let manifest = installation.run(1).unwrap().manifest;
    assert_eq!(erased(&manifest.removed), 3);

    // What was learned is stored: the next export has them written plainly.
    people[4].email = "hidden@example.org".into();
    people[5].id = "crm-00005".into();
    installation.export("s3", &people);
    assert_eq!(erased(&installation.run(2).unwrap().manifest.removed), 3);
    let column = |name: &str| manifest.identifiers.iter().find(|column| column.column == name).unwrap().clone();
    assert_eq!((column("Email").unseen, column("Email").raw), (1, 0));
    assert_eq!((column("Id").unseen, column("Id").raw, column("Id").normal), (1, 1, 29));
    assert_eq!(column("Id").why[0].cause, "stands for no value");
}

#[test]
fn r4_a_request_without_a_usable_value_needs_review_as_long_as_it_is_in_force() {
    let installation = Installation::new();
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    let odd = format!("Ada <{}>", people[1].email);
    installation.erase("1", &[("C-1", &odd, ""), ("C-2", &odd, &people[2].id), ("C-3", "zoe@example.org", "")]);
    let manifest = installation.run(0).unwrap().manifest;
    assert_eq!((manifest.lists[0].entries, manifest.lists[0].unusable), (3, 1));
    assert_eq!(current(&installation).lists[0].unusable, 1);

    let call = installation.asking(1, "");
    let told = tamis::questions::request_status::standings(&call, 9).unwrap();
    let of = |id: &str| told.open.iter().find(|open| open.request == id).unwrap();
    assert_eq!(["C-1", "C-2", "C-3"].map(|id| of(id).state.word()), ["needs-review", "applied", "unmatched"]);
    assert_eq!(["C-1", "C-2", "C-3"].map(|id| of(id).note.is_some()), [true, true, false]);
    let case = tamis::questions::case::report(&call, "C-1").unwrap();
    assert!(case.parts[0].values.as_ref().is_some_and(|said| said.contains("normal form")));
    assert!(case.parts[0].datasets[0].review.is_some());
    assert!(state(&installation).ledger().entries().unwrap().len() > 2);
}
