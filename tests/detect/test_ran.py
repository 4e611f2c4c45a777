"""Findings of rules and behaviours outlive a load; what has not looked is said; a finding tells what it goes by."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from shutil import copytree
from tempfile import mkdtemp

import pytest

from forensics import finding, kept_finding
from forensics.analysis import traces
from forensics.analysis.intrusion import Intrusion
from forensics.behaviour.report import Report
from forensics.case import Case
from forensics.detect import hits, ran
from forensics.detect.about import about
from forensics.export.hits import HITS, SHORT
from forensics.fitting import fitting
from forensics.timeline import Timeline
from forensics.views.findings import findings_figure
from forensics.views.timeline import timeline_figure
from tests.fresh import fresh_case
from tests.workload_worlds import KEY, ORDERS, add, in_scope, resolve
from tests.worlds import call, role, user

WHO = in_scope(role("orders-fn-role", "orders-fn", key=KEY), ORDERS)
ROLE = WHO["sessionContext"]["sessionIssuer"]["arn"]
CALLS = [call(WHO, at="09:00:00", eventID="a"), call(WHO, at="09:05:00", eventID="b"), call(user(), eventID="c")]
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m =cmd|calc $x$ %{y}"
RULE = ("k1", "Key made", "high", "A key was made.", ["T1098.001"], ["Administrators"], "iam-persistence", "rule.yml")
NEVER = "that none of their findings is here does not mean that nothing fired"


@cache
def resolved() -> Path:
    """A case of three calls, two of them with a function's key, resolved once."""
    path = Path(mkdtemp(prefix="ran-")) / "case"
    with fresh_case(path) as made:
        add(made.connection, "cloudtrail", CALLS)
        resolve(made.connection)
    return path


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """That case, for one test to write into."""
    copytree(resolved(), tmp_path / "case")
    with Case.open(tmp_path / "case", read_only=False) as made:
        yield made


def found(case: Case, *events: str, source: str = "sigma", title: str = "Key made", kind: str = "Key made") -> str:
    """One finding of a rule or behaviour that rests on those events, stored as a run stores it."""
    con = case.connection
    finding_id = "sigma:k1:0123" if source == "sigma" else f"{source}-1"
    hits.prepare(con)
    con.execute(
        "INSERT INTO hit BY NAME SELECT ? AS finding_id, ? AS title, ? AS type, 7.0 AS severity",
        [finding_id, title, kind],
    )
    con.executemany("INSERT INTO hit_evidence VALUES (?, ?, 'because')", [[finding_id, event] for event in events])
    run = ran.Ran(source, said="1 of its kind", findings=1)
    hits.store(con, source, lambda _: ran.remember(con, run, [RULE] if source == "sigma" else []))
    return finding_id


def load_again(case: Case) -> None:
    """What a load does to findings."""
    finding.resolve(case.connection)
    kept_finding.resolve(case.connection)


# What has not looked is said


def test_a_case_on_which_nothing_ran_says_that_nothing_found_means_nothing(case: Case) -> None:
    assert NEVER in ran.remark(case)
    assert "`forensics detect CASE`, `forensics behaviour CASE`" in ran.remark(case)
    assert ran.in_short(case) == "rules and behaviours not run"


def test_a_case_of_an_older_version_has_no_runs(case: Case) -> None:
    case.connection.execute("DROP TABLE detection_run")
    case.connection.execute("DROP TABLE detection_rule")
    assert NEVER in ran.remark(case)
    assert about(case, "sigma:k1:0", "sigma", "x") is not None


def test_what_ran_alone_leaves_the_other_to_be_said(case: Case) -> None:
    found(case, "a")
    assert ran.remark(case).startswith("behaviours were not run on this case")
    assert ran.facts(case)["rules"].endswith("UTC (1 of its kind)")
    Report(()).store(case)
    assert ran.in_short(case) == "behaviours not run on all of it"


def test_where_both_looked_at_all_nothing_is_said(case: Case) -> None:
    found(case, "a")
    found(case, "a", source="behaviour")
    assert ran.remark(case) == ran.in_short(case) == ""


# A load keeps what was found


def test_a_load_keeps_what_was_found_joins_it_anew_and_marks_it_as_of_before(case: Case) -> None:
    name = found(case, "a", "b")
    case.connection.execute("UPDATE finding SET workload = NULL, principal = 'arn:aws:iam::1:role/renamed'")
    load_again(case)
    row = case.sql("SELECT finding_id, principal, access_key_id, workload, title FROM finding").rows()
    assert row == [(name, ROLE, KEY, ORDERS, "Key made")]
    assert case.sql("SELECT event_id, why FROM finding_evidence ORDER BY 1").rows() == [
        ("a", "because"),
        ("b", "because"),
    ]
    assert "before records were last loaded, which they have not seen (`forensics detect CASE`)" in ran.remark(case)


