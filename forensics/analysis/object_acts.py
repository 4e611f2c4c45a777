"""What an intrusion did to S3's objects: read, written over under another key, deleted, put; one statement for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forensics.analysis.intrusion import Intrusion
from forensics.analysis.statement import Statement, named
from forensics.analysis.technique import ENCRYPTED, technique
from forensics.analysis.traces import MOST_CITED
from forensics.analysis.words import count, during, listed, size
from forensics.case import Query

OBJECTS = """
SELECT o.event_id, o.time, o.action, o.access_key_id, o.principal, o.source_ip, o.bytes, o.bucket, o.key, o.version_id,
  o.encryption, o.written,
  CASE
    WHEN o.action IN ('s3:GetObject', 's3:SelectObjectContent', 's3:GetObjectTorrent') THEN 'read'
    WHEN o.action = 's3:CopyObject' AND o.copied IN (o.bucket || '/' || o.key, '/' || o.bucket || '/' || o.key)
      AND o.encryption IS NOT NULL THEN 'rewritten'
    WHEN o.action IN ('s3:PutObject', 's3:CompleteMultipartUpload') AND o.encryption IS NOT NULL THEN 'rewritten'
    WHEN o.action = 's3:CopyObject' THEN 'copied'
    WHEN o.action = 's3:DeleteObject' AND o.version_id IS NOT NULL THEN 'deleted for good'
    WHEN o.action = 's3:DeleteObject' THEN 'deleted'
    WHEN o.action = 's3:DeleteObjects' THEN 'deleted together'
    ELSE 'put' END AS what
FROM (
  SELECT t.event_id, t.time, t.action, t.access_key_id, t.principal, t.source_ip, coalesce(t.bytes, 0) AS bytes,
    json_extract_string(c.request_parameters, '$.bucketName') AS bucket,
    json_extract_string(c.request_parameters, '$.key') AS key,
    json_extract_string(c.request_parameters, '$.versionId') AS version_id,
    url_decode(json_extract_string(c.request_parameters, '$."x-amz-copy-source"')) AS copied,
    json_extract_string(c.additional_event_data, '$.bytesTransferredIn') AS written,
    CASE
      WHEN json_extract_string(c.request_parameters, '$."x-amz-server-side-encryption-customer-algorithm"') IS NOT NULL
        OR json_extract_string(c.additional_event_data, '$.SSEApplied') = 'SSE_C' THEN 'a key that only the caller has (SSE-C)'
      WHEN regexp_extract(json_extract_string(c.request_parameters, '$."x-amz-server-side-encryption-aws-kms-key-id"'),
        '^arn:[^:]*:kms:[^:]*:([0-9]{12}):', 1) NOT IN ('', coalesce(t.account_id, ''))
        THEN 'a KMS key of another account, ' || json_extract_string(c.request_parameters,
          '$."x-amz-server-side-encryption-aws-kms-key-id"') END AS encryption
  FROM timeline AS t
  JOIN cloudtrail AS c ON c.object_id = t.object_id AND c.record = t.record
  WHERE t.outcome = 'success'
    AND t.action IN ('s3:GetObject', 's3:SelectObjectContent', 's3:GetObjectTorrent', 's3:CopyObject', 's3:PutObject',
      's3:CompleteMultipartUpload', 's3:DeleteObject', 's3:DeleteObjects')
) AS o
"""
"""Calls on objects that succeeded, and what each did."""

_GROUPED = f"""
SELECT o.what, o.access_key_id, o.principal, o.source_ip, o.bucket, o.encryption, count(*) AS calls,
  count(DISTINCT o.key) AS objects, CAST(sum(o.bytes) AS BIGINT) AS bytes, min(o.time) AS first, max(o.time) AS last,
  arg_min(o.action, (o.time, o.event_id)) AS action, array_agg(DISTINCT o.key) AS keys,
  array_agg(o.event_id ORDER BY o.time, o.event_id) AS ids
