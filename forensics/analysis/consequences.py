"""What came of stolen credentials, in sentences: what was done with them, and what lasts beyond them."""

from __future__ import annotations

from forensics.analysis.intrusion import Intrusion
from forensics.analysis.words import count, listed, size

_LASTING = """
SELECT k.access_key_id, k.principal
FROM credential AS k
WHERE list_contains(?, k.access_key_id) AND k.kind = 'long_term'
ORDER BY k.access_key_id
"""

_SENT_BY = """
SELECT sum(f.bytes) AS bytes
FROM flow AS f
WHERE f.dstaddr = f.remote AND f.event_id IN (
  SELECT a.event_id
  FROM attribution AS a
  WHERE a.question = 'endpoint' AND list_contains(CAST(? AS VARCHAR[]), a.workload))
"""


def consequences(intrusion: Intrusion) -> str:
    """Further credentials, calls, bytes; then keys that do not expire, what was launched, and what that sent."""
    calls, octets = intrusion.calls.select("SELECT count(*), sum(bytes) FROM timeline").rows()[0]
    places = listed(intrusion.addresses) or "addresses not known"
    return (
        f"{count(len(intrusion.derived), 'further credential')} came of {_it(intrusion)}. With all of them"
        f" {count(int(calls), 'call')} {'was' if calls == 1 else 'were'} made from {places}"
        + (f"; S3 sent {size(octets)}." if octets else ".")
        + _lasting(intrusion)
    )


def _it(intrusion: Intrusion) -> str:
    return "it" if len(intrusion.stolen) == 1 else "them"


def _lasting(intrusion: Intrusion) -> str:
    lasting = intrusion.case.sql(_LASTING, (list(intrusion.derived),)).rows()
    text = "".join(f" {key} of {principal or 'an unknown user'} does not expire." for key, principal in lasting)
    launched = list(intrusion.launched)
    if launched:
        sent = intrusion.flows(_SENT_BY, launched).rows()[0][0]
        text += f" {listed(launched)} {'was' if len(launched) == 1 else 'were'} started"
        text += f" and sent {size(sent)} to the intruder's addresses." if sent else "."
    return text
