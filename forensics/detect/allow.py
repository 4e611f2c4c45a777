"""Known-good principals, addresses and user agents: what they did is left out of hits, and counted."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forensics.errors import UsageError

KEYS = ("principals", "addresses", "user_agents", "rules")


@dataclass(frozen=True)
class Allowed:
    """Texts with `*`, of which one in any list is enough; addresses are addresses or networks. `rules`: only of these."""

    principals: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    user_agents: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)

    def condition(self) -> tuple[str, dict[str, Any]]:
        """SQL over `detect_who` (alias `w`), and its values: whether a hit is of somebody in these lists."""
        from forensics.detect.backend import within

        parts = [f"({within('w.source_ip', ipaddress.ip_network(item))})" for item in self.addresses]
        values: dict[str, Any] = {}
        for name, columns in (("principals", ("principal", "session")), ("user_agents", ("user_agent",))):
            for item in getattr(self, name):
                key = f"v{len(values)}"
                values[key] = _pattern(item)
                parts += [f"w.{column} ILIKE ${key} ESCAPE '\\'" for column in columns]
        return f"coalesce({' OR '.join(parts) or 'FALSE'}, FALSE)", values


def read(path: str | Path) -> list[Allowed]:
    """The lists of a YAML file: a mapping of lists, or a list of such mappings. Raises UsageError."""
    import yaml

    from forensics.detect.rules import RuleFile, documents

    try:
        found = documents(RuleFile(str(path), Path(path).read_bytes()))
    except OSError as error:
        raise UsageError(f"cannot read the allow list {path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is no allow list: {error}") from None
    return [_one(path, item.content, item.problem) for item in found]


def _one(path: str | Path, content: Any, problem: str) -> Allowed:
    if problem or not isinstance(content, dict) or set(content) - set(KEYS):
        unknown = sorted(set(content) - set(KEYS)) if isinstance(content, dict) else []
        why = problem or (f"it has {', '.join(map(str, unknown))}" if unknown else "it is no mapping")
        raise UsageError(f"{path} is no allow list: {why}; it may have the lists {', '.join(KEYS)}")
    for name, values in content.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise UsageError(f"{path}: {name} must be a list of texts")
    for address in content.get("addresses", []):
        try:
            ipaddress.ip_network(address)
        except ValueError as error:
            raise UsageError(f"{path}: {error}") from None
    return Allowed(**content)


def _pattern(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
