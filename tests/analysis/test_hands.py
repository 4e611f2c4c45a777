"""From calls asked about to the intrusion that they are part of."""

from pathlib import Path

from forensics.analysis.hands import hands
from tests.analysis.suspect_worlds import CONTRACTOR, DEV, OFFICE, at_work
from tests.analysis.theft_worlds import CLI, FURTHER, OUTSIDE, case_of, used
from tests.worlds import assume, role


def test_of_nobody_believed_there_is_no_intrusion(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=at_work()) as case:
        found = hands(case, ["ListBuckets-06:00:00-AKIAEXAMPLEDEV@" + OFFICE])
        assert (dict(found.intrusion.stolen), found.believed) == ({}, ())
        assert found.table["hands"].to_list() == ["not taken to be an intruder's"]


def test_the_credential_that_issued_one_is_followed_though_it_made_none_of_the_calls(tmp_path: Path) -> None:
    mint = assume(DEV, "admin", "ops", key="ASIAEXAMPLEOPS", at="09:10:00", sourceIPAddress=FURTHER, userAgent=CLI)
    act = used(role("admin", "ops", key="ASIAEXAMPLEOPS"), OUTSIDE, "cloudtrail:StopLogging", at="09:20:00")
    with case_of(tmp_path, cloudtrail=[*at_work(), mint, act]) as case:
        found = hands(case, [act["eventID"]])
        assert dict(found.intrusion.stolen) == {DEV["accessKeyId"]: (FURTHER,)}
        assert found.intrusion.derived == ("ASIAEXAMPLEOPS",)
        assert found.table["hands"].to_list() == ["an intruder's"]


def test_who_came_later_to_an_intruder_s_address_is_found_with_it(tmp_path: Path) -> None:
    act = used(DEV, OUTSIDE, "iam:CreateUser", at="09:00:00")
    beside = used(CONTRACTOR, OUTSIDE, "s3:GetObject", at="09:30:00")
    owner = used(DEV, OFFICE, "s3:GetObject", agent="aws-cli", at="10:00:00")
    with case_of(tmp_path, cloudtrail=[*at_work(), act, beside, owner]) as case:
        found = hands(case, [act["eventID"]])
        assert dict(found.intrusion.stolen) == {
            CONTRACTOR["accessKeyId"]: (OUTSIDE,),
            DEV["accessKeyId"]: (OUTSIDE,),
        }
        assert len(found.asked) == 1
