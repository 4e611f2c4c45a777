"""A case that was told who and what: resolution tables filled by hand, so that cards are held against known rows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forensics import attribution, identity
from forensics.case import Case
from tests.workload_worlds import KEY, ORDERS, WEB, add, flow, in_scope
from tests.worlds import ACCOUNT, Record, assume, call, role, user

AT = "2026-11-05T09:12:00Z"
OUTSIDE = "203.0.113.77"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/orders-fn-role"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-fn-role/orders-fn"
CHILD = "ASIAEXAMPLECHILD"
UNMINTED = "ASIAEXAMPLEUNMINTED"
POOLED = "ASIAEXAMPLEPOOLED"
FINDING = "f-1"
PODS = ("k8s:main/pay/api-a", "k8s:main/pay/api-b")
BARE = "2026-11-05 "

WHO = in_scope(role("orders-fn-role", "orders-fn", key=KEY), ORDERS)


def calls() -> list[Record]:
    """Ten reads by the function from outside, an assumption with its key, and what that key did."""
    reads = [
        call(WHO, "s3:GetObject", at=f"09:1{n}:00", sourceIPAddress=OUTSIDE, eventID=f"read-{n}") for n in range(10)
    ]
    minted = assume(WHO, "admin", "ops", key=CHILD, at="09:20:00", sourceIPAddress=OUTSIDE)
    used = call(role("admin", "ops", key=CHILD), "iam:ListUsers", at="09:21:00", errorCode="AccessDenied")
    decrypted = call(WHO | {"invokedBy": "s3.amazonaws.com"}, "kms:Decrypt", at="09:10:00", eventID="decrypt")
    return [*reads, minted, used, decrypted, call(user(), at="08:00:00")]


ROWS: Mapping[str, list[dict[str, Any]]] = {
    "credential": [
        {"access_key_id": KEY, "kind": "temporary", "principal": ROLE_ARN, "session": SESSION}
        | {"issued_at": BARE + "08:55:02", "issued_by_principal": "lambda.amazonaws.com", "issuance_event_id": "mint"}
        | {"issuance_certainty": "recorded"}
        | {"first_used": BARE + "09:10:00", "workload": ORDERS, "workload_certainty": "recorded"},
        {"access_key_id": CHILD, "kind": "temporary", "issued_by_access_key_id": KEY, "issuance_event_id": "mint-2"}
        | {"issued_by_principal": ROLE_ARN, "issued_at": BARE + "09:20:00", "issuance_certainty": "matched"},
        {"access_key_id": UNMINTED, "kind": "temporary", "class": "unknown"},
        {"access_key_id": POOLED, "kind": "temporary"},
    ],
    "credential_workload": [
        {"access_key_id": KEY, "workload": ORDERS, "certainty": "recorded", "via": "credentialsIssuedTo"}
        | {"candidates": 1, "evidence_event_ids": ["read-0", "read-9"]},
        *(
            {"access_key_id": POOLED, "workload": pod, "certainty": "shared", "via": "service account", "candidates": 2}
            for pod in PODS
        ),
    ],
    "lineage": [
        {"access_key_id": KEY, "ancestor_principal": "lambda.amazonaws.com", "hops": 1, "certainty": "recorded"},
        {"access_key_id": CHILD, "ancestor_access_key_id": KEY, "ancestor_principal": ROLE_ARN, "hops": 1, "certainty": "matched"},
        {"access_key_id": CHILD, "ancestor_principal": "lambda.amazonaws.com", "hops": 2, "certainty": "recorded"},
    ],
    "lineage_gap": [
        {"access_key_id": UNMINTED, "class": "unknown", "account_id": ACCOUNT, "region": "us-east-1"}
        | {"statement": "Its issuance is not in evidence; the trail of 111122223333 in us-east-1 would hold it."}
    ],
    "credential_use": [
        {"access_key_id": KEY, "workload": ORDERS, "certainty": "recorded", "address": OUTSIDE, "calls": 11}
        | {"first_event_id": "read-0"}
        | {"place": "outside", "why": "no call from it carries the runtime's user agent"}
    ],
    "credential_use_reason": [
        {"access_key_id": KEY, "workload": ORDERS, "address": OUTSIDE, "speaks": "for", "reason": "GuardDuty says so"}
        | {"evidence_event_ids": [FINDING]}
    ],
    "on_behalf": [
        {"event_id": "decrypt", "cause_event_id": "read-0", "certainty": "inferred", "candidates": 1}
        | {"why": "same second, same session"}
    ],
    "workload": [
        {"workload": ORDERS, "kind": "lambda_function", "account_id": ACCOUNT, "name": "orders-fn", "role": ROLE_ARN},
        {"workload": WEB, "kind": "ec2_instance", "account_id": ACCOUNT, "name": "web"},
        *({"workload": pod, "kind": "eks_pod", "name": "api"} for pod in PODS),
    ],
    "workload_detail": [{"workload": PODS[0], "property": "service_account", "value": "pay/api"}],
    "workload_container": [{"workload": PODS[0], "name": "web", "image": "registry.example/web:1"}],
    "lifetime": [
        {"workload": WEB, "holds_kind": "private_ip", "holds": "10.0.3.17", "valid_from": BARE + "08:00:00"}
        | {"valid_to": BARE + "09:00:00", "from_known": True, "to_known": True, "certainty": "matched"}
    ],
    "invocation": [
        {"request_id": f"r-{n}", "workload": ORDERS, "execution_environment": "env-1", "started_at": BARE + f"09:{n}:00"}
        for n in range(10, 30)
    ],
    "request_link": [
        {"id_kind": "lambda_request", "id": "r-10", "event_id": name, "source": source, "workload": ORDERS, "certainty": "recorded"}
        for name, source in (("line-1", "lambda_log"), ("read-0", "cloudtrail"))
    ],
    "finding": [
        {"finding_id": FINDING, "source": "guardduty", "type": "Made:Up/Type", "severity": 8.0, "title": "Key used outside"}
        | {"principal": ROLE_ARN, "access_key_id": KEY, "resources": ["arn:aws:s3:::orders-data"], "time": BARE + "09:10:00"}
    ],
    "finding_evidence": [
        {"finding_id": FINDING, "event_id": f"read-{n}", "why": "same access key, address and window"} for n in range(10)
    ]
    + [{"finding_id": FINDING, "event_id": "elsewhere", "why": "cited by the finding"}],
}  # fmt: skip


@contextmanager
def told(tmp_path: Path, rows: Mapping[str, list[dict[str, Any]]] = ROWS) -> Iterator[Case]:
    """A case of those calls and rows."""
    with Case.create(tmp_path / "case") as case:
        con = case.connection
        add(con, "cloudtrail", calls())
        add(con, "vpc_flow", [flow("09:10:00", "09:11:00", srcaddr="10.0.3.17")])
        identity.resolve(con)
        attribution.create_view(con)
        for table, items in rows.items():
            for item in items:
                names, marks = ", ".join(item), ", ".join("?" * len(item))
                con.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(item.values()))
        yield case
