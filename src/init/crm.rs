//! What is known of the exports of each CRM and loader: how its tables are recognised by their headers, what names a
//! person in them, which columns are clocks and which only look like one. One table; the first entry that fits is taken.
//! Must not know values.

use super::column::PeekColumn;
use crate::cell::text::canonical;
use crate::read::Container;

/// What else has to hold of a table, besides its header.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Any,
    Zip,
    UpperCase,
}

/// Rows that are no persons any more: a column, the values that say so, and the reason they are counted under.
pub(super) type Gone = (&'static str, &'static [&'static str], &'static str);

/// How an export that keeps earlier versions of records tells them apart (R75).
#[derive(Clone, Copy)]
pub(super) struct KeptVersions {
    /// The column that orders them.
    pub version: &'static str,
    /// The column that says that a record has ended, and whether it does so by the time at which that was.
    pub deleted: (&'static str, bool),
    /// Nobody sees in a sample whether there are any: it is said in any case.
    pub always: bool,
}

/// One kind of export. Columns are compared without regard to case; what a table lacks is passed over.
pub(super) struct Crm {
    /// What it is called in messages.
    pub title: &'static str,
    when: When,
    /// The header has all of these.
    all: &'static [&'static str],
    /// The header has one of these, where there are any.
    any: &'static [&'static str],
    /// Columns that may be the key of a person, the best first.
    pub keys: &'static [&'static str],
    pub strong: &'static [&'static str],
    pub weak: &'static [&'static str],
    /// Columns of another table's key: whose activity a row is.
    pub whose: &'static [&'static str],
    /// Columns by which retention may go, the best first.
    pub clocks: &'static [&'static str],
    /// Columns that look like a clock, and why they are none.
    pub no_clocks: &'static [(&'static str, &'static str)],
    pub gone: &'static [Gone],
    pub versions: &'static [KeptVersions],
    /// The zone of times without one, where the vendor says it.
    pub zone: Option<&'static str>,
}

const BY_BATCH: &str = "moved by batch jobs and recomputed fields";
const OF_USER: &str = "of the user who exported";
const OF_LOADER: &str = "of the loader, not of the person";
const NONE: Crm = Crm {
    title: "",
    when: When::Any,
    all: &[],
    any: &[],
    keys: &[],
    strong: &[],
    weak: &[],
    whose: &[],
    clocks: &[],
    no_clocks: &[],
    gone: &[],
    versions: &[],
    zone: None,
};

const SALESFORCE: Crm = Crm {
    title: "Salesforce (Bulk API, or a table of an sObject)",
    all: &["Id"],
    any: &["IsDeleted", "SystemModstamp", "LastModifiedById", "OwnerId", "WhoId", "IndividualId"],
    keys: &["Id"],
    strong: &["MasterRecordId", "IndividualId", "ConvertedContactId"],
    weak: &["Email", "MobilePhone"],
    whose: &["WhoId", "ContactId", "Contact__c"],
    clocks: &["LastActivityDate", "ActivityDate", "CreatedDate"],
    no_clocks: &[
        ("LastViewedDate", OF_USER),
        ("LastReferencedDate", OF_USER),
        ("SystemModstamp", BY_BATCH),
        ("LastModifiedDate", BY_BATCH),
        ("LastCURequestDate", "of a stay-in-touch mail, not of the person"),
        ("LastCUUpdateDate", "of a stay-in-touch mail, not of the person"),
        ("EmailBouncedDate", "of a mail that came back"),
    ],
    gone: &[("IsDeleted", &["true", "1"], "deleted-in-crm")],
    zone: Some("UTC"),
    ..NONE
};

const FIVETRAN: Crm = Crm {
    title: "a table loaded by Fivetran",
    all: &["_fivetran_synced"],
    keys: &["id", "contact_id", "user_id"],
    strong: &["property_hs_calculated_merged_vids", "property_hs_merged_object_ids"],
    weak: &["property_email", "email", "property_mobilephone", "mobile_phone"],
    whose: &["contact_id", "who_id", "user_id"],
    clocks: &[
        "property_notes_last_contacted",
        "property_hs_last_sales_activity_timestamp",
        "last_activity_date",
        "last_login_at",
        "property_createdate",
        "created_date",
        "created_at",
    ],
    no_clocks: &[
        ("_fivetran_synced", OF_LOADER),
        ("property_lastmodifieddate", BY_BATCH),
        ("property_created_at", "a copy of another column"),
        ("updated_at", BY_BATCH),
        ("last_modified_date", BY_BATCH),
    ],
    gone: &[("_fivetran_deleted", &["true", "1"], "deleted-in-crm"), ("is_deleted", &["true", "1"], "deleted-in-crm")],
    versions: &[KeptVersions { version: "_fivetran_synced", deleted: ("_fivetran_deleted", false), always: false }],
    zone: Some("UTC"),
    ..NONE
};

