"""GuardDuty findings about the made-up flows and calls: an instance's traffic, a key used elsewhere, each with its records."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isal import igzip

from tests.benchmarks.made_up import ACCOUNT, Clock, events, flows, interfaces, moment

Json = dict[str, Any]

REGION = "us-east-1"
DETECTOR = "12abc34d567e8fa901bc2d34e56789f0"
_KEY = re.compile(
    rb'"principalId":"([^"]+)","arn":"[^"]+","accountId":"\d+","accessKeyId":"([^"]+)".*?"sourceIPAddress":"([^"]+)"'
)


def write_findings(folder: Path, *, flow_files: int, trail_files: int, lasting: int, seed: int = 1) -> int:
    """Two findings of each file of flows, one of each of the trail, an hour long; returns how many."""
    made = random.Random(seed)
    found = [
        *(
            item
            for number in range(flow_files)
            for item in _traffic(seed + number, number * lasting // flow_files, made)
        ),
        *(
            item
            for number in range(trail_files)
            for item in _calls(seed + number, number * lasting // trail_files, made)
        ),
    ]
    path = folder / f"AWSLogs/{ACCOUNT}/GuardDuty/{REGION}/2026/11/05" / "findings.jsonl.gz"
    path.parent.mkdir(parents=True)
    with igzip.open(path, "wb", compresslevel=2) as out:
        out.write("".join(json.dumps(item) + "\n" for item in found).encode())
    return len(found)


def _traffic(seed: int, begin: int, made: random.Random) -> Iterator[Json]:
    """Findings about the first two instances of a file of flows that talked to an address outside."""
    hosts = {eni: (near, place.split()[1]) for eni, near, place in interfaces(seed) if not place.endswith(" -")}
    lines = (line.split() for line in next(flows(2_000, seed=seed)).decode().splitlines())
    talks = {line[2]: line for line in lines if line[2] in hosts and "203.0.113." in " ".join(line[3:5])}
    for eni, line in list(talks.items())[:2]:
        near, instance = hosts[eni]
        peer = next(address for address in line[3:5] if address.startswith("203.0.113."))
        card = {"networkInterfaceId": eni, "privateIpAddress": near, "vpcId": "vpc-0123456789abcdef0"}
        resource = {
            "resourceType": "Instance",
            "instanceDetails": {"instanceId": instance, "networkInterfaces": [card]},
        }
        talk = {"connectionDirection": "OUTBOUND", "protocol": "TCP", "remoteIpDetails": {"ipAddressV4": peer}}
        action = {"actionType": "NETWORK_CONNECTION", "networkConnectionAction": talk}
        yield _finding("CryptoCurrency:EC2/BitcoinTool.B", resource, action, begin, made)


def _calls(seed: int, begin: int, made: random.Random) -> Iterator[Json]:
    """A finding about the key of the first call of a file of the trail."""
    first = _KEY.search(next(events(1, seed=seed, alike=True, clock=Clock(begin, 1))))
    if not first:
        raise ValueError("the made-up calls name no key: the pattern here no longer fits their shape")
    who, key, address = (part.decode() for part in first.groups())
    named = {"accessKeyId": key, "principalId": who, "userType": "AssumedRole", "userName": "role"}
    call = {"api": "GetObject", "serviceName": "s3.amazonaws.com", "remoteIpDetails": {"ipAddressV4": address}}
    action = {"actionType": "AWS_API_CALL", "awsApiCallAction": call}
    kind = "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS"
    yield _finding(kind, {"resourceType": "AccessKey", "accessKeyDetails": named}, action, begin, made)


def _finding(kind: str, resource: Json, action: Json, begin: int, made: random.Random) -> Json:
    name = f"{made.getrandbits(128):032x}"
    first, last = (f"{moment(second)}.000Z" for second in (begin, begin + 3_600))
    seen = {"serviceName": "guardduty", "detectorId": DETECTOR, "eventFirstSeen": first, "eventLastSeen": last}
    return {
        "schemaVersion": "2.0",
        "accountId": ACCOUNT,
        "region": REGION,
        "partition": "aws",
        "id": name,
        "arn": f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/{DETECTOR}/finding/{name}",
        "type": kind,
        "resource": resource,
        "service": seen | {"action": action, "resourceRole": "TARGET", "archived": False, "count": 3},
        "severity": 8.0,
        "createdAt": last,
        "updatedAt": last,
        "title": "A made-up finding.",
        "description": "A made-up finding.",
    }
