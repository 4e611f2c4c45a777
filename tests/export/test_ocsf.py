"""OCSF: every row is as the published schema has its class, nothing is lost unseen, and our own source reads it back."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from forensics.case import Case
from forensics.errors import UsageError
from forensics.evidence import add as add_evidence
from forensics.export import Exported
from forensics.export.format import UNTIMED
from forensics.export.ocsf import VERSION
from forensics.export.ocsf.classes import classes
from forensics.export.ocsf.schema import OcsfClass
from forensics.load import load
from forensics.raw import raw_record
from forensics.simulate import scenarios
from forensics.sources import sources
from forensics.timeline import Timeline
from tests.export.ocsf_check import Row, published, refusals, rows, validator
from tests.simulate.cases import incident
from tests.worlds import add, call, role, user

OF_SPECIMENS = [kind.file for kind in classes() if kind.name != "authentication"]
"""Files of the specimens' export: none is of a sign-in."""
NAMES = {2004, 3002, 4001, 4002, 4003, 6003}


@pytest.fixture(scope="module")
def exported(specimens: Timeline, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """All specimens of all sources, as OCSF, with their raw records."""
    return specimens.export(tmp_path_factory.mktemp("ocsf") / "out", format="ocsf", raw=True)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as made:
        yield made


def all_rows(done: Exported) -> list[Row]:
    return [row for file in done.files for row in rows(file.path)]


# As the schema has it


def test_the_check_refuses_what_is_not_of_the_class(exported: Exported) -> None:
    row = next(row for row in all_rows(exported) if row["class_uid"] == 6003)
    check = validator(6003, tuple(row["metadata"]["profiles"]))
    check(row)
    bad: tuple[Row, ...] = ({"severity_id": 7}, {"src_endpoint": {}}, {"made_up": 1}, {"time": "now"}, {"cloud": {}})
    for change in bad:
        with pytest.raises(Exception, match="data"):
            check(row | change)
    with pytest.raises(Exception, match="actor"):
        check({name: value for name, value in row.items() if name != "actor"})


def test_every_row_of_every_source_is_as_the_schema_has_its_class(exported: Exported) -> None:
    assert {file.path.name: refusals(file.path) for file in exported.files} == {key: [] for key in OF_SPECIMENS}


def test_every_row_of_hostile_calls_is_as_the_schema_has_its_class(hostile: Timeline, tmp_path: Path) -> None:
    done = hostile.export(tmp_path / "out", format="ocsf")
    assert {file.path.name: refusals(file.path) for file in done.files} == {"api_activity.parquet": []}
    assert done.rows + done.left_out[UNTIMED] == hostile.count()
    agents = {row.get("http_request", {}).get("user_agent") for row in all_rows(done)}
    assert agents == {row[0] for row in hostile.select("SELECT user_agent FROM timeline WHERE time IS NOT NULL").rows()}


@pytest.mark.parametrize(
    "scenario", ["lambda-credential-theft", pytest.param("eks-pod-irsa-theft", marks=pytest.mark.long)]
)
def test_every_row_of_an_incident_is_as_the_schema_has_its_class(scenario: str, tmp_path: Path) -> None:
    assert of_incident(scenario, tmp_path) == []


@pytest.mark.long
@pytest.mark.parametrize("scenario", sorted(set(scenarios()) - {"lambda-credential-theft", "eks-pod-irsa-theft"}))
def test_every_row_of_the_other_incidents_is_too(scenario: str, tmp_path: Path) -> None:
    assert of_incident(scenario, tmp_path) == []


def of_incident(scenario: str, out: Path) -> list[str]:
    """What is refused of the whole incident; its events are all written or counted."""
    with Case.open(incident(scenario).case) as case:
        events = Timeline(case)
        done = events.export(out / "out", format="ocsf")
        left = sum(count for why, count in done.left_out.items() if why.startswith("events"))
        assert done.rows + left - sum(done.added.values()) == events.count()
    return [line for file in done.files for line in refusals(file.path)]


# The contract of a class


def test_the_classes_are_those_of_the_schema() -> None:
    assert {kind.uid for kind in classes()} == NAMES
    for kind in classes():
        assert published().lookup_class_name_from_uid(kind.uid) == kind.name
        assert set(kind.sources) <= set(sources())


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.name)
def test_captions_are_those_of_the_schema(kind: OcsfClass, exported: Exported) -> None:
    schema = published().schema.schema["classes"][kind.name]["attributes"]
    for row in (row for row in all_rows(exported) if row["class_uid"] == kind.uid):
        assert row["class_name"] == kind.caption
        for name in ("activity", "severity", "status", "disposition", "action", "rcode"):
            number = row.get(f"{name}_id", 99)
            if number != 99 and name != "rcode":
                word = row["activity_name"] if name == "activity" else row[name]
                assert schema[f"{name}_id"]["enum"][str(number)]["caption"] == word