const HUBSPOT: Crm = Crm {
    title: "HubSpot",
    any: &["hs_object_id", "hs_calculated_merged_vids", "hs_lead_status", "hs_email_optout"],
    keys: &["hs_object_id", "vid", "Record ID", "id"],
    strong: &["hs_calculated_merged_vids", "hs_merged_object_ids", "Merged contact IDs", "Merged object IDs"],
    weak: &["email", "mobilephone", "Mobile Phone Number"],
    clocks: &[
        "notes_last_contacted",
        "hs_last_sales_activity_timestamp",
        "Last Contacted",
        "Last Activity Date",
        "createdate",
        "Create Date",
    ],
    no_clocks: &[
        ("lastmodifieddate", BY_BATCH),
        ("Last Modified Date", BY_BATCH),
        ("hs_lastmodifieddate", BY_BATCH),
        ("notes_last_updated", BY_BATCH),
    ],
    gone: &[("archived", &["true"], "archived-in-crm")],
    ..NONE
};

const DYNAMICS: Crm = Crm {
    title: "Dynamics 365 (customer engagement), or a Dataverse table",
    all: &["contactid"],
    any: &["statecode", "createdon", "emailaddress1", "modifiedon"],
    keys: &["contactid", "leadid", "accountid"],
    weak: &["emailaddress1", "mobilephone"],
    whose: &["regardingobjectid", "customerid", "parentcontactid"],
    clocks: &["lastusedincampaign", "actualend", "createdon"],
    no_clocks: &[
        ("modifiedon", BY_BATCH),
        ("overriddencreatedon", "of an import"),
        ("SinkCreatedOn", OF_LOADER),
        ("SinkModifiedOn", OF_LOADER),
    ],
    gone: &[("IsDelete", &["true"], "deleted-in-crm")],
    ..NONE
};

