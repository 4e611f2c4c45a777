"""What came of stolen credentials: minted from outside, launched, and their traffic; nothing of the owner's."""

import itertools
from collections.abc import Iterable
from pathlib import Path

from forensics.analysis.intrusion import Intrusion, follow
from forensics.case import Case
from tests.analysis.theft_worlds import (
    CLI,
    FURTHER,
    OBJECT,
    OUTSIDE,
    OWN,
    RUNTIME,
    case_of,
    function,
    minted,
    own,
    theft,
    used,
)
from tests.workload_worlds import EC2, KEY, WEB, WEB_ID, flow, run
from tests.worlds import Record, assume, role, user

STOLEN = {KEY: (OUTSIDE,)}


def chained(parent: Record, key: str, *, at: str, address: str = OUTSIDE, **more: str) -> Record:
    """A role is assumed with a key; the new session's role is named after the key."""
    return assume(parent, f"role-{key}", "ops", key=key, at=at, sourceIPAddress=address, userAgent=CLI, **more)


def session(key: str) -> Record:
    """The identity that `chained` makes."""
    return role(f"role-{key}", "ops", key=key)


def actions(intrusion: Intrusion) -> list[str]:
    return [str(row[0]) for row in intrusion.calls.select("SELECT action FROM timeline ORDER BY time, action").rows()]


def launch(who: Record, address: str = OUTSIDE) -> Record:
    """An instance started with a stolen credential."""
    return run(at="09:10:00") | {"userIdentity": who, "sourceIPAddress": address}


def ids(rows: Iterable[tuple[object, ...]]) -> list[object]:
    return [row[0] for row in rows]


def test_calls_are_those_from_outside_and_not_the_owner_s(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[own(), used(function(), OUTSIDE, "iam:ListUsers")]) as case:
        assert actions(follow(case, STOLEN)) == ["iam:ListUsers"]


def test_every_hop_of_a_chain_minted_from_outside_is_followed(tmp_path: Path) -> None:
    keys = [f"ASIAEXAMPLEHOP{number:02d}" for number in range(6)]
    hops = [chained(function(), keys[0], at="09:00:00")]
    hops += [
        chained(session(a), b, at=f"09:{place:02d}:00") for place, (a, b) in enumerate(itertools.pairwise(keys), 1)
    ]
    with case_of(tmp_path, cloudtrail=hops) as case:
        assert follow(case, STOLEN).derived == tuple(keys)


def test_a_role_that_the_function_itself_assumes_with_the_stolen_key_is_not_followed(tmp_path: Path) -> None:
    calls = [chained(function(), "ASIAEXAMPLEOWN", at="08:40:00", address=OWN), used(session("ASIAEXAMPLEOWN"), OWN)]
    with case_of(tmp_path, cloudtrail=[own(), *calls, used(function(), OUTSIDE)]) as case:
        assert follow(case, STOLEN).derived == ()
        assert actions(follow(case, STOLEN)) == ["s3:ListBuckets"]


def test_a_denied_attempt_to_obtain_a_credential_gives_none(tmp_path: Path) -> None:
    denied = chained(function(), "ASIAEXAMPLENONE", at="09:00:00") | {
        "responseElements": None,
        "errorCode": "AccessDenied",
    }
    with case_of(tmp_path, cloudtrail=[denied]) as case:
        assert follow(case, STOLEN).derived == ()


def test_a_derived_credential_counts_wherever_it_is_used(tmp_path: Path) -> None:
    calls = [
        chained(function(), "ASIAEXAMPLEHOP", at="09:00:00"),
        used(session("ASIAEXAMPLEHOP"), FURTHER, "iam:ListUsers", at="09:05:00"),
    ]
    with case_of(tmp_path, cloudtrail=[own(), *calls]) as case:
        found = follow(case, STOLEN)
        assert (found.derived, found.addresses) == (("ASIAEXAMPLEHOP",), [OUTSIDE, FURTHER])
        assert actions(found) == ["sts:AssumeRole", "iam:ListUsers"]


def test_a_new_user_s_key_is_followed(tmp_path: Path) -> None:
    answer = {"accessKey": {"accessKeyId": "AKIAEXAMPLENEW", "userName": "support2", "status": "Active"}}
    made = used(
        function(), OUTSIDE, "iam:CreateAccessKey", responseElements=answer, requestParameters={"userName": "support2"}
    )
    new = used(user("support2", key="AKIAEXAMPLENEW", uid="AIDAEXAMPLENEW"), FURTHER, at="09:20:00")
    with case_of(tmp_path, cloudtrail=[made, new]) as case:
        assert follow(case, STOLEN).derived == ("AKIAEXAMPLENEW",)


def test_keys_that_issue_each_other_end_the_search(tmp_path: Path) -> None:
    a, b = "ASIAEXAMPLEA", "ASIAEXAMPLEB"
    calls = [chained(function(), a, at="09:00:00"), chained(session(a), b, at="09:01:00")]
    calls += [chained(session(b), KEY, at="09:02:00"), chained(session(b), b, at="09:03:00", eventID="again")]
    with case_of(tmp_path, cloudtrail=calls) as case:
        assert set(follow(case, STOLEN).derived) <= {a, b}