def test_every_source_has_a_class_or_is_counted_as_left_out(specimens: Timeline, exported: Exported) -> None:
    timed = dict(
        specimens.select("SELECT source, count(*) FROM timeline WHERE time IS NOT NULL GROUP BY source").rows()
    )
    told = Counter(row["unmapped"]["source"] for row in all_rows(exported))
    left = {name: count - told[name] for name, count in timed.items() if count > told[name]}
    assert {f"events of {name} that no class of OCSF fits": count for name, count in left.items()} == {
        why: count for why, count in exported.left_out.items() if why != UNTIMED
    }
    assert not left.keys() & {"cloudtrail", "guardduty", "security_hub", "eks_audit", "s3_access", "alb", "clb"}


def test_records_are_there_as_they_stand_in_the_evidence(specimens: Timeline, exported: Exported) -> None:
    for row in all_rows(exported)[::7]:
        told = row["unmapped"]
        assert row["raw_data"] == raw_record(specimens.case, f"{told['object_id']}#{told['record']}")


def test_each_file_says_what_it_is_of_and_what_was_not_logged(exported: Exported) -> None:
    for file in exported.files:
        said = json.loads(pq.read_metadata(file.path).metadata[b"forensics"])
        assert (said["ocsf"], f"{said['class']}.parquet", said["rows"]) == (VERSION, file.path.name, file.rows)
        assert said["coverage"]["verdict"]
    assert sorted(path.name for path in exported.files[0].path.parent.iterdir()) == sorted(
        ["about.json", *OF_SPECIMENS]
    )


# What it says


def one(case: Case, tmp_path: Path, uid: int) -> Row:
    """The only row of a class."""
    done = Timeline(case).export(tmp_path / "out", format="ocsf")
    (row,) = (row for row in all_rows(done) if row["class_uid"] == uid)
    return row


def test_a_call_says_who_from_where_with_which_key(case: Case, tmp_path: Path) -> None:
    who = role("orders", "fn", key="ASIAEXAMPLE")
    add(
        case.connection,
        "cloudtrail",
        [
            call(
                who,
                "s3:DeleteObject",
                eventID="e",
                sourceIPAddress="203.0.113.9",
                errorCode="AccessDenied",
                userAgent="cli",
                requestID="r",
            )
        ],
    )
    row = one(case, tmp_path, 6003)
    assert (row["activity_name"], row["status"], row["type_uid"]) == ("Delete", "Failure", 600304)
    assert row["actor"]["user"]["credential_uid"] == "ASIAEXAMPLE"
    assert row["actor"]["session"]["issuer"] == "arn:aws:iam::111122223333:role/orders"
    assert (row["src_endpoint"], row["api"]["response"]) == ({"ip": "203.0.113.9"}, {"error": "AccessDenied"})
    assert row["metadata"]["uid"] == "e" and row["metadata"]["original_time"] == "2026-11-05T09:00:00.000000Z"
    found = {(item["type"], item["value"]) for item in row["observables"]}
    assert {("IP Address", "203.0.113.9"), ("User Credential ID", "ASIAEXAMPLE")} <= found


def test_a_sign_in_is_an_authentication_and_no_call(case: Case, tmp_path: Path) -> None:
    more = {"responseElements": {"ConsoleLogin": "Success"}, "additionalEventData": {"MFAUsed": "No"}}
    add(case.connection, "cloudtrail", [call(user(), "signin:ConsoleLogin", eventID="e", **more)])
    row = one(case, tmp_path, 3002)
    assert (row["activity_name"], row["is_mfa"], row["user"]["name"], row["status"]) == (
        "Logon",
        False,
        "dev",
        "Success",
    )


