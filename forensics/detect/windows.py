"""Correlation rules as window SQL: counts, distinct values, rules together or in order, within a span of time per group.

Events lie in one span when no more than `timespan` passes from the first to the last; each event is taken as the end of
a span (Sigma specification, "Correlation rules"). Events of one moment, CloudTrail's second, count as in order: nothing
tells which came first. An event that lacks a field to group by is in no group.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from forensics.detect import fields, pipelines
from forensics.detect.convert import Correlation, Rule
from forensics.sources import source

MATCHED = """
CREATE OR REPLACE TEMP TABLE detect_event (
  rule INTEGER, source VARCHAR, object_id VARCHAR, record BIGINT, event_id VARCHAR, time TIMESTAMP,
  principal VARCHAR, session VARCHAR, together VARCHAR
)
"""
"""What each rule matched; of a correlation the events at which a span that fulfils it ends."""

CORRELATED = """
CREATE OR REPLACE TEMP TABLE detect_correlated (rule INTEGER, together VARCHAR, event_id VARCHAR, time TIMESTAMP)
"""
"""The events of every span that fulfils a correlation, by its group."""


def correlate(con: duckdb.DuckDBPyConnection, number: int, rule: Correlation, slots: Sequence[tuple[int, Rule]]) -> str:
    """Find the spans that fulfil a correlation of the rules with these numbers; "" or why there can be none.

    Of a rule that counts itself, what it matched is replaced by where its spans end.
    """
    groups = [f"g{place}" for place in range(len(rule.group_by))]
    columns = ", ".join(f"{name} VARCHAR" for name in [*groups, "v"])
    con.execute(
        "CREATE OR REPLACE TEMP TABLE detect_sight (slot INTEGER, event_id VARCHAR, time TIMESTAMP,"
        f" source VARCHAR, object_id VARCHAR, record BIGINT, {columns})"
    )
    for slot, (referred, referred_rule) in enumerate(slots):
        _see(con, rule, slot, (referred, referred_rule))
    (seen, grouped) = con.execute(
        f"SELECT count(*), count_if({' AND '.join(f'{name} IS NOT NULL' for name in groups) or 'TRUE'}) FROM detect_sight"
    ).fetchall()[0]
    if seen and not grouped:
        con.execute("DELETE FROM detect_event WHERE rule = ?", [number])
        return f"no matched record has all it groups by: {', '.join(rule.group_by)}"
    con.execute(_spans(rule, groups, len(slots)))
    together = f"concat_ws(chr(31), {', '.join(groups)})" if groups else "''"
    con.execute(
        f"""
INSERT INTO detect_correlated
SELECT DISTINCT {number} AS rule, {together} AS together, event_id, time
FROM detect_span
WHERE next_end - time <= to_seconds({rule.seconds})"""
    )
    con.execute("DELETE FROM detect_event WHERE rule = ?", [number])
    con.execute(
        f"""
INSERT INTO detect_event
SELECT DISTINCT {number} AS rule, source, object_id, record, event_id, time, NULL, NULL, {together} AS together
FROM detect_span
WHERE ends"""
    )
    for table in ("detect_sight", "detect_span"):
        con.execute(f"DROP TABLE temp.{table}")
    return ""


def _see(con: duckdb.DuckDBPyConnection, rule: Correlation, slot: int, seen: tuple[int, Rule]) -> None:
    """The events of one referenced rule, with what the correlation groups by and counts, by the rule's own names."""
    referred, referred_rule = seen
    found = con.execute("SELECT DISTINCT source FROM detect_event WHERE rule = ? ORDER BY 1", [referred]).fetchall()
    tables = pipelines.by_source()
    keys = (referred_rule.name, referred_rule.id)
    own = {alias: next((names[key] for key in keys if key in names), alias) for alias, names in rule.aliases.items()}
    for (name,) in found:
        asked = [own.get(item, item) for item in [*rule.group_by, *([rule.counted] if rule.counted else [])]]
        values = [_value(name, item, tables[name]) for item in asked] + ([] if rule.counted else ["NULL"])
        con.execute(
            f"""
INSERT INTO detect_sight
SELECT {slot} AS slot, e.event_id, e.time, e.source, e.object_id, e.record, {", ".join(values)}
FROM detect_event AS e
JOIN "{source(name).name}" AS s ON s.object_id = e.object_id AND s.record = e.record
WHERE e.rule = ? AND e.source = ? AND e.time IS NOT NULL""",
            [referred, name],
        )


def _value(name: str, asked: str, table: pipelines.Table) -> str:
    found = fields.field(source(name), asked, table.fields, table.lists)
    if found is None:
        return "NULL"
    return f"({found.sql})[1]" if found.many else f"({found.sql})"


def _spans(rule: Correlation, groups: Sequence[str], slots: int) -> str:
    """SQL of detect_span: each sight, whether a span that fulfils the rule ends there, and the next such end."""
    part = f"PARTITION BY {', '.join(groups)} " if groups else ""
    back = f"({part}ORDER BY time RANGE BETWEEN to_seconds({rule.seconds}) PRECEDING AND CURRENT ROW)"
    known = "".join(f" AND {name} IS NOT NULL" for name in groups)
    seen = f"SELECT * FROM detect_sight WHERE time IS NOT NULL{known}"
    if rule.type == "temporal_ordered":
        measured = _in_order(rule, seen, part, slots)
    else:
        if rule.type != "temporal":
            seen = f"SELECT DISTINCT ON (event_id) * FROM ({seen}) ORDER BY event_id, slot"
        bounds = rule.condition or [(">=", float(slots))]
        metric = f"{_METRICS[rule.type].format(share=rule.percentile / 100)} OVER {back}"
        ends = " AND ".join(f"{metric} {sign} {number}" for sign, number in bounds)
        measured = f"SELECT *, {ends} AS ends FROM ({seen})"
    return f"""
CREATE OR REPLACE TEMP TABLE detect_span AS
SELECT *, min(CASE WHEN ends THEN time END) OVER (
  {part}ORDER BY time RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_end
FROM ({measured})"""


_METRICS = {
    "event_count": "count(*)",
    "value_count": "count(DISTINCT v)",
    "value_sum": "sum(TRY_CAST(v AS DOUBLE))",
    "value_avg": "avg(TRY_CAST(v AS DOUBLE))",
    "value_percentile": "quantile_cont(TRY_CAST(v AS DOUBLE), {share})",
    "value_median": "median(TRY_CAST(v AS DOUBLE))",
    "temporal": "count(DISTINCT slot)",
}


def _in_order(rule: Correlation, seen: str, part: str, slots: int) -> str:
    """The latest moment at which a chain of the first k rules began, carried from rule to rule: the last one ends it."""
    until = f"({part}ORDER BY time RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    sql = f"SELECT *, max(CASE WHEN slot = 0 THEN time END) OVER {until} AS b0 FROM ({seen})"
    for slot in range(1, slots - 1):
        sql = f"SELECT *, max(CASE WHEN slot = {slot} THEN b{slot - 1} END) OVER {until} AS b{slot} FROM ({sql})"
    last = max(slots - 2, 0)
    return f"SELECT *, slot = {slots - 1} AND coalesce(time - b{last} <= to_seconds({rule.seconds}), FALSE) AS ends FROM ({sql})"
