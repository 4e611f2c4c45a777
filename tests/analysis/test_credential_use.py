"""Each rule by which a place is judged to be the workload's own, foreign or neither."""

from pathlib import Path

import pytest

from forensics.analysis.credential_use import uses
from tests.analysis.theft_worlds import (
    CLI,
    FURTHER,
    OUTSIDE,
    OWN,
    RUNTIME,
    accused,
    case_of,
    function,
    only,
    own,
    places,
    used,
)
from tests.workload_worlds import API, API_ID, DEV, KEY, ORDERS, WEB, WEB_ID, run
from tests.worlds import ACCOUNT, Record, call, role

WEB_ROLE = role("web-role", WEB_ID, key="ASIAEXAMPLEWEB", ec2RoleDelivery="2.0")


def public(instance: str, address: str, *, at: str) -> Record:
    """An instance is given a public address."""
    asked = {"instanceId": instance, "publicIp": address, "allocationId": f"eipalloc-{instance}"}
    answer = {"associationId": f"eipassoc-{instance}"}
    return call(DEV, "ec2:AssociateAddress", at=at, requestParameters=asked, responseElements=answer)


def test_calls_that_a_service_makes_are_inside(tmp_path: Path) -> None:
    with case_of(
        tmp_path, cloudtrail=[used(function(), "lambda.amazonaws.com"), used(function(), "AWS Internal")]
    ) as case:
        assert places(case) == {"lambda.amazonaws.com": "inside", "AWS Internal": "inside"}
        assert only(case, "AWS Internal").why == "AWS made the calls on its behalf"


def test_a_service_s_calls_say_nothing_of_other_addresses(tmp_path: Path) -> None:
    calls = [used(function(), "lambda.amazonaws.com"), used(function(), OUTSIDE, at="09:01:00")]
    with case_of(tmp_path, cloudtrail=calls) as case:
        assert places(case)[OUTSIDE] == "undetermined"


def test_a_record_without_an_address_is_undetermined(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[own(), call(function(), at="09:00:00")]) as case:
        assert places(case) == {OWN: "inside", "(no address)": "undetermined"}


def test_the_runtime_s_user_agent_is_inside_and_said_to_be_copyable(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[own(), own("08:31:00"), used(function(), OWN, at="08:32:00")]) as case:
        (use,) = [only(case, OWN)]
        assert (use.place, use.calls) == ("inside", 3)
        assert use.why == "2 of 3 calls carry the runtime's user agent (which a caller can copy)"


def test_beside_the_runtime_s_calls_an_address_without_its_user_agent_is_outside(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[own(), used(function(), OUTSIDE)]) as case:
        assert places(case) == {OWN: "inside", OUTSIDE: "outside"}
        assert (
            only(case, OUTSIDE).why
            == "no call from it carries the runtime's user agent, as the workload's own calls do"
        )


def test_without_anything_to_hold_it_against_a_place_is_undetermined(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[used(function(), OUTSIDE), used(function(), FURTHER)]) as case:
        assert places(case) == {OUTSIDE: "undetermined", FURTHER: "undetermined"}


def test_a_finding_decides_without_a_baseline(tmp_path: Path) -> None:
    with case_of(
        tmp_path, cloudtrail=[used(function(), OUTSIDE), used(function(), FURTHER)], guardduty=[accused()]
    ) as case:
        assert places(case) == {OUTSIDE: "outside", FURTHER: "undetermined"}
        assert only(case, OUTSIDE).finding_id == "f-1"


def test_a_copied_user_agent_is_inside_with_the_caveat_until_a_finding_names_the_address(tmp_path: Path) -> None:
    calls = [own(), used(function(), OUTSIDE, agent=RUNTIME)]
    with case_of(tmp_path / "without", cloudtrail=calls) as case:
        assert only(case, OUTSIDE).place == "inside"
        assert "which a caller can copy" in only(case, OUTSIDE).why
    with case_of(tmp_path / "with", cloudtrail=calls, guardduty=[accused()]) as case:
        assert places(case) == {OWN: "inside", OUTSIDE: "outside"}


def test_a_finding_about_behaviour_says_nothing_of_the_place(tmp_path: Path) -> None:
    unusual = accused(OWN, kind="Exfiltration:S3/AnomalousBehavior")
    with case_of(tmp_path, cloudtrail=[own()], guardduty=[unusual]) as case:
        assert places(case) == {OWN: "inside"}


def test_calls_that_lambda_makes_are_inside_and_no_baseline(tmp_path: Path) -> None:
    worker = "awslambda-worker/1.0 rusoto/0.47.0"
    platform = used(function(), "192.0.2.210", "logs:CreateLogStream", agent=worker)
    with case_of(tmp_path, cloudtrail=[platform, used(function(), OUTSIDE)]) as case:
        assert places(case) == {"192.0.2.210": "inside", OUTSIDE: "undetermined"}


