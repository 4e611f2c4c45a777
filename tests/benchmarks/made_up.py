"""Logs for the benchmarks: CloudTrail events and flow records of many shapes, the same for the same seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from isal import igzip

ACCOUNT = "111122223333"
START = 1_793_869_200
BLOCK = 2_000
KEYS = 3_001
"""Keys that the trail uses."""
FEW = 20_000
"""Keys that it hands out, where they are few."""
LEVEL = 2
"""Of isal's 0 to 3."""

FIELDS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
    " vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id flow-direction traffic-path"
)
ECS_FIELDS = " ecs-cluster-name ecs-service-name ecs-task-id ecs-container-id"

_HEAD = (
    '{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE%(role)05d:%(name)s",'
    '"arn":"arn:aws:sts::111122223333:assumed-role/role-%(role)d/%(name)s","accountId":"111122223333",'
    '"accessKeyId":"ASIAEXAMPLE%(key)09d","sessionContext":{"sessionIssuer":{"type":"Role",'
    '"principalId":"AROAEXAMPLE%(role)05d","arn":"arn:aws:iam::111122223333:role/service-role/role-%(role)d",'
    '"accountId":"111122223333","userName":"role-%(role)d"},"attributes":{"creationDate":"2026-11-05T08:55:02Z",'
    '"mfaAuthenticated":"false"}}},"eventTime":"%(time)sZ","awsRegion":"us-east-1",'
    '"sourceIPAddress":"%(address)s","userAgent":"aws-sdk-java/2.20.%(minor)d Linux/5.10 OpenJDK_64-Bit_Server_VM/17'
    ' Java/17.0.9 vendor/Made_up io/sync http/Apache cfg/retry-mode/standard exec-env/%(name)s",'
)
_TAIL = (
    '"requestID":"%(request)016X","eventID":"%(event)08x-0000-4000-8000-%(request)012x","eventType":"AwsApiCall",'
    '"recipientAccountId":"111122223333","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256",'
    '"clientProvidedHostHeader":"service.us-east-1.amazonaws.com"}}'
)
_OBJECT = "arn:aws:s3:::bucket-%(bucket)d/data/2026/11/05/%(event)d.parquet"
_PUT = (
    '"eventSource":"s3.amazonaws.com","eventName":"%(s3)s","readOnly":false,"managementEvent":false,'
    '"eventCategory":"Data","requestParameters":{"bucketName":"bucket-%(bucket)d","Host":'
    '"bucket-%(bucket)d.s3.us-east-1.amazonaws.com","key":"data/2026/11/05/%(event)d.parquet","x-amz-acl":"private"},'
    '"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256",'
    '"bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"%(long)064x","bytesTransferredOut":'
    '%(bytes)d},"resources":[{"type":"AWS::S3::Object","ARN":"' + _OBJECT + '"},{"accountId":"111122223333","type":'
    '"AWS::S3::Bucket","ARN":"arn:aws:s3:::bucket-%(bucket)d"}],'
)
_DESCRIBE = (
    '"eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","readOnly":true,"managementEvent":true,'
    '"eventCategory":"Management","requestParameters":{"maxResults":1000,"instancesSet":{"items":[{"instanceId":'
    '"i-0%(request)016x"},{"instanceId":"i-0%(key)016x"}]},"filterSet":{"items":[{"name":"tag:Service","valueSet":'
    '{"items":[{"value":"%(name)s"}]}},{"name":"instance-state-name","valueSet":{"items":[{"value":"running"},'
    '{"value":"pending"},{"value":"stopping"}]}},{"name":"vpc-id","valueSet":{"items":[{"value":"vpc-0%(role)016x"}]}}]}},'
    '"responseElements":null,"vpcEndpointId":"vpce-0%(role)016x",'
)
_ASSUME = (
    '"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","readOnly":true,"managementEvent":true,'
    '"eventCategory":"Management","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/role-%(bucket)d",'
    '"roleSessionName":"%(name)s","durationSeconds":3600},"responseElements":{"credentials":{"accessKeyId":'
    '"ASIAEXAMPLE%(minted)09d","sessionToken":"%(long)0400x","expiration":"Nov 5, 2026, 10:55:02 AM"},'
    '"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE%(bucket)05d:%(name)s","arn":'
    '"arn:aws:sts::111122223333:assumed-role/role-%(bucket)d/%(name)s"}},"resources":[{"accountId":"111122223333",'
    '"type":"AWS::IAM::Role","ARN":"arn:aws:iam::111122223333:role/role-%(bucket)d"}],'
)
_DENIED = (
    '"eventSource":"kms.amazonaws.com","eventName":"Decrypt","errorCode":"AccessDenied","errorMessage":"User: '
    "arn:aws:sts::111122223333:assumed-role/role-%(role)d/%(name)s is not authorized to perform: kms:Decrypt on "
    'resource: arn:aws:kms:us-east-1:111122223333:key/%(event)08x because no identity-based policy allows it",'
    '"readOnly":true,"managementEvent":true,"eventCategory":"Management","requestParameters":{"encryptionContext":'
    '{"aws:lambda:FunctionArn":"arn:aws:lambda:us-east-1:111122223333:function:made-up-%(bucket)d","purpose":'
    '"%(long)064x"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"},"responseElements":null,'
)
_INVOKE = (
    '"eventSource":"lambda.amazonaws.com","eventName":"Invoke","readOnly":false,"managementEvent":false,'
    '"eventCategory":"Data","requestParameters":{"functionName":"arn:aws:lambda:us-east-1:111122223333:function:made-up-'
    '%(bucket)d","sourceArn":"arn:aws:events:us-east-1:111122223333:rule/every-%(minor)d-minutes"},"responseElements":'
    'null,"additionalEventData":{"customerEniId":"eni-0%(role)016x","functionVersion":"%(minor)d","trace":"%(long)0200x"},'
    '"resources":[{"accountId":"111122223333","type":"AWS::Lambda::Function","ARN":'
    '"arn:aws:lambda:us-east-1:111122223333:function:made-up-%(bucket)d"}],'
)
_SHAPES = tuple(_HEAD + body + _TAIL for body in (_PUT, _PUT, _PUT, _DESCRIBE, _DESCRIBE, _ASSUME, _DENIED, _INVOKE))
_S3 = ("GetObject", "PutObject", "HeadObject", "DeleteObject", "CopyObject")


