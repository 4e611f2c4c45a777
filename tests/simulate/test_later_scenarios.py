"""Five incidents: the resolution says nothing of them that the truth does not, and each is what its name promises."""

import gzip
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from forensics.case import Case
from forensics.digests import validate
from forensics.simulate.log_tampering import TRAIL
from tests.simulate.cases import incident
from tests.simulate.score import NARROWED

NAMES = ("ecs-run-task-escalation", "eventbridge-persistence", "iam-escalation", "log-tampering", "s3-ransomware")
ATTACKERS = {"203.0.113.77", "203.0.113.80"}
WORDS = ("recorded", "matched", "bounded", "inferred", "shared")
Json = dict[str, Any]


class Played(NamedTuple):
    """A scenario's truth, its CloudTrail records read plainly, and the case it was loaded into."""

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


@pytest.fixture(params=NAMES)
def played(request: pytest.FixtureRequest) -> Iterator[Played]:
    made = incident(request.param)
    files = [path for path in sorted(made.logs.rglob("*.json.gz")) if "/CloudTrail/" in str(path)]
    records = [record for path in files for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]]
    with Case.open(made.case) as case:
        yield Played(made.truth, records, case)


def minted(record: Json) -> str | None:
    answer = record["responseElements"] or {}
    return (answer.get("credentials") or answer.get("accessKey") or {}).get("accessKeyId")


# Every one of them


def test_attack_events_are_in_the_logs_with_time_and_outcome(played: Played) -> None:
    records = {record["eventID"]: record for record in played.records}
    calls = [fact for fact in played.truth["attack_events"] if fact["source"] == "cloudtrail"]
    assert len(calls) > 15
    for fact in calls:
        record = records[fact["event_id"]]
        assert fact["time"] == record["eventTime"]
        assert (fact["outcome"] == "denied") == ("errorCode" in record)


def test_no_call_or_flow_of_the_attackers_addresses_is_left_out(played: Played) -> None:
    seen = {record["eventID"] for record in played.records if record["sourceIPAddress"] in ATTACKERS}
    assert seen <= {fact["event_id"] for fact in played.truth["attack_events"]}
    flows = played.case.sql(
        "SELECT event_id FROM event WHERE source = 'vpc_flow'"
        " AND (source_ip IN ('203.0.113.77', '203.0.113.80') OR destination_ip IN ('203.0.113.77', '203.0.113.80'))"
    )
    assert {row[0] for row in flows.rows()} == {fact["event_id"] for fact in played.truth["attack_flows"]}


def test_bytes_and_steps_are_sums(played: Played) -> None:
    sent = [
        played.record(fact["event_id"])["additionalEventData"]["bytesTransferredOut"]
        for fact in played.truth["objects_read"]
    ]
    assert sum(sent) == played.truth["bytes_out"]["s3"]
    assert sum(played.truth["totals"]["attack_steps"].values()) == len(played.truth["attack_events"])


def test_decoys_are_not_believed(played: Played) -> None:
    said = {
        (event, question, workload)
        for event, question, workload in played.case.sql("SELECT event_id, question, workload FROM attribution").rows()
    }
    assert len(played.truth["decoys"]) >= 2
    for decoy in played.truth["decoys"]:
        for item in decoy["must_not"]:
            assert (item["event_id"], item["question"], item["workload"]) not in said, decoy["kind"]


def test_nothing_is_attributed_that_the_evidence_does_not_support(played: Played) -> None:
    true = {
        (fact["event_id"], fact["question"], workload): WORDS.index(fact["certainty"])
        for fact in played.truth["attributions"]
        for workload in fact["workloads"]
    }
    said = played.case.sql(
        f"SELECT event_id, question, workload, certainty FROM attribution WHERE NOT starts_with(via, '{NARROWED}')"
    ).rows()
    too_much = [row for row in said if WORDS.index(row[3]) < true.get(tuple(row[:3]), len(WORDS))]
    assert len(said) > 100
    assert too_much[:5] == []


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


# Each on its own


@pytest.mark.parametrize("played", ["ecs-run-task-escalation"], indirect=True)
def test_who_ran_the_task_leads_to_its_key_and_on_to_the_user(played: Played) -> None:
    (ran,) = played.done("ecs:RunTask")
    task = ran["responseElements"]["tasks"][0]["taskArn"]
    stolen = played.truth["stolen"]
    mint = played.record(stolen["issuance_event_id"])
    (made,) = played.done("iam:CreateAccessKey")

    assert ran["requestParameters"]["overrides"]["containerOverrides"][0]["environment"]
    assert mint["requestParameters"]["roleSessionName"] == task.rpartition("/")[2]
    assert stolen["workload"] == task
    assert made["userIdentity"]["accessKeyId"] == stolen["access_key_id"] == minted(mint)
    spoofed = played.record(played.decoy("spoofed-session")["event_ids"][0])
    assert spoofed["userIdentity"]["type"] == "IAMUser"
    assert played.truth["bytes_out"]["flow"] == sum(
        fact["bytes"] for fact in played.truth["attack_flows"] if fact["direction"] == "egress"
    )


