"""SQL that builds OCSF objects: structs that are NULL where nothing is in them, values that are NULL where OCSF forbids them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NOT_RECORDED = "not recorded"
"""Stands where OCSF demands a name that the log does not have."""

_V4 = r"^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])$"
_V6 = r"^([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}$"
_V6_SHORT = r"^(([0-9A-Fa-f]{1,4}:){0,6}[0-9A-Fa-f]{1,4})?::(([0-9A-Fa-f]{1,4}:){0,6}[0-9A-Fa-f]{1,4})?$"
_METHODS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE")


def struct(**members: str) -> str:
    """A struct of SQL expressions."""
    return "struct_pack(" + ", ".join(f'"{name}" := {sql}' for name, sql in members.items()) + ")"


def some(needs: Sequence[str], **members: str) -> str:
    """A struct that is NULL unless one of the members `needs` is not; no `needs`: any of them."""
    asked = [members[name] for name in needs or members]
    return "CASE WHEN " + " OR ".join(f"{sql} IS NOT NULL" for sql in asked) + f" THEN {struct(**members)} END"


def text(value: str) -> str:
    """A text of ours as a literal."""
    return "'" + value.replace("'", "''") + "'"


def captions(sql: str, known: Mapping[int, str], other: str) -> str:
    """The caption of an id; `other` is SQL for the id 99."""
    return (
        f"CASE {sql} " + " ".join(f"WHEN {key} THEN {text(word)}" for key, word in known.items()) + f" ELSE {other} END"
    )


def is_address(sql: str) -> str:
    """Whether a text is an address, v4 or v6, as OCSF writes them."""
    few = f"length({sql}) - length(replace({sql}, ':', '')) <= 7"
    return (
        f"(regexp_matches({sql}, '{_V4}') OR regexp_matches({sql}, '{_V6}')"
        f" OR (regexp_matches({sql}, '{_V6_SHORT}') AND {few}))"
    )


def port(sql: str) -> str:
    """A port, NULL where it is none."""
    return f"CASE WHEN {sql} BETWEEN 0 AND 65535 THEN CAST({sql} AS INTEGER) END"


def method(sql: str) -> str:
    """An HTTP method that OCSF knows, else NULL."""
    return f"CASE WHEN {sql} IN ({', '.join(map(text, _METHODS))}) THEN {sql} END"


def milliseconds(sql: str) -> str:
    """A time as OCSF's timestamp_t."""
    return f"CASE WHEN isfinite({sql}) THEN epoch_ms({sql}) END"


def endpoint(address: str, **more: str) -> str:
    """A network endpoint; what is no address is its `domain`. NULL where nothing names it."""
    members = {
        "ip": f"CASE WHEN {is_address(address)} THEN {address} END",
        "domain": f"CASE WHEN NOT {is_address(address)} THEN {address} END",
    } | more
    naming = [name for name in members if name in ("interface_uid", "instance_uid", "hostname", "name")]
    condition = " OR ".join([f"{address} IS NOT NULL", *(f"{members[name]} IS NOT NULL" for name in naming)])
    return f"CASE WHEN {condition} THEN {struct(**members)} END"
