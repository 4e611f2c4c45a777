"""Behaviours in calls: what fires, what nearly does, and what the reasons say."""

import pytest

from tests.behaviour.behaviour_worlds import (
    ELSEWHERE,
    LINUX,
    MAC,
    OFFICE,
    clock,
    denied,
    from_where,
    hits,
    morning,
)
from tests.worlds import Record, role, user

DEV = user()
OPS = user("ops", key="AKIAEXAMPLEOPS", uid="AIDAEXAMPLEOPS")


def intruder(who: Record = DEV, *, address: str = ELSEWHERE, agent: str = LINUX, at: str = "09:00:30") -> list[Record]:
    names = ("sts:GetCallerIdentity", "iam:ListUsers", "iam:CreateUser")
    return [from_where(who, name, clock(20 * place, start=at), address, agent) for place, name in enumerate(names)]


# New manner


def test_a_new_address_client_and_actions_together_are_a_new_manner() -> None:
    (hit,) = hits("new-manner", cloudtrail=[*morning(), *intruder()])
    assert (hit.principal, hit.access_key_id) == (DEV["arn"], "AKIAEXAMPLEDEV")
    assert hit.severity == 7
    assert hit.evidence_event_ids == tuple(record["eventID"] for record in intruder())
    assert hit.reasons == (
        "first call from 203.0.113.77 after 3 h of its calls, 3 h of them in the logs",
        "none of its addresses before began with the same two numbers",
        "nobody else called from there before",
        "new client: aws-cli on Linux, which nobody else used before",
        "first-ever actions: 3, such as iam:CreateUser, sts:GetCallerIdentity",
    )


@pytest.mark.parametrize(
    "visit",
    [
        pytest.param(intruder(address=OFFICE), id="the same address"),
        pytest.param(intruder(agent=MAC), id="the same client"),
        pytest.param(intruder(agent=MAC.replace("2.17", "2.18")), id="an upgraded client"),
        pytest.param([from_where(DEV, "s3:ListBuckets", "09:00:30", ELSEWHERE, LINUX)], id="nothing new done"),
        pytest.param(intruder()[:1], id="one new action"),
        pytest.param(intruder(at="07:10:00"), id="an hour of past"),
    ],
)
def test_only_part_of_a_new_manner_is_none(visit: list[Record]) -> None:
    assert hits("new-manner", cloudtrail=[*morning(), *visit]) == []


def test_a_past_whose_logs_are_not_held_is_no_past() -> None:
    seldom = [record for record in morning() if record["eventTime"][11:13] in ("06", "09")]
    assert hits("new-manner", cloudtrail=[*seldom, *intruder()]) == []


def test_calls_that_a_service_makes_for_a_principal_are_not_its_manner() -> None:
    visit = intruder(address="cloudformation.amazonaws.com", agent="cloudformation.amazonaws.com")
    assert hits("new-manner", cloudtrail=[*morning(), *visit]) == []


# Newcomer


def test_a_principal_that_nobody_knew_from_a_new_address_is_a_newcomer() -> None:
    (hit,) = hits("newcomer", cloudtrail=[*morning(), *intruder(OPS)])
    assert (hit.principal, hit.severity) == (OPS["arn"], 4)
    assert "nobody called from 203.0.113.77 until shortly before" in hit.reasons


@pytest.mark.parametrize(
    "visit",
    [
        pytest.param(intruder(OPS, address=OFFICE), id="from where others work"),
        pytest.param([from_where(OPS, "s3:ListBuckets", "09:00:30", ELSEWHERE)], id="doing what others do"),
        pytest.param(intruder(OPS, at="07:10:00"), id="an hour of past"),
    ],
)
def test_a_new_colleague_is_no_newcomer(visit: list[Record]) -> None:
    assert hits("newcomer", cloudtrail=[*morning(), *visit]) == []


# New actions

LOOKS = (
    "iam:ListUsers iam:ListRoles s3:GetBucketPolicy kms:ListKeys rds:DescribeDBInstances sts:GetCallerIdentity".split()
)


def test_many_first_ever_actions_within_minutes_are_found() -> None:
    looks = [from_where(DEV, name, clock(30 * place, start="09:00:30")) for place, name in enumerate(LOOKS)]
    (hit,) = hits("new-actions", cloudtrail=[*morning(), *looks])
    assert hit.title == "6 actions for the first time within 3 min"
    assert "6 of them nobody else had done in the account" in hit.reasons