ENDS: dict[str | None, dict[str, str]] = {
    "203.0.113.9": {"ip": "203.0.113.9"},
    "2001:db8::1": {"ip": "2001:db8::1"},
    "::": {"ip": "::"},
    "lambda.amazonaws.com": {"domain": "lambda.amazonaws.com"},
    "999.1.1.1": {"domain": "999.1.1.1"},
    ":::1": {"domain": ":::1"},
    "1:2:3:4:5:6:7:8::": {"domain": "1:2:3:4:5:6:7:8::"},
    None: {"name": "not recorded"},
}


def test_what_is_no_address_is_not_written_as_one(case: Case, tmp_path: Path) -> None:
    calls = [call(user(), eventID=str(address), sourceIPAddress=address) for address in ENDS]
    add(case.connection, "cloudtrail", calls)
    done = Timeline(case).export(tmp_path / "out", format="ocsf")
    found = {row["metadata"]["uid"]: row["src_endpoint"] for row in all_rows(done)}
    assert found == {str(address): end for address, end in ENDS.items()}
    assert refusals(tmp_path / "out/api_activity.parquet") == []


def test_workloads_are_there_with_their_certainty(tmp_path: Path) -> None:
    with Case.open(incident("lambda-credential-theft").case) as case:
        done = Timeline(case).workload("orders-fn").export(tmp_path / "out", format="ocsf")
        told = {
            (row["metadata"]["uid"], item["question"], item["workload"], item["certainty"], item["via"])
            for row in all_rows(done)
            for item in row["unmapped"].get("workloads", [])
        }
        ids = sorted({item[0] for item in told})
        wanted = case.sql(
            "SELECT event_id, question, workload, certainty, via FROM attribution WHERE list_contains(?, event_id)",
            [ids],
        ).rows()
    assert told == set(wanted) and len(ids) > 100
    shown = [
        item for row in all_rows(done) for item in row.get("observables", []) if item["name"].startswith("workload,")
    ]
    assert "workload, issued_to, recorded" in {item["name"] for item in shown}


def test_findings_of_ours_go_with_the_events_that_they_rest_on(case: Case, tmp_path: Path) -> None:
    add(case.connection, "cloudtrail", [call(user(), eventID="a"), call(user(), at="10:00:00", eventID="b")])
    for name, event in (("ours", "a"), ("of another event", "b")):
        case.connection.execute(
            "INSERT INTO finding (finding_id, source, type, severity, time, title)"
            " VALUES (?, 'sigma', 'rule', 7.5, TIMESTAMP '2026-11-05 09:00', 'Found \x1b[31m')",
            [name],
        )
        case.connection.execute("INSERT INTO finding_evidence VALUES (?, ?, 'the rule')", [name, event])
    done = Timeline(case).where("event_id = 'a'").export(tmp_path / "out", format="ocsf")
    (row,) = (row for row in all_rows(done) if row["class_uid"] == 2004)
    assert refusals(tmp_path / "out/detection_finding.parquet") == []
    assert (row["finding_info"]["uid"], row["severity"], row["metadata"]["product"]["name"]) == (
        "ours",
        "High",
        "forensics",
    )
    assert row["finding_info"]["related_events"] == [{"uid": "a", "desc": "the rule"}]
    assert done.added == {"findings of rules, and of our own, on these events": 1}
    assert (done.rows, done.left_out) == (2, {})


def test_a_finding_of_ours_without_a_time_is_counted(case: Case, tmp_path: Path) -> None:
    add(case.connection, "cloudtrail", [call(user(), eventID="a")])
    case.connection.execute("INSERT INTO finding (finding_id, source) VALUES ('ours', 'sigma')")
    case.connection.execute("INSERT INTO finding_evidence VALUES ('ours', 'a', 'the rule')")
    done = Timeline(case).export(tmp_path / "out", format="ocsf")
    assert done.left_out == {"findings of rules, and of our own, on these events, without a time": 1}


