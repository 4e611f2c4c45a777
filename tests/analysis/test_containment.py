"""Commands for a person to run, in which no name does anything but name."""

import json
import shlex
from pathlib import Path

from forensics.analysis.containment import containment
from forensics.analysis.intrusion import Intrusion, follow
from tests.analysis.test_intrusion import STOLEN, launch
from tests.analysis.theft_worlds import OUTSIDE, case_of, function, minted, used
from tests.workload_worlds import KEY, ORDERS, WEB_ID
from tests.worlds import ACCOUNT, Record, user

HOSTILE = "x'; rm -rf ~; $(id) `id` \"&"
ROOT: Record = {
    "type": "Root",
    "principalId": ACCOUNT,
    "arn": f"arn:aws:iam::{ACCOUNT}:root",
    "accountId": ACCOUNT,
    "accessKeyId": "AKIAEXAMPLEROOT",
}


def test_what_still_is_is_kept_then_sessions_are_revoked_then_workloads_isolated_and_stopped(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[minted(), used(function(), OUTSIDE), launch(function())]) as case:
        found = containment(follow(case, STOLEN), ORDERS)
    assert [item.phase for item in found] == ["preserve"] * 4 + ["cut off", "isolate", "stop"]
    revoke, isolate, stop = (shlex.split(item.command) for item in found[4:])
    assert revoke[2:7] == [
        "put-role-policy",
        "--role-name",
        "orders-fn-role",
        "--policy-name",
        "AWSRevokeOlderSessions",
    ]
    assert json.loads(revoke[-1])["Statement"][0]["Effect"] == "Deny"
    named = "--region us-east-1 --function-name orders-fn --reserved-concurrent-executions 0"
    assert stop[2:] == ["put-function-concurrency", *named.split()]
    named = f"--region us-east-1 --instance-id {WEB_ID} --groups SECURITY-GROUP-WITHOUT-RULES"
    assert isolate[2:] == ["modify-instance-attribute", *named.split()]


def test_a_role_is_revoked_once_for_all_its_sessions(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[used(function(), OUTSIDE), used(function("ASIAEXAMPLE2"), OUTSIDE)]) as case:
        found = containment(Intrusion(case, {KEY: (OUTSIDE,), "ASIAEXAMPLE2": (OUTSIDE,)}))
        assert len(found) == 1


def test_hostile_names_are_quoted(tmp_path: Path) -> None:
    who = user(HOSTILE, key="AKIAEXAMPLEEVIL")
    with case_of(tmp_path, cloudtrail=[used(who, OUTSIDE)]) as case:
        found = containment(Intrusion(case, {"AKIAEXAMPLEEVIL": (OUTSIDE,)}), f"{ORDERS.rpartition(':')[0]}:{HOSTILE}")
    (item,) = (each for each in found if each.phase == "cut off")
    (stop,) = (each for each in found if each.phase == "stop")
    assert shlex.split(item.command)[4:] == [HOSTILE, "--access-key-id", "AKIAEXAMPLEEVIL", "--status", "Inactive"]
    assert shlex.split(stop.command)[6] == HOSTILE


def test_root_s_key_is_switched_off_by_root(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[used(ROOT, OUTSIDE)]) as case:
        (item,) = containment(Intrusion(case, {"AKIAEXAMPLEROOT": (OUTSIDE,)}))
    assert item.command == "aws iam update-access-key --access-key-id AKIAEXAMPLEROOT --status Inactive"


def test_of_no_intrusion_and_no_workload_no_command_comes(tmp_path: Path) -> None:
    with case_of(tmp_path) as case:
        assert containment(Intrusion(case, {})) == []
