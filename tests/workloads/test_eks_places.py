"""EKS pods: the addresses they had and the nodes they ran on."""

from pathlib import Path

from tests.workload_worlds import attributed, found, held, world
from tests.workloads.eks_world import (
    CONTROLLER,
    IP_A,
    IP_B,
    KUBELET,
    NODE,
    NODE_ARN,
    NODE_ID,
    POD_A,
    POD_B,
    UID_A,
    UID_B,
    asked_for,
    audit,
    bound,
    created,
    deleted,
    described,
    life,
    logged,
    minted,
    of_pod,
    status,
    tags,
)
from tests.worlds import ACCOUNT, call, user

OTHER_NODE = "i-0aaa111bbb222ccc4"
CARD = {"networkInterfaceId": "eni-1", "privateIpAddress": "10.0.1.9", "vpcId": "vpc-1"}


def test_a_pod_has_its_address_from_its_first_word_of_it_to_its_end(tmp_path: Path) -> None:
    with world(tmp_path, eks_audit=life("api-7c9-a", UID_A, IP_A, until="09:00")) as con:
        assert held(con, "private_ip") == [(POD_A, IP_A, "08:00:05", "09:00:10", "matched")]


def test_containers_that_ran_already_had_the_address(tmp_path: Path) -> None:
    ran = [{"name": "api", "state": {"running": {"startedAt": "2026-11-05T08:00:03Z"}}}]
    told = status("api-7c9-a", UID_A, "08:00:20", IP_A, containerStatuses=ran)
    with world(tmp_path, eks_audit=[created("api-7c9-a", UID_A, "08:00:00"), told]) as con:
        assert held(con, "private_ip") == [(POD_A, IP_A, "08:00:03", None, "bounded")]


def test_an_address_that_shippers_saw_is_held_from_first_to_last_sight(tmp_path: Path) -> None:
    lines = [logged("api-7c9-a", UID_A, IP_A, at) for at in ("09:10:00", "10:20:00", "09:00:00")]
    with world(tmp_path, container_log=lines) as con:
        assert held(con, "private_ip") == [(POD_A, IP_A, "09:00:00", "10:20:00", "bounded")]


def test_an_address_goes_from_pod_to_pod(tmp_path: Path) -> None:
    first = life("api-7c9-a", UID_A, IP_A)
    second = life("api-7c9-b", UID_B, IP_A, at="10:00", until="11:00")
    with world(tmp_path, eks_audit=[*second, *first]) as con:
        assert held(con, "private_ip") == [
            (POD_A, IP_A, "08:00:05", "10:00:05", "bounded"),
            (POD_B, IP_A, "10:00:05", "11:00:10", "matched"),
        ]


def test_a_pod_that_waits_for_its_address_does_not_have_it_yet(tmp_path: Path) -> None:
    waiting = [created("api-7c9-b", UID_B, "08:30:00"), bound("api-7c9-b", "08:30:01")]
    got = status("api-7c9-b", UID_B, "09:01:00", IP_A)
    with world(tmp_path, eks_audit=[*life("api-7c9-a", UID_A, IP_A, until="09:00"), *waiting, got]) as con:
        assert held(con, "private_ip") == [
            (POD_A, IP_A, "08:00:05", "09:00:10", "matched"),
            (POD_B, IP_A, "09:01:00", "09:01:00", "bounded"),
        ]


def test_a_pod_whose_containers_are_done_has_no_address_any_more(tmp_path: Path) -> None:
    done = status("api-7c9-a", UID_A, "08:30:00", IP_A, phase="Succeeded")
    later = status("api-7c9-a", UID_A, "09:30:00", IP_A, phase="Succeeded")
    with world(tmp_path, eks_audit=[*life("api-7c9-a", UID_A, IP_A), done, later]) as con:
        assert held(con, "private_ip") == [(POD_A, IP_A, "08:00:05", "08:30:00", "matched")]


def test_pods_in_their_nodes_network_have_no_address_of_their_own(tmp_path: Path) -> None:
    records = [
        created("proxy", UID_A, "08:00:00", hostNetwork=True),
        status("proxy", UID_A, "08:00:05", "10.0.1.9"),
        status("agent", UID_B, "08:00:05", "10.0.1.9"),
    ]
    lines = [logged("proxy", UID_A, "10.0.1.9", "09:00:00"), logged("other", None, "10.0.1.9", "09:00:00")]
    with world(tmp_path, eks_audit=records, container_log=lines) as con:
        assert held(con, "private_ip") == []


