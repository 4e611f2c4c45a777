"""S3 server access logs under date-partitioned keys; an entry has the request id of its CloudTrail data event.

Source: Amazon S3 server access log format; Enabling Amazon S3 server access logging.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import NamedTuple
from urllib.parse import quote

from forensics.simulate.ledger import Ask, Ledger
from forensics.simulate.storage import Storage
from forensics.simulate.world import ACCOUNT, REGION, WINDOW_SECONDS, Caller, Ids, Json, window_of

BUCKET = "example-access-logs"
OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47exmpl"


class Access(NamedTuple):
    """An operation on an object; `request_id` is that of the data event, where there is one.

    `malicious`: an act of the intruder, to be stated in the truth's `attack_records`.
    """

    bucket: str
    key: str
    operation: str
    moment: float
    status: int = 200
    sent: int = 0
    size: int = 0
    request_id: str = ""
    malicious: bool = False


@dataclass
class AccessLogs:
    """Takes operations in any order and writes one object per bucket and five minutes.

    `endpoints` says in which VPC each VPC endpoint is; `facts` are the intruder's lines, once written.
    """

    storage: Storage
    ids: Ids
    ledger: Ledger
    endpoints: Mapping[str, str] = field(default_factory=dict)
    pending: dict[tuple[int, str], list[tuple[float, str, tuple[Ask, ...], Json | None]]] = field(default_factory=dict)
    facts: list[Json] = field(default_factory=list)

    def access(self, who: Caller, access: Access, *, late: int = 0) -> None:
        """Take an operation of a caller; without a request id it has no data event, and the log alone shows it."""
        request = access.request_id or self.ids.text(16)
        line = self._line(who, access, request)
        window = window_of(access.moment) + late * WINDOW_SECONDS
        asks: list[Ask] = []
        key = who.credential
        if key and access.request_id:
            asks.append(Ask("issued_to", "access_key_id", key.access_key_id))
        elif key and key.session:
            asks.append(Ask("issued_to", "session", key.session))
        if who.endpoint and access.request_id:
            asks.append(Ask("used_from", "private_ip", who.address, self.endpoints.get(who.endpoint, "unknown")))
        elif not who.endpoint:
            asks.append(Ask("used_from", "public_ip", who.address))
        fact: Json | None = None
        if access.malicious:
            fact = {"source_ip": who.address, "bucket": access.bucket, "key": access.key, "operation": access.operation}
        self.pending.setdefault((window, access.bucket), []).append((access.moment, line, tuple(asks), fact))

    def deliver(self, before: int) -> None:
        """Write the objects of all windows that start before a moment."""
        for window, bucket in sorted(key for key in self.pending if key[0] < before):
            lines = sorted(self.pending.pop((window, bucket)), key=itemgetter(0, 1))
            moment = datetime.fromtimestamp(window + WINDOW_SECONDS, UTC)
            folder = f"{BUCKET}/{ACCOUNT}/{REGION}/{bucket}/{moment:%Y/%m/%d}"
            key = f"{folder}/{moment:%Y-%m-%d-%H-%M-%S}-{self.ids.hex(16).upper()}"
            body = "".join(f"{line}\n" for _, line, _, _ in lines).encode()
            prefix = self.storage.put(key, body, source="s3_access", records=len(lines))
            for number, (when, _, asks, fact) in enumerate(lines):
                self.ledger.note(f"{prefix}/{number}", "s3_access", (when, when), asks)
                if fact:
                    self.facts.append({"event_id": f"{prefix}/{number}", "source": "s3_access"} | fact)

    def _line(self, who: Caller, access: Access, request: str) -> str:
        moment = datetime.fromtimestamp(int(access.moment), UTC)
        requester = (who.credential and (who.credential.session or who.credential.principal)) or "-"
        once = quote(access.key)
        parts = (
            *(OWNER, access.bucket, f"[{moment:%d/%b/%Y:%H:%M:%S} +0000]", who.address, requester, request),
            *(access.operation, quote(once), f'"{access.operation.split(".")[1]} /{once} HTTP/1.1"', access.status),
            *("-" if access.status < 400 else "AccessDenied", access.sent or "-", access.size or "-", 41, 38),
            *('"-"', f'"{who.agent}"', "-", f"{self.ids.text(20)}=", "SigV4", "ECDHE-RSA-AES128-GCM-SHA256"),
            *("AuthHeader", f"{access.bucket}.s3.{REGION}.amazonaws.com", "TLSv1.3", "-", "-"),
            REGION if not who.endpoint else "-",
        )
        return " ".join(str(part) for part in parts)
