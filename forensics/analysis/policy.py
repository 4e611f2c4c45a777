"""What a policy document gives, in words: what it allows, and whom a trust policy lets in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from forensics.analysis.words import count, listed
from forensics.jsons import parsed

_SHOWN = 200
"""Characters of one name of a document that are shown."""


def allows(document: Any) -> str:
    """`every action on every resource`; the actions and resources of the statements that allow; why it cannot be said."""
    found = [item for item in _statements(document) if item.get("Effect") == "Allow"]
    if not found:
        return "a document that cannot be read" if not _read(document) else "nothing"
    return "; ".join(dict.fromkeys(_allowed(item) for item in found))


def trusts(document: Any) -> str:
    """Whom a trust policy lets in: accounts, principals, services, identity providers, or anybody."""
    found = [item for item in _statements(document) if item.get("Effect") == "Allow"]
    names = [name for item in found for name in _principals(item.get("Principal"))]
    if not names:
        return "nobody that can be read from the document"
    conditioned = " (under conditions)" if any(item.get("Condition") for item in found) else ""
    return listed(list(dict.fromkeys(names)), 5) + conditioned


def _allowed(item: dict[str, Any]) -> str:
    actions, resources = _texts(item.get("Action")), _texts(item.get("Resource"))
    if item.get("NotAction"):
        what = f"every action but {listed(_texts(item['NotAction']))}"
    else:
        what = "every action" if "*" in actions else listed(actions) or "no action that can be read"
    where = "every resource" if "*" in resources or not resources else listed(resources)
    return f"{what} on {where}" + (" under conditions" if item.get("Condition") else "")


def _principals(principal: Any) -> Iterator[str]:
    if principal == "*":
        yield "anybody"
    if isinstance(principal, dict):
        for kind, value in principal.items():
            for name in _texts(value):
                yield "anybody" if name == "*" else name if kind != "Service" else f"the service {name}"


def _read(document: Any) -> Any:
    """The document as a value: CloudTrail has it as text, sometimes encoded as in a URL, sometimes as JSON itself."""
    if not isinstance(document, str):
        return document
    text = document.strip()
    return parsed(unquote(text) if text.startswith("%7B") else text)


def _statements(document: Any) -> list[dict[str, Any]]:
    read = _read(document)
    found = read.get("Statement") if isinstance(read, dict) else None
    every = found if isinstance(found, list) else [found]
    return [item for item in every if isinstance(item, dict)]


def _texts(value: Any) -> list[str]:
    every = value if isinstance(value, list) else [value]
    names = [str(item)[:_SHOWN] for item in every if isinstance(item, str)]
    return names if len(names) <= 20 else [*names[:20], count(len(names) - 20, "further one")]
