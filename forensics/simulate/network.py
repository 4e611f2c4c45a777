"""Networks of the made-up world: subnets that give out addresses, gateways, endpoints, and addresses that move.

Source: real CreateNatGateway, AllocateAddress, AssociateAddress and CreateVpcEndpoint records.
"""

from dataclasses import dataclass, field, replace

from forensics.simulate.responses import run_instances
from forensics.simulate.stage import Stage
from forensics.simulate.world import ACCOUNT, REGION, Caller, Ids, Instance, Interface, Json, Role


@dataclass
class Subnet:
    """A subnet of a VPC; `given` counts its addresses, `free` are those given back, to be given again."""

    subnet_id: str
    vpc_id: str
    prefix: str
    group: str = "sg-0ccccccccccccccc1"
    given: int = 20
    free: list[str] = field(default_factory=list)

    def address(self) -> str:
        """The next address: one given back if there is any."""
        if self.free:
            return self.free.pop(0)
        self.given += 1
        return f"{self.prefix}.{self.given}"

    def interface(self, ids: Ids, *, public: str | None = None, instance: str = "-", address: str = "") -> Interface:
        """A new interface with its address."""
        where = address or self.address()
        return Interface(ids.resource("eni"), where, self.subnet_id, self.vpc_id, instance, public, self.group)


@dataclass(frozen=True)
class Nat:
    """A NAT gateway with its Elastic address."""

    gateway_id: str
    interface: Interface

    @property
    def arn(self) -> str:
        """The gateway's key as a workload."""
        return f"arn:aws:ec2:{REGION}:{ACCOUNT}:natgateway/{self.gateway_id}"


def make_nat(stage: Stage, who: Caller, subnet: Subnet, *, public: str, when: int) -> Nat:
    """A principal makes a NAT gateway with a new Elastic address; its flows are those of all behind it."""
    ids = stage.own_ids(f"nat {public}")
    card = replace(subnet.interface(ids, public=public), born=when + 5)
    nat, allocation = Nat(f"nat-0{ids.hex(16)}", card), f"eipalloc-0{ids.hex(16)}"
    call = stage.trail.call
    call(who, "ec2:AllocateAddress", when - 20, ask={"domain": "vpc"}, answer=_allocated(ids, public, allocation))
    ask = {"CreateNatGatewayRequest": {"SubnetId": subnet.subnet_id, "AllocationId": allocation}}
    item = {"allocationId": allocation}
    made = {"natGatewayId": nat.gateway_id, "subnetId": subnet.subnet_id, "vpcId": subnet.vpc_id, "state": "pending"}
    answer = {"CreateNatGatewayResponse": {"natGateway": made | {"natGatewayAddressSet": {"item": item}}}}
    call(who, "ec2:CreateNatGateway", when, ask=ask, answer=answer)
    stage.truth.workload(nat.arn, kind="nat_gateway", name=nat.gateway_id, role=None)
    stage.truth.holds(nat.arn, "public_ip", public, since=when, opened=True)
    stage.ledger.gateways[public] = subnet.vpc_id
    return nat


def make_endpoint(stage: Stage, who: Caller, subnet: Subnet, *, service: str, when: int) -> str:
    """A principal makes an interface endpoint; calls through it show private addresses. Returns its id."""
    ids = stage.own_ids(f"endpoint {service}")
    name, full = f"vpce-0{ids.hex(16)}", f"com.amazonaws.{REGION}.{service}"
    ask = {"CreateVpcEndpointRequest": {"VpcId": subnet.vpc_id, "ServiceName": full, "VpcEndpointType": "Interface"}}
    made = {"vpcEndpointId": name, "vpcId": subnet.vpc_id, "serviceName": full, "state": "pending"}
    answer = {"CreateVpcEndpointResponse": {"vpcEndpoint": made, "requestId": ids.uuid()}}
    stage.trail.call(who, "ec2:CreateVpcEndpoint", when, ask=ask, answer=answer)
    stage.trail.endpoints[name] = subnet.vpc_id
    return name


def launch(stage: Stage, who: Caller, instance: Instance, *, profile: str | None, ended: int | None = None) -> str:
    """A principal starts an instance, whose records name its interface and private address; returns the event id."""
    ids = stage.own_ids(instance.instance_id)
    ask, answer = run_instances(instance, ids, profile=profile)
    event = stage.trail.call(who, "ec2:RunInstances", instance.launched, ask=ask, answer=answer)
    role = instance.role
    stage.truth.workload(instance.arn, kind="ec2_instance", name=instance.name, role=role.arn if role else None)
    stage.truth.carries(instance, launch_logged=True, until=ended)
    return event


def change_instance(stage: Stage, who: Caller, instance: Instance, action: str, *, when: int) -> str:
    """`StopInstances`, `StartInstances` or `TerminateInstances`; a stop detaches nothing. Returns the event id."""
    states = {"Stop": (16, "running", 64, "stopping"), "Start": (80, "stopped", 0, "pending")}
    before, was, now, becomes = states.get(action.removesuffix("Instances"), (16, "running", 32, "shutting-down"))
    item = {"instanceId": instance.instance_id}
    state = {"currentState": {"code": now, "name": becomes}, "previousState": {"code": before, "name": was}}
    answer = {"requestId": stage.trail.ids.uuid(), "instancesSet": {"items": [item | state]}}
    return stage.trail.call(who, f"ec2:{action}", when, ask={"instancesSet": {"items": [item]}}, answer=answer)


@dataclass
class Elastic:
    """An Elastic address that moves between instances."""

    stage: Stage
    ids: Ids
    address: str
    allocation: str

    @classmethod
    def allocate(cls, stage: Stage, who: Caller, address: str, when: int) -> "Elastic":
        """A principal gets the address."""
        ids = stage.own_ids(f"elastic {address}")
        allocation = f"eipalloc-0{ids.hex(16)}"
        answer = _allocated(ids, address, allocation)
        stage.trail.call(who, "ec2:AllocateAddress", when, ask={"domain": "vpc"}, answer=answer)
        return cls(stage, ids, address, allocation)

    def hold(self, who: Caller, instance: Instance, since: int, until: int | None) -> tuple[str, str | None]:
        """The address is an instance's from `since` until it is taken away again; the event ids of both."""
        association = f"eipassoc-0{self.ids.hex(16)}"
        ask = {"allocationId": self.allocation, "instanceId": instance.instance_id, "allowReassociation": False}
        answer = {"requestId": self.ids.uuid(), "return": True, "associationId": association}
        given = self.stage.trail.call(who, "ec2:AssociateAddress", since, ask=ask, answer=answer)
        taken = None
        if until:
            gone = {"associationId": association}
            taken = self.stage.trail.call(who, "ec2:DisassociateAddress", until, ask=gone, answer={"return": True})
        ends: Json = {"since": since, "until": until, "opened": True, "closed": bool(until)}
        self.stage.truth.holds(instance.arn, "public_ip", self.address, **ends)
        return given, taken


def make_instance(ids: Ids, subnet: Subnet, name: str, *, role: Role | None, launched: int) -> Instance:
    """An instance with an interface of the subnet, without a public address."""
    number = ids.resource("i")
    card = replace(subnet.interface(ids, instance=number), born=launched)
    return Instance(number, name, role, card, launched)


def _allocated(ids: Ids, public: str, allocation: str) -> Json:
    return {"requestId": ids.uuid(), "publicIp": public, "domain": "vpc", "allocationId": allocation}
