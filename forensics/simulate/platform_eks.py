"""The platform's EKS morning: nodes, and pods with a role by IRSA, by Pod Identity, and with none."""

from dataclasses import dataclass, field, replace
from random import Random

from forensics.simulate.alb import Request
from forensics.simulate.eks import Eks
from forensics.simulate.eks_audit import Target, of_caller, of_node, of_pod
from forensics.simulate.flow_fields import V5
from forensics.simulate.kubernetes import EksCluster, Node, Pod, ServiceAccount, make_pod
from forensics.simulate.network import Subnet, launch, make_endpoint, make_instance
from forensics.simulate.platform import S3_ADDRESS, VPC, Platform, host_flow, host_flow_back
from forensics.simulate.vpc_flow import FlowLog, Talk
from forensics.simulate.world import WINDOW_SECONDS, Caller, at, instance_session

RENEWED = 3_300
"""Seconds after which a pod asks for a new key by its token."""
ROLLED = at("09:40:20")
"""When the deployment of `api` is rolled out anew: its second pod's address goes to one of `front`."""
_NODES = (("node-a", "06:04:02"), ("node-b", "06:04:05"))


@dataclass
class Kubernetes:
    """The cluster's nodes and pods, and the keys they have by now: (from, holder) in order, by pod."""

    platform: Platform
    eks: Eks
    endpoint: str
    nodes: list[Node] = field(default_factory=list)
    api: list[Pod] = field(default_factory=list)
    ledger: list[Pod] = field(default_factory=list)
    front: list[Pod] = field(default_factory=list)
    keys: dict[str, list[tuple[int, Caller]]] = field(default_factory=dict)

    @property
    def pods(self) -> list[Pod]:
        """Every pod."""
        return [*self.api, *self.ledger, *self.front]

    def holder(self, pod: Pod, moment: float) -> Caller:
        """The pod with the key it has then."""
        return [who for since, who in self.keys[pod.key] if since <= moment][-1]

    def talk(self, pod: Pod, talk: Talk) -> None:
        """A connection of a pod within the VPC: its own address is in the packet."""
        card = pod.node.instance.interface
        self.eks.flows.add(host_flow(card, pod.address, talk))
        self.eks.flows.add(host_flow_back(card, pod.address, talk))

    def outward(self, pod: Pod, talk: Talk) -> None:
        """A connection of a pod to the internet: by then it is its node's, and then the gateway's."""
        nat = self.platform.nat.interface
        self.eks.flows.through_nat(pod.node.instance.interface, nat, talk)

    def noise(self, window: int) -> None:
        """Everybody's ordinary work in five minutes."""
        rng = self.platform.stage.rng
        for node in self.nodes:
            if node.instance.launched + 400 < window:
                self._node_works(node, window, rng)
        for pod in self.pods:
            ended = pod.deleted is not None and pod.deleted - 60 < window + WINDOW_SECONDS
            if pod.created + 60 < window and not ended:
                self._pod_works(pod, window, rng)

    def _node_works(self, node: Node, window: int, rng: Random) -> None:
        ask = self.eks.audit.ask
        for _ in range(self.platform.stage.many(2.0)):
            target = Target("nodes/status", "", node.name)
            ask(of_node(node), "patch", target, window + rng.randrange(WINDOW_SECONDS))
        for _ in range(self.platform.stage.many(0.5)):
            moment, who = window + rng.randrange(WINDOW_SECONDS), Caller(node.key.identity, "", "", credential=node.key)
            agent = "amazon-vpc-cni-k8s/1.18.5"
            place = replace(who, address=str(self.platform.nat.interface.public_ip), agent=agent)
            self.platform.stage.trail.call(place, "ec2:DescribeNetworkInterfaces", moment)

    def _pod_works(self, pod: Pod, window: int, rng: Random) -> None:
        stage, eks = self.platform.stage, self.eks
        for _ in range(stage.many(4.0)):
            moment = window + rng.randrange(WINDOW_SECONDS)
            size = rng.randrange(400, 30_000)
            self._talks(pod, moment, size)
            if rng.random() < 0.5:
                eks.say(pod, moment + 0.2, f"handled {rng.randrange(10_000)} in {rng.randrange(90)} ms", skew_ms=-700)
            if rng.random() < 0.2:
                eks.audit.ask(of_pod(pod), "get", Target("configmaps", pod.account.namespace, "settings"), moment)
        if pod.account.role is None:
            return
        for _ in range(stage.many(2.0)):
            moment = window + rng.randrange(WINDOW_SECONDS)
            who, size = self.holder(pod, moment), rng.randrange(900, 60_000)
            key = f"pay/{rng.randrange(1_000, 9_999)}.json"
            self.platform.read(who, "orders-data", key, moment, sent=size)
            if who.endpoint is None:
                sport = 32768 + rng.randrange(28_000)
                self.outward(pod, Talk(S3_ADDRESS, sport, 443, 1_300, size, moment, moment + 2))

    def _talks(self, pod: Pod, moment: int, size: int) -> None:
        if pod in self.front:
            other = self.api[0]
            self.talk(pod, Talk(other.address, 32768 + moment % 28_000, 8080, 900, size, moment, moment + 1))
        else:
            rng = self.platform.stage.rng
            request = self.platform.visitor(rng, moment)
            self.visit(pod, request)

    def visit(self, pod: Pod, request: Request, *, malicious: bool = False) -> None:
        """A request through the balancer, which knows pods by their own addresses."""
        self.platform.balancer.request(request._replace(target=f"{pod.address}:8080"), malicious=malicious)
        start = int(request.moment)
        port = 32768 + start % 28_000
        back = Talk(self.platform.balancer.node, 8080, port, request.sent, request.received, start, start + 1)
        self.talk(pod, back)


