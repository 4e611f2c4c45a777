"""The account's container platform: one VPC with its gateway, endpoint, balancer and logs, and the people who run it."""

from dataclasses import dataclass, field
from random import Random

from forensics.simulate.alb import Balancer, Request
from forensics.simulate.cloudtrail import s3_object
from forensics.simulate.config_item import ConfigItems
from forensics.simulate.flow_fields import V7
from forensics.simulate.network import Nat, Subnet, make_endpoint, make_nat
from forensics.simulate.resolver import QueryLog
from forensics.simulate.s3_access import Access, AccessLogs
from forensics.simulate.stage import Stage
from forensics.simulate.vpc_flow import Flow, FlowLog, Talk
from forensics.simulate.world import ACCOUNT, REGION, Caller, Ids, Interface, Role, User, at, caller, user_credential

VPC = "vpc-0ccccccccccccccc0"
NAT_ADDRESS = "198.51.100.120"
OFFICE = "198.51.100.60"
S3_ADDRESS = "192.0.2.10"
OPS_AGENT = "aws-cli/2.17.0 md/awscrt#0.20.11 ua/2.0 os/linux#6.8 lang/python#3.11.8 cfg/retry-mode#standard"
BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    "curl/8.5.0",
    "ShopApp/4.2 iOS/17.5",
)
BUCKETS = ("orders-data", "catalogue", "reports")
PAGES = ("/", "/cart", "/api/items?page=2", "/api/orders", "/img/logo.svg", "/healthz")


@dataclass
class Platform:
    """What every part of the platform shares; `rng` is for what is planned, whatever the scale."""

    stage: Stage
    ids: Ids
    rng: Random
    ops: Caller
    deploy: Caller
    private: Subnet
    public: Subnet
    nat: Nat
    endpoint: str
    flows: FlowLog
    balancer: Balancer
    queries: QueryLog
    config: ConfigItems
    accesses: AccessLogs
    roles: dict[str, Role] = field(default_factory=dict)

    def role(self, name: str, path: str = "/") -> Role:
        """The role of that name, made when first asked for."""
        if name not in self.roles:
            self.roles[name] = Role(name, self.ids.unique("AROA", 10), path)
        return self.roles[name]

    def read(self, who: Caller, bucket: str, key: str, moment: float, *, sent: int, malicious: bool = False) -> str:
        """An object is read, as CloudTrail and the bucket's access log have it; returns the event id."""
        request = self.ids.text(16)
        body = s3_object(bucket, key, sent=sent)
        body["extra"] |= {"requestID": request}
        event = self.stage.trail.call(who, "s3:GetObject", moment, **body)
        self.log_access(who, Access(bucket, key, "REST.GET.OBJECT", moment, 200, sent, sent, request, malicious))
        return event

    def log_access(self, who: Caller, access: Access) -> None:
        """An entry of a bucket's access log."""
        self.accesses.access(who, access)

    def talk(self, inside: Interface, peer: str, moment: float, sizes: tuple[int, int], *, port: int = 443) -> None:
        """A connection to the internet: through the gateway, or straight from what has a public address."""
        start = int(moment)
        talk = Talk(peer, 32768 + (start * 31 + sizes[0]) % 28000, port, *sizes, start, start + 3)
        if inside.public_ip:
            self.flows.connect(inside, talk)
        else:
            self.flows.through_nat(inside, self.nat.interface, talk)

    def visit(self, card: Interface, request: Request, *, malicious: bool = False) -> None:
        """A request through the balancer to an address of the VPC, with its flow."""
        target = f"{card.private_ip}:8080"
        self.balancer.request(request._replace(target=target), malicious=malicious)
        start = int(request.moment)
        talk = Talk(self.balancer.node, 32768 + start % 28000, 8080, request.received, request.sent, start, start + 1)
        self.flows.accept(card, talk)

    def visitor(self, rng: Random, moment: float) -> Request:
        """An ordinary request."""
        client = f"203.0.113.{rng.randrange(1, 60)}:{rng.randrange(1025, 65000)}"
        size = rng.randrange(400, 40_000)
        return Request(client, "-", "GET", rng.choice(PAGES), rng.choice(BROWSERS), moment, sent=size)


