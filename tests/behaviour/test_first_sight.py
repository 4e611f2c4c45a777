"""First seen and rare: one thing new to a principal, and one that it seldom does; what nearly is."""

import pytest

from forensics.behaviour.report import Hit
from tests.behaviour.behaviour_worlds import ELSEWHERE, LINUX, MAC, OFFICE, clock, from_where, hits, morning
from tests.worlds import Record, user

DEV = user()
OPS = user("ops", key="AKIAEXAMPLEOPS", uid="AIDAEXAMPLEOPS")
HOSTILE = "<b>x</b>\x1b[31m');DROP"


def titles(found: list[Hit]) -> set[str]:
    return {hit.title for hit in found}


# First seen


@pytest.mark.parametrize(
    ("late", "title"),
    [
        (from_where(DEV, "iam:ListUsers", "09:00:30"), "for the first time did iam:ListUsers"),
        (from_where(DEV, "s3:ListBuckets", "09:00:30", ELSEWHERE), "for the first time called from 203.0.113.77"),
        (
            from_where(DEV, "s3:ListBuckets", "09:00:30", agent=LINUX),
            "for the first time called with aws-cli on Linux",
        ),
        (
            from_where(DEV, "s3:ListBuckets", "09:00:30", awsRegion="ap-east-1"),
            "for the first time called in ap-east-1",
        ),
    ],
)
def test_one_thing_that_is_new_to_a_settled_principal_is_first_seen(late: Record, title: str) -> None:
    (hit,) = hits("first-seen", cloudtrail=[*morning(), late])
    assert (hit.title, hit.severity, hit.principal) == (title, 3, DEV["arn"])
    assert hit.evidence_event_ids == (late["eventID"],)
    assert hit.reasons[1:] == (
        "none was new to it since its first hour",
        "nobody else had it before",
        "rare: 1 of its 25 calls",
    )


def test_what_others_did_before_weighs_less() -> None:
    late = from_where(DEV, "iam:ListUsers", "09:00:30")
    (hit,) = hits("first-seen", cloudtrail=[*morning(), from_where(OPS, "iam:ListUsers", "06:05:00"), late])
    assert hit.severity == 2
    assert "others had it before" in hit.reasons


def test_a_principal_that_always_does_new_things_is_not_settled() -> None:
    wanders = [from_where(DEV, f"ec2:Describe{place}", clock(600 * place + 60)) for place in range(24)]
    assert hits("first-seen", cloudtrail=[*morning(), *wanders]) == []


def test_what_is_new_within_the_first_hours_cannot_be_told() -> None:
    assert hits("first-seen", cloudtrail=[*morning(), from_where(DEV, "iam:ListUsers", "07:10:00")]) == []


def test_a_hostile_user_agent_is_told_as_it_is() -> None:
    (hit,) = hits("first-seen", cloudtrail=[*morning(), from_where(DEV, "s3:ListBuckets", "09:00:30", agent=HOSTILE)])
    assert hit.title == "for the first time called with <b>x<"


# Rare


def work(calls: int = 240) -> list[Record]:
    """Many calls of one principal, of two kinds, all alike."""
    names = ("s3:ListBuckets", "s3:GetObject")
    return [
        from_where(DEV, names[place % 2], clock(40 * place), OFFICE, MAC, eventID=f"work-{place}")
        for place in range(calls)
    ]


def test_what_is_done_once_of_many_calls_and_by_nobody_else_is_rare() -> None:
    (hit,) = hits("rare", cloudtrail=[*work(), from_where(DEV, "iam:CreateUser", "06:30:00")])
    assert (hit.title, hit.severity) == ("rarely did iam:CreateUser", 2)
    assert hit.reasons[:2] == ("1 of its 241 calls", "one of only 3 of the kind (action) that it ever had")


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([*work(150), from_where(DEV, "iam:CreateUser", "06:30:00")], id="of few calls"),
        pytest.param([*work(), from_where(DEV, "iam:CreateUser", "08:30:00")], id="later: first-seen tells it"),
        pytest.param(
            [*work(), *(from_where(who, "iam:CreateUser", "06:30:00") for who in (DEV, OPS))], id="of others too"
        ),
        pytest.param(
            [*work(), *(from_where(DEV, f"ec2:Describe{n}", clock(60 * n)) for n in range(7))], id="one of many"
        ),
    ],
)
def test_what_is_not_rare_is_not_found(records: list[Record]) -> None:
    assert not {title for title in titles(hits("rare", cloudtrail=records)) if "did" in title}


def test_an_empty_case_has_neither() -> None:
    assert hits("first-seen", cloudtrail=[]) == hits("rare", cloudtrail=[]) == []
