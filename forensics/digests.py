"""CloudTrail's digests, checked offline: the table `digest_check`, and the report of `forensics verify --digests`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from forensics import digest_files, digest_logs, digest_stretch
from forensics.digest_chain import ALTERED, Judged, Stretch, Verdict, chains, judged, stretches
from forensics.digest_report import DigestReport
from forensics.errors import CaseError

if TYPE_CHECKING:
    from forensics.case import Case

_ROOT = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
_VERDICT = """
CREATE OR REPLACE TEMP TABLE digest_verdict AS
SELECT account_id, region, trail, period_start, period_end, status, uri, object_id, detail
FROM digest_check
LIMIT 0
"""
_PENDING = "SELECT count(*) FROM evidence WHERE status = 'pending'"
_ROWS = """
SELECT account_id, region, trail, period_start, period_end, status, uri, object_id, detail
FROM digest_verdict
ORDER BY account_id, region, trail, period_start, period_end, uri, object_id, detail
"""
_TIMES = pa.timestamp("us")
_COLUMNS = pa.schema(
    (name, _TIMES if name.startswith("period") else pa.string()) for name in Verdict.__dataclass_fields__
)
_PERIOD = pa.schema(
    [
        *((name, pa.string()) for name in ("account_id", "region")),
        *((name, _TIMES) for name in ("period_start", "period_end")),
        ("held", pa.bool_()),
    ]
)
_WHOLE = pa.schema(
    [
        *((name, pa.string()) for name in ("bucket", "prefix", "account_id", "region")),
        *((name, _TIMES) for name in ("since", "until")),
    ]
)
_MADE = (
    "digest_verdict",
    "digest_period",
    "listed_whole",
    "digest_listed",
    "log_object",
    "content_hashed",
    "digest_match",
    "digest_lacking",
)


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `digest_check` from the digests, log files and keys in evidence; without digests nothing is read."""
    con.execute("DELETE FROM digest_check")
    rows = con.execute(_ROOT).fetchall()
    if not rows or not rows[0][0] or not con.execute(digest_files.IN_EVIDENCE).fetchall():
        return
    _check(con, Path(rows[0][0]).parent, fresh=False)
    con.execute(
        "INSERT OR REPLACE INTO content_hash SELECT object_id, sha256 FROM content_hashed"
        " WHERE sha256 IS NULL OR sha256 <> ''"
    )
    con.execute(f"INSERT INTO digest_check {_ROWS}")
    for name in _MADE:
        con.execute(f"DROP TABLE temp.{name}")


def validate(case: Case) -> DigestReport:
    """Check the digests of a case and the log files they list, all hashed afresh; the case stays as it is.

    Raises CaseError where an older version made the case, so that tables are lacking.
    """
    con = case.connection.cursor()
    try:
        if con.execute(digest_files.IN_EVIDENCE).fetchall():
            _check(con, case.path, fresh=True)
            rows = con.execute(_ROWS).fetchall()
        else:
            rows = []
        pending = int(con.execute(_PENDING).fetchall()[0][0])
        return DigestReport(tuple(Verdict(*row) for row in rows), pending)
    except duckdb.CatalogException as error:
        advice = f"an older version made it; `forensics load {case.path}` makes what is lacking"
        raise CaseError(f"the digests of the case {case.path} cannot be checked: {advice} ({error})") from None
    finally:
        con.close()


def _check(con: duckdb.DuckDBPyConnection, root: Path, *, fresh: bool) -> None:
    """Fill the temporary tables `digest_verdict`, and `content_hashed` with the hashes that were made for it."""
    items = judged(digest_files.digests(con, root), digest_files.keys(con, root))
    runs = chains(items)
    times = [found for run in runs for found in stretches(run)]
    listed = digest_stretch.windows(con)
    times += digest_stretch.ends(runs, listed)
    digest_logs.prepare(con, root, [item for run in runs for item in run], fresh=fresh)
    con.execute(_VERDICT)
    rows = [item.verdict for item in items] + [digest_stretch.verdict(con, found, listed) for found in times]
    _put(
        con,
        "INSERT INTO digest_verdict SELECT * FROM arrived_rows",
        _COLUMNS,
        [tuple(vars(row).values()) for row in rows],
    )
    _periods(con, runs, times)
    windows = [row for one in listed for row in one.of_logs]
    _put(con, "CREATE OR REPLACE TEMP TABLE listed_whole AS SELECT * FROM arrived_rows", _WHOLE, windows)
    digest_logs.judge(con)


def _periods(con: duckdb.DuckDBPyConnection, runs: Sequence[Sequence[Judged]], times: Sequence[Stretch]) -> None:
    """The times for which there is a digest (`held`), and those for which there is none that could be believed."""
    digests = [(item, item.digest) for run in runs for item in run if not item.digest.backfill]
    rows = [(one.account_id, one.region, one.start, one.end, True) for _, one in digests]
    rows += [(one.account_id, one.region, one.start, one.end, False) for item, one in digests if item.status == ALTERED]
    for found in times:
        one = found.later.digest
        rows.append((one.account_id, one.region, found.start, found.end, False))
    _put(con, "CREATE OR REPLACE TEMP TABLE digest_period AS SELECT * FROM arrived_rows", _PERIOD, rows)


def _put(con: duckdb.DuckDBPyConnection, statement: str, schema: pa.Schema, rows: Sequence[tuple[object, ...]]) -> None:
    columns = list(map(list, zip(*rows, strict=True))) if rows else [[] for _ in schema]
    con.register("arrived_rows", pa.table(dict(zip(schema.names, columns, strict=True)), schema=schema))
    con.execute(statement)
    con.unregister("arrived_rows")