def test_a_load_drops_a_finding_whose_records_are_gone_and_counts_those_left(case: Case) -> None:
    found(case, "a", "gone")
    load_again(case)
    assert case.sql("SELECT * FROM finding").rows() == case.sql("SELECT * FROM finding_evidence").rows() == []
    assert case.sql("SELECT findings, before_load FROM detection_run").rows() == [(0, True)]


def test_a_run_after_the_load_is_of_now(case: Case) -> None:
    found(case, "a")
    load_again(case)
    found(case, "a")
    assert "before records" not in ran.remark(case)


# What it goes by


def test_a_finding_of_a_rule_tells_the_rule_its_mistakes_and_what_is_next(case: Case) -> None:
    card = str(case.finding(found(case, "a")))
    for said in ("Key made (k1)", "A key was made.", "T1098.001", "Administrators", "forensics run iam-persistence"):
        assert said in card
    fits = {item.playbook.name for item in fitting(case, "sigma:k1:0123")}
    assert fits == {"guardduty-triage", "iam-persistence"}


def test_a_finding_of_a_behaviour_tells_its_question_reasons_and_playbook(case: Case) -> None:
    name = found(case, "a", source="behaviour", kind="Behaviour/new-manner")
    card = str(case.finding(name))
    for said in ("Does a principal suddenly call", "because", "T1078.004", "forensics run credential-theft"):
        assert said in card


def test_cards_of_principal_key_and_workload_list_it_with_who_found_it(case: Case) -> None:
    found(case, "a")
    for card in (case.principal(ROLE), case.credential(KEY), case.workload(ORDERS)):
        assert "found by" in str(card) and "Key made" in str(card)
        assert "Findings (behaviours not run)" in str(card)


def test_a_card_without_findings_says_what_that_means(case: Case) -> None:
    assert NEVER in str(case.workload(ORDERS))


# Timeline, figures, statements


def test_a_timeline_tells_what_cites_each_event(case: Case) -> None:
    found(case, "a")
    rows = Timeline(case).principal(ROLE).select(SHORT).rows()
    assert [row[6] for row in rows] == ["Key made", None]
    assert case.sql(HITS).rows() == [("a", ["Key made"])]


def test_figures_tell_rules_and_behaviours_apart_and_hostile_titles_are_text(case: Case) -> None:
    found(case, "a", title=HOSTILE, kind=HOSTILE)
    found(case, "b", source="behaviour", kind="Behaviour/new-manner")
    timeline, findings = timeline_figure(Timeline(case)), findings_figure(Timeline(case))
    assert timeline.layout.yaxis.ticktext[:2] == ("<b>rules</b> 1", "<b>behaviours</b> 1")
    symbols = [symbol for trace in findings.data if trace.marker.symbol for symbol in trace.marker.symbol if trace.x[0]]
    assert sorted(symbols) == ["circle", "triangle-up"]
    assert {trace.name for trace in findings.data} >= {"rule", "behaviour", "high"}
    assert "<img" not in timeline.to_json() + findings.to_json()


def test_a_figure_of_no_findings_says_that_nothing_ran(case: Case) -> None:
    assert "not run on this case" in findings_figure(Timeline(case)).layout.title.subtitle.text


def test_a_report_states_what_rules_and_behaviours_found_in_the_intrusion_and_cites_its_calls_alone(case: Case) -> None:
    found(case, "a", "c", title=HOSTILE)
    found(case, "b", source="behaviour", kind="Behaviour/new-manner")
    told = list(traces.findings(Intrusion(case, {KEY: ()})))
    assert [(item.title, item.certainty, item.technique) for item in told] == [
        (f"A rule: {HOSTILE}", "recorded", "T1098.001"),
        ("A behaviour: Key made", "inferred", "T1078.004"),
    ]
    assert [[at.event_id for at in item.evidence] for item in told] == [["a"], ["b"]]
    assert "It mistakes: Administrators." in told[0].statement
    assert "Because: because." in told[1].statement
    assert told[0].time == datetime(2026, 11, 5, 9)


def test_a_finding_of_other_credentials_is_not_of_the_intrusion(case: Case) -> None:
    found(case, "c")
    assert list(traces.findings(Intrusion(case, {KEY: ()}))) == []
