"""Every card of a case, by name: of things that are there, that an adversary named, and that are not there."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forensics import attribution
from forensics.case import Case
from forensics.timeline import Timeline
from tests.cards.worlds import FINDING, KEY, ORDERS, OUTSIDE, ROLE_ARN, ROWS, SESSION, told
from tests.views.worlds import add_row
from tests.worlds import ACCOUNT

HOSTILE = (
    "</td></pre></code><script>owned=1</script><img src=http://collect.example/x onerror=owned=1>"
    "<a href='javascript:owned=1'>')+owned('\x1b[31m\x1b]0;owned\x07\u202e\"{{7*7}}\\"
)
BUCKET = "arn:aws:s3:::orders-data"
OBJECT = "object-0"
AT = "2026-11-05 09:12:00"
FIXED = {"certainty", "place", "speaks", "holds_kind", "holds", "workload_certainty", "issuance_certainty"}
"""Columns whose words a table's rules fix, or that have a form of their own."""

COVERAGE = """
INSERT INTO coverage (source, account_id, region, hour, records, status, cause)
SELECT 'cloudtrail', $account, $region, TIMESTAMP '2026-11-05 08:00:00' + to_hours(CAST(h.hour AS BIGINT)), h.hour,
  CASE WHEN h.hour = 0 THEN 'missing' ELSE 'present' END, CASE WHEN h.hour = 0 THEN $cause END
FROM range(3) AS h(hour)
"""
EVIDENCE = """
INSERT INTO evidence (object_id, uri, sha256, size, acquired_at, source, account_id, status, records, rejected, reason)
VALUES ($object_id, $uri, $sha256, 10, TIMESTAMP '2026-11-06 08:00:00', 'cloudtrail', $account, 'partial', 13, 1, $reason)
"""

Maker = Callable[[Case, Mapping[str, str]], Any]

CARDS: Mapping[str, Maker] = {
    "case": lambda case, _: case.card(),
    "timeline": lambda case, names: Timeline(case).where("action <> ? OR action IS NULL", names["text"]).card(),
    "narrowed timeline": lambda case, names: Timeline(case).session(names["session"]).card(),
    "query": lambda case, names: case.sql("SELECT ? AS text, * FROM event", (names["text"],)).card(),
    "coverage": lambda case, _: case.coverage().card(),
    "logged": lambda case, names: case.logged(names["bucket"], at=AT).card(),
    "principal": lambda case, names: case.principal(names["principal"]),
    "credential": lambda case, names: case.credential(names["key"]),
    "workload": lambda case, names: case.workload(names["workload"]),
    "finding": lambda case, names: case.finding(names["finding"]),
    "session": lambda case, names: case.session(names["session"]),
    "resource": lambda case, names: case.resource(names["resource"]),
    "address": lambda case, names: case.address(names["address"]),
    "record": lambda case, names: case.record(names["event"]),
    "evidence": lambda case, names: case.evidence(names["object"]),
    "who_was": lambda case, _: case.who_was("10.0.3.17", at="2026-11-05T08:30:00Z"),
}
LOOKUPS = ("principal", "credential", "workload", "finding", "session", "resource", "address", "record", "evidence")

NAMES = {
    "text": "x",
    "session": SESSION,
    "bucket": BUCKET,
    "resource": f"arn:aws:iam::{ACCOUNT}:role/admin",
    "principal": ROLE_ARN,
    "key": KEY,
    "workload": ORDERS,
    "finding": FINDING,
    "address": OUTSIDE,
    "event": "read-0",
    "object": OBJECT,
}
HOSTILE_NAMES = {**dict.fromkeys(NAMES, HOSTILE), "bucket": f"arn:aws:s3:::{HOSTILE}", "address": OUTSIDE}
UNKNOWN = {**dict.fromkeys(NAMES, "no-such-thing"), "bucket": "arn:aws:s3:::no-such", "address": "203.0.113.78"}


@contextmanager
def ordinary(root: Path) -> Iterator[Case]:
    """The case that was told who and what, with its coverage and an object of evidence whose bytes are gone."""
    with told(root) as case:
        case.connection.execute(COVERAGE, {"account": "111122223333", "region": "us-east-1", "cause": "StopLogging"})
        said = {"object_id": OBJECT, "uri": "s3://example/x.json.gz", "sha256": "0" * 64, "account": "111122223333"}
        case.connection.execute(EVIDENCE, said | {"reason": "cut off"})
        attribution.create_view(case.connection)
        note_all(case, "exfiltration", "It read everything.")
        yield case


@contextmanager
def hostile(root: Path) -> Iterator[Case]:
    """One row of each table, one event, one object, one hour, one note: every text of it hostile."""
    rows = {table: [{name: _named(value, name) for name, value in items[0].items()}] for table, items in ROWS.items()}
    who = {"principal": HOSTILE, "name": HOSTILE}
    rows |= {"principal": [who | {"kind": HOSTILE}], "session": [who | {"session": HOSTILE, "issuer": HOSTILE}]}
    with told(root, rows) as case:
        _attack(case)
        yield case


def _attack(case: Case) -> None:
    con = case.connection
    con.execute("INSERT INTO identity VALUES (7, 'role', ?, ?, NULL, NULL)", [HOSTILE, HOSTILE])
    texts = dict.fromkeys(
        ("event_name", "event_id", "user_agent", "user_identity_access_key_id", "error_code"), HOSTILE
    )
    call: dict[str, Any] = {"event_time": "2026-11-05 09:12:00", "event_source": HOSTILE, "identity_key": 7, **texts}
    add_row(
        case, "cloudtrail", **call, source_ip_address=OUTSIDE, resource_ids=[HOSTILE, f"arn:aws:s3:::{HOSTILE}"] * 3
    )
    add_row(
        case, "vpc_flow", srcaddr=OUTSIDE, dstaddr=HOSTILE, interface_id=HOSTILE, bytes=10, start=AT, action=HOSTILE
    )
    con.execute("INSERT INTO finding_evidence VALUES (?, ?, ?)", [HOSTILE] * 3)
    con.execute("INSERT INTO rejected_record VALUES (?, 3, ?, ?)", [HOSTILE] * 3)
    con.execute(COVERAGE, dict.fromkeys(("account", "region", "cause"), HOSTILE))
    con.execute(EVIDENCE, dict.fromkeys(("object_id", "uri", "sha256", "account", "reason"), HOSTILE))
    note_all(case, "".join(c for c in HOSTILE if c.isprintable())[:40], HOSTILE.replace("\x1b", "").replace("\x07", ""))


def note_all(case: Case, tag: str, text: str) -> None:
    """A tag and a note on the case, a credential and an event."""
    for about in (None, ("credential", KEY), ("event", "read-0"), ("credential", HOSTILE)):
        case.notes.tag(about, tag, by="ana")
        case.notes.write(text, about, by="ana")


def _named(value: Any, column: str) -> Any:
    """A text of a row made hostile, unless it has to have a form."""
    if isinstance(value, list):
        return [HOSTILE]
    dated = isinstance(value, str) and value.startswith("2026-")
    return HOSTILE if isinstance(value, str) and column not in FIXED and not dated else value
