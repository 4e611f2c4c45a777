"""Any credential, asked for by its id, session, principal or finding; up and down its lineage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.analysis.stolen_credentials import look
from forensics.case import Case
from forensics.errors import UnknownName, UsageError
from tests.analysis.suspect_worlds import at_work
from tests.analysis.test_intrusion import chained, session
from tests.analysis.theft_worlds import OUTSIDE, accused, case_of, function, minted, own, used
from tests.workload_worlds import KEY, ROLE
from tests.worlds import ACCOUNT

HOP = "ASIAEXAMPLEHOP"
CALLS = [
    minted(),
    own(),
    used(function(), OUTSIDE, "iam:ListUsers"),
    chained(function(), HOP, at="09:05:00"),
    used(session(HOP), OUTSIDE, at="09:06:00"),
]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """A function's key used from outside, and a further one that it gave."""
    with case_of(tmp_path_factory.mktemp("any"), cloudtrail=[*at_work(), *CALLS], guardduty=[accused()]) as made:
        yield made


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"access_key_id": KEY},
        {"access_key_id": HOP},
        {"session": f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-fn-role/orders-fn"},
        {"principal": f"{ROLE}orders-fn-role"},
        {"finding_id": "f-1"},
    ],
)
def test_asked_by_any_name_or_by_none_the_same_theft_is_found(case: Case, asked: dict[str, str]) -> None:
    answer = look(case, **asked)
    assert (answer.intrusion.stolen, answer.intrusion.derived) == ({KEY: (OUTSIDE,)}, (HOP,))
    assert answer.verdict.startswith("1 credential is in an intruder's hands (ASIAEXAMPLEKEY1 of arn:aws:lambda:")


def test_lineage_is_told_up_and_down(case: Case) -> None:
    answer = look(case, access_key_id=HOP)
    assert next(row[:3] for row in answer.ancestry.rows() if row[0] == HOP) == (HOP, 1, KEY)
    assert [row[:2] for row in answer.lineage.rows()] == [(KEY, "stolen"), (HOP, "came of it")]


def test_a_principal_of_whom_nothing_speaks_for_an_intruder_is_cleared_with_what_that_rests_on(case: Case) -> None:
    answer = look(case, principal="dev")
    assert (answer.found, answer.statements, answer.containment) == (False, [], [])
    assert answer.verdict.startswith(
        "No use of credentials of dev by somebody else was found: 1 credential looked at, 2 calls."
    )
    assert "That rests on" in answer.verdict and "Not in evidence" in answer.verdict


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"access_key_id": "AKIANONE"}, "no access key id named 'AKIANONE'; known: AKIAEXAMPLEDEV"),
        ({"session": "nobody"}, "no session named 'nobody'; known: arn:aws:sts"),
        ({"principal": "nobody"}, "no principal named 'nobody'"),
        ({"finding_id": "f-9"}, "no finding named 'f-9'; known: f-1"),
    ],
)
def test_unknown_names_are_refused_with_those_there_are(case: Case, asked: dict[str, str], said: str) -> None:
    with pytest.raises(UnknownName, match=said):
        look(case, **asked)


def test_two_names_at_once_are_refused(case: Case) -> None:
    with pytest.raises(UsageError, match=r"give only one of .*; 2 were given"):
        look(case, access_key_id=KEY, finding_id="f-1")


def test_of_an_empty_case_it_says_that_nothing_is_in_evidence(tmp_path: Path) -> None:
    with case_of(tmp_path) as empty:
        answer = look(empty)
        assert (answer.found, answer.statements) == (False, [])
        assert "Not in evidence: CloudTrail" in answer.verdict
