"""The answer: asked by workload, key or finding; what was found, said with its records, and what stays open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.analysis.credential_theft import Theft, investigate
from forensics.case import Case
from forensics.errors import AmbiguousName, UnknownName, UsageError
from tests.analysis.test_intrusion import chained, session
from tests.analysis.theft_worlds import OUTSIDE, RUNTIME, accused, case_of, function, minted, own, theft, used
from tests.workload_worlds import DAY, KEY, ORDERS, configured, flow, found, hyperplane, line, network
from tests.worlds import ACCOUNT, Record, call, user

ABROAD = [minted(), own(), used(function(), OUTSIDE, "iam:ListUsers")]
KEY2 = "ASIAEXAMPLEKEY2"


@pytest.fixture(scope="module")
def abroad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """A key used from outside, and a finding that says so."""
    with case_of(tmp_path_factory.mktemp("abroad"), cloudtrail=ABROAD, guardduty=[accused()]) as case:
        yield case


def by_id(theft_: Theft) -> dict[str, str]:
    return {item.id: item.statement for item in theft_.statements}


@pytest.mark.parametrize(
    "asked", [{"workload": "orders-fn"}, {"workload": ORDERS}, {"access_key_id": KEY}, {"finding_id": "f-1"}, {}]
)
def test_a_workload_a_key_a_finding_or_nothing_lead_to_the_same_answer(abroad: Case, asked: dict[str, str]) -> None:
    answer = investigate(abroad, **asked)
    assert (answer.workload, answer.intrusion.stolen) == (ORDERS, {KEY: (OUTSIDE,)})
    assert answer.verdict.startswith(
        f"1 of 1 credential of {ORDERS} was used from outside, first at 2026-11-05 09:00:00 UTC"
    )


def test_more_than_one_subject_is_refused(abroad: Case) -> None:
    with pytest.raises(UsageError, match=r"give only one of .*; 2 were given"):
        investigate(abroad, workload=ORDERS, access_key_id=KEY)


def test_without_a_subject_and_without_a_finding_every_function_s_credentials_are_looked_over(tmp_path: Path) -> None:
    with case_of(tmp_path / "open", cloudtrail=[minted(), used(function(), OUTSIDE)]) as case:
        answer = investigate(case)
        assert (answer.workload, answer.found) == (None, False)
        assert answer.verdict.startswith("Whether credentials of any Lambda function were used from outside cannot be")
    with case_of(tmp_path / "told", cloudtrail=ABROAD) as case:
        answer = investigate(case)
        assert (answer.workload, answer.intrusion.stolen) == (ORDERS, {KEY: (OUTSIDE,)})


def test_without_a_subject_several_accused_credentials_are_all_followed(tmp_path: Path) -> None:
    findings = [accused(), accused(key=KEY2, finding="f-2")]
    calls = [*ABROAD, own(key=KEY2), used(function(KEY2), OUTSIDE, at="09:10:00")]
    with case_of(tmp_path, cloudtrail=calls, guardduty=findings) as case:
        answer = investigate(case)
        assert (answer.workload, answer.intrusion.stolen) == (ORDERS, {KEY: (OUTSIDE,), KEY2: (OUTSIDE,)})
        assert answer.verdict.startswith(f"2 of 2 credentials of {ORDERS} were used from outside")


def test_an_accused_credential_of_no_function_is_not_this_question(tmp_path: Path) -> None:
    key = "AKIAEXAMPLEDEV"
    with case_of(tmp_path, cloudtrail=[used(user(), OUTSIDE)], guardduty=[accused(key=key)]) as case:
        answer = investigate(case)
        assert answer.statements == []
        assert answer.verdict.startswith("No use of credentials of any Lambda function is in evidence.")


def test_a_sample_finding_accuses_nobody(tmp_path: Path) -> None:
    sample = accused(key="GeneratedFindingAccessKeyId", finding="f-2", title="[SAMPLE] A title")
    with case_of(tmp_path, cloudtrail=ABROAD, guardduty=[accused(), sample]) as case:
        assert investigate(case).intrusion.stolen == {KEY: (OUTSIDE,)}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"workload": "oders-fn"}, f"no workload named 'oders-fn'; known: {ORDERS}"),
        ({"access_key_id": "AKIANONE"}, f"no access key id named 'AKIANONE'; known: {KEY}"),
        ({"finding_id": "f-9"}, "no finding named 'f-9'; known: f-1"),
    ],
)
def test_unknown_names_are_refused_with_those_there_are(abroad: Case, asked: dict[str, str], said: str) -> None:
    with pytest.raises(UnknownName) as refused:
        investigate(abroad, **asked)
    assert str(refused.value) == said


def test_a_name_of_two_functions_is_refused_with_both(tmp_path: Path) -> None:
    west = ORDERS.replace("us-east-1", "us-west-2")
    with case_of(
        tmp_path, cloudtrail=[own(), own(key=KEY2, at="08:31:00") | {"userIdentity": function(KEY2, west)}]
    ) as case:
        with pytest.raises(AmbiguousName, match=f"2 workloads are named 'orders-fn'; give one of: {ORDERS}, {west}"):
            investigate(case, workload="orders-fn")


def test_a_finding_without_a_credential_is_refused(tmp_path: Path) -> None:
    with (
        case_of(tmp_path, cloudtrail=ABROAD, guardduty=[found()]) as case,
        pytest.raises(UsageError, match="names no credential"),
    ):
        investigate(case, finding_id="f-1")


def test_a_key_of_no_workload_can_be_asked_about(tmp_path: Path) -> None:
    key = "AKIAEXAMPLEDEV"
    with case_of(tmp_path, cloudtrail=[used(user(), OUTSIDE)], guardduty=[accused(key=key)]) as case:
        answer = investigate(case, access_key_id=key)
        assert (answer.workload, answer.found) == (None, True)
        assert answer.verdict.startswith("1 of 1 credential of the keys asked about was used from outside")


def test_nothing_found_is_said_with_what_was_looked_at(tmp_path: Path) -> None:
    with theft(tmp_path) as answer:
        assert answer.verdict.startswith(
            f"No use of credentials of {ORDERS} from outside was found: 1 credential, 1 call. That rests on 2 records of"
        )
        assert (answer.statements, answer.containment, answer.found) == ([], [], False)
        assert not [gap for gap in answer.gaps if gap.question.startswith("Who was at")]


def test_undetermined_places_are_named_found_or_not(tmp_path: Path) -> None:
    calls = [used(function(), OUTSIDE), used(function(), "203.0.113.9")]
    with case_of(tmp_path / "not", cloudtrail=calls) as case:
        assert investigate(case, workload=ORDERS).verdict.startswith(
            f"Whether credentials of {ORDERS} were used from outside cannot be told (1 credential, 2 calls):"
            " nothing shows whose place 203.0.113.77 and 203.0.113.9 are."
        )
    with case_of(tmp_path / "found", cloudtrail=calls, guardduty=[accused()]) as case:
        assert investigate(case, workload=ORDERS).verdict.endswith("Undetermined: 203.0.113.9.")


def test_of_an_unused_workload_only_the_absence_of_uses_is_said(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[configured(at="08:00:00")]) as case:
        answer = investigate(case, workload="orders-fn")
        assert answer.verdict.startswith(f"No use of credentials of {ORDERS} is in evidence.")
        assert answer.statements == []


def test_an_empty_case_has_no_workload_and_every_gap(tmp_path: Path) -> None:
    with case_of(tmp_path) as case:
        with pytest.raises(UnknownName, match="no workload named 'orders-fn'"):
            investigate(case, workload="orders-fn")
        answer = investigate(case)
        assert (answer.found, answer.statements) == (False, [])
        assert "Not in evidence: CloudTrail" in answer.verdict


def test_statements_tell_issuance_first_use_and_calls_in_order_of_time(tmp_path: Path) -> None:
    with theft(tmp_path, used(function(), OUTSIDE, "iam:ListUsers"), own("09:00:30")) as answer:
        said = by_id(answer)
        assert list(said) == ["issuance-01", "theft-01", "call-01"]
        assert said["issuance-01"].startswith(
            f"At 2026-11-05 08:00:00 UTC lambda.amazonaws.com issued the credential {KEY}"
        )
        assert said["theft-01"].startswith(
            f"From 2026-11-05 09:00:00 UTC on the credential {KEY} was used from {OUTSIDE}: "
        )
        assert said["call-01"].startswith(
            f"With the credential {KEY}, 1 call of iam:ListUsers from {OUTSIDE} succeeded at"
        )
        assert next(item.evidence[0].event_id for item in answer.statements) == f"mint-{KEY}"


def test_an_issuance_that_is_matched_and_not_recorded_says_so(tmp_path: Path) -> None:
    mint = minted() | {"responseElements": None}
    abroad_ = used(function(), OUTSIDE)
    for record in (at_home := own(), abroad_):
        record["userIdentity"]["sessionContext"]["attributes"] = {"creationDate": f"{DAY}08:00:00Z"}
    with case_of(tmp_path, cloudtrail=[mint, at_home, abroad_]) as case:
        issuance = investigate(case, workload=ORDERS).statements[0]
        assert issuance.certainty == "matched"
        assert "(matched: the record itself names no key)" in issuance.statement


def test_a_credential_is_followed_from_the_one_it_came_of(tmp_path: Path) -> None:
    with theft(tmp_path, used(function(), OUTSIDE), own("09:30:00")) as answer:
        asked = investigate(answer.case, access_key_id=KEY)
        assert [item.id for item in asked.statements] == [item.id for item in answer.statements]


def test_an_issuance_that_is_not_in_evidence_is_a_gap(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=ABROAD[1:]) as case:
        answer = investigate(case, workload=ORDERS)
        assert "issuance-01" not in by_id(answer)
        assert f"When and by whom {KEY} was issued" in [gap.question for gap in answer.gaps]


def test_bytes_are_said_only_where_records_have_them(tmp_path: Path) -> None:
    sent = used(function(), OUTSIDE, "s3:GetObject", additionalEventData={"bytesTransferredOut": 2_500_000})
    with theft(tmp_path / "with", sent) as answer:
        assert answer.verdict.endswith(f"1 call was made from {OUTSIDE}; S3 sent 2.5 MB.")
    with theft(tmp_path / "without", used(function(), OUTSIDE)) as answer:
        assert answer.verdict.endswith(f"1 call was made from {OUTSIDE}.")


def test_lineage_tells_the_stolen_credential_from_what_came_of_it(tmp_path: Path) -> None:
    calls = [
        chained(function(), "ASIAEXAMPLEHOP", at="09:00:00"),
        used(session("ASIAEXAMPLEHOP"), OUTSIDE, at="09:01:00"),
    ]
    with theft(tmp_path, *calls) as answer:
        rows = [row[:2] for row in answer.lineage.rows()]
        assert rows == [(KEY, "stolen"), ("ASIAEXAMPLEHOP", "came of it")]


def test_touched_counts_what_succeeded_and_what_was_refused(tmp_path: Path) -> None:
    bucket: Record = {"requestParameters": {"bucketName": "orders-data"}}
    calls = [used(function(), OUTSIDE, "s3:GetBucketAcl", at=f"09:0{place}:00", **bucket) for place in range(3)]
    calls[2] |= {"errorCode": "AccessDenied"}
    with theft(tmp_path, *calls) as answer:
        (row,) = answer.touched.df().to_dict("records")
        assert (row["resource"], row["succeeded"], row["refused"]) == ("arn:aws:s3:::orders-data", 2, 1)


def test_an_unusual_invocation_while_the_interface_spoke_with_the_intruder_is_a_candidate(tmp_path: Path) -> None:
    setting = [configured(at="07:00:00", vpcConfig=network()), hyperplane(at="07:00:10")]
    flows = [flow("08:45:01", "08:45:40", eni="eni-l", dstaddr=OUTSIDE, bytes=7000) | {"account-id": ACCOUNT}]
    flows += [flow("08:45:10", "08:45:59", eni="eni-l", dstaddr=OUTSIDE, bytes=400)]
    with theft(tmp_path, *setting, used(function(), OUTSIDE), vpc_flow=flows, lambda_log=invocations()) as answer:
        (leak,) = [item for item in answer.statements if item.id.startswith("leak")]
        assert "The invocation r-5, started 2026-11-05 08:45:00 UTC" in leak.statement
        assert "took 9,000 ms (median 100 ms)" in leak.statement
        assert f"sent 7.4 kB to {OUTSIDE}." in leak.statement


def invocations() -> list[Record]:
    """Four usual invocations of orders-fn and a long one."""
    found_lines = []
    for place, took in enumerate((100.0, 100.0, 100.0, 100.0, 9000.0), 1):
        minute = f"08:4{place}"
        found_lines += [line("platform.start", f"{minute}:00", request=f"r-{place}")]
        report = {"durationMs": took, "metrics": {"durationMs": took}}
        found_lines += [line("platform.report", f"{minute}:30", request=f"r-{place}", **report)]
    return found_lines


def test_invocations_are_those_before_the_first_foreign_use_the_longest_first(tmp_path: Path) -> None:
    with theft(tmp_path, used(function(), OUTSIDE, at="08:44:30"), lambda_log=invocations()) as answer:
        assert [row[0] for row in answer.invocations.rows()] == ["r-1", "r-2", "r-3", "r-4"]


def test_without_an_issuance_invocations_reach_back_to_the_session_s_creation_or_the_first_log(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=ABROAD[1:], lambda_log=invocations()) as case:
        assert len(investigate(case, workload=ORDERS).invocations.rows()) == 5


def test_the_incident_s_own_gaps_come_first(tmp_path: Path) -> None:
    with theft(tmp_path, used(function(), OUTSIDE)) as answer:
        assert answer.gaps[0].question == f"Who was at {OUTSIDE}"
        assert "Which addresses the workloads spoke with" in [gap.question for gap in answer.gaps]


def test_records_without_time_or_action_are_told_all_the_same(tmp_path: Path) -> None:
    bare = used(function(), OUTSIDE) | {"eventTime": None, "eventName": None, "eventID": "bare"}
    with theft(tmp_path, bare) as answer:
        assert "first at a time not recorded" in answer.verdict
        assert "1 call of an action not named" in by_id(answer)["call-01"]
        assert answer.statements[-1].time is None


def test_every_statement_cites_records_that_exist(tmp_path: Path) -> None:
    calls = [used(function(), OUTSIDE, at="09:00:00"), chained(function(), "ASIAEXAMPLEHOP", at="09:01:00")]
    flows = [flow("09:00:00", "09:01:00", dstaddr=OUTSIDE, bytes=10)]
    with theft(tmp_path, *calls, vpc_flow=flows, guardduty=[accused()]) as answer:
        assert [item.id for item in answer.statements if not item.evidence] == []
        assert {item.id.partition("-")[0] for item in answer.statements} == {
            "issuance",
            "theft",
            "call",
            "flow",
            "finding",
        }


def test_a_runtime_agent_copied_by_the_intruder_is_found_through_the_finding(tmp_path: Path) -> None:
    with theft(tmp_path, used(function(), OUTSIDE, agent=RUNTIME), guardduty=[accused()]) as answer:
        first = next(item for item in answer.statements if item.id == "theft-01")
        assert {citation.event_id for citation in first.evidence} == {f"ListBuckets-09:00:00-{KEY}@{OUTSIDE}", "f-1"}
        assert f"{DAY}09:00:00.000Z" == first.as_dict()["time"]
        assert call(function())["userIdentity"]["accessKeyId"] == KEY
