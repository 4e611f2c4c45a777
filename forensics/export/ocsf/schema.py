"""What a class of OCSF declares here: which sources have records of it, and how its members are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Records:
    """Records of a source that are events of a class.

    `columns` are SQL expressions over the source table (alias `s`), by the detail columns of the class; those left out
    are NULL. `where` says which of its records are of the class. `product` and `feature` are what Security Lake calls them.
    """

    product: str
    columns: Mapping[str, str] = field(default_factory=dict)
    feature: str = ""
    where: str = "TRUE"


@dataclass(frozen=True)
class OcsfClass:
    """A class of OCSF.

    `details` are the columns (name, DuckDB type) that its `sources` give; `members` SQL expressions over the event (alias
    `e`) and those (alias `d`), by attribute of the class. `activity` is the expression of activity_id, `activities` the
    captions. `where` is a condition over event and details without which OCSF's constraints do not hold. `joins` are joins of
    more, over the event, for `members` to use.
    """

    uid: int
    name: str
    caption: str
    category: str
    activity: str
    activities: Mapping[int, str]
    details: Mapping[str, str]
    sources: Mapping[str, Records]
    members: Mapping[str, str]
    other_activity: str = "'Other'"
    severity: str = "1"
    status: str = ""
    profiles: tuple[str, ...] = ("cloud", "datetime")
    key_type: int = 19
    where: str = "TRUE"
    joins: str = ""

    @property
    def file(self) -> str:
        """Name of its file in an export."""
        return f"{self.name}.parquet"

    def detail(self) -> str:
        """The SELECT of its records' details, of all sources."""
        return "\nUNION ALL\n".join(self._of(name, records) for name, records in self.sources.items())

    def _of(self, source: str, records: Records) -> str:
        given = {
            "vendor": "'AWS'",
            "product": f"'{records.product}'",
            "feature": f"nullif('{records.feature}', '')",
        } | dict(records.columns)
        kinds = {"vendor": "VARCHAR", "product": "VARCHAR", "feature": "VARCHAR", "fields": "VARCHAR"} | dict(
            self.details
        )
        unknown = set(given) - set(kinds)
        if unknown:
            raise ValueError(f"{self.name} of {source}: no such details: {sorted(unknown)}")
        columns = ", ".join(f"CAST({given.get(name, 'NULL')} AS {kind}) AS {name}" for name, kind in kinds.items())
        return f"""SELECT '{source}' AS source, s.object_id, s.record, {columns} FROM "{source}" AS s WHERE {records.where}"""
