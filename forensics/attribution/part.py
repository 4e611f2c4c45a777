"""One part of the view `attribution`: a SELECT over one source, and the columns that every part has."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.sources import source as source_of


@dataclass(frozen=True)
class Part:
    """How records of a source answer one of the three questions; `sql` selects the columns of `attribution`.

    Where the source or one of the tables that it `needs` is empty, so is the answer.
    """

    source: str
    question: str
    sql: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a part says of each record (alias `s`): SQL expressions, `joined` what follows `FROM` the source.

    `needs` are tables joined that give no row where they are empty.
    """

    workload: str
    certainty: str
    via: str
    joined: str
    needs: tuple[str, ...] = ()
    candidates: str = "CAST(1 AS BIGINT)"
    evidence: str = ""


def part(source: str, question: str, answer: Answer) -> Part:
    """The part of a source; without `evidence` the record itself is what it rests on."""
    event_id = identifier(source)
    evidence = answer.evidence or f"[{event_id}]"
    return Part(
        source,
        question,
        f"""
SELECT
  {event_id} AS event_id, '{question}' AS question, {answer.workload} AS workload,
  {answer.certainty} AS certainty, {answer.via} AS via, {answer.candidates} AS candidates,
  {evidence} AS evidence_event_ids, s.object_id, s.record
FROM {source} AS s
{answer.joined.strip()}
""",
        answer.needs,
    )


PLACE_OF_ID = "split_part(s.event_id, '/', 1) AS object_id, CAST(split_part(s.event_id, '/', 2) AS BIGINT) AS record"
"""SQL: where the record of an event (alias `s`) stands, of a source whose event ids say so."""


def identifier(source: str) -> str:
    """SQL: the event id of a source's row."""
    return source_of(source).event.columns.get("event_id", "s.object_id || '/' || s.record")


def current(source: str) -> str:
    """SQL: whether a row is no further copy and no earlier version of an event."""
    return f"""NOT EXISTS (
  SELECT 1 FROM superseded AS x
  WHERE x.source = '{source}' AND x.copy_object_id = s.object_id AND x.copy_record = s.record)"""


def keyed(source: str, key: str, where: str = "TRUE") -> Part:
    """`issued_to`: the workload that the record's access key was issued to."""
    return part(
        source,
        "issued_to",
        Answer(
            workload="c.workload",
            certainty="c.certainty",
            via="'access key: ' || c.via",
            needs=("credential_workload",),
            candidates="c.candidates",
            evidence="c.evidence_event_ids",
            joined=f"""
JOIN credential_workload AS c ON c.access_key_id = {key}
WHERE {where}""",
        ),
    )


def client(
    source: str, address: str, time: str, *, joined: str = "", endpoint: str = "''", where: str = "TRUE"
) -> Part:
    """`used_from`: the workload that held the public address, or the private one behind a VPC endpoint."""
    return part(
        source,
        "used_from",
        Answer(
            workload="p.workload",
            certainty="p.certainty",
            via="p.via",
            needs=("call_place",),
            candidates="p.candidates",
            evidence="p.evidence_event_ids",
            joined=f"""
{joined}
JOIN call_place AS p ON p.source_ip = {address}
  AND p.vpc_endpoint_id = {endpoint}
  AND p.valid_from <= {time}
  AND {time} < p.valid_to
WHERE {where}""",
        ),
    )


@dataclass(frozen=True)
class Near:
    """A private address in a record: where it stands, in which VPC, and when. `stated` is SQL: the VPC is no guess."""

    address: str
    vpc_id: str
    begin: str
    end: str
    joined: str = ""
    stated: str = "TRUE"
    where: str = "TRUE"


def nearby(source: str, question: str, near: Near) -> Part:
    """The workload that held a private address in the VPC of the record for as long as the record lasts.

    As a client's address an IPv6 one is unique in the world: `client` answers for it.
    """
    where = f"{near.where}\n  AND NOT contains({near.address}, ':')" if question == "used_from" else near.where
    return part(
        source,
        question,
        Answer(
            workload="p.workload",
            certainty=f"CASE WHEN {near.stated} OR p.certainty = 'shared' THEN p.certainty ELSE 'inferred' END",
            via=f"CASE WHEN {near.stated} THEN 'private address' ELSE 'private address in the only VPC known there' END",
            needs=("address_place",),
            candidates="p.candidates",
            evidence="p.evidence_event_ids",
            joined=f"""
{near.joined}
JOIN address_place AS p ON p.address = {near.address}
  AND p.vpc_id = {near.vpc_id}
  AND p.valid_from <= {near.begin}
  AND {near.end} < p.valid_to
WHERE {where}""",
        ),
    )
