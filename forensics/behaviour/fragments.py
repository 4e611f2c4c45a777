"""Pieces that statements share: what an address, a client and a domain are, which hours are held, lists of reasons."""

from __future__ import annotations

from forensics.analysis.egress_destinations import PRIVATE
from forensics.behaviour.behaviour import Constant
from forensics.theft_place import ADDRESS

CLIENT = """split_part(split_part(trim(e.user_agent, '[]'), ' ', 1), '/', 1)
      || CASE WHEN lower(e.user_agent) LIKE '%windows%' THEN ' on Windows'
        WHEN lower(e.user_agent) LIKE '%macos%' OR lower(e.user_agent) LIKE '%darwin%' OR lower(e.user_agent) LIKE '%macintosh%'
          THEN ' on macOS'
        WHEN lower(e.user_agent) LIKE '%linux%' THEN ' on Linux' ELSE '' END"""
"""The program and its system, without versions: an upgrade is no new client."""

OWN_CALL = f"""e.source = 'cloudtrail'
    AND e.time IS NOT NULL
    AND e.principal IS NOT NULL
    AND regexp_matches(e.source_ip, '{ADDRESS}')"""
"""A call that a principal made itself: one that a service made for it comes from the service's name."""

CALL = f"""
call AS (
  SELECT e.event_id, e.time, e.account_id, e.principal, e.session, e.access_key_id, e.region, e.action, e.outcome, e.bytes,
    e.source_ip AS address, e.user_agent
  FROM event AS e
  WHERE {OWN_CALL}
)"""
"""Calls that a principal made itself; who needs the client joins `agent`."""

AGENT = f"""
agent AS (
  SELECT e.user_agent, {CLIENT} AS client
  FROM (
    SELECT c.user_agent
    FROM event AS c
    WHERE c.source = 'cloudtrail'
    GROUP BY c.user_agent
  ) AS e
)"""
"""The client of each user agent: told once for each, not for each call."""

HABIT = f"""
{AGENT}, made AS (
  SELECT e.principal, e.account_id, e.action, e.source_ip AS address, e.region, e.user_agent, min(e.time) AS first,
    max(e.time) AS last, count(*) AS calls
  FROM event AS e
  WHERE {OWN_CALL}
  GROUP BY e.principal, e.account_id, e.action, e.source_ip, e.region, e.user_agent
), habit AS (
  SELECT m.principal, m.account_id, m.action, m.address, m.region, a.client, m.first, m.last, m.calls
  FROM made AS m
  LEFT JOIN agent AS a ON a.user_agent IS NOT DISTINCT FROM m.user_agent
)"""
"""What each principal did from where with which client, when first and last, how often: what all first sights are told by."""

VALUE = """
value AS (
  SELECT h.principal, 'action' AS dimension, h.action AS value, min(h.first) AS first, max(h.last) AS last, sum(h.calls) AS calls
  FROM habit AS h
  GROUP BY h.principal, h.action
  UNION ALL
  SELECT h.principal, 'address' AS dimension, h.address AS value, min(h.first) AS first, max(h.last) AS last, sum(h.calls) AS calls
  FROM habit AS h
  GROUP BY h.principal, h.address
  UNION ALL
  SELECT h.principal, 'client' AS dimension, h.client AS value, min(h.first) AS first, max(h.last) AS last, sum(h.calls) AS calls
  FROM habit AS h
  WHERE h.client IS NOT NULL
  GROUP BY h.principal, h.client
  UNION ALL
  SELECT h.principal, 'Region' AS dimension, h.region AS value, min(h.first) AS first, max(h.last) AS last, sum(h.calls) AS calls
  FROM habit AS h
  WHERE h.region IS NOT NULL
  GROUP BY h.principal, h.region
  UNION ALL
  SELECT h.principal, 'network' AS dimension, k.network AS value, min(h.first) AS first, max(h.last) AS last, sum(h.calls) AS calls
  FROM habit AS h
  JOIN known_place AS k ON k.address = h.address
  WHERE k.network IS NOT NULL
  GROUP BY h.principal, k.network
), whole AS (
  SELECT h.principal, min(h.account_id) AS account_id, min(h.first) AS began, sum(h.calls) AS calls
  FROM habit AS h
  GROUP BY h.principal
)"""
"""Each thing that a principal did, or called from, with, in; networks where a file says whose an address is."""


