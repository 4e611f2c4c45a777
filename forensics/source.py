"""What a log source declares: its columns, how it is recognised, and how its records join the event view."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from forensics.key_layout import KeyLayout

TYPES = frozenset({"VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP", "JSON"})
"""DuckDB types a column may have."""

_WORD = re.compile(r"[A-Z]{1,40}s?\d{0,40}(?=[A-Z][a-z]|\b|_|$)|[A-Z]?[a-z0-9]+|\d+|[A-Z]+")


@lru_cache(maxsize=4096)
def snake(field: str) -> str:
    """AWS's field name in snake case; a run of capitals is one word: `sourceIPAddress` → `source_ip_address`."""
    words = _WORD.findall(re.sub(r"[^A-Za-z0-9]", "_", field))
    return "_".join(word.lower() for word in words)


@dataclass(frozen=True)
class Column:
    """One column of a source table.

    `field` is AWS's own name; in a JSON record a dotted path (`userIdentity.arn`).
    `epoch` is the unit ("s", "ms", "us") of a TIMESTAMP that AWS writes as a number; "" means ISO 8601 text.
    `unique` says that nearly every row has a value of its own, which decides how the column is stored.
    """

    field: str
    type: str = "VARCHAR"
    doc: str = ""
    name: str = ""
    epoch: str = ""
    unique: bool = False

    def __post_init__(self) -> None:
        """Derive the SQL name from AWS's, unless one is given."""
        if self.type not in TYPES:
            raise ValueError(f"column {self.field}: type {self.type!r} is none of {sorted(TYPES)}")
        if not self.name:
            object.__setattr__(self, "name", snake(self.field))


EVENT_COLUMNS: Mapping[str, str] = {
    "event_id": "VARCHAR",
    "source": "VARCHAR",
    "time": "TIMESTAMP",
    "end_time": "TIMESTAMP",
    "account_id": "VARCHAR",
    "region": "VARCHAR",
    "principal": "VARCHAR",
    "session": "VARCHAR",
    "access_key_id": "VARCHAR",
    "action": "VARCHAR",
    "resources": "VARCHAR[]",
    "source_ip": "VARCHAR",
    "destination_ip": "VARCHAR",
    "outcome": "VARCHAR",
    "severity": "DOUBLE",
    "bytes": "BIGINT",
    "user_agent": "VARCHAR",
    "summary": "VARCHAR",
    "object_id": "VARCHAR",
    "record": "BIGINT",
}
"""Columns of the `event` view, in order, with their types."""


@dataclass(frozen=True)
class EventMap:
    """How a source's rows read as events: SQL expressions over the source table (alias `s`), by event column.

    `time` is required; columns left out are NULL. `source`, `object_id` and `record` are filled in.
    `version` orders the copies of one event: the greatest is the row of `event`, ties by object and record.
    `unique` says that `event_id` is AWS's own and copies of it may be delivered more than once.
    `same` must be equal too for rows of one event id to be copies: a record that says otherwise is no copy.
    `evidence` says that expressions also use the row of `evidence` the record came from (alias `e`).
    `finding` is the condition under which a row judges what others did and is no call of theirs; TRUE of a source of
    such rows.
    `named_by` are the columns whose values `resources` holds and nothing else, of a source with so many rows that the
    list is not to be made for each of them.
    """

    columns: Mapping[str, str]
    unique: bool = False
    version: str = "NULL"
    same: tuple[str, ...] = ()
    evidence: bool = False
    finding: str = ""
    named_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse columns that the event view does not have."""
        unknown = set(self.columns) - set(EVENT_COLUMNS)
        if unknown or "time" not in self.columns:
            raise ValueError(f"event map: unknown columns {sorted(unknown)}, or no time")


IDENTITY_COLUMNS = (
    "type",
    "principal_id",
    "arn",
    "pathless_arn",
    "account_id",
    "user_name",
    "invoked_by",
    "issuer_type",
    "issuer_arn",
    "issuer_principal_id",
    "issuer_account_id",
    "identity_provider",
    "on_behalf_of",
    "identity_store_arn",
    "source_identity",
)
"""What a record may say of who acted (page "CloudTrail userIdentity element"); `on_behalf_of` is a user id.

