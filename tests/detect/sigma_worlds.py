"""Rules over made-up records: which match, without the resolution of a case."""

from typing import Any

import duckdb
import yaml

from forensics.detect.convert import Rule, convert
from forensics.detect.rules import RuleFile, documents
from tests.worlds import add, call, user

LOGSOURCE = {"product": "aws", "service": "cloudtrail"}


def rule(detection: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A rule's document; a detection without a condition has one: its selection."""
    body = detection if "condition" in detection else {"selection": detection, "condition": "selection"}
    return {"title": "A rule", "logsource": LOGSOURCE, "detection": body} | more


def text(*parts: dict[str, Any]) -> str:
    """Documents as YAML."""
    return "---\n".join(yaml.safe_dump(part, sort_keys=False) for part in parts)


def conversion(content: dict[str, Any] | str) -> Rule:
    """What one document converts to."""
    written = content if isinstance(content, str) else text(content)
    return convert(documents(RuleFile("rule.yml", written.encode()))[0])


def matched(con: duckdb.DuckDBPyConnection, content: dict[str, Any], source: str = "cloudtrail") -> list[int]:
    """The places of the records of a source that a rule matches."""
    made = conversion(content)
    assert not made.problem, made.problem
    (predicate,) = [item for item in made.predicates if item.source == source]
    return [
        row[0] for row in con.execute(f'SELECT record FROM "{source}" AS s WHERE {predicate.sql} ORDER BY 1').fetchall()
    ]


def asked(*values: Any) -> list[dict[str, Any]]:
    """A call for each value, of the request parameter `f`; Ellipsis is a call without it."""
    return [
        call(user(), eventID=f"e{place}", requestParameters={"other": "x"} | ({} if value is ... else {"f": value}))
        for place, value in enumerate(values)
    ]


def put(con: duckdb.DuckDBPyConnection, records: list[dict[str, Any]], source: str = "cloudtrail") -> None:
    """These records alone."""
    con.execute(f'DELETE FROM stored."{source}"')
    add(con, source, records)
