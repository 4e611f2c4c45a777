"""What S3 says of an object beside its bytes: the output of `aws s3api head-object`, saved beside a copy of it."""

from collections.abc import Mapping
from typing import Any

from forensics.source import About, Column, EventMap, Source

COLUMNS = (
    Column("LastModified", "TIMESTAMP", "When the object was written."),
    Column("ContentLength", "BIGINT", "Bytes of the object."),
    Column("ETag", doc="ETag, in quotes."),
    Column("VersionId", doc="Version; NULL in a bucket without versions."),
    Column("ContentType", doc="Media type."),
    Column("ContentEncoding", doc="gzip of log files and digests."),
    Column("ServerSideEncryption", doc="AES256, aws:kms…"),
    Column("SSEKMSKeyId", doc="KMS key that encrypts it."),
    Column("StorageClass", doc="Storage class; NULL is STANDARD."),
    Column("ObjectLockMode", doc="GOVERNANCE or COMPLIANCE."),
    Column("ObjectLockRetainUntilDate", "TIMESTAMP", "Until when it is locked."),
    Column("ReplicationStatus", doc="PENDING, COMPLETED, FAILED or REPLICA."),
    Column("Metadata", "JSON", "User metadata; of a CloudTrail digest its signature and signature-algorithm."),
)


def claims(record: Mapping[str, Any]) -> bool:
    """The answer of HeadObject, with the names that the AWS CLI gives it."""
    return record.keys() >= {"ETag", "LastModified", "ContentLength", "Metadata"}


_OBJECT = r"regexp_replace(e.uri, '[.]head[.]json$', '')"

SOURCE = Source(
    name="s3_object_head",
    title="S3 objects' metadata as head-object tells it",
    reference="HeadObject",
    columns=COLUMNS,
    event=EventMap(
        columns={
            "time": "s.last_modified",
            "action": "'s3:ObjectWritten'",
            "resources": f"[{_OBJECT}]",
            "bytes": "s.content_length",
            "summary": f"'metadata of ' || regexp_extract({_OBJECT}, '[^/]*$')",
        },
        evidence=True,
    ),
    about=About(
        recognised="JSON with ETag, LastModified, ContentLength and Metadata",
        delivered="by `aws s3api head-object`, saved under the object's file name with `.head.json` after it",
        delay="none: a state at the moment of asking",
        hourly=False,
        organisation="the bucket that was asked",
        cannot_show=("Of which object it is, beyond the name it was saved under.",),
    ),
    keys=(r"\.head\.json$",),
    claims=claims,
    required=("last_modified",),
)
