"""What really happened, written beside the logs as `truth.json`.

Keys, all always present; times are ISO with `Z`, ARNs and ids as the logs have them:

* `scenario, seed, scale`: the arguments; `window` {from, to} of the events.
* `playbook, parameters`: the playbook that answers the scenario's question, null where none does yet, and what to
  give it.
* `stolen`: {access_key_id, workload, session, principal, issuance_event_id,
  first_foreign_use (time), foreign_addresses}: the credential that left its workload.
* `credentials`: every access key id in the logs: {access_key_id, kind, parent_access_key_id, principal,
  session, issued_at, expires_at, issuance_event_id, workload, malicious}. `kind` is long_term, workload,
  control_plane (Lambda's own use of a role), assumed_role, web_identity, identity_center, federation, console,
  execution (ECS's own use of a task's execution role), service_linked or forward (a service on its caller's behalf). `issued_at`, `expires_at`, `issuance_event_id` and
  `parent_access_key_id` are null where no record shows the issuance (nothing mints a console, forward or
  Identity Center key: only `creationDate` tells); a long-term key has no `expires_at`;
  `malicious`: the intruder used the key.
* `attack_events`: CloudTrail calls and requests to a cluster's API server of the intruder: {event_id, source, time,
  action, access_key_id, source_ip, outcome (success, denied), step}; calls that services made on its behalf are left out.
* `attack_flows`: flow records of the intruder's traffic: {event_id, interface_id, srcaddr, dstaddr, bytes,
  direction, workloads (the holders of the interface then), certainty}; at a NAT gateway, which is nobody's
  workload, `workloads` is empty and `certainty` null.
* `attack_records`: records of other logs on the intruder's acts: {event_id, source, …}: requests at a load balancer, DNS
  queries ({source_ip, name}), what the ECS agent gave out, entries of S3 server access logs ({source_ip, bucket, key, operation}).
* `findings`: {finding_id, type, malicious, access_key_id}.
* `invocations`: {request_id, function, version, log_stream, started_at, ended_at, suspicious}.
* `workloads`: {workload, kind, name, role}.
* `lifetimes`: {workload, holds_kind, holds, valid_from, valid_to, from_known, to_known, derivable}: what was held
  when, in evidence or not; `valid_to` null is still open when the logs end; a key or session is held until it expires.
  `from_known`, `to_known`: a record has that end exactly; `derivable`: some record shows that it was held at all.
* `attributions`: {event_id, source, question (issued_to, used_from, endpoint), workloads, certainty, optional}: for every
  event of every source, what the written evidence supports and how certainly, whatever is true behind the scenes; a
  question may have several: an instance `recorded`, and each of its containers `shared`. `optional` (else left out):
  may be answered so, but need not be. What is not here must not be said. `sender`, where an interface has several
  users: who truly talked.
* `lineage`: {access_key_id, chain (ancestor keys, the parent first), ends_in {kind (service, principal, federation,
  gap), name}, class}: `class` is null where the issuance of the first key of the chain is in evidence, else
  forward_access, console, service_linked, workload, long_term or unknown: why that key has none.
* `decoys`: {kind, statement, event_ids, must_not}: what looks like something else; `must_not` lists answers that must
  not be given, each {event_id, question, workload, certainty}: none as strong as that certainty, none at all if null.
* `emptied`: hours of a log that an act took records from: {source, account_id, region, hour, from, to, status, cause (the
  act's action), event_id}; `from` and `to` are the part of the hour that was off.
* `objects_read`: objects the intruder read from S3: {bucket, key, bytes, event_id}.
* `digests`: what CloudTrail's digests must show: `missing_log_files`, the log files that were deleted (s3://BUCKET/KEY),
  and `gaps`, times that no digest covers: {account_id, region, from, to}; empty where the logs have no digests.
* `bytes_out`: `s3`, the sum of `objects_read`, and `flow`, bytes sent to the intruder's addresses, counted
  once, at the interface of the workload.
* `counts`: source → {objects, records}.
* `totals`: {attack_steps (step → events), bytes_out}.

An event id is CloudTrail's `eventID` or GuardDuty's `id`; of other records `OBJECT_SHA256[:16]/RECORD`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forensics.simulate.ledger import Held, Ledger
from forensics.simulate.world import Credential, Instance, Json, iso

LISTS = (
    "attack_events",
    "attack_flows",
    "attack_records",
    "findings",
    "invocations",
    "workloads",
    "lifetimes",
)
CLASSES = {
    "forward": "forward_access",
    "console": "console",
    "service_linked": "service_linked",
    "long_term": "long_term",
    "workload": "workload",
    "execution": "workload",
}
"""Class of a key whose issuance is not in evidence, by its kind; `unknown` of all others."""


@dataclass
class Truth:
    """Collects facts while a scenario runs; the attributes are the keys of the file."""

    head: Json
    ledger: Ledger = field(default_factory=Ledger)
    credentials: dict[str, Json] = field(default_factory=dict)
    attack_events: list[Json] = field(default_factory=list)
    attack_flows: list[Json] = field(default_factory=list)
    attack_records: list[Json] = field(default_factory=list)
    findings: list[Json] = field(default_factory=list)
    invocations: list[Json] = field(default_factory=list)
    workloads: list[Json] = field(default_factory=list)
    lifetimes: list[Json] = field(default_factory=list)
    emptied: list[Json] = field(default_factory=list)
    objects_read: list[Json] = field(default_factory=list)
    bytes_out: dict[str, int] = field(default_factory=lambda: {"s3": 0, "flow": 0})
    digests: Json = field(default_factory=dict)
    stolen: Json = field(default_factory=dict)
    decoys: list[Json] = field(default_factory=list)
    issuers: dict[str, Json] = field(default_factory=dict)

    def credential(
        self,
        made: Credential,
        *,
        mint: str | None = None,
        parent: str | None = None,
        issuer: Json | None = None,
        malicious: bool = False,
    ) -> None:
        """State a key; without `mint`, the event that issued it, the issuance is not in evidence.

        `issuer` is {kind, name} of who issued the first key of a chain: a service, a principal, a federation.
        """
        self.credentials[made.access_key_id] = {
            "access_key_id": made.access_key_id,
            "kind": made.kind,
            "parent_access_key_id": parent,
            "principal": made.principal,
            "session": made.session,
            "issued_at": iso(made.created) if mint and made.created else None,
            "expires_at": iso(made.expires) if mint and made.expires else None,
            "issuance_event_id": mint,
            "workload": made.workload,
            "malicious": malicious,
        }
        if issuer:
            self.issuers[made.access_key_id] = issuer

    def workload(self, workload: str, *, kind: str, name: str, role: str | None) -> None:
        """State what ran."""
        self.workloads.append({"workload": workload, "kind": kind, "name": name, "role": role})

    def holds(
        self,
        workload: str,
        kind: str,
        holds: str,
        *,
        since: float,
        until: float | None = None,
        opened: bool = False,
        closed: bool = False,
        network: str = "",
    ) -> Held:
        """State what a workload held, from and to epoch seconds; without `until` it still does.

        `opened` and `closed`: the logs have that end exactly.
        """
        held = self.ledger.hold(Held(workload, kind, holds, network, since, until, opened, closed))
        self.lifetimes.append(
            {
                "workload": workload,
                "holds_kind": kind,
                "holds": holds,
                "valid_from": iso(since),
                "valid_to": iso(until) if until is not None else None,
                "held": held,
            }
        )
        return held

    def carries(self, instance: Instance, *, launch_logged: bool, until: float | None = None) -> None:
        """State the interface and addresses of an instance; records of a launch name all but the public address."""
        card, ended = instance.interface, until is not None
        for kind, thing in (("eni", card.interface_id), ("private_ip", card.private_ip), ("public_ip", card.public_ip)):
            if thing is not None:
                known = launch_logged and kind != "public_ip"
                ends: Json = {"since": instance.launched, "until": until, "opened": known, "closed": ended}
                self.holds(instance.arn, kind, thing, **ends, network=card.vpc_id if kind == "private_ip" else "")

    def decoy(self, kind: str, statement: str, event_ids: list[str], must_not: list[Json]) -> None:
        """State what looks like something it is not."""
        self.decoys.append({"kind": kind, "statement": statement, "event_ids": event_ids, "must_not": must_not})

    def write(self, path: Path, counts: dict[str, dict[str, int]]) -> None:
        """Write truth.json; `counts` has the objects and records of each source."""
        self.ledger.conclude()
        document: dict[str, Any] = self.head | {
            "stolen": self.stolen,
            "credentials": list(self.credentials.values()),
        }
        self.lifetimes = [self._lifetime(fact) for fact in self.lifetimes]
        document |= {name: getattr(self, name) for name in LISTS}
        document["emptied"] = self.emptied
        document["objects_read"] = self.objects_read
        document["digests"] = self.digests
        document["bytes_out"] = self.bytes_out
        document["lineage"] = [self._lineage(key) for key in self.credentials]
        document["decoys"] = self.decoys
        document["counts"] = {source: counts[source] for source in sorted(counts)}
        document["totals"] = self._totals()
        attributions = ",\n".join(f"  {json.dumps(fact)}" for fact in self.ledger.attributions())
        text = json.dumps(document, indent=1).removesuffix("\n}")
        path.write_text(f'{text},\n "attributions": [\n{attributions}\n ]\n}}\n', encoding="utf-8")

    def _lifetime(self, fact: Json) -> Json:
        held: Held = fact.pop("held")
        known, derivable = {"from_known": held.opened, "to_known": held.closed}, held.derivable
        if held.kind == "access_key_id":
            card = self.credentials[held.thing]
            known = {"from_known": card["issued_at"] is not None, "to_known": card["expires_at"] is not None}
            derivable = held.thing in self.ledger.keys
        return fact | known | {"derivable": derivable}

    def _lineage(self, key: str) -> Json:
        chain: list[str] = []
        first = key
        while (parent := self.credentials[first]["parent_access_key_id"]) and parent not in chain:
            chain.append(parent)
            first = parent
        card = self.credentials[first]
        issued = card["issuance_event_id"] is not None
        nobody = {"kind": "principal" if card["kind"] == "long_term" else "gap", "name": card["principal"]}
        ends_in = self.issuers.get(first, nobody)
        why = None if issued else CLASSES.get(card["kind"], "unknown")
        return {"access_key_id": key, "chain": chain, "ends_in": ends_in, "class": why}

    def _totals(self) -> Json:
        steps: dict[str, int] = {}
        for fact in self.attack_events:
            steps[fact["step"]] = steps.get(fact["step"], 0) + 1
        return {"attack_steps": steps, "bytes_out": self.bytes_out}


def in_order(*facts: list[Json]) -> list[Json]:
    """Facts of several writers by their event ids."""
    return sorted((fact for found in facts for fact in found), key=lambda fact: str(fact["event_id"]))