def test_an_instance_launched_from_outside_is_followed_with_its_credentials(tmp_path: Path) -> None:
    given = assume(EC2, "web-role", WEB_ID, key="ASIAEXAMPLEWEB", at="09:11:00", sourceIPAddress="ec2.amazonaws.com")
    its_own = used(role("web-role", WEB_ID, key="ASIAEXAMPLEWEB"), FURTHER, "s3:GetObject", at="09:20:00")
    with case_of(tmp_path, cloudtrail=[launch(function()), given, its_own]) as case:
        found = follow(case, STOLEN)
        assert (found.launched, found.derived) == ((WEB,), ("ASIAEXAMPLEWEB",))
        assert actions(found) == ["ec2:RunInstances", "s3:GetObject"]


def test_an_instance_that_others_launched_is_not(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[run(at="08:00:00"), used(function(), OUTSIDE)]) as case:
        assert follow(case, STOLEN).launched == ()


def test_a_denied_launch_is_none(tmp_path: Path) -> None:
    denied = launch(function()) | {"errorCode": "Client.UnauthorizedOperation"}
    with case_of(tmp_path, cloudtrail=[run(at="08:00:00") | {"eventID": "other"}, denied]) as case:
        assert follow(case, STOLEN).launched == ()


def test_the_owner_s_addresses_are_never_the_intruder_s(tmp_path: Path) -> None:
    shared = used(session("ASIAEXAMPLEHOP"), OWN, "iam:ListUsers", at="09:05:00")
    with case_of(tmp_path, cloudtrail=[own(), chained(function(), "ASIAEXAMPLEHOP", at="09:00:00"), shared]) as case:
        found = follow(case, STOLEN)
        assert found.addresses == [OUTSIDE]
        assert "iam:ListUsers" in actions(found)


def test_services_acting_on_behalf_are_no_address(tmp_path: Path) -> None:
    calls = [
        chained(function(), "ASIAEXAMPLEHOP", at="09:00:00"),
        used(session("ASIAEXAMPLEHOP"), "AWS Internal", at="09:05:00"),
    ]
    with case_of(tmp_path, cloudtrail=calls) as case:
        assert follow(case, STOLEN).addresses == [OUTSIDE]


def test_flows_are_those_with_an_outside_address_at_the_interface_or_in_the_packet(tmp_path: Path) -> None:
    flows = [
        flow("09:00:00", "09:01:00", dstaddr=OUTSIDE),
        flow("09:01:00", "09:02:00", srcaddr=OUTSIDE, dstaddr="10.0.0.5"),
        flow("09:02:00", "09:03:00", dstaddr="10.0.0.200") | {"pkt-dstaddr": OUTSIDE},
        flow("09:03:00", "09:04:00", dstaddr=OWN),
    ]
    with case_of(tmp_path, cloudtrail=[used(function(), OUTSIDE)], vpc_flow=flows) as case:
        rows = follow(case, STOLEN).flows("SELECT event_id, direction, remote FROM flow ORDER BY event_id").rows()
        assert rows == [
            (f"{OBJECT}/0", "to", OUTSIDE),
            (f"{OBJECT}/1", "from", OUTSIDE),
            (f"{OBJECT}/2", "to", OUTSIDE),
        ]


def test_the_timeline_holds_calls_and_flows_of_the_intrusion_only(tmp_path: Path) -> None:
    flows = [flow("09:00:00", "09:01:00", dstaddr=OUTSIDE), flow("09:03:00", "09:04:00", dstaddr=OWN)]
    with case_of(tmp_path, cloudtrail=[own(), used(function(), OUTSIDE)], vpc_flow=flows) as case:
        assert sorted(ids(follow(case, STOLEN).timeline.select("SELECT source FROM timeline").rows())) == [
            "cloudtrail",
            "vpc_flow",
        ]


def test_of_nothing_nothing_comes(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[minted(), own()]) as case:
        none: Intrusion = follow(case, {})
        assert (none.keys, none.launched, none.addresses, actions(none)) == ((), (), [], [])
        assert none.timeline.count() == 0


def test_a_stolen_key_is_not_followed_from_an_address_judged_inside(tmp_path: Path) -> None:
    copied = chained(function(), "ASIAEXAMPLEHOP", at="09:00:00") | {"userAgent": RUNTIME}
    with theft(tmp_path, copied, used(function(), FURTHER)) as found:
        assert isinstance(found.case, Case)
        assert (found.intrusion.stolen, found.intrusion.derived) == ({KEY: (FURTHER,)}, ())


def test_a_log_stream_opened_without_a_user_agent_is_the_intruder_s(tmp_path: Path) -> None:
    opened = used(function(), OUTSIDE, "logs:CreateLogStream") | {"userAgent": None}
    with case_of(tmp_path, cloudtrail=[own(), opened]) as case:
        assert actions(follow(case, STOLEN)) == ["logs:CreateLogStream"]
