"""What a scenario plays on: the four writers, the truth, and the random streams, for one seed and scale."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol

from forensics.simulate.cloudtrail import Trail
from forensics.simulate.guardduty import GuardDuty
from forensics.simulate.lambda_log import LambdaLogs
from forensics.simulate.ledger import Ledger
from forensics.simulate.storage import Storage
from forensics.simulate.truth import Truth
from forensics.simulate.vpc_flow import FlowLog
from forensics.simulate.world import (
    ACCOUNT,
    WINDOW_SECONDS,
    Caller,
    Credential,
    Ids,
    Json,
    Role,
    at,
    caller,
    forward_session,
    iso,
    role_session,
    service_caller,
    us_text,
)

BEGINS = at("06:00")
ENDS = at("12:00")
NAMED_BY_SERVICE = ("ec2.amazonaws.com", "ecs-tasks.amazonaws.com", "pods.eks.amazonaws.com")
"""Services that name the workload when they mint its key: in the session's name, or in tags of the session."""


class Writer(Protocol):
    """Takes records in any order and writes those of finished windows."""

    def deliver(self, before: int) -> None:
        """Write the objects of all windows that start before a moment."""


@dataclass(frozen=True)
class Stage:
    """What is planned before the first window is independent of `scale`; `rng` is for benign noise only."""

    ids: Ids
    rng: Random
    scale: float
    storage: Storage
    trail: Trail
    flows: FlowLog
    logs: LambdaLogs
    guardduty: GuardDuty
    truth: Truth
    stream: Callable[[str], Random]
    more: list[Writer] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        """What the evidence can support."""
        return self.truth.ledger

    def own_ids(self, name: str) -> Ids:
        """Identifiers of a stream of their own, so that what one writer draws changes nothing of another."""
        return Ids(self.stream(name))

    def windows(self) -> Iterator[int]:
        """Starts of the five-minute windows; what is older has been written when the next is asked for."""
        for window in range(BEGINS, ENDS, WINDOW_SECONDS):
            yield window
            self.deliver(window)
        self.deliver(ENDS + 24 * 3600)

    def deliver(self, before: int) -> None:
        """Have every writer write its objects of the windows before that moment."""
        writers: tuple[Writer, ...] = (self.trail, self.flows, self.logs, self.guardduty, *self.more)
        for writer in writers:
            writer.deliver(before)

    def many(self, rate: float) -> int:
        """How often noise of that rate happens now, by scale."""
        wanted = rate * self.scale
        return int(wanted) + (self.rng.random() < wanted % 1)

    def issue(self, service: str, made: Credential, role: Role, name: str, **more: Json | int | list[Json]) -> str:
        """A service mints a role session key; returns the event id and states the key; `more` is asked besides."""
        when = made.created or BEGINS
        ask = {"roleArn": role.arn, "roleSessionName": name} | more
        answer = {"credentials": issued(made)}
        extra = {"resources": [role_resource(role)], "sharedEventID": self.ids.uuid()}
        mint = self.trail.call(service_caller(service), "sts:AssumeRole", when, ask=ask, answer=answer, extra=extra)
        self.truth.credential(made, mint=mint, issuer={"kind": "service", "name": service})
        if made.workload:
            how = "recorded" if service in NAMED_BY_SERVICE else "inferred"
            self.ledger.issue(made.access_key_id, (made.workload,), how)
        return mint

    def assume(
        self, who: Caller, role: Role, name: str, when: int, *, malicious: bool = False
    ) -> tuple[Credential, str]:
        """A principal assumes a role of its account for an hour; returns the new key and the event id."""
        made = role_session(role, name, self.ids.unique("ASIA"), created=when, kind="assumed_role", hours=1)
        ask = {"roleArn": role.arn, "roleSessionName": name, "durationSeconds": 3600}
        extra = {"resources": [role_resource(role)]}
        answer = assumed(made, role, name)
        mint = self.trail.call(who, "sts:AssumeRole", when, ask=ask, answer=answer, extra=extra)
        parent = who.credential.access_key_id if who.credential else None
        self.truth.credential(made, mint=mint, parent=parent, malicious=malicious)
        return made, mint

    def forwarded(self, parent: Caller, service: str, when: float, context: Json, *, malicious: bool = False) -> None:
        """KMS decrypts for a service that acts on its caller's behalf (a forward access session)."""
        if parent.credential is None:
            raise ValueError("only a caller with a credential can be acted for")
        made = forward_session(parent.credential, self.ids.unique("ASIA"), service=service, created=int(when))
        self.truth.credential(made, malicious=malicious)
        extra = {"resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": KMS_KEY}]}
        ask = {"encryptionContext": context, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}
        self.trail.call(caller(made, service, service, parent.region), "kms:Decrypt", when, ask=ask, extra=extra)


KMS_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/01234567-89ab-4cde-8f01-23456789abcd"


@dataclass(frozen=True)
class Scenario:
    """One made-up incident: `question` is what an investigator is asked, `run` plays it."""

    name: str
    title: str
    question: str
    run: Callable[[Stage], None]


def issued(made: Credential) -> Json:
    """`responseElements.credentials` of an STS call."""
    expiration = us_text(made.expires) if made.expires else None
    return {"accessKeyId": made.access_key_id, "sessionToken": "EXAMPLETOKEN", "expiration": expiration}


def assumed(made: Credential, role: Role, name: str) -> Json:
    """`responseElements` of an `AssumeRole` that a principal called."""
    user = {"assumedRoleId": f"{role.unique_id}:{name}", "arn": role.session_arn(name)}
    return {"credentials": issued(made), "assumedRoleUser": user}


def role_resource(role: Role) -> Json:
    """The role as an item of a CloudTrail record's `resources`."""
    return {"accountId": role.account, "type": "AWS::IAM::Role", "ARN": role.arn}


def set_stage(scenario: Scenario, out: Path, *, seed: int, scale: float) -> Stage:
    """A fresh stage over `out/logs`; every random stream derives from the scenario's name and the seed."""
    storage, ledger = Storage(out / "logs"), Ledger()

    def stream(name: str) -> Random:
        return Random(f"{scenario.name}/{seed}/{name}")

    head = {
        "scenario": scenario.name,
        "seed": seed,
        "scale": scale,
        "window": {"from": iso(BEGINS), "to": iso(ENDS)},
    }
    return Stage(
        ids=Ids(stream("world")),
        rng=stream("noise"),
        scale=scale,
        storage=storage,
        trail=Trail(storage, Ids(stream("cloudtrail")), ledger),
        flows=FlowLog(storage, Ids(stream("vpc_flow")), ledger),
        logs=LambdaLogs(storage, Ids(stream("lambda_log")), ledger),
        guardduty=GuardDuty(storage, Ids(stream("guardduty")), ledger),
        truth=Truth(head, ledger),
        stream=stream,
    )
