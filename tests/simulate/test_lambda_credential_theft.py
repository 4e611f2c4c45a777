"""The scenario's truth against its logs, read without the package's readers."""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forensics.simulate import simulate

SCENARIO = "lambda-credential-theft"
ATTACKERS = {"203.0.113.77", "203.0.113.80"}


class Incident:
    """An output folder with plain readers, independent of the package's own."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.truth: dict[str, Any] = json.loads((out / "truth.json").read_text())

    def files(self, part: str) -> list[Path]:
        return sorted(path for path in self.out.rglob("*") if path.is_file() and part in str(path))

    def cloudtrail(self) -> list[dict[str, Any]]:
        files = self.files("/CloudTrail/")
        return [record for path in files for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]]

    def findings(self) -> list[dict[str, Any]]:
        lines = (line for path in self.files("/GuardDuty/") for line in gzip.decompress(path.read_bytes()).splitlines())
        return [json.loads(line) for line in lines]

    def flows(self) -> dict[str, dict[str, str]]:
        """Event id → fields by header name."""
        found = {}
        for path in self.files("/vpcflowlogs/"):
            header, *lines = gzip.decompress(path.read_bytes()).decode().splitlines()
            prefix = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            for place, line in enumerate(lines):
                found[f"{prefix}/{place}"] = dict(zip(header.split(), line.split(), strict=True))
        return found

    def envelopes(self) -> Iterator[dict[str, Any]]:
        decoder = json.JSONDecoder()
        for path in self.files("example-lambda-logs"):
            text, place = gzip.decompress(path.read_bytes()).decode(), 0
            while place < len(text):
                envelope, place = decoder.raw_decode(text, place)
                yield envelope


@pytest.fixture(scope="session")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Incident:
    out = tmp_path_factory.mktemp("incident") / "out"
    simulate(SCENARIO, out)
    return Incident(out)


def test_counts_are_of_the_promised_size(incident: Incident) -> None:
    records = {source: count["records"] for source, count in incident.truth["counts"].items()}

    assert records["cloudtrail"] == len(incident.cloudtrail())
    assert records["vpc_flow"] == len(incident.flows())
    assert 2_500 < records["cloudtrail"] < 3_500
    assert 9_000 < records["vpc_flow"] < 12_000
    assert 2_500 < records["lambda_log"] < 4_000


def test_every_attack_event_is_in_the_logs_as_stated(incident: Incident) -> None:
    records = {record["eventID"]: record for record in incident.cloudtrail()}

    for fact in incident.truth["attack_events"]:
        record = records[fact["event_id"]]
        service = record["eventSource"].split(".")[0]
        assert fact["action"] == f"{service}:{record['eventName']}"
        assert fact["time"] == record["eventTime"]
        assert fact["access_key_id"] == record["userIdentity"]["accessKeyId"]
        assert fact["source_ip"] == record["sourceIPAddress"]
        assert (fact["outcome"] == "denied") == ("errorCode" in record)


def test_no_call_from_the_attackers_addresses_is_left_out(incident: Incident) -> None:
    seen = {record["eventID"] for record in incident.cloudtrail() if record["sourceIPAddress"] in ATTACKERS}

    assert seen == {fact["event_id"] for fact in incident.truth["attack_events"]}


def test_every_attack_flow_is_in_the_logs_as_stated(incident: Incident) -> None:
    flows = incident.flows()
    touched = {
        name for name, flow in flows.items() if ATTACKERS & {flow["pkt-srcaddr"], flow["pkt-dstaddr"], flow["srcaddr"]}
    }

    assert touched == {fact["event_id"] for fact in incident.truth["attack_flows"]}
    for fact in incident.truth["attack_flows"]:
        flow = flows[fact["event_id"]]
        assert fact["interface_id"] == flow["interface-id"]
        assert str(fact["bytes"]) == flow["bytes"]
        assert fact["direction"] == flow["flow-direction"]


def test_every_key_in_the_logs_is_a_credential_and_the_other_way_round(incident: Incident) -> None:
    used, minted = set(), {}
    for record in incident.cloudtrail():
        used.add(record["userIdentity"].get("accessKeyId"))
        answer = record["responseElements"] or {}
        key = (answer.get("credentials") or answer.get("accessKey") or {}).get("accessKeyId")
        minted[key] = record["eventID"]
    stated = {fact["access_key_id"]: fact for fact in incident.truth["credentials"]}

    assert set(stated) == (used | set(minted)) - {None}
    issued = {key for key, fact in stated.items() if fact["issuance_event_id"]}
    assert issued == set(minted) - {None}


def test_issuance_events_are_in_the_logs(incident: Incident) -> None:
    ids = {record["eventID"] for record in incident.cloudtrail()}

    assert {fact["issuance_event_id"] for fact in incident.truth["credentials"]} - {None} <= ids


def test_findings_are_updated_and_stated(incident: Incident) -> None:
    versions = Counter(finding["id"] for finding in incident.findings())
    stated = {fact["finding_id"]: fact["type"] for fact in incident.truth["findings"]}

    assert {finding["id"]: finding["type"] for finding in incident.findings()} == stated
    theft = next(name for name, kind in stated.items() if kind.endswith("Exfiltration.OutsideAWS"))
    assert versions[theft] == 3


def test_every_invocation_is_in_the_logs(incident: Incident) -> None:
    text = "".join(event["message"] for envelope in incident.envelopes() for event in envelope["logEvents"])

    assert all(fact["request_id"] in text for fact in incident.truth["invocations"])
    assert sum(fact["suspicious"] for fact in incident.truth["invocations"]) == 1


def test_lambda_envelopes_count_as_stated(incident: Incident) -> None:
    envelopes = list(incident.envelopes())
    records = sum(len(each["logEvents"]) for each in envelopes if each["messageType"] == "DATA_MESSAGE")

    assert records == incident.truth["counts"]["lambda_log"]["records"]
    assert [each["messageType"] for each in envelopes].count("CONTROL_MESSAGE") == 1


def test_the_stolen_key_is_used_inside_and_outside_at_once(incident: Incident) -> None:
    key = incident.truth["stolen"]["access_key_id"]
    calls = [record for record in incident.cloudtrail() if record["userIdentity"].get("accessKeyId") == key]
    times = {
        place: [record["eventTime"] for record in calls if record["sourceIPAddress"] == place]
        for place in ("203.0.113.77", "198.51.100.10")
    }

    assert min(times["203.0.113.77"]) == incident.truth["stolen"]["first_foreign_use"] == "2026-11-05T09:12:31Z"
    assert min(times["198.51.100.10"]) < min(times["203.0.113.77"]) < max(times["198.51.100.10"])


def test_bytes_out_are_sums_over_the_logs(incident: Incident) -> None:
    records = {record["eventID"]: record for record in incident.cloudtrail()}
    sent = [
        records[fact["event_id"]]["additionalEventData"]["bytesTransferredOut"]
        for fact in incident.truth["objects_read"]
    ]

    assert sum(sent) == incident.truth["bytes_out"]["s3"]
    facts = incident.truth["attack_flows"]
    own = [fact["bytes"] for fact in facts if fact["workloads"] and fact["direction"] == "egress"]
    assert sum(own) == incident.truth["bytes_out"]["flow"]


def test_one_event_is_delivered_twice_and_one_pair_shares_an_id(incident: Incident) -> None:
    records = incident.cloudtrail()
    twice = [name for name, count in Counter(record["eventID"] for record in records).items() if count > 1]
    shared = Counter(record.get("sharedEventID") for record in records)
    del shared[None]

    assert len(twice) == 1
    pairs = [name for name, count in shared.items() if count == 2]
    assert len(pairs) == 1
    accounts = {record["recipientAccountId"] for record in records if record.get("sharedEventID") in pairs}
    assert accounts == {"111122223333", "444455556666"}


def test_flow_logs_say_where_nothing_was_seen(incident: Incident) -> None:
    status = Counter(flow["log-status"] for flow in incident.flows().values())

    assert status["SKIPDATA"] == 1
    assert status["NODATA"] > 0


def test_events_stay_within_the_window(incident: Incident) -> None:
    window = incident.truth["window"]
    times = [record["eventTime"] for record in incident.cloudtrail()]

    assert window["from"] <= min(times) <= max(times) <= window["to"]


def test_only_the_declared_accounts_appear(incident: Incident) -> None:
    assert {record["recipientAccountId"] for record in incident.cloudtrail()} == {
        "111122223333",
        "444455556666",
    }


def test_scale_changes_noise_and_never_the_attack(incident: Incident, tmp_path: Path) -> None:
    small = json.loads(simulate(SCENARIO, tmp_path, scale=0.001).read_text())

    for name in (
        "attack_events",
        "objects_read",
        "stolen",
        "findings",
        "bytes_out",
        "workloads",
    ):
        assert small[name] == incident.truth[name]

    def held(truth: dict[str, Any]) -> list[dict[str, Any]]:
        """What was held does not depend on noise, what a record shows of it may."""
        return [fact | {"derivable": None} for fact in truth["lifetimes"]]

    assert held(small) == held(incident.truth)
    assert small["counts"]["cloudtrail"]["records"] < incident.truth["counts"]["cloudtrail"]["records"] / 5
    assert [fact["bytes"] for fact in small["attack_flows"]] != []
