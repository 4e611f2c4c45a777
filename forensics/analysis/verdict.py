"""The answer to a question of theft, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forensics.analysis.holdings import basis
from forensics.analysis.words import at, count, listed, size

if TYPE_CHECKING:
    from forensics.analysis.credential_theft import Theft

SOURCES = ("cloudtrail", "vpc_flow", "guardduty", "lambda_log")

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


def verdict(theft: Theft) -> str:
    """What was found, or that nothing was, or that it cannot be told; in a few sentences."""
    keys = {use.access_key_id for use in theft.uses}
    subject = f"credentials of {_whose(theft)}" if theft.workload or not theft.asked else "the credentials asked about"
    rests = f" {basis(theft.case, SOURCES)}"
    if not keys:
        return f"No use of {subject} is in evidence. That says nothing about hours whose logs are not there.{rests}"
    open_questions = sorted({use.address for use in theft.uses if use.place == "undetermined"})
    doubt = f" Undetermined: {listed(open_questions)}." if open_questions else ""
    if theft.found:
        return f"{_about_asked(theft)}{_found(theft, len(keys))}{_worst(theft)}{doubt}"
    known = f"{count(len(keys), 'credential')}, {count(sum(use.calls for use in theft.uses), 'call')}"
    if open_questions:
        return (
            f"{_about_asked(theft)}Whether {subject} were used from outside cannot be told ({known}): nothing shows"
            f" whose place {listed(open_questions)} {'is' if len(open_questions) == 1 else 'are'}.{rests}"
        )
    return f"{_about_asked(theft)}No use of {subject} from outside was found: {known}.{rests}"


def _whose(theft: Theft) -> str:
    if theft.workload:
        return theft.workload
    return "the keys asked about" if theft.asked else "any Lambda function"


def _about_asked(theft: Theft) -> str:
    if not theft.asked:
        return ""
    if theft.asked not in {use.access_key_id for use in theft.uses}:
        return f"The credential asked about, {theft.asked}, came of {listed(list(theft.intrusion.stolen) or ['another'])}. "
    other = len({use.access_key_id for use in theft.uses}) > 1
    outside = theft.asked in theft.intrusion.stolen
    return (
        f"The credential asked about, {theft.asked}, was{'' if outside else ' not'} used from outside. "
        if other
        else ""
    )


def _found(theft: Theft, asked: int) -> str:
    stolen = theft.intrusion.stolen
    calls, octets = theft.intrusion.calls.select("SELECT count(*), sum(bytes) FROM timeline").rows()[0]
    return (
        f"{len(stolen)} of {count(asked, 'credential')} of {_whose(theft)}"
        f" {'was' if len(stolen) == 1 else 'were'} used from outside, first at {at(theft.first_use)}, from"
        f" {listed(sorted({item for found in stolen.values() for item in found}))}."
        f" {count(len(theft.intrusion.derived), 'further credential')} came of it. With all of them"
        f" {count(int(calls), 'call')} {'was' if calls == 1 else 'were'} made from {listed(theft.intrusion.addresses)}"
        + (f"; S3 sent {size(octets)}." if octets else ".")
    )


def _worst(theft: Theft) -> str:
    """What lasts beyond the stolen credential: keys that do not expire, machines, and what those sent."""
    lasting = theft.case.sql(_LASTING, (list(theft.intrusion.derived),)).rows()
    text = "".join(f" {key} of {principal or 'an unknown user'} does not expire." for key, principal in lasting)
    if theft.intrusion.launched:
        sent = theft.intrusion.flows(_SENT_BY, list(theft.intrusion.launched)).rows()[0][0]
        text += f" {listed(list(theft.intrusion.launched))} {'was' if len(theft.intrusion.launched) == 1 else 'were'} started"
        text += f" and sent {size(sent)} to the intruder's addresses." if sent else "."
    return text
