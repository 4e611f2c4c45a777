"""A state of the explorer is a Timeline, and code that makes the same one."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.case import Case
from forensics.errors import UnknownName, UsageError
from forensics.explorer import State
from forensics.explorer.filters import KINDS, Filter
from forensics.explorer.index import Index
from forensics.explorer.state import _literal
from forensics.explorer.trail import Trail
from forensics.timeline import Timeline
from tests.explorer.world import BUCKET, DENIED, FINDING, HOSTILE, KEY, OUTSIDE, READS, ROLE, SESSION
from tests.workload_worlds import ORDERS

VALUES: dict[str, str | None] = {
    "principal": ROLE,
    "session": SESSION,
    "access_key": KEY,
    "workload": ORDERS,
    "resource": BUCKET,
    "address": OUTSIDE,
    "source": "vpc_flow",
    "outcome": "denied",
    "account": "111122223333",
    "region": "us-east-1",
    "service": "s3",
    "action": "s3:GetObject",
    "user_agent": "aws-cli/2.31",
    "certainty": "recorded",
    "finding": FINDING,
    "found": "yes",
    "event": "read-0",
    "text": "AWS-cli",
    "tag": "exfil",
}
STATES = [
    State().narrow(kind, value, excluded=excluded) for kind, value in VALUES.items() for excluded in (False, True)
]
STATES += [State().narrow(kind, None) for kind in ("principal", "outcome", "certainty", "user_agent", "access_key")]
STATES += [State().narrow(kind, None, excluded=True) for kind in ("principal", "outcome", "certainty")]
STATES += [State().narrow("source", "vpc_flow").narrow("source", "guardduty").narrow("outcome", "accept")]
STATES += [
    State().narrow("address", OUTSIDE).narrow("address", HOSTILE).between("2026-11-05T09:12", "2026-11-05T09:31")
]
STATES += [State().between("2026-11-05T09:00", None), State()]


def ids(timeline: Timeline) -> list[str]:
    return [row[0] for row in timeline.rows()]


def run(code: str, case: Case) -> Any:
    """What a cell with that code gives: the value of its last line."""
    *before, last = code.rsplit("\n", 1) if code.endswith("timeline.df()") else ("", code)
    names: dict[str, Any] = {"case": case}
    exec("\n".join(before), names)
    return eval(last, names)


def test_there_is_a_state_of_every_kind() -> None:
    assert set(VALUES) == set(KINDS)


@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_events_in_memory_are_those_of_the_timeline(state: State, case: Case, index: Index) -> None:
    index.show(state)
    shown = index.rows(f"SELECT e.event_id FROM {index.shown} AS s JOIN event AS e ON e.rowid = s.n ORDER BY s.n")
    assert [row[0] for row in shown] == ids(state.timeline(case))


@pytest.mark.parametrize("state", STATES, ids=str)
def test_its_code_run_in_a_cell_gives_the_same_events(state: State, case: Case) -> None:
    assert list(run(state.code(case), case)["event_id"]) == ids(state.timeline(case))


@pytest.mark.parametrize("state", STATES[::3], ids=str)
def test_its_statement_run_in_a_cell_gives_the_same_events(state: State, case: Case) -> None:
    names: dict[str, Any] = {"case": case}
    head, _, call = state.sql_code(case).rpartition("case.sql(")
    exec(head, names)
    assert list(eval(f"case.sql({call}", names)["event_id"]) == ids(state.timeline(case))


def test_code_says_in_the_methods_of_a_timeline_what_they_can_say(case: Case) -> None:
    state = State().narrow("workload", ORDERS).narrow("source", "cloudtrail").between("2026-11-05T09:00", None)
    assert state.code(case) == (
        "from forensics import Timeline\n\ntimeline = (\n    Timeline(case)\n"
        f"    .workload('{ORDERS}')\n    .source('cloudtrail')\n    .between('2026-11-05T09:00:00', None)\n)\ntimeline.df()"
    )


@given(st.text())
def test_any_text_is_written_so_that_python_reads_it_back(text: str) -> None:
    assert eval(_literal(text)) == text


def test_hostile_text_stays_one_value_in_the_code(case: Case) -> None:
    state = State().narrow("address", HOSTILE)
    assert len(run(state.code(case), case)) == 1


def test_values_of_one_kind_are_alternatives_and_kinds_narrow_each_other(case: Case) -> None:
    both = State().narrow("action", "s3:GetObject").narrow("action", "iam:ListUsers")
    assert both.timeline(case).count() == READS + DENIED
    assert both.narrow("outcome", "denied").timeline(case).count() == DENIED


def test_leaving_a_value_out_keeps_the_events_that_state_none(case: Case) -> None:
    kept = State().narrow("outcome", "success", excluded=True).timeline(case)
    assert FINDING in ids(kept)
    assert "read-0" not in ids(kept)


def test_a_value_that_was_wanted_is_left_out_when_that_is_chosen() -> None:
    state = State().narrow("source", "cloudtrail").narrow("source", "cloudtrail", excluded=True)
    assert state.filters == (Filter("source", "cloudtrail", excluded=True),)
    assert state.drop("source", "cloudtrail") == State()


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(UsageError, match="the window is empty"):
        State().between("2026-11-05T10:00", "2026-11-05T09:00")


def test_a_name_that_is_not_in_the_case_is_refused(case: Case) -> None:
    with pytest.raises(UnknownName, match="no workload named 'nothing'"):
        State().narrow("workload", "nothing").timeline(case)


def test_there_is_no_filter_of_a_kind_that_nobody_knows() -> None:
    with pytest.raises(ValueError, match="no filter of kind 'colour'; there are: principal,"):
        State().narrow("colour", "red")


def test_what_is_asked_of_coverage_is_of_the_accounts_and_regions_chosen(case: Case) -> None:
    state = State().narrow("account", "111122223333").narrow("region", "us-east-1").between("2026-11-05", "2026-11-06")
    scope = state.timeline(case).scope
    assert (scope.accounts, scope.regions) == (("111122223333",), ("us-east-1",))
    assert scope.start == datetime(2026, 11, 5)


def test_back_and_forward_go_through_the_states_and_a_new_one_forgets_what_lay_ahead() -> None:
    first, second, third = State(), State().narrow("source", "cloudtrail"), State().narrow("source", "vpc_flow")
    trail = Trail((first,)).to(second)
    assert trail.back().state == first
    assert trail.back().forward().state == second
    assert not trail.back().back().has_before
    assert not trail.back().to(third).has_after
    assert trail.to(second) is trail
