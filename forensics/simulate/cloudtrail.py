"""CloudTrail records of API calls, in files as a trail delivers them: per five minutes, account and region.

Source: CloudTrail record contents for management, data, and network activity events.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from forensics.simulate.digest_chain import Delivered
from forensics.simulate.ledger import Ask, Ledger
from forensics.simulate.storage import Storage, gzip_bytes
from forensics.simulate.world import (
    ACCOUNT,
    REGION,
    WINDOW_SECONDS,
    Caller,
    Ids,
    Json,
    date_path,
    iso,
    stamp,
    window_of,
)

BUCKET = "example-trail-logs"

_READS = ("Get", "List", "Describe", "Head", "Lookup", "Decrypt", "GenerateDataKey", "Search")
_READ_ONLY_MINTS = ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
_OBJECT_CALLS = ("GetObject", "PutObject", "HeadObject", "DeleteObject", "ListObjects")


class Denied(NamedTuple):
    """Why a call failed: `errorCode` and `errorMessage`."""

    code: str
    message: str


def access_denied(who: Caller, action: str, resource: str = "*", *, code: str = "AccessDenied") -> Denied:
    """AWS's words for a missing permission."""
    reason = "because no identity-based policy allows the action"
    user = f"User: {who.identity.get('arn')}"
    text = f"{user} is not authorized to perform: {action} on resource: {resource} {reason}"
    return Denied(code, text.replace("20150331", ""))


@dataclass
class Trail:
    """Takes calls in any order and writes those of finished windows, oldest first.

    `endpoints` says in which VPC each VPC endpoint is that the logs show being made.
    """

    storage: Storage
    ids: Ids
    ledger: Ledger = field(default_factory=Ledger)
    endpoints: dict[str, str] = field(default_factory=dict)
    pending: dict[tuple[int, str, str], list[Json]] = field(default_factory=dict)

    def call(
        self,
        who: Caller,
        action: str,
        when: float,
        *,
        ask: Json | None = None,
        answer: Json | None = None,
        failed: Denied | None = None,
        extra: Json | None = None,
        account: str = ACCOUNT,
    ) -> str:
        """Records `service:eventName` and returns its eventID; `extra` adds or replaces record fields."""
        service, name = action.split(":", 1)
        record = self._head(who, service, name, when)
        if failed:
            record |= {"errorCode": failed.code, "errorMessage": failed.message}
        record |= {"requestParameters": ask, "responseElements": answer}
        record |= self._tail(service, name, account)
        if who.credential is not None and not who.address.endswith(".amazonaws.com"):
            record["tlsDetails"] = _tls(service, who.region)
        if who.endpoint:
            record["vpcEndpointId"] = who.endpoint
            record["vpcEndpointAccountId"] = account
        record |= extra or {}
        self.add(record)
        return str(record["eventID"])

    def add(self, record: Json, *, late: int = 0) -> None:
        """Queues a record for the window of its time, or one that many windows later."""
        account = record["recipientAccountId"]
        moment = _epoch(record) + late * WINDOW_SECONDS
        self.pending.setdefault((window_of(moment), account, record["awsRegion"]), []).append(record)
        self._note(record)

    def again(self, event_id: str, *, late: int) -> None:
        """Delivers a call that is still queued a second time, so many windows later."""
        queued = (record for records in list(self.pending.values()) for record in records)
        self.add(next(record for record in queued if record["eventID"] == event_id), late=late)

    def deliver(self, before: int) -> None:
        """Writes the files of all windows that start before a moment."""
        for key in sorted(key for key in self.pending if key[0] < before):
            self._write(key, self.pending.pop(key))

    def _write(self, key: tuple[int, str, str], records: list[Json]) -> None:
        window, account, region = key
        published = window + 2 * WINDOW_SECONDS
        records.sort(key=lambda record: (record["eventTime"], record["eventID"]))
        for place in range(0, len(records) - 1, 5):
            records[place], records[place + 1] = records[place + 1], records[place]
        folder = f"{BUCKET}/AWSLogs/{account}/CloudTrail/{region}/{date_path(published)}"
        name = f"{account}_CloudTrail_{region}_{stamp(published)}_{self.ids.text(16)}.json.gz"
        body = json.dumps({"Records": records}, separators=(",", ":"), ensure_ascii=False).encode()
        self.storage.put(f"{folder}/{name}", gzip_bytes(body), source="cloudtrail", records=len(records))
        times = sorted(record["eventTime"] for record in records)
        path = f"{folder}/{name}".removeprefix(f"{BUCKET}/")
        self.delivered((account, region), published, Delivered.of(path, body, oldest=times[0], newest=times[-1]))

    def delivered(self, whose: tuple[str, str], published: int, file: Delivered) -> None:
        """Told of every log file: the account and Region it is of, and when it was delivered."""

    def _note(self, record: Json) -> None:
        identity, address = record["userIdentity"], record["sourceIPAddress"]
        key, scope = identity.get("accessKeyId"), identity.get("inScopeOf")
        asks: list[Ask] = []
        if "invokedBy" in identity:
            return
        if key:
            asks.append(Ask("issued_to", "access_key_id", key))
            if scope:
                self.ledger.issue(key, (scope["credentialsIssuedTo"],), "recorded")
        if endpoint := record.get("vpcEndpointId"):
            asks.append(Ask("used_from", "private_ip", address, self.endpoints.get(endpoint, "unknown")))
        elif address[:1].isdigit():
            asks.append(Ask("used_from", "public_ip", address))
        moment = float(_epoch(record))
        self.ledger.note(record["eventID"], "cloudtrail", (moment, moment), tuple(asks))

    def _head(self, who: Caller, service: str, name: str, when: float) -> Json:
        bracketed = service == "s3" and who.credential is not None
        return {
            "eventVersion": "1.11",
            "userIdentity": who.identity,
            "eventTime": iso(when),
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": who.region,
            "sourceIPAddress": who.address,
            "userAgent": f"[{who.agent}]" if bracketed else who.agent,
        }

    def _tail(self, service: str, name: str, account: str) -> Json:
        data = service == "s3" and name in _OBJECT_CALLS
        return {
            "requestID": self.ids.text(16) if service == "s3" else self.ids.uuid(),
            "eventID": self.ids.uuid(),
            "readOnly": (name.startswith(_READS) and name != "GetFederationToken") or name in _READ_ONLY_MINTS,
            "eventType": "AwsConsoleSignIn" if service == "signin" else "AwsApiCall",
            "managementEvent": not data,
            "recipientAccountId": account,
            "eventCategory": "Data" if data else "Management",
        }


