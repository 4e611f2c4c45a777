"""A MaxMind file made up for tests: networks of IPv4 and what is told of them, in the format's own binary tree."""

import struct
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

_MARKER = b"\xab\xcd\xefMaxMind.com"
_SHORT = (5, 2)
_INTEGERS = {
    "binary_format_major_version": _SHORT,
    "binary_format_minor_version": _SHORT,
    "ip_version": _SHORT,
    "record_size": _SHORT,
    "build_epoch": (9, 8),
}
"""Type and size of the numbers in the metadata; all others are of 32 bits."""


def write_mmdb(path: Path, kind: str, networks: Mapping[str, Mapping[str, Any]]) -> Path:
    """A database of that type, built at noon on 2026-11-01."""
    nodes: list[list[int | None]] = [[None, None]]
    data, places = b"", []
    for number, (network, told) in enumerate(networks.items()):
        places.append(len(data))
        data += _encoded(told)
        _put(nodes, IPv4Network(network), -1 - number)
    tree = b"".join(_record(side, len(nodes), places) for node in nodes for side in node)
    about = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1_793_534_400,
        "database_type": kind,
        "description": {"en": "made up"},
        "ip_version": 4,
        "languages": ["en"],
        "node_count": len(nodes),
        "record_size": 32,
    }
    path.write_bytes(tree + bytes(16) + data + _MARKER + _encoded(about))
    return path


def _put(nodes: list[list[int | None]], network: IPv4Network, leaf: int) -> None:
    bits = f"{int(network.network_address):032b}"[: network.prefixlen]
    at = 0
    for bit in map(int, bits[:-1]):
        if nodes[at][bit] is None:
            nodes.append([None, None])
            nodes[at][bit] = len(nodes) - 1
        at = int(nodes[at][bit] or 0)
    nodes[at][int(bits[-1])] = leaf


def _record(side: int | None, nodes: int, places: list[int]) -> bytes:
    value = nodes if side is None else side if side >= 0 else nodes + 16 + places[-1 - side]
    return value.to_bytes(4, "big")


def _encoded(value: Any, name: str = "") -> bytes:
    if isinstance(value, str):
        return _control(2, len(value.encode())) + value.encode()
    if isinstance(value, Mapping):
        return _control(7, len(value)) + b"".join(_encoded(key) + _encoded(item, key) for key, item in value.items())
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(_encoded, value))
    if isinstance(value, float):
        return _control(3, 8) + struct.pack(">d", value)
    kind, size = _INTEGERS.get(name, (6, 4))
    return _control(kind, size) + value.to_bytes(size, "big")


def _control(kind: int, size: int) -> bytes:
    first = (kind << 5 if kind < 8 else 0) | (min(29, size))
    extended = bytes([kind - 7]) if kind >= 8 else b""
    return bytes([first]) + extended + (bytes([size - 29]) if size >= 29 else b"")
