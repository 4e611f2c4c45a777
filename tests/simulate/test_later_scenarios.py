"""Five incidents: truth and logs agree, everything loads, and the resolution says nothing that the truth does not."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from forensics import evidence
from forensics.case import Case
from forensics.load import load
from forensics.simulate import simulate
from forensics.simulate.log_tampering import TRAIL

NAMES = ("ecs-run-task-escalation", "eventbridge-persistence", "iam-escalation", "log-tampering", "s3-ransomware")
ATTACKERS = {"203.0.113.77", "203.0.113.80"}
SCALE = 0.05
Json = dict[str, Any]


class Played(NamedTuple):
    """A scenario's folder, its truth, its CloudTrail records read plainly, and the case it was loaded into."""

    out: Path
    truth: Json
    records: list[Json]
    case: Case

    def record(self, event_id: str) -> Json:
        return next(record for record in self.records if record["eventID"] == event_id)

    def done(self, action: str) -> list[Json]:
        """Records of the intruder's calls of an action, in order of time."""
        found = [fact for fact in self.truth["attack_events"] if fact["action"] == action]
        return [self.record(fact["event_id"]) for fact in found]

    def decoy(self, kind: str) -> Json:
        return next(fact for fact in self.truth["decoys"] if fact["kind"] == kind)


def play(name: str, root: Path) -> Iterator[Played]:
    truth = json.loads(simulate(name, root / "incident", scale=SCALE).read_text("utf-8"))
    files = [path for path in sorted(root.rglob("*.json.gz")) if "/CloudTrail/" in str(path)]
    records = [record for path in files for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]]
    with Case.create(root / "case") as case:
        evidence.add(case, root / "incident" / "logs")
        load(case, workers=1)
        yield Played(root / "incident", truth, records, case)


@pytest.fixture(scope="module", params=NAMES)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    yield from play(request.param, tmp_path_factory.mktemp("played"))


def minted(record: Json) -> str | None:
    answer = record["responseElements"] or {}
    return (answer.get("credentials") or answer.get("accessKey") or {}).get("accessKeyId")


# Every scenario


def test_every_object_loads_whole_and_is_counted(played: Played) -> None:
    assert played.case.sql("SELECT reason, excerpt FROM rejected_record").rows() == []
    assert played.case.sql("SELECT uri, reason FROM evidence WHERE status <> 'loaded'").rows() == []
    rows = played.case.sql("SELECT source, sum(records), count(*) FROM evidence GROUP BY source").rows()
    counts = {source: {"objects": objects, "records": int(records)} for source, records, objects in rows}
    assert counts == played.truth["counts"]


def test_every_attack_event_is_in_the_logs_as_stated(played: Played) -> None:
    records = {record["eventID"]: record for record in played.records}
    assert len(played.truth["attack_events"]) > 15
    for fact in played.truth["attack_events"]:
        record = records[fact["event_id"]]
        assert fact["action"] == f"{record['eventSource'].split('.')[0]}:{record['eventName']}"
        assert fact["time"] == record["eventTime"]
        assert fact["access_key_id"] == record["userIdentity"].get("accessKeyId")
        assert fact["source_ip"] == record["sourceIPAddress"]
        assert (fact["outcome"] == "denied") == ("errorCode" in record)


def test_no_call_or_flow_of_the_attackers_addresses_is_left_out(played: Played) -> None:
    seen = {record["eventID"] for record in played.records if record["sourceIPAddress"] in ATTACKERS}
    assert seen <= {fact["event_id"] for fact in played.truth["attack_events"]}
    flows = played.case.sql(
        "SELECT event_id FROM event WHERE source = 'vpc_flow'"
        " AND (source_ip IN ('203.0.113.77', '203.0.113.80') OR destination_ip IN ('203.0.113.77', '203.0.113.80'))"
    )
    assert {row[0] for row in flows.rows()} == {fact["event_id"] for fact in played.truth["attack_flows"]}


