"""The answer to a question of theft, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forensics.analysis.consequences import consequences
from forensics.analysis.holdings import basis
from forensics.analysis.words import at, count, listed

if TYPE_CHECKING:
    from forensics.analysis.credential_theft import Theft

SOURCES = ("cloudtrail", "vpc_flow", "guardduty", "lambda_log")


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
        return f"{_about_asked(theft)}{_found(theft, len(keys))}{doubt}"
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
    return (
        f"{len(stolen)} of {count(asked, 'credential')} of {_whose(theft)}"
        f" {'was' if len(stolen) == 1 else 'were'} used from outside, first at {at(theft.first_use)}, from"
        f" {listed(sorted({item for found in stolen.values() for item in found}))}. {consequences(theft.intrusion)}"
    )
