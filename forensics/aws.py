"""AWS as one caller sees it: reads only; every call made by this package goes through here.

This is the only module that imports boto3. What is not a read is refused before anything is sent, whoever asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from threading import Lock
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, IncompleteReadError
from botocore.parsers import ResponseParserError

import forensics
from forensics.errors import AwsError, UsageError

READ_VERBS = ("BatchGet", "Describe", "Filter", "Get", "Head", "List", "Lookup", "Search", "Select")
"""How the operations begin that this package may call."""

OTHER_READS = frozenset({("sts", "AssumeRole"), ("logs", "StartQuery")})
"""Operations that change nothing either, although their names do not say so."""

_KINDS = {
    "expired": {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"},
    "credentials": {
        *("InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"),
        *("AuthFailure", "InvalidSignatureException", "InvalidToken", "IncompleteSignature"),
    },
    "clock": {"RequestTimeTooSkewed", "RequestInTheFuture"},
    "denied": {
        *("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AllAccessDisabled", "403", "Forbidden"),
        *("AuthorizationError", "AuthorizationErrorException", "NotAuthorized", "UnauthorizedAccess"),
    },
    "throttled": {
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "TooManyRequests", "429"),
        *("TooManyRequestsException", "SlowDown", "RequestThrottled", "RequestThrottledException", "503"),
        *("ProvisionedThroughputExceededException", "LimitExceededException", "BandwidthLimitExceeded"),
    },
    "missing": {
        *("NoSuchBucket", "NoSuchKey", "NoSuchVersion", "NoSuchEntity", "NotFoundException", "404", "NotFound"),
        *("ResourceNotFoundException", "ResourceNotFound", "NoSuchEntityException", "ClusterNotFoundException"),
    },
    "kms": {
        *("KMS.AccessDeniedException", "KMS.DisabledException", "KMS.NotFoundException", "KMS.InvalidStateException"),
        *("KMS.KMSInvalidStateException", "KMSAccessDeniedException", "KMSDisabledException"),
    },
    "archived": {"InvalidObjectState"},
    "region": {
        "PermanentRedirect",
        "AuthorizationHeaderMalformed",
        "301",
        "OptInRequired",
        "IllegalLocationConstraintException",
    },
}
_ADVICE = {
    "expired": "the credentials have expired: get new ones and run it again",
    "credentials": "no credentials, or none that AWS knows: check the profile",
    "clock": "the clock of this machine differs from AWS's: set it",
    "denied": "this caller may not: `forensics collect --print-policy` prints what is needed",
    "throttled": "AWS asked to slow down more often than was retried: run it again",
    "missing": "it is not there",
    "kms": "its KMS key cannot be used: the caller needs kms:Decrypt on it, and the key must be enabled",
    "archived": "it is in an archive: restore it first",
    "region": "another Region, or one that is not enabled",
    "network": "no answer from the network",
}


@dataclass(frozen=True)
class Trouble:
    """Why a call gave nothing: `kind` is one word, `code` AWS's own, `message` what AWS said."""

    kind: str
    code: str
    message: str

    @property
    def advice(self) -> str:
        """What it means and what to do; "" where that is not known."""
        return _ADVICE.get(self.kind, "")

    @property
    def stops(self) -> bool:
        """Whether no further call of this caller can succeed."""
        return self.kind in ("expired", "credentials", "clock")

    def __str__(self) -> str:
        """One line."""
        said = f"{self.code}: {self.message}" if self.message else self.code
        return f"{said} ({self.advice})" if self.advice else said


def trouble(error: Exception) -> Trouble:
    """What an error of boto3 means."""
    if not isinstance(error, ClientError):
        name = type(error).__name__
        kind = "credentials" if "Credential" in name or "Profile" in name or "SSO" in name else "network"
        return Trouble(kind, name, " ".join(str(error).split()))
    said = error.response.get("Error", {})
    code, message = str(said.get("Code", "Unknown")), " ".join(str(said.get("Message", "")).split())
    kind = next((kind for kind, codes in _KINDS.items() if code in codes), "other")
    if kind == "denied" and re.search(r"\bkms:", message):
        kind = "kms"
    return Trouble(kind, code, message)


CUT = IncompleteReadError.__name__
"""The code of an answer that was cut off."""

CALL_ERRORS = (BotoCoreError, ClientError, ResponseParserError)
"""What a call may raise."""


@dataclass(frozen=True)
class Caller:
    """Who the credentials are (`sts:GetCallerIdentity`)."""

    arn: str
    account_id: str
    user_id: str

    @property
    def partition(self) -> str:
        """The first part of the ARN: `aws`, `aws-cn`, `aws-us-gov`."""
        return self.arn.split(":")[1] if self.arn.count(":") >= 5 else "aws"


