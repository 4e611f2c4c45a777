"""EKS pods: which there were, when, and what they were."""

from pathlib import Path
from typing import Any

from tests.workload_worlds import attributed, found, world
from tests.workloads.eks_world import (
    CONTROLLER,
    IP_A,
    KUBELET,
    NODE,
    NODE_ARN,
    NODE_ID,
    PAY_ROLE,
    POD_A,
    UID_A,
    UID_B,
    asked_for,
    audit,
    bound,
    created,
    deleted,
    details,
    life,
    logged,
    minted,
    of_pod,
    pods,
    status,
    tags,
    token_used,
)
from tests.worlds import ACCOUNT, OTHER, call, user


def test_a_pod_lasts_from_its_creation_to_the_kubelets_last_word(tmp_path: Path) -> None:
    with world(tmp_path, eks_audit=life("api-7c9-a", UID_A, IP_A, until="09:00")) as con:
        assert pods(con) == [(POD_A, "08:00:00", "09:00:10")]


def test_what_was_asked_of_a_pod_is_kept_as_details_and_containers(tmp_path: Path) -> None:
    digest = "sha256:" + "a" * 64
    ran = [
        {"name": "api", "image": "repo/api:1", "imageID": f"repo/api@{digest}", "containerID": "containerd://c0ffee"}
    ]
    records = [*life("api-7c9-a", UID_A, IP_A), status("api-7c9-a", UID_A, "08:00:09", IP_A, containerStatuses=ran)]
    with world(tmp_path, eks_audit=records, cloudtrail=[asked_for("08:00:00")]) as con:
        known = {"cluster": "prod", "namespace": "pay", "pod_uid": UID_A, "service_account": "api", "node": NODE}
        assert details(con, POD_A) == known | {"instance": NODE_ARN}
        query = "SELECT name, image, image_digest, runtime_id FROM workload_container ORDER BY ALL"
        assert con.execute(query).fetchall() == [
            ("api", "repo/api:1", digest, "c0ffee"),
            ("api", "repo/api:1", None, None),
        ]


def test_stages_of_one_request_count_once(tmp_path: Path) -> None:
    begun = {"stage": "RequestReceived", "responseStatus": None, "stageTimestamp": "2026-11-05T07:59:00Z"}
    records = [created("api-7c9-a", UID_A, "08:00:00") | begun, created("api-7c9-a", UID_A, "08:00:00")]
    with world(tmp_path, eks_audit=records) as con:
        assert pods(con) == [(POD_A, "08:00:00", None)]


def test_a_deletion_that_no_kubelet_confirmed_ends_after_its_grace(tmp_path: Path) -> None:
    longer = {"responseObject": {"kind": "Pod", "metadata": {"deletionGracePeriodSeconds": 60, "uid": UID_B}}}
    records = [
        created("a", UID_A, "08:00:00"),
        deleted("a", "09:00:00"),
        created("b", UID_B, "08:00:00"),
        deleted("b", "09:00:00", **longer),
    ]
    with world(tmp_path, eks_audit=records) as con:
        assert pods(con) == [
            ("k8s:prod/pay/a", "08:00:00", "09:00:30"),
            ("k8s:prod/pay/b", "08:00:00", "09:01:00"),
        ]


def test_what_failed_or_was_only_tried_out_did_not_happen(tmp_path: Path) -> None:
    denied = {"responseStatus": {"code": 403}}
    dry = {"requestURI": "/api/v1/namespaces/pay/pods?dryRun=All"}
    records = [
        created("api-7c9-a", UID_A, "08:00:00"),
        deleted("api-7c9-a", "09:00:00", **denied),
        deleted("api-7c9-a", "09:10:00", **dry),
        created("never", UID_B, "08:00:00") | dry,
        created("nor", UID_B, "08:00:00") | denied,
        audit("list", "08:30:00", user=CONTROLLER, **of_pod("listed")),
        audit("get", "08:30:00", user=CONTROLLER, **of_pod("metered", apiGroup="metrics.k8s.io")),
    ]
    with world(tmp_path, eks_audit=records) as con:
        assert pods(con) == [(POD_A, "08:00:00", None)]


def test_evictions_and_deletions_of_all_pods_bound_a_life(tmp_path: Path) -> None:
    evicted = audit("create", "09:00:00", user=CONTROLLER, **of_pod("a", "eviction"))
    all_of_them = audit("deletecollection", "10:00:00", user=CONTROLLER, **of_pod(None))
    some = audit("deletecollection", "08:30:00", user=CONTROLLER, **of_pod(None))
    some |= {"requestURI": "/api/v1/namespaces/pay/pods?labelSelector=app%3Dx"}
    records = [created("a", UID_A, "08:00:00"), evicted, created("b", UID_B, "08:00:00"), some, all_of_them]
    with world(tmp_path, eks_audit=records) as con:
        assert pods(con) == [
            ("k8s:prod/pay/a", "08:00:00", "09:00:30"),
            ("k8s:prod/pay/b", "08:00:00", "10:00:30"),
        ]