@pytest.mark.parametrize(("name", "agent"), [("s3:ListBuckets", "awslambda-worker/1.0"), ("logs:CreateLogStream", CLI)])
def test_lambda_s_own_calls_are_known_by_action_and_user_agent_together(tmp_path: Path, name: str, agent: str) -> None:
    with case_of(tmp_path, cloudtrail=[own(), used(function(), OUTSIDE, name, agent=agent)]) as case:
        assert places(case)[OUTSIDE] == "outside"


def test_a_baseline_of_one_key_holds_for_the_workload_s_other_keys(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[own(), used(function("ASIAEXAMPLEKEY2"), OUTSIDE)]) as case:
        found = {(use.access_key_id, use.address): use.place for use in uses(case, workload=ORDERS)}
        assert found == {(KEY, OWN): "inside", ("ASIAEXAMPLEKEY2", OUTSIDE): "outside"}


def test_an_instance_s_own_public_address_is_inside_and_others_are_outside(tmp_path: Path) -> None:
    calls = [run(at="08:00:00"), public(WEB_ID, OWN, at="08:00:10"), used(WEB_ROLE, OWN), used(WEB_ROLE, OUTSIDE)]
    with case_of(tmp_path, cloudtrail=calls) as case:
        assert places(case, WEB) == {OWN: "inside", OUTSIDE: "outside"}
        assert only(case, OWN, WEB).why == "the workload itself held the address at that time"


def test_another_workload_s_address_is_not_the_workload_s_own(tmp_path: Path) -> None:
    calls = [run(at="08:00:00"), public(WEB_ID, OWN, at="08:00:10"), used(WEB_ROLE, OWN, at="09:00:00")]
    calls += [run(API_ID, at="08:00:01", eni="eni-2", address="10.0.0.6"), public(API_ID, FURTHER, at="08:00:11")]
    with case_of(tmp_path, cloudtrail=[*calls, used(WEB_ROLE, FURTHER, at="09:00:01")]) as case:
        assert places(case, WEB) == {OWN: "inside", FURTHER: "outside"}
        assert only(case, FURTHER, WEB).why.endswith(f"; {API} held the address at that time")


def test_an_address_of_a_gateway_is_inside_with_its_caveat_and_a_baseline(tmp_path: Path) -> None:
    card = {"natGatewayId": "nat-1", "natGatewayAddressSet": {"item": {"allocationId": "eipalloc-1"}}}
    answer = {"CreateNatGatewayResponse": {"natGateway": card}}
    made = call(DEV, "ec2:CreateNatGateway", at="08:00:00", responseElements=answer)
    allocated = {"responseElements": {"publicIp": OWN, "allocationId": "eipalloc-1"}}
    calls = [call(DEV, "ec2:AllocateAddress", at="07:59:00", **allocated), made, used(function(), OWN)]
    with case_of(tmp_path, cloudtrail=[*calls, used(function(), OUTSIDE)]) as case:
        assert places(case) == {OWN: "inside", OUTSIDE: "outside"}
        assert only(case, OWN).why.endswith("natgateway/nat-1 (anything behind that gateway looks the same)")


def test_an_address_held_at_some_of_the_calls_only_is_not_inside(tmp_path: Path) -> None:
    early, late = used(WEB_ROLE, OWN, at="07:00:00"), used(WEB_ROLE, OWN, at="09:00:00")
    with case_of(tmp_path, cloudtrail=[early, run(at="08:00:00"), public(WEB_ID, OWN, at="08:00:10"), late]) as case:
        assert places(case, WEB) == {OWN: "outside"}


def test_keys_asked_for_without_a_workload_are_undetermined_wherever_a_workload_holds_the_address(
    tmp_path: Path,
) -> None:
    calls = [run(at="08:00:00"), public(WEB_ID, OWN, at="08:00:10"), used(DEV, OWN), used(DEV, OUTSIDE)]
    with case_of(tmp_path, cloudtrail=calls) as case:
        found = places(case, None, access_key_ids=(DEV["accessKeyId"],))
        assert (found[OWN], found[OUTSIDE]) == ("undetermined", "undetermined")


def test_uses_come_in_order_with_first_and_last_and_the_first_call_s_agent(tmp_path: Path) -> None:
    calls = [
        used(function(), OUTSIDE, at="09:05:00", agent="a"),
        used(function(), OUTSIDE, at="09:01:00", agent="z"),
        own(),
    ]
    with case_of(tmp_path, cloudtrail=calls) as case:
        (first, second) = uses(case, workload=ORDERS)
        assert (first.address, second.address) == (OWN, OUTSIDE)
        assert f"{second.first_used:%H:%M} {second.last_used:%H:%M} {second.user_agent}" == "09:01 09:05 z"
        assert second.first_event_id == f"ListBuckets-09:01:00-{KEY}@{OUTSIDE}"


def test_a_call_without_a_time_is_counted(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[own(), used(function(), OUTSIDE) | {"eventTime": None}]) as case:
        use = only(case, OUTSIDE)
        assert (use.calls, use.first_used, use.place) == (1, None, "outside")


def test_nothing_is_found_for_a_workload_without_credentials(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[own()]) as case:
        assert places(case, f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:other") == {}
