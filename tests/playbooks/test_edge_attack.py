"""The playbook about requests at the edge, run on made-up incidents whose truth is known, and held to it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.errors import UsageError
from forensics.playbook import playbook
from tests.playbooks.runs import case_of, investigated
from tests.playbooks.truths import lines, score

NAME = "edge-attack"


@pytest.mark.parametrize("scenario", ["lambda-code-injection", "fargate-task-role-theft"])
def test_the_requests_and_all_that_followed_them_are_cited_and_nothing_else(
    scenario: str, record_property: Callable[[str, object], None]
) -> None:
    found = investigated(NAME, scenario, {})
    kinds = {"alb", "route53_resolver"}
    requests = {item["event_id"] for item in found.truth["attack_records"] if item["source"] in kinds}
    precision, recall = score(found, requests)
    record_property("precision", precision)
    record_property("recall", recall)
    assert precision == 1.0
    assert recall >= 0.95
    assert requests <= found.cited
    assert bool(lines(found)) == bool(lines(found) & found.cited)


def test_asked_about_an_innocent_visitor_it_finds_nothing_and_says_on_what_that_rests() -> None:
    found = investigated(NAME, "lambda-code-injection", {"address": "203.0.113.11"})
    assert found.findings == []
    assert "No request at the edge had consequences inside that speak for an attack" in found.text
    assert "That rests on" in found.text


def test_where_no_log_of_the_edge_is_there_it_says_so() -> None:
    found = investigated(NAME, "lambda-credential-theft", {})
    assert found.findings == []
    assert "0 requests in evidence" in found.text
    assert "Not in evidence: Application Load Balancer access logs" in found.text


def test_an_address_and_a_trace_that_no_request_has_are_refused(tmp_path: Path) -> None:
    _, case = case_of("lambda-code-injection")
    with pytest.raises(UsageError, match=r"no client address named '192\.0\.2\.1'"):
        playbook(NAME).run(case, {"address": "192.0.2.1"}, tmp_path / "out")
    with pytest.raises(UsageError, match="no request or trace id named"):
        playbook(NAME).run(case, {"request_id": "1-00000000-000000000000000000000000"}, tmp_path / "out")
