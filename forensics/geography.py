"""Where addresses are: country and network from MaxMind files, AWS's own ranges from its ip-ranges.json; all given.

Nothing is looked up anywhere. A place is where an address was registered or measured when the file was made: it is not
where a person was, and an address behind a proxy, a VPN or a cloud says only where that is.
"""

from __future__ import annotations

import importlib
import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forensics.errors import UsageError

Network = tuple[int, int, int]
"""IP version, length of the prefix, and its bits as a number."""

_NO_READER = "to read {path}, install the package maxminddb: pip install 'forensics[geo]'"


@dataclass(frozen=True)
class Place:
    """What the files say of an address; "" where they say nothing. Degrees are given by files with cities, else None."""

    country: str = ""
    city: str = ""
    network: str = ""
    aws: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class Geography:
    """Given files, opened. `files` are their paths by what they are; `made` says when each was made."""

    files: Mapping[str, Path] = field(default_factory=dict)
    made: Sequence[str] = ()
    readers: Sequence[Any] = ()
    ranges: Mapping[Network, tuple[str, ...]] = field(default_factory=dict)

    def place(self, address: str) -> Place:
        """What the files say of an address; nothing of what is no address."""
        try:
            known = ipaddress.ip_address(address)
        except ValueError:
            return Place()
        told: dict[str, Any] = {}
        for reader in self.readers:
            told |= _record(reader, known)
        number, organisation = told.get("autonomous_system_number"), told.get("autonomous_system_organization")
        network = f"AS{number}" if number else ""
        return Place(
            country=_name(told.get("country")) or _name(told.get("registered_country")),
            city=_name(told.get("city")),
            network=" ".join(part for part in (network, str(organisation or "")) if part),
            aws=self._aws(known),
            latitude=_degrees(told, "latitude"),
            longitude=_degrees(told, "longitude"),
        )

    def _aws(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
        """Services and Region of the narrowest range of AWS's that holds the address."""
        for length in range(address.max_prefixlen, 0, -1):
            bits = int(address) >> (address.max_prefixlen - length)
            if found := self.ranges.get((address.version, length, bits)):
                return ", ".join(found)
        return ""


def read_geography(databases: Iterable[Path] = (), ip_ranges: Path | None = None) -> Geography:
    """Open MaxMind files (.mmdb: country, city or ASN) and AWS's ip-ranges.json. Raises UsageError."""
    files, made, readers = {}, [], []
    for path in databases:
        reader = _open(path)
        described = reader.metadata()
        built = datetime.fromtimestamp(described.build_epoch, UTC)
        files[f"MaxMind file, {described.database_type}"] = path
        made.append(f"{described.database_type} of {built:%Y-%m-%d}")
        readers.append(reader)
    ranges: dict[Network, tuple[str, ...]] = {}
    if ip_ranges:
        ranges, created = _ranges(ip_ranges)
        files["AWS's address ranges"] = ip_ranges
        made.append(f"AWS's address ranges of {created}")
    return Geography(files, made, readers, ranges)


def _open(path: Path) -> Any:
    try:
        library = importlib.import_module("maxminddb")
    except ImportError:
        raise UsageError(_NO_READER.format(path=path)) from None
    try:
        return library.open_database(str(path))
    except (OSError, ValueError, library.InvalidDatabaseError) as error:
        raise UsageError(f"{path} cannot be read as a MaxMind file (.mmdb): {error}") from None


def _record(reader: Any, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Mapping[str, Any]:
    if address.version > reader.metadata().ip_version and address.version == 6:
        return {}
    found = reader.get(str(address))
    return found if isinstance(found, dict) else {}


def _name(value: Any) -> str:
    """The English name of a country or city, else its code."""
    if not isinstance(value, dict):
        return ""
    return str((value.get("names") or {}).get("en") or value.get("iso_code") or "")


def _degrees(told: Mapping[str, Any], name: str) -> float | None:
    location = told.get("location")
    value = location.get(name) if isinstance(location, dict) else None
    return float(value) if isinstance(value, int | float) else None


def _ranges(path: Path) -> tuple[dict[Network, tuple[str, ...]], str]:
    """Each range with its services and Region; AMAZON, which all are, only where it is alone."""
    found: dict[Network, dict[str, None]] = {}
    try:
        told = json.loads(path.read_bytes())
        for item in (*told["prefixes"], *told["ipv6_prefixes"]):
            network = ipaddress.ip_network(item.get("ip_prefix") or item["ipv6_prefix"])
            bits = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
            key = (network.version, network.prefixlen, bits)
            found.setdefault(key, {})[f"{item['service']} {item['region']}"] = None
        created = str(told.get("createDate", "an unknown date"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UsageError(
            f"{path} is not AWS's ip-ranges.json: it needs prefixes, each with service and region"
        ) from None
    return {key: _services(list(names)) for key, names in found.items()}, created


def _services(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if not name.startswith("AMAZON ")) or tuple(names)
