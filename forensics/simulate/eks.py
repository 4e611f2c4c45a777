"""A pod's life in every source at once: audit records, addresses, keys by IRSA or Pod Identity, its log, its truth."""

import json
from dataclasses import dataclass

from forensics.simulate.eks_audit import Audit, Target, of_controller, of_node
from forensics.simulate.kubernetes import EksCluster, Node, Pod, irsa_session, pod_identity_session, pod_tags
from forensics.simulate.ledger import Ask, Held
from forensics.simulate.log_groups import LogEvent, LogGroups, Place
from forensics.simulate.stage import Stage, assumed, role_resource
from forensics.simulate.vpc_flow import FlowLog
from forensics.simulate.world import Caller, Credential, Ids, Json, caller, iso_ms

POD_AGENT = "Boto3/1.35.0 md/Botocore#1.35.0 ua/2.0 os/linux#6.1 lang/python#3.12 exec-env/EKS"
SCHEDULER = "kube-scheduler"


@dataclass
class Eks:
    """Plays pods of a cluster; `flows` is the flow log of its nodes' subnets."""

    stage: Stage
    cluster: EksCluster
    flows: FlowLog
    audit: Audit
    logs: LogGroups
    ids: Ids

    @classmethod
    def open(cls, stage: Stage, cluster: EksCluster, flows: FlowLog) -> "Eks":
        """EKS of the account, with the logs of its pods among the stage's writers."""
        bucket = "example-pod-logs"
        logs = LogGroups(stage.storage, stage.own_ids("pod_log"), stage.ledger, "container_log", bucket)
        stage.more.append(logs)
        return cls(stage, cluster, flows, Audit.open(stage, cluster), logs, stage.own_ids("pods"))

    def live(self, pod: Pod) -> None:
        """A pod from its creation to its deletion, as the API server and its node record it."""
        target = Target("pods", pod.account.namespace, pod.name)
        truth, ask = self.stage.truth, self.audit.ask
        ask(of_controller("replicaset-controller"), "create", target._replace(name=""), pod.created, body=_pod(pod))
        binding = {"kind": "Binding", "metadata": {"name": pod.name}, "target": {"kind": "Node", "name": pod.node.name}}
        bound = target._replace(resource="pods/binding")
        ask(of_controller(SCHEDULER), "create", bound, pod.created + 0.2, code=201, body=binding)
        running = _pod(pod) | {"status": {"phase": "Running", "podIP": pod.address, "hostIP": _host_ip(pod)}}
        ask(of_node(pod.node), "patch", target._replace(resource="pods/status"), pod.created + 6, body=running)
        if pod.deleted:
            ask(of_controller("replicaset-controller"), "delete", target, pod.deleted - 31, body=running)
            ask(of_node(pod.node), "delete", target, pod.deleted)
        role = pod.account.role
        truth.workload(pod.key, kind="eks_pod", name=pod.name, role=role.arn if role else None)
        ends: Json = {"since": pod.created, "until": pod.deleted, "opened": True, "closed": pod.deleted is not None}
        truth.holds(
            pod.key,
            "private_ip",
            pod.address,
            **(ends | {"since": pod.created + 6}),
            network=pod.node.instance.interface.vpc_id,
        )
        truth.holds(pod.key, "instance", pod.node.instance.arn, **ends)
        self.stage.ledger.hold(Held(pod.key, "service_account", self._account(pod), "", *ends.values()))
        self.flows.pods.add(pod.address)

    def say(self, pod: Pod, moment: float, text: str, *, skew_ms: int = 0) -> None:
        """A line of the pod's container, with Fluent Bit's account of the pod beside it."""
        milliseconds = int(moment * 1000) + skew_ms
        card: Json = {
            "pod_name": pod.name,
            "namespace_name": pod.account.namespace,
            "pod_id": pod.uid,
            "host": pod.node.name,
            "pod_ip": pod.address,
            "container_name": pod.container,
            "docker_id": pod.container_id,
            "container_image": f"registry.example/{pod.container}:1",
        }
        record = {"time": f"{iso_ms(milliseconds)[:-1]}456789Z", "stream": "stdout", "_p": "F", "log": text}
        name = f"{pod.name}_{pod.account.namespace}_{pod.container}-{pod.container_id}"
        stream = f"{pod.node.name}-application.var.log.containers.{name}.log"
        place = Place(f"/aws/containerinsights/{self.cluster.name}/application", stream)
        message = json.dumps(record | {"kubernetes": card}, separators=(",", ":"))
        self.logs.put(place, LogEvent(milliseconds + 900, message, (Ask("endpoint", "workload", pod.key),), moment))

    def irsa(self, pod: Pod, when: int, address: str, *, endpoint: str | None = None, agent: str = POD_AGENT) -> Caller:
        """A key of the pod's role by its web identity token, asked for from an address; returns its holder there.

        To which pod it was issued, the address can tell: a pod's own does; behind another are all of the service
        account's pods; a token that was used elsewhere leaves those too.
        """
        stage, account = self.stage, pod.account
        if account.role is None:
            raise ValueError(f"{account.username} has no role")
        made = irsa_session(account, stage.trail.ids.unique("ASIA"), created=when)
        who = Caller(_token(self.cluster, pod), address, agent, endpoint=endpoint)
        ask = {"roleArn": account.role.arn, "roleSessionName": str(made.session).rpartition("/")[2]}
        known = {"subjectFromWebIdentityToken": account.username, "provider": self.cluster.provider}
        answer = assumed(made, account.role, ask["roleSessionName"]) | known | {"audience": "sts.amazonaws.com"}
        action, extra = "sts:AssumeRoleWithWebIdentity", {"resources": [role_resource(account.role)]}
        mint = stage.trail.call(who, action, when, ask=ask | {"durationSeconds": 3600}, answer=answer, extra=extra)
        stage.truth.credential(made, mint=mint, issuer={"kind": "federation", "name": account.username})
        if address == pod.address:
            span: Json = {"since": when, "until": made.expires}
            stage.truth.holds(pod.key, "access_key_id", made.access_key_id, **span)
            stage.truth.holds(pod.key, "session", str(made.session), **span, opened=True)
        self.stage.ledger.later.append(lambda: self._issued(pod, made, address, when))
        return Caller(made.identity, address, agent, credential=made, endpoint=endpoint)

    def _issued(self, pod: Pod, made: Credential, address: str, when: int) -> None:
        """Who the token's key went to, by what was running then."""
        network = pod.node.instance.interface.vpc_id
        alone = self.stage.ledger.holders(Ask("issued_to", "private_ip", address, network), when, when, 2)
        if len(alone) == 1:
            word = alone[0].certainty(when, when, 2)
            self.stage.ledger.issue(made.access_key_id, (alone[0].workload,), word)
            return
        theirs = self.stage.ledger.holders(Ask("issued_to", "service_account", self._account(pod)), when, when, 2)
        word = "shared" if len(theirs) != 1 else theirs[0].certainty(when, when, 2)
        self.stage.ledger.issue(made.access_key_id, tuple(sorted({held.workload for held in theirs})), word)

    def _account(self, pod: Pod) -> str:
        return f"{self.cluster.name}/{pod.account.username}"

    def pod_identity(self, pod: Pod, when: int, address: str, endpoint: str | None = None) -> Caller:
        """A key of the pod's role by the agent on its node; returns the pod, calling from an address."""
        stage, role = self.stage, pod.account.role
        if role is None:
            raise ValueError(f"{pod.account.username} has no role")
        made = pod_identity_session(pod, stage.trail.ids.unique("ASIA"), self.ids.uuid(), created=when)
        node = caller(pod.node.key, _host_ip(pod), "eks-pod-identity-agent")
        ask: Json = {"clusterName": self.cluster.name, "token": "HIDDEN_DUE_TO_SECURITY_REASONS"}
        stage.trail.call(node, "eks-auth:AssumeRoleForPodIdentity", when, ask=ask, extra={"readOnly": True})
        tags = pod_tags(pod)
        more: Json = {"durationSeconds": 21_600, "tags": tags, "transitiveTagKeys": [tag["key"] for tag in tags]}
        stage.issue("pods.eks.amazonaws.com", made, role, str(made.session).rpartition("/")[2], **more)
        span: Json = {"since": when, "until": made.expires}
        stage.truth.holds(pod.key, "access_key_id", made.access_key_id, **span)
        stage.truth.holds(pod.key, "session", str(made.session), **span, opened=True)
        return Caller(made.identity, address, POD_AGENT, credential=made, endpoint=endpoint)

    def node_key(self, node: Node) -> None:
        """The node's role key, minted by EC2."""
        role = node.instance.role
        if role is None:
            raise ValueError(f"{node.name} has no role")
        self.stage.issue("ec2.amazonaws.com", node.key, role, node.instance.instance_id)
        span: Json = {"since": node.key.created or 0, "until": node.key.expires}
        self.stage.truth.holds(node.instance.arn, "access_key_id", node.key.access_key_id, **span)
        self.stage.truth.holds(node.instance.arn, "session", str(node.key.session), **span, opened=True)


def _token(cluster: EksCluster, pod: Pod) -> Json:
    name = pod.account.username
    principal = f"{cluster.provider}:sts.amazonaws.com:{name}"
    return {
        "type": "WebIdentityUser",
        "principalId": principal,
        "userName": name,
        "identityProvider": cluster.provider,
    }


def _host_ip(pod: Pod) -> str:
    return pod.node.instance.interface.private_ip


def _pod(pod: Pod) -> Json:
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": pod.name, "namespace": pod.account.namespace, "uid": pod.uid},
        "spec": {
            "serviceAccountName": pod.account.name,
            "nodeName": pod.node.name,
            "containers": [{"name": pod.container, "image": f"registry.example/{pod.container}:1"}],
        },
    }