`pathless_arn` is a role's ARN from which the path was taken, so that it may not be the role's."""


@dataclass(frozen=True)
class IdentityMap:
    """Where a source's rows say who acted: SQL expressions over the source table (alias `s`).

    The keys are those of `IDENTITY_COLUMNS`; columns left out are NULL.
    Rows with equal expressions are one identity, told by `identity_key`, which `load` stores beside them.
    """

    columns: Mapping[str, str]

    def __post_init__(self) -> None:
        """Refuse columns that an identity does not have."""
        if unknown := set(self.columns) - set(IDENTITY_COLUMNS):
            raise ValueError(f"identity map: unknown columns {sorted(unknown)}")

    @property
    def key(self) -> str:
        """The SQL expression of `identity_key`."""
        return "hash(" + ", ".join(self.columns.get(name, "NULL") for name in IDENTITY_COLUMNS) + ")"


@dataclass(frozen=True)
class LogStream:
    """Where a CloudWatch Logs event comes from, as far as its container says."""

    log_group: str | None
    log_stream: str | None
    owner: str | None = None
    region: str | None = None


STREAM_FIELDS = ("@owner", "@region", "@logGroup", "@logStream", "@id", "@timestamp", "@ingestionTime")
"""Fields that a record does not hold itself, only the log stream it came in: a source may have columns of them."""


@dataclass(frozen=True)
class Word:
    """One word of a line that can be read in one way only.

    `pattern` is a regular expression of RE2 for all of it; "" where any text will do. A `quoted` word stands in quotes,
    which are not part of it. One that `goes_on` belongs to the field of the word before. `told` gives what is meant by
    the field's text.
    """

    pattern: str = ""
    quoted: bool = False
    goes_on: bool = False
    told: Callable[[str], str] | None = None


@dataclass(frozen=True)
class PlainLine:
    """How lines look that can be read in one way only: printable ASCII, words between single blanks, no other quotes.

    `counts` are the numbers of words that a line may have. What `split` gives of such a line is the fields of its words.
    """

    words: tuple[Word, ...]
    counts: frozenset[int]


@dataclass(frozen=True)
class LineFormat:
    """One layout of lines of text.

    `fields` are the fields of the columns that `split` gives, in order; a last one `unmapped` is JSON text of what
    followed those the source knows. `split` gives one text per field, None where there is none; it gives None for a
    line of another layout, which is then rejected. Times are ISO 8601 with a zone, or numbers in the column's `epoch`.
    Lines that begin with `comment` are neither records nor rejects, and may name another layout for what follows.
    `continues` says whether a line belongs to the record before it. `plain` lets the lines that look so be read all at
    once, to the same fields as `split` gives.
    """

    fields: tuple[str, ...]
    split: Callable[[str], Sequence[str | None] | None]
    comment: str = ""
    continues: Callable[[str], bool] | None = None
    plain: PlainLine | None = None


QUESTIONS: Mapping[str, str] = {
    "api": "what was done through AWS's APIs",
    "data": "what was read, written or invoked",
    "traffic": "who talked to whom, and how much went out",
    "names": "which names were asked for",
    "detection": "what would have been noticed",
    "workload": "what ran, and what it did inside",
    "requests": "what was asked of an endpoint",
    "state": "what was configured",
    "time": "when it happened, and in which order",
    "all": "anything",
}
"""What a blind spot may bear on."""


class BlindSpot(str):
    """What a source never records, or not surely: a text, with the question of `QUESTIONS` that it bears on."""

    __slots__ = ("question",)
    question: str

    def __new__(cls, question: str, text: str) -> Self:
        """Refuse a question that nobody asks."""
        if question not in QUESTIONS:
            raise ValueError(f"blind spot: question {question!r} is none of {sorted(QUESTIONS)}")
        made = super().__new__(cls, text)
        made.question = question
        return made


@dataclass(frozen=True)
class About:
    """What a responder should know of a source before relying on it.

    `recognised` is by what its objects are told from others, `delivered` where AWS or its tools put it, `delay` how late
    that is and whether it is complete, `organisation` how many accounts come together, `cannot_show` its blind spots.
    `minutes` after an hour AWS has usually delivered it, as `delay` says: an hour acquired earlier may be late. `hourly`
    is False of what is a state or a key and no log: an hour without it lacks nothing.
    """

    recognised: str
    delivered: str
    delay: str
    organisation: str
    cannot_show: tuple[str, ...]
    minutes: int = 60
    hourly: bool = True

    @property
    def blind_spots(self) -> tuple[BlindSpot, ...]:
        """What it cannot show, each with the question it bears on; `all` where the source names none."""
        return tuple(text if isinstance(text, BlindSpot) else BlindSpot("all", text) for text in self.cannot_show)


_EVERYWHERE = {
    "object_id": "Object of `evidence` the record is in.",
    "record": "Place of the record in its object, from 0.",
    "unmapped": "Fields of the record that no column knows.",
    "identity_key": "Identity the record states, in `identity`.",
}


@dataclass(frozen=True)
class Source:
    """One log source: a table, how its records are told from all others, and what they mean.

    Records come in as many of these forms as the source declares:

    * JSON objects: `claims` judges one. `lists` are members of a document that hold a list of them. `reshape` gives a
      record that came in another form the members that the columns are declared by. `as_declared` says that it gives
      a record back as it is whose members all have columns: then such records need not be looked at one by one.
      `required` names columns without which a record is judged again after it was typed.
    * lines of text: `line_format` is given the first lines and answers with their layout, or None where they are not
      this source's.
    * lines of fields under a header: `default_header` names the fields of lines without one, `claims_line` judges those.
    * events of CloudWatch Logs streams: `claims_stream` judges a stream by its names and one message; `parse_message`
      gives columns from a message. Without it a message is read as a JSON object or a line of this source, and
      `in_streams` says that messages of streams that no source claims by name may be such.
    * Parquet and CSV: by a header as above, or each row as a JSON object.
    * lines of no form, where `plain_key` knows the file by its key: it gives the stream the lines would be in.

    `keys` are regular expressions over the object key; they may have groups `account` and `region`.
    `layouts` say where in a bucket its objects lie, so that a window of time can be found without listing all.
    `null` is how a line writes a missing value.
    `derived` are further columns, (name, type, SQL expression over the columns, alias `s`), computed while loading.
    `account` and `region` are SQL expressions over the table that say whose records these are, for `evidence`.
    """

    name: str
    title: str
    reference: str
    columns: tuple[Column, ...]
    event: EventMap
    about: About
    identity: IdentityMap | None = None
    keys: tuple[str, ...] = ()
    layouts: tuple[KeyLayout, ...] = ()
    claims: Callable[[Mapping[str, Any]], bool] | None = None
    lists: tuple[str, ...] = ()
    reshape: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    as_declared: bool = False
    required: tuple[str, ...] = ()
    line_format: Callable[[Sequence[str]], LineFormat | None] | None = None
    claims_line: Callable[[Sequence[str]], bool] | None = None
    claims_stream: Callable[[LogStream, str], bool] | None = None
    parse_message: Callable[[LogStream, str], Mapping[str, Any]] | None = None
    plain_key: Callable[[str], LogStream | None] | None = None
    in_streams: bool = False
    default_header: Sequence[str] = ()
    derived: tuple[tuple[str, str, str], ...] = ()
    null: str = "-"
    account: str = "NULL"
    region: str = "NULL"

    def compression(self, name: str) -> str:
        """The clause that says how a column is stored; "" leaves the choice to DuckDB.

        JSON and unique texts get zstd: of DuckDB's compressions the smallest for them and, because no other is
        tried, three times as fast to write.
        """
        packed = {column.name for column in self.columns if column.unique or column.type == "JSON"} | {"unmapped"}
        return " USING COMPRESSION zstd" if name in packed else ""

    @property
    def documented(self) -> dict[str, str]:
        """What every column of the table holds, in words."""
        own = {column.name: column.doc for column in self.columns}
        derived = dict.fromkeys((name for name, _, _ in self.derived), "Derived while loading.")
        found = _EVERYWHERE | own | derived
        return {name: found.get(name, "") for name, _ in self.table_columns}

    @property
    def table_columns(self) -> tuple[tuple[str, str], ...]:
        """(name, DuckDB type) of every column of the table, in order."""
        own = tuple((column.name, column.type) for column in self.columns)
        key = (("identity_key", "UBIGINT"),) if self.identity else ()
        extra = (("unmapped", "JSON"),) if self.claims or self.line_format else ()
        derived = tuple((name, kind) for name, kind, _ in self.derived)
        return (("object_id", "VARCHAR"), ("record", "BIGINT"), *own, *extra, *derived, *key)
