"""What the evidence of a case cannot show, and what would show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from forensics.analysis.words import count, during, listed
from forensics.case import Case
from forensics.sources import title_of


@dataclass(frozen=True)
class Gap:
    """A question that stays open, why, and what would answer it."""

    question: str
    why: str
    remedy: str


_NOT_ISSUED = """
SELECT k.access_key_id
FROM credential AS k
WHERE list_contains(CAST(? AS VARCHAR[]), k.access_key_id)
  AND k.issuance_event_id IS NULL
ORDER BY k.access_key_id
"""


def who_was_at(addresses: list[str]) -> Gap:
    """That an address names nobody."""
    return Gap(
        f"Who was at {listed(addresses)}",
        "logs give an address, not a person; a public address changes hands",
        "ask the network's owner; compare with findings and other accounts' logs",
    )


def not_issued(case: Case, access_key_ids: list[str]) -> list[Gap]:
    """The credentials whose issuance is not in evidence, as one question; empty where all are."""
    without = [str(row[0]) for row in case.sql(_NOT_ISSUED, (access_key_ids,)).rows()]
    return [
        Gap(
            f"When and by whom {listed(without)} was issued",
            "the call that minted it is not in evidence: before the logs, in another region, or filtered as read-only",
            "collect earlier objects of the trail, and those of us-east-1",
        )
    ] * bool(without)


_HELD = "SELECT source, count(*) FROM event GROUP BY source"

_UNKNOWN_HOURS = """
SELECT c.source, c.account_id, c.region, count(*) AS hours, c.status,
  min(c.cause) || CASE WHEN count(DISTINCT c.cause) > 1 THEN '; and ' || (count(DISTINCT c.cause) - 1) || ' more reasons'
    ELSE '' END AS cause
FROM coverage AS c
WHERE c.status NOT IN ('present', 'silent') AND NOT (c.source = 'guardduty' AND c.status = 'unknown')
GROUP BY c.source, c.account_id, c.region, c.status
ORDER BY c.source, c.account_id, c.region, c.status
"""

_LOST = """
SELECT v.status, count(*) AS objects, coalesce(sum(v.rejected), 0) AS records
FROM evidence AS v
WHERE v.status IN ('partial', 'rejected', 'unrecognised')
GROUP BY v.status
ORDER BY v.status
"""

_SKIPPED = """
SELECT count(*) AS records, count(DISTINCT f.interface_id) AS interfaces, min(f.start) AS first, max(f."end") AS last
FROM vpc_flow AS f
WHERE f.log_status = 'SKIPDATA'
"""

_DATA_EVENTS = """
SELECT count(*) FILTER (WHERE s.event_source = 's3.amazonaws.com') AS s3,
  count(*) FILTER (WHERE s.event_source = 'lambda.amazonaws.com') AS lambda
FROM cloudtrail AS s
WHERE s.event_category = 'Data'
"""

_ABSENT = {
    "cloudtrail": (
        "Which API calls were made",
        "collect the trail's objects, or at least `aws cloudtrail lookup-events` for each region",
    ),
    "vpc_flow": (
        "Which addresses the workloads spoke with",
        "switch on flow logs; for the past there is no substitute",
    ),
    "guardduty": ("What GuardDuty judged", "`aws guardduty get-findings`; findings are kept for 90 days"),
    "lambda_log": (
        "Which invocations ran in which execution environments",
        "export the log group, or `aws logs filter-log-events`",
    ),
}


_WHY_NOT = {
    "switched_off": "it was switched off",
    "missing": "records should be there and are not",
    "tampered": "what was delivered was altered or taken away",
}
_REMEDY = {
    "switched_off": "nothing brings them back; other logs of that time",
    "missing": "collect those objects again; versions of the bucket's objects",
    "tampered": "versions and replicas of the bucket's objects; its access log",
}


def gaps(case: Case) -> list[Gap]:
    """What is missing from the case as a whole: sources, hours, data events, records that did not load."""
    held = {str(name): int(number) for name, number in case.sql(_HELD).rows()}
    found = [
        Gap(question, f"no {title_of(name)} are in the evidence", remedy)
        for name, (question, remedy) in _ABSENT.items()
        if not held.get(name)
    ]
    found += _data_events(case) if held.get("cloudtrail") else []
    found += [
        Gap(
            f"What {title_of(name)} of {' '.join(filter(None, (account, region))) or 'an account not named'}"
            f" would show in {hours:,} of the case's hours",
            _WHY_NOT.get(status, "no record of that hour is in evidence") + (f": {cause}" if cause else ""),
            _REMEDY.get(status, "check that the objects of those hours were collected; see the coverage figure"),
        )
        for name, account, region, hours, status, cause in case.sql(_UNKNOWN_HOURS).rows()
        if held.get(str(name))
    ]
    return [*found, *_skipped(case), *_lost(case)]


def _data_events(case: Case) -> list[Gap]:
    s3, functions = _first(case, _DATA_EVENTS)
    found = []
    if not s3:
        found.append(
            Gap(
                "Which S3 objects were read or written",
                "the trail holds no S3 data events: that none are seen does not mean that none happened",
                "S3 server access logs, if the bucket had them on; switch on data events",
            )
        )
    if not functions:
        found.append(
            Gap(
                "Who invoked the functions",
                "the trail holds no Lambda data events, and function logs name no caller",
                "access logs of what stands before the function (API Gateway, ALB, CloudFront, WAF); data events",
            )
        )
    return found


def _skipped(case: Case) -> list[Gap]:
    records, interfaces, first, last = _first(case, _SKIPPED)
    if not records:
        return []
    return [
        Gap(
            f"What {count(interfaces, 'interface')} sent and received while flow records were lost",
            f"{count(records, 'flow record')} with SKIPDATA {during(first, last)}: AWS itself lost what was sent then",
            "nothing brings them back",
        )
    ]


def _lost(case: Case) -> list[Gap]:
    return [
        Gap(
            f"What {count(objects, f'{status} object')} held",
            f"{count(int(records), 'record')} or parts of records did not load"
            if records
            else "no source of this package recognises what is in them",
            "see the tables `evidence` and `rejected_record`",
        )
        for status, objects, records in case.sql(_LOST).rows()
    ]


def _first(case: Case, sql: str) -> tuple[Any, ...]:
    return case.sql(sql).rows()[0]
