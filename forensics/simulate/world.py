"""The made-up world that every writer shares: clock, identifiers, principals, credentials, workloads."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

Json = dict[str, Any]

ACCOUNT = "111122223333"
PARTNER_ACCOUNT = "444455556666"
REGION = "us-east-1"
SECOND_REGION = "eu-west-1"
WINDOW_SECONDS = 300

_DAY = datetime(2026, 11, 5, tzinfo=UTC)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def at(clock: str) -> int:
    """Epoch seconds of `HH:MM` or `HH:MM:SS` on the simulated day, UTC."""
    hours, minutes, *seconds = (int(part) for part in clock.split(":"))
    return int(_DAY.timestamp()) + hours * 3600 + minutes * 60 + sum(seconds)


def iso(seconds: float) -> str:
    """Whole-second ISO time with `Z`, as CloudTrail writes it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_ms(milliseconds: int) -> str:
    """ISO time with milliseconds and `Z`, as Lambda and GuardDuty write it."""
    return f"{iso(milliseconds // 1000)[:-1]}.{milliseconds % 1000:03d}Z"


def us_text(seconds: int) -> str:
    """The 12-hour US form of STS and IAM responses: `Nov 5, 2026, 8:55:02 PM`."""
    moment = datetime.fromtimestamp(seconds, UTC)
    half = "AM" if moment.hour < 12 else "PM"
    clock = f"{moment.hour % 12 or 12}:{moment:%M:%S} {half}"
    return f"{_MONTHS[moment.month - 1]} {moment.day}, {moment.year}, {clock}"


def date_path(seconds: int) -> str:
    """`YYYY/MM/DD` of an S3 key."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y/%m/%d")


def stamp(seconds: int) -> str:
    """`YYYYMMDDTHHMMZ` of an S3 file name."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%MZ")


def window_of(seconds: float) -> int:
    """Start of the five-minute delivery window that holds a moment."""
    return int(seconds) // WINDOW_SECONDS * WINDOW_SECONDS


@dataclass(frozen=True)
class Ids:
    """Identifiers drawn from one seeded stream: the same draws give the same world."""

    rng: Random

    def hex(self, digits: int) -> str:
        """So many random hex digits."""
        return f"{self.rng.getrandbits(4 * digits):0{digits}x}"

    def uuid(self) -> str:
        """A random UUID, version 4."""
        return f"{self.hex(8)}-{self.hex(4)}-4{self.hex(3)}-8{self.hex(3)}-{self.hex(12)}"

    def text(self, length: int) -> str:
        """Random characters of the alphabet of AWS's unique ids."""
        return "".join(self.rng.choices(_BASE32, k=length))

    def unique(self, prefix: str, length: int = 9) -> str:
        """`ASIAEXAMPLE…`, `AROAEXAMPLE…`: AWS's form and length, visibly made up."""
        return f"{prefix}EXAMPLE{self.text(length)}"

    def resource(self, prefix: str) -> str:
        """`eni-0…`, `i-0…`: seventeen hex digits."""
        return f"{prefix}-0{self.hex(16)}"


@dataclass(frozen=True)
class Role:
    """An IAM role; `arn` is its key as a principal."""

    name: str
    unique_id: str
    path: str = "/"
    account: str = ACCOUNT

    @property
    def arn(self) -> str:
        """The role's ARN, with its path."""
        return f"arn:aws:iam::{self.account}:role{self.path}{self.name}"

    def session_arn(self, session: str) -> str:
        """The session's STS ARN, which has no path."""
        return f"arn:aws:sts::{self.account}:assumed-role/{self.name}/{session}"


@dataclass(frozen=True)
class User:
    """An IAM user of the account."""

    name: str
    unique_id: str

    @property
    def arn(self) -> str:
        """The user's ARN."""
        return f"arn:aws:iam::{ACCOUNT}:user/{self.name}"


@dataclass(frozen=True)
class Interface:
    """A network interface; `instance_id` is `-` where AWS owns what is attached."""

    interface_id: str
    private_ip: str
    subnet_id: str
    vpc_id: str
    instance_id: str = "-"
    public_ip: str | None = None
    security_group: str = "sg-0123456789abcdef0"
    born: int = 0
    died: int | None = None


@dataclass(frozen=True)
class Function:
    """A Lambda function; `interface` is None without a VPC configuration."""

    name: str
    role: Role
    runtime: str
    memory_mb: int
    timeout: int
    interface: Interface | None
    code_sha256: str
    json_logs: bool = False

    @property
    def arn(self) -> str:
        """The function's key as a workload."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"


@dataclass(frozen=True)
class Instance:
    """An EC2 instance with its one interface; `launched` is in epoch seconds."""

    instance_id: str
    name: str
    role: Role | None
    interface: Interface
    launched: int

    @property
    def arn(self) -> str:
        """The instance's key as a workload."""
        return f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{self.instance_id}"


