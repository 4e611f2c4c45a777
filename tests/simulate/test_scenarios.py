"""Every scenario: its logs load whole, its truth is about them, and the same seed writes the same bytes."""

import hashlib
import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from forensics.case import Case
from forensics.simulate import scenarios, simulate
from forensics.tables.what import LIFETIME
from tests.simulate.cases import Incident, incident

NAMES = sorted(scenarios())
SYNTHETIC = re.compile(r"^(?:198\.51\.100\.|203\.0\.113\.|192\.0\.2\.|10\.|172\.1[67]\.|169\.254\.|0\.0\.0\.)")
WORDS = ("recorded", "matched", "bounded", "inferred", "shared")
KINDS = set(re.findall(r"'(\w+)'", LIFETIME)) & {"eni", "private_ip", "public_ip", "session", "instance"} | {
    "access_key_id",
    "execution_environment",
}


@pytest.fixture(params=NAMES)
def made(request: pytest.FixtureRequest) -> Incident:
    return incident(request.param)


def ids(made: Incident, source: str) -> set[str]:
    with Case.open(made.case) as case:
        return {row[0] for row in case.sql("SELECT event_id FROM event WHERE source = ?", [source]).rows()}


def test_everything_loads_and_nothing_is_rejected(made: Incident) -> None:
    with Case.open(made.case) as case:
        objects = dict(case.sql("SELECT status, count(*) FROM evidence GROUP BY status").rows())
        records = dict(case.sql("SELECT source, sum(records) FROM evidence GROUP BY source").rows())
        rejected = case.sql("SELECT reason, excerpt FROM rejected_record LIMIT 5").rows()

    assert rejected == []
    assert set(objects) == {"loaded"}
    assert records == {source: count["records"] for source, count in made.truth["counts"].items()}


def test_every_attribution_of_the_truth_is_of_an_event(made: Incident) -> None:
    for source in {fact["source"] for fact in made.truth["attributions"]}:
        stated = {fact["event_id"] for fact in made.truth["attributions"] if fact["source"] == source}

        assert stated <= ids(made, source), source


def test_attributions_have_the_words_of_the_design(made: Incident) -> None:
    for fact in made.truth["attributions"]:
        assert fact["question"] in ("issued_to", "used_from", "endpoint")
        assert fact["certainty"] in WORDS
        assert fact["workloads"]
        assert fact["workloads"] == sorted(set(fact["workloads"]))


def test_a_shared_answer_is_never_of_one_question_and_workload_twice(made: Incident) -> None:
    said = Counter(
        (fact["event_id"], fact["question"], workload)
        for fact in made.truth["attributions"]
        for workload in fact["workloads"]
    )

    assert [one for one, count in said.items() if count > 1] == []


def test_what_the_intruder_did_is_in_the_logs_as_stated(made: Incident) -> None:
    with Case.open(made.case) as case:
        rows = case.sql(
            "SELECT event_id, action, access_key_id, source_ip FROM event WHERE source = 'cloudtrail'"
        ).rows()
    calls = {row[0]: tuple(row[1:]) for row in rows}

    assert made.truth["attack_events"]
    for fact in made.truth["attack_events"]:
        if fact["source"] == "cloudtrail":
            assert calls[fact["event_id"]] == (fact["action"], fact["access_key_id"], fact["source_ip"])
        else:
            assert fact["event_id"] in ids(made, fact["source"])
    assert {fact["event_id"] for fact in made.truth["objects_read"]} <= set(calls)
    assert {fact["event_id"] for fact in made.truth["attack_flows"]} <= ids(made, "vpc_flow")
    assert {fact["finding_id"] for fact in made.truth["findings"]} == ids(made, "guardduty")


def test_every_key_that_is_used_or_issued_is_stated_and_the_other_way_round(made: Incident) -> None:
    with Case.open(made.case) as case:
        seen = case.sql("""
SELECT user_identity_access_key_id FROM cloudtrail WHERE user_identity_access_key_id <> ''
UNION SELECT response_elements->>'$.credentials.accessKeyId' FROM cloudtrail
UNION SELECT response_elements->>'$.accessKey.accessKeyId' FROM cloudtrail""").rows()
    keys = {row[0] for row in seen} - {None}

    assert {fact["access_key_id"] for fact in made.truth["credentials"]} == keys
    assert {fact["access_key_id"] for fact in made.truth["lineage"]} == keys


def test_issuances_are_calls_in_the_logs_that_answer_with_the_key(made: Incident) -> None:
    with Case.open(made.case) as case:
        rows = case.sql("""
SELECT event_id, coalesce(response_elements->>'$.credentials.accessKeyId', response_elements->>'$.accessKey.accessKeyId')
FROM cloudtrail""").rows()
    minted = dict(rows)

    for fact in made.truth["credentials"]:
        if fact["issuance_event_id"]:
            assert minted[fact["issuance_event_id"]] == fact["access_key_id"]
        else:
            assert fact["access_key_id"] not in minted.values()


