"""A cluster of pods: what its audit log, its shippers and STS write of them."""

from typing import Any

import duckdb

from tests.workload_worlds import DAY
from tests.worlds import ACCOUNT, Record, call, credentials, role, service

CLUSTER = "prod"
POD_A = "k8s:prod/pay/api-7c9-a"
POD_B = "k8s:prod/pay/api-7c9-b"
UID_A = "5b9488ae-0000-4000-8000-00000000000a"
UID_B = "5b9488ae-0000-4000-8000-00000000000b"
IP_A, IP_B = "10.0.1.33", "10.0.1.48"
NODE, NODE_ID = "ip-10-0-1-9.ec2.internal", "i-0aaa111bbb222ccc3"
NODE_ARN = f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/{NODE_ID}"
PAY_ROLE = f"arn:aws:iam::{ACCOUNT}:role/pay-api"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/ABCDEF0123456789"
PODS_EKS = service("pods.eks.amazonaws.com")
KUBELET = {"username": f"system:node:{NODE}", "extra": {"sessionName": [NODE_ID]}}
CONTROLLER = {"username": "system:serviceaccount:kube-system:replicaset-controller"}
SCHEDULER = {"username": "system:kube-scheduler"}


def audit(verb: str, at: str, *, user: Record, **more: Any) -> Record:
    """A finished request to the cluster's API server."""
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "auditID": f"{verb}-{at}",
        "stage": "ResponseComplete",
        "verb": verb,
        "requestURI": "/api/v1/namespaces/pay/pods",
        "user": user,
        "responseStatus": {"code": 201 if verb == "create" else 200},
        "stageTimestamp": f"{DAY}{at}Z",
        "@logGroup": f"/aws/eks/{CLUSTER}/cluster",
        "@owner": ACCOUNT,
    } | more


def of_pod(name: str | None, part: str | None = None, **more: Any) -> Record:
    """A reference to a pod."""
    reference = {"resource": "pods", "namespace": "pay", "apiVersion": "v1"} | more
    reference |= {"name": name} if name else {}
    return {"objectRef": reference | ({"subresource": part} if part else {})}


def created(name: str, uid: str, at: str, *, account: str | None = "api", **spec: Any) -> Record:
    """A replica set makes a pod under a name that the server finds."""
    pod = {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "pay", "uid": uid},
        "spec": {"serviceAccountName": account, "containers": [{"name": "api", "image": "repo/api:1"}]} | spec,
    }
    return audit("create", at, user=CONTROLLER, responseObject=pod, **of_pod(None))


def bound(name: str, at: str, node: str = NODE) -> Record:
    """A pod gets its node."""
    return audit("create", at, user=SCHEDULER, requestObject={"target": {"name": node}}, **of_pod(name, "binding"))


def status(name: str, uid: str, at: str, address: str, **more: Any) -> Record:
    """A kubelet says how a pod is."""
    told = {"phase": "Running", "podIP": address, "hostIP": "10.0.1.9"} | more
    asked = {"metadata": {"uid": uid}, "status": told}
    return audit("patch", at, user=KUBELET, requestObject=asked, **of_pod(name, "status"))


def deleted(name: str, at: str, *, user: Record = CONTROLLER, **more: Any) -> Record:
    """Somebody, or the kubelet at last, deletes a pod."""
    return audit("delete", at, user=user, **(of_pod(name) | more))


def life(name: str, uid: str, address: str, *, at: str = "08:00", until: str | None = None) -> list[Record]:
    """A pod from its beginning, to its end if one is given; times are minutes."""
    begun = [created(name, uid, f"{at}:00"), bound(name, f"{at}:01"), status(name, uid, f"{at}:05", address)]
    ended = [deleted(name, f"{until}:00"), deleted(name, f"{until}:10", user=KUBELET)] if until else []
    return begun + ended


def token_used(at: str, pod: str | None = "api-7c9-a", uid: str | None = UID_A, **more: Any) -> Record:
    """A request made with the token of a pod."""
    extra = {
        f"authentication.kubernetes.io/pod-{key}": [value] for key, value in (("name", pod), ("uid", uid)) if value
    }
    who = {"username": "system:serviceaccount:pay:api", "extra": extra}
    secrets = {"objectRef": {"resource": "secrets", "namespace": "pay", "apiVersion": "v1"}}
    return audit("list", at, user=who, sourceIPs=[IP_A], **(secrets | more))


