"""What a case says of every made-up incident, held to its truth: nothing wrong, nothing overstated, nothing left out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from forensics.case import Case
from forensics.simulate import scenarios
from tests.simulate.cases import Incident, incident, write
from tests.simulate.score import Score, Tally, examples, score

NAMES = sorted(scenarios())
USUAL = "lambda-credential-theft"
"""The incident that is tried with twenty times the noise in every run; the others are with `-m long`."""

OTHER_ACCOUNT = ":444455556666:"


def differences(found: Score) -> Iterator[str]:
    """Every difference but one that cannot be told: whether a session of an account without logs is a workload's."""
    for place, tally in found.answers.items():
        yield from (f"{place} {line}" for line in examples(tally))
    for name in ("lifetimes", "ends", "decoys"):
        yield from (f"{name} {line}" for line in examples(getattr(found, name)))
    known = [each for each in found.lineage.missing if OTHER_ACCOUNT in each[-1]["ends_in"]["name"]]
    assert all(each[1] == each[-1]["chain"] for each in known)
    rest = [each for each in found.lineage.missing if each not in known]
    yield from (f"lineage {line}" for line in examples(Tally(wrong=found.lineage.wrong, missing=rest)))


def held_to(truth: dict[str, Any], case: Path) -> Score:
    with Case.open(case) as opened:
        return score(opened, truth)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_is_so_and_whatever_can_be_said_is(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    made = incident(name)

    found = held_to(made.truth, made.case)

    record_property("figures", "\n".join([name, *found.lines()]))
    assert list(differences(found)) == []


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (name != USUAL)) for name in NAMES])
def test_twenty_times_the_noise_changes_nothing_of_that(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    made = write(name, tmp_path, scale=20)

    found = held_to(made.truth, made.case)

    record_property("figures", f"{name}, twenty times the noise\n{list(found.lines())[-5]}")
    assert list(differences(found)) == []
    assert misjudged(name, made) == []


WITHIN = {
    ("ecs-container-escape", "198.51.100.141"),
    ("ecs-run-task-escalation", "198.51.100.88"),
    ("eventbridge-persistence", "192.0.2.200"),
    ("lambda-code-injection", "198.51.100.10"),
}
"""Where intruders used a workload's credential from the workload itself: no place tells that."""


def misjudged(name: str, made: Incident) -> list[tuple[str, str]]:
    """Credentials and addresses that are called stolen and were not, or were and are not called so."""
    with Case.open(made.case) as opened:
        rows = opened.sql("SELECT access_key_id, address, place FROM credential_use").rows()
    used = {(act["access_key_id"], act["source_ip"]) for act in made.truth["attack_events"]}
    stolen = {(key, address) for key, address, _ in rows if (key, address) in used and (name, address) not in WITHIN}
    return sorted(stolen ^ {(key, address) for key, address, place in rows if place == "outside"})


@pytest.mark.parametrize("name", NAMES)
def test_credentials_are_called_stolen_where_they_were_and_nowhere_else(name: str) -> None:
    assert misjudged(name, incident(name)) == []


def test_the_score_tells_what_is_wrong_missing_and_overstated() -> None:
    made = incident("fargate-task-role-theft")
    truth = made.truth | {"attributions": list(made.truth["attributions"])}
    first, second, third = [fact for fact in truth["attributions"] if fact["certainty"] == "recorded"][:3]
    truth["attributions"].remove(first)
    truth["attributions"].remove(second)
    truth["attributions"].append(second | {"certainty": "bounded"})
    truth["attributions"].append(third | {"event_id": "no such event"})

    found = held_to(truth, made.case).over()

    assert [each[0] for each in found.wrong] == [first["event_id"]]
    assert [each[0] for each in found.overstated] == [second["event_id"]]
    assert [each[0] for each in found.missing] == ["no such event"]
    assert found.precision < 1
    assert found.recall < 1
