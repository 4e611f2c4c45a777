"""Findings as the API gives them, under the names of the export: the exceptions of AWS's service model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OTHERWISE: Mapping[str, str] = {
    "Code": "productCodeId",
    "ProductType": "productCodeType",
    "TaskCreatedAt": "createdAt",
    "SourceIps": "sourceIPs",
    "LoginAttributes": "LoginAttributes",
    "KubernetesResourcesTypes": "type",
    "Latitude": "lat",
    "Longitude": "lon",
}
"""Members that the export names otherwise than with a small first letter."""
_WITHIN: Mapping[tuple[str, str], str] = {
    ("Account", "Name"): "account",
    ("Ec2Instance", "IamInstanceProfile"): "IamInstanceProfile",
}
"""The same, of members of that name in that member only."""
_MAPS: Mapping[str, int] = {"AffectedResources": 1, "Profiles": 2, "Behavior": 2}
"""Members whose own members are data, and so are those down to that depth."""


def exported(held: Any, inside: str = "", data: int = 0) -> Any:
    """A finding of GetFindings, or a part of one that stands in the member `inside`, with the names of the export."""
    if isinstance(held, list):
        return [exported(item, inside, data) for item in held]
    if not isinstance(held, dict):
        return held
    if data:
        return {key: exported(item, key, data - 1) for key, item in held.items()}
    return {_name(key, inside): exported(item, key, _MAPS.get(key, 0)) for key, item in held.items()}


def _name(key: str, inside: str) -> str:
    return _WITHIN.get((inside, key)) or _OTHERWISE.get(key) or key[:1].lower() + key[1:]
