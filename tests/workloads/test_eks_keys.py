"""EKS pods: to which of them keys were issued, by Pod Identity and by web identity tokens."""

from pathlib import Path

import pytest

from tests.workload_worlds import attributed, world
from tests.workloads.eks_world import (
    IP_A,
    IP_B,
    PAY_ROLE,
    POD_A,
    POD_B,
    PROVIDER,
    UID_A,
    UID_B,
    created,
    deleted,
    described,
    exchanged,
    issued,
    life,
    logged,
    minted,
    status,
    tags,
    token_used,
)
from tests.worlds import ACCOUNT, OTHER, Record, call, role, service, user

KEY = "ASIAEXAMPLEKEYP1"
UNTAGGED: Record = {"durationSeconds": 21600}
ENDPOINT = {"vpcEndpointId": "vpce-1", "vpcEndpointAccountId": ACCOUNT}
BOTH = [*life("api-7c9-a", UID_A, IP_A, until="13:00"), *life("api-7c9-b", UID_B, IP_B, until="13:00")]


def associated(service_account: str = "api", *, at: str = "07:00:00", name: str = "Create") -> Record:
    asked = {"clusterName": "prod", "namespace": "pay", "serviceAccount": service_account, "roleArn": PAY_ROLE}
    given = {"association": asked | {"associationId": "a-1"}}
    return call(user(), f"eks:{name}PodIdentityAssociation", at=at, requestParameters=asked, responseElements=given)


def session(name: str) -> Record:
    return {"roleSessionName": name}


def endpoint_made(vpc: str) -> Record:
    answer = {"CreateVpcEndpointResponse": {"vpcEndpoint": {"vpcEndpointId": "vpce-1", "vpcId": vpc}}}
    return call(user(), "ec2:CreateVpcEndpoint", at="07:00:00", responseElements=answer)


# Pod Identity


def test_a_key_of_pod_identity_is_the_pods_that_its_tags_name(tmp_path: Path) -> None:
    who = role("pay-api", "eks-prod-api", key=KEY)
    with world(tmp_path, cloudtrail=[minted(KEY, "12:03:11"), call(who, at="12:10:00", eventID="use")]) as con:
        assert issued(con, KEY) == [(POD_A, "recorded", 1)]
        assert attributed(con, "issued_to") == [("use", POD_A, "recorded", 1)]


def test_tags_as_a_map_are_read_too(tmp_path: Path) -> None:
    asked = {"principalTags": {tag["key"]: tag["value"] for tag in tags()["tags"]}}
    with world(tmp_path, cloudtrail=[minted(KEY, "12:03:11", asked)]) as con:
        assert issued(con, KEY) == [(POD_A, "recorded", 1)]


@pytest.mark.parametrize(
    "by",
    [
        user(),
        role("dev", "mallory", key="ASIAEXAMPLEDEV"),
        service("eks-fargate-pods.amazonaws.com"),
        user() | {"invokedBy": "pods.eks.amazonaws.com"},
        {"type": "AWSAccount", "accountId": OTHER, "principalId": "AIDAEXAMPLE", "invokedBy": "pods.eks.amazonaws.com"},
    ],
)
def test_tags_that_anybody_else_sets_name_no_pod(tmp_path: Path, by: Record) -> None:
    with world(tmp_path, cloudtrail=[minted(KEY, "12:03:11", by=by)], eks_audit=BOTH) as con:
        assert issued(con, KEY) == []


def test_tags_that_say_two_things_say_nothing(tmp_path: Path) -> None:
    twice = {"tags": [*tags()["tags"], {"key": "kubernetes-pod-name", "value": "api-7c9-b"}]}
    with world(tmp_path, cloudtrail=[minted(KEY, "12:03:11", twice)]) as con:
        assert issued(con, KEY) == []


def test_a_failed_issuance_gives_nothing(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[minted(KEY, "12:03:11", errorCode="AccessDenied")]) as con:
        assert issued(con, KEY) == []


