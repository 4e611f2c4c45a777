"""In whose hands a credential is: an intruder's for reasons a responder would accept, never an owner's."""

from pathlib import Path

from forensics.analysis.suspects import Suspect, in_hand, suspects
from forensics.case import Case
from tests.analysis.suspect_worlds import CONTRACTOR, DEV, MAC, OFFICE, OTHER, at_work
from tests.analysis.theft_worlds import CLI, FURTHER, OUTSIDE, accused, case_of, used
from tests.workload_worlds import WEB_ID, found, run, service_part
from tests.worlds import Record, assume, role


def signs(case: Case) -> list[str]:
    return [str(row[0]) for row in case.sql("SELECT event_id FROM event WHERE source = 'cloudtrail'").rows()]


def judged(case: Case) -> dict[tuple[str, str | None], Suspect]:
    """Every credential at every address of the case."""
    return {(item.access_key_id, item.address): item for item in suspects(case, signs(case))}


def kinds(tmp_path: Path, who: Record, address: str, **records: list[Record]) -> list[str]:
    """The kinds of reasons against that key at that address."""
    with case_of(tmp_path, **records) as case:
        return [item.kind for item in judged(case)[(who["accessKeyId"], address)].reasons]


def test_a_key_from_a_place_and_with_a_tool_that_its_owner_never_used_is_an_intruder_s(tmp_path: Path) -> None:
    calls = [*at_work(), used(DEV, OUTSIDE, "iam:CreateUser")]
    with case_of(tmp_path, cloudtrail=calls) as case:
        (found_here,) = [item for item in judged(case).values() if item.believed]
        assert [item.kind for item in found_here.reasons] == ["strange address", "strange agent"]
        assert found_here.event_ids == (calls[-1]["eventID"],)
        assert found_here.reasons[0].event_ids == (calls[-1]["eventID"],)
        assert in_hand([found_here]) == {DEV["accessKeyId"]: (OUTSIDE,)}


def test_the_owner_is_not_accused_because_an_intruder_used_the_key_elsewhere(tmp_path: Path) -> None:
    calls = [*at_work(), used(DEV, OUTSIDE, "iam:CreateUser"), *at_work(DEV, "09:30:00")]
    finding = accused(OUTSIDE, key=DEV["accessKeyId"])
    assert kinds(tmp_path, DEV, OFFICE, cloudtrail=calls, guardduty=[finding]) == []


def test_an_intruder_who_came_first_makes_no_stranger_of_the_owner(tmp_path: Path) -> None:
    calls = [used(DEV, OUTSIDE, "iam:CreateUser", at="06:00:00"), *at_work(DEV, "09:30:00")]
    finding = accused(OUTSIDE, key=DEV["accessKeyId"])
    assert kinds(tmp_path, DEV, OFFICE, cloudtrail=calls, guardduty=[finding]) == []


def test_an_address_is_compared_with_the_first_call_there_not_with_the_one_asked_about(tmp_path: Path) -> None:
    calls = [*at_work(), *at_work(DEV, "08:00:00", address=FURTHER, agent="Boto3"), used(DEV, OFFICE, "iam:CreateUser")]
    with case_of(tmp_path, cloudtrail=calls) as case:
        (item,) = suspects(case, [calls[-1]["eventID"]])
        assert (item.address, item.reasons) == (OFFICE, ())


def test_a_place_where_others_work_is_not_strange(tmp_path: Path) -> None:
    calls = [*at_work(), *at_work(OTHER, address=FURTHER), used(DEV, FURTHER, "iam:CreateUser", agent=MAC)]
    assert kinds(tmp_path, DEV, FURTHER, cloudtrail=calls) == []


def test_one_who_calls_from_everywhere_has_no_strange_places(tmp_path: Path) -> None:
    places = [f"192.0.2.{number}" for number in range(1, 7)]
    calls = [used(DEV, place, agent=MAC, at=f"06:0{number}:00") for number, place in enumerate(places)]
    assert kinds(tmp_path, DEV, places[-1], cloudtrail=calls) == []


