"""Says what a result holds, apart from the tokens' values: two engines that did the same job print the same line.

usage: agree.py PARQUET_GLOB
"""

import sys

import duckdb

QUESTION = """
select
  count(*), count(distinct contact), count(email), count(phone), count(account),
  count(distinct account), max(length(contact)), max(length(email)), max(length(phone)), max(length(account)),
  sum(hash(postal_area, birth_year::integer, city, country, lead_source, created_month::date, has_mobile, opted_out))
from read_parquet($files)
"""

print(*duckdb.execute(QUESTION, {"files": sys.argv[1]}).fetchone())
