//! Which columns by their names are clocks of retention, and which only look like one, as the usual CRMs call them.

use super::value;

/// Dates of what a person did, then dates of a beginning, as Salesforce, HubSpot, Dynamics, Pipedrive, Zendesk, Mailchimp,
/// Mautic, Zoho, SuiteCRM and the usual loaders call them, and apps in German and French. As `letters` leaves them.
const REAL_CLOCKS: [&str; 79] = [
    "lastactivitydate",
    "lastactivitytime",
    "lastactivityat",
    "lastactivity",
    "activitydate",
    "noteslastcontacted",
    "hslastsalesactivitytimestamp",
    "lastcontacted",
    "lastcontactedat",
    "lastcontactdate",
    "lastengagementdate",
    "lastactive",
    "lastactiveat",
    "lastloginat",
    "lastlogin",
    "lastsignin",
    "lastsigninat",
    "lastseenat",
    "lastopendate",
    "lastclickdate",
    "lastorderdate",
    "lastpurchasedate",
    "lastusedincampaign",
    "lastincomingmailtime",
    "lastoutgoingmailtime",
    "closedate",
    "closedat",
    "actualend",
    "dealclosedon",
    "wontime",
    "losttime",
    "enddatetime",
    "confirmtime",
    "optintime",
    "dateidentified",
    "createddate",
    "createdate",
    "createdon",
    "createdat",
    "createdtime",
    "personcreated",
    "dateentered",
    "dateadded",
    "addtime",
    "registereddate",
    "letzteaktivit\u{e4}t",
    "letzteaktivitaet",
    "letztesaktivit\u{e4}tsdatum",
    "letzterkontakt",
    "letzterkontaktam",
    "letztekontaktaufnahme",
    "letzterlogin",
    "letzteanmeldung",
    "letztebestellung",
    "letzterkauf",
    "derni\u{e8}reactivit\u{e9}",
    "derniereactivite",
    "datedederni\u{e8}reactivit\u{e9}",
    "derniercontact",
    "derni\u{e8}reconnexion",
    "derniereconnexion",
    "derni\u{e8}recommande",
    "dernierecommande",
    "erstelltam",
    "erstelldatum",
    "erstellungsdatum",
    "angelegtam",
    "anlagedatum",
    "erfasstam",
    "registriertam",
    "cr\u{e9}\u{e9}le",
    "creele",
    "datedecr\u{e9}ation",
    "datedecreation",
    "inscritle",
    "erstellt",
    "datecr\u{e9}ation",
    "datecreation",
    "ajout\u{e9}le",
];

/// Parts of names of columns that batch jobs, loaders or lookers-on touch: poor clocks (they keep people alive who did
/// nothing). As `letters` leaves them.
const POOR_CLOCKS: [&str; 33] = [
    "modif",
    "modstamp",
    "updat",
    "lastupd",
    "lastchange",
    "changed",
    "edited",
    "altered",
    "rowversion",
    "lastviewed",
    "lastreferenced",
    "sync",
    "extracted",
    "emittedat",
    "batchedat",
    "ingest",
    "imported",
    "importdate",
    "exported",
    "exportdate",
    "loadedat",
    "loaddate",
    "loadtime",
    "loadts",
    "writedate",
    "ge\u{E4}ndert",
    "geaendert",
    "\u{E4}nderung",
    "aktualisier",
    "mise\u{e0}jour",
    "miseajour",
    "mis\u{e0}jour",
    "misajour",
];

/// Parts of names of dates of birth.
const BIRTHS: [&str; 10] =
    ["birth", "bday", "gebdat", "dateofb", "geburt", "geboren", "naissance", "nacimiento", "nascita", "geboorte"];

/// What loaders and exports put before a column's own name.
const PREFIXES: [&str; 5] = ["property", "properties", "person", "contact", "lead"];

/// Returns the letters of a name, folded and without marks.
pub(super) fn letters(name: &str) -> String {
    value::folded(name).trim_end_matches("__c").replace(['-', '_', ' ', '.', ':', '/'], "")
}

/// Returns whether the date changes although the person did nothing.
pub fn moves_by_itself(name: &str) -> bool {
    let letters = letters(name);
    POOR_CLOCKS.iter().any(|part| letters.contains(part))
}

/// Returns whether a name is that of a date of birth.
pub fn is_birth(name: &str) -> bool {
    let letters = letters(name);
    letters == "dob" || letters.ends_with("dob") || BIRTHS.iter().any(|part| letters.contains(part))
}

/// Returns the names that are clocks, the best first; at most three of them.
pub(super) fn real_clocks<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut found: Vec<(usize, &str)> = names.filter_map(|name| Some((rank(name)?, name))).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).take(3).collect()
}

fn rank(name: &str) -> Option<usize> {
    let letters = letters(name);
    let bare = |letters: &str| REAL_CLOCKS.iter().position(|real| *real == letters);
    bare(&letters).or_else(|| PREFIXES.iter().find_map(|prefix| bare(letters.strip_prefix(prefix)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_of_every_crm_are_known_by_name_and_no_clock_is_among_them() {
        let names = [
            "LastActivityDate",
            "Last_Activity_Time",
            "Person - Last activity date",
            "property_notes_last_contacted",
            "hs_last_sales_activity_timestamp",
            "Last Contacted",
            "lastActive",
            "last_login_at",
            "OPTIN_TIME",
            "lastusedincampaign",
            "date_entered",
            "Person - Person created",
            "createdon",
            "Letzte Aktivit\u{e4}t",
            "Erstellt am",
            "Angelegt am",
            "Derni\u{e8}re activit\u{e9}",
            "Cr\u{e9}\u{e9} le",
        ];
        for name in names {
            assert!(rank(name).is_some(), "{name}");
            assert!(!moves_by_itself(name) && !is_birth(name), "{name}");
        }
        for name in [
            "LastViewedDate",
            "SystemModstamp",
            "lastmodifieddate",
            "Birthdate",
            "LAST_CHANGED",
            "Name",
            "Ge\u{e4}ndert am",
            "Modifi\u{e9} le",
        ] {
            assert_eq!(rank(name), None, "{name}");
        }
        assert!(REAL_CLOCKS.iter().all(|name| !moves_by_itself(name) && !is_birth(name)));
        assert_eq!(
            real_clocks(["CreatedDate", "Id", "LastActivityDate"].into_iter()),
            ["LastActivityDate", "CreatedDate"]
        );
    }
}