def test_keys_in_the_logs_are_the_credentials_and_the_other_way_round(played: Played) -> None:
    used = {record["userIdentity"].get("accessKeyId") for record in played.records}
    issued = {minted(record): record["eventID"] for record in played.records}
    stated = {fact["access_key_id"]: fact for fact in played.truth["credentials"]}
    assert set(stated) == (used | set(issued)) - {None}
    assert {key for key, fact in stated.items() if fact["issuance_event_id"]} == set(issued) - {None}


def test_findings_invocations_and_bytes_are_stated(played: Played) -> None:
    findings = {row[0] for row in played.case.sql("SELECT finding_id FROM finding").rows()}
    assert findings == {fact["finding_id"] for fact in played.truth["findings"]}
    sent = [
        played.record(fact["event_id"])["additionalEventData"]["bytesTransferredOut"]
        for fact in played.truth["objects_read"]
    ]
    assert sum(sent) == played.truth["bytes_out"]["s3"]
    assert sum(played.truth["totals"]["attack_steps"].values()) == len(played.truth["attack_events"])


def test_decoys_are_in_the_logs_and_not_believed(played: Played) -> None:
    known = {row[0] for row in played.case.sql("SELECT event_id FROM event").rows()}
    said = {
        (event, question, workload)
        for event, question, workload in played.case.sql("SELECT event_id, question, workload FROM attribution").rows()
    }
    assert len(played.truth["decoys"]) >= 2
    for decoy in played.truth["decoys"]:
        assert set(decoy["event_ids"]) <= known, decoy["kind"]
        for item in decoy["must_not"]:
            assert (item["event_id"], item["question"], item["workload"]) not in said, decoy["kind"]


def test_nothing_is_attributed_that_the_evidence_does_not_support(played: Played) -> None:
    true = {
        (fact["event_id"], fact["question"], workload, fact["certainty"])
        for fact in played.truth["attributions"]
        for workload in fact["workloads"]
    }
    said = set(played.case.sql("SELECT event_id, question, workload, certainty FROM attribution").rows())
    assert sorted(said - true)[:5] == []


