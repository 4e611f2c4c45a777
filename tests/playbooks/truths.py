"""What the truth of a made-up incident asks a playbook to cite, and what it allows."""

from collections.abc import Iterable

from forensics.case import Case
from tests.playbooks.runs import Investigation, precision_and_recall


def wanted(found: Investigation) -> set[str]:
    """The intruder's calls and traffic, the findings about it, and the issuance of the key that was stolen."""
    truth = found.truth
    return (
        {item["event_id"] for item in (*truth["attack_events"], *truth["attack_flows"])}
        | {item["finding_id"] for item in truth["findings"] if item["malicious"]}
        | {item for item in [truth["stolen"].get("issuance_event_id")] if item}
    )


def lines(found: Investigation) -> set[str]:
    """The log lines of the invocations that the intruder caused, or whose code was the intruder's."""
    requests = [item["request_id"] for item in found.truth["invocations"] if item["suspicious"]]
    with Case.open(found.case) as case:
        sql = "SELECT object_id || '/' || record FROM lambda_log WHERE list_contains(?, request_id)"
        return {str(row[0]) for row in case.sql(sql, (requests,)).rows()}


def score(found: Investigation, more: Iterable[str] = ()) -> tuple[float, float]:
    """Precision over everything that shows the incident, `more` too; recall over what has to be cited."""
    precision, _ = precision_and_recall(found.cited, wanted(found) | lines(found) | set(more))
    _, recall = precision_and_recall(found.cited, wanted(found))
    return precision, recall
