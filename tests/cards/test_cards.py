"""Cards: the attributes, answers and parts of who and what, and what is said where nothing is known."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from forensics.case import Case
from forensics.errors import AmbiguousName, UnknownName
from tests.cards.worlds import (
    CHILD,
    FINDING,
    KEY,
    ORDERS,
    OUTSIDE,
    PODS,
    POOLED,
    ROLE_ARN,
    SESSION,
    UNMINTED,
    told,
)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with told(tmp_path_factory.mktemp("told")) as made:
        yield made


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "empty") as made:
        yield made


def said(card: Any) -> list[tuple[str, str | None]]:
    return [(answer.text, answer.certainty) for answer in card.answers()]


# Principals


@pytest.mark.parametrize("name", [ROLE_ARN, "orders-fn-role", "AROAEXAMPLEORDERSFNROLE", SESSION])
def test_a_principal_is_found_by_its_arn_name_unique_id_or_session(case: Case, name: str) -> None:
    found = case.principal(name)

    assert (found.principal, found.kind, found.name) == (ROLE_ARN, "role", "orders-fn-role")
    assert found.first_seen == datetime(2026, 11, 5, 9, 10)


def test_a_principal_has_its_sessions_credentials_calls_and_findings(case: Case) -> None:
    found = case.principal(ROLE_ARN)

    assert found.sessions.df()["session"].tolist() == [SESSION]
    assert found.credentials.df()[["access_key_id", "certainty"]].values.tolist() == [[KEY, "recorded"]]
    assert [row[:3] for row in found.actions.rows()] == [
        ("s3:GetObject", 10, 0),
        ("kms:Decrypt", 1, 0),
        ("sts:AssumeRole", 1, 0),
    ]
    assert [row[0] for row in found.addresses.rows()] == [OUTSIDE, None]
    assert found.on_behalf.df()["cause_event_id"].tolist() == ["read-0"]
    assert found.findings.df()["finding_id"].tolist() == [FINDING]


def test_the_sql_of_a_card_gives_its_row(case: Case) -> None:
    found = case.principal(ROLE_ARN)

    assert "FROM principal" in found.sql
    assert found.rows()[0][0] == found.df()["principal"][0] == ROLE_ARN


def test_an_unknown_principal_is_met_with_the_nearest_names(case: Case) -> None:
    with pytest.raises(UnknownName, match=r"no principal named 'orders-fn-rôle'; known: .*orders-fn-role"):
        case.principal("orders-fn-rôle")


# Credentials


def test_a_credential_says_who_issued_it_to_whom_and_where_else_it_was_used(case: Case) -> None:
    assert said(case.credential(KEY)) == [
        ("Issued at 2026-11-05 08:55:02 UTC by lambda.amazonaws.com (event mint).", "recorded"),
        (f"Issued to {ORDERS} (credentialsIssuedTo).", "recorded"),
        (
            f"Used from {OUTSIDE}, outside of {ORDERS}: 11 calls; no call from it carries the runtime's user agent.",
            "inferred",
        ),
    ]


def test_a_key_obtained_with_a_workloads_key_leads_back_to_it_without_being_issued_to_it(case: Case) -> None:
    found = case.credential(CHILD)

    assert found.workloads.rows() == []
    assert [certainty for _, certainty in said(found)] == ["matched", "matched"]  # the weakest link of each
    assert said(found)[1][0] == f"Came, over 1 hop, from {KEY}, which was issued to {ORDERS}."


def test_lineage_goes_up_and_down(case: Case) -> None:
    up = case.credential(CHILD).ancestors.df()[["hops", "ancestor_access_key_id", "ancestor_principal"]]
    down = case.credential(KEY).descendants.df()["access_key_id"].tolist()

    assert up.astype(object).where(up.notna(), None).values.tolist() == [
        [1, KEY, ROLE_ARN],
        [2, None, "lambda.amazonaws.com"],
    ]
    assert down == [CHILD]


def test_a_key_that_several_workloads_may_have_been_issued_names_none(case: Case) -> None:
    found = case.credential(POOLED)

    assert said(found)[1] == ("Issued to one of 2 workloads; the records do not say which.", "shared")
    assert found.workloads.df()["workload"].tolist() == list(PODS)


def test_a_key_whose_issuance_is_missing_says_where_it_would_be(case: Case) -> None:
    assert said(case.credential(UNMINTED)) == [
        ("Its issuance is not in evidence; the trail of 111122223333 in us-east-1 would hold it.", None),
        ("Issued to no workload, as far as the records say.", None),
    ]


def test_a_credential_has_its_uses_reasons_calls_and_those_that_services_made_because_of_it(case: Case) -> None:
    found = case.credential(KEY)

    assert [row[:2] for row in found.uses.rows()] == [("outside", OUTSIDE)]
    assert [row[0] for row in found.reasons.rows()] == ["for"]
    assert found.addresses.rows()[0][:2] == (OUTSIDE, 11)
    assert found.actions.df()["action"].tolist() == ["s3:GetObject", "kms:Decrypt", "sts:AssumeRole"]
    assert found.on_behalf.df()[["action", "certainty"]].values.tolist() == [["kms:Decrypt", "inferred"]]


def test_an_unknown_key_is_met_with_the_most_similar(case: Case) -> None:
    with pytest.raises(UnknownName, match=f"no credential named 'ASIAEXAMPLEKEY2'; known: .*{KEY}"):
        case.credential("ASIAEXAMPLEKEY2")


# Workloads


def test_a_workload_is_found_by_its_name(case: Case) -> None:
    found = case.workload("orders-fn")

    assert (found.workload, found.kind, found.role) == (ORDERS, "lambda_function", ROLE_ARN)
    assert said(found) == [
        (
            f"{KEY}, issued to it, was used from {OUTSIDE}, outside: no call from it carries the runtime's user agent.",
            "inferred",
        )
    ]


def test_a_workload_has_its_credentials_runs_requests_and_findings(case: Case) -> None:
    found = case.workload(ORDERS)

    assert found.credentials.df()[["access_key_id", "certainty"]].values.tolist() == [[KEY, "recorded"]]
    assert found.environments.rows()[0][:3] == ("env-1", 20, 0)
    assert len(found.invocations.rows()) == 20
    assert found.requests.df()[["id", "sources"]].values.tolist() == [["r-10", 2]]
    assert found.findings.df()[["finding_id", "certainty"]].values.tolist() == [[FINDING, "recorded"]]
    assert "SELECT event_id" in found.timeline.sql


def test_a_pod_has_its_details_and_containers(case: Case) -> None:
    found = case.workload(PODS[0])

    assert [row[:2] for row in found.details.rows()] == [("service_account", "pay/api")]
    assert [row[:2] for row in found.containers.rows()] == [("web", "registry.example/web:1")]


def test_a_name_of_several_workloads_is_met_with_all_of_them(case: Case) -> None:
    with pytest.raises(AmbiguousName, match="2 workloads are named 'api'"):
        case.workload("api")


def test_an_unknown_workload_is_met_with_those_there_are(case: Case) -> None:
    with pytest.raises(UnknownName, match=r"no workload named 'order'; known: .*orders-fn"):
        case.workload("order")


# Findings


def test_a_finding_leads_through_its_key_to_a_workload(case: Case) -> None:
    found = case.finding(FINDING)

    assert (found.title, found.severity, found.resources) == ("Key used outside", 8.0, ["arn:aws:s3:::orders-data"])
    assert said(found) == [(f"The finding names {KEY}, which was issued to {ORDERS}.", "recorded")]


def test_the_evidence_of_a_finding_is_its_records_with_the_reason_held_or_not(case: Case) -> None:
    evidence = case.finding(FINDING).evidence().df()

    assert evidence["event_id"].tolist() == [*(f"read-{n}" for n in range(10)), "elsewhere"]
    assert set(evidence["why"][:10]) == {"same access key, address and window"}
    assert evidence["time"].isna().tolist() == [False] * 10 + [True]
    assert case.finding(FINDING).whys.rows()[0] == ("same access key, address and window", 10)


def test_an_unknown_finding_is_met_with_the_most_similar(case: Case) -> None:
    with pytest.raises(UnknownName, match="no finding named 'f-2'; known: f-1"):
        case.finding("f-2")


# Where nothing is


@pytest.mark.parametrize("kind", ["principal", "credential", "workload", "finding"])
@pytest.mark.parametrize("name", ["x", "", "'; DROP TABLE finding; --"])
def test_an_empty_case_says_what_to_do(empty: Case, kind: str, name: str) -> None:
    with pytest.raises(UnknownName, match=f"no {kind} named .*: `forensics add` evidence to it, then `forensics load`"):
        getattr(empty, kind)(name)
