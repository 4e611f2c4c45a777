"""Rules run over a case: what each matched, as findings, and for each that did not, whether it could have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from forensics import event
from forensics.detect import allow, hits, pipelines, ran, verdict, windows
from forensics.detect.convert import Predicate, Rule, converted, referenced
from forensics.detect.report import Detection, summed
from forensics.detect.rules import OWN, files
from forensics.detect.scan import MATCH, Asked, Scan
from forensics.detect.statements import statements
from forensics.detect.statements.run import match
from forensics.errors import UsageError
from forensics.sources import source
from forensics.timeline import Moment, parse_time

if TYPE_CHECKING:
    from forensics.case import Case

SOURCE = "sigma"
"""`source` of the findings of rules."""
SESSIONS = 20
"""A principal's hits are told apart by session where a rule has so many sessions of it or fewer."""


def detect(
    case: Case,
    rules: Sequence[str | Path] = (),
    *,
    allowed: str | Path | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    cache: Path | None = None,
) -> Detection:
    """Run Sigma rules (files, folders, zips; none: our own) over a case; its `finding` rows of source sigma are replaced.

    Raises UsageError: the case is open for reading only, nothing is at a path, pySigma is not installed.
    """
    if case.read_only:
        raise UsageError("rules write findings: open the case with Case.open(path, read_only=False)")
    if case.sql("SELECT 1 FROM case_info WHERE key = 'resolution_stale'").rows():
        raise UsageError("the case has records that are not resolved: run `forensics load` first")
    known = _told_apart([*converted(files(rules or [OWN]), cache), *([] if rules else _statements())])
    lists = allow.read(allowed) if allowed else []
    window = (parse_time(start) if start is not None else None, parse_time(end) if end is not None else None)
    return Run(case.connection, known, lists, window).all()


def _statements() -> list[Rule]:
    return [item.rule for item in statements().values()]


def _told_apart(rules: Sequence[Rule]) -> list[Rule]:
    """Of rules with one id the first holds."""
    first: dict[str, Rule] = {}
    found = []
    for rule in rules:
        if rule.id and not rule.problem and first.setdefault(rule.id, rule) is not rule:
            found.append(replace(rule, problem=f"its id is already that of {first[rule.id].place}"))
        else:
            found.append(rule)
    return found


