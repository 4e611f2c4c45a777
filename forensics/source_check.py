"""The contract that every log source keeps, asked of one: what it declares, and its specimen, loaded into a case.

A specimen is a list of cases, in YAML or JSON: `name`, `key` (the object's key), one of `content` (text), `records`
(what a trail writes), `lines` (JSON, one a line) or `messages` (events of `group` and `stream` of CloudWatch Logs), and
what is expected: `rows` (columns and values, in order; other columns are not looked at), `events` (the same of the
event view), `rejected` (reasons), `status` (`loaded` unless it says).
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics import outside
from forensics.errors import UsageError
from forensics.source import QUESTIONS, Source

if TYPE_CHECKING:
    from forensics.case import Case

_CONTENTS = ("content", "records", "lines", "messages")
_KNOWN = {"name", "key", "group", "stream", "rows", "events", "rejected", "status", "other", *_CONTENTS}


@dataclass(frozen=True)
class SourceCheck:
    """What came of a check: the source's name, its specimens' cases, and what is wrong, a sentence each."""

    source: str
    cases: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether it keeps the contract."""
        return not self.problems

    def __str__(self) -> str:
        """The verdict in a line, then the problems."""
        specimens = f"{self.cases} case{'s' * (self.cases != 1)} of its specimen"
        if self.ok:
            return f"{self.source} keeps the contract: {specimens} load as they say"
        count = len(self.problems)
        lines = (f"- {problem}" for problem in self.problems)
        return "\n".join([f"{self.source} does not keep the contract, {count} problem{'s' * (count != 1)}:", *lines])


def check_source(module: str | Path, specimen: str | Path) -> SourceCheck:
    """Ask the contract of a source's module and its specimen, in a process of its own, so that it can be edited between.

    Raises UsageError where the module does not run or the specimen cannot be read.
    """
    file, cases = Path(module).resolve(), Path(specimen).resolve()
    if not cases.is_file():
        raise UsageError(f"{specimen}: no such specimen")
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, outside.VARIABLE: str(file.parent), "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "forensics.source_check", str(file), str(cases)],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        check=False,
    )
    if done.returncode:
        raise UsageError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{file} cannot be checked")
    held = json.loads(done.stdout.splitlines()[-1])
    return SourceCheck(held["source"], held["cases"], tuple(held["problems"]))


def read_specimen(path: Path) -> list[dict[str, Any]]:
    """The cases of a specimen. Raises UsageError."""
    import yaml

    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{path}: the specimen cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(found, list) or not found or not all(isinstance(item, dict) for item in found):
        raise UsageError(
            f"{path}: a specimen is a list of cases, each with name, key and one of {', '.join(_CONTENTS)}"
        )
    for item in found:
        unknown = sorted(set(item) - _KNOWN)
        if unknown or "key" not in item or sum(name in item for name in _CONTENTS) != 1:
            why = f"unknown: {', '.join(unknown)}" if unknown else f"a case has a key and one of {', '.join(_CONTENTS)}"
            raise UsageError(f"{path}: the case {item.get('name')!r}: {why}")
    return found


def data(item: Mapping[str, Any]) -> bytes:
    """The object that a case of a specimen stands for; gzip where its key ends so."""
    if "records" in item:
        text = json.dumps({"Records": item["records"]}).encode()
    elif "lines" in item:
        text = b"".join(json.dumps(line).encode() + b"\n" for line in item["lines"])
    elif "messages" in item:
        text = _delivered(item)
    else:
        text = str(item["content"]).encode()
    return gzip.compress(text, mtime=0) if str(item["key"]).endswith("gz") else text


def _delivered(item: Mapping[str, Any]) -> bytes:
    """What a subscription filter sends (page "Log group-level subscription filters")."""
    events = [
        {"id": f"{place:056d}", "timestamp": 1793869200123 + place, "message": message}
        for place, message in enumerate(item["messages"])
    ]
    return json.dumps(
        {
            "messageType": "DATA_MESSAGE",
            "owner": "111122223333",
            "logGroup": item.get("group"),
            "logStream": item.get("stream"),
            "subscriptionFilters": ["all"],
            "logEvents": events,
        }
    ).encode()


