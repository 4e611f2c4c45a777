"""Hours that acts against logs emptied, held to the truth of the incident in which an intruder switches logs off."""

from collections.abc import Callable
from typing import Any

import pytest

from forensics.case import Case
from tests.simulate.cases import incident

NAME = "log-tampering"
Cell = tuple[str, str, str, str]


def moment(text: str | None) -> str:
    return "None" if text is None else text.replace("T", " ").replace("Z", "")


@pytest.fixture(scope="module")
def emptied() -> dict[Cell, dict[str, Any]]:
    """The truth, by source, account, Region and hour."""
    truth = incident(NAME).truth["emptied"]
    return {(cell["source"], cell["account_id"], cell["region"], moment(cell["hour"])): cell for cell in truth}


@pytest.fixture(scope="module")
def cells() -> dict[Cell, tuple[Any, ...]]:
    """What coverage says: records, status, since, until, event id (of `tampered` the digest's)."""
    with Case.open(incident(NAME).case) as case:
        rows = case.coverage().rows()
    return {(row[0], row[1], row[2], str(row[3])): (row[4], row[5], str(row[8]), str(row[9]), row[10]) for row in rows}


def test_every_emptied_hour_has_its_status_its_act_and_its_times(
    emptied: dict[Cell, dict[str, Any]],
    cells: dict[Cell, tuple[Any, ...]],
    record_property: Callable[[str, object], None],
) -> None:
    said = {
        place: cell[1:4] if cell[1] == "tampered" else cell[1:]
        for place, cell in cells.items()
        if cell[1] in ("switched_off", "missing", "tampered")
    }
    true = {
        place: (
            fact["status"],
            moment(fact["from"]),
            moment(fact["to"]),
            *([fact["event_id"]] if fact["event_id"] else []),
        )
        for place, fact in emptied.items()
    }
    right = sum(said.get(place) == fact for place, fact in true.items())
    figures = f"{NAME}: {len(true)} emptied hours, precision {right / len(said):.3f}, recall {right / len(true):.3f}"
    print(figures)
    record_property("figures", figures)
    assert said == true


def test_no_hour_with_all_its_records_is_called_anything_but_present(
    emptied: dict[Cell, dict[str, Any]], cells: dict[Cell, tuple[Any, ...]]
) -> None:
    whole = {place: cell[1] for place, cell in cells.items() if cell[0] and place not in emptied}
    assert set(whole.values()) == {"present"}
    assert len(whole) > 20


def test_the_findings_of_the_acts_name_who_when_and_which_hours_they_emptied() -> None:
    with Case.open(incident(NAME).case) as case:
        rows = case.sql(
            "SELECT f.type, f.principal, strftime(f.time, '%H:%M:%S'), sum(c.hours) FROM finding AS f"
            " JOIN finding_coverage AS c ON c.finding_id = f.finding_id GROUP BY ALL ORDER BY 3"
        ).rows()
    admin = "arn:aws:iam::111122223333:role/reporting-admin"
    assert rows == [
        ("Tampering:config:StopConfigurationRecorder", admin, "09:44:15", 3),
        ("Tampering:guardduty:UpdateDetector", admin, "09:45:30", 3),
        ("Tampering:cloudtrail:StopLogging", admin, "09:46:30", 4),
    ]


def test_every_act_of_the_intruder_against_logs_is_a_finding_and_more_logging_is_none() -> None:
    made = incident(NAME)
    evasion = {act["event_id"] for act in made.truth["attack_events"] if act["step"] == "defense-evasion"}
    with Case.open(made.case) as case:
        rows = case.sql("SELECT finding_id, type FROM finding WHERE source = 'tampering'").rows()
    found = {row[0].removeprefix("tampering/") for row in rows}
    restarted = {act["event_id"] for act in made.truth["attack_events"] if act["action"] == "cloudtrail:StartLogging"}
    assert evasion - restarted <= found
    ordinary = next(fact["event_ids"] for fact in made.truth["decoys"] if fact["kind"] == "ordinary-change")
    assert sorted(row[1] for row in rows if row[0].removeprefix("tampering/") in ordinary) == [
        "Tampering:logs:DeleteLogGroup"
    ]