/// All kinds of export.
static ALL: [Crm; 19] = [
    FIVETRAN,
    Crm {
        title: "a table loaded by Airbyte",
        all: &[],
        any: &["_airbyte_raw_id", "_airbyte_ab_id", "_airbyte_extracted_at"],
        keys: &["id", "contactid"],
        clocks: &["LastActivityDate", "last_activity_date", "createdate", "CreatedDate", "created_at", "createdon"],
        no_clocks: &[
            ("_airbyte_extracted_at", OF_LOADER),
            ("_airbyte_emitted_at", OF_LOADER),
            ("updatedAt", BY_BATCH),
            ("updated_at", BY_BATCH),
            ("SystemModstamp", BY_BATCH),
        ],
        gone: &[("IsDeleted", &["true", "1"], "deleted-in-crm"), ("archived", &["true"], "archived-in-crm")],
        versions: &[
            KeptVersions { version: "_airbyte_extracted_at", deleted: ("_ab_cdc_deleted_at", true), always: false },
            KeptVersions { version: "_airbyte_emitted_at", deleted: ("_ab_cdc_deleted_at", true), always: false },
        ],
        weak: &["email", "property_email", "MobilePhone"],
        ..NONE
    },
    Crm {
        title: "Synapse Link for Dataverse",
        all: &["SinkCreatedOn", "SinkModifiedOn"],
        // Rows of deletions have hardly more than the `Id`.
        keys: &["Id", "contactid", "leadid"],
        any: &[],
        versions: &[KeptVersions { version: "versionnumber", deleted: ("IsDelete", false), always: true }],
        ..DYNAMICS
    },
    Crm { title: "Salesforce weekly export", when: When::Zip, ..SALESFORCE },
    Crm { title: "Salesforce Data Loader", when: When::UpperCase, ..SALESFORCE },
    SALESFORCE,
    Crm {
        title: "Salesforce accounts without their ids",
        all: &["BillingStreet", "BillingPostalCode"],
        any: &["AccountSource", "Jigsaw", "Sic", "TickerSymbol"],
        ..NONE
    },
    HUBSPOT,
    Crm {
        title: "HubSpot's API",
        all: &["properties.createdate"],
        any: &["properties.hs_object_id", "properties.lastmodifieddate", "archived"],
        keys: &["id", "properties.hs_object_id"],
        strong: &["properties.hs_calculated_merged_vids", "properties.hs_merged_object_ids"],
        weak: &["properties.email", "properties.mobilephone"],
        clocks: &[
            "properties.notes_last_contacted",
            "properties.hs_last_sales_activity_timestamp",
            "properties.createdate",
            "createdAt",
        ],
        no_clocks: &[
            ("properties.lastmodifieddate", BY_BATCH),
            ("properties.hs_lastmodifieddate", BY_BATCH),
            ("properties.notes_last_updated", BY_BATCH),
            ("updatedAt", BY_BATCH),
        ],
        zone: Some("UTC"),
        ..HUBSPOT
    },
    Crm {
        title: "HubSpot, with the labels of the app",
        all: &["Record ID"],
        any: &["Create Date", "Lifecycle Stage", "Contact owner", "Last Activity Date"],
        ..HUBSPOT
    },
    Crm {
        title: "Dynamics 365 Finance and Operations",
        when: When::UpperCase,
        any: &["PARTYNUMBER", "CUSTOMERACCOUNT", "CONTACTPERSONID", "PERSONNELNUMBER", "DATAAREAID"],
        keys: &["CONTACTPERSONID", "CUSTOMERACCOUNT", "PERSONNELNUMBER", "PARTYNUMBER"],
        weak: &["PRIMARYEMAIL", "PRIMARYEMAILADDRESS", "PRIMARYCONTACTEMAIL", "EMAIL"],
        clocks: &["LASTCONTACTDATETIME", "LASTORDERDATE", "CREATEDDATETIME", "CREATEDON"],
        no_clocks: &[
            ("MODIFIEDDATETIME", BY_BATCH),
            ("VALIDFROM", "the beginning of a validity"),
            ("VALIDTO", "the end of a validity; 12/31/2154 is none"),
            ("EFFECTIVE", "the beginning of a validity"),
            ("EXPIRATION", "the end of a validity; 12/31/2154 is none"),
        ],
        ..NONE
    },
    DYNAMICS,
    Crm {
        title: "Dynamics 365, an export to Excel",
        all: &["(Do Not Modify) Contact"],
        keys: &["(Do Not Modify) Contact"],
        weak: &["Email", "Mobile Phone"],
        clocks: &["Last Contact", "Created On"],
        no_clocks: &[("(Do Not Modify) Modified On", BY_BATCH), ("Modified On", BY_BATCH)],
        ..NONE
    },
    Crm {
        title: "Pipedrive",
        any: &["Person - ID", "Person - Name", "Person - Email - Work", "Person - Email"],
        keys: &["Person - ID"],
        weak: &["Person - Email - Work", "Person - Email", "Person - Phone - Mobile"],
        clocks: &["Person - Last activity date", "Person - Person created", "Person - Add time"],
        no_clocks: &[("Person - Update time", BY_BATCH), ("Person - Next activity date", "a date in the future")],
        zone: Some("UTC"),
        ..NONE
    },
    Crm {
        title: "Mailchimp audience",
        all: &["Email Address", "LEID"],
        keys: &["Email Address"],
        clocks: &["CONFIRM_TIME", "OPTIN_TIME", "UNSUB_TIME"],
        no_clocks: &[("LAST_CHANGED", BY_BATCH)],
        zone: Some("UTC"),
        ..NONE
    },
    Crm {
        title: "Mautic",
        any: &["dateIdentified", "date_identified", "lastActive", "last_active"],
        keys: &["id"],
        weak: &["email", "mobile"],
        clocks: &["lastActive", "last_active", "dateIdentified", "date_identified", "dateAdded", "date_added"],
        no_clocks: &[("dateModified", BY_BATCH), ("date_modified", BY_BATCH)],
        zone: Some("UTC"),
        ..NONE
    },
    Crm {
        title: "Zoho CRM",
        any: &["Last Activity Time", "Zoho Id", "Record Id"],
        keys: &["Record Id", "Contact Id", "Lead Id", "Id"],
        weak: &["Email", "Mobile"],
        clocks: &["Last Activity Time", "Created Time"],
        no_clocks: &[("Modified Time", BY_BATCH)],
        ..NONE
    },
    Crm {
        title: "SugarCRM or SuiteCRM",
        all: &["date_entered", "deleted"],
        keys: &["id"],
        weak: &["email1", "email", "phone_mobile"],
        whose: &["parent_id", "contact_id"],
        clocks: &["last_activity_date", "date_entered"],
        no_clocks: &[("date_modified", BY_BATCH)],
        gone: &[("deleted", &["1"], "deleted-in-crm")],
        zone: Some("UTC"),
        ..NONE
    },
    Crm {
        title: "Zendesk",
        all: &["id", "last_login_at"],
        keys: &["id"],
        weak: &["email", "phone"],
        whose: &["requester_id", "user_id"],
        clocks: &["last_login_at", "created_at"],
        no_clocks: &[("updated_at", BY_BATCH)],
        gone: &[("active", &["false"], "deleted-in-crm")],
        zone: Some("UTC"),
        ..NONE
    },
];