def test_brackets_versions_and_the_command_make_no_other_tool(tmp_path: Path) -> None:
    agent = "[aws-cli/2.18.1 md/awscrt#0.21.0 os/macos#24.0 md/command#s3.cp]"
    calls = [*at_work(), used(DEV, FURTHER, "s3:PutObject", agent=agent)]
    assert kinds(tmp_path, DEV, FURTHER, cloudtrail=calls) == ["strange address"]


def test_few_refusals_do_not_speak_against_anybody(tmp_path: Path) -> None:
    refused = [used(DEV, OFFICE, f"iam:List{name}", errorCode="AccessDenied") for name in ("Users", "Roles")]
    assert kinds(tmp_path, DEV, OFFICE, cloudtrail=[*at_work(), *refused]) == []


def test_refusals_count_from_one_call_in_ten(tmp_path: Path) -> None:
    refused = [used(DEV, OFFICE, f"iam:List{name}", errorCode="AccessDenied") for name in ("Users", "Roles", "Keys")]
    calls = [used(DEV, OFFICE, "s3:GetObject", at=f"07:{number:02d}:00") for number in range(28)]
    assert kinds(tmp_path / "a", DEV, OFFICE, cloudtrail=[*calls[:27], *refused]) == ["denied"]
    assert kinds(tmp_path / "b", DEV, OFFICE, cloudtrail=[*calls, *refused]) == []


def test_a_newcomer_alone_is_no_intruder_and_one_whose_machine_is_accused_is(tmp_path: Path) -> None:
    launch = run(at="09:00:00") | {"userIdentity": CONTRACTOR, "sourceIPAddress": OUTSIDE, "userAgent": CLI}
    mining = found(
        type="CryptoCurrency:EC2/BitcoinTool.B",
        resource={"resourceType": "Instance", "instanceDetails": {"instanceId": WEB_ID}},
        service=service_part(resourceRole="ACTOR", action={"actionType": "NETWORK_CONNECTION"}),
    )
    calls = [*at_work(), launch]
    assert kinds(tmp_path / "a", CONTRACTOR, OUTSIDE, cloudtrail=calls) == ["newcomer"]
    both = kinds(tmp_path / "b", CONTRACTOR, OUTSIDE, cloudtrail=calls, guardduty=[mining])
    assert both == ["accused workload", "newcomer"]


def test_a_machine_that_was_knocked_at_does_not_accuse_who_launched_it(tmp_path: Path) -> None:
    launch = run(at="09:00:00") | {"userIdentity": CONTRACTOR, "sourceIPAddress": OUTSIDE, "userAgent": CLI}
    probed = found(
        type="Recon:EC2/PortProbeUnprotectedPort",
        resource={"resourceType": "Instance", "instanceDetails": {"instanceId": WEB_ID}},
        service=service_part(resourceRole="TARGET", action={"actionType": "PORT_PROBE"}),
    )
    calls = [*at_work(), launch]
    assert kinds(tmp_path, CONTRACTOR, OUTSIDE, cloudtrail=calls, guardduty=[probed]) == ["newcomer"]


def test_a_key_that_an_intruder_had_issued_is_an_intruder_s_wherever_it_is_used(tmp_path: Path) -> None:
    stolen = [*at_work(), used(DEV, OUTSIDE, "iam:ListUsers")]
    mint = assume(DEV, "admin", "ops", key="ASIAEXAMPLEOPS", at="09:10:00", sourceIPAddress=OUTSIDE, userAgent=CLI)
    mine = assume(DEV, "admin", "me", key="ASIAEXAMPLEME", at="07:00:00", sourceIPAddress=OFFICE, userAgent=MAC)
    uses = [
        used(role("admin", "ops", key="ASIAEXAMPLEOPS"), FURTHER, "iam:CreateUser", at="09:20:00"),
        used(role("admin", "me", key="ASIAEXAMPLEME"), OFFICE, "iam:CreateUser", at="09:20:00", agent=MAC),
    ]
    with case_of(tmp_path, cloudtrail=[*stolen, mint, mine, *uses]) as case:
        asked = suspects(case, [item["eventID"] for item in uses])
        assert {item.access_key_id: item.believed for item in asked} == {
            "ASIAEXAMPLEOPS": True,
            "ASIAEXAMPLEME": False,
        }


