"""What answers hold that must not be kept: values of environment variables, and addresses that let anyone download."""

from __future__ import annotations

from typing import Any

NOT_KEPT = "(value not kept)"


def values(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with the names of environment variables, not their values, and without presigned URLs.

    Lambda: `Environment.Variables` (a map), `Code.Location`, `Content.Location`. ECS: `environment` (names and values).
    """
    return {name: _member(name, value) for name, value in answer.items()}


def _member(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_named(item) if name == "environment" else _member("", item) for item in value]
    if not isinstance(value, dict):
        return value
    if name == "Variables":
        return dict.fromkeys(value, NOT_KEPT)
    if name in ("Code", "Content"):
        return values({key: held for key, held in value.items() if key != "Location"})
    return values(value)


def _named(item: Any) -> Any:
    return item | {"value": NOT_KEPT} if isinstance(item, dict) and "value" in item else item
