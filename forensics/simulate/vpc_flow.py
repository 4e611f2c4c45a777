"""VPC flow log records in formats of versions 2 to 7, aggregated per minute, a file per five minutes.

Source: Flow log records; Publish flow logs to Amazon S3.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from forensics.simulate.flow_fields import V2, V5, V7, VERSIONS, TaskFields, of_interface
from forensics.simulate.ledger import Ask, Ledger
from forensics.simulate.storage import Storage, gzip_bytes
from forensics.simulate.world import (
    ACCOUNT,
    REGION,
    WINDOW_SECONDS,
    Ids,
    Interface,
    Json,
    date_path,
    stamp,
    window_of,
)

BUCKET = "example-trail-logs"
FLOW_LOG = "fl-0123456789abcdef0"
INTERNET_GATEWAY = "8"
SAME_VPC = "1"


@dataclass(frozen=True)
class Talk:
    """One minute of one connection, seen from the side that opened it: bytes `sent` and `received` by it.

    `sender` is the workload that talks, where its interface is not its alone.
    """

    peer: str
    sport: int
    dport: int
    sent: int
    received: int
    start: int
    end: int
    fact: Json | None = None
    sender: str | None = None


@dataclass(frozen=True)
class Flow:
    """A record to be; `fact` is what the truth says of it, completed with its event id when written."""

    interface: Interface
    src: str
    dst: str
    sport: int
    dport: int
    bytes: int
    start: int
    end: int
    pkt_src: str
    pkt_dst: str
    direction: str
    path: str = "-"
    action: str = "ACCEPT"
    flags: int = 3
    protocol: int = 6
    fact: Json | None = None
    sender: str | None = None

    def fields(self) -> dict[str, object]:
        """The values of the record by field, those of its interface left out."""
        return {
            "srcaddr": self.src,
            "dstaddr": self.dst,
            "srcport": self.sport,
            "dstport": self.dport,
            "protocol": self.protocol,
            "packets": max(1, self.bytes // 900) if self.action == "ACCEPT" else 1,
            "bytes": self.bytes,
            "start": self.start,
            "end": self.end,
            "action": self.action,
            "log-status": "OK",
            "tcp-flags": self.flags,
            "type": "IPv4",
            "pkt-srcaddr": self.pkt_src,
            "pkt-dstaddr": self.pkt_dst,
            "flow-direction": self.direction,
            "traffic-path": self.path,
        }


@dataclass
class FlowLog:
    """Takes flows in any order; `facts` collects what the truth says of those that have a fact.

    `tasks` says which interface is a task's, for formats that name it; `pods` which addresses are pods' own.
    """

    storage: Storage
    ids: Ids
    ledger: Ledger = field(default_factory=Ledger)
    format: str = V5
    name: str = FLOW_LOG
    tasks: dict[str, TaskFields] = field(default_factory=dict)
    pods: set[str] = field(default_factory=set)
    interfaces: list[Interface] = field(default_factory=list)
    skipped: list[tuple[Interface, int]] = field(default_factory=list)
    pending: dict[int, list[Flow]] = field(default_factory=dict)
    facts: list[Json] = field(default_factory=list)

    def add(self, flow: Flow) -> None:
        """Take a flow; it is delivered in the window in which it ends."""
        self.pending.setdefault(window_of(flow.end), []).append(flow)

    def connect(self, interface: Interface, talk: Talk, *, path: str = INTERNET_GATEWAY) -> None:
        """Both directions of a connection that the interface opened."""
        me, peer = interface.private_ip, talk.peer
        out = Flow(
            interface,
            me,
            peer,
            talk.sport,
            talk.dport,
            talk.sent,
            talk.start,
            talk.end,
            me,
            peer,
            "egress",
            path,
        )
        self._both(out, talk)

    def accept(self, interface: Interface, talk: Talk) -> None:
        """Both directions of a connection that the peer opened to the interface."""
        me, peer = interface.private_ip, talk.peer
        inward = Flow(interface, peer, me, talk.sport, talk.dport, talk.sent, talk.start, talk.end, peer, me, "ingress")
        self._both(inward, talk)

    def reject(self, interface: Interface, talk: Talk) -> None:
        """A packet that the security group dropped."""
        me, peer = interface.private_ip, talk.peer
        times = (talk.start, talk.end)
        self.add(
            Flow(
                *(interface, peer, me, talk.sport, talk.dport, talk.sent, *times, peer, me, "ingress"),
                action="REJECT",
                flags=2,
            )
        )

    def through_nat(self, inside: Interface, nat: Interface, talk: Talk) -> None:
        """The six records of a connection through a NAT gateway: two at the source, four at the gateway."""
        self.connect(inside, talk, path=SAME_VPC)
        me, gate, peer = inside.private_ip, nat.private_ip, talk.peer
        times = (talk.start, talk.end)
        mapped = 1024 + (talk.sport * 7) % 60000
        for flow in (
            Flow(nat, me, gate, talk.sport, talk.dport, talk.sent, *times, me, peer, "ingress"),
            Flow(nat, gate, peer, mapped, talk.dport, talk.sent, *times, gate, peer, "egress", INTERNET_GATEWAY),
            Flow(nat, peer, gate, talk.dport, mapped, talk.received, *times, peer, gate, "ingress", flags=19),
            Flow(
                nat,
                gate,
                me,
                talk.dport,
                talk.sport,
                talk.received,
                *times,
                peer,
                me,
                "egress",
                SAME_VPC,
                flags=19,
            ),
        ):
            self.add(replace(flow, fact=None if talk.fact is None else {"workloads": [], "certainty": None}))

    def deliver(self, before: int) -> None:
        """Writes the files of all windows that start before a moment."""
        for window in sorted(window for window in self.pending if window < before):
            self._write(window, self.pending.pop(window))

    def _both(self, first: Flow, talk: Talk) -> None:
        back = Flow(
            *(
                first.interface,
                first.dst,
                first.src,
                first.dport,
                first.sport,
                talk.received,
                first.start,
                first.end,
            ),
            *(first.pkt_dst, first.pkt_src, "ingress" if first.direction == "egress" else "egress"),
            path=INTERNET_GATEWAY if first.direction == "ingress" else "-",
            flags=19,
        )
        self.add(replace(first, fact=talk.fact, sender=talk.sender))
        self.add(replace(back, fact=talk.fact, sender=talk.sender))

    def _write(self, window: int, flows: list[Flow]) -> None:
        flows.sort(key=lambda flow: (flow.end, flow.interface.interface_id))
        quiet = list(self._quiet(window, flows))
        lines = [self._line(flow.interface, flow.fields() | self._task(flow)) for flow in flows]
        lines += [self._line(interface, fields) for interface, fields in quiet]
        published = window + WINDOW_SECONDS
        folder = f"{BUCKET}/AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/{date_path(published)}"
        name = f"{ACCOUNT}_vpcflowlogs_{REGION}_{self.name}_{stamp(published)}_{self.ids.hex(8)}.log.gz"
        body = gzip_bytes("\n".join([self.format, *lines, ""]).encode())
        prefix = self.storage.put(f"{folder}/{name}", body, source="vpc_flow", records=len(lines))
        self.facts += [_stated(flow, f"{prefix}/{place}") for place, flow in enumerate(flows) if flow.fact is not None]
        for place, flow in enumerate(flows):
            self._note(flow, f"{prefix}/{place}")
        for place, (interface, fields) in enumerate(quiet, len(flows)):
            times = (float(str(fields["start"])), float(str(fields["end"])))
            self.ledger.note(f"{prefix}/{place}", "vpc_flow", times, self._asks(interface, frozenset()))

    def _line(self, interface: Interface, fields: dict[str, object]) -> str:
        known = of_interface(interface, VERSIONS[self.format]) | fields
        return " ".join(str(known.get(name, "-")) for name in self.format.split(" "))

    def _task(self, flow: Flow) -> dict[str, object]:
        """Fields of the task that the traffic is from, where the format has them."""
        task = self.tasks.get(flow.interface.interface_id)
        if task is None or self.format != V7 or flow.direction != "egress" or flow.start < task.since:
            return {}
        return dict(task.fields())

    def _note(self, flow: Flow, event_id: str) -> None:
        owner = flow.interface
        if owner.instance_id != "-":
            if flow.direction == "egress":
                self.ledger.see("private_ip", flow.src, flow.start)
            self.ledger.see("eni", owner.interface_id, flow.start)
        asks = self._asks(owner, frozenset((flow.pkt_src, flow.pkt_dst)))
        if task := self._task(flow):
            asks = (Ask("endpoint", "workload", str(task["ecs-task-arn"])),)
        self.ledger.note(event_id, "vpc_flow", (flow.start, flow.end), asks, sender=flow.sender)

    def _asks(self, owner: Interface, packets: frozenset[str]) -> tuple[Ask, ...]:
        if owner.instance_id == "-" or self.format == V2:
            return (Ask("endpoint", "eni", owner.interface_id),)
        host = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{owner.instance_id}"
        within = [Ask("endpoint", "pod", pod, host) for pod in sorted(packets & self.pods)]
        return (Ask("endpoint", "workload", host), *(within or [Ask("endpoint", "containers", host)]))

    def _quiet(self, window: int, flows: list[Flow]) -> Iterator[tuple[Interface, dict[str, object]]]:
        heard = {(flow.interface.interface_id, flow.end // 60) for flow in flows}
        for minute in range(window, window + WINDOW_SECONDS, 60):
            for interface in self.interfaces:
                alive = interface.born <= minute and (interface.died is None or minute + 58 <= interface.died)
                times: dict[str, object] = {"start": minute, "end": minute + 58}
                if (interface, minute) in self.skipped:
                    yield interface, times | {"log-status": "SKIPDATA"}
                elif alive and (interface.interface_id, minute // 60) not in heard:
                    yield interface, times | {"log-status": "NODATA"}


def _stated(flow: Flow, event_id: str) -> Json:
    known = {
        "event_id": event_id,
        "interface_id": flow.interface.interface_id,
        "srcaddr": flow.src,
        "dstaddr": flow.dst,
        "bytes": flow.bytes,
        "direction": flow.direction,
    }
    return known | (flow.fact or {})