def test_lineage_is_as_stated(played: Played) -> None:
    rows = played.case.sql(
        "SELECT access_key_id, ancestor_access_key_id FROM lineage"
        " WHERE ancestor_access_key_id IS NOT NULL ORDER BY access_key_id, hops"
    ).rows()
    chains = {fact["access_key_id"]: fact["chain"] for fact in played.truth["lineage"]}
    found: dict[str, list[str]] = {key: [] for key in chains}
    for key, ancestor in rows:
        found[key].append(ancestor)
    assert found == chains


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes_and_scale_changes_noise_alone(name: str, tmp_path: Path) -> None:
    def written(folder: str) -> dict[str, str]:
        files = [path for path in sorted((tmp_path / folder).rglob("*")) if path.is_file()]
        return {
            str(path.relative_to(tmp_path / folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        }

    for folder, scale in (("one", 0.01), ("two", 0.01), ("more", 0.03)):
        simulate(name, tmp_path / folder, scale=scale)
    small, large = (json.loads((tmp_path / folder / "truth.json").read_text("utf-8")) for folder in ("one", "more"))
    assert written("one") == written("two")
    for part in (
        "attack_events",
        "objects_read",
        "stolen",
        "findings",
        "bytes_out",
        "workloads",
        "decoys",
    ):
        assert small[part] == large[part], part
    held = [[{**fact, "derivable": None} for fact in truth["lifetimes"]] for truth in (small, large)]
    assert held[0] == held[1]
    assert small["counts"]["cloudtrail"]["records"] < large["counts"]["cloudtrail"]["records"]


# Each on its own


@pytest.fixture
def one(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Played]:
    yield from play(request.param, tmp_path)


@pytest.mark.parametrize("one", ["ecs-run-task-escalation"], indirect=True)
def test_who_ran_the_task_leads_to_its_key_and_on_to_the_user(one: Played) -> None:
    (ran,) = one.done("ecs:RunTask")
    task = ran["responseElements"]["tasks"][0]["taskArn"]
    stolen = one.truth["stolen"]
    mint = one.record(stolen["issuance_event_id"])
    (made,) = one.done("iam:CreateAccessKey")

    assert ran["requestParameters"]["overrides"]["containerOverrides"][0]["environment"]
    assert mint["requestParameters"]["roleSessionName"] == task.rpartition("/")[2]
    assert stolen["workload"] == task
    assert made["userIdentity"]["accessKeyId"] == stolen["access_key_id"] == minted(mint)
    spoofed = one.record(one.decoy("spoofed-session")["event_ids"][0])
    assert spoofed["userIdentity"]["type"] == "IAMUser"
    assert one.truth["bytes_out"]["flow"] == sum(
        fact["bytes"] for fact in one.truth["attack_flows"] if fact["direction"] == "egress"
    )


@pytest.mark.parametrize("one", ["eventbridge-persistence"], indirect=True)
def test_the_planted_function_runs_by_its_schedule_and_makes_a_key_when_none_is_left(one: Played) -> None:
    runs = [fact["started_at"] for fact in one.truth["invocations"] if fact["suspicious"]]
    made, deleted = one.done("iam:CreateAccessKey"), one.record(one.decoy("administration")["event_ids"][0])

    assert [moment[11:16] for moment in sorted(runs)] == ["08:21", "08:51", "09:21", "09:51", "10:21", "10:51", "11:21"]
    assert made[0]["eventTime"] < deleted["eventTime"] < made[1]["eventTime"]
    assert deleted["requestParameters"]["accessKeyId"] == minted(made[0])
    assert {record["userIdentity"]["inScopeOf"]["credentialsIssuedTo"] for record in made} == {
        one.truth["parameters"]["workload"]
    }


@pytest.mark.parametrize("one", ["log-tampering"], indirect=True)
def test_the_trail_has_nothing_between_its_stop_and_its_start_and_other_logs_do(one: Played) -> None:
    (stopped,), (started,) = one.done("cloudtrail:StopLogging"), one.done("cloudtrail:StartLogging")
    span = (stopped["eventTime"], started["eventTime"])
    others = "SELECT source, count(*) FROM event WHERE time > ? AND time < ? GROUP BY source ORDER BY source"

    assert stopped["requestParameters"] == {"name": TRAIL}
    assert [record for record in one.records if span[0] < record["eventTime"] < span[1]] == []
    assert [row[0] for row in one.case.sql(others, span).rows()] == ["lambda_log", "s3_access", "vpc_flow"]
    assert one.case.sql(others, span).rows()[1][1] == 28


@pytest.mark.parametrize("one", ["s3-ransomware"], indirect=True)
def test_every_object_call_is_in_the_access_log_under_its_request_id(one: Played) -> None:
    calls = [
        record for name in ("GetObject", "CopyObject", "DeleteObject", "PutObject") for record in one.done(f"s3:{name}")
    ]
    logged = {row[0] for row in one.case.sql("SELECT request_id FROM s3_access").rows()}

    assert logged == {record["requestID"] for record in calls}
    assert {record["eventCategory"] for record in calls} == {"Data"}
    assert all(record["additionalEventData"]["SSEApplied"] == "SSE_C" for record in one.done("s3:CopyObject"))
    assert all("versionId" in record["requestParameters"] for record in one.done("s3:DeleteObject"))


@pytest.mark.parametrize("one", ["iam-escalation"], indirect=True)
def test_the_keys_that_came_of_the_escalation_lead_back_to_the_developers(one: Played) -> None:
    first = one.record(one.truth["attack_events"][0]["event_id"])["userIdentity"]["accessKeyId"]
    children = {fact["access_key_id"]: fact for fact in one.truth["credentials"] if fact["malicious"]}
    parents = {fact["kind"]: fact["parent_access_key_id"] for fact in children.values()}
    (version,) = one.done("iam:CreatePolicyVersion")

    assert parents == {"long_term": first, "federation": first, "assumed_role": None}
    assert json.loads(version["requestParameters"]["policyDocument"])["Statement"][0]["Action"] == "*"
    denied = [fact for fact in one.truth["attack_events"] if fact["outcome"] == "denied"]
    assert len(denied) == 10
