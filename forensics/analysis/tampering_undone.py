"""Commands that switch logs on again, for a person to adapt and run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from shlex import quote

from forensics.analysis.deeds import Deed
from forensics.analysis.isolation import Command


def undoing(deed: Deed) -> Iterator[Command]:
    """The command that undoes an act against a log; none where the call does not name enough or nothing undoes it."""
    made = _UNDOING.get(deed.kind.what)
    if made and deed.thing:
        values = {"thing": deed.thing, "owner": deed.owner or "", "region": deed.region or "us-east-1"}
        purpose, command = made({name: quote(value) for name, value in values.items()})
        yield Command(purpose, command, "afterwards")


Made = tuple[str, str]

_EVERYTHING = """--event-selectors '[{"ReadWriteType":"All","IncludeManagementEvents":true}]'"""

_UNDOING: Mapping[str, Callable[[dict[str, str]], Made]] = {
    "trail stopped": lambda q: (
        f"start the trail {q['thing']} again",
        f"aws cloudtrail start-logging --region {q['region']} --name {q['thing']}",
    ),
    "trail narrowed": lambda q: (
        f"have the trail {q['thing']} record reads and writes again (data events as they were: compare AWS Config or code)",
        f"aws cloudtrail put-event-selectors --region {q['region']} --trail-name {q['thing']} {_EVERYTHING}",
    ),
    "detector changed": lambda q: (
        f"switch GuardDuty's detector {q['thing']} on again",
        f"aws guardduty update-detector --region {q['region']} --detector-id {q['thing']} --enable",
    ),
    "findings filtered": lambda q: (
        f"delete the filter {q['thing']}, and look at the findings that it archived",
        f"aws guardduty delete-filter --region {q['region']} --detector-id {q['owner']} --filter-name {q['thing']}",
    ),
    "recorder stopped": lambda q: (
        f"start AWS Config's recorder {q['thing']} again",
        f"aws configservice start-configuration-recorder --region {q['region']} --configuration-recorder-name {q['thing']}",
    ),
    "retention changed": lambda q: (
        f"keep the log group {q['thing']} for as long as before (look for how long)",
        f"aws logs put-retention-policy --region {q['region']} --log-group-name {q['thing']} --retention-in-days DAYS",
    ),
    "lifecycle of a log bucket": lambda q: (
        f"take the lifecycle from the bucket {q['thing']} at once: it runs about once a day",
        f"aws s3api delete-bucket-lifecycle --bucket {q['thing']}",
    ),
    "versioning of a log bucket": lambda q: (
        f"keep versions in the bucket {q['thing']} again",
        f"aws s3api put-bucket-versioning --bucket {q['thing']} --versioning-configuration Status=Enabled",
    ),
    "key disabled": lambda q: (
        f"enable the key {q['thing']} again",
        f"aws kms enable-key --region {q['region']} --key-id {q['thing']}",
    ),
    "key scheduled for deletion": lambda q: (
        f"cancel the deletion of the key {q['thing']} before its days are over, then enable it",
        f"aws kms cancel-key-deletion --region {q['region']} --key-id {q['thing']}",
    ),
}
