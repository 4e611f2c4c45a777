"""Audit records of a cluster's API server, in its stream of the control plane's log group.

Source: Send control plane logs to CloudWatch Logs; Kubernetes auditing (audit.k8s.io/v1).
"""

import json
from dataclasses import dataclass
from typing import NamedTuple

from forensics.simulate.kubernetes import EksCluster, Node, Pod
from forensics.simulate.ledger import Ask
from forensics.simulate.log_groups import LogEvent, LogGroups, Place
from forensics.simulate.stage import Stage
from forensics.simulate.world import ACCOUNT, Caller, Ids, Json, iso_ms

CONTROLLER = "172.16.55.10"
"""Where the control plane's own components call from."""


class Who(NamedTuple):
    """A user of Kubernetes, whence and with what it calls, and what the record asks of it."""

    user: Json
    address: str
    agent: str
    asks: tuple[Ask, ...] = ()


class Target(NamedTuple):
    """What a request is about: `resource` may have a subresource after a slash."""

    resource: str
    namespace: str = ""
    name: str = ""
    query: str = ""


def of_pod(pod: Pod, address: str | None = None) -> Who:
    """A pod's service account token, which names the pod it was made for; by its own address unless another is given."""
    extra = {
        "authentication.kubernetes.io/pod-name": [pod.name],
        "authentication.kubernetes.io/pod-uid": [pod.uid],
        "authentication.kubernetes.io/node-name": [pod.node.name],
    }
    account = pod.account
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{account.namespace}", "system:authenticated"]
    user = {"username": account.username, "uid": account.uid, "groups": groups, "extra": extra}
    place = address or pod.address
    kind, network = ("private_ip", pod.node.instance.interface.vpc_id) if place.startswith("10.") else ("public_ip", "")
    asks = (Ask("issued_to", "workload", pod.key), Ask("used_from", kind, place, network))
    return Who(user, place, "python-requests/2.32.3", asks)


def of_node(node: Node) -> Who:
    """The kubelet of a node, with the key of the node's role."""
    identity = node.key.identity
    extra = {
        "accessKeyId": [node.key.access_key_id],
        "arn": [identity["arn"]],
        "canonicalArn": [node.key.principal],
        "principalId": [identity["principalId"].split(":")[0]],
        "sessionName": [node.instance.instance_id],
    }
    uid = f"aws-iam-authenticator:{ACCOUNT}:{extra['principalId'][0]}"
    user = {"username": f"system:node:{node.name}", "uid": uid, "groups": ["system:nodes"], "extra": extra}
    card = node.instance.interface
    asks = (
        Ask("issued_to", "access_key_id", node.key.access_key_id),
        Ask("used_from", "private_ip", card.private_ip, card.vpc_id),
    )
    return Who(user, card.private_ip, "kubelet/v1.33.1 (linux/amd64)", asks)


def of_caller(who: Caller, username: str) -> Who:
    """An IAM principal that the cluster knows under a name."""
    if who.credential is None:
        raise ValueError("only a caller with a credential can ask a cluster")
    key, identity = who.credential, who.identity
    extra = {"accessKeyId": [key.access_key_id], "arn": [identity["arn"]], "canonicalArn": [key.principal]}
    if key.session:
        extra["sessionName"] = [key.session.rpartition("/")[2]]
    uid = f"aws-iam-authenticator:{ACCOUNT}:{identity['principalId'].split(':')[0]}"
    user = {"username": username, "uid": uid, "groups": ["system:authenticated"], "extra": extra}
    asks = (Ask("issued_to", "access_key_id", key.access_key_id), Ask("used_from", "public_ip", who.address))
    return Who(user, who.address, "kubectl/v1.33.1 (linux/amd64)", asks)


def of_controller(name: str) -> Who:
    """A controller of the control plane."""
    user = {"username": f"system:serviceaccount:kube-system:{name}", "groups": ["system:serviceaccounts"]}
    return Who(user, CONTROLLER, f"kube-controller-manager/v1.33.1 {name}")


@dataclass
class Audit:
    """The audit log of a cluster."""

    cluster: EksCluster
    groups: LogGroups
    ids: Ids
    place: Place

    @classmethod
    def open(cls, stage: Stage, cluster: EksCluster) -> "Audit":
        """The log, among the stage's writers."""
        ids = stage.own_ids("eks")
        groups = LogGroups(stage.storage, stage.own_ids("eks_audit"), stage.ledger, "eks_audit", "example-eks-logs")
        stage.more.append(groups)
        place = Place(f"/aws/eks/{cluster.name}/cluster", f"kube-apiserver-audit-{ids.hex(32)}")
        return cls(cluster, groups, ids, place)

    def ask(
        self,
        who: Who,
        verb: str,
        target: Target,
        moment: float,
        *,
        code: int = 200,
        body: Json | None = None,
        late: int = 0,
        fact: Json | None = None,
    ) -> str:
        """One request as its completed stage has it; returns its audit id. `fact` gets its id and its time."""
        resource, _, sub = target.resource.partition("/")
        audit_id = self.ids.uuid()
        milliseconds = int(moment * 1000) + self.ids.rng.randrange(900)
        reference = {"resource": resource, "namespace": target.namespace, "name": target.name, "subresource": sub}
        record: Json = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "RequestResponse" if body else "Metadata",
            "auditID": audit_id,
            "stage": "ResponseStarted" if sub == "exec" else "ResponseComplete",
            "requestURI": _uri(target, resource, sub),
            "verb": verb,
            "user": who.user,
            "sourceIPs": [who.address],
            "userAgent": who.agent,
            "objectRef": {name: value for name, value in reference.items() if value} | {"apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": code} | ({"reason": "Forbidden"} if code == 403 else {}),
            "requestReceivedTimestamp": f"{iso_ms(milliseconds - 12)[:-1]}417Z",
            "stageTimestamp": f"{iso_ms(milliseconds)[:-1]}802Z",
            "annotations": {"authorization.k8s.io/decision": "forbid" if code == 403 else "allow"},
        }
        text = json.dumps(record | _bodies(body), separators=(",", ":"))
        if fact is not None:
            fact["time"] = iso_ms(milliseconds)
        event = LogEvent(milliseconds + 40, text, who.asks, milliseconds / 1000, fact=fact)
        self.groups.put(self.place, event, late=late)
        return audit_id


def _bodies(body: Json | None) -> Json:
    return {"requestObject": body, "responseObject": body} if body else {}


def _uri(target: Target, resource: str, sub: str) -> str:
    parts = ["/api/v1"]
    parts += [f"namespaces/{target.namespace}"] if target.namespace else []
    parts += [part for part in (resource, target.name, sub) if part]
    return "/".join(parts) + (f"?{target.query}" if target.query else "")