@dataclass
class Run:
    """One run; rules are known by their place in the list.

    `inert`: fields for want of which a rule cannot match in a source; `able`: rules that could in another.
    """

    con: duckdb.DuckDBPyConnection
    rules: list[Rule]
    allowed: Sequence[allow.Allowed]
    window: tuple[datetime | None, datetime | None]
    problems: dict[int, str] = field(default_factory=dict)
    inert: dict[int, list[str]] = field(default_factory=dict)
    able: set[int] = field(default_factory=set)
    ungrouped: dict[int, str] = field(default_factory=dict)
    concerned: dict[int, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    left_out: dict[int, int] = field(default_factory=dict)
    hits: dict[int, verdict.Hits] = field(default_factory=dict)
    hours: dict[str, tuple[int, int]] = field(default_factory=dict)

    def all(self) -> Detection:
        """Every step in order."""
        for statement in (MATCH, windows.MATCHED, windows.CORRELATED):
            self.con.execute(statement)
        for name in pipelines.by_source():
            self._scan(name)
        match(self)
        self._who()
        for number in self._in_order_of_reference():
            self._correlate(number)
        self.hits = verdict.counted(self)
        outcomes = tuple(verdict.outcome(self, number) for number in range(len(self.rules)))
        found = Detection(outcomes, self._store(summed(outcomes)))
        for table in ("detect_match", "detect_event", "detect_correlated", "detect_rule"):
            self.con.execute(f"DROP TABLE IF EXISTS temp.{table}")
        return found

    # What matched

    def _scan(self, name: str) -> None:
        scan = Scan(self.con, source(name), pipelines.by_source()[name], *self.window)
        self.rows[name] = scan.rows()
        if not self.rows[name]:
            return
        columns = scan.columns()
        asked = []
        for number, predicate in self._over(name):
            lacks = {key for key, column in predicate.columns.items() if column not in columns}
            lacks |= {key for key, sql in predicate.fields.items() if not sql}
            if gone := _missing(predicate, lacks):
                self.inert.setdefault(number, []).extend(gone)
            else:
                asked.append((predicate, self._asked(number, predicate)))
        scan.run([item for _, item in asked])
        self._note(scan, asked)
        scan.close()

    def _over(self, name: str) -> Iterable[tuple[int, Predicate]]:
        for number, rule in enumerate(self.rules):
            if rule.kind == "rule" and not rule.problem:
                yield from ((number, item) for item in rule.predicates if item.source == name)

    def _asked(self, number: int, predicate: Predicate) -> Asked:
        """A rule's SQL and that of the filters that name it."""
        rule = self.rules[number]
        filters = [
            item
            for other in self.rules
            if other.kind == "filter"
            and not other.problem
            and (not other.filters or {rule.id, rule.name} & set(other.filters))
            for item in other.predicates
            if item.source == predicate.source
        ]
        filtered = "".join(f" AND ({item.sql})" for item in filters)
        lifted = frozenset(path for item in filters for path in _paths(item).values())
        sql, rest = f"({predicate.sql}){filtered}", f"({predicate.rest}){filtered}"
        return Asked(number, sql, predicate.narrow, rest, _paths(predicate), lifted)

    def _note(self, scan: Scan, asked: Sequence[tuple[Predicate, Asked]]) -> None:
        self.problems |= scan.errors
        fired = {int(row[0]) for row in self.con.execute("SELECT DISTINCT rule FROM detect_match").fetchall()}
        quiet = [(predicate, item) for predicate, item in asked if item.number not in fired | scan.errors.keys()]
        lacking = scan.lacking([item for _, item in quiet])
        for predicate, item in asked:
            if gone := _missing(predicate, lacking.get(item.number, set())):
                self.inert.setdefault(item.number, []).extend(gone)
            else:
                self.able.add(item.number)
            concerned = len(scan.kinds[item.number]) if item.number in scan.kinds else 1
            self.concerned[item.number] = self.concerned.get(item.number, 0) + concerned

    def _who(self) -> None:
        """Who made each match, with the allowed left out."""
        for (name,) in self.con.execute("SELECT DISTINCT source FROM detect_match ORDER BY 1").fetchall():
            together = pipelines.by_source()[name].group
            self.con.execute(
                f"""
CREATE OR REPLACE TEMP TABLE detect_who AS
SELECT m.rule, '{name}' AS source, e.object_id, e.record, e.event_id, e.time, e.principal, e.session, e.source_ip, e.user_agent,
  coalesce(e.principal, {together}, '') AS together
FROM ({event.select(source(name))}) AS e
JOIN detect_match AS m ON m.object_id = e.object_id AND m.record = e.record
WHERE m.source = '{name}'"""
            )
            self._allow()
            self.con.execute(
                "INSERT INTO detect_event SELECT rule, source, object_id, record, event_id, time, principal, session, together FROM detect_who"
            )
            self.con.execute("DROP TABLE temp.detect_who")

    def _allow(self) -> None:
        for item in self.allowed:
            condition, values = item.condition()
            named = [
                n
                for n, rule in enumerate(self.rules)
                if not item.rules or {rule.id, rule.name, rule.title} & set(item.rules)
            ]
            values["rules"] = named
            where = f"list_contains($rules, w.rule) AND {condition}"
            for rule, count in self.con.execute(
                f"SELECT w.rule, count(*) FROM detect_who AS w WHERE {where} GROUP BY w.rule", values
            ).fetchall():
                self.left_out[rule] = self.left_out.get(rule, 0) + count
            self.con.execute(f"DELETE FROM detect_who AS w WHERE {where}", values)

    # Correlations

    @cached_property
    def places(self) -> dict[str, int]:
        """The places of the rules by id and by name."""
        places = {id(rule): place for place, rule in enumerate(self.rules)}
        return {name: places[id(rule)] for name, rule in referenced(self.rules).items()}

    def slots(self, number: int) -> list[int] | str:
        """The places of the rules a correlation refers to; or why it cannot."""
        said = self.rules[number].correlation
        if said and self.rules[number].kind == "rule":
            return [number]
        gone = [name for name in (said.rules if said else ()) if name not in self.places]
        if gone or not said or not said.rules:
            return f"it refers to rules that are not there: {', '.join(gone)}" if gone else "it refers to no rules"
        return [self.places[name] for name in said.rules]

    def _in_order_of_reference(self) -> list[int]:
        """Rules that count themselves, then correlations, each after those it refers to; those in a circle are problems."""
        every = [(n, rule) for n, rule in enumerate(self.rules) if rule.correlation and not rule.problem]
        ordered = [number for number, rule in every if rule.kind == "rule" and number not in self.problems]
        waiting = [number for number, rule in every if rule.kind == "correlation"]
        while waiting:
            ready = []
            for number in waiting:
                slots = self.slots(number)
                if isinstance(slots, str) or not set(slots) & set(waiting):
                    ready.append(number)
            if not ready:
                self.problems |= dict.fromkeys(
                    waiting, "not convertible: correlations that refer to each other in a circle"
                )
                return ordered
            ordered += ready
            waiting = [number for number in waiting if number not in ready]
        return ordered

    def _correlate(self, number: int) -> None:
        said, slots = self.rules[number].correlation, self.slots(number)
        if isinstance(slots, str) or said is None:
            self.problems[number] = f"not convertible: {slots}"
            return
        broken = [self.rules[slot].title for slot in slots if self.rules[slot].problem or slot in self.problems]
        if broken:
            self.problems[number] = f"not convertible: a rule it refers to is not: {', '.join(broken)}"
            return
        lacking = windows.correlate(self.con, number, said, [(slot, self.rules[slot]) for slot in slots])
        if lacking:
            self.ungrouped[number] = lacking

    @cached_property
    def silent(self) -> set[int]:
        """Rules that only correlations speak for: a correlation refers to them and does not say `generate: true`."""
        silent: set[int] = set()
        for number, rule in enumerate(self.rules):
            slots = self.slots(number) if rule.correlation and number not in self.problems else ""
            if not isinstance(slots, str) and rule.correlation and not rule.correlation.generate:
                silent |= set(slots) - {number}
        return silent

    # Findings

    def _store(self, said: str) -> dict[int, int]:
        """Hits become findings, and it is kept that rules ran; gives how many findings of each rule."""
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE detect_rule (rule INTEGER, key VARCHAR, title VARCHAR, severity DOUBLE)"
        )
        spoken = [n for n, rule in enumerate(self.rules) if rule.kind != "filter" and n not in self.silent]
        rows = [[n, self.rules[n].key, self.rules[n].title, self.rules[n].severity] for n in spoken]
        if rows:
            self.con.executemany("INSERT INTO detect_rule VALUES (?, ?, ?, ?)", rows)
        hits.prepare(self.con)
        for statement in (_GROUPED, _HIT, _HIT_EVIDENCE):
            self.con.execute(statement, {"sessions": SESSIONS} if statement is _GROUPED else None)
        counted = self.con.execute(
            "SELECT rule, count(DISTINCT finding_id) FROM detect_grouped GROUP BY rule"
        ).fetchall()
        part = any(moment is not None for moment in self.window)
        told = [_about(self.rules[int(rule)]) for rule, _ in counted]
        hits.store(
            self.con,
            SOURCE,
            lambda count: ran.remember(self.con, ran.Ran(SOURCE, said=said, findings=count, part=part), told),
        )
        self.con.execute("DROP TABLE temp.detect_grouped")
        return {int(rule): int(count) for rule, count in counted}


