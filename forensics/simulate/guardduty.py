"""GuardDuty findings and their updates, exported to S3 as JSON lines.

Source: Exporting generated GuardDuty findings to Amazon S3; GuardDuty finding format.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from forensics.simulate.ledger import Ask, Ledger
from forensics.simulate.storage import Storage, gzip_bytes
from forensics.simulate.world import (
    ACCOUNT,
    REGION,
    Credential,
    Ids,
    Instance,
    Json,
    date_path,
    iso_ms,
    window_of,
)

BUCKET = "example-trail-logs"
DETECTOR = "12abc34d567e8fa901bc2d34e56789f0"


@dataclass(frozen=True)
class Finding:
    """What stays the same over a finding's updates."""

    type: str
    severity: float
    title: str
    description: str
    resource: Json
    action: Json
    role: str = "TARGET"
    info: Json = field(default_factory=dict)


@dataclass
class GuardDuty:
    """Takes findings in any order and writes those of finished windows, one object per window."""

    storage: Storage
    ids: Ids
    ledger: Ledger = field(default_factory=Ledger)
    pending: dict[int, list[Json]] = field(default_factory=dict)

    def report(self, finding: Finding, *, first_seen: int, updates: list[tuple[int, int]]) -> str:
        """Exports one version per (updated at, count) and returns the finding's id."""
        name = self.ids.hex(32)
        created = updates[0][0]
        for updated, count in updates:
            version = _version(finding, name, (created, updated), count=count, first_seen=first_seen)
            self.pending.setdefault(window_of(updated), []).append(version)
        moments = (float(first_seen), float(updates[-1][0] - 180))
        self.ledger.note(name, "guardduty", moments, () if finding.info.get("sample") else _asks(finding))
        for card in finding.resource.get("instanceDetails", {}).get("networkInterfaces", ()):
            for moment in (first_seen, updates[-1][0]):
                self.ledger.see("eni", card["networkInterfaceId"], moment)
                self.ledger.see("private_ip", card["privateIpAddress"], moment)
                self.ledger.see("public_ip", card["publicIp"] or "", moment)
        return name

    def deliver(self, before: int) -> None:
        """Writes the objects of all windows that start before a moment."""
        for window in sorted(window for window in self.pending if window < before):
            versions = self.pending.pop(window)
            lines = "".join(json.dumps(version, separators=(",", ":")) + "\n" for version in versions)
            folder = f"{BUCKET}/AWSLogs/{ACCOUNT}/GuardDuty/{REGION}/{date_path(window)}"
            key = f"{folder}/{self.ids.uuid()}.jsonl.gz"
            self.storage.put(key, gzip_bytes(lines.encode()), source="guardduty", records=len(versions))


