"""Kinds of workload beside Lambda functions and EC2 instances: one module each, holding its `KIND`.

A module says in SQL where records name such a workload, whose keys are its, and what it held; the stages
`workload`, `lifetime` and `attribution` do the rest. A new kind of workload is one module here.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from dataclasses import dataclass

import duckdb

from forensics import scanned

SIGHTING = ("workload", "kind", "name", "role", "image", "code_sha256", "moment", "phase")
DETAIL = ("workload", "property", "value", "moment", "event_id")
CONTAINER = ("workload", "name", "image", "image_digest", "runtime_id", "moment", "event_id")
CLAIM = ("access_key_id", "workload", "certainty", "via", "role", "event_id", "moment")
FACT = ("holds_kind", "holds", "network", "workload", "moment", "what", "event_id")
ADDRESS = ("eni", "address", "vpc_id")


@dataclass(frozen=True)
class WorkloadKind:
    """What the resolution needs to know of one kind of workload; every entry is a SELECT of the columns named.

    `scans` are read first (see `forensics.scanned`). `traces` is a SELECT that gives a row if records may tell of any such
    workload: if it gives none, nothing else of the kind is read or made. `prepare` are statements that make the temporary tables named in `temporary`, which the SELECTs may read; they may
    read the source tables and `workload_call`. In order:
    `sightings` (SIGHTING) name workloads, with a `phase`: started, stopped, configured, seen, exists, gone.
    `details` (DETAIL) are properties that have no column, `containers` (CONTAINER) what ran within.
    `claims` (CLAIM) say to whom a key was issued; they may read what `issued.claim` makes (`key_mint`, `key_session`,
    `key_unminted`) and `workload_sighting`.
    `facts` (FACT) are moments at which something was held: `what` is open, seen or close; `holds_kind` is eni,
    private_ip, public_ip or instance (the instance it ran on); `network` tells equal private addresses apart.
    `addresses` (ADDRESS) are private addresses of interfaces, held as long as the interface is.
    """

    name: str
    scans: tuple[scanned.Scan, ...] = ()
    traces: str = "SELECT 1"
    prepare: tuple[str, ...] = ()
    temporary: tuple[str, ...] = ()
    sightings: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@functools.cache
def kinds() -> tuple[WorkloadKind, ...]:
    """Every kind, found among the modules of this package, by name."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return tuple(sorted((module.KIND for module in modules if hasattr(module, "KIND")), key=lambda kind: kind.name))


def selected(con: duckdb.DuckDBPyConnection, part: str, columns: tuple[str, ...]) -> list[str]:
    """One part of every kind that `prepare` found traces of, each SELECT brought to the same columns in the same order."""
    names = ", ".join(columns)
    made = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()}
    found = [kind for kind in kinds() if made.issuperset(kind.temporary)]
    return [f"(SELECT {names} FROM ({select}) AS k)" for kind in found for select in getattr(kind, part)]


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables of every kind that records may tell of; needs `workload_call` and `mint_call`."""
    for kind in kinds():
        scanned.take(con, *kind.scans)
        if _traced(con, kind):
            for statement in kind.prepare:
                con.execute(statement)


def _traced(con: duckdb.DuckDBPyConnection, kind: WorkloadKind) -> bool:
    """Whether records may tell of any such workload."""
    return bool(con.execute(f"{kind.traces}\nLIMIT 1").fetchall())


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Remove the temporary tables of every kind."""
    for kind in kinds():
        for table in kind.temporary:
            con.execute(f"DROP TABLE IF EXISTS temp.{table}")
