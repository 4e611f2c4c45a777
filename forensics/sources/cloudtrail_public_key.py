"""CloudTrail public keys: those that digests of log files were signed with, by Region."""

from collections.abc import Mapping
from typing import Any

from forensics.source import About, Column, EventMap, Source

COLUMNS = (
    Column("Fingerprint", doc="Fingerprint of the key, as a digest names it in digestPublicKeyFingerprint."),
    Column("Value", doc="The key: DER of PKCS #1, in base64."),
    Column("ValidityStartTime", "TIMESTAMP", "When the key began to be valid.", epoch="s"),
    Column("ValidityEndTime", "TIMESTAMP", "When the key ceased to be valid.", epoch="s"),
    Column("accountId", doc="Account that was asked; NULL where the answer was kept without its question."),
    Column("region", doc="Region that was asked, whose digests these keys sign; NULL as above."),
)


def claims(record: Mapping[str, Any]) -> bool:
    """An item of the answer."""
    return record.keys() >= {"Fingerprint", "Value"} and bool(record.keys() & {"ValidityStartTime", "ValidityEndTime"})


SOURCE = Source(
    name="cloudtrail_public_key",
    title="Public keys of CloudTrail digests",
    reference="ListPublicKeys",
    columns=COLUMNS,
    event=EventMap(
        columns={
            "time": "s.validity_start_time",
            "end_time": "s.validity_end_time",
            "account_id": "s.account_id",
            "region": "s.region",
            "action": "'cloudtrail:PublicKey'",
            "resources": "list_filter([s.fingerprint], lambda r: r IS NOT NULL)",
            "summary": "'public key ' || s.fingerprint || ' of digests in ' || coalesce(s.region, 'an unknown Region')",
        },
    ),
    about=About(
        recognised="JSON with Fingerprint, Value and the validity of a key, in PublicKeyList or by itself",
        delivered="by `forensics collect`, or `aws cloudtrail list-public-keys` for each Region",
        delay="none",
        hourly=False,
        organisation="keys are those of a Region, of whichever account",
        cannot_show=("Of which Region the keys are, where only the answer was kept.",),
    ),
    claims=claims,
    lists=("PublicKeyList", "publicKeyList"),
    required=("fingerprint", "value"),
    account="s.account_id",
    region="s.region",
)
