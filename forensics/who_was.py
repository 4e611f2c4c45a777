"""Who held an address, an interface, a key or a session at a moment: every candidate, or who held it before and after."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from forensics import padding
from forensics.errors import UsageError
from forensics.timeline import Moment, parse_time

if TYPE_CHECKING:
    from forensics.case import Case, Query

_NAMED = (
    (re.compile(r"eni-[0-9A-Za-z]+"), ("eni",)),
    (re.compile(r"(?:AKIA|ASIA)[0-9A-Z]{4,124}"), ("access_key_id",)),
    (re.compile(r"arn:[a-z-]+:sts::[0-9]{12}:(?:assumed-role|federated-user)/\S+"), ("session",)),
)
"""What is asked for beside addresses, and the kinds of `lifetime` it is held as."""

_ADVICE = (
    "give an IPv4 or IPv6 address, an interface (eni-…), an access key id (ASIA…, AKIA…) "
    "or the ARN of a session (arn:aws:sts::…:assumed-role/ROLE/NAME)"
)

_FAR = "TIMESTAMP '9999-12-31'"
_LONG_AGO = "TIMESTAMP '0001-01-01'"
_PADDING = padding.of_holder("h.workload", padding.CALL)

_HELD = f"""
WITH held AS (
  SELECT h.workload, w.kind, w.account_id, h.holds_kind, h.holds, h.valid_from, h.valid_to, h.from_known, h.to_known,
    h.certainty AS held_certainty, h.evidence_event_ids, n.vpc_id, to_seconds({_PADDING}) AS padding,
    coalesce(h.valid_from, {_LONG_AGO}) AS lower_end, coalesce(h.valid_to, {_FAR}) AS upper_end
  FROM lifetime AS h
  LEFT JOIN workload AS w ON w.workload = h.workload
  LEFT JOIN address_network AS n ON n.workload = h.workload AND n.address = h.holds
  WHERE list_contains($held, h.holds)
    AND list_contains($kinds, h.holds_kind)
), own AS (
  SELECT CAST(NULL AS VARCHAR) AS workload, i.owner AS kind, i.account_id,
    CASE WHEN list_contains($held, i.interface_id) THEN 'eni'
      WHEN list_contains($held, i.private_ip) THEN 'private_ip' ELSE 'public_ip' END AS holds_kind,
    $held[1] AS holds, i.valid_from, i.valid_to, i.from_known AND NOT list_contains($held, i.public_ip) AS from_known,
    i.to_known, CAST(NULL AS VARCHAR) AS held_certainty, i.evidence_event_ids, i.vpc_id,
    to_seconds({padding.CALL}) AS padding, coalesce(i.valid_from, {_LONG_AGO}) AS lower_end,
    coalesce(i.valid_to, {_FAR}) AS upper_end, i.interface_id, i.owner_id, i.how
  FROM interface AS i
  WHERE (list_contains($held, i.interface_id) OR list_contains($held, i.private_ip)
      OR list_contains($held, i.public_ip))
    AND i.owner <> 'unknown'
    AND NOT EXISTS (SELECT 1 FROM lifetime AS l WHERE l.holds_kind = 'eni' AND l.holds = i.interface_id)
), known AS (
  SELECT workload, kind, account_id, holds_kind, holds, valid_from, valid_to, from_known, to_known, held_certainty,
    evidence_event_ids, vpc_id, padding, lower_end, upper_end, CAST(NULL AS VARCHAR) AS of_interface
  FROM held
  UNION ALL
  SELECT workload, kind, account_id, holds_kind, holds, valid_from, valid_to, from_known, to_known, held_certainty,
    evidence_event_ids, vpc_id, padding, lower_end, upper_end,
    'interface ' || interface_id || ' of ' || kind || coalesce(' ' || owner_id, '') || ' (' || how || ')' AS of_interface
  FROM own
), asked AS (
  SELECT *, coalesce(workload, of_interface) AS holder
  FROM known
  WHERE ($vpc_id IS NULL OR vpc_id IS NULL OR vpc_id = $vpc_id)
    AND ($account_id IS NULL OR account_id IS NULL OR account_id = $account_id)
), near AS (
  SELECT *,
    CASE
      WHEN holds_kind IN ('access_key_id', 'session') AND held_certainty <> 'shared' THEN held_certainty
      WHEN held_certainty = 'inferred' THEN 'inferred'
      WHEN from_known AND to_known AND lower_end + padding <= $at AND $at <= upper_end - padding THEN 'matched'
      ELSE 'bounded'
    END AS alone
  FROM asked
  WHERE lower_end - padding <= $at
    AND $at <= upper_end + padding
), strongest AS (
  SELECT *, row_number() OVER (PARTITION BY holder, vpc_id ORDER BY
    CASE alone WHEN 'recorded' THEN 0 WHEN 'matched' THEN 1 WHEN 'bounded' THEN 2 ELSE 3 END,
    lower_end, upper_end, holds_kind) AS place
  FROM near
), counted AS (
  SELECT *, count(*) OVER () AS candidates
  FROM strongest
  WHERE place = 1
), around AS (
  SELECT
    arg_max(holder || ' until ' || strftime(upper_end, '%Y-%m-%d %H:%M:%S'), (upper_end, holder))
      FILTER (upper_end < $at) AS last_holder,
    arg_min(holder || ' from ' || strftime(lower_end, '%Y-%m-%d %H:%M:%S'), (lower_end, holder))
      FILTER (lower_end > $at) AS next_holder,
    max(upper_end) FILTER (upper_end < $at) AS last_to,
    min(lower_end) FILTER (lower_end > $at) AS next_from,
    arg_max(evidence_event_ids, (upper_end, holder)) FILTER (upper_end < $at) AS last_evidence,
    arg_min(evidence_event_ids, (lower_end, holder)) FILTER (lower_end > $at) AS next_evidence,
    count(*) AS known
  FROM asked
)
SELECT workload, kind, vpc_id, holds_kind, holds, valid_from, valid_to, from_known, to_known,
  CASE WHEN candidates > 1 THEN 'shared' ELSE alone END AS certainty,
  candidates,
  coalesce(of_interface, CASE
    WHEN holds_kind IN ('access_key_id', 'session') THEN 'issued to it'
    WHEN held_certainty = 'inferred' THEN 'its interface was made for it, which does not say that it uses it'
    WHEN alone = 'matched' THEN 'held from beginning to end, both in evidence'
    WHEN from_known AND to_known THEN 'held, but the moment is as near to an end as times are off'
    WHEN from_known THEN 'held from a beginning in evidence to an end that is not'
    WHEN to_known THEN 'held until an end in evidence, since when is not'
    ELSE 'held between sights' END)
    || CASE WHEN candidates > 1 THEN '; ' || candidates || ' candidates' ELSE '' END AS why,
  evidence_event_ids
