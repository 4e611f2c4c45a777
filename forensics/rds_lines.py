"""Lines that databases of RDS and Aurora write: the forms of their logs, and which of them a text is in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from forensics import rds_mysql, rds_postgres, rds_sqlserver


@dataclass(frozen=True)
class Form:
    """One form of records: whether a line begins one, is one for certain, and what it says, by field of `rds_log`.

    `head` begins a line that may stand before the one that begins a record, and is of it.
    """

    kind: str
    begins: Callable[[str], bool]
    told: Callable[[str], bool]
    read: Callable[[str], dict[str, Any] | None]
    head: str = ""


POSTGRES = Form("postgresql", rds_postgres.begins, rds_postgres.told, rds_postgres.read)
CSVLOG = Form("postgresql", rds_postgres.begins_row, rds_postgres.begins_row, rds_postgres.read_row)
AUDIT = Form("audit", rds_mysql.begins_audit, rds_mysql.told_audit, rds_mysql.read_audit)
SLOW = Form("slowquery", rds_mysql.begins_slow, rds_mysql.told_slow, rds_mysql.read_slow, head="# Time: ")
STARTED = Form("", rds_mysql.begins_either, rds_mysql.told_start, rds_mysql.read_either, head="# Time: ")
"""A log of MySQL whose first lines, written at its start, do not say which it is."""
GENERAL = Form("general", rds_mysql.begins_general, rds_mysql.told_general, rds_mysql.read_general)
ERROR = Form("error", rds_mysql.begins_error, rds_mysql.told_error, rds_mysql.read_error)
SQL_SERVER = Form("error", rds_sqlserver.begins, rds_sqlserver.told, rds_sqlserver.read)

FORMS = (POSTGRES, AUDIT, CSVLOG, SLOW, GENERAL, STARTED, ERROR, SQL_SERVER)
_OF_KIND = {
    "postgresql": (POSTGRES, CSVLOG),
    "audit": (AUDIT, POSTGRES),
    "slowquery": (SLOW,),
    "general": (GENERAL,),
    "error": (ERROR, SQL_SERVER),
}
"""The forms that the records of a group come in: what a client wrote is not read as if it were of another."""
_PART = {"postgresql": {"pgaudit"}}
"""Kinds that a group of another kind holds: pgAudit has none of its own."""


def form_of(lines: Sequence[str]) -> Form | None:
    """The form of a database's log that those lines are in, if one of them says so for certain."""
    return next((form for form in FORMS if any(map(form.told, lines))), None)


def parse(line: str, kind: str | None = None) -> dict[str, Any]:
    """What a line says, by field of `rds_log`; nothing for a line of no known form. `kind` is its group's."""
    for form in FORMS if kind is None else _OF_KIND.get(kind, FORMS):
        if (said := form.read(line)) is not None:
            own = kind is None or said["logKind"] in _PART.get(kind, ())
            return {name: held for name, held in said.items() if held not in (None, "")} | (
                {} if own else {"logKind": kind}
            )
    return {} if kind is None else {"logKind": kind}
