"""Sigma rules, correlations and filters, converted once: what the report and the run need of each, kept by content."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from forensics import attack
from forensics.detect import bounds, legacy, pipelines
from forensics.detect.rules import RuleFile, RuleText, documents
from forensics.errors import UsageError
from forensics.sources import source

SEVERITY = {"informational": 1.0, "low": 2.0, "medium": 5.0, "high": 7.0, "critical": 9.0}
"""A rule's level on GuardDuty's scale of severities; a rule without one is medium."""

LONGEST_SQL = 400_000
"""Characters that the SQL of one rule may have."""
KEPT = 20_000
"""Files whose conversions are kept; the least lately converted are given up first."""

_TECHNIQUE = re.compile(r"attack\.t[0-9]")

_EXTRA = "Sigma rules need pySigma: pip install 'forensics[sigma]'"


@dataclass(frozen=True)
class Predicate:
    """A rule over one source table (alias `s`): SQL that is true of the rows it matches.

    `narrow` is that SQL reduced to the table's columns of few values ("" reduces to nothing), `rest` what is left to ask
    of rows for which that is true; `fields` are the rule's names with SQL ("" where the table has none), `columns` those
    of them that are columns of the table, `needs` what `backend.needs` says.
    """

    source: str
    sql: str
    narrow: str = ""
    rest: str = "TRUE"
    fields: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    needs: Any = True


@dataclass(frozen=True)
class Correlation:
    """What a correlation rule says.

    `condition` are operators with numbers, all of which hold; None where all rules must be there. `counted` is the field
    of a value correlation, `percentile` which one. A rule that counts itself names no `rules`.
    """

    type: str
    rules: list[str]
    group_by: list[str]
    seconds: int
    condition: list[tuple[str, float]] | None
    counted: str = ""
    percentile: int = 50
    aliases: dict[str, dict[str, str]] = field(default_factory=dict)
    generate: bool = False


@dataclass(frozen=True)
class Rule:
    """One document: a rule, correlation or filter, or (`problem`, at `line`) why it is none."""

    place: str
    line: int
    title: str = ""
    id: str = ""
    name: str = ""
    kind: str = "rule"
    level: str = ""
    tags: list[str] = field(default_factory=list)
    logsource: str = ""
    playbook: str = ""
    description: str = ""
    false_positives: list[str] = field(default_factory=list)
    predicates: list[Predicate] = field(default_factory=list)
    correlation: Correlation | None = None
    filters: list[str] | None = None
    problem: str = ""
    construct: str = ""

    @property
    def key(self) -> str:
        """Its id, else its name, else where it is."""
        return self.id or self.name or f"{self.place.rpartition('/')[2]}:{self.line}"

    @property
    def techniques(self) -> list[str]:
        """The ATT&CK techniques that its tags name, as `attack.VERSION` calls them: T1098, T1098.001."""
        named = (attack.current(tag.removeprefix("attack.")) for tag in self.tags if _TECHNIQUE.match(tag))
        return list(dict.fromkeys(named))

    @property
    def severity(self) -> float:
        """Its level as a number."""
        return SEVERITY.get(self.level, 5.0)


def converted(files: Iterable[RuleFile], cache: Path | None = None) -> list[Rule]:
    """Every document of the files, converted or with its problem; none is left out. Raises UsageError without pySigma.

    Conversions are kept in `cache`, by default `sigma.msgpack` in the user's cache directory, by the content of the file
    and the versions of what converts.
    """
    _require()
    path = cache or _cache_path()
    known = _kept(path)
    rules, used, new = [], {}, False
    for file in files:
        key = hashlib.sha256(file.data).hexdigest()
        if file.problem or key not in known:
            found, new = _file(file), True
        else:
            found = known[key]
        if not file.problem:
            used[key] = found
        rules += [replace(rule, place=file.place) for rule in found]
    if new:
        _keep(path, known, used)
    return rules


def _file(file: RuleFile) -> list[Rule]:
    found = [convert(item) for item in legacy.collected(documents(file))]
    return found or [Rule(file.place, 1, problem="no rule in the file")]


def _require() -> None:
    try:
        import sigma.backends.sqlite
        import sigma.rule  # noqa: F401
    except ImportError:
        raise UsageError(_EXTRA) from None


# One document


def convert(item: RuleText) -> Rule:
    """The document as a Rule; what cannot be converted says which construct, and on which line of the file."""
    from sigma.exceptions import SigmaError

    from forensics.detect.backend import Unconvertible

    if item.content is None:
        return Rule(item.place, item.line, problem=item.problem)
    rule = _described(item)
    try:
        if "correlation" in item.content:
            return replace(rule, kind="correlation", correlation=_correlation(item.content))
        if "filter" in item.content:
            return _filter(rule, item.content)
        if "detection" not in item.content:
            return replace(rule, problem="not a Sigma rule: it has neither detection, correlation nor filter")
        content, counted = legacy.counted(item.content)
        return replace(rule, predicates=_predicates(content), correlation=_counted(counted) if counted else None)
    except Unconvertible as error:
        return _unconverted(rule, item, str(error), error.construct)
    except (SigmaError, NotImplementedError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        return _unconverted(rule, item, "nested too deep" if deep else str(error) or type(error).__name__)


def _described(item: RuleText) -> Rule:
    content = item.content or {}
    logsource = content.get("logsource")
    said = (
        [str(logsource[key]) for key in ("product", "category", "service") if logsource.get(key)]
        if isinstance(logsource, dict)
        else []
    )
    tags, mistaken = content.get("tags"), content.get("falsepositives")
    custom = content.get("custom") if isinstance(content.get("custom"), dict) else {}
    return Rule(
        item.place,
        item.line,
        title=str(content.get("title") or "untitled rule")[:300],
        id=str(content.get("id") or "")[:100],
        name=str(content.get("name") or "")[:200],
        level=str(content.get("level") or "").lower()[:20],
        tags=[str(tag)[:100] for tag in tags[:50]] if isinstance(tags, list) else [],
        logsource="/".join(said)[:200],
        playbook=str((custom or {}).get("playbook") or "")[:100],
        description=" ".join(str(content.get("description") or "").split())[:2000],
        false_positives=[str(item)[:500] for item in mistaken[:50]] if isinstance(mistaken, list) else [],
    )


def _unconverted(rule: Rule, item: RuleText, message: str, construct: str = "") -> Rule:
    line, found = _line(item.text, message, construct)
    where = message.replace("\n", " ")[:300]
    return replace(
        rule, line=item.line + line, problem=f"not convertible: {where}", construct=construct or found, predicates=[]
    )


def _line(text: str, message: str, construct: str) -> tuple[int, str]:
    """How many lines below the first the construct stands: what it is, else the longest word of the message that is there."""
    lines = text.splitlines()
    said = [quoted for quoted in re.findall(r"'([^']+)'", message) if quoted.strip()]
    words = said + sorted(set(re.findall(r"[A-Za-z_][\w.|-]{3,}", message)), key=len, reverse=True)
    body = next((place for place, line in enumerate(lines) if re.match(r"(detection|correlation|filter):", line)), 0)
    for wanted in [construct, *words] if construct else words:
        for place, line in enumerate(lines[body:], start=body):
            if wanted in line:
                return place, line.strip()[:120]
    return 0, ""


def _predicates(content: dict[str, Any]) -> list[Predicate]:
    from sigma.rule import SigmaRule

    from forensics.detect.backend import Unconvertible

    detection = bounds.plain(content["detection"])
    if isinstance(detection, dict) and bounds.values(detection) > bounds.MOST_VALUES:
        message = f"more than {bounds.MOST_VALUES:,} values, counted as often as the condition names them"
        raise Unconvertible(message, "condition")
    parts = {"logsource": content["logsource"]} if "logsource" in content else {}
    rule = SigmaRule.from_dict(parts | {"detection": detection} | _TITLE)
    said = rule.logsource
    return [
        _predicate(table, rule)
        for table in pipelines.tables(said.product or "", said.service or "", said.category or "")
    ]


_TITLE = {"title": "rule"}


def _predicate(table: pipelines.Table, rule: Any) -> Predicate:
    from sigma.conversion.state import ConversionState

    from forensics.detect.backend import DuckDBBackend, Unconvertible, needs

    backend = DuckDBBackend(source(table.source), table)
    conditions = [item.parsed for item in rule.detection.parsed_condition]
    sql = " OR ".join(f"({backend.convert_condition(item, ConversionState())})" for item in conditions)
    if len(sql) > LONGEST_SQL:
        raise Unconvertible(f"more than {LONGEST_SQL:,} characters of SQL", "condition")
    narrow = [backend.narrowed(item) for item in conditions]
    return Predicate(
        table.source,
        sql,
        "" if None in narrow else " OR ".join(filter(None, narrow)),
        (backend.rest(conditions[0]) or "TRUE") if len(conditions) == 1 else sql,
        {name: found.sql if found else "" for name, found in backend.seen.items()},
        {name: found.column for name, found in backend.seen.items() if found and not found.many and found.column},
        ["or", *map(needs, conditions)],
    )


def _filter(rule: Rule, content: dict[str, Any]) -> Rule:
    body = dict(content["filter"])
    rules = body.pop("rules", None)
    if rules is None:
        raise ValueError("filter without rules: name them, or any")
    every = isinstance(rules, str) and rules.lower() == "any"
    named = [] if every else [str(name) for name in (rules if isinstance(rules, list) else [rules])]
    made = _predicates({"title": "filter", "logsource": content.get("logsource"), "detection": body})
    return replace(rule, kind="filter", filters=named, predicates=made)


def _counted(said: dict[str, Any]) -> Correlation:
    """What a rule counts of itself."""
    from sigma.correlations import SigmaCorrelationTimespan

    seconds = SigmaCorrelationTimespan(str(said["timespan"])).seconds
    condition = [(said["sign"], said["number"])]
    return Correlation(said["type"], [], said["group-by"], seconds, condition, said["field"])


def _correlation(content: dict[str, Any]) -> Correlation:
    from sigma.correlations import SigmaCorrelationRule, SigmaExtendedCorrelationCondition

    from forensics.detect.backend import Unconvertible

    said = content["correlation"]
    written = said.get("condition") if isinstance(said, dict) else None
    given = isinstance(written, dict)
    limits: dict[str, Any] = written if isinstance(written, dict) else {}
    signs = [key for key in limits if key in _SIGNS]
    first = {key: value for key, value in limits.items() if key not in signs[1:]}
    rule = SigmaCorrelationRule.from_dict(content | {"correlation": said | {"condition": first}} if given else content)
    kind = rule.type.name.lower()
    if isinstance(rule.condition, SigmaExtendedCorrelationCondition):
        raise Unconvertible("a correlation's condition in words", str(rule.condition.expression))
    if given and kind == "temporal_ordered":
        raise Unconvertible("a number of rules in a correlation of order, which asks for all of them", "condition")
    reference = rule.condition.fieldref if given else None
    if isinstance(reference, list):
        raise Unconvertible("a correlation over several fields", "field")
    if len(rule.rules or []) > bounds.MOST_RULES:
        raise Unconvertible(f"a correlation of more than {bounds.MOST_RULES} rules", "rules")
    return Correlation(
        kind,
        [item.reference for item in rule.rules or []],
        list(rule.group_by or []),
        rule.timespan.seconds,
        [(_SIGNS[sign], float(limits[sign])) for sign in signs] if given else None,
        reference or "",
        rule.condition.percentile or 50,
        {item.alias: {key.reference: value for key, value in item.mapping.items()} for item in rule.aliases},
        bool(said.get("generate", content.get("generate", False))),
    )


_SIGNS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "eq": "=", "neq": "<>"}


# What is kept of earlier conversions


def _cache_path() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "forensics" / "sigma.msgpack"


def engine() -> str:
    """What a conversion depends on besides the rule: our pipelines, tables and code, and pySigma's versions."""
    parts = [str(pipelines.VERSION)]
    for name in ("pysigma", "pysigma-backend-sqlite", "duckdb"):
        try:
            parts.append(version(name))
        except PackageNotFoundError:
            parts.append("?")
    here = Path(__file__).parent
    parts += [
        hashlib.sha256((here / name).read_bytes()).hexdigest()
        for name in ("backend.py", "bounds.py", "convert.py", "fields.py", "legacy.py", "pipelines.py")
    ]
    return hashlib.sha256("\n".join([*parts, _tables()]).encode()).hexdigest()


def _tables() -> str:
    return repr([source(name).table_columns for name in pipelines.by_source()])


def _kept(path: Path) -> dict[str, list[Rule]]:
    """Conversions by the hash of their file; none where the file is not there, not whole, or another version's."""
    try:
        made_by, known = msgspec.msgpack.decode(path.read_bytes(), type=tuple[str, dict[str, list[Rule]]])
    except (OSError, msgspec.DecodeError):
        return {}
    return known if made_by == engine() else {}


def _keep(path: Path, known: dict[str, list[Rule]], used: dict[str, list[Rule]]) -> None:
    """Write them at once or not at all; a directory that cannot be written costs only the time of converting again."""
    every = {key: value for key, value in known.items() if key not in used} | used
    last = dict(list(every.items())[-KEPT:])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f"{path.name}.{os.getpid()}")
        aside.write_bytes(msgspec.msgpack.encode((engine(), last)))
        aside.replace(path)
    except OSError:
        return


def referenced(rules: Sequence[Rule]) -> dict[str, Rule]:
    """The rules by id and by name, as correlations and filters name them."""
    found: dict[str, Rule] = {}
    for rule in rules:
        for key in (rule.id, rule.name):
            if key and not rule.problem:
                found.setdefault(key, rule)
    return found