def declared(source: Source, others: Sequence[Source] = ()) -> Iterator[str]:
    """What is wrong with a declaration; `others` are the sources that it lives beside."""
    about = source.about
    for name in ("title", "reference"):
        if not getattr(source, name):
            yield f"it has no {name}"
    for name in ("recognised", "delivered", "delay", "organisation", "cannot_show"):
        if not getattr(about, name):
            yield f"About.{name} is empty: say it"
    if not isinstance(about.cannot_show, tuple) or not all(text.endswith(".") for text in about.cannot_show):
        yield "About.cannot_show is a tuple of sentences, each with a full stop"
    elif not {spot.question for spot in about.blind_spots} <= set(QUESTIONS):
        yield f"a blind spot bears on none of {', '.join(QUESTIONS)}"
    if about.minutes < 0:
        yield "About.minutes is how late its records come: 0 or more"
    if not any((source.claims, source.line_format, source.claims_line, source.claims_stream)):
        yield "nothing says how its records are told: claims, line_format, claims_line or claims_stream"
    yield from _columns(source, others)
    yield from _keys(source)


def _columns(source: Source, others: Sequence[Source]) -> Iterator[str]:
    names = [name for name, _ in source.table_columns]
    own = {column.name for column in source.columns}
    for column in source.columns:
        if not column.doc.strip():
            yield f"the column {column.name} has no doc"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"two columns are named {name}"
    for name in sorted(set(source.required) - own):
        yield f"it requires {name}, which is no column of it"
    kinds = {name: (kind, item.name) for item in others for name, kind in item.table_columns}
    for name, kind in source.table_columns:
        if name in kinds and kinds[name][0] != kind:
            yield f"the column {name} is {kind} here and {kinds[name][0]} in {kinds[name][1]}: one name has one type"


def _keys(source: Source) -> Iterator[str]:
    for pattern in source.keys:
        try:
            if not set(re.compile(pattern).groupindex) <= {"account", "region"}:
                yield f"the key pattern {pattern} has groups other than account and region"
        except re.error as error:
            yield f"the key pattern {pattern} is no regular expression: {error}"