/// Returns what is known of exports like this one.
pub(super) fn recognised(columns: &[PeekColumn], container: Container) -> Option<&'static Crm> {
    let names: Vec<String> = columns.iter().map(|column| canonical(&column.name).into_owned()).collect();
    let upper = columns.iter().all(|column| !column.name.chars().any(char::is_lowercase));
    let zip = container == Container::Zip;
    ALL.iter().find(|crm| fits(crm, &names, upper, zip))
}

fn fits(crm: &Crm, names: &[String], upper: bool, zip: bool) -> bool {
    let has = |wanted: &&str| names.contains(&canonical(wanted).into_owned());
    let when = match crm.when {
        When::Any => true,
        When::Zip => zip,
        When::UpperCase => upper,
    };
    when && crm.all.iter().all(has) && (crm.any.is_empty() || crm.any.iter().any(has))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(header: &str, upper: bool, zip: bool) -> &'static str {
        let names: Vec<String> = header.split(',').map(|name| canonical(name).into_owned()).collect();
        ALL.iter().find(|crm| fits(crm, &names, upper, zip)).map_or("", |crm| crm.title)
    }

    #[test]
    fn exports_are_recognised_by_their_headers() {
        for (header, upper, zip, expected) in [
            ("Id,IsDeleted,Email", false, true, "Salesforce weekly export"),
            ("ID,ISDELETED,NAME", true, false, "Salesforce Data Loader"),
            ("Id,OwnerId,Email", false, false, SALESFORCE.title),
            ("NAME,BILLINGSTREET,BILLINGPOSTALCODE,SIC", true, false, "Salesforce accounts without their ids"),
            ("Record ID,First Name,Create Date", false, false, "HubSpot, with the labels of the app"),
            ("hs_object_id,email", false, false, "HubSpot"),
            ("id,properties.createdate,properties.email,archived", false, false, "HubSpot's API"),
            ("PARTYNUMBER,CUSTOMERACCOUNT", true, false, "Dynamics 365 Finance and Operations"),
            ("contactid,statecode", false, false, DYNAMICS.title),
            ("Id,SinkCreatedOn,SinkModifiedOn", false, false, "Synapse Link for Dataverse"),
            ("Person - Name,Person - ID", false, false, "Pipedrive"),
            ("Email Address,First Name,LEID,EUID", false, false, "Mailchimp audience"),
            ("id,email,lastActive", false, false, "Mautic"),
            ("Record Id,Last Activity Time", false, false, "Zoho CRM"),
            ("id,date_entered,deleted", false, false, "SugarCRM or SuiteCRM"),
            ("id,name,last_login_at", false, false, "Zendesk"),
            ("_fivetran_synced,id,is_deleted", false, false, FIVETRAN.title),
            ("_airbyte_raw_id,Id,IsDeleted", false, false, "a table loaded by Airbyte"),
            ("id,first_name,last_seen", false, false, ""),
        ] {
            assert_eq!(title(header, upper, zip), expected, "{header}");
        }
    }

    #[test]
    fn no_column_is_a_clock_and_none() {
        for crm in &ALL {
            for (name, _) in crm.no_clocks {
                assert!(!crm.clocks.contains(name), "{}: {name}", crm.title);
            }
            assert!(!crm.title.is_empty());
        }
    }
}