def test_the_later_pod_of_a_name_gets_its_own_key(tmp_path: Path) -> None:
    later = minted("ASIAEXAMPLEKEYP2", "13:00:00", tags(uid=UID_B))
    with world(tmp_path, cloudtrail=[later, minted(KEY, "12:03:11")]) as con:
        assert issued(con, KEY) == [(POD_A, "recorded", 1)]
        assert issued(con, "ASIAEXAMPLEKEYP2") == [(f"{POD_A}#{UID_B}", "recorded", 1)]


def test_without_tags_a_session_name_that_fits_one_pod_is_a_hint(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[minted(KEY, "12:03:11", UNTAGGED)], eks_audit=BOTH) as con:
        assert issued(con, KEY) == [(POD_A, "inferred", 1)]


def test_a_session_name_that_fits_several_pods_or_none_living_says_nothing(tmp_path: Path) -> None:
    cut = session("eks-prod-api-7c-0a1b2c3d-0000-4000-8000-000000000001")
    late = minted("ASIAEXAMPLEKEYP2", "14:00:00", UNTAGGED)
    other = minted("ASIAEXAMPLEKEYP3", "12:00:00", session("eks-test-api-7c9-a-0a1b2c3d-0000-4000-8000-000000000001"))
    with world(tmp_path, cloudtrail=[minted(KEY, "12:03:11", cut), late, other], eks_audit=BOTH) as con:
        assert issued(con, KEY) == issued(con, "ASIAEXAMPLEKEYP2") == issued(con, "ASIAEXAMPLEKEYP3") == []


def test_a_session_name_alone_is_believed_of_eks_only(tmp_path: Path) -> None:
    spoofed = minted(KEY, "12:03:11", UNTAGGED, by=user())
    with world(tmp_path, cloudtrail=[spoofed], eks_audit=BOTH) as con:
        assert issued(con, KEY) == []


def test_without_tags_the_association_names_the_pods_it_may_be(tmp_path: Path) -> None:
    cut = session("eks-prod-api-7c-0a1b2c3d-0000-4000-8000-000000000001")
    calls = [associated(), minted(KEY, "12:03:11", cut)]
    other = created("web", "5b9488ae-0000-4000-8000-0000000000ff", "08:00:00", account="web")
    with world(tmp_path, cloudtrail=calls, eks_audit=[*BOTH, other]) as con:
        assert issued(con, KEY) == [(POD_A, "shared", 2), (POD_B, "shared", 2)]


def test_an_association_counts_from_its_making_to_its_end(tmp_path: Path) -> None:
    cut = session("eks-prod-api-7c-0a1b2c3d-0000-4000-8000-000000000001")
    calls = [associated(), associated(at="10:00:00", name="Delete"), minted(KEY, "12:03:11", cut)]
    with world(tmp_path, cloudtrail=calls, eks_audit=BOTH) as con:
        assert issued(con, KEY) == []


# Web identity


def test_a_token_of_two_pods_from_a_public_address_leaves_both(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[exchanged(KEY, "12:01:00")], eks_audit=BOTH, config_item=[described()]) as con:
        assert issued(con, KEY) == [(POD_A, "shared", 2), (POD_B, "shared", 2)]


def test_an_address_behind_an_endpoint_tells_the_pod(tmp_path: Path) -> None:
    asked = exchanged(KEY, "12:01:00", IP_A, **ENDPOINT)
    with world(tmp_path, cloudtrail=[asked], eks_audit=BOTH, config_item=[described()]) as con:
        assert issued(con, KEY) == [(POD_A, "matched", 1)]


def test_addresses_that_only_a_shipper_saw_bound_the_answer(tmp_path: Path) -> None:
    lines = [
        logged(pod, None, address, at)
        for pod, address in (("api-7c9-a", IP_A), ("api-7c9-b", IP_B))
        for at in ("11:50:00", "12:30:00")
    ]
    calls = [exchanged(KEY, "12:01:00", IP_A, vpcEndpointId="vpce-1"), exchanged("ASIAEXAMPLEKEYP2", "12:02:00")]
    with world(tmp_path, cloudtrail=calls, container_log=lines, config_item=[described()]) as con:
        assert issued(con, KEY) == [(POD_A, "bounded", 1)]
        assert issued(con, "ASIAEXAMPLEKEYP2") == []


