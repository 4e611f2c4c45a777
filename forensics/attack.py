"""Which version of ATT&CK our rules name techniques of, and what older identifiers are called in it."""

VERSION = "19"
"""Of the matrix for enterprises, platform IaaS and containers (April 2026)."""

ALIASES = {
    "T1562": "T1685",
    "T1562.001": "T1685",
    "T1562.002": "T1685.001",
    "T1562.004": "T1686",
    "T1562.006": "T1685",
    "T1562.007": "T1686.001",
    "T1562.008": "T1685.002",
    "T1562.012": "T1685.004",
    "T1070.002": "T1685.006",
}
"""Techniques of version 18 and before, by what they are in `VERSION`. Version 19 also parted the tactic Defense Evasion
(TA0005) into Stealth and Defense Impairment."""


def current(technique: str) -> str:
    """The identifier in `VERSION` of a technique; one that did not change stays."""
    return ALIASES.get(technique.upper(), technique.upper())
