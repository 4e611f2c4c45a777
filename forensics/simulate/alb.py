"""Access logs of an Application Load Balancer: a file per five minutes and node, its name AWS's.

Source: Access logs for your Application Load Balancer.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from forensics.simulate.ledger import Ask, Ledger
from forensics.simulate.storage import Storage, gzip_bytes
from forensics.simulate.world import ACCOUNT, REGION, WINDOW_SECONDS, Ids, Json, date_path, iso_ms, stamp, window_of

BUCKET = "example-trail-logs"


class Request(NamedTuple):
    """A request as its client made it; `target` is an address and port of a VPC, `-` for a function's."""

    client: str
    target: str
    method: str
    url: str
    agent: str
    moment: float
    seconds: float = 0.012
    status: int = 200
    received: int = 310
    sent: int = 1402
    group: str = "web"


@dataclass
class Balancer:
    """Takes requests in any order and writes those of finished windows."""

    storage: Storage
    ids: Ids
    ledger: Ledger
    name: str
    vpc: str
    node: str = "10.0.0.9"
    number: str = "50dc6c495c0c9188"
    pending: dict[int, list[tuple[int, str, tuple[Ask, ...]]]] = field(default_factory=dict)
    marked: set[str] = field(default_factory=set)
    facts: list[Json] = field(default_factory=list)

    def request(self, request: Request, *, late: int = 0, malicious: bool = False) -> str:
        """Take a request; returns its trace id. Of the intruder's, `facts` gets what the truth says."""
        done = int((request.moment + request.seconds) * 1000)
        trace = f"Root=1-{int(request.moment):08x}-{self.ids.hex(24)}"
        asks: tuple[Ask, ...] = (Ask("used_from", "public_ip", request.client.rpartition(":")[0]),)
        if request.target != "-":
            asks = (*asks, Ask("endpoint", "private_ip", request.target.rpartition(":")[0], self.vpc))
        line = self._line(request, done, trace)
        window = window_of(done // 1000) + late * WINDOW_SECONDS
        self.pending.setdefault(window, []).append((done, line, asks))
        if malicious:
            self.marked.add(line)
        return trace

    def deliver(self, before: int) -> None:
        """Write the files of all windows that start before a moment."""
        for window in sorted(window for window in self.pending if window < before):
            lines = sorted(self.pending.pop(window))
            published = window + WINDOW_SECONDS
            folder = f"{BUCKET}/AWSLogs/{ACCOUNT}/elasticloadbalancing/{REGION}/{date_path(published)}"
            place = f"app.{self.name}.{self.number}_{stamp(published)}_{self.node}_{self.ids.text(8).lower()}"
            key = f"{folder}/{ACCOUNT}_elasticloadbalancing_{REGION}_{place}.log.gz"
            body = gzip_bytes("".join(f"{line}\n" for _, line, _ in lines).encode())
            prefix = self.storage.put(key, body, source="alb", records=len(lines))
            for number, (done, line, asks) in enumerate(lines):
                if line in self.marked:
                    self.facts.append({"event_id": f"{prefix}/{number}", "source": "alb"})
                self.ledger.note(f"{prefix}/{number}", "alb", (done / 1000, done / 1000), asks)

    def _line(self, request: Request, done: int, trace: str) -> str:
        status = request.status if request.status < 502 else "-"
        group = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/{request.group}/73e2d6bc24d8a067"
        host = "shop.example.com"
        parts = (
            *("https", f"{iso_ms(done)[:-1]}456Z", f"app/{self.name}/{self.number}", request.client, request.target),
            *("0.001", f"{request.seconds:.3f}", "0.000", request.status, status, request.received, request.sent),
            *(f'"{request.method} https://{host}:443{request.url} HTTP/2.0"', f'"{request.agent}"'),
            *("ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2", group, f'"{trace}"', f'"{host}"'),
            *('"session-reused"', 1, f"{iso_ms(int(request.moment * 1000))[:-1]}210Z", '"waf,forward"', '"-"', '"-"'),
            *(f'"{request.target}"', f'"{status}"', '"-"', '"-"', f"TID_{self.ids.hex(16)}", '"-"', '"-"', '"-"'),
            self.node,
        )
        return " ".join(str(part) for part in parts)