def test_new_actions_spread_over_the_morning_or_known_of_others_are_not_found() -> None:
    spread = [from_where(DEV, name, clock(660 * place, start="08:10:30")) for place, name in enumerate(LOOKS)]
    others = [from_where(OPS, name, clock(30 * place, start="07:00:30")) for place, name in enumerate(LOOKS)]
    looks = [from_where(DEV, name, clock(30 * place, start="09:00:30")) for place, name in enumerate(LOOKS)]
    assert hits("new-actions", cloudtrail=[*morning(), *spread]) == []
    assert hits("new-actions", cloudtrail=[*morning(), *others, *looks]) == []


# New Region


def test_the_first_to_call_in_a_region_is_found_and_changes_weigh_more() -> None:
    there = [
        from_where(DEV, "ec2:DescribeVpcs", "09:00:30", awsRegion="ap-east-1"),
        from_where(DEV, "ec2:RunInstances", "09:01:00", awsRegion="ap-east-1"),
    ]
    (hit,) = hits("new-region", cloudtrail=[*morning(), *there])
    assert (hit.principal, hit.severity, hit.evidence_count) == (DEV["arn"], 5, 2)


def test_a_region_in_use_is_not_new_to_another_principal() -> None:
    used = [from_where(OPS, "ec2:DescribeVpcs", "07:00:30", awsRegion="ap-east-1")]
    there = [from_where(DEV, "ec2:RunInstances", "09:01:00", awsRegion="ap-east-1")]
    assert hits("new-region", cloudtrail=[*morning(), *used, *there]) == []


# Denials


def test_several_different_denied_actions_are_a_burst() -> None:
    tried = [denied(DEV, name, clock(20 * place, start="09:00:30")) for place, name in enumerate(LOOKS)]
    (hit,) = hits("denials", cloudtrail=[*morning(), *tried])
    assert hit.severity == 7
    assert hit.reasons[0] == "6 of 6 calls denied, 6 different actions of 5 services, within 100 s"
    assert hit.reasons[2] == "nothing was denied to it there before"


def test_one_action_denied_again_and_again_is_a_program_without_a_permission() -> None:
    tried = [denied(DEV, "kms:Decrypt", clock(20 * place)) for place in range(60)]
    assert hits("denials", cloudtrail=[*morning(), *tried]) == []


def test_denials_hours_apart_are_no_burst() -> None:
    tried = [denied(DEV, name, clock(1800 * place)) for place, name in enumerate(LOOKS)]
    assert hits("denials", cloudtrail=[*morning(), *tried]) == []


# Volume of objects


def read(at: str, sent: int, place: int = 0) -> Record:
    more = {"bytesTransferredOut": sent}
    return from_where(DEV, "s3:GetObject", at, additionalEventData=more, eventID=f"read-{at}-{place}")


def test_reading_far_more_from_s3_than_ever_before_is_found() -> None:
    usual = [read(clock(600 * place + 7), 90_000 + 1_000 * place) for place in range(18)]
    much = [read(clock(10 * place, start="09:10:01"), 2_000_000) for place in range(5)]
    (hit,) = hits("object-volume", cloudtrail=[*morning(), *usual, *much])
    assert hit.title == "10 MB read from S3 in 10 minutes, at most 107 kB before"
    assert (
        hit.reasons[1] == "before: at most 107 kB, median 98.5 kB, median deviation 4.5 kB, over 18 slices with reads"
    )


def test_a_busy_ten_minutes_of_a_busy_reader_is_not_found() -> None:
    usual = [read(clock(600 * place + 7), 4_000_000) for place in range(18)]
    much = [read(clock(10 * place, start="09:10:01"), 2_000_000) for place in range(5)]
    assert hits("object-volume", cloudtrail=[*morning(), *usual, *much]) == []


def test_reading_much_in_the_first_hours_of_the_logs_is_not_found() -> None:
    much = [read(clock(10 * place, start="07:10:01"), 2_000_000) for place in range(5)]
    assert hits("object-volume", cloudtrail=[*morning(), *much]) == []


# Sessions are of one place


def test_a_role_used_by_many_sessions_is_judged_as_one_principal() -> None:
    sessions = [role("app", f"s{place}", key=f"ASIAEXAMPLE{place}") for place in range(4)]
    calls = [
        record for place, who in enumerate(sessions) for record in morning(who, hours=4)[place * 6 : place * 6 + 6]
    ]
    (hit,) = hits("new-manner", cloudtrail=[*calls, *intruder(sessions[3])])
    assert hit.principal == "arn:aws:iam::111122223333:role/app"
