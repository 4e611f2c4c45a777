"""Every behaviour keeps the same promises; what they find is told, stored and bounded; what they cannot look at is said."""

import json
import re
from pathlib import Path

import pytest

from forensics import cli
from forensics.analysis import triage
from forensics.attack import current
from forensics.behaviour import Behaviour, behaviour, behaviours, find
from forensics.behaviour.behaviour import COLUMNS, EVIDENCE
from forensics.case import Case
from forensics.errors import UnknownName
from forensics.playbook import playbooks
from forensics.sources import sources
from forensics.timeline import Timeline
from forensics.views.involved import findings_of
from tests.behaviour.behaviour_worlds import ELSEWHERE, LINUX, clock, denied, flow, from_where, morning, traffic, world
from tests.fresh import fresh_case
from tests.worlds import Record, user

HERE = Path(__file__).parent
ALL = list(behaviours().values())
each = pytest.mark.parametrize("item", ALL, ids=lambda item: item.name)

NOT_PORTABLE = re.compile(
    r"GROUP BY ALL|ORDER BY ALL|time_bucket|ASOF|BY NAME|UNION\s+SELECT|lambda|list_filter|list_transform|QUALIFY|EXCLUDE"
    r"|DISTINCT ON|\bLIMIT\b|struct_pack|\bFILTER\b|quantile|\bmedian\(|//|approx_|to_(?:hours|days|seconds)\(|->"
)
"""Words of DuckDB that are outside the subset of the analysis SQL, or vary from run to run."""

DEV = user()
HOSTILE = "<b>x</b>\x1b[31m=cmd|' /C calc'!A0'); DROP TABLE finding; --"


def intruder(
    agent: str = LINUX, address: str = ELSEWHERE, names: tuple[str, ...] = ("iam:ListUsers", "iam:CreateUser")
) -> list[Record]:
    return [
        from_where(DEV, name, clock(20 * place, start="09:00:30"), address, agent) for place, name in enumerate(names)
    ]


# The contract


@each
def test_a_behaviour_is_documented(item: Behaviour) -> None:
    assert item.question.endswith("?")
    assert item.severity[0].isdigit() or item.severity.startswith("journeys")
    assert all(text.endswith(".") for text in item.false_positives) and item.false_positives
    assert re.fullmatch(r"T\d{4}(\.\d{3})?", item.technique)
    assert item.technique == current(item.technique)
    assert item.playbook in playbooks()
    assert set(item.sources) | set(item.instead) <= sources().keys()


@each
def test_every_constant_is_named_reasoned_and_used(item: Behaviour) -> None:
    named = [constant.name for constant in item.constants]
    assert len(set(named)) == len(named)
    assert all(constant.why for constant in item.constants)
    used = set(re.findall(r"\$(\w+)", item.sql))
    assert used == set(item.values)
    assert bool(item.past) == ("past_hours" in used)


@each
def test_a_statement_keeps_to_the_portable_subset(item: Behaviour) -> None:
    assert NOT_PORTABLE.findall(item.sql) == []
    assert not re.search(r"SELECT\s+\*", item.sql)


@each
def test_a_statement_cites_no_more_records_than_are_kept_and_is_ordered(item: Behaviour) -> None:
    assert "ORDER BY" in item.sql.rstrip().splitlines()[-1]
    assert "$evidence" in item.sql or item.name in ("new-actions", "impossible-place")


@each
def test_a_behaviour_runs_on_an_empty_case_and_gives_the_columns_of_a_hit(item: Behaviour, empty: Case) -> None:
    empty.connection.execute(
        "CREATE OR REPLACE TEMP TABLE known_place (address VARCHAR, latitude DOUBLE, longitude DOUBLE, place VARCHAR, of_aws BOOLEAN, network VARCHAR)"
    )
    described = empty.connection.execute(item.sql, dict(item.values)).description
    assert tuple(column[0] for column in described or ()) == COLUMNS
    assert empty.connection.execute(item.sql, dict(item.values)).fetchall() == []