@pytest.mark.parametrize(
    ("source", "more"),
    [
        (IP_A, {}),
        (IP_A, {"vpcEndpointId": "vpce-1", "vpcEndpointAccountId": OTHER}),
        ("10.0.9.9", ENDPOINT),
        ("203.0.113.77", ENDPOINT),
    ],
)
def test_an_address_without_endpoint_or_of_no_such_pod_narrows_nothing(
    tmp_path: Path, source: str, more: Record
) -> None:
    asked = exchanged(KEY, "12:01:00", source, **more)
    with world(tmp_path, cloudtrail=[asked], eks_audit=BOTH, config_item=[described()]) as con:
        assert issued(con, KEY) == [(POD_A, "shared", 2), (POD_B, "shared", 2)]


def test_an_address_in_another_vpc_is_another_address(tmp_path: Path) -> None:
    calls = [endpoint_made("vpc-2"), exchanged(KEY, "12:01:00", IP_A, **ENDPOINT)]
    with world(tmp_path, cloudtrail=calls, eks_audit=BOTH, config_item=[described()]) as con:
        assert issued(con, KEY) == [(POD_A, "shared", 2), (POD_B, "shared", 2)]


def test_an_address_of_another_service_accounts_pod_narrows_nothing(tmp_path: Path) -> None:
    web = created("web", "5b9488ae-0000-4000-8000-0000000000ff", "08:00:00", account="web")
    records = [*BOTH, web, status("web", "5b9488ae-0000-4000-8000-0000000000ff", "08:00:05", "10.0.1.60")]
    asked = exchanged(KEY, "12:01:00", "10.0.1.60", **ENDPOINT)
    with world(tmp_path, cloudtrail=[asked], eks_audit=records, config_item=[described()]) as con:
        assert issued(con, KEY) == [(POD_A, "shared", 2), (POD_B, "shared", 2)]


def test_an_address_is_the_pods_that_had_it_then(tmp_path: Path) -> None:
    records = [
        *life("api-7c9-a", UID_A, IP_A, until="09:00"),
        *life("api-7c9-b", UID_B, IP_A, at="09:30", until="13:00"),
    ]
    keys = {KEY: "08:30:00", "ASIAEXAMPLEKEYP2": "09:45:00"}
    calls = [exchanged(key, at, IP_A, **ENDPOINT) for key, at in keys.items()]
    with world(tmp_path, cloudtrail=calls, eks_audit=records, config_item=[described()]) as con:
        assert issued(con, KEY) == [(POD_A, "matched", 1)]
        assert issued(con, "ASIAEXAMPLEKEYP2") == [(POD_B, "matched", 1)]


def test_the_one_pod_of_a_service_account_has_the_token(tmp_path: Path) -> None:
    ended = life("api-7c9-a", UID_A, IP_A, until="09:00")
    keys = {KEY: "08:30:00", "ASIAEXAMPLEKEYP2": "09:45:00", "ASIAEXAMPLEKEYP3": "11:00:00"}
    calls = [exchanged(key, at) for key, at in keys.items()]
    records = [*ended, *life("api-7c9-b", UID_B, IP_B, at="09:30")]
    with world(tmp_path, cloudtrail=calls, eks_audit=records, config_item=[described()]) as con:
        assert issued(con, KEY) == [(POD_A, "matched", 1)]
        assert issued(con, "ASIAEXAMPLEKEYP2") == [(POD_B, "bounded", 1)]


def test_a_pod_known_by_its_token_alone_may_have_siblings(tmp_path: Path) -> None:
    with world(
        tmp_path, cloudtrail=[exchanged(KEY, "12:01:00")], eks_audit=[token_used("12:00:00")], config_item=[described()]
    ) as con:
        assert issued(con, KEY) == [(POD_A, "inferred", 1)]


def test_pods_whose_service_account_is_not_known_are_candidates_too(tmp_path: Path) -> None:
    line = logged("unknown", None, None, "12:00:00")
    with world(
        tmp_path,
        cloudtrail=[exchanged(KEY, "12:01:00")],
        eks_audit=life("api-7c9-a", UID_A, IP_A, until="13:00"),
        container_log=[line],
        config_item=[described()],
    ) as con:
        assert issued(con, KEY) == [(POD_A, "shared", 2), ("k8s:prod/pay/unknown", "shared", 2)]