def test_a_pod_whose_containers_are_done_has_stopped_though_it_is_still_listed(tmp_path: Path) -> None:
    records = [*life("api-7c9-a", UID_A, IP_A), status("api-7c9-a", UID_A, "08:30:00", IP_A, phase="Succeeded")]
    with world(tmp_path, eks_audit=records) as con:
        assert pods(con) == [(POD_A, "08:00:00", "08:30:00")]


def test_the_second_pod_of_a_name_has_its_uid_in_its_key(tmp_path: Path) -> None:
    first = [created("web-0", UID_A, "08:00:00"), deleted("web-0", "09:00:00", user=KUBELET)]
    second = [
        created("web-0", UID_B, "09:00:30"),
        bound("web-0", "09:00:31"),
        deleted("web-0", "10:00:00", user=KUBELET),
    ]
    with world(tmp_path, eks_audit=second + first) as con:
        assert pods(con) == [
            ("k8s:prod/pay/web-0", "08:00:00", "09:00:00"),
            (f"k8s:prod/pay/web-0#{UID_B}", "09:00:30", "10:00:00"),
        ]


def test_a_name_without_uid_between_two_pods_of_it_is_neithers(tmp_path: Path) -> None:
    records = [created("web-0", UID_A, "08:00:00"), created("web-0", UID_B, "12:00:00")]
    line = logged("web-0", None, "10.0.1.70", "10:00:00")
    with world(tmp_path, eks_audit=records, container_log=[line]) as con:
        assert con.execute("SELECT count(*) FROM lifetime WHERE holds_kind = 'private_ip'").fetchone() == (0,)


def test_clusters_of_one_name_in_two_accounts_are_not_taken_for_one(tmp_path: Path) -> None:
    here = [created("web-0", UID_A, "08:00:00")]
    there = {"@owner": OTHER}
    others = [created("web-0", UID_B, "08:30:00") | there, deleted("web-0", "09:00:00", user=KUBELET) | there]
    nameless = [deleted("web-1", "09:00:00", user=KUBELET) | there]
    with world(tmp_path, eks_audit=here + others + nameless) as con:
        assert pods(con) == [
            ("k8s:prod/pay/web-0", "08:00:00", None),
            (f"k8s:prod/pay/web-0#{UID_B}", "08:30:00", "09:00:00"),
        ]


def test_without_the_log_group_an_audit_log_names_no_pod(tmp_path: Path) -> None:
    with world(
        tmp_path,
        eks_audit=[record | {"@logGroup": None} for record in [*life("a", UID_A, IP_A), token_used("08:10:00")]],
    ) as con:
        assert pods(con) == []
        assert attributed(con, "issued_to") == []


def test_shippers_findings_and_sts_name_pods_too(tmp_path: Path) -> None:
    workload = {"name": "found", "type": "pods", "namespace": "pay", "uid": UID_B, "serviceAccountName": "api"}
    seen = {"eksClusterDetails": {"name": "prod"}, "kubernetesDetails": {"kubernetesWorkloadDetails": workload}}
    deployment = {
        "kubernetesDetails": {"kubernetesWorkloadDetails": workload | {"type": "deployments", "name": "deployed"}}
    }
    findings = [found(resource=seen), found("f-2", resource=seen | deployment)]
    with world(
        tmp_path,
        container_log=[
            logged("logged", None, None, "09:00:00"),
            logged("none", None, None, "09:00:00", clusterName=None),
        ],
        guardduty=findings,
        cloudtrail=[minted("ASIAEXAMPLEP1", "09:00:00", tags("minted"))],
    ) as con:
        assert [pod for pod, *_ in pods(con)] == [f"k8s:prod/pay/{name}" for name in ("found", "logged", "minted")]
        role = con.execute("SELECT role FROM workload WHERE name = 'minted'").fetchone()
        assert role == (PAY_ROLE,)


def test_a_pods_role_is_that_of_its_service_account(tmp_path: Path) -> None:
    asked = {"name": "prod", "namespace": "pay", "serviceAccount": "api", "roleArn": PAY_ROLE}
    given = {"association": {"clusterName": "prod", "associationId": "a-1"} | asked}
    associate = call(
        user(), "eks:CreatePodIdentityAssociation", at="07:00:00", requestParameters=asked, responseElements=given
    )
    with world(tmp_path, cloudtrail=[associate], eks_audit=life("api-7c9-a", UID_A, IP_A)) as con:
        assert con.execute("SELECT role FROM workload WHERE kind = 'eks_pod'").fetchall() == [(PAY_ROLE,)]


