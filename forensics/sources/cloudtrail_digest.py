"""CloudTrail digest files: what log files were delivered in an hour, with hashes chained from digest to digest."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from forensics.key_layout import trail
from forensics.source import About, BlindSpot, Column, EventMap, Source

COLUMNS = (
    Column("awsAccountId", doc="Account of the trail."),
    Column("digestStartTime", "TIMESTAMP", "Start of the period of delivery that is covered."),
    Column("digestEndTime", "TIMESTAMP", "End of the period of delivery that is covered."),
    Column("digestS3Bucket", doc="Bucket the digest was delivered to; part of what is signed."),
    Column("digestS3Object", doc="Key the digest was delivered under; part of what is signed."),
    Column("digestPublicKeyFingerprint", doc="Key that signed the digest."),
    Column("digestSignatureAlgorithm", doc="SHA256withRSA."),
    Column("newestEventTime", "TIMESTAMP", "Latest event in the files listed."),
    Column("oldestEventTime", "TIMESTAMP", "Earliest event in the files listed."),
    Column("previousDigestS3Bucket", doc="Bucket of the digest before; NULL of the first."),
    Column("previousDigestS3Object", doc="Key of the digest before; NULL of the first."),
    Column("previousDigestHashValue", doc="SHA-256 of the digest before, decompressed, in hex."),
    Column("previousDigestHashAlgorithm", doc="SHA-256."),
    Column("previousDigestSignature", doc="Signature of the digest before, in hex."),
    Column("logFiles", "JSON", "Files delivered: bucket, key, hash, times of events."),
)


def claims(record: Mapping[str, Any]) -> bool:
    """A digest."""
    return {"digestS3Object", "digestEndTime", "logFiles"} <= record.keys()


SOURCE = Source(
    name="cloudtrail_digest",
    title="CloudTrail digest files",
    reference="CloudTrail digest file structure",
    columns=COLUMNS,
    event=EventMap(
        columns={
            "time": "s.digest_end_time",
            "account_id": "s.aws_account_id",
            "region": "nullif(regexp_extract(s.digest_s3_object, '/CloudTrail-Digest/([a-z0-9-]+)/', 1), '')",
            "action": "'cloudtrail:Digest'",
            "resources": "list_filter([s.digest_s3_bucket], lambda r: r IS NOT NULL)",
            "summary": """'digest of ' || coalesce(s.number_of_log_files, 0) || ' log files delivered until '
      || coalesce(CAST(s.digest_end_time AS VARCHAR), '?')
      || CASE WHEN s.previous_digest_s3_object IS NULL THEN ', the first of a chain' ELSE '' END""",
        },
    ),
    layouts=(
        trail("CloudTrail-Digest", timedelta(hours=26), "an hour is told within the next; for log files 24 hours late"),
    ),
    about=About(
        recognised="the folder CloudTrail-Digest of AWSLogs, or JSON with digestS3Object and logFiles",
        delivered="a trail to S3 (gzip JSON), if log file validation is on",
        delay="hourly, for hours without log files too",
        minutes=120,
        organisation="organisation trail",
        cannot_show=(
            BlindSpot("api", "Files delivered while validation was off."),
            BlindSpot(
                "api",
                "Whether its own signature holds: that stands in the metadata of the object and needs AWS's public key.",
            ),
        ),
    ),
    keys=(
        r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>\d{12})/CloudTrail-Digest/(?P<region>[a-z0-9-]+)/\d{4}/\d\d/\d\d/(?!.*\.head\.json$)",
    ),
    claims=claims,
    required=("digest_s3_object",),
    derived=(("number_of_log_files", "BIGINT", "CAST(json_array_length(s.log_files) AS BIGINT)"),),
    account="s.aws_account_id",
    region="nullif(regexp_extract(s.digest_s3_object, '/CloudTrail-Digest/([a-z0-9-]+)/', 1), '')",
)
