"""Which playbooks fit a finding, with which parameters; and running several at once on one case."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forensics.case import Case
from forensics.detect.about import about
from forensics.errors import ForensicsError, UnknownName, UsageError
from forensics.playbook import Playbook, RunResult, playbooks

_FINDING = """
SELECT f.type, f.principal, f.access_key_id, coalesce(f.workload, k.workload) AS workload, w.kind, f.resources, f.source
FROM finding AS f
LEFT JOIN credential AS k ON k.access_key_id = f.access_key_id
LEFT JOIN workload AS w ON w.workload = coalesce(f.workload, k.workload)
WHERE f.finding_id = ?
"""

_BUCKET = "arn:aws:s3:::"


@dataclass(frozen=True)
class Fitting:
    """A playbook that fits a finding, and the parameters that the finding gives it."""

    playbook: Playbook
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of one of several runs: its result, or why it stopped."""

    name: str
    result: RunResult | None
    error: str = ""


def fitting(case: Case, finding_id: str) -> list[Fitting]:
    """The playbooks for a finding's type and its kind of workload, by name. Raises UnknownName.

    For a finding of a rule, a behaviour or an act against a log that is the playbook it names.
    """
    rows = case.sql(_FINDING, (finding_id,)).rows()
    if not rows:
        ids = (str(row[0]) for row in case.sql("SELECT finding_id FROM finding ORDER BY finding_id").rows())
        raise UnknownName("finding", finding_id, ids)
    kind, principal, key, workload, workload_kind, resources, source = rows[0]
    buckets = [name.removeprefix(_BUCKET) for name in resources or () if name.startswith(_BUCKET) and "/" not in name]
    given = {"finding_id": finding_id, "workload": workload, "access_key_id": key, "principal": principal}
    given["bucket"] = buckets[0] if len(buckets) == 1 else None
    by = about(case, finding_id, source, kind)
    own = by.playbook if by else ""
    return [
        Fitting(item, _parameters(item, given))
        for item in playbooks().values()
        if item.name == own
        or (
            any(re.search(pattern, kind or "") for pattern in item.findings)
            and (not item.kinds or workload_kind in item.kinds)
        )
    ]


def _parameters(item: Playbook, given: Mapping[str, Any]) -> dict[str, Any]:
    """The first that the playbook takes and the finding has: of several a playbook takes only one."""
    takes = {parameter.name for parameter in item.parameters}
    return dict([(name, value) for name, value in given.items() if name in takes and value][:1])


def run_several(
    case: str | Path,
    chosen: Sequence[Fitting],
    out: str | Path,
    *,
    jobs: int = 2,
    timeout: float | None = None,
    pdf: bool = False,
    geoip: Sequence[Path] = (),
    ip_ranges: Path | None = None,
    done: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Run each into a directory of its name under `out`, `jobs` at once; one that stops does not stop the others.

    `done` is told of each as it ends. Raises UsageError for parameters, before any kernel is started.
    """
    if jobs < 1:
        raise UsageError(f"at least one job is needed, not {jobs}")
    for item in chosen:
        item.playbook.check(item.parameters)
    made = {}
    with ProcessPoolExecutor(min(jobs, len(chosen) or 1), multiprocessing.get_context("spawn")) as pool:
        how = {"timeout": timeout, "pdf": pdf, "geoip": geoip, "ip_ranges": ip_ranges}
        running = [pool.submit(_one, str(case), item, str(Path(out) / item.playbook.name), how) for item in chosen]
        for future in as_completed(running):
            outcome = future.result()
            made[outcome.name] = outcome
            if done:
                done(outcome)
    return [made[item.playbook.name] for item in chosen]


def _one(case: str, item: Fitting, out: str, how: Mapping[str, Any]) -> Outcome:
    try:
        return Outcome(item.playbook.name, item.playbook.run(case, item.parameters, out, **how))
    except ForensicsError as error:
        return Outcome(item.playbook.name, None, str(error))


def described(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """A line for each: its report, or why there is none."""
    for item in outcomes:
        yield f"{item.name}: {item.result.report if item.result else f'stopped: {item.error}'}"
