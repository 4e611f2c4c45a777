"""The intruder of a scenario: every act in the logs, and as a step of the attack in the truth."""

from dataclasses import dataclass
from random import Random
from typing import Any

from forensics.simulate.cloudtrail import Denied, s3_object
from forensics.simulate.guardduty import Finding
from forensics.simulate.stage import Stage
from forensics.simulate.world import Caller, Credential, Json, iso

AGENT = "aws-cli/2.17.0 md/Botocore#1.34 ua/2.0 os/linux#6.1 lang/python#3.11 cfg/retry-mode#standard"


@dataclass(frozen=True)
class Intruder:
    """Acts with stolen keys and states every act in the truth."""

    stage: Stage
    rng: Random

    def act(self, who: Caller, action: str, when: int, step: str, *, failed: Denied | None = None, **body: Any) -> str:
        """Make the call at `when` and state it under that step of the attack; the event id."""
        event = self.stage.trail.call(who, action, when, failed=failed, **body)
        self.state(who, action, when, step, event=event, failed=failed is not None)
        return event

    def state(self, who: Caller, action: str, when: int, step: str, *, event: str, failed: bool = False) -> None:
        """Write one of the truth's `attack_events`."""
        fact: Json = {"event_id": event, "source": "cloudtrail", "time": iso(when), "action": action}
        fact |= {"access_key_id": who.credential.access_key_id if who.credential else None}
        fact |= {"source_ip": who.address, "outcome": "denied" if failed else "success", "step": step}
        self.stage.truth.attack_events.append(fact)

    def read(self, who: Caller, bucket: str, key: str, when: int) -> None:
        """Read an object of a random size, stated in the truth with its bytes."""
        size = self.rng.randrange(300_000, 1_900_000)
        event = self.act(who, "s3:GetObject", when, "collection", **s3_object(bucket, key, sent=size))
        fact = {"bucket": bucket, "key": key, "bytes": size, "event_id": event}
        self.stage.truth.objects_read.append(fact)
        self.stage.truth.bytes_out["s3"] += size


def found(
    stage: Stage,
    finding: Finding,
    seen: int,
    updates: list[tuple[int, int]],
    *,
    key: Credential | None = None,
    malicious: bool = True,
) -> str:
    """GuardDuty's finding, and the truth's word on it; returns its id."""
    name = stage.guardduty.report(finding, first_seen=seen, updates=updates)
    fact = {"finding_id": name, "type": finding.type, "malicious": malicious}
    stage.truth.findings.append(fact | {"access_key_id": key.access_key_id if key else None})
    return name


def conclude(stage: Stage, *, playbook: str | None, parameters: Json, stolen: Json) -> None:
    """State what was asked and stolen, and bring the attack in order; `stolen` may be empty."""
    truth = stage.truth
    truth.attack_events.sort(key=lambda event: (event["time"], event["event_id"]))
    truth.head |= {"playbook": playbook, "parameters": parameters}
    truth.stolen |= stolen
    if key := stolen.get("access_key_id"):
        truth.credentials[key]["malicious"] = True


def stolen_key(stage: Stage, key: Credential, *, first_foreign_use: int, addresses: list[str]) -> Json:
    """The truth's `stolen`: a key that left its workload."""
    return {
        "access_key_id": key.access_key_id,
        "workload": key.workload,
        "session": key.session,
        "principal": key.principal,
        "issuance_event_id": stage.truth.credentials[key.access_key_id]["issuance_event_id"],
        "first_foreign_use": iso(first_foreign_use),
        "foreign_addresses": addresses,
    }