def of_value(candidate: str, key: str) -> str:
    """CTEs `cited` (`ids` of the first records), `once` (the key, where one) of each candidate (`principal`, `dimension`, `value`)."""
    return f"""
called AS (
  SELECT x.{key}, c.event_id, c.time, c.access_key_id, row_number() OVER (PARTITION BY x.{key} ORDER BY c.time, c.event_id) AS place
  FROM {candidate} AS x
  JOIN call AS c ON c.principal = x.principal
    AND x.first <= c.time
    AND c.time <= x.last
  LEFT JOIN agent AS a ON x.dimension = 'client' AND a.user_agent = c.user_agent
  LEFT JOIN known_place AS k ON x.dimension = 'network' AND k.address = c.address
  WHERE x.value = CASE x.dimension WHEN 'action' THEN c.action WHEN 'address' THEN c.address WHEN 'Region' THEN c.region
    WHEN 'client' THEN a.client ELSE k.network END
), cited AS (
  SELECT {key}, array_agg(event_id ORDER BY time, event_id) AS ids
  FROM called
  WHERE place <= $evidence
  GROUP BY {key}
), once AS (
  SELECT {key}, CASE WHEN count(DISTINCT access_key_id) = 1 THEN min(access_key_id) END AS access_key_id
  FROM called
  GROUP BY {key}
)"""


SPOKEN = """CASE x.dimension WHEN 'action' THEN 'did ' WHEN 'client' THEN 'called with ' WHEN 'Region' THEN 'called in '
    ELSE 'called from ' END || x.value"""
"""What a principal did, in words."""


def hours(source: str) -> str:
    """CTE `known_hour`: hours of a source by account; `held` 1 where records or their silence are, `lost` 1 where not."""
    return f"""
known_hour AS (
  SELECT c.account_id, c.hour,
    max(CASE WHEN c.status IN ('present', 'silent') THEN 1 ELSE 0 END) AS held,
    max(CASE WHEN c.status IN ('missing', 'tampered', 'switched_off') THEN 1 ELSE 0 END) AS lost
  FROM coverage AS c
  WHERE c.source = '{source}'
  GROUP BY c.account_id, c.hour
)"""


def past(candidates: str, key: str) -> str:
    """CTE `past`: of each candidate (`account_id`, `began`, `first`) the whole hours between that are held, and lost."""
    return f"""
past AS (
  SELECT x.{key}, sum(h.held) AS held, sum(h.lost) AS lost
  FROM {candidates} AS x
  JOIN known_hour AS h ON h.account_id IS NOT DISTINCT FROM x.account_id
    AND date_trunc('hour', x.began) <= h.hour
    AND h.hour < date_trunc('hour', x.first)
  GROUP BY x.{key}
)"""


def reasons(*texts: str) -> str:
    """SQL of the list of those texts that are not NULL."""
    return f"string_split(concat_ws(chr(31), {', '.join(texts)}), chr(31))"


def number(sql: str, places: int = 1) -> str:
    """SQL of a number as text, without a fraction of zero."""
    return f"regexp_replace(CAST(round({sql}, {places}) AS VARCHAR), '[.]0$', '')"


def size(sql: str) -> str:
    """SQL of a number of bytes as text in kB or MB."""
    kb, mb = number(f"({sql}) / 1e3"), number(f"({sql}) / 1e6")
    return f"CASE WHEN {sql} >= 1e6 THEN {mb} || ' MB' ELSE {kb} || ' kB' END"


def span(start: str, end: str) -> str:
    """SQL of the time between as text in hours, minutes or seconds."""
    seconds = f"date_diff('second', {start}, {end})"
    return f"""CASE WHEN {seconds} >= 7200 THEN {number(f"{seconds} / 3600.0")} || ' h'
      WHEN {seconds} >= 120 THEN {number(f"{seconds} / 60.0", 0)} || ' min' ELSE {seconds} || ' s' END"""


LOST = "CASE WHEN p.lost > 0 THEN 'of the hours before, ' || p.lost || ' are not in the logs: it may have been so there' END"
"""A reason to doubt: hours without their logs."""

