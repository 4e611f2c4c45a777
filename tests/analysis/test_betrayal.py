"""What is in an intruder's hands: by the place of use, by who made it, by the company it keeps; and what is not."""

from pathlib import Path

from forensics.analysis.betrayal import accused, of_keys, used_outside
from tests.analysis.suspect_worlds import CONTRACTOR, DEV, OFFICE, at_work
from tests.analysis.test_intrusion import chained, session
from tests.analysis.theft_worlds import FURTHER, OUTSIDE, case_of, function, minted, own, used
from tests.analysis.theft_worlds import accused as finding
from tests.workload_worlds import KEY

STOLEN = [minted(), own(), used(function(), OUTSIDE, "iam:ListUsers")]
HOP = "ASIAEXAMPLEHOP"


def test_a_workload_s_credential_used_from_outside_is_in_an_intruder_s_hands_there_only(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=STOLEN) as case:
        hands = of_keys(case, used_outside(case))
        assert hands.intrusion.stolen == {KEY: (OUTSIDE,)}
        assert [(place.address, place.place) for place in hands.places if place.place == "outside"] == [
            (OUTSIDE, "outside")
        ]
        assert used_outside(case, ("ecs_task",)) == ()


def test_who_calls_from_the_intruder_s_address_and_was_never_seen_before_is_taken_along(tmp_path: Path) -> None:
    calls = [*at_work(), *STOLEN, used(CONTRACTOR, OUTSIDE, "ecs:RunTask", at="08:50:00")]
    with case_of(tmp_path, cloudtrail=calls) as case:
        hands = of_keys(case, used_outside(case))
        assert set(hands.intrusion.stolen) == {KEY, CONTRACTOR["accessKeyId"]}
        (statement,) = [item for item in hands.statements() if item.id == "hand-01"]
        assert "used or made from the same address" in statement.statement


def test_whoever_works_where_nothing_strange_happened_is_left_in_peace(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[*at_work(), *STOLEN]) as case:
        hands = of_keys(case, [*used_outside(case), DEV["accessKeyId"]])
        assert set(hands.intrusion.stolen) == {KEY}
        assert {place.why for place in hands.places if place.address == OFFICE} == {
            "nothing speaks for an intruder there"
        }


def test_what_a_stolen_credential_gave_came_of_it_even_where_a_finding_accuses_it(tmp_path: Path) -> None:
    calls = [*STOLEN, chained(function(), HOP, at="09:05:00"), used(session(HOP), OUTSIDE, at="09:06:00")]
    with case_of(tmp_path, cloudtrail=calls, guardduty=[finding(key=HOP, finding="f-2")]) as case:
        assert accused(case) == (HOP,)
        intrusion = of_keys(case, [*used_outside(case), *accused(case)]).intrusion
        assert (intrusion.stolen, intrusion.derived) == ({KEY: (OUTSIDE,)}, (HOP,))


def test_a_grave_call_needs_one_reason_more_to_be_believed(tmp_path: Path) -> None:
    calls = [
        *at_work(),
        used(DEV, OFFICE, "ecs:RegisterTaskDefinition", at="09:00:00", agent=at_work()[0]["userAgent"]),
    ]
    with case_of(tmp_path / "usual", cloudtrail=calls) as case:
        assert of_keys(case, (), grave=[calls[-1]["eventID"]]).intrusion.stolen == {}
    calls[-1] = used(DEV, FURTHER, "ecs:RegisterTaskDefinition", at="09:00:00", agent=at_work()[0]["userAgent"])
    with case_of(tmp_path / "strange", cloudtrail=calls) as case:
        assert of_keys(case, (), signs=[calls[-1]["eventID"]]).intrusion.stolen == {}
        assert of_keys(case, (), grave=[calls[-1]["eventID"]]).intrusion.stolen == {DEV["accessKeyId"]: (FURTHER,)}
