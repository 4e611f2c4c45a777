"""Event selectors of a trail, classic and advanced: whether an event of a kind, of a resource, would be recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

S3, LAMBDA = "AWS::S3::Object", "AWS::Lambda::Function"

Selectors = Sequence[Mapping[str, Any]]


def is_advanced(selectors: Selectors) -> bool:
    """Whether they are advanced event selectors."""
    return any(_get(item, "fieldSelectors") is not None for item in selectors)


def records(selectors: Selectors, kind: str, arn: str, *, write: bool) -> bool | None:
    """Whether a data event of a resource type, about an ARN, a read or a write, would be recorded.

    None where only a part would: a selector names some of the bucket's objects, or calls by their names.
    """
    judged = [
        _advanced(item, kind, arn, write) if is_advanced([item]) else _classic(item, kind, arn, write)
        for item in selectors
    ]
    return True if True in judged else (None if None in judged else False)


def management(selectors: Selectors, *, write: bool) -> bool | None:
    """Whether management events, reads or writes, are recorded; None where some sources of them are left out."""
    judged: list[bool | None] = []
    for item in selectors:
        if is_advanced([item]):
            fields = _fields(item)
            mine = "Management" in _values(fields, "eventCategory", "equals") and _read_only(fields, write)
            rest = set(fields) - {"eventCategory", "readOnly"}
            judged.append((None if rest else True) if mine else False)
        else:
            mine = _get(item, "includeManagementEvents") is not False and _reads_or_writes(item, write)
            judged.append((None if _get(item, "excludeManagementEventSources") else True) if mine else False)
    return True if True in judged else (None if None in judged else False)


def has_data(selectors: Selectors) -> bool:
    """Whether they select any data events."""
    return any(
        "Data" in _values(_fields(item), "eventCategory", "equals")
        if is_advanced([item])
        else _get(item, "dataResources")
        for item in selectors
    )


def is_narrow(selectors: Selectors) -> bool:
    """Whether they leave out management events, which a trail records unless told otherwise."""
    return not all(management(selectors, write=write) is True for write in (False, True))


def _get(item: Mapping[str, Any], name: str) -> Any:
    """A member, whose first letter the API writes large and CloudTrail's record of the call small."""
    return item.get(name, item.get(name[:1].upper() + name[1:]))


def _reads_or_writes(item: Mapping[str, Any], write: bool) -> bool:
    kind = str(_get(item, "readWriteType") or "All")
    return kind in {"All", "WriteOnly" if write else "ReadOnly"}


def _classic(item: Mapping[str, Any], kind: str, arn: str, write: bool) -> bool | None:
    if not _reads_or_writes(item, write):
        return False
    values: list[str] = []
    for thing in _get(item, "dataResources") or ():
        if isinstance(thing, Mapping) and _get(thing, "type") == kind:
            values += [str(value) for value in _get(thing, "values") or ([_EVERY[kind]] if kind in _EVERY else [])]
    return _covers(values, kind, arn)


_EVERY = {S3: "arn:aws:s3", LAMBDA: "arn:aws:lambda"}
"""What stands for all of a kind in classic selectors (page "PutEventSelectors")."""


def _covers(values: Sequence[str], kind: str, arn: str) -> bool | None:
    wanted = _of_kind(arn, kind)
    if any(wanted.startswith(value) for value in values):
        return True
    return None if any(value.startswith(wanted) for value in values) else False


def _of_kind(arn: str, kind: str) -> str:
    """A bucket's ARN as that of all its objects; that of a function's version as the function's."""
    if kind == S3 and "/" not in arn:
        return f"{arn}/"
    return ":".join(arn.split(":")[:7]) if kind == LAMBDA else arn


def _fields(item: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = _get(item, "fieldSelectors") or ()
    return {str(_get(field, "field")): field for field in found if isinstance(field, Mapping)}


def _values(fields: Mapping[str, Mapping[str, Any]], name: str, how: str) -> list[str]:
    held = _get(fields.get(name, {}), how)
    return [str(value) for value in held] if isinstance(held, list) else []


def _read_only(fields: Mapping[str, Mapping[str, Any]], write: bool) -> bool:
    asked = _values(fields, "readOnly", "equals")
    return not asked or ("false" if write else "true") in asked


def _advanced(item: Mapping[str, Any], kind: str, arn: str, write: bool) -> bool | None:
    fields = _fields(item)
    if "Data" not in _values(fields, "eventCategory", "equals") or kind not in _values(
        fields, "resources.type", "equals"
    ):
        return False
    if not _read_only(fields, write):
        return False
    found = _of_arn(fields.get("resources.ARN"), kind, arn)
    rest = set(fields) - {"eventCategory", "resources.type", "readOnly", "resources.ARN"}
    return None if found and rest else found


def _of_arn(field: Mapping[str, Any] | None, kind: str, arn: str) -> bool | None:
    if field is None:
        return True
    wanted = _of_kind(arn, kind)
    judged: list[bool | None] = []
    for how, held in field.items():
        values = [str(value) for value in held] if isinstance(held, list) else []
        name = how[:1].lower() + how[1:]
        if name == "startsWith":
            judged.append(_covers(values, kind, arn))
        elif name == "equals":
            whole = kind == LAMBDA or "/" in arn
            judged.append(wanted in values if whole else (None if any(v.startswith(wanted) for v in values) else False))
        elif name in ("notEquals", "notStartsWith"):
            out = any(wanted.startswith(v) if name == "notStartsWith" else wanted == v for v in values)
            judged.append(False if out else (None if any(v.startswith(wanted) for v in values) else True))
        elif name in ("endsWith", "notEndsWith"):
            judged.append(None)
    return False if False in judged else (None if None in judged or not judged else True)