@dataclass(frozen=True)
class Aws:
    """AWS as one caller sees it, by a profile, a Region, an endpoint and perhaps a role, all optional.

    `role` is an ARN that the caller assumes. Nothing is asked before the first call.
    """

    profile: str | None = None
    region: str | None = None
    endpoint: str | None = None
    role: str | None = None
    attempts: int = 8
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: Any = field(default_factory=Lock, repr=False, compare=False)

    def client(self, service: str, region: str | None = None, *, config: Config | None = None) -> Any:
        """A boto3 client that can only read; kept for the next time. Raises AwsError, UsageError."""
        place = region or self.session.region_name or "us-east-1"
        with self._lock:
            if config is not None or (service, place) not in self._clients:
                made = self._make(service, place, config)
                if config is not None:
                    return made
                self._clients[service, place] = made
            return self._clients[service, place]

    def call(
        self, service: str, operation: str, parameters: Mapping[str, Any] | None = None, *, region: str | None = None
    ) -> dict[str, Any]:
        """What an operation answers, by its API name (`DescribeInstances`). Raises what `CALL_ERRORS` names."""
        client = self.client(service, region)
        method = getattr(client, _method(client, operation))
        found: dict[str, Any] = method(**(parameters or {}))
        return found

    def pages(
        self, service: str, operation: str, parameters: Mapping[str, Any] | None = None, *, region: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """The pages of an operation's answer; one where it has no pages. Raises what `CALL_ERRORS` names."""
        client = self.client(service, region)
        name = _method(client, operation)
        if client.can_paginate(name):
            yield from client.get_paginator(name).paginate(**(parameters or {}))
        else:
            yield from _by_token(getattr(client, name), _token(client, operation), dict(parameters or {}))

    @cached_property
    def caller(self) -> Caller:
        """Who the credentials are. Raises AwsError: without credentials, or where they are not valid."""
        try:
            found = self.call("sts", "GetCallerIdentity")
        except CALL_ERRORS as error:
            raise AwsError(f"AWS does not say who is calling: {trouble(error)}") from None
        return Caller(found["Arn"], found["Account"], found["UserId"])

    def regions(self) -> list[str]:
        """The Regions enabled in the account (page "Managing AWS Regions"). Raises what `CALL_ERRORS` names."""
        found = self.call("ec2", "DescribeRegions")
        return sorted(item["RegionName"] for item in found["Regions"])

    @cached_property
    def session(self) -> Any:
        """The boto3 session. Raises UsageError (no such profile), AwsError (the role cannot be assumed)."""
        try:
            session = boto3.Session(profile_name=self.profile, region_name=self.region, botocore_session=_guarded())
        except BotoCoreError as error:
            raise UsageError(f"no AWS session: {error}") from None
        return self._assumed(session) if self.role else session

    def _assumed(self, session: Any) -> Any:
        client = session.client("sts", endpoint_url=self.endpoint, config=self._config())
        try:
            given = client.assume_role(RoleArn=self.role, RoleSessionName="forensics")["Credentials"]
        except CALL_ERRORS as error:
            raise AwsError(f"cannot assume {self.role}: {trouble(error)}") from None
        return boto3.Session(
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            region_name=session.region_name,
            botocore_session=_guarded(),
        )

    def _config(self) -> Config:
        return Config(
            retries={"mode": "standard", "total_max_attempts": self.attempts},
            user_agent_extra=f"forensics/{forensics.__version__}",
            connect_timeout=10,
            read_timeout=60,
        )

    def _make(self, service: str, region: str, config: Config | None) -> Any:
        whole = self._config().merge(config) if config else self._config()
        try:
            return self.session.client(service, region_name=region, endpoint_url=self.endpoint, config=whole)
        except (BotoCoreError, ValueError) as error:
            raise AwsError(f"no client for {service} in {region}: {error}") from None


def iam_prefix(service: str) -> str:
    """What IAM actions of a service begin with, by boto3's name of it: `elasticloadbalancing` of `elbv2`."""
    return str(_models().get_service_model(service).signing_name)


@cache
def _models() -> Any:
    return botocore.session.Session()


def is_read(service: str, operation: str) -> bool:
    """Whether this package may call that operation; `service` as boto3 names it."""
    return operation.startswith(READ_VERBS) or (service, operation) in OTHER_READS


def _guarded() -> Any:
    session = botocore.session.Session()
    session.register("before-parameter-build", _refuse)
    session.register("before-parse", _whole)
    return session


def _whole(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Refuse an answer that was cut off: boto3 takes one in JSON for an answer that says nothing."""
    body, headers = response_dict["body"], response_dict["headers"]
    length = str(headers.get("content-length", ""))
    if operation_model.http.get("method") == "HEAD" or not isinstance(body, bytes) or not length.isdigit():
        return
    if "content-encoding" not in headers and len(body) < int(length):
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=int(length))


def _refuse(model: Any, **_: Any) -> None:
    """Every operation passes here before its request is made."""
    service = model.service_model.service_name
    if not is_read(service, model.name):
        raise AwsError(f"{service}:{model.name} is not a read: this package changes nothing in AWS")


def _token(client: Any, operation: str) -> str:
    """The member by which an operation that botocore cannot page is paged all the same; "" where it is not."""
    model = client.meta.service_model.operation_model(operation)
    both = set(getattr(model.input_shape, "members", ())) & set(getattr(model.output_shape, "members", ()))
    return next((name for name in ("NextToken", "nextToken", "Marker") if name in both), "")


def _by_token(ask: Any, token: str, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    while True:
        found = ask(**parameters)
        yield found
        following = found.get(token) if token else None
        if not following or following in seen:
            return
        seen.add(following)
        parameters[token] = following


def _method(client: Any, operation: str) -> str:
    names = {api: method for method, api in client.meta.method_to_api_mapping.items()}
    if operation not in names:
        raise UsageError(f"{client.meta.service_model.service_name} has no operation {operation}")
    return str(names[operation])
