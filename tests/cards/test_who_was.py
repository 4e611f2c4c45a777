"""Who held something at a moment: one, several, nobody then, or nobody that any record names."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.cli import main
from forensics.errors import UsageError
from tests.cards.worlds import ROWS, WEB, told


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    other = ROWS["lifetime"][0] | {"holds": "10.0.3.18", "certainty": "shared"}
    rows = {**ROWS, "lifetime": [ROWS["lifetime"][0], other, other | {"workload": "k8s:main/pay/api-a"}]}
    with told(tmp_path, rows) as made:
        yield made


def test_one_holder_is_named_with_its_certainty(case: Case) -> None:
    found = case.who_was("10.0.3.17", at="2026-11-05T08:30:00Z")

    assert (found.status, found.holders, found.certainty) == ("held", (WEB,), "matched")
    assert [(answer.text, answer.certainty) for answer in found.answers()] == [
        (f"{WEB} held 10.0.3.17 at 2026-11-05 08:30:00 UTC.", "matched")
    ]
    assert found.rows()[0][0] == WEB


def test_several_holders_are_all_named(case: Case) -> None:
    found = case.who_was("10.0.3.18", at="2026-11-05T08:30:00Z")

    assert (found.status, found.holders, found.certainty) == ("shared", (WEB, "k8s:main/pay/api-a"), "shared")
    assert "2 may have held 10.0.3.18" in found.answers()[0].text


def test_nobody_then_is_told_apart_from_no_record_at_all(case: Case) -> None:
    later = case.who_was("10.0.3.17", at="2026-11-05T09:12:00Z")
    never = case.who_was("10.9.9.9", at="2026-11-05T09:12:00Z")

    assert (later.status, later.holders, later.certainty) == ("nobody", (), None)
    assert [row[0] for row in later.nearest.rows()] == [WEB]
    assert f"nobody is known to have held it then; before: {WEB}" in str(later)
    assert (never.status, never.nearest.rows()) == ("no record", [])
    assert "no record of this case says who held it" in str(never)


def test_records_that_name_the_address_are_counted(case: Case) -> None:
    assert [row[:2] for row in case.who_was("10.0.3.17", at="2026-11-05").seen.rows()] == [("vpc_flow", 1)]


@pytest.mark.parametrize(("held", "at"), [("10.0.3.17", "yesterday"), ("10.0.3.17", ""), (" ", "2026-11-05")])
def test_a_question_without_a_thing_or_a_time_says_what_to_write(case: Case, held: str, at: str) -> None:
    with pytest.raises(UsageError, match=r"nothing that can be held|write 2026-11-05"):
        case.who_was(held, at=at)


def test_an_empty_case_knows_of_no_record(tmp_path: Path) -> None:
    with Case.create(tmp_path / "empty") as empty:
        assert empty.who_was("10.0.3.17", at="2026-11-05").status == "no record"


def test_the_command_prints_the_card(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.close()

    assert main(["who", str(case.path), "10.0.3.17", "--at", "2026-11-05T08:30:00Z"]) == 0
    assert f"[matched] {WEB} held 10.0.3.17" in capsys.readouterr().out
    assert main(["who", str(case.path), "10.0.3.17", "--at", "noon"]) == 2
    assert "not a time: 'noon'" in capsys.readouterr().err