def test_a_pods_role_is_that_of_its_service_accounts_annotation(tmp_path: Path) -> None:
    told = {"kind": "ServiceAccount", "metadata": {"annotations": {"eks.amazonaws.com/role-arn": PAY_ROLE}}}
    account = {"objectRef": {"resource": "serviceaccounts", "namespace": "pay", "name": "api"}}
    annotated = audit("patch", "07:00:00", user=CONTROLLER, responseObject=told, **account)
    with world(tmp_path, eks_audit=[annotated, *life("api-7c9-a", UID_A, IP_A)]) as con:
        assert con.execute("SELECT role FROM workload WHERE kind = 'eks_pod'").fetchall() == [(PAY_ROLE,)]


def test_a_request_with_a_pods_token_is_the_pods(tmp_path: Path) -> None:
    nobody = {"user": {"username": "jane", "extra": {"authentication.kubernetes.io/pod-name": ["api-7c9-a"]}}}
    records = [token_used("12:00:00"), token_used("12:01:00", uid=None), token_used("12:02:00") | nobody]
    with world(tmp_path, eks_audit=records) as con:
        assert attributed(con, "issued_to") == [
            ("object-0/0", POD_A, "recorded", 1),
            ("object-0/1", POD_A, "recorded", 1),
        ]


def test_a_token_names_the_very_pod_of_several_that_bore_its_name(tmp_path: Path) -> None:
    records = [token_used("12:00:00"), token_used("13:00:00", uid=UID_B), token_used("13:30:00", uid=None)]
    with world(tmp_path, eks_audit=records) as con:
        assert attributed(con, "issued_to") == [
            ("object-0/0", POD_A, "recorded", 1),
            ("object-0/1", f"{POD_A}#{UID_B}", "recorded", 1),
        ]


HOSTILE: list[Any] = [
    "a/b",
    "a#b",
    "../x",
    "A B",
    "",
    "x" * 2_000_000,
    5,
    None,
    {"a": 1},
    ["a"],
    "a\n",
    "'; DROP TABLE workload; --",
]


def test_names_that_kubernetes_does_not_take_name_no_pod(tmp_path: Path) -> None:
    calls = [minted(f"ASIAEXAMPLEH{n}", "09:00:00", tags(name)) for n, name in enumerate(HOSTILE)]
    texts = [name for name in HOSTILE if isinstance(name, str)]
    records = [created(name, UID_A, "08:00:00") for name in texts] + [
        token_used("08:00:00", name, UID_A) for name in texts
    ]
    lines = [logged(name, None, name, "09:00:00") for name in texts]
    with world(tmp_path, cloudtrail=calls, eks_audit=records, container_log=lines) as con:
        assert pods(con) == []
        assert con.execute("SELECT count(*) FROM credential_workload").fetchone() == (0,)


def test_bodies_of_any_shape_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    bodies: list[Any] = [
        5,
        "text",
        [],
        [1],
        {"kind": "Pod", "metadata": 5, "spec": [], "status": "x"},
        {"metadata": {"uid": {}}},
    ]
    records = [
        audit(verb, "08:00:00", user=KUBELET, requestObject=body, responseObject=body, **of_pod("a", part))
        for body in bodies
        for verb, part in (
            ("create", None),
            ("create", "binding"),
            ("patch", "status"),
            ("delete", None),
            ("deletecollection", None),
        )
    ]
    records += [audit("create", "08:00:00", user=KUBELET, objectRef=body) for body in bodies]
    records += [{"user": body, "verb": "create", "@logGroup": "/aws/eks/prod/cluster"} for body in bodies]
    calls = [
        minted(f"ASIAEXAMPLES{n}", "09:00:00", {"tags": body, "principalTags": body}) for n, body in enumerate(bodies)
    ]
    calls += [
        call(user(), "eks:DescribeCluster", at="09:00:00", requestParameters=body, responseElements=body)
        for body in bodies
    ]
    with world(tmp_path, eks_audit=records, cloudtrail=calls) as con:
        assert [pod for pod, *_ in pods(con)] == ["k8s:prod/pay/a"]


def test_a_world_without_clusters_has_no_pods(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[call(user(), at="09:00:00", recipientAccountId=ACCOUNT)]) as con:
        assert pods(con) == []


def test_nodes_keep_their_sessions(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[asked_for("08:00:00")], eks_audit=life("api-7c9-a", UID_A, IP_A)) as con:
        keys = con.execute("SELECT workload FROM credential_workload").fetchall()
        assert [key for (key,) in keys if str(key).startswith("k8s:")] == []
        assert NODE_ID in str(details(con, POD_A)["instance"])
