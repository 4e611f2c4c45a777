"""The playbook about outside destinations, run on made-up incidents whose truth is known, and held to it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.errors import UsageError
from forensics.playbook import playbook
from tests.playbooks.runs import case_of, investigated
from tests.playbooks.truths import score

NAME = "egress-and-dns"


@pytest.mark.parametrize("scenario", ["cryptomining", "lambda-credential-theft"])
def test_the_intruder_s_traffic_and_names_are_cited_and_nothing_else(
    scenario: str, record_property: Callable[[str, object], None]
) -> None:
    found = investigated(NAME, scenario, {})
    queries = {item["event_id"] for item in found.truth["attack_records"]}
    precision, _ = score(found, queries)
    wanted = {item["event_id"] for item in found.truth["attack_flows"]} | queries
    wanted |= {item["finding_id"] for item in found.truth["findings"] if item["malicious"]}
    recall = len(found.cited & wanted) / len(wanted)
    record_property("precision", precision)
    record_property("recall", recall)
    assert precision == 1.0
    assert recall >= 0.95


def test_the_heir_of_a_miner_s_address_is_not_accused() -> None:
    found = investigated(NAME, "cryptomining", {"address": "192.0.2.77"})
    assert found.findings == []
    assert "No destination was found of which enough says that it is an attacker's" in found.text
    assert "That rests on" in found.text


def test_where_only_a_function_was_planted_no_destination_is_accused() -> None:
    found = investigated(NAME, "eventbridge-persistence", {})
    assert found.findings == []
    assert "Not in evidence: Route 53 Resolver query logs." in found.text


def test_an_address_and_a_name_that_no_record_has_are_refused(tmp_path: Path) -> None:
    _, case = case_of("cryptomining")
    with pytest.raises(UsageError, match=r"no address in flow logs named '192\.0\.2\.250'"):
        playbook(NAME).run(case, {"address": "192.0.2.250"}, tmp_path / "out")
    with pytest.raises(UsageError, match=r"no name asked of the resolver named 'nowhere\.example'"):
        playbook(NAME).run(case, {"domain": "nowhere.example"}, tmp_path / "out")
