"""Requests to a cluster: which are an intruder's, and which a program makes every day."""

from pathlib import Path

from forensics.analysis.eks_pods import look
from forensics.analysis.eks_requests import ApiCaller, api_callers
from forensics.case import Case
from tests.analysis.theft_worlds import OUTSIDE, case_of
from tests.workloads.eks_world import IP_A, POD_A, UID_A, audit, life, token_used
from tests.worlds import Record

ROBOT = {"username": "system:serviceaccount:pay:api"}


def review(at: str) -> Record:
    return token_used(at) | {
        "verb": "create",
        "objectRef": {"resource": "selfsubjectaccessreviews", "apiVersion": "v1"},
    }


def settings(at: str) -> Record:
    return token_used(at) | {
        "verb": "get",
        "objectRef": {"resource": "configmaps", "namespace": "pay", "name": "settings"},
    }


def only(case: Case) -> ApiCaller:
    (found,) = [item for item in api_callers(case) if item.username == ROBOT["username"]]
    return found


def kinds(item: ApiCaller) -> list[str]:
    return [kind for kind, _ in item.reasons]


def test_a_program_that_reads_secrets_as_it_always_did_is_not_suspect(tmp_path: Path) -> None:
    records = [*life("api-7c9-a", UID_A, IP_A), token_used("08:10:00"), token_used("09:10:00")]
    with case_of(tmp_path, eks_audit=records) as case:
        assert kinds(only(case)) == []
        assert look(case).found is False


def test_asking_for_rights_and_for_what_the_account_never_asked_before_is_an_intruder_s(tmp_path: Path) -> None:
    records = [*life("api-7c9-a", UID_A, IP_A), settings("08:10:00"), review("09:00:00"), token_used("09:01:00")]
    with case_of(tmp_path, eks_audit=[*records, settings("09:02:00")]) as case:
        assert kinds(only(case)) == ["asked", "new"]
        answer = look(case, workload=POD_A)
        assert [item.id for item in answer.statements] == ["entered-01", "request-01", "request-02"]
        assert POD_A in answer.verdict and answer.containment


def test_a_pod_s_token_used_from_outside_the_cluster_is_an_intruder_s(tmp_path: Path) -> None:
    with case_of(
        tmp_path, eks_audit=[*life("api-7c9-a", UID_A, IP_A), token_used("09:01:00") | {"sourceIPs": [OUTSIDE]}]
    ) as case:
        assert kinds(only(case)) == ["outside"]
        assert only(case).believed


def test_an_api_server_that_lets_the_anonymous_read_secrets_is_told(tmp_path: Path) -> None:
    secrets = {"objectRef": {"resource": "secrets", "namespace": "pay", "apiVersion": "v1"}}
    request = audit("list", "09:00:00", user={"username": "system:anonymous"}, sourceIPs=[OUTSIDE], **secrets)
    with case_of(tmp_path, eks_audit=[request]) as case:
        (found,) = api_callers(case)
        assert "anonymous" in kinds(found) and found.believed
