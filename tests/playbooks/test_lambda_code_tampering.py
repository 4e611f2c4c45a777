"""The playbook about changed code, run on made-up incidents whose truth is known, and held to it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.errors import UsageError
from forensics.playbook import playbook
from tests.playbooks.runs import case_of, investigated
from tests.playbooks.truths import lines, score

NAME = "lambda-code-tampering"


@pytest.mark.parametrize("scenario", ["lambda-malicious-layer", "eventbridge-persistence"])
def test_everything_that_came_of_the_changes_is_cited_and_nothing_else(
    scenario: str, record_property: Callable[[str, object], None]
) -> None:
    found = investigated(NAME, scenario, {})
    precision, recall = score(found)
    record_property("precision", precision)
    record_property("recall", recall)
    assert precision == 1.0
    assert recall >= 0.95
    assert lines(found) & found.cited


def test_the_change_of_a_developer_in_the_same_minutes_is_listed_and_not_held_against_anybody() -> None:
    found = investigated(NAME, "lambda-malicious-layer", {"workload": "thumbs-fn"})
    assert found.findings == []
    assert (
        "No change of arn:aws:lambda:us-east-1:111122223333:function:thumbs-fn by an intruder was found" in found.text
    )
    assert "arn:aws:iam::111122223333:user/dev from 198.51.100.50" in found.text


def test_the_changed_function_is_to_be_kept_stopped_and_freed_of_its_layer() -> None:
    text = investigated(NAME, "lambda-malicious-layer", {"workload": "orders-fn"}).text
    for command in ("get-layer-version-by-arn", "put-function-concurrency", "update-function-configuration"):
        assert f"aws lambda {command} --region us-east-1" in text


def test_where_only_a_key_was_stolen_no_change_is_found_and_it_says_on_what_that_rests() -> None:
    found = investigated(NAME, "lambda-credential-theft", {})
    assert found.findings == []
    assert "No change of functions by an intruder was found" in found.text
    assert "That rests on" in found.text
    assert "Not in evidence: AWS Config configuration items." in found.text


def test_an_unknown_function_and_one_that_is_none_are_refused(tmp_path: Path) -> None:
    _, case = case_of("lambda-malicious-layer")
    with pytest.raises(UsageError, match="no workload named 'nobody'"):
        playbook(NAME).run(case, {"workload": "nobody"}, tmp_path / "out")
    with pytest.raises(UsageError, match="not a time"):
        playbook(NAME).run(case, {"start": "yesterday"}, tmp_path / "out")
