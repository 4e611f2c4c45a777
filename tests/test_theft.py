"""The stolen credential test: places of every kind of workload's credentials, and what speaks for and against."""

from pathlib import Path
from typing import Any

from forensics.analysis.credential_use import disagreeing
from forensics.case import Case
from tests.analysis.test_credential_use import WEB_ROLE, public
from tests.analysis.theft_worlds import CLI, FURTHER, OUTSIDE, OWN, RUNTIME, accused, case_of, function, own, used
from tests.workload_worlds import API_ID, DEV, EC2, KEY, ORDERS, WEB_ID, found, line, run
from tests.worlds import assume, call, role

SECOND = "ASIAEXAMPLEKEY2"


def places(case: Case) -> dict[tuple[str, str], str]:
    return {
        (row[0], row[1]): row[2] for row in case.sql("SELECT access_key_id, address, place FROM credential_use").rows()
    }


def reasons(case: Case, address: str, speaks: str) -> dict[str, list[str]]:
    rows = case.sql(
        "SELECT reason, evidence_event_ids FROM credential_use_reason WHERE address = ? AND speaks = ?",
        (address, speaks),
    )
    return {str(row[0]): row[1] for row in rows.rows()}


def test_a_function_s_key_used_elsewhere_is_outside_and_every_reason_cites_records(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[own(), used(function(), OUTSIDE)], guardduty=[accused()]) as case:
        assert places(case) == {(KEY, OWN): "inside", (KEY, OUTSIDE): "outside"}
        said = reasons(case, OUTSIDE, "for")
        assert list(said.values()) == [item for item in said.values() if item]
        assert said.keys() == {
            "GuardDuty says that this credential was used from this address, and that it is foreign",
            "no call from it carries the runtime's user agent, as the workload's own calls do",
            "no earlier call with a credential of the role came from this address",
        }
        assert reasons(case, OUTSIDE, "against").keys() == {
            "no interface in a VPC is known of the function: its calls come from addresses of AWS, which change"
        }


def test_an_unknown_address_alone_does_not_make_a_function_s_key_stolen(tmp_path: Path) -> None:
    calls = [own(), used(function(), OUTSIDE, agent=RUNTIME, at="09:30:00")]
    with case_of(tmp_path, cloudtrail=calls) as case:
        assert places(case) == {(KEY, OWN): "inside", (KEY, OUTSIDE): "inside"}


def test_egress_is_learned_from_marked_calls_with_another_key_before_and_not_from_later_ones(tmp_path: Path) -> None:
    unmarked = used(function(SECOND), OWN, at="09:00:00", agent=CLI)
    with case_of(tmp_path / "before", cloudtrail=[own("08:30:00"), unmarked]) as case:
        assert places(case)[SECOND, OWN] == "inside"
    with case_of(tmp_path / "after", cloudtrail=[own("09:30:00"), unmarked]) as case:
        assert places(case)[SECOND, OWN] == "outside"


def test_a_task_s_key_is_judged_by_the_marks_of_its_runtime(tmp_path: Path) -> None:
    task_id = "0123456789abcdef0123456789abcdef"
    minted = assume(
        {"type": "AWSService", "invokedBy": "ecs-tasks.amazonaws.com"}, "web-task", task_id, key=KEY, at="08:00:00"
    )
    who = role("web-task", task_id, key=KEY)
    calls = [minted, used(who, OWN, agent="Boto3/1.35 exec-env/AWS_ECS_FARGATE"), used(who, OUTSIDE, at="09:30:00")]
    with case_of(tmp_path, cloudtrail=calls) as case:
        assert places(case) == {(KEY, OWN): "inside", (KEY, OUTSIDE): "outside"}


def test_an_instance_s_key_used_from_another_workload_s_address_is_outside(tmp_path: Path) -> None:
    calls = [run(at="08:00:00"), run(API_ID, at="08:00:01", eni="eni-2", address="10.0.0.6")]
    calls += [public(API_ID, FURTHER, at="08:00:10"), used(WEB_ROLE, FURTHER, at="09:00:00")]
    with case_of(tmp_path, cloudtrail=calls) as case:
        (use,) = case.sql("SELECT place, why FROM credential_use WHERE address = ?", (FURTHER,)).rows()
        assert use[0] == "outside"
        assert use[1].startswith("not an address of the workload; arn:")
        (row,) = disagreeing(case).rows()
        assert (row[1].endswith(WEB_ID), row[3].endswith(API_ID)) == (True, True)


def test_an_instance_through_which_several_keys_come_is_a_proxy_and_proves_nothing(tmp_path: Path) -> None:
    calls = [run(at="08:00:00"), run(API_ID, at="08:00:01", eni="eni-2", address="10.0.0.6")]
    calls += [public(API_ID, FURTHER, at="08:00:10"), used(WEB_ROLE, FURTHER, at="09:00:00")]
    second = role("web-role", WEB_ID, key=SECOND, ec2RoleDelivery="2.0")
    with case_of(tmp_path, cloudtrail=[*calls, used(second, FURTHER, at="09:10:00")]) as case:
        assert places(case) == {("ASIAEXAMPLEWEB", FURTHER): "undetermined", (SECOND, FURTHER): "undetermined"}


def test_calls_while_no_invocation_ran_speak_for_theft_and_weakly(tmp_path: Path) -> None:
    lines = [
        line("platform.start", "08:29:59"),
        line("platform.report", "08:30:10"),
        line("platform.start", "10:00:00", request="r-2"),
        line("platform.report", "10:00:10", request="r-2"),
    ]
    with case_of(tmp_path, cloudtrail=[own(), used(function(), OUTSIDE)], lambda_log=lines) as case:
        (idle,) = [text for text in reasons(case, OUTSIDE, "for") if text.startswith("no invocation")]
        assert idle.startswith("no invocation was in progress at 1 of 1 calls")