def open_platform(stage: Stage) -> Platform:
    """The platform as it is set up in the morning: by an operator, all of it in the logs."""
    ids = stage.own_ids("platform")
    key = user_credential(User("ops", ids.unique("AIDA", 10)), ids.unique("AKIA"))
    ops = caller(key, OFFICE, OPS_AGENT)
    stage.truth.credential(key)
    public = Subnet("subnet-0ccccccccccccccc1", VPC, "10.20.0")
    private = Subnet("subnet-0ccccccccccccccc2", VPC, "10.20.1", "sg-0ccccccccccccccc2")
    nat = make_nat(stage, ops, public, public=NAT_ADDRESS, when=at("06:00:40"))
    endpoint = make_endpoint(stage, ops, private, service="s3", when=at("06:01:10"))
    flows = FlowLog(stage.storage, stage.own_ids("platform_flow"), stage.ledger, V7, "fl-0ccccccccccccccc7")
    flows.interfaces.append(nat.interface)
    balancer = Balancer(stage.storage, stage.own_ids("alb"), stage.ledger, "web", VPC, "10.20.0.9")
    _balance(stage, ops, balancer)
    queries = QueryLog(stage.storage, stage.own_ids("resolver"), stage.ledger, VPC)
    config = ConfigItems(stage.storage, stage.own_ids("config_item"), stage.ledger)
    accesses = AccessLogs(stage.storage, stage.own_ids("s3_access"), stage.ledger, stage.trail.endpoints)
    stage.more.extend((flows, balancer, queries, config, accesses))
    deploy = _deployer(stage, ids, ops)
    rng = stage.stream("platform_rng")
    return Platform(
        stage=stage,
        ids=ids,
        rng=rng,
        ops=ops,
        deploy=deploy,
        private=private,
        public=public,
        nat=nat,
        endpoint=endpoint,
        flows=flows,
        balancer=balancer,
        queries=queries,
        config=config,
        accesses=accesses,
    )


def _balance(stage: Stage, who: Caller, balancer: Balancer) -> None:
    """The balancer and its target group are made, which says in which VPC they are."""
    prefix = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
    arn, group = (
        f"{prefix}:loadbalancer/app/{balancer.name}/{balancer.number}",
        f"{prefix}:targetgroup/web/73e2d6bc24d8a067",
    )
    made = {"loadBalancerArn": arn, "loadBalancerName": balancer.name, "type": "application", "vpcId": balancer.vpc}
    call, service = stage.trail.call, "elasticloadbalancing"
    ask = {"name": balancer.name, "type": "application"}
    call(who, f"{service}:CreateLoadBalancer", at("06:00:50"), ask=ask, answer={"loadBalancers": [made]})
    target = {"targetGroupArn": group, "targetGroupName": "web", "targetType": "ip", "vpcId": balancer.vpc}
    ask = {"name": "web", "vpcId": balancer.vpc}
    call(who, f"{service}:CreateTargetGroup", at("06:00:55"), ask=ask, answer={"targetGroups": [target]})


def _deployer(stage: Stage, ids: Ids, ops: Caller) -> Caller:
    """The operator's session of the role that deploys; renewed every hour by whoever needs it later."""
    role = Role("platform-deploy", ids.unique("AROA", 10), "/ci/")
    made, _ = stage.assume(ops, role, "deploy", at("06:01:30"))
    return caller(made, OFFICE, OPS_AGENT)


def host_flow(card: Interface, pod: str, talk: Talk) -> Flow:
    """One direction of what a container sends within the VPC: the interface's own address, the pod's in the packet."""
    ends = (talk.sport, talk.dport, talk.sent, talk.start, talk.end)
    return Flow(card, card.private_ip, talk.peer, *ends, pod, talk.peer, "egress", "1", fact=talk.fact)


def host_flow_back(card: Interface, pod: str, talk: Talk) -> Flow:
    """The other direction."""
    ends = (talk.dport, talk.sport, talk.received, talk.start, talk.end)
    return Flow(card, talk.peer, card.private_ip, *ends, talk.peer, pod, "ingress", flags=19, fact=talk.fact)