FROM (\n{OBJECTS}\n) AS o
GROUP BY o.what, o.access_key_id, o.principal, o.source_ip, o.bucket, o.encryption
ORDER BY min(o.time), o.what, o.bucket, o.source_ip
"""

_EACH = f"""
SELECT o.bucket, o.key, string_agg(DISTINCT o.what, ', ' ORDER BY o.what) AS done, CAST(sum(o.bytes) AS BIGINT) AS bytes_read,
  max(o.encryption) AS under, min(o.time) AS first, max(o.time) AS last,
  string_agg(DISTINCT o.source_ip, ', ' ORDER BY o.source_ip) AS addresses,
  CASE WHEN bool_or(o.what = 'rewritten') THEN 'only an earlier version or a copy elsewhere'
    WHEN bool_or(o.what = 'deleted for good') THEN 'that version is gone; others may be there'
    WHEN bool_or(o.what IN ('deleted', 'deleted together')) THEN 'under its delete marker, if versions were kept'
    WHEN bool_or(o.what = 'put') THEN 'written; what was there before only as an earlier version'
    ELSE 'untouched' END AS remains
FROM (\n{OBJECTS}\n) AS o
WHERE o.key IS NOT NULL
GROUP BY o.bucket, o.key
ORDER BY bool_or(o.what <> 'read') DESC, o.bucket, min(o.time), o.key
"""

_TOTALS = f"""
SELECT o.what, count(*) AS calls, count(DISTINCT (o.bucket, o.key)) AS objects, CAST(sum(o.bytes) AS BIGINT) AS bytes,
  min(o.time) AS first, max(o.time) AS last, array_agg(DISTINCT o.bucket) AS buckets
FROM (\n{OBJECTS}\n) AS o
GROUP BY o.what
ORDER BY min(o.time), o.what
"""


def each(intrusion: Intrusion) -> Query:
    """A row for each object that the intrusion's calls name: what was done to it, and what may remain of it."""
    return intrusion.calls.select(_EACH)


def totals(intrusion: Intrusion) -> Query:
    """A row for each kind of act on objects: calls, objects, bytes read, times, buckets."""
    return intrusion.calls.select(_TOTALS)


def statements(intrusion: Intrusion) -> Iterator[Statement]:
    """A statement for each kind of act, credential, address and bucket."""
    for number, row in enumerate(intrusion.calls.select(_GROUPED).rows(), 1):
        yield _statement(f"object-{number:02d}", row)


def _statement(identifier: str, row: tuple[Any, ...]) -> Statement:
    what, key, principal, address, bucket, encryption, calls, objects, octets, first, last, action, names, ids = row
    said = _SAID[what].format(key=encryption)
    shown = sorted(str(name) for name in names if name)
    text = (
        f"With the credential {key}{f' of {principal}' if principal else ''} from {address or 'an address not recorded'},"
        f" {count(calls, 'call')} of {action} {during(first, last)}: {count(objects, 'object')} of"
        f" {bucket or 'a bucket not named'} {'was' if objects == 1 else 'were'} {said}"
        + (f"; S3 sent {size(octets)}" if octets else "")
        + "."
    )
    if shown:
        text += f" Objects: {listed(shown)}."
    if len(ids) > MOST_CITED:
        text += f" The first {MOST_CITED:,} records are cited."
    return Statement(
        id=identifier,
        title=f"{count(objects, 'object')} of {bucket or 'a bucket'} {_TITLE[what]}",
        statement=text,
        time=first,
        certainty="recorded",
        technique=ENCRYPTED if what == "rewritten" else technique(action),
        principal=principal,
        resources=(f"arn:aws:s3:::{bucket}",) if bucket else (),
        evidence=named(ids[:MOST_CITED]),
    )


_SAID = {
    "read": "read",
    "rewritten": "written over with themselves or anew under {key}: without that key nobody can read them",
    "copied": "copied",
    "deleted for good": "deleted by version: no marker is left, and that version cannot be brought back",
    "deleted": "deleted, under a delete marker if the bucket keeps versions",
    "deleted together": "deleted, as many as the request listed, which the record does not repeat",
    "put": "put",
}
_TITLE = {what: what if what != "rewritten" else "rewritten under another key" for what in _SAID}
