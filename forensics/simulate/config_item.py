"""AWS Config configuration items of network interfaces and functions, in history files of six hours.

Source: Components of a configuration item; Example configuration history.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from forensics.simulate.ledger import Ledger
from forensics.simulate.storage import Storage, gzip_bytes
from forensics.simulate.world import ACCOUNT, REGION, Function, Ids, Interface, Json, iso_ms

BUCKET = "example-trail-logs"
INTERFACES = "AWS::EC2::NetworkInterface"
FUNCTIONS = "AWS::Lambda::Function"
_HISTORY = 6 * 3600
_LAG = 70
"""Seconds until Config has recorded a change."""


@dataclass
class ConfigItems:
    """Takes items in any order and writes one history file per kind of resource and six hours."""

    storage: Storage
    ids: Ids
    ledger: Ledger
    pending: dict[tuple[int, str], list[Json]] = field(default_factory=dict)

    def interface(self, card: Interface, description: str, *, owner: str) -> None:
        """An interface from its discovery, a good minute after birth, to its deletion; one that died sooner has none.

        `owner` is the account of what it is attached to.
        """
        seen = card.born + _LAG
        if card.died and card.died <= seen:
            return
        body = _interface(card, description, owner)
        arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/{card.interface_id}"
        item = {"resourceId": card.interface_id, "ARN": arn, "configuration": body}
        self.add(INTERFACES, item, seen, "ResourceDiscovered")
        if card.public_ip:
            self.ledger.see("public_ip", card.public_ip, seen)
        if card.died:
            gone = {"resourceId": card.interface_id, "ARN": arn, "configuration": None}
            self.add(INTERFACES, gone, card.died + _LAG, "ResourceDeleted")

    def function(self, function: Function, configuration: Json, when: int, status: str = "OK") -> None:
        """What Config saw of a function."""
        item = {"resourceId": function.name, "resourceName": function.name, "ARN": function.arn}
        self.add(FUNCTIONS, item | {"configuration": configuration}, when + _LAG, status)

    def add(self, kind: str, item: Json, when: int, status: str) -> None:
        """Take an item, recorded then."""
        known: Json = {
            "configurationItemVersion": "1.3",
            "configurationItemCaptureTime": iso_ms(when * 1000 + 731),
            "configurationItemStatus": status,
            "configurationStateId": when * 1000 + len(self.pending.get((when // _HISTORY, kind), ())),
            "awsAccountId": ACCOUNT,
            "awsRegion": REGION,
            "availabilityZone": f"{REGION}a",
            "resourceType": kind,
            "relatedEvents": [],
            "relationships": [],
            "supplementaryConfiguration": {},
            "tags": {},
        }
        self.pending.setdefault((when // _HISTORY, kind), []).append(known | item)

    def deliver(self, before: int) -> None:
        """Write the files of all periods that end before a moment."""
        for key in sorted(key for key in self.pending if (key[0] + 1) * _HISTORY <= before):
            self._write(key, self.pending.pop(key))

    def _write(self, key: tuple[int, str], items: list[Json]) -> None:
        period, kind = key
        items.sort(key=lambda item: (item["configurationItemCaptureTime"], item["resourceId"]))
        first, last = (datetime.fromtimestamp(moment * _HISTORY, UTC) for moment in (period, period + 1))
        folder = f"{BUCKET}/AWSLogs/{ACCOUNT}/Config/{REGION}/{last.year}/{last.month}/{last.day}/ConfigHistory"
        times = f"{first:%Y%m%dT%H%M%SZ}_{last:%Y%m%dT%H%M%SZ}"
        name = f"{ACCOUNT}_Config_{REGION}_ConfigHistory_{kind}_{times}_1.json.gz"
        body = json.dumps({"fileVersion": "1.0", "configurationItems": items}, separators=(",", ":"))
        self.storage.put(f"{folder}/{name}", gzip_bytes(body.encode()), source="config_item", records=len(items))


def _interface(card: Interface, description: str, owner: str) -> Json:
    attached: Json = {
        "attachmentId": card.interface_id.replace("eni-", "eni-attach-"),
        "deviceIndex": 0 if owner == ACCOUNT else 1,
        "instanceOwnerId": owner,
        "status": "attached",
        "deleteOnTermination": owner == ACCOUNT,
        "attachTime": iso_ms(card.born * 1000),
    }
    if card.instance_id != "-":
        attached["instanceId"] = card.instance_id
    public = {"publicIp": card.public_ip, "ipOwnerId": "amazon"} if card.public_ip else None
    address = {"privateIpAddress": card.private_ip, "primary": True} | ({"association": public} if public else {})
    body: Json = {
        "networkInterfaceId": card.interface_id,
        "description": description,
        "interfaceType": "interface",
        "attachment": attached,
        "privateIpAddress": card.private_ip,
        "privateIpAddresses": [address],
        "groups": [{"groupId": card.security_group, "groupName": "default"}],
        "subnetId": card.subnet_id,
        "vpcId": card.vpc_id,
        "ownerId": ACCOUNT,
        "requesterManaged": owner != ACCOUNT,
        "status": "in-use",
        "tagSet": [],
    }
    return body | ({"association": public} if public else {})
