"""Route 53 Resolver query logs of a VPC, a file per five minutes.

Source: Values that appear in VPC Resolver query logs; AWS resources that you can send VPC Resolver query logs to.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime

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
    iso,
    stamp,
    window_of,
)

BUCKET = "example-trail-logs"


@dataclass
class QueryLog:
    """Takes queries in any order and writes those of finished windows; `facts` are the intruder's, once written."""

    storage: Storage
    ids: Ids
    ledger: Ledger
    vpc: str
    pending: dict[int, list[tuple[Json, tuple[Ask, ...], bool]]] = field(default_factory=dict)
    facts: list[Json] = field(default_factory=list)

    def ask(
        self,
        card: Interface,
        name: str,
        moment: float,
        *,
        answer: str = "192.0.2.80",
        pod: str | None = None,
        malicious: bool = False,
    ) -> None:
        """A query from an interface, or from a pod's address of it; of the intruder's, `facts` gets the truth's word.

        Of what is no instance of the account `srcids` has an instance id all the same: one that is not in the account.
        """
        own = card.instance_id != "-"
        instance = card.instance_id if own else f"i-0{self.ids.hex(16)}"
        record = {
            "version": "1.100000",
            "account_id": ACCOUNT,
            "region": REGION,
            "vpc_id": self.vpc,
            "query_timestamp": iso(moment),
            "query_name": f"{name}.",
            "query_type": "A",
            "query_class": "IN",
            "rcode": "NOERROR",
            "answers": [{"Rdata": answer, "Type": "A", "Class": "IN"}],
            "srcaddr": pod or card.private_ip,
            "srcport": str(32768 + self.ids.rng.randrange(28000)),
            "transport": "UDP",
            "srcids": {"instance": instance},
        }
        asks: tuple[Ask, ...] = (Ask("endpoint", "private_ip", pod or card.private_ip, self.vpc),)
        if own:
            host = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{card.instance_id}"
            within = Ask("endpoint", "pod", pod, host) if pod else Ask("endpoint", "containers", host)
            asks = (Ask("endpoint", "workload", host), within)
        self.pending.setdefault(window_of(moment), []).append((record, asks, malicious))

    def deliver(self, before: int) -> None:
        """Write the files of all windows that start before a moment."""
        for window in sorted(window for window in self.pending if window < before):
            records = sorted(self.pending.pop(window), key=lambda record: str(record[0]["query_timestamp"]))
            published = window + WINDOW_SECONDS
            folder = f"{BUCKET}/AWSLogs/{ACCOUNT}/vpcdnsquerylogs/{self.vpc}/{date_path(published)}"
            name = f"{self.vpc}_vpcdnsquerylogs_{ACCOUNT}_{stamp(published)}_{self.ids.hex(8)}.log.gz"
            lines = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record, _, _ in records)
            source, count = "route53_resolver", len(records)
            prefix = self.storage.put(f"{folder}/{name}", gzip_bytes(lines.encode()), source=source, records=count)
            for number, (record, asks, malicious) in enumerate(records):
                moment = _epoch(str(record["query_timestamp"]))
                self.ledger.note(f"{prefix}/{number}", source, (moment, moment), asks)
                if malicious:
                    fact = {"event_id": f"{prefix}/{number}", "source": source, "source_ip": record["srcaddr"]}
                    self.facts.append(fact | {"name": record["query_name"]})


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
