"""Changes of buckets that let data out or let it be lost, what each means, and how it is taken back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from shlex import quote
from typing import Any

from forensics.analysis.deeds import Deed, Kind
from forensics.analysis.isolation import Command
from forensics.analysis.policy import trusts
from forensics.analysis.words import listed

_BUCKET = "$.bucketName"


def _again(action: str, delete: str = "") -> tuple[tuple[str, str], ...]:
    return ((action, _BUCKET), *(((delete, _BUCKET),) if delete else ()))


KINDS: tuple[Kind, ...] = (
    Kind("s3:PutBucketVersioning", "versioning", _BUCKET, ends=_again("s3:PutBucketVersioning")),
    Kind(
        "s3:PutBucketLifecycle", "lifecycle", _BUCKET, ends=_again("s3:PutBucketLifecycle", "s3:DeleteBucketLifecycle")
    ),
    Kind(
        "s3:PutBucketReplication",
        "replication",
        _BUCKET,
        ends=_again("s3:PutBucketReplication", "s3:DeleteBucketReplication"),
    ),
    Kind("s3:PutBucketPolicy", "policy", _BUCKET, ends=_again("s3:PutBucketPolicy", "s3:DeleteBucketPolicy")),
    Kind("s3:DeleteBucketPolicy", "policy deleted", _BUCKET, ends=_again("s3:PutBucketPolicy")),
    Kind("s3:PutBucketAcl", "ACL", _BUCKET, ends=_again("s3:PutBucketAcl")),
    Kind("s3:PutBucketPublicAccessBlock", "public access", _BUCKET, ends=_again("s3:PutBucketPublicAccessBlock")),
    Kind("s3:DeleteBucketPublicAccessBlock", "public access", _BUCKET, ends=_again("s3:PutBucketPublicAccessBlock")),
    Kind(
        "s3:PutBucketEncryption",
        "encryption",
        _BUCKET,
        ends=_again("s3:PutBucketEncryption", "s3:DeleteBucketEncryption"),
    ),
    Kind("s3:PutBucketLogging", "access log", _BUCKET, ends=_again("s3:PutBucketLogging")),
    Kind("s3:PutBucketObjectLockConfiguration", "object lock", _BUCKET),
    Kind("s3:DeleteBucket", "deletion", _BUCKET, ends=_again("s3:CreateBucket")),
)

ACTIONS: tuple[str, ...] = tuple(kind.action for kind in KINDS)


def meaning(deed: Deed) -> str:
    """What the change means for the bucket's data, as far as the call itself says."""
    said = _MEANING.get(deed.kind.what)
    return said(deed) if said else f"the bucket's {deed.kind.what} is changed"


def restoring(deed: Deed) -> Iterator[Command]:
    """The command that takes the change back; none where only a person can know what was there before."""
    made = _RESTORING.get(deed.kind.what)
    if made and deed.thing:
        purpose, command = made(quote(deed.thing))
        yield Command(purpose, command)


def _part(deed: Deed, *names: str) -> Any:
    value: Any = deed.asked
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _items(value: Any) -> list[dict[str, Any]]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]


def _text(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:300]


def _versioning(deed: Deed) -> str:
    status = _part(deed, "VersioningConfiguration", "Status")
    if status == "Suspended":
        return "no version is kept of what is written over or deleted from then on; earlier versions stay until deleted"
    return f"versioning is {_text(status or 'set')}"


def _lifecycle(deed: Deed) -> str:
    rules = _items(_part(deed, "LifecycleConfiguration", "Rule"))
    days = [_text(item["Expiration"]["Days"]) for item in rules if "Days" in (item.get("Expiration") or {})]
    return f"S3 itself deletes objects after {listed(days)} day(s)" if days else "what S3 deletes by itself is changed"


def _replication(deed: Deed) -> str:
    rules = _items(_part(deed, "ReplicationConfiguration", "Rule"))
    found = [item["Destination"] for item in rules if isinstance(item.get("Destination"), dict)]
    names = [
        _text(item.get("Bucket")) + (f" of the account {_text(item['Account'])}" if item.get("Account") else "")
        for item in found
    ]
    return f"every new object is copied to {listed(names) or 'a bucket not named'}"


def _policy(deed: Deed) -> str:
    return f"the bucket may be used by {trusts(deed.asked.get('bucketPolicy') or deed.asked.get('policy'))}"


_MEANING: Mapping[str, Callable[[Deed], str]] = {
    "versioning": _versioning,
    "lifecycle": _lifecycle,
    "replication": _replication,
    "policy": _policy,
    "public access": lambda _: "what keeps the bucket from being public is changed or gone",
    "deletion": lambda _: "the bucket itself is deleted; its name can be taken by others",
}

_CLOSED = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"

_RESTORING: Mapping[str, Callable[[str], tuple[str, str]]] = {
    "versioning": lambda bucket: (
        f"keep versions in the bucket {bucket} again",
        f"aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled",
    ),
    "lifecycle": lambda bucket: (
        f"take the lifecycle from the bucket {bucket} at once, it runs about once a day; put the former one back",
        f"aws s3api delete-bucket-lifecycle --bucket {bucket}",
    ),
    "replication": lambda bucket: (
        f"stop the replication of the bucket {bucket}",
        f"aws s3api delete-bucket-replication --bucket {bucket}",
    ),
    "policy": lambda bucket: (
        f"put the former policy of the bucket {bucket} back (from AWS Config or code)",
        f"aws s3api put-bucket-policy --bucket {bucket} --policy file://FORMER-POLICY.json",
    ),
    "public access": lambda bucket: (
        f"block public access to the bucket {bucket}",
        f"aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration {_CLOSED}",
    ),
}