def test_no_pod_living_no_answer(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[exchanged(KEY, "14:00:00")], eks_audit=BOTH, config_item=[described()]) as con:
        assert issued(con, KEY) == []


def test_the_only_cluster_known_is_taken_for_the_providers_with_less_certainty(tmp_path: Path) -> None:
    asked = exchanged(KEY, "12:01:00", IP_A, **ENDPOINT)
    with world(tmp_path, cloudtrail=[asked, exchanged("ASIAEXAMPLEKEYP2", "12:01:00")], eks_audit=BOTH) as con:
        assert issued(con, KEY) == [(POD_A, "inferred", 1)]
        assert issued(con, "ASIAEXAMPLEKEYP2") == [(POD_A, "shared", 2), (POD_B, "shared", 2)]


def test_with_two_clusters_or_another_issuer_the_provider_is_nobodys(tmp_path: Path) -> None:
    other = created("x", UID_A, "08:00:00") | {"@logGroup": "/aws/eks/test/cluster"}
    with world(tmp_path, cloudtrail=[exchanged(KEY, "12:01:00")], eks_audit=[*BOTH, other]) as con:
        assert issued(con, KEY) == []
    (tmp_path / "second").mkdir()
    known = described(provider="0123456789FFFFFF")
    with world(
        tmp_path / "second", cloudtrail=[exchanged(KEY, "12:01:00")], eks_audit=BOTH, config_item=[known]
    ) as con:
        assert issued(con, KEY) == []


@pytest.mark.parametrize(
    "provider",
    [
        f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com",
        f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.us-east-1.amazonaws.com.example.org/id/ABCDEF0123456789",
        f"arn:aws:iam::{OTHER}:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/FFFF",
    ],
)
def test_other_providers_tokens_are_no_pods(tmp_path: Path, provider: str) -> None:
    with world(
        tmp_path, cloudtrail=[exchanged(KEY, "12:01:00", provider=provider)], eks_audit=BOTH, config_item=[described()]
    ) as con:
        assert issued(con, KEY) == []


def test_a_provider_of_another_account_may_be_the_described_clusters(tmp_path: Path) -> None:
    abroad = PROVIDER.replace(ACCOUNT, OTHER)
    with world(
        tmp_path, cloudtrail=[exchanged(KEY, "12:01:00", provider=abroad)], eks_audit=BOTH, config_item=[described()]
    ) as con:
        assert issued(con, KEY) == [(POD_A, "shared", 2), (POD_B, "shared", 2)]


def test_an_order_of_arrival_makes_no_difference(tmp_path: Path) -> None:
    calls = [exchanged(KEY, "12:01:00", IP_A, **ENDPOINT), minted("ASIAEXAMPLEKEYP2", "12:03:11")]
    answers = []
    for turn, records in enumerate((BOTH, BOTH[::-1])):
        (tmp_path / str(turn)).mkdir()
        with world(
            tmp_path / str(turn), config_item=[described()], eks_audit=records, cloudtrail=calls[:: 1 - 2 * turn]
        ) as con:
            answers.append((issued(con, KEY), issued(con, "ASIAEXAMPLEKEYP2")))
    assert answers[0] == answers[1] == ([(POD_A, "matched", 1)], [(POD_A, "recorded", 1)])


def test_a_session_that_a_pod_chains_to_is_issued_to_no_pod(tmp_path: Path) -> None:
    who = role("pay-api", "eks-prod-api", key=KEY)
    chained = call(
        who,
        "sts:AssumeRole",
        at="12:05:00",
        requestParameters={"roleArn": f"arn:aws:iam::{OTHER}:role/far", "roleSessionName": "x"} | tags(),
        responseElements={"credentials": {"accessKeyId": "ASIAEXAMPLECHAIN"}},
    )
    with world(
        tmp_path, cloudtrail=[minted(KEY, "12:03:11"), chained], eks_audit=[deleted("api-7c9-a", "13:00:00")]
    ) as con:
        assert issued(con, "ASIAEXAMPLECHAIN") == []