@dataclass(frozen=True)
class Credential:
    """One access key id and the `userIdentity` its calls carry; times are epoch seconds."""

    access_key_id: str
    kind: str
    identity: Json
    principal: str
    session: str | None = None
    created: int | None = None
    expires: int | None = None
    workload: str | None = None


@dataclass(frozen=True)
class Caller:
    """Who calls, from where and with what client; `endpoint` is the VPC endpoint that a private address came through."""

    identity: Json
    address: str
    agent: str
    region: str = REGION
    credential: Credential | None = None
    endpoint: str | None = None

    def within(self, region: str) -> "Caller":
        """The same caller in another Region."""
        return replace(self, region=region)


def service_caller(service: str, region: str = REGION) -> Caller:
    """An AWS service that acts for itself, such as `lambda.amazonaws.com` minting a key."""
    return Caller({"type": "AWSService", "invokedBy": service}, service, service, region)


def caller(credential: Credential, address: str, agent: str, region: str = REGION) -> Caller:
    """The holder of a credential, calling from an address."""
    return Caller(credential.identity, address, agent, region, credential)


def user_credential(user: User, key: str) -> Credential:
    """A long-term key of an IAM user."""
    identity = _user_identity(user, key)
    return Credential(key, "long_term", identity, user.arn)


def user_session(user: User, key: str, *, created: int, kind: str, mfa: bool) -> Credential:
    """A temporary key of an IAM user, as the console uses: no session ARN, a `creationDate`."""
    identity = _user_identity(user, key)
    identity["sessionContext"] = {
        "sessionIssuer": {},
        "webIdFederationData": {},
        "attributes": _made(created, mfa),
    }
    return Credential(key, kind, identity, user.arn, None, created, created + 12 * 3600)


def role_session(role: Role, name: str, key: str, *, created: int, kind: str, hours: float) -> Credential:
    """A key of a role session, as any `AssumeRole…` mints one."""
    issuer = {
        "type": "Role",
        "principalId": role.unique_id,
        "arn": role.arn,
        "accountId": role.account,
        "userName": role.name,
    }
    identity: Json = {
        "type": "AssumedRole",
        "principalId": f"{role.unique_id}:{name}",
        "arn": role.session_arn(name),
        "accountId": role.account,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": issuer,
            "webIdFederationData": {},
            "attributes": _made(created, False),
        },
    }
    session = role.session_arn(name)
    return Credential(key, kind, identity, role.arn, session, created, created + int(hours * 3600))


def function_session(function: Function, key: str, *, created: int) -> Credential:
    """A key of an execution environment; its calls name the function in `inScopeOf`."""
    base = role_session(function.role, function.name, key, created=created, kind="workload", hours=12)
    scope = {"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": function.arn}
    return replace(base, identity=base.identity | {"inScopeOf": scope}, workload=function.arn)


def instance_session(instance: Instance, key: str, *, created: int) -> Credential:
    """A key of an instance profile, handed out by IMDSv2."""
    if instance.role is None:
        raise ValueError(f"{instance.instance_id} has no role")
    base = role_session(instance.role, instance.instance_id, key, created=created, kind="workload", hours=6)
    context = base.identity["sessionContext"] | {"ec2RoleDelivery": "2.0"}
    scope = {"issuerType": "AWS::EC2::Instance", "credentialsIssuedTo": instance.arn}
    identity = base.identity | {"sessionContext": context, "inScopeOf": scope}
    return replace(base, identity=identity, workload=instance.arn)


def forward_session(parent: Credential, key: str, *, service: str, created: int) -> Credential:
    """The fresh key a service uses on a caller's behalf; only `invokedBy` tells it from the caller's own."""
    identity = {name: value for name, value in parent.identity.items() if name != "inScopeOf"}
    context = identity.get("sessionContext") or {"sessionIssuer": {}, "webIdFederationData": {}}
    dated = context | {"attributes": context.get("attributes") or _made(created, False)}
    identity |= {"accessKeyId": key, "sessionContext": dated, "invokedBy": service}
    return Credential(key, "forward", identity, parent.principal, parent.session, created, None)


def _user_identity(user: User, key: str) -> Json:
    return {
        "type": "IAMUser",
        "principalId": user.unique_id,
        "arn": user.arn,
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "userName": user.name,
    }


def _made(created: int, mfa: bool) -> Json:
    return {"creationDate": iso(created), "mfaAuthenticated": "true" if mfa else "false"}