def test_a_newcomer_beside_an_intruder_is_believed_to_be_the_same(tmp_path: Path) -> None:
    calls = [*at_work(), used(DEV, OUTSIDE, "iam:ListUsers"), used(CONTRACTOR, OUTSIDE, "iam:ListRoles", at="09:30:00")]
    assert kinds(tmp_path, CONTRACTOR, OUTSIDE, cloudtrail=calls) == ["newcomer", "beside"]


def test_those_who_share_an_address_that_was_theirs_first_are_not_beside_an_intruder(tmp_path: Path) -> None:
    calls = [*at_work(OTHER, address=OUTSIDE), *at_work(), used(DEV, OUTSIDE, "iam:ListUsers")]
    finding = accused(OUTSIDE, key=DEV["accessKeyId"])
    calls.append(used(OTHER, OUTSIDE, "iam:CreateUser", agent=MAC, at="09:30:00"))
    assert kinds(tmp_path, OTHER, OUTSIDE, cloudtrail=calls, guardduty=[finding]) == []


def test_an_anomaly_alone_is_not_enough_and_a_policy_finding_says_nothing_of_hands(tmp_path: Path) -> None:
    calls, key = at_work(), DEV["accessKeyId"]
    odd = accused(OFFICE, key=key, kind="Persistence:IAMUser/AnomalousBehavior")
    public = accused(OFFICE, key=key, kind="Policy:S3/BucketPublicAccessGranted", finding="f-2")
    with case_of(tmp_path, cloudtrail=calls, guardduty=[odd, public]) as case:
        item = judged(case)[(key, OFFICE)]
        assert ([reason.kind for reason in item.reasons], item.believed) == (["anomaly"], False)


def test_a_finding_without_an_address_tells_nothing_where_the_key_was_at_several(tmp_path: Path) -> None:
    finding = accused(key=DEV["accessKeyId"], kind="UnauthorizedAccess:IAMUser/Example")
    finding["service"] = service_part()
    calls = [*at_work(), *at_work(DEV, "08:00:00", address=FURTHER)]
    assert kinds(tmp_path / "a", DEV, OFFICE, cloudtrail=calls, guardduty=[finding]) == []
    assert kinds(tmp_path / "b", DEV, OFFICE, cloudtrail=calls[:2], guardduty=[finding]) == ["finding"]


def test_a_service_s_call_and_no_call_at_all_are_nobody_s(tmp_path: Path) -> None:
    service = used({"type": "AWSService", "invokedBy": "s3.amazonaws.com"}, "s3.amazonaws.com")
    with case_of(tmp_path, cloudtrail=[service]) as case:
        assert suspects(case, [service["eventID"]]) == [] == suspects(case, [])


def test_a_masked_key_is_nobody_s_and_a_masked_address_is_no_place(tmp_path: Path) -> None:
    masked = used(DEV | {"accessKeyId": "AKIA************"}, OUTSIDE, "iam:CreateUser")
    nowhere = used(DEV, "0.0.0.0", "iam:CreateUser", at="09:10:00")
    with case_of(tmp_path, cloudtrail=[*at_work(), masked, nowhere]) as case:
        (item,) = suspects(case, [masked["eventID"], nowhere["eventID"]])
        assert (item.address, item.reasons) == ("0.0.0.0", ())


def test_who_came_first_to_an_account_is_no_newcomer_because_another_account_s_trail_is_older(tmp_path: Path) -> None:
    first = used(CONTRACTOR | {"accountId": "444455556666"}, OUTSIDE, "iam:CreateUser")
    assert kinds(tmp_path, CONTRACTOR, OUTSIDE, cloudtrail=[*at_work(), first]) == []


def test_an_accusation_by_other_evidence_counts_as_a_finding_s_does(tmp_path: Path) -> None:
    launch = run(at="09:00:00") | {"userIdentity": CONTRACTOR, "sourceIPAddress": OUTSIDE, "userAgent": CLI}
    with case_of(tmp_path, cloudtrail=[*at_work(), launch]) as case:
        (item,) = suspects(case, [launch["eventID"]], {launch["eventID"]: "it launched what mines"})
        assert [reason.kind for reason in item.reasons] == ["accused workload", "newcomer"]
        assert item.believed
