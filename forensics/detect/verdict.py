"""What is said of each rule of a run: fired, loaded, blind, inert, not convertible; and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from forensics.detect.convert import Rule, referenced
from forensics.detect.report import Outcome
from forensics.sources import source

if TYPE_CHECKING:
    from forensics.detect.run import Run

NAMED = 3
"""Sources that a reason names; of more it says how many."""

_LOGGED = """
WITH hour AS (
  SELECT hour, bool_or(status IN ('present', 'silent')) AS logged
  FROM coverage
  WHERE source = $source
    AND ($start IS NULL OR hour >= date_trunc('hour', CAST($start AS TIMESTAMP)))
    AND ($end IS NULL OR hour < CAST($end AS TIMESTAMP))
  GROUP BY hour
)
SELECT count_if(logged) AS logged, count(*) AS hours
FROM hour
"""

WHO = 3
"""Principals, or what else hits are put together by, that an outcome names."""

_HITS = """
WITH every AS (
  SELECT e.rule, e.event_id, e.time, e.together
  FROM detect_event AS e
  WHERE e.rule NOT IN (SELECT c.rule FROM detect_correlated AS c)
  UNION ALL
  SELECT c.rule, c.event_id, c.time, c.together
  FROM detect_correlated AS c
)
SELECT e.rule, count(DISTINCT e.event_id) AS hits, min(e.time) AS first, max(e.time) AS last,
  list_sort(list(DISTINCT e.together) FILTER (e.together <> ''))[1:$who] AS who,
  count(DISTINCT nullif(e.together, '')) AS whose
FROM every AS e
GROUP BY e.rule
"""


@dataclass(frozen=True)
class Hits:
    """What a rule matched, as `Outcome` has it."""

    hits: int
    first: datetime | None
    last: datetime | None
    who: tuple[str, ...]
    whose: int


def outcome(run: Run, number: int) -> Outcome:
    """What came of the rule at that place."""
    rule = run.rules[number]
    problem = rule.problem or run.problems.get(number, "")
    if problem:
        return Outcome(rule, "not convertible", 0, problem.removeprefix("not convertible: "))
    if of := run.hits.get(number):
        return Outcome(rule, "fired", of.hits, _said_of(run, number), of.first, of.last, of.who, of.whose)
    state, why = _quiet(run, number)
    return Outcome(rule, state, 0, why)


def _said_of(run: Run, number: int) -> str:
    out = run.left_out.get(number, 0)
    parts = [f"{out:,} allowed"] if out else []
    parts += ["counted by a correlation"] if number in run.silent else []
    return "; ".join(parts)


def _quiet(run: Run, number: int) -> tuple[str, str]:
    """Why a rule did not fire: inert, blind, or loaded."""
    rule = run.rules[number]
    if number in run.ungrouped:
        return "inert", run.ungrouped[number]
    if rule.kind == "filter":
        return _filter(run, rule)
    if rule.kind == "correlation":
        return _quiet_correlation(run, number)
    names = [item.source for item in rule.predicates]
    if not names:
        return "inert", f"no source of AWS has what its logsource {rule.logsource or '(none)'} means"
    if not any(run.rows.get(name) for name in names):
        return _unlogged(run, names)
    gone = [] if number in run.able else list(dict.fromkeys(run.inert.get(number, [])))
    if gone and number not in run.concerned:
        return "inert", f"no record has {', '.join(gone)}"
    if gone:
        return "inert", f"no record it concerns has {', '.join(gone)}"
    return _could(run, number, names)


def _could(run: Run, number: int, names: Sequence[str]) -> tuple[str, str]:
    parts = [f"{run.left_out[number]:,} allowed"] if run.left_out.get(number) else []
    parts += [] if run.concerned.get(number) else ["no such call in this case"]
    hours = {name: _hours(run, name) for name in names if run.rows.get(name)}
    if hours and all(every and not logged for logged, every in hours.values()):
        return "blind", f"{_and(list(hours))} was not logged in the window"
    if some := {name: logged for name, (logged, every) in hours.items() if logged < every}:
        most = "" if len(some) == 1 else "at most "
        every = max(every for _, every in hours.values())
        parts.append(f"records of {_and(list(some))} in {most}{max(some.values()):,} of {every:,} hours")
    return "loaded", "; ".join(parts)


def _and(names: Sequence[str]) -> str:
    """Some names in a few words."""
    return ", ".join(names) if len(names) <= NAMED else f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"


def _unlogged(run: Run, names: Sequence[str]) -> tuple[str, str]:
    held = [name for name in names if run.con.execute(f'SELECT 1 FROM "{source(name).name}" LIMIT 1').fetchall()]
    if held:
        return "blind", f"{', '.join(held)} was not logged in the window"
    return "inert", f"the case has no records of {', '.join(names)}"


def _hours(run: Run, name: str) -> tuple[int, int]:
    """Hours of the window in which a source was logged, and in all; (0, 0) where coverage says nothing."""
    if name not in run.hours:
        window = {"source": name, "start": run.window[0], "end": run.window[1]}
        ((logged, hours),) = run.con.execute(_LOGGED, window).fetchall()
        run.hours[name] = int(logged or 0), int(hours or 0)
    return run.hours[name]


def counted(run: Run) -> dict[int, Hits]:
    """What each rule matched, of those that matched; of a correlation, the events of the spans that fulfil it."""
    found = run.con.execute(_HITS, {"who": WHO}).fetchall()
    return {
        int(rule): Hits(int(hits), first, last, tuple(item.replace(chr(31), ", ") for item in who or ()), int(whose))
        for rule, hits, first, last, who, whose in found
    }


def _filter(run: Run, rule: Rule) -> tuple[str, str]:
    known = referenced(run.rules)
    named = [known[name].title for name in rule.filters or () if name in known]
    if rule.filters and not named:
        return "inert", "a filter of rules that are not there"
    return "loaded", f"a filter of {', '.join(named) if rule.filters else 'every rule of its logsource'}"


def _quiet_correlation(run: Run, number: int) -> tuple[str, str]:
    slots = run.slots(number)
    every = [_quiet(run, slot) for slot in (slots if not isinstance(slots, str) else ()) if not run.hits.get(slot)]
    said = run.rules[number].correlation
    needs_all = said is not None and said.type in ("temporal", "temporal_ordered")
    bad = [(state, why) for state, why in every if state in ("inert", "blind")]
    if bad and (needs_all or len(bad) == len(slots)):
        return bad[0]
    return "loaded", ""
