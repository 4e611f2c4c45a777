"""The playbook on made-up incidents: intruders' credentials are named with reasons, and nobody else's."""

from collections.abc import Callable

import pytest

from tests.playbooks.runs import investigated, precision_and_recall

NAME = "account-first-look"


@pytest.mark.parametrize("scenario", ["log-tampering", "lambda-credential-theft"])
def test_every_credential_in_an_intruder_s_hands_is_named_and_no_other(
    scenario: str, record_property: Callable[[str, object], None]
) -> None:
    run = investigated(NAME, scenario, {})
    suspects = [item for item in run.findings if item["id"].startswith("suspect-")]
    named = {
        tuple(item["title"].removesuffix(" looks to be in an intruder's hands").split(" at ")) for item in suspects
    }
    wanted = {(act["access_key_id"], act["source_ip"]) for act in run.truth["attack_events"]}
    precision, recall = precision_and_recall({str(item) for item in named}, {str(item) for item in wanted})
    record_property(
        "figures", f"{NAME}, {scenario}: precision {precision:.3f}, recall {recall:.3f}, {len(wanted)} credentials"
    )
    assert named == wanted
    reported = {item["evidence"][0]["event_id"] for item in run.findings if item["id"].startswith("finding-")}
    assert {item["finding_id"] for item in run.truth["findings"] if item["malicious"]} <= reported


def test_of_an_incident_within_a_function_it_says_that_no_credential_stands_out() -> None:
    run = investigated(NAME, "lambda-code-injection", {})
    assert "No credential looks to be in an intruder's hands by what is seen." in run.text
    assert "1 finding to look into: guardduty-triage." in run.text
    assert "Not in evidence" not in run.text.split("The answer")[1].split("What stands out")[0]