def test_only_a_kubelet_says_what_address_a_pod_has(tmp_path: Path) -> None:
    forged = audit(
        "patch", "08:10:00", user=CONTROLLER, requestObject={"status": {"podIP": IP_B}}, **of_pod("a", "status")
    )
    asked = created("a", UID_A, "08:00:00")
    asked["responseObject"]["status"] = {"podIP": IP_B}
    with world(tmp_path, eks_audit=[asked, forged]) as con:
        assert held(con, "private_ip") == []


def test_equal_addresses_of_two_clusters_are_two(tmp_path: Path) -> None:
    there = {"@logGroup": "/aws/eks/test/cluster"}
    others = [record | there for record in life("api-7c9-b", UID_B, IP_A, at="08:30", until="08:50")]
    with world(tmp_path, eks_audit=[*life("api-7c9-a", UID_A, IP_A, until="09:00"), *others]) as con:
        assert held(con, "private_ip") == [
            (POD_A, IP_A, "08:00:05", "09:00:10", "matched"),
            (POD_B.replace("prod", "test"), IP_A, "08:30:05", "08:50:10", "matched"),
        ]


def test_a_call_through_an_endpoint_of_the_clusters_vpc_was_used_from_the_pod(tmp_path: Path) -> None:
    answer = {"CreateVpcEndpointResponse": {"vpcEndpoint": {"vpcEndpointId": "vpce-1", "vpcId": "vpc-1"}}}
    made = call(user(), "ec2:CreateVpcEndpoint", at="07:00:00", responseElements=answer)
    use = call(user(), at="08:30:00", eventID="use", sourceIPAddress=IP_A, vpcEndpointId="vpce-1")
    records = life("api-7c9-a", UID_A, IP_A, until="09:00")
    with world(tmp_path, eks_audit=records, cloudtrail=[made, use], config_item=[described()]) as con:
        assert attributed(con, "used_from") == [("use", POD_A, "matched", 1)]
        assert con.execute("SELECT * FROM address_network").fetchall() == [(POD_A, IP_A, "vpc-1")]


def test_the_vpc_of_a_cluster_is_that_of_its_nodes(tmp_path: Path) -> None:
    item = {"instanceId": NODE_ID, "networkInterfaceSet": {"items": [CARD]}}
    ran = call(user(), "ec2:RunInstances", at="07:00:00", responseElements={"instancesSet": {"items": [item]}})
    with world(tmp_path, eks_audit=life("api-7c9-a", UID_A, IP_A), cloudtrail=[ran]) as con:
        assert (POD_A, IP_A, "vpc-1") in con.execute("SELECT * FROM address_network").fetchall()
        assert held(con, "instance") == [
            (NODE_ARN, NODE_ARN, "07:00:00", None, "bounded"),
            (POD_A, NODE_ARN, "08:00:01", None, "bounded"),
        ]


def test_a_pod_runs_on_the_instance_behind_its_node(tmp_path: Path) -> None:
    records = [
        *life("api-7c9-a", UID_A, IP_A, until="09:00"),
        *life("api-7c9-b", UID_B, IP_B, at="08:10", until="08:50"),
    ]
    with world(tmp_path, eks_audit=records, config_item=[described()]) as con:
        assert held(con, "instance") == [
            (POD_A, NODE_ARN, "08:00:01", "09:00:10", "matched"),
            (POD_B, NODE_ARN, "08:10:01", "08:50:10", "matched"),
        ]


def test_a_nodes_object_says_which_instance_it_is(tmp_path: Path) -> None:
    node = {"kind": "Node", "spec": {"providerID": f"aws:///us-east-1a/{NODE_ID}"}}
    named = {"objectRef": {"resource": "nodes", "name": NODE}}
    manager = {"username": "system:serviceaccount:kube-system:node-controller"}
    records = [
        audit("patch", "07:00:00", user=manager, responseObject=node, **named),
        created("api-7c9-a", UID_A, "08:00:00"),
        bound("api-7c9-a", "08:00:01"),
    ]
    with world(tmp_path, eks_audit=records, config_item=[described()]) as con:
        assert held(con, "instance") == [(POD_A, NODE_ARN, "08:00:01", None, "bounded")]


def test_a_nodes_name_that_went_to_another_instance_is_told_by_time(tmp_path: Path) -> None:
    again = {"user": KUBELET | {"extra": {"sessionName": [OTHER_NODE]}}}
    first = life("api-7c9-a", UID_A, IP_A, until="09:00")
    second = [
        record | again if record["user"] == KUBELET else record for record in life("api-7c9-b", UID_B, IP_B, at="10:00")
    ]
    with world(tmp_path, eks_audit=[*first, *second], config_item=[described()]) as con:
        assert [(pod, node) for pod, node, *_ in held(con, "instance")] == [
            (POD_A, NODE_ARN),
            (POD_B, NODE_ARN.replace(NODE_ID, OTHER_NODE)),
        ]


