"""The benchmark's job in DuckDB: same rows, same twelve fields; no gates, staging, companions or evidence.

usage: duckdb_job.py EXPORT ERASURE OUT [--sorted]
"""

import sys

import duckdb

COLUMNS = {
    name: "VARCHAR"
    for name in (
        "Id IsDeleted MasterRecordId AccountId LastName FirstName Salutation Name MailingStreet MailingCity"
        " MailingPostalCode MailingCountry Phone MobilePhone Email Title Department LeadSource Birthdate Description"
        " OwnerId HasOptedOutOfEmail CreatedDate LastModifiedDate LastActivityDate"
    ).split()
}
COLUMNS |= {"Birthdate": "DATE", "LastActivityDate": "DATE", "CreatedDate": "TIMESTAMP"}
COLUMNS |= {"IsDeleted": "BOOLEAN", "HasOptedOutOfEmail": "BOOLEAN"}

JOB = """
copy (
  with contacts as (
    select *, lower(trim(Email)) as mail
    from read_csv($export, header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
                  columns = {columns})
    where not IsDeleted
      and (LastActivityDate > date '2023-06-01' or CreatedDate > timestamp '2023-06-01 02:00:00')
  ), erased as (
    from read_csv($erasure, header = true, all_varchar = true)
  )
  select
    substr(sha256(Id), 1, 32) as contact,
    substr(sha256(mail), 1, 32) as email,
    substr(sha256(regexp_replace(Phone, '[^0-9]', '', 'g')), 1, 32) as phone,
    substr(sha256(AccountId), 1, 32) as account,
    left(MailingPostalCode, 2) as postal_area,
    year(Birthdate)::integer as birth_year,
    MailingCity as city,
    MailingCountry as country,
    LeadSource as lead_source,
    date_trunc('month', CreatedDate)::date as created_month,
    MobilePhone is not null as has_mobile,
    HasOptedOutOfEmail as opted_out
  from contacts
  where not exists (from erased where erased.ContactId = contacts.Id)
    and not exists (from erased where lower(trim(erased.Email)) = contacts.mail)
  {order}
) to $out (format parquet, compression zstd)
"""


def main():
    export, erasure, out = sys.argv[1:4]
    order = "order by contact" if "--sorted" in sys.argv else ""
    duckdb.execute(JOB.format(columns=COLUMNS, order=order), {"export": export, "erasure": erasure, "out": out})


main()