_FAR = ("203.0.113.%d%.0s", "198.51.100.%d%.0s", "10.1.%d.%d", "10.2.%d.%d")


@dataclass(frozen=True)
class Clock:
    """When the records of a file are: so many seconds after 09:00, so many records a second."""

    begin: int
    rate: float

    def second(self, place: int) -> int:
        """Seconds after 09:00 of the record at that place in its file."""
        return self.begin + int(place // self.rate)


@cache
def moment(second: int) -> str:
    """So many seconds after `START`, as CloudTrail writes it, without its Z."""
    return datetime.fromtimestamp(START + second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def events(count: int, *, seed: int, alike: bool = False, clock: Clock | None = None) -> Iterator[bytes]:
    """CloudTrail records, commas between them, `BLOCK` at a time; about 1.8 kB each.

    Each is of a role, a session, a key and an address of its own choice, worse than any trail; `alike`, of one of the
    three thousand sessions that have a key, a role and an address each, and hand out few keys.
    """
    made = random.Random(seed)
    clock = clock or Clock(0, 100)
    for first in range(0, count, BLOCK):
        chosen = range(first, min(first + BLOCK, count))
        yield ",".join(_event(made, place, clock, alike=alike) for place in chosen).encode()


def _event(made: random.Random, place: int, clock: Clock, *, alike: bool) -> str:
    number, second = made.getrandbits(48), clock.second(place)
    who = number % KEYS if alike else number
    return _SHAPES[number % 8] % {
        "role": who % 211,
        "name": f"session-{who % 5_003}",
        "key": who % KEYS,
        "time": moment(second),
        "address": f"10.{who % 251}.{who % 239}.{who % 233}",
        "minor": number % 29,
        "request": number,
        "event": place,
        "minted": KEYS + number % FEW if alike else place,
        "bucket": number % 53,
        "s3": _S3[number % 5],
        "long": number**5,
        "bytes": number % 1_000_003,
    }


def flows(
    count: int, *, seed: int, ecs: bool = False, alike: bool = False, clock: Clock | None = None
) -> Iterator[bytes]:
    """Lines of flow records, `BLOCK` at a time: 25 fields, 29 with those of ECS.

    Of ECS each names one of forty tasks; `alike`, the one task that the interface is of, if it is no instance's.
    """
    made = random.Random(seed)
    clock = clock or Clock(0, 1_000)
    ends = _interfaces(made)
    more = (" shop orders {task} %.0s%032x" if alike else " shop orders %032x %032x") if ecs else ""
    for first in range(0, count, BLOCK):
        lines = (_flow(made.getrandbits(60), clock.second(first), ends, more) for _ in range(min(BLOCK, count - first)))
        yield "".join(lines).encode()


def interfaces(seed: int) -> list[tuple[str, str, str]]:
    """The interfaces of the flows of that seed: id, private address, and subnet with the instance or `-`."""
    return _interfaces(random.Random(seed))


def _interfaces(made: random.Random) -> list[tuple[str, str, str]]:
    return [_interface(made) for _ in range(500)]


def _interface(made: random.Random) -> tuple[str, str, str]:
    instance = f"i-0{made.getrandbits(64):016x}" if made.random() < 0.6 else "-"
    address = f"10.0.{made.randrange(256)}.{made.randrange(256)}"
    return f"eni-0{made.getrandbits(64):016x}", address, f"subnet-0{made.randrange(6):016x} {instance}"


def task_of(interface: str) -> str:
    """The id of the task whose interface that is."""
    return interface.removeprefix("eni-0") * 2


def _flow(number: int, second: int, ends: list[tuple[str, str, str]], more: str) -> str:
    interface, near, place = ends[number % 500]
    far = _FAR[number % 4] % (number % 251, number % 239)
    port, time = 1_024 + number % 60_013, START + second
    inward = number & 1 << 40
    pair = f"{far} {near}" if inward else f"{near} {far}"
    ports = f"{port} 443" if inward else f"443 {port}"
    direction = "ingress -" if inward else "egress 8"
    tail = more % (number % 41, number % 83) if more else ""
    if "{task}" in tail:
        tail = tail.format(task=task_of(interface)) if place.endswith(" -") else " - - - -"
    return (
        f"5 {ACCOUNT} {interface} {pair} {ports} 6 {1 + number % 89} {40 + number % 90_001} {time} {time + 58} ACCEPT OK"
        f" vpc-0123456789abcdef0 {place} 19 IPv4 {pair} us-east-1 use1-az1 {direction}{tail}\n"
    )


def write_trail(
    folder: Path, count: int, *, per_file: int, seed: int = 1, alike: bool = False, lasting: int = 0
) -> Path:
    """Files of `{"Records": […]}`, named as CloudTrail names them: one after the other if they are `lasting` seconds."""
    folder.mkdir(parents=True)
    for number, first in enumerate(range(0, count, per_file)):
        name = f"{ACCOUNT}_CloudTrail_us-east-1_20261105T0900Z_{number:016d}.json.gz"
        clock = _clock(first, count, lasting)
        blocks = events(min(per_file, count - first), seed=seed + number, alike=alike, clock=clock)
        _write(folder / name, _around(b'{"Records":[', blocks, b"]}", between=b","))
    return folder


def write_flows(
    folder: Path, count: int, *, per_file: int, seed: int = 1, alike: bool = False, lasting: int = 0
) -> Path:
    """Files of flow records under a header, every third with the fields of ECS; named as the service names them.

    They are one after the other if they are `lasting` seconds, else all at once.
    """
    folder.mkdir(parents=True)
    for number, first in enumerate(range(0, count, per_file)):
        ecs = number % 3 == 2
        header = (FIELDS + (ECS_FIELDS if ecs else "") + "\n").encode()
        name = f"{ACCOUNT}_vpcflowlogs_us-east-1_fl-0example_20261105T0900Z_{number:08x}.log.gz"
        clock = _clock(first, count, lasting)
        blocks = flows(min(per_file, count - first), seed=seed + number, ecs=ecs, alike=alike, clock=clock)
        _write(folder / name, _around(header, blocks, b"", between=b""))
    return folder


def _clock(first: int, count: int, lasting: int) -> Clock | None:
    """The clock of the file that begins with that record of `count`."""
    return Clock(first * lasting // count, count / lasting) if lasting else None


def _around(head: bytes, blocks: Iterator[bytes], tail: bytes, *, between: bytes) -> Iterator[bytes]:
    yield head
    for place, block in enumerate(blocks):
        yield between + block if place else block
    yield tail


def _write(path: Path, pieces: Iterator[bytes]) -> None:
    with igzip.open(path, "wb", compresslevel=LEVEL) as out:
        for piece in pieces:
            out.write(piece)