@pytest.mark.parametrize("played", ["eventbridge-persistence"], indirect=True)
def test_the_planted_function_runs_by_its_schedule_and_makes_a_key_when_none_is_left(played: Played) -> None:
    runs = [fact["started_at"] for fact in played.truth["invocations"] if fact["suspicious"]]
    made, deleted = played.done("iam:CreateAccessKey"), played.record(played.decoy("administration")["event_ids"][0])

    assert [moment[11:16] for moment in sorted(runs)] == ["08:21", "08:51", "09:21", "09:51", "10:21", "10:51", "11:21"]
    assert made[0]["eventTime"] < deleted["eventTime"] < made[1]["eventTime"]
    assert deleted["requestParameters"]["accessKeyId"] == minted(made[0])
    assert {record["userIdentity"]["inScopeOf"]["credentialsIssuedTo"] for record in made} == {
        played.truth["parameters"]["workload"]
    }


@pytest.mark.parametrize("played", ["log-tampering"], indirect=True)
def test_the_trail_has_nothing_between_its_stop_and_its_start_and_other_logs_do(played: Played) -> None:
    (stopped,), (started,) = played.done("cloudtrail:StopLogging"), played.done("cloudtrail:StartLogging")
    span = (stopped["eventTime"], started["eventTime"])
    others = """SELECT source, count(*) FROM event WHERE time > ? AND time < ?
AND source NOT IN ('cloudtrail_digest', 's3_object_head')
GROUP BY source ORDER BY source"""

    assert stopped["requestParameters"] == {"name": TRAIL}
    assert [record for record in played.records if span[0] < record["eventTime"] < span[1]] == []
    assert [row[0] for row in played.case.sql(others, span).rows()] == ["lambda_log", "s3_access", "vpc_flow"]
    assert played.case.sql(others, span).rows()[1][1] == 28


@pytest.mark.parametrize("played", ["log-tampering"], indirect=True)
def test_digests_show_the_deleted_log_files_and_the_time_without_logging(played: Played) -> None:
    rows = validate(played.case).rows
    gaps = [
        (row.account_id, row.region, f"{row.period_start:%FT%TZ}", f"{row.period_end:%FT%TZ}")
        for row in rows
        if row.status == "gap"
    ]
    deleted = {
        f"s3://{fact['bucket']}/{fact['key']}"
        for fact in played.truth["attack_records"]
        if "DELETE" in fact["operation"]
    }

    assert {row.uri for row in rows if row.status == "missing_log_file"} == deleted
    assert deleted == set(played.truth["digests"]["missing_log_files"])
    assert gaps == [tuple(fact.values()) for fact in played.truth["digests"]["gaps"]]
    assert {row.status for row in rows} == {"valid", "missing_log_file", "gap", "unverified"}
    assert {row.detail for row in rows if row.status == "unverified"} == {
        "log file: its digest was not yet there when the newest in evidence was written"
    }
    assert all("StopLogging by" in row.detail for row in rows if row.status == "gap")


@pytest.mark.parametrize("played", ["s3-ransomware"], indirect=True)
def test_every_object_call_is_in_the_access_log_under_its_request_id(played: Played) -> None:
    calls = [
        record
        for name in ("GetObject", "CopyObject", "DeleteObject", "PutObject")
        for record in played.done(f"s3:{name}")
    ]
    logged = {row[0] for row in played.case.sql("SELECT request_id FROM s3_access").rows()}

    assert logged == {record["requestID"] for record in calls}
    assert {record["eventCategory"] for record in calls} == {"Data"}
    assert all(record["additionalEventData"]["SSEApplied"] == "SSE_C" for record in played.done("s3:CopyObject"))
    assert all("versionId" in record["requestParameters"] for record in played.done("s3:DeleteObject"))


@pytest.mark.parametrize("played", ["iam-escalation"], indirect=True)
def test_the_keys_that_came_of_the_escalation_lead_back_to_the_developers(played: Played) -> None:
    first = played.record(played.truth["attack_events"][0]["event_id"])["userIdentity"]["accessKeyId"]
    children = {fact["access_key_id"]: fact for fact in played.truth["credentials"] if fact["malicious"]}
    parents = {fact["kind"]: fact["parent_access_key_id"] for fact in children.values()}
    (version,) = played.done("iam:CreatePolicyVersion")

    assert parents == {"long_term": first, "federation": first, "assumed_role": None}
    assert json.loads(version["requestParameters"]["policyDocument"])["Statement"][0]["Action"] == "*"
    denied = [fact for fact in played.truth["attack_events"] if fact["outcome"] == "denied"]
    assert len(denied) == 10