LONG = "CASE WHEN p.held >= 24 THEN 1 ELSE 0 END - CASE WHEN p.lost > 0 THEN 1 ELSE 0 END"
"""What the past adds to a severity."""

OUT = f"""
sent AS (
  SELECT f.object_id || '/' || f.record AS flow, f.account_id, f.interface_id, f.srcaddr, f.dstaddr AS remote, f.dstport,
    f.srcport, f.protocol, f.bytes, f.start, coalesce(f."end", f.start) AS until, f.instance_id, f.ecs_task_arn,
    f.pkt_dst_aws_service AS service
  FROM vpc_flow AS f
  WHERE f.action = 'ACCEPT'
    AND f.start IS NOT NULL
    AND regexp_matches(f.srcaddr, {PRIVATE})
    AND NOT regexp_matches(f.dstaddr, {PRIVATE})
    AND coalesce(f.srcport, 65535) > coalesce(f.dstport, 0)
    AND coalesce(f.flow_direction, 'egress') = 'egress'
    AND coalesce(f.dstport, 0) NOT IN (53, 123)
    AND coalesce(f.pkt_dst_aws_service, 'EC2') IN ('EC2', 'CLOUDFRONT', 'GLOBALACCELERATOR', 'API_GATEWAY')
    AND NOT EXISTS (
      SELECT 1
      FROM interface AS i
      WHERE i.interface_id = f.interface_id
        AND i.owner IN ('nat_gateway', 'load_balancer', 'vpc_endpoint'))
    AND NOT EXISTS (SELECT 1 FROM aws_answer AS w WHERE w.address = f.dstaddr)
)"""
"""Records of connections to the internet that began inside: of the two ports the higher is the caller's.

Not those to name servers and time servers, to AWS's own services (where the flow log or a name that was asked for says
so; EC2, CloudFront and the like are anybody's), or those of gateways, load balancers and endpoints, which pass on what
others send."""

AWS_NAME = r"(^|[.])(amazonaws[.]com([.]cn)?|amazonaws[.]eu|api[.]aws|aws[.]dev|amazontrust[.]com)$"
INNER_NAME = r"(^[^.]*$|[.](internal|local|localdomain|lan|home|corp|arpa)$)"
"""Names that are not of the internet, and addresses looked up backwards."""

ANSWER = f"""
answer AS (
  SELECT u.answer AS address, min(q.domain) AS name, bool_or(regexp_matches(q.domain, '{AWS_NAME}')) AS aws
  FROM route53_resolver AS q, unnest(q.answer_data) AS u(answer)
  GROUP BY u.answer
), aws_answer AS (
  SELECT address
  FROM answer
  WHERE aws
)"""
"""Which name each address was the answer to."""

HOLDER = """
held AS (
  SELECT l.holds AS interface_id, l.workload, l.valid_from, l.valid_to
  FROM lifetime AS l
  WHERE l.holds_kind = 'eni'
    AND l.certainty <> 'shared'
)"""

REGISTERED = "regexp_extract(q.domain, '([^.]+[.](?:(?:co|com|net|org|gov|ac|edu)[.][a-z][a-z]|[^.]+))$', 1)"
"""The domain that somebody registered, without a list of suffixes: two labels, three under co.uk and its like."""

ASKED = f"""
asked AS (
  SELECT q.object_id || '/' || q.record AS query, q.account_id, q.vpc_id, q.query_timestamp AS time, q.domain, q.query_type,
    q.rcode, q.answer_data, q.srcaddr, coalesce(q.vpc_id, '') || ' ' || coalesce(q.instance_id, q.srcaddr, '') AS asker,
    coalesce(q.instance_id, q.srcaddr) AS who,
    {REGISTERED} AS registered
  FROM route53_resolver AS q
  WHERE q.query_timestamp IS NOT NULL
    AND NOT regexp_matches(q.domain, '{AWS_NAME}')
    AND NOT regexp_matches(q.domain, '{INNER_NAME}')
)"""
"""Queries for names of the internet that are not AWS's own."""


def constants(*items: tuple[str, float, str]) -> tuple[Constant, ...]:
    """Constants from name, value and reason."""
    return tuple(Constant(*item) for item in items)
