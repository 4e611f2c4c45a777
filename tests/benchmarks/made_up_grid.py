"""A made-up case of many accounts, Regions and logs over many days: rows put straight into the tables, few an hour."""

from dataclasses import dataclass
from pathlib import Path

from forensics import resolution, storage
from forensics.case import Case
from forensics.sources import source

TIMES = {
    "cloudtrail": "event_time",
    "vpc_flow": "start",
    "alb": "time",
    "nlb": "time",
    "s3_access": "time",
    "lambda_log": "timestamp",
    "eks_audit": "stage_timestamp",
    "route53_public": "query_timestamp",
}
"""Logs of the grid, and the column that says when."""

_PLACED = {"cloudtrail": ("recipient_account_id", "aws_region"), "vpc_flow": ("account_id", "region")}
"""Columns of a record that name its account and Region; other records have those of their object."""

_OBJECTS = """
INSERT INTO evidence (object_id, uri, sha256, size, acquired_at, source, account_id, region, status, records, rejected, stored_at)
SELECT left(md5(concat_ws('/', $source, a.number, r.number, d.day)), 16) AS object_id,
  concat_ws('/', 's3://logs/AWSLogs', $source, a.number, r.number, d.day) AS uri, '' AS sha256, 4000 AS size,
  TIMESTAMP '2026-11-30 00:00:00' AS acquired_at, $source AS source, CAST(111122223333 + a.number AS VARCHAR) AS account_id,
  'us-region-' || r.number AS region, 'loaded' AS status, 24 AS records, 0 AS rejected, uri AS stored_at
FROM range($accounts) AS a(number), range($regions) AS r(number), range($since, $until) AS d(day)
"""

_RECORDS = """
INSERT INTO stored."{source}" (object_id, record, "{time}"{placed})
SELECT v.object_id, h.hour AS record, TIMESTAMP '2026-08-01 00:00:00' + to_days(CAST(split_part(v.uri, '/', 8) AS INTEGER))
  + to_hours(CAST(h.hour AS INTEGER)) AS time{place}
FROM evidence AS v, range(24) AS h(hour)
WHERE v.source = $source AND v.status = 'loaded' AND CAST(split_part(v.uri, '/', 8) AS INTEGER) BETWEEN $since AND $until - 1
  AND (hash(v.account_id, v.region) + h.hour) % 7 > 0
"""


@dataclass(frozen=True)
class Grid:
    """So many accounts, Regions and days of each log of `TIMES`: an object a day, a record in six of seven hours."""

    accounts: int
    regions: int
    days: int

    @property
    def cells(self) -> int:
        """Hours of places: rows of `coverage`."""
        return len(TIMES) * self.accounts * self.regions * self.days * 24

    def make(self, path: Path) -> None:
        """A new case of it, not resolved."""
        with Case.create(path) as case:
            self.put(case, 0, self.days)

    def put(self, case: Case, since: int, until: int) -> None:
        """Objects and records of those days, as `load` leaves them."""
        con = case.connection
        con.execute("BEGIN")
        for name, time in TIMES.items():
            known = {"identity_key": 1} if source(name).identity else {}
            storage.grow(con, source(name), {time, *known, *_PLACED.get(name, ())})
            days = {"source": name, "since": since, "until": until}
            con.execute(_OBJECTS, {**days, "accounts": self.accounts, "regions": self.regions})
            placed = "".join(f', "{column}"' for column in (*_PLACED.get(name, ()), *known))
            place = (", v.account_id, v.region" if name in _PLACED else "") + "".join(
                f", {key}" for key in known.values()
            )
            con.execute(_RECORDS.format(source=name, time=time, placed=placed, place=place), days)
        resolution.mark_stale(con)
        con.execute("COMMIT")