def test_the_identity_of_a_key_is_one_over_all_its_calls(made: Incident) -> None:
    with Case.open(made.case) as case:
        rows = case.sql("""
SELECT user_identity_access_key_id, count(DISTINCT (user_identity_arn, user_identity_principal_id, session_creation_date))
FROM cloudtrail WHERE user_identity_access_key_id <> '' GROUP BY 1""").rows()

    assert [row for row in rows if row[1] != 1] == []


def test_no_key_is_used_before_it_is_issued_or_after_it_expires(made: Incident) -> None:
    with Case.open(made.case) as case:
        rows = case.sql("""
SELECT user_identity_access_key_id, min(event_time), max(event_time) FROM cloudtrail
WHERE user_identity_access_key_id <> '' GROUP BY 1""").rows()
    used = {key: (first, last) for key, first, last in rows}

    for fact in made.truth["credentials"]:
        if fact["issued_at"] and fact["access_key_id"] in used:
            first, last = used[fact["access_key_id"]]
            assert first >= datetime.fromisoformat(fact["issued_at"]).replace(tzinfo=None), fact
            if fact["expires_at"]:
                assert last <= datetime.fromisoformat(fact["expires_at"]).replace(tzinfo=None), fact


def test_lineage_follows_the_keys(made: Incident) -> None:
    parents = {fact["access_key_id"]: fact["parent_access_key_id"] for fact in made.truth["credentials"]}

    for fact in made.truth["lineage"]:
        chain = [fact["access_key_id"], *fact["chain"]]
        assert [parents[key] for key in chain] == [*fact["chain"], None]
        assert fact["ends_in"]["kind"] in ("service", "principal", "federation", "gap")


def test_lifetimes_are_of_workloads_and_of_kinds_that_the_design_knows(made: Incident) -> None:
    workloads = {fact["workload"] for fact in made.truth["workloads"]}

    for fact in made.truth["lifetimes"]:
        assert fact["workload"] in workloads
        assert fact["holds_kind"] in KINDS
        assert fact["valid_to"] is None or fact["valid_from"] <= fact["valid_to"]


def test_decoys_are_of_events_and_say_what_must_not_be_said(made: Incident) -> None:
    with Case.open(made.case) as case:
        events = {row[0] for row in case.sql("SELECT event_id FROM event").rows()}

    for fact in made.truth["decoys"]:
        assert fact["statement"].endswith(".")
        assert set(fact["event_ids"]) <= events, fact["kind"]
        for answer in fact["must_not"]:
            assert answer["event_id"] in events
            assert answer["question"] in ("issued_to", "used_from", "endpoint")


def test_no_decoy_bars_an_answer_that_the_truth_gives(made: Incident) -> None:
    given = {
        (fact["event_id"], fact["question"], workload): fact["certainty"]
        for fact in made.truth["attributions"]
        for workload in fact["workloads"]
    }
    for fact in made.truth["decoys"]:
        for barred in fact["must_not"]:
            word = given.get((barred["event_id"], barred["question"], barred["workload"]))
            allowed = WORDS[WORDS.index(barred["certainty"]) + 1 :] if barred["certainty"] else ()
            assert word is None or word in allowed, (fact["kind"], barred, word)


def test_addresses_are_those_set_aside_for_documents(made: Incident) -> None:
    with Case.open(made.case) as case:
        rows = case.sql("SELECT DISTINCT source_ip FROM event WHERE source_ip SIMILAR TO '[0-9.]+'").rows()

    assert [row[0] for row in rows if not SYNTHETIC.match(row[0])] == []


def bytes_of(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_writes_the_same_bytes(name: str, tmp_path: Path) -> None:
    for place in ("one", "two"):
        simulate(name, tmp_path / place, seed=5, scale=0.1)

    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


@pytest.mark.parametrize("name", NAMES)
def test_scale_is_of_noise_only(name: str, tmp_path: Path, made_small: dict[str, Any]) -> None:
    truth = incident(name).truth
    small = made_small

    for part in ("attack_events", "objects_read", "stolen", "findings", "bytes_out", "workloads"):
        assert _placeless(small[part]) == _placeless(truth[part]), part
    assert [fact["statement"] for fact in small["decoys"]] == [fact["statement"] for fact in truth["decoys"]]


def _placeless(part: Any) -> Any:
    """Facts without the places of their records, which move with what else is in their objects."""
    if not isinstance(part, list):
        return part
    return [{key: value for key, value in fact.items() if key != "event_id" or "/" not in value} for fact in part]


@pytest.fixture
def made_small(name: str, tmp_path: Path) -> dict[str, Any]:
    return json.loads(simulate(name, tmp_path / "small", scale=0.05).read_text("utf-8"))
