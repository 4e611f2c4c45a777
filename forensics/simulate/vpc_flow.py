"""VPC flow log records in a custom version 5 format, aggregated per minute, a file per five minutes.

Source: Flow log records; Publish flow logs to Amazon S3.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

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
HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
    "log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr flow-direction "
    "traffic-path"
)
INTERNET_GATEWAY = "8"
SAME_VPC = "1"


@dataclass(frozen=True)
class Talk:
    """One minute of one connection, seen from the side that opened it: bytes `sent` and `received` by it."""

    peer: str
    sport: int
    dport: int
    sent: int
    received: int
    start: int
    end: int
    fact: Json | None = None


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

    def line(self) -> str:
        """The record as delivered: the fields of `FIELDS`, separated by spaces."""
        packets = max(1, self.bytes // 900) if self.action == "ACCEPT" else 1
        owner = self.interface
        fields = (
            *(
                5,
                ACCOUNT,
                owner.interface_id,
                self.src,
                self.dst,
                self.sport,
                self.dport,
                self.protocol,
                packets,
            ),
            *(
                self.bytes,
                self.start,
                self.end,
                self.action,
                "OK",
                owner.vpc_id,
                owner.subnet_id,
                owner.instance_id,
            ),
            *(self.flags, "IPv4", self.pkt_src, self.pkt_dst, self.direction, self.path),
        )
        return " ".join(str(value) for value in fields)


@dataclass
class FlowLog:
    """Takes flows in any order; `facts` collects what the truth says of those that have a fact."""

    storage: Storage
    ids: Ids
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
            self.add(_with_fact(flow, None if talk.fact is None else {"workloads": [], "certainty": None}))

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
        self.add(_with_fact(first, talk.fact))
        self.add(_with_fact(back, talk.fact))

    def _write(self, window: int, flows: list[Flow]) -> None:
        flows.sort(key=lambda flow: (flow.end, flow.interface.interface_id))
        quiet = list(self._quiet(window, flows))
        lines = [flow.line() for flow in flows] + quiet
        published = window + WINDOW_SECONDS
        folder = f"{BUCKET}/AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/{date_path(published)}"
        name = f"{ACCOUNT}_vpcflowlogs_{REGION}_{FLOW_LOG}_{stamp(published)}_{self.ids.hex(8)}.log.gz"
        body = gzip_bytes("\n".join([HEADER, *lines, ""]).encode())
        prefix = self.storage.put(f"{folder}/{name}", body, source="vpc_flow", records=len(lines))
        self.facts += [_stated(flow, f"{prefix}/{place}") for place, flow in enumerate(flows) if flow.fact is not None]

    def _quiet(self, window: int, flows: list[Flow]) -> Iterator[str]:
        heard = {(flow.interface.interface_id, flow.end // 60) for flow in flows}
        for minute in range(window, window + WINDOW_SECONDS, 60):
            for interface in self.interfaces:
                if (interface, minute) in self.skipped:
                    yield _nothing(interface, minute, "SKIPDATA")
                elif interface.born <= minute and (interface.interface_id, minute // 60) not in heard:
                    yield _nothing(interface, minute, "NODATA")


def _with_fact(flow: Flow, fact: Json | None) -> Flow:
    return replace(flow, fact=fact)


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


def _nothing(interface: Interface, minute: int, status: str) -> str:
    blank = "- - - - - - -"
    where = f"{interface.vpc_id} {interface.subnet_id} {interface.instance_id}"
    head = f"5 {ACCOUNT} {interface.interface_id} {blank} {minute} {minute + 58} - {status}"
    return f"{head} {where} - - - - - -"
