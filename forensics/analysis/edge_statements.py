"""Statements about an attack through the edge: the requests, the invocations behind them, what those did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from forensics.analysis.edge_requests import Served
from forensics.analysis.edge_traces import Calls
from forensics.analysis.statement import Statement, named
from forensics.analysis.suspects import Reason
from forensics.analysis.technique import technique
from forensics.analysis.words import at, count, during, listed, size

MOST_CITED = 5_000
"""Records cited by one statement."""

EXPLOIT, SCAN = "T1190", "T1595.002"


def attackers(
    believed: Sequence[tuple[str, Sequence[Reason]]], requests: Sequence[tuple[Any, ...]]
) -> Iterator[Statement]:
    """Of each address: why it is taken for an attacker's, citing every request it made."""
    for number, (address, reasons) in enumerate(believed, 1):
        rows = [row for row in requests if row[3] == address]
        shown = list(dict.fromkeys(str(row[4])[:120] for row in rows))
        statuses = sorted({str(row[5]) for row in rows if row[5]})
        why = list(dict.fromkeys(item.says for item in reasons))
        yield Statement(
            id=f"client-{number:02d}",
            title=f"{address} is taken to be an attacker's: {count(len(rows), 'request')}",
            statement=(
                f"{address} sent {count(len(rows), 'request')} {during(rows[0][2], rows[-1][2])}, answered with"
                f" {listed(statuses, 6) or 'nothing logged'}: {listed(shown, 5)}. Why an attacker's: {'; '.join(why[:8])}"
                + (f"; and {len(why) - 8:,} more of the kind." if len(why) > 8 else ".")
            ),
            time=rows[0][2],
            certainty="inferred",
            technique=SCAN if any(row[9] for row in rows) else EXPLOIT,
            evidence=named([str(row[0]) for row in rows[:MOST_CITED]]),
        )


def servings(served: Sequence[Served]) -> Iterator[Statement]:
    """Of each request of an attacker: the invocation that served it, and how that is known."""
    for number, item in enumerate(served, 1):
        name = item.workload.rpartition(":")[2]
        yield Statement(
            id=f"served-{number:02d}",
            title=f"An invocation of {name} served {item.client}",
            statement=(
                f"The request {(item.asked or 'not logged')[:200]} of {item.client}, begun {at(item.begun)} and answered with"
                f" {item.status or 'a status not logged'}, was served by the invocation {item.request_id} in the execution"
                f" environment {item.environment}, {during(item.started_at, item.ended_at)}: {item.duration_ms or 0:,.0f} ms"
                f" (median {item.usual_ms or 0:,.0f} ms)"
                + (f", ending in {item.error}" if item.error else "")
                + f". How that is known: {item.how}."
            ),
            time=item.started_at,
            certainty=item.certainty,
            technique=EXPLOIT,
            workload=item.workload,
            resources=(item.environment,),
            evidence=named([item.event_id, *item.lines]),
        )


def acts(calls: Sequence[Calls]) -> Iterator[Statement]:
    """What the function's own key was used for within those invocations."""
    for number, item in enumerate(calls, 1):
        ended = "succeeded" if item.outcome == "success" else "did not succeed"
        yield Statement(
            id=f"act-{number:02d}",
            title=f"{item.action} within the invocation" + (f", {item.calls:,} times" if item.calls > 1 else ""),
            statement=(
                f"Within the invocation {item.request_id}, with the function's own credential {item.access_key_id},"
                f" {count(item.calls, 'call')} of {item.action} from {item.address or 'an address not recorded'} {ended}"
                f" {during(item.first, item.last)}."
                + (f" S3 sent {size(item.bytes)}." if item.bytes else "")
                + (" The function calls this at no other time." if item.new else "")
                + (
                    " The key opened that environment's log stream, and an environment serves one request at a time."
                    if item.same_environment
                    else " Which environment holds this key is not logged."
                )
            ),
            time=item.first,
            certainty="inferred",
            technique=technique(item.action),
            workload=item.workload,
            evidence=named(item.ids[:MOST_CITED]),
        )


def names(rows: Sequence[tuple[Any, ...]]) -> Iterator[Statement]:
    """Names whose answer was a destination met only then."""
    for number, (domain, answer, queries, first, last, ids) in enumerate(rows, 1):
        yield Statement(
            id=f"name-{number:02d}",
            title=f"{domain} was asked for, answer {answer}",
            statement=(
                f"{int(queries):,} DNS {'query' if queries == 1 else 'queries'} for {domain}"
                f" {during(first, last)} had the answer {answer}."
            ),
            time=first,
            certainty="recorded",
            resources=(str(domain),),
            evidence=named(ids[:MOST_CITED]),
        )


def findings(rows: Sequence[tuple[Any, ...]]) -> Iterator[Statement]:
    """Findings of the function while it served an attacker."""
    once = {str(row[1]): row for row in rows}
    for number, (finding_id, row) in enumerate(once.items(), 1):
        yield Statement(
            id=f"finding-{number:02d}",
            title=f"GuardDuty: {row[2]}",
            statement=f"GuardDuty reported {row[2]} of the function, seen from {at(row[3])}, within the invocation {row[0]}.",
            time=row[3],
            certainty="recorded",
            evidence=named([finding_id]),
        )