def logged(pod: str, uid: str | None, address: str | None, at: str, **more: Any) -> Record:
    """A line of a container as Fluent Bit ships it."""
    return {
        "podName": pod,
        "namespaceName": "pay",
        "podId": uid,
        "podIp": address,
        "clusterName": CLUSTER,
        "containerName": "api",
        "nodeName": NODE,
        "owner": ACCOUNT,
        "time": DAY + at,
        "message": "a line",
    } | more


def tags(pod: Any = "api-7c9-a", uid: Any = UID_A, **more: Any) -> Record:
    """What Pod Identity asks for, with tags that name a pod."""
    named = {
        "eks-cluster-name": CLUSTER,
        "kubernetes-namespace": "pay",
        "kubernetes-service-account": "api",
        "kubernetes-pod-name": pod,
        "kubernetes-pod-uid": uid,
    } | more
    return {"tags": [{"key": key, "value": value} for key, value in named.items()]}


def minted(key: str, at: str, asked: Record | None = None, *, by: Record = PODS_EKS, **more: Any) -> Record:
    """Pod Identity has a key made."""
    session = {"roleArn": PAY_ROLE, "roleSessionName": "eks-prod-api-7c9-a-0a1b2c3d-0000-4000-8000-000000000001"}
    known = {
        "recipientAccountId": ACCOUNT,
        "eventID": f"mint-{key}",
        "responseElements": {"credentials": credentials(key)},
    }
    wanted = session | (tags() if asked is None else asked)
    return call(by, "sts:AssumeRole", at=at, requestParameters=wanted, **known) | more


def asked_for(at: str, node: str = NODE_ID, cluster: str = CLUSTER) -> Record:
    """The agent of a node asks for a pod's credentials."""
    who = role("eks-node", node, key=f"ASIAEXAMPLE{node[-3:].upper()}")
    wanted = {"clusterName": cluster, "token": "HIDDEN_DUE_TO_SECURITY_REASONS"}
    return call(who, "eks-auth:AssumeRoleForPodIdentity", at=at, requestParameters=wanted)


def exchanged(key: str, at: str, source: str = "203.0.113.77", provider: str = PROVIDER, **more: Any) -> Record:
    """A token of pay/api is exchanged for a key."""
    subject = "system:serviceaccount:pay:api"
    who = {"type": "WebIdentityUser", "principalId": f"{provider}:sts.amazonaws.com:{subject}", "userName": subject}
    who |= {"identityProvider": provider}
    answer = {"credentials": credentials(key), "subjectFromWebIdentityToken": subject, "provider": provider}
    wanted = {"roleArn": PAY_ROLE, "roleSessionName": "botocore-session-1793880060"}
    known = {"requestParameters": wanted, "responseElements": answer, "eventID": f"mint-{key}"}
    return call(who, "sts:AssumeRoleWithWebIdentity", at=at, sourceIPAddress=source, **known) | more


def described(cluster: str = CLUSTER, vpc: str = "vpc-1", provider: str = "ABCDEF0123456789") -> Record:
    """A cluster with its VPC and its OIDC issuer, as AWS Config describes it."""
    issuer = f"https://oidc.eks.us-east-1.amazonaws.com/id/{provider}"
    return {
        "resourceType": "AWS::EKS::Cluster",
        "resourceId": cluster,
        "resourceName": cluster,
        "awsAccountId": ACCOUNT,
        "awsRegion": "us-east-1",
        "configurationItemStatus": "OK",
        "configurationItemCaptureTime": DAY + "07:00:00",
        "configuration": {"OpenIdConnectIssuerUrl": issuer, "resourcesVpcConfig": {"vpcId": vpc}},
    }


def issued(con: duckdb.DuckDBPyConnection, key: str) -> list[tuple[Any, ...]]:
    """(workload, certainty, candidates) of a key."""
    query = "SELECT workload, certainty, candidates FROM credential_workload WHERE access_key_id = ? ORDER BY workload"
    return con.execute(query, [key]).fetchall()


def pods(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """(workload, from and to as clock times) of every pod."""
    query = (
        "SELECT workload, strftime(started_at, '%H:%M:%S'), strftime(stopped_at, '%H:%M:%S')"
        " FROM workload WHERE kind = 'eks_pod' ORDER BY workload"
    )
    return con.execute(query).fetchall()


def details(con: duckdb.DuckDBPyConnection, workload: str) -> dict[str, str]:
    """Properties of a pod."""
    query = "SELECT property, string_agg(value, ',' ORDER BY value) FROM workload_detail WHERE workload = ? GROUP BY property"
    return dict(con.execute(query, [workload]).fetchall())