def test_the_node_that_asked_in_the_second_of_an_issuance_had_the_pod(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[asked_for("12:03:11"), minted("ASIAEXAMPLEP1", "12:03:11")]) as con:
        assert held(con, "instance") == [(POD_A, NODE_ARN, "12:03:11", "12:03:11", "bounded")]


def test_two_nodes_that_asked_in_one_second_leave_the_node_open(tmp_path: Path) -> None:
    calls = [
        asked_for("12:03:11"),
        asked_for("12:03:11", OTHER_NODE),
        minted("ASIAEXAMPLEP1", "12:03:11"),
        minted("ASIAEXAMPLEP2", "12:03:11", tags("api-7c9-b", UID_B)),
    ]
    with world(tmp_path, cloudtrail=calls) as con:
        assert held(con, "instance") == []


def test_pairs_a_second_apart_another_cluster_or_a_missing_half_pair_nothing(tmp_path: Path) -> None:
    calls = [
        *(asked_for("12:00:00"), asked_for("12:00:01", OTHER_NODE)),
        *(minted("ASIAEXAMPLEP1", "12:00:01"), minted("ASIAEXAMPLEP2", "12:00:02", tags("api-7c9-b", UID_B))),
        *(asked_for("13:00:00", cluster="test"), minted("ASIAEXAMPLEP3", "13:00:00", tags("c", None))),
        *(minted("ASIAEXAMPLEP4", "14:00:00", tags("d", None)), minted("ASIAEXAMPLEP5", "14:00:00", tags("e", None))),
        asked_for("14:00:00"),
    ]
    with world(tmp_path, cloudtrail=calls) as con:
        assert held(con, "instance") == []


def test_one_node_that_asked_twice_in_a_second_had_both_pods(tmp_path: Path) -> None:
    second = asked_for("12:03:11") | {"eventID": "second"}
    calls = [asked_for("12:03:11"), second, minted("ASIAEXAMPLEP1", "12:03:11")]
    with world(tmp_path, cloudtrail=[*calls, minted("ASIAEXAMPLEP2", "12:03:11", tags("api-7c9-b", UID_B))]) as con:
        assert [pod for pod, *_ in held(con, "instance")] == [POD_A, POD_B]


def test_a_finding_names_pod_and_instance(tmp_path: Path) -> None:
    workload = {"name": "api-7c9-a", "type": "pods", "namespace": "pay", "uid": UID_A}
    seen = {
        "eksClusterDetails": {"name": "prod", "vpcId": "vpc-1"},
        "kubernetesDetails": {"kubernetesWorkloadDetails": workload},
        "instanceDetails": {"instanceId": NODE_ID},
    }
    service = {"eventFirstSeen": "2026-11-05T09:00:00", "eventLastSeen": "2026-11-05T09:30:00"}
    with world(tmp_path, guardduty=[found(resource=seen, service=service)]) as con:
        assert held(con, "instance") == [(POD_A, NODE_ARN, "09:00:00", "09:30:00", "bounded")]


def test_a_fargate_pods_address_is_the_pods(tmp_path: Path) -> None:
    fargate = {"user": {"username": "system:node:fargate-ip-10-0-1-33.ec2.internal"}}
    records = [
        created("api-7c9-a", UID_A, "08:00:00"),
        status("api-7c9-a", UID_A, "08:00:05", IP_A, hostIP=IP_A) | fargate,
    ]
    runner = call(
        {"type": "AWSService", "invokedBy": "eks-fargate-pods.amazonaws.com"},
        "sts:AssumeRole",
        at="08:00:01",
        recipientAccountId=ACCOUNT,
        requestParameters={"roleArn": f"arn:aws:iam::{ACCOUNT}:role/fargate", "roleSessionName": "x"} | tags(),
        responseElements={"credentials": {"accessKeyId": "ASIAEXAMPLEFARGATE"}},
    )
    with world(tmp_path, eks_audit=[*records, deleted("api-7c9-a", "09:00:00")], cloudtrail=[runner]) as con:
        assert con.execute("SELECT count(*) FROM credential_workload").fetchone() == (0,)
        assert held(con, "private_ip") == [(POD_A, IP_A, "08:00:05", "09:00:30", "matched")]
