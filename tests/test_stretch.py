"""A place that one workload held is cut into the stretches that it has among rivals too."""

import duckdb
import pytest

from forensics.attribution import stretch

HELD = """
SELECT 'eni-1' AS place, '' AS network, '{workload}' AS workload, CAST({host} AS VARCHAR) AS host,
  '{certainty}' AS certainty, 'interface' AS via, TIMESTAMP '{begin}' AS valid_from, {end} AS valid_to, ['e'] AS evidence_event_ids
"""
LONG, SHORT = "TIMESTAMP '2026-11-05 10:00:00'", "TIMESTAMP '2026-11-05 09:00:30'"
BEFORE = "TIMESTAMP '2026-11-05 08:00:00'"


def cut(con: duckdb.DuckDBPyConnection, holders: str) -> list[tuple[object, ...]]:
    stretch.cut(con, holders, 60)
    return con.execute("SELECT * FROM place_stretch ORDER BY ALL").fetchall()


@pytest.mark.parametrize("certainty", ["matched", "bounded", "inferred"])
@pytest.mark.parametrize("end", [LONG, SHORT, stretch.FAR_AHEAD, BEFORE])
@pytest.mark.parametrize("host", ["NULL", "'host'", "'w'"])
def test_one_holder_has_the_stretches_of_the_same_holder_told_twice(certainty: str, end: str, host: str) -> None:
    con = duckdb.connect()
    held = HELD.format(workload="w", host=host, certainty=certainty, begin="2026-11-05 09:00:00", end=end)
    once = cut(con, held)
    assert once == cut(con, f"{held} UNION ALL {held}")
    assert bool(once) is (host != "'w'" and end != BEFORE)


def test_a_place_that_is_not_known_has_no_stretches() -> None:
    held = HELD.format(workload="w", host="NULL", certainty="matched", begin="2026-11-05 09:00:00", end=LONG)
    assert cut(duckdb.connect(), held.replace("'eni-1'", "CAST(NULL AS VARCHAR)")) == []