def test_raw_records_have_a_place_only_in_ocsf(case: Case, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="csv has no place for raw records: ask for ocsf"):
        Timeline(case).export(tmp_path / "e.csv", raw=True)


# Back


@pytest.fixture(scope="module")
def back(exported: Exported, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """A case of what was exported."""
    with Case.create(tmp_path_factory.mktemp("back") / "case") as made:
        add_evidence(made, exported.files[0].path.parent)
        load(made, workers=1)
        yield made


SAME = ("account_id", "region", "access_key_id", "source_ip", "destination_ip", "user_agent")
_BACK = """
SELECT o.metadata_uid, o.metadata->>'$.log_name' AS source, e.time, e.end_time, e.summary, {same}, e.outcome, e.action, e.principal
FROM event AS e
JOIN ocsf AS o ON o.object_id = e.object_id AND o.record = e.record
ORDER BY e.time, o.metadata_uid, source, e.record
"""
_SENT = """
SELECT event_id, source, time, end_time, summary, {same}, outcome, action, principal
FROM timeline
WHERE event_id || source IN (SELECT unnest(CAST(? AS VARCHAR[])))
ORDER BY time, event_id, source
"""


def test_our_own_source_reads_it_back_row_by_row(specimens: Timeline, exported: Exported, back: Case) -> None:
    status = dict(back.sql("SELECT uri.split('/')[-1], status FROM evidence WHERE uri LIKE '%.parquet'").rows())
    assert status == dict.fromkeys(OF_SPECIMENS, "loaded")
    same = ", ".join(f"e.{name}" for name in SAME)
    found = {row[:2]: row for row in back.sql(_BACK.format(same=same)).rows()}
    keys = ["".join(key) for key in found]
    sent = specimens.select(_SENT.format(same=", ".join(SAME)), keys).rows()
    assert len(found) == len(sent) > 100
    assert [difference for row in sent if (difference := lost(row, found[row[:2]]))] == []


def lost(sent: tuple[Any, ...], back: tuple[Any, ...]) -> dict[str, Any]:
    """What of an event that is read back is otherwise than it was; times are of milliseconds, findings have no ends.

    An account or Region that is not recorded is then that of the object it is read from.
    """
    names = ("time", "summary", *SAME)
    pairs = {name: (sent[place], back[place]) for place, name in zip((2, 4, 5, 6, 7, 8, 9, 10), names, strict=True)}
    if sent[1] in ("guardduty", "security_hub") or back[-2].startswith("ocsf:"):
        pairs = {name: pairs[name] for name in ("time", "summary", "account_id", "region")}
    unsaid = {name for name in ("account_id", "region") if name in pairs and pairs[name][0] is None}
    return {name: pair for name, pair in pairs.items() if name not in unsaid and not alike(*pair)}


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs((one - other).total_seconds()) < 0.001
    return bool(one == other)


def test_calls_come_back_with_action_and_outcome(specimens: Timeline, back: Case) -> None:
    sql = """SELECT o.metadata_uid, e.action, e.outcome FROM event AS e
      JOIN ocsf AS o ON o.object_id = e.object_id AND o.record = e.record
      WHERE o.class_uid = 6003 AND o.metadata->>'$.log_name' = 'cloudtrail'"""
    found = {row[0]: row[1:] for row in back.sql(sql).rows()}
    sent = (
        specimens.source("cloudtrail")
        .where("time IS NOT NULL")
        .select("SELECT event_id, action, outcome FROM timeline")
    )
    wanted = {row[0]: row[1:] for row in sent.rows() if row[1] and ":" in row[1]}
    assert {key: row for key, row in found.items() if key in wanted} == wanted and len(wanted) > 5


def test_duckdb_reads_members_of_the_structs(exported: Exported) -> None:
    (path,) = (file.path for file in exported.files if file.path.name == "network_activity.parquet")
    sql = "SELECT src_endpoint.ip, traffic.bytes, cloud.account.uid FROM read_parquet(?) WHERE disposition_id = 1"
    assert duckdb.connect().execute(sql, [str(path)]).fetchall()