@each
def test_a_behaviour_has_a_test_in_which_it_fires_and_one_in_which_it_nearly_does(item: Behaviour) -> None:
    texts = [path.read_text("utf-8") for path in HERE.glob("test_*.py")]
    tried = [line for text in texts for line in re.findall(rf'.*"{item.name}".*', text)]
    assert [line for line in tried if "(hit,)" in line or "found = hits" in line]
    assert [line for line in tried if "== []" in line or "found = hits" in line]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return fresh_case(tmp_path_factory.mktemp("empty") / "case")


# What could not be looked at


def test_without_its_source_a_behaviour_says_so(empty: Case) -> None:
    looked = {item.behaviour.name: item for item in find(empty).looked}
    assert looked.keys() == behaviours().keys()
    assert {item.state for item in looked.values()} == {"no records"}
    assert looked["beacon"].why == "the case holds no records of vpc_flow"
    assert looked["denials"].why == "the case holds no records of cloudtrail, eks_audit"


def test_without_enough_past_a_behaviour_says_so_and_finds_nothing(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[*morning(hours=1), *intruder()[:1]]) as case:
        (looked,) = find(case, ["new-manner"]).looked
    assert (looked.state, looked.hits) == ("not enough past", ())
    assert looked.why == "2 hours of cloudtrail held; a hit needs 2 hours before it"


def test_hours_that_are_not_in_the_logs_are_said_and_lower_the_severity(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[*morning(), *intruder()]) as case:
        (before,) = find(case, ["new-manner"]).hits
        case.connection.execute(
            "UPDATE coverage SET status = 'missing', records = 0 WHERE hour = TIMESTAMP '2026-11-05 06:00:00'"
        )
        (looked,) = find(case, ["new-manner"]).looked
        (hit,) = looked.hits
    assert hit.severity == before.severity - 1
    assert "of the hours before, 1 are not in the logs: it may have been so there" in hit.reasons
    assert looked.why.startswith("1 hour of cloudtrail not in the logs: what was then is not known")


def test_an_unknown_name_is_refused_with_those_that_there_are(empty: Case) -> None:
    with pytest.raises(UnknownName, match="no behaviour named 'beacons'; known: beacon, denials"):
        find(empty, ["beacons"])


# What is found


def test_hits_come_as_a_table_the_most_severe_first(tmp_path: Path) -> None:
    tried = [denied(DEV, name, clock(20 * place, start="09:30:30")) for place, name in enumerate(("a:B", "c:D", "e:F"))]
    with world(tmp_path, cloudtrail=[*morning(), *intruder(), *tried]) as case:
        frame = find(case, ["denials", "new-manner"]).df()
    assert list(frame["behaviour"]) == ["new-manner", "denials"]
    assert frame["severity"].is_monotonic_decreasing
    assert frame["reasons"][0][0].startswith("first call from 203.0.113.77")


def test_hits_are_stored_as_findings_with_their_evidence_and_replace_those_before(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[*morning(), *intruder()]) as case:
        report = find(case)
        assert report.store(case) == report.store(case) == len(report.hits)
        rows = case.sql("SELECT source, type, severity, principal, access_key_id FROM finding").rows()
        assert ("behaviour", "Behaviour/new-manner", 7.0, DEV["arn"], "AKIAEXAMPLEDEV") in rows
        cited = case.sql("SELECT f.why FROM finding_evidence AS f JOIN event AS e ON e.event_id = f.event_id").rows()
        assert "new client: aws-cli on Linux" in str(cited)
        assert "Behaviour/new-manner" in {item.type for item in findings_of(Timeline(case))}
        assert "Behaviour/new-manner" in str(
            case.finding(next(hit.finding_id for hit in report.hits if hit.severity == 7))
        )