def shown(source: Source, specimens: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the cases of a specimen, put together, leave out."""
    for pattern in source.keys:
        if not any(re.search(pattern, str(item["key"])) for item in specimens):
            yield f"no case of the specimen has a key that matches {pattern}"
    if not any("events" in item for item in specimens):
        yield "no case of the specimen says as which events its records read"
    if not any(item.get("rejected") for item in specimens):
        yield "no case of the specimen shows what becomes of a broken record"


def claimed(item: Mapping[str, Any], source: Source, others: Sequence[Source]) -> Iterator[str]:
    """Which other sources claim what is in a case of a specimen too."""
    from forensics.readers.documents import Lost, documents
    from forensics.readers.envelope import Line, unwrap
    from forensics.readers.log_events import LogEvent
    from forensics.readers.recognise import claims

    text = data({**item, "key": ""})
    name = item.get("name")
    if any(re.search(key, str(item["key"])) for other in others for key in other.keys):
        yield f"the case {name!r}: its key is one of another source's"
    lines = text.decode("utf-8", "replace").splitlines()[:20]
    found = {other.name for other in others if other.line_format and other.line_format(lines)}
    for document in documents(text, lambda _: True) if text.lstrip()[:1] in (b"{", b"[") else ():
        for leaf in () if isinstance(document, Lost) else unwrap(document):
            if isinstance(leaf, LogEvent):
                streams = (other for other in others if other.claims_stream)
                found |= {o.name for o in streams if o.claims_stream and o.claims_stream(leaf.stream, leaf.message)}
            elif not isinstance(leaf, Line):
                found |= {other.name for other in others if claims(other, leaf)}
    if found:
        yield f"the case {name!r}: its records are claimed by {', '.join(sorted(found))} too, not only by {source.name}"


def loads(source: Source, specimens: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """In which cases of a specimen something else comes of an object than the case says."""
    from forensics import evidence
    from forensics.case import Case
    from forensics.load import load

    with tempfile.TemporaryDirectory(prefix="forensics-specimen-") as folder:
        for place, item in enumerate(specimens):
            path = Path(folder) / "logs" / f"specimen-{place:03}" / str(item["key"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data(item))
        with Case.create(Path(folder) / "case") as case:
            evidence.add(case, Path(folder) / "logs")
            load(case, workers=1)
            for place, item in enumerate(specimens):
                yield from _came(case, source, f"/specimen-{place:03}/", item)


_STATUS = """
SELECT any_value(e.status), list(r.reason ORDER BY r.record NULLS LAST, r.reason) FILTER (r.reason IS NOT NULL)
FROM evidence AS e
LEFT JOIN rejected_record AS r ON r.object_id = e.object_id
WHERE contains(e.uri, ?)
"""


def _came(case: Case, source: Source, place: str, item: Mapping[str, Any]) -> Iterator[str]:
    name = item.get("name")
    status, reasons = case.sql(_STATUS, (place,)).rows()[0]
    wanted, rejected = item.get("status", "loaded"), list(item.get("rejected", []))
    if status != wanted:
        yield f"the case {name!r}: it is {status}, not {wanted}"
    if (reasons or []) != rejected:
        yield f"the case {name!r}: rejected for {reasons or 'nothing'}, not for {rejected or 'nothing'}"
    for table, expected in ((source.name, item.get("rows", [])), ("event", item.get("events"))):
        if expected is not None:
            for problem in _rows(case, table, place, expected):
                yield f"the case {name!r}: {problem}"


def _rows(case: Case, table: str, place: str, expected: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    there = {str(row[0]) for row in case.sql(f'DESCRIBE "{table}"').rows()}
    names = sorted({name for row in expected for name in row}) or ["record"]
    if unknown := [name for name in names if name not in there]:
        yield f"{table} has no column {', '.join(unknown)}"
        return
    listed = ", ".join(f's."{name}"' for name in names)
    rows = case.sql(
        f'SELECT {listed} FROM "{table}" AS s JOIN evidence AS e ON e.object_id = s.object_id'
        " WHERE contains(e.uri, ?) ORDER BY s.record",
        (place,),
    ).rows()
    if len(rows) != len(expected):
        yield f"{len(rows)} rows in {table}, not {len(expected)}"
    for number, (row, wanted) in enumerate(zip(rows, expected, strict=False)):
        held = dict(zip(names, row, strict=True))
        for name, value in wanted.items():
            if not _same(held[name], value):
                yield f"row {number} of {table}: {name} is {held[name]!r}, not {value!r}"


def _same(found: Any, wanted: Any) -> bool:
    """Whether a value is the one expected; a time may be written as text."""
    return bool(found == wanted) or (hasattr(found, "isoformat") and str(found) == str(wanted).replace("T", " "))


def _check(module: Path, specimen: Path) -> SourceCheck:
    """The check itself, in the process that has the module's folder among its sources."""
    from forensics.sources import sources

    source = outside.read(module).source
    specimens = read_specimen(specimen)
    others = [item for name, item in sources().items() if name != source.name]
    problems = [*declared(source, others), *shown(source, specimens)]
    problems += [problem for item in specimens for problem in claimed(item, source, others)]
    problems += loads(source, specimens)
    return SourceCheck(source.name, len(specimens), tuple(problems))


def _main(module: str, specimen: str) -> int:
    from forensics.errors import ForensicsError

    try:
        done = _check(Path(module), Path(specimen))
    except ForensicsError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2
    print(json.dumps({"source": done.source, "cases": done.cases, "problems": done.problems}))
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:3]))
