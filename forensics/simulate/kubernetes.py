"""The made-up world's EKS: clusters, nodes, service accounts and pods, and the keys they get by IRSA or Pod Identity."""

from dataclasses import dataclass, replace

from forensics.simulate.world import ACCOUNT, REGION, Credential, Ids, Instance, Json, Role, role_session


@dataclass(frozen=True)
class EksCluster:
    """A cluster; `issuer` is the last part of its OIDC issuer's URL."""

    name: str
    issuer: str

    @property
    def arn(self) -> str:
        """The cluster's ARN."""
        return f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{self.name}"

    @property
    def provider(self) -> str:
        """ARN of the identity provider that IAM knows the cluster by."""
        return f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.{REGION}.amazonaws.com/id/{self.issuer}"


@dataclass(frozen=True)
class ServiceAccount:
    """A service account; `way` is how its pods get the role's keys: irsa, pod_identity, or none."""

    namespace: str
    name: str
    uid: str
    role: Role | None
    way: str = "none"

    @property
    def username(self) -> str:
        """Its name as a user of Kubernetes."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


@dataclass(frozen=True)
class Node:
    """A node of a cluster: an EC2 instance whose interface's further addresses are pods'."""

    instance: Instance
    key: Credential

    @property
    def name(self) -> str:
        """The node's name in Kubernetes."""
        return f"ip-{self.instance.interface.private_ip.replace('.', '-')}.ec2.internal"


@dataclass(frozen=True)
class Pod:
    """A pod with its address; times are epoch seconds, `deleted` None of one that runs on."""

    cluster: EksCluster
    account: ServiceAccount
    name: str
    uid: str
    container: str
    container_id: str
    node: Node
    address: str
    created: int
    deleted: int | None = None

    @property
    def key(self) -> str:
        """The pod's key as a workload."""
        return f"k8s:{self.cluster.name}/{self.account.namespace}/{self.name}"


def make_pod(
    ids: Ids,
    cluster: EksCluster,
    account: ServiceAccount,
    name: str,
    *,
    node: Node,
    address: str,
    created: int,
    deleted: int | None = None,
) -> Pod:
    """A pod of one container, named for what it is of; its own name gets a suffix as a ReplicaSet gives."""
    suffix = f"{ids.hex(9)}-{ids.hex(5)}"
    uid, container = ids.uuid(), ids.hex(64)
    return Pod(cluster, account, f"{name}-{suffix}", uid, name, container, node, address, created, deleted)


def irsa_session(account: ServiceAccount, key: str, *, created: int) -> Credential:
    """A key by AssumeRoleWithWebIdentity; the SDK chooses the session's name, which says nothing of the pod."""
    name = f"botocore-session-{created}"
    if account.role is None:
        raise ValueError(f"{account.username} has no role")
    return role_session(account.role, name, key, created=created, kind="web_identity", hours=1)


def pod_identity_session(pod: Pod, key: str, number: str, *, created: int) -> Credential:
    """A key by Pod Identity; its session's tags name the pod."""
    if pod.account.role is None:
        raise ValueError(f"{pod.account.username} has no role")
    name = f"eks-{pod.cluster.name[:10]}-{pod.name[:18]}-{number}"
    made = role_session(pod.account.role, name, key, created=created, kind="workload", hours=6)
    return replace(made, workload=pod.key)


def pod_tags(pod: Pod) -> list[Json]:
    """The session tags of Pod Identity."""
    named = {
        "eks-cluster-arn": pod.cluster.arn,
        "eks-cluster-name": pod.cluster.name,
        "kubernetes-namespace": pod.account.namespace,
        "kubernetes-service-account": pod.account.name,
        "kubernetes-pod-name": pod.name,
        "kubernetes-pod-uid": pod.uid,
    }
    return [{"key": name, "value": value} for name, value in named.items()]