FROM counted
UNION ALL
SELECT NULL AS workload, NULL AS kind, NULL AS vpc_id, NULL AS holds_kind, $held[1] AS holds,
  last_to AS valid_from, next_from AS valid_to, FALSE AS from_known, FALSE AS to_known, NULL AS certainty,
  CAST(0 AS BIGINT) AS candidates,
  CASE WHEN known = 0 THEN 'no record of this case says who held it at any time'
    ELSE 'nobody is known to have held it then'
      || coalesce('; before: ' || last_holder, '') || coalesce('; after: ' || next_holder, '') END AS why,
  list_concat(last_evidence, next_evidence) AS evidence_event_ids
FROM around
WHERE NOT EXISTS (SELECT 1 FROM near)
ORDER BY workload, vpc_id, valid_from, holds_kind
"""


def who_was(case: Case, address: str, at: Moment, *, vpc_id: str | None = None, account_id: str | None = None) -> Query:
    """A row per workload that may have held it then. Raises UsageError.

    `certainty` is that of this moment; `shared` where there are several candidates, as of one private address in two
    VPCs: `vpc_id` chooses. Where nobody is known to have held it, one row has no certainty, `candidates` 0, and says
    in `why` who held it last before and first after, or that no record of the case says who ever did. Interfaces of
    endpoints and load balancers, which are no workloads, have their owner in `kind` and `why`.
    """
    held, kinds = _asked(address)
    moment = parse_time(at)
    return case.sql(_HELD, {"held": held, "kinds": kinds, "at": moment, "vpc_id": vpc_id, "account_id": account_id})


def _asked(address: str) -> tuple[list[str], list[str]]:
    """What to look for, as records may write it, and the kinds of holding it can be. Raises UsageError."""
    text = address.strip()
    for pattern, kinds in _NAMED:
        if pattern.fullmatch(text):
            return [text], list(kinds)
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise UsageError(f"{address!r} is nothing that can be held: {_ADVICE}") from None
    return list(dict.fromkeys([str(found), text, text.lower(), found.exploded])), ["private_ip", "public_ip"]
