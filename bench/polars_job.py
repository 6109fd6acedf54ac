"""The benchmark's job in Polars: same rows, same twelve fields; no gates, staging, companions or evidence.

usage: polars_job.py EXPORT ERASURE OUT [--sorted]
"""

import sys
from datetime import date, datetime

import polars as pl
import polars_hash  # noqa: F401  (registers the namespace `chash`)


def token(value):
    return value.chash.blake3().str.slice(0, 32)


def main():
    export, erasure, out = sys.argv[1:4]
    erased = pl.read_csv(erasure, infer_schema=False, null_values=[""])
    mail = pl.col("Email").str.strip_chars().str.to_lowercase()
    contacts = (
        pl.scan_csv(export, infer_schema=False, null_values=[""])
        .filter(pl.col("IsDeleted") == "false")
        .with_columns(
            pl.col("CreatedDate").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ"),
            pl.col("LastActivityDate").str.to_date("%Y-%m-%d"),
            mail=mail,
        )
        .filter(
            (pl.col("LastActivityDate") > date(2023, 6, 1)) | (pl.col("CreatedDate") > datetime(2023, 6, 1, 2))
        )
        .join(erased.lazy().select(pl.col("ContactId").drop_nulls()), left_on="Id", right_on="ContactId", how="anti")
        .join(erased.lazy().select(mail=mail.drop_nulls()), on="mail", how="anti")
        .select(
            contact=token(pl.col("Id")),
            email=token(pl.col("mail")),
            phone=token(pl.col("Phone").str.replace_all(r"[^0-9]", "")),
            account=token(pl.col("AccountId")),
            postal_area=pl.col("MailingPostalCode").str.slice(0, 2),
            birth_year=pl.col("Birthdate").str.to_date("%Y-%m-%d").dt.year(),
            city=pl.col("MailingCity"),
            country=pl.col("MailingCountry"),
            lead_source=pl.col("LeadSource"),
            created_month=pl.col("CreatedDate").dt.truncate("1mo").dt.date(),
            has_mobile=pl.col("MobilePhone").is_not_null(),
            opted_out=pl.col("HasOptedOutOfEmail") == "true",
        )
    )
    if "--sorted" in sys.argv:
        contacts = contacts.sort("contact")
    contacts.sink_parquet(out, compression="zstd")


main()