def eks_morning(platform: Platform) -> Kubernetes:
    """Nodes come up, pods are made; in the middle of the morning one deployment is rolled out anew."""
    stage, ids = platform.stage, platform.ids
    subnet = Subnet("subnet-0ccccccccccccccc5", VPC, "10.20.5", "sg-0ccccccccccccccc5")
    flows = FlowLog(stage.storage, stage.own_ids("eks_flow"), stage.ledger, V5, "fl-0ccccccccccccccc5")
    stage.more.append(flows)
    cluster = EksCluster("prod-eks", ids.hex(32).upper())
    eks = Eks.open(stage, cluster, flows)
    network = {"vpcId": VPC, "subnetIds": [subnet.subnet_id], "endpointPublicAccess": True}
    made = {"name": cluster.name, "arn": cluster.arn, "status": "CREATING", "resourcesVpcConfig": network}
    ask = {"name": cluster.name, "roleArn": platform.role("eks-cluster").arn}
    stage.trail.call(platform.ops, "eks:CreateCluster", at("06:02:00"), ask=ask, answer={"cluster": made})
    endpoint = make_endpoint(stage, platform.ops, subnet, service="sts", when=at("06:01:40"))
    world = Kubernetes(platform, eks, endpoint)
    for name, clock in _NODES:
        world.nodes.append(_node(platform, eks, subnet, (name, at(clock))))
    accounts = {
        "api": ServiceAccount("pay", "api", ids.uuid(), platform.role("pay-api"), "irsa"),
        "ledger": ServiceAccount("pay", "ledger", ids.uuid(), platform.role("pay-ledger"), "pod_identity"),
        "front": ServiceAccount("shop", "front", ids.uuid(), None),
    }
    _pods(world, subnet, accounts)
    for pod in world.api:
        _renew_by_token(world, pod)
    for pod in world.ledger:
        first = eks.pod_identity(pod, pod.created + 15, pod.address, platform.endpoint)
        world.keys[pod.key] = [(pod.created + 15, first)]
    _operators(world)
    return world


def _node(platform: Platform, eks: Eks, subnet: Subnet, facts: tuple[str, int]) -> Node:
    name, launched = facts
    instance = make_instance(platform.ids, subnet, name, role=platform.role("eks-node"), launched=launched)
    launch(platform.stage, platform.ops, instance, profile="eks-node")
    named = instance_session(instance, platform.ids.unique("ASIA"), created=launched + 40)
    identity = {part: value for part, value in named.identity.items() if part != "inScopeOf"}
    node = Node(instance, replace(named, identity=identity))
    eks.node_key(node)
    eks.flows.interfaces.append(instance.interface)
    return node


def _pods(world: Kubernetes, subnet: Subnet, accounts: dict[str, ServiceAccount]) -> None:
    """Two pods of `api`, the second of which is replaced; one of `ledger`; two of `front`, and one on a reused address."""
    ids, cluster, (first, second) = world.platform.ids, world.eks.cluster, world.nodes

    def pod(what: str, node: Node, times: tuple[int, int | None], address: str = "") -> Pod:
        place = address or subnet.address()
        made = make_pod(
            ids, cluster, accounts[what], what, node=node, address=place, created=times[0], deleted=times[1]
        )
        world.eks.live(made)
        return made

    began = at("06:10")
    world.api += [pod("api", first, (began, None)), pod("api", second, (began + 1, ROLLED + 40))]
    world.ledger.append(pod("ledger", second, (began + 4, None)))
    world.front += [pod("front", first, (began + 6, None)), pod("front", second, (began + 7, ROLLED + 10))]
    world.api.append(pod("api", first, (ROLLED, None)))
    gone, later = world.api[1], ROLLED + 150
    heir = pod("front", second, (later, None), gone.address)
    world.front.append(heir)
    moment = later + 300
    target = Target("configmaps", "shop", "settings")
    world.eks.audit.ask(of_pod(heir), "get", target, moment)
    world.eks.say(heir, moment, "warm")


def _renew_by_token(world: Kubernetes, pod: Pod) -> None:
    """The SDK in the pod asks STS for a key, through the endpoint, and again before it expires."""
    moments = range(pod.created + 20, min(pod.deleted or at("12:00"), at("12:00")) - 30, RENEWED)
    world.keys[pod.key] = []
    for moment in moments:
        who = world.eks.irsa(pod, moment, pod.address, endpoint=world.endpoint)
        outside = str(world.platform.nat.interface.public_ip)
        world.keys[pod.key].append((moment, replace(who, address=outside, endpoint=None)))


def _operators(world: Kubernetes) -> None:
    """People with kubectl: harmless listings, and an exec into a pod that is malicious to enter."""
    platform, ask = world.platform, world.eks.audit.ask
    who = of_caller(platform.ops, "ops")
    for clock in ("07:11:20", "08:31:02", "09:12:44", "10:55:13"):
        ask(who, "list", Target("pods", "pay"), at(clock))
        ask(who, "get", Target("pods/log", "pay", world.api[0].name), at(clock) + 12)
    exec_in = Target("pods/exec", "shop", world.front[0].name, "command=sh&stdin=true&tty=true")
    ask(who, "create", exec_in, at("08:31:40"), code=101)