def test_a_playbook_that_cites_such_a_finding_cites_the_records_it_rests_on(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[*morning(), *intruder()]) as case:
        object_id = case.sql("SELECT object_id FROM cloudtrail LIMIT 1").rows()[0][0]
        case.connection.execute(
            "INSERT INTO evidence (object_id, uri, sha256, size, acquired_at, status)"
            " VALUES (?, 'a/b.json', 'abc', 1, TIMESTAMP '2026-11-05', 'loaded')",
            [object_id],
        )
        report = find(case, ["new-manner"])
        report.store(case)
        (hit,) = report.hits
        (stated,) = (
            item for item in triage.investigate(case, finding_id=hit.finding_id).statements if item.id == "finding-01"
        )
    assert {place.event_id for place in stated.evidence} == set(hit.evidence_event_ids)


def test_a_hit_has_the_same_id_whenever_it_is_found(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[*morning(), *intruder()]) as case:
        first, second = (find(case, ["new-manner"]).hits[0].finding_id for _ in range(2))
    assert first == second


def test_what_a_hit_cites_is_bounded_and_counted(tmp_path: Path) -> None:
    beats = [flow(7200 + 60 * place, source=50_000 + place) for place in range(3 * EVIDENCE)]
    with world(tmp_path, vpc_flow=[*traffic(6), *beats]) as case:
        (hit,) = find(case, ["beacon"]).hits
    assert (len(hit.evidence_event_ids), hit.evidence_count) == (EVIDENCE, 3 * EVIDENCE)


def test_hostile_text_of_logs_stays_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    visit = intruder(agent=HOSTILE, names=("iam:ListUsers", f"iam:{HOSTILE}"))
    with world(tmp_path, cloudtrail=[*morning(), *visit]) as case:
        find(case).store(case)
        path = case.path
    assert cli.main(["behaviour", str(path), "--no-store"]) == 0
    printed = capsys.readouterr().out
    assert "<b>x<" in printed and "\x1b" not in printed
    assert cli.main(["behaviour", str(path), "new-manner", "--format", "csv"]) == 0
    assert "\x1b" not in capsys.readouterr().out


# The command


def test_the_command_lists_what_each_found_stores_it_and_prints_the_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with world(tmp_path, cloudtrail=[*morning(), *intruder()]) as case:
        path = str(case.path)
    assert cli.main(["behaviour", path]) == 0
    printed = capsys.readouterr().out
    assert "beacon            no records (the case holds no records of vpc_flow)" in printed
    assert "new-manner        1 found, 1 of severity 5 or more" in printed
    assert "7  new-manner: from 203.0.113.77, with aws-cli on Linux, 2 actions it never did before" in printed
    assert "   - nobody else called from there before" in printed
    assert "stored as findings of source behaviour" in printed
    assert (
        cli.main(["sql", path, "SELECT count(*) AS n FROM finding WHERE source = 'behaviour'", "--format", "json"]) == 0
    )
    assert json.loads(capsys.readouterr().out)[0]["n"] >= 1


def test_named_behaviours_only_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(tmp_path, cloudtrail=[*morning(), *intruder()]) as case:
        path = str(case.path)
    assert cli.main(["behaviour", path, "new-manner", "--format", "jsonl"]) == 0
    (hit,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (hit["behaviour"], hit["evidence_count"]) == ("new-manner", 2)
    assert cli.main(["sql", path, "SELECT count(*) AS n FROM finding", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["n"] == 0


def test_the_command_tells_what_a_behaviour_compares_with_and_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["behaviour", str(tmp_path), "--about"]) == 0
    printed = capsys.readouterr().out
    assert all(f"{item.name}\n    asks " in printed for item in ALL)
    assert all(f"{constant.name} = " in printed for item in ALL for constant in item.constants)


def test_a_wrong_name_or_no_case_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["behaviour", str(tmp_path), "beacons"]) == 2
    assert cli.main(["behaviour", str(tmp_path)]) == 2
    assert "no behaviour named 'beacons'" in capsys.readouterr().err


def test_the_behaviour_of_a_name_is_that_of_the_registry() -> None:
    assert behaviour("beacon").type == "Behaviour/beacon"
