"""Files of trails with log file validation: real chains, signed with throw-away keys, and ways to tamper with them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from forensics.simulate.digest_chain import Delivered, DigestChain, Made, signed
from forensics.simulate.digest_key import fingerprint, made_up_key, public_value
from forensics.simulate.storage import gzip_bytes
from forensics.simulate.world import date_path, iso, stamp
from tests.loading import ACCOUNT, records, trail, zipped

HOUR = 3600
START = 1793836800
"""2026-11-05 00:00 UTC."""
BUCKET = "trail-logs"
REGION = "us-east-1"


def other_key() -> rsa.RSAPrivateKey:
    """A key that is not CloudTrail's."""
    return rsa.generate_private_key(65537, 2048)


def log_key(number: int, at: int, *, account: str = ACCOUNT, region: str = REGION, organisation: str = "") -> str:
    owner = f"{organisation}/{account}" if organisation else account
    name = f"{account}_CloudTrail_{region}_{stamp(at)}_Example{number:09d}.json.gz"
    return f"AWSLogs/{owner}/CloudTrail/{region}/{date_path(at)}/{name}"


@dataclass
class Trail:
    """One chain with the log files it lists; `files` are paths and bytes, `keys` what ListPublicKeys says."""

    chain: DigestChain
    files: dict[str, bytes] = field(default_factory=dict)
    logs: list[list[str]] = field(default_factory=list)
    heads: bool = True
    folder: str = BUCKET
    first: int = 0

    def hour(self, number: int, *, logs: int = 2, anew: bool = False, end: int | None = None) -> Made:
        """Deliver the log files of an hour from START on, and its digest."""
        begin = START + number * HOUR
        delivered = [self.log(begin + 600 * place, self.first + 100 * number + place) for place in range(logs)]
        self.logs.append([item.key for item in delivered])
        return self.put(self.chain.deliver(begin, end or begin + HOUR, delivered, anew=anew))

    def log(self, at: int, number: int) -> Delivered:
        chain = self.chain
        more = {"recipientAccountId": chain.account, "awsRegion": chain.region, "eventID": f"e-{chain.region}-{number}"}
        content = records(trail(eventTime=iso(at), **more))
        key = log_key(number, at, account=chain.account, region=chain.region, organisation=chain.organisation)
        self.files[f"{self.folder}/{key}"] = zipped(content)
        return Delivered.of(key, content, oldest=iso(at), newest=iso(at))

    def put(self, made: Made, at: str = "") -> Made:
        """Write a digest and its side file, under its own key or another."""
        path = f"{self.folder}/{at or made.key}"
        self.files[path] = made.data
        if self.heads:
            self.files[f"{path}.head.json"] = made.head
        return made

    def remove(self, key: str) -> None:
        """Delete an object, with what head-object said of it."""
        del self.files[f"{self.folder}/{key}"]
        self.files.pop(f"{self.folder}/{key}.head.json", None)

    def edit(self, key: str, data: bytes) -> None:
        """Put other content in the place of an object."""
        self.files[f"{self.folder}/{key}"] = gzip_bytes(data)


def chain_of(hours: int = 6, *, heads: bool = True, **about: Any) -> Trail:
    """An untouched chain from START on."""
    made = Trail(DigestChain(BUCKET, **about), heads=heads)
    for number in range(hours):
        made.hour(number, anew=number == 0)
    return made


def keys(*held: rsa.RSAPrivateKey, region: str = REGION) -> dict[str, bytes]:
    """The output of `aws cloudtrail list-public-keys`."""
    return {
        f"keys/{region}.json": json.dumps({"PublicKeyList": [_item(key) for key in held or (made_up_key(),)]}).encode()
    }


def asked(*held: rsa.RSAPrivateKey, region: str = REGION) -> dict[str, bytes]:
    """A page of ListPublicKeys, which says what was asked: the whole day."""
    parameters = {"StartTime": "2026-11-05T00:00:00Z", "EndTime": "2026-11-06T00:00:00Z"}
    call = {
        "service": "cloudtrail",
        "operation": "ListPublicKeys",
        "parameters": parameters,
        "account_id": ACCOUNT,
        "region": region,
    }
    page = {"call": call, "response": {"PublicKeyList": [_item(key) for key in held or (made_up_key(),)]}}
    return {f"pages/{region}.json": json.dumps(page).encode()}


def _item(key: rsa.RSAPrivateKey) -> dict[str, str]:
    valid = {"ValidityStartTime": "2026-10-20T00:00:00Z", "ValidityEndTime": "2026-12-01T00:00:00Z"}
    return {"Value": public_value(key), **valid, "Fingerprint": fingerprint(key)}


def document(made: Made) -> dict[str, Any]:
    """What a digest says."""
    return dict(json.loads(made.content))


def resigned(made: Made, key: rsa.RSAPrivateKey, *, own_name: bool = False, **changed: Any) -> Made:
    """A digest that says something else, signed with another key, under CloudTrail's fingerprint or its own."""
    named = {"digestPublicKeyFingerprint": fingerprint(key)} if own_name else {}
    return signed(document(made) | named | changed, key, made.end)


def together(*trails: Trail, more: Sequence[dict[str, bytes]] = ()) -> dict[str, bytes]:
    """The files of several trails."""
    return {path: data for held in (*(one.files for one in trails), *more) for path, data in held.items()}