def _asks(finding: Finding) -> tuple[Ask, ...]:
    """What a finding asks: about the key it names, where an API was called from, and what its resource block names."""
    resource, action = finding.resource, finding.action.get("awsApiCallAction", {})
    asks: list[Ask] = []
    if key := resource.get("accessKeyDetails", {}).get("accessKeyId"):
        asks.append(Ask("issued_to", "access_key_id", key))
    if remote_ip := action.get("remoteIpDetails", {}).get("ipAddressV4"):
        asks.append(Ask("used_from", "public_ip", remote_ip))
    named = [
        resource.get("lambdaDetails", {}).get("functionArn"),
        resource.get("ecsClusterDetails", {}).get("taskDetails", {}).get("arn"),
    ]
    if instance := resource.get("instanceDetails", {}).get("instanceId"):
        named.append(f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{instance}")
    pod = resource.get("kubernetesDetails", {}).get("kubernetesWorkloadDetails", {})
    if pod.get("type") == "pods":
        named.append(f"k8s:{resource['eksClusterDetails']['name']}/{pod['namespace']}/{pod['name']}")
    return (*asks, *(Ask("endpoint", "workload", each) for each in named if each))


def _version(finding: Finding, name: str, times: tuple[int, int], *, count: int, first_seen: int) -> Json:
    created, updated = times
    service: Json = {
        "serviceName": "guardduty",
        "detectorId": DETECTOR,
        "action": finding.action,
        "resourceRole": finding.role,
        "additionalInfo": finding.info | {"type": "default", "value": json.dumps(finding.info)},
        "eventFirstSeen": iso_ms(first_seen * 1000),
        "eventLastSeen": iso_ms((updated - 180) * 1000),
        "archived": False,
        "count": count,
    }
    return {
        "schemaVersion": "2.0",
        "accountId": ACCOUNT,
        "region": REGION,
        "partition": "aws",
        "id": name,
        "arn": f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/{DETECTOR}/finding/{name}",
        "type": finding.type,
        "resource": finding.resource,
        "service": service,
        "severity": finding.severity,
        "createdAt": iso_ms(created * 1000 + 214),
        "updatedAt": iso_ms(updated * 1000 + 214),
        "title": finding.title,
        "description": finding.description,
    }


def access_key_resource(credential: Credential, name: str, *, buckets: tuple[str, ...] = ()) -> Json:
    """The resource block of a finding about an access key; `buckets` make it one about S3."""
    identity = credential.identity
    resource: Json = {
        "resourceType": "S3Bucket" if buckets else "AccessKey",
        "accessKeyDetails": {
            "accessKeyId": credential.access_key_id,
            "principalId": identity["principalId"],
            "userType": identity["type"],
            "userName": name,
        },
    }
    if buckets:
        owner = {"id": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}
        resource["s3BucketDetails"] = [
            {
                "arn": f"arn:aws:s3:::{bucket}",
                "name": bucket,
                "type": "Destination",
                "owner": owner,
                "tags": [],
            }
            for bucket in buckets
        ]
    return resource


def instance_resource(instance: Instance) -> Json:
    """The resource block of a finding about an EC2 instance."""
    interface = instance.interface
    card = {
        "networkInterfaceId": interface.interface_id,
        "privateIpAddress": interface.private_ip,
        "privateIpAddresses": [{"privateIpAddress": interface.private_ip}],
        "publicIp": interface.public_ip,
        "subnetId": interface.subnet_id,
        "vpcId": interface.vpc_id,
        "securityGroups": [{"groupId": interface.security_group, "groupName": "web"}],
        "ipv6Addresses": [],
    }
    details = {
        "instanceId": instance.instance_id,
        "instanceType": "t3.small",
        "launchTime": iso_ms(instance.launched * 1000),
        "instanceState": "running",
        "availabilityZone": f"{REGION}a",
        "networkInterfaces": [card],
        "tags": [{"key": "Name", "value": instance.name}],
    }
    return {"resourceType": "Instance", "instanceDetails": details}


def remote(address: str) -> Json:
    """`remoteIpDetails` of an address of nowhere."""
    place: dict[str, Any] = {"country": {"countryName": "Exampleland"}, "city": {"cityName": "Exampleville"}}
    network = {
        "asn": "64500",
        "asnOrg": "Example Hosting",
        "isp": "Example Hosting",
        "org": "Example Hosting",
    }
    return {"ipAddressV4": address, "organization": network, "geoLocation": {"lat": 0.0, "lon": 0.0}} | place


def api_call(service: str, api: str, address: str, agent: str) -> Json:
    """An `AWS_API_CALL` action."""
    call = {
        "api": api,
        "serviceName": f"{service}.amazonaws.com",
        "callerType": "Remote IP",
        "userAgent": agent,
        "remoteIpDetails": remote(address),
        "affectedResources": {},
    }
    return {"actionType": "AWS_API_CALL", "awsApiCallAction": call}


def port_probe(instance: Instance, address: str, port: int) -> Json:
    """A `PORT_PROBE` action."""
    detail = {
        "localPortDetails": {"port": port, "portName": "SSH" if port == 22 else "Unknown"},
        "localIpDetails": {"ipAddressV4": instance.interface.private_ip},
        "remoteIpDetails": remote(address),
    }
    return {"actionType": "PORT_PROBE", "portProbeAction": {"blocked": False, "portProbeDetails": [detail]}}