def test_a_missing_endpoint_is_a_reason_where_all_other_calls_went_through_one(tmp_path: Path) -> None:
    through = [own(f"08:3{minute}:00", vpcEndpointId="vpce-1") for minute in range(2)]
    with case_of(tmp_path, cloudtrail=[*through, used(function(), OUTSIDE)]) as case:
        assert "the workload's other calls came through a VPC endpoint, these did not" in reasons(case, OUTSIDE, "for")


def test_a_gateway_s_address_is_no_disagreement_and_a_spoofed_session_is_nobody_s(tmp_path: Path) -> None:
    spoof: list[Any] = [
        assume({"type": "IAMUser", "accessKeyId": "AKIAEXAMPLEDEV"}, "web-role", WEB_ID, key=KEY, at="08:30:00")
    ]
    with case_of(
        tmp_path, cloudtrail=[run(at="08:00:00"), *spoof, used(role("web-role", WEB_ID, key=KEY), OUTSIDE)]
    ) as case:
        assert places(case) == {}
        assert disagreeing(case).rows() == []


def test_nothing_is_judged_where_no_workload_has_a_credential(tmp_path: Path) -> None:
    hostile = call(
        {"type": "AssumedRole", "accessKeyId": "'; --", "principalId": 7}, sourceIPAddress="'; --", eventID="odd"
    )
    with case_of(
        tmp_path, cloudtrail=[hostile, assume(EC2, "r", ORDERS, key="ASIAEXAMPLENEVER", at="08:00:00")]
    ) as case:
        assert places(case) == {}


ENDPOINT = {"responseElements": {"vpcEndpoint": {"vpcEndpointId": "vpce-1", "vpcId": "vpc-1"}}}
SIGHTED = {"instanceDetails": {"instanceId": WEB_ID, "networkInterfaces": [{"publicIp": OWN}]}}
"""A finding says which public address an instance had, for as long as it was seen."""


def place(case: Case, address: str) -> tuple[str, str]:
    ((found, why),) = case.sql("SELECT place, why FROM credential_use WHERE address = ?", (address,)).rows()
    return found, why


def test_an_instance_s_own_public_address_was_its_own_before_and_after_it_was_seen(tmp_path: Path) -> None:
    calls = [used(WEB_ROLE, OWN, at=at) for at in ("08:00:00", "09:15:00", "11:00:00")]
    with case_of(tmp_path / "one", cloudtrail=calls, guardduty=[found(resource=SIGHTED)]) as case:
        kind, why = place(case, OWN)
        assert kind == "inside"
        assert why.endswith("and nothing shows that it held it only then")
    launched = [run(at="08:30:00"), *calls]
    with case_of(tmp_path / "other", cloudtrail=launched, guardduty=[found(resource=SIGHTED)]) as case:
        assert place(case, OWN)[0] == "undetermined"


def test_a_private_address_of_its_own_is_inside_and_any_other_undetermined(tmp_path: Path) -> None:
    calls = [run(at="08:00:00"), public(WEB_ID, OWN, at="08:00:10"), used(WEB_ROLE, OWN, at="08:30:00")]
    calls += [used(WEB_ROLE, "10.0.0.5", at="09:00:00"), used(WEB_ROLE, "10.9.9.9", at="09:00:00")]
    with case_of(tmp_path, cloudtrail=calls) as case:
        assert place(case, "10.0.0.5")[0] == "inside"
        assert place(case, "10.9.9.9") == (
            "undetermined",
            "a private address, and the records do not say in which network",
        )


def test_calls_past_the_endpoint_that_the_workload_s_own_calls_take_are_outside(tmp_path: Path) -> None:
    made = call(DEV, "ec2:CreateVpcEndpoint", at="07:00:00", **ENDPOINT)
    through = [used(WEB_ROLE, "10.0.0.5", at=at, vpcEndpointId="vpce-1") for at in ("08:30:00", "10:00:00")]
    past = used(WEB_ROLE, OUTSIDE, at="09:00:00")
    with case_of(tmp_path / "s3", cloudtrail=[made, run(at="08:00:00"), *through, past]) as case:
        assert place(case, OUTSIDE)[0] == "outside"
    other = used(WEB_ROLE, OUTSIDE, "sts:GetCallerIdentity", at="09:00:00")
    later = used(WEB_ROLE, FURTHER, at="10:30:00")
    with case_of(tmp_path / "sts", cloudtrail=[made, run(at="08:00:00"), *through, other, later]) as case:
        assert place(case, OUTSIDE)[0] == place(case, FURTHER)[0] == "undetermined"


def test_a_second_address_with_the_accused_one_s_user_agent_is_outside(tmp_path: Path) -> None:
    mine = used(WEB_ROLE, OWN, agent="[Boto3/1.35]")
    accused_use = used(WEB_ROLE, OUTSIDE, at="09:10:00", agent=f"[{CLI}]")
    calls = [mine, accused_use, used(WEB_ROLE, FURTHER, at="09:20:00", agent=CLI)]
    blame = accused() | {"resource": {"accessKeyDetails": {"accessKeyId": WEB_ROLE["accessKeyId"]}}}
    with case_of(tmp_path, cloudtrail=calls, guardduty=[blame]) as case:
        assert place(case, OWN)[0] == "undetermined"
        kind, why = place(case, FURTHER)
        assert kind == "outside"
        assert why.startswith(f"the user agent of the calls from {OUTSIDE}, which GuardDuty says is foreign")