def _about(rule: Rule) -> list[object]:
    """A row of `detection_rule` after `source`."""
    place = Path(rule.place)
    named = f"{place.name} of this package" if place.parent == OWN else rule.place
    who = [rule.key, rule.title, rule.level or None, rule.description or None, rule.techniques]
    return [*who, rule.false_positives, rule.playbook or None, named]


def _missing(predicate: Predicate, lacks: set[str]) -> list[str]:
    from forensics.detect.backend import missing

    return missing(predicate.needs, dict.fromkeys(lacks, False))


def _paths(predicate: Predicate) -> dict[str, str]:
    return {name: sql for name, sql in predicate.fields.items() if sql and name not in predicate.columns}


_GROUPED = """
CREATE OR REPLACE TEMP TABLE detect_grouped AS
WITH told AS (
  SELECT e.rule, e.together, count(DISTINCT e.session) AS sessions
  FROM detect_event AS e
  GROUP BY e.rule, e.together
), apart AS (
  SELECT e.rule, e.event_id, e.time, e.principal, e.together,
    CASE WHEN t.sessions <= $sessions THEN coalesce(e.session, '') ELSE '' END AS session
  FROM detect_event AS e
  JOIN told AS t ON t.rule = e.rule AND t.together = e.together
  WHERE e.rule NOT IN (SELECT c.rule FROM detect_correlated AS c)
  UNION ALL
  SELECT c.rule, c.event_id, c.time, NULL AS principal, c.together, '' AS session
  FROM detect_correlated AS c
)
SELECT a.rule, a.event_id, a.time, a.principal, r.title, r.severity,
  'sigma:' || r.key || ':' || substr(md5(concat_ws(chr(30), a.together, a.session)), 1, 16) AS finding_id
FROM apart AS a
JOIN detect_rule AS r ON r.rule = a.rule
"""

_HIT = """
INSERT INTO hit BY NAME
SELECT finding_id, min(title) AS type, min(severity) AS severity, min(time) AS time, max(time) AS end_time,
  CASE WHEN count(DISTINCT principal) = 1 THEN min(principal) END AS principal,
  min(title) || CASE WHEN count(DISTINCT event_id) > 1 THEN format(' ({:,} events)', count(DISTINCT event_id)) ELSE '' END AS title
FROM detect_grouped
GROUP BY finding_id
"""

_HIT_EVIDENCE = """
INSERT INTO hit_evidence
SELECT finding_id, event_id, title AS why
FROM detect_grouped
ORDER BY finding_id, time, event_id
"""