def s3_object(bucket: str, key: str, *, sent: int = 0, received: int = 0, listing: bool = False) -> Json:
    """Keyword arguments of `Trail.call` for an object-level S3 call; `sent` and `received` are S3's bytes."""
    host = f"{bucket}.s3.{REGION}.amazonaws.com"
    ask = {"bucketName": bucket, "Host": host}
    ask |= {"list-type": "2", "prefix": key, "encoding-type": "url"} if listing else {"key": key}
    kind = {"type": "AWS::S3::Object", "ARNPrefix" if listing else "ARN": f"arn:aws:s3:::{bucket}/{key}"}
    owner = {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}
    details = {
        "SignatureVersion": "SigV4",
        "CipherSuite": "TLS_AES_128_GCM_SHA256",
        "bytesTransferredIn": received,
        "AuthenticationMethod": "AuthHeader",
        "bytesTransferredOut": sent,
    }
    return {"ask": ask, "extra": {"additionalEventData": details, "resources": [kind, owner]}}


def _tls(service: str, region: str) -> Json:
    host = f"{service}.amazonaws.com" if service == "iam" else f"{service}.{region}.amazonaws.com"
    return {
        "tlsVersion": "TLSv1.3",
        "cipherSuite": "TLS_AES_128_GCM_SHA256",
        "clientProvidedHostHeader": host,
    }


def _epoch(record: Json) -> int:
    return int(datetime.fromisoformat(record["eventTime"]).timestamp())
