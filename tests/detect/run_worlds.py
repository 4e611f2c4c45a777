"""Rules run over a case of a few calls: what came of each."""

from pathlib import Path
from typing import Any

import duckdb

from forensics import coverage, identity
from forensics.case import Case
from forensics.detect.report import Detection
from tests.detect.sigma_worlds import rule, text
from tests.worlds import Record, add, call, user

DEV = user()
OPS = user("ops", key="AKIAEXAMPLEOPS", uid="AIDAEXAMPLEOPS")
FROM = {"sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2"}


def hold(case: Case, *records: Record) -> None:
    """Put calls into the case, with what rules need of its resolution."""
    add(case.connection, "cloudtrail", list(records))
    for stage in (identity, coverage):
        stage.resolve(case.connection)


def at(clock: str, who: Record = DEV, name: str = "iam:CreateUser", **more: Any) -> Record:
    return call(who, name, at=clock, eventID=f"{name}-{clock}-{who['userName']}") | FROM | more


def detect(case: Case, tmp_path: Path, *documents: dict[str, Any] | str, **options: Any) -> Detection:
    path = tmp_path / "rules.yml"
    path.write_text("---\n".join(part if isinstance(part, str) else text(part) for part in documents), "utf-8")
    return case.detect(path, **options)


def states(found: Detection) -> dict[str, tuple[str, int]]:
    return {item.rule.title: (item.state, item.hits) for item in found.outcomes}


def whys(found: Detection) -> dict[str, str]:
    return {item.rule.title: item.why for item in found.outcomes}


def findings(con: duckdb.DuckDBPyConnection) -> list[Any]:
    return con.execute(
        "SELECT type, title, principal FROM finding WHERE source = 'sigma' ORDER BY title, principal"
    ).fetchall()


def about(name: str, **more: Any) -> dict[str, Any]:
    return rule({"eventName": name}, title=name, id=f"id-{name}", name=name.lower(), **more)


def correlation(kind: str, rules: list[str], **more: Any) -> dict[str, Any]:
    return {"title": "Together", "correlation": {"type": kind, "rules": rules, "timespan": "10m"} | more}
