"""What really happened, written beside the logs as `truth.json`.

Keys, all always present; times are ISO with `Z`, ARNs and ids as the logs have them:

* `scenario, seed, scale`: the arguments; `window` {from, to} of the events.
* `playbook, parameters`: the playbook that answers the scenario's question, and what to give it.
* `stolen`: {access_key_id, workload, session, principal, issuance_event_id,
  first_foreign_use (time), foreign_addresses}: the credential that left its workload.
* `credentials`: every access key id in the logs: {access_key_id, kind, parent_access_key_id, principal,
  session, issued_at, expires_at, issuance_event_id, workload, malicious}. `kind` is long_term, workload,
  control_plane (Lambda's own use of a role), assumed_role, web_identity, identity_center, console or
  forward (a service on its caller's behalf). `issued_at`, `expires_at`, `issuance_event_id` and
  `parent_access_key_id` are null where no record shows the issuance (nothing mints a console, forward or
  Identity Center key: only `creationDate` tells); a long-term key has no `expires_at`;
  `malicious`: the intruder used the key.
* `attack_events`: CloudTrail calls of the intruder: {event_id, source, time, action, access_key_id,
  source_ip, outcome (success, denied), step}; calls that services made on its behalf are left out.
* `attack_flows`: flow records of the intruder's traffic: {event_id, interface_id, srcaddr, dstaddr, bytes,
  direction, workloads (the holders of the interface then), certainty}; at a NAT gateway, which is nobody's
  workload, `workloads` is empty and `certainty` null.
* `findings`: {finding_id, type, malicious, access_key_id}.
* `invocations`: {request_id, function, version, log_stream, started_at, ended_at, suspicious}.
* `workloads`: {workload, kind, name, role}.
* `lifetimes`: {workload, holds_kind, holds, valid_from, valid_to}: what was held when, in evidence or not;
  `valid_to` null is still open when the logs end; a key or session is held until it expires.
* `objects_read`: objects the intruder read from S3: {bucket, key, bytes, event_id}.
* `bytes_out`: `s3`, the sum of `objects_read`, and `flow`, bytes sent to the intruder's addresses, counted
  once, at the interface of the workload.
* `counts`: source → {objects, records}.

An event id is CloudTrail's `eventID` or GuardDuty's `id`; of a flow record `OBJECT_SHA256[:16]/RECORD`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forensics.simulate.world import Credential, Json, iso


@dataclass
class Truth:
    """Collects facts while a scenario runs; the attributes are the keys of the file."""

    head: Json
    credentials: dict[str, Json] = field(default_factory=dict)
    attack_events: list[Json] = field(default_factory=list)
    attack_flows: list[Json] = field(default_factory=list)
    findings: list[Json] = field(default_factory=list)
    invocations: list[Json] = field(default_factory=list)
    workloads: list[Json] = field(default_factory=list)
    lifetimes: list[Json] = field(default_factory=list)
    objects_read: list[Json] = field(default_factory=list)
    bytes_out: dict[str, int] = field(default_factory=lambda: {"s3": 0, "flow": 0})
    stolen: Json = field(default_factory=dict)

    def credential(
        self, made: Credential, *, mint: str | None = None, parent: str | None = None, malicious: bool = False
    ) -> None:
        """States a key; without `mint`, the event that issued it, the issuance is not in evidence."""
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

    def workload(self, workload: str, *, kind: str, name: str, role: str | None) -> None:
        """State what ran."""
        self.workloads.append({"workload": workload, "kind": kind, "name": name, "role": role})

    def holds(self, workload: str, kind: str, holds: str, *, since: int, until: int | None = None) -> None:
        """State what a workload held, from and to epoch seconds; without `until` it still does."""
        self.lifetimes.append(
            {
                "workload": workload,
                "holds_kind": kind,
                "holds": holds,
                "valid_from": iso(since),
                "valid_to": iso(until) if until is not None else None,
            }
        )

    def write(self, path: Path, counts: dict[str, dict[str, int]]) -> None:
        """Write truth.json; `counts` has the objects and records of each source."""
        document: dict[str, Any] = self.head | {
            "stolen": self.stolen,
            "credentials": list(self.credentials.values()),
        }
        for name in ("attack_events", "attack_flows", "findings", "invocations", "workloads", "lifetimes"):
            document[name] = getattr(self, name)
        document["objects_read"] = self.objects_read
        document["bytes_out"] = self.bytes_out
        document["counts"] = {source: counts[source] for source in sorted(counts)}
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
