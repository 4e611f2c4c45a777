"""By how much the times of each source may be off: what two records are compared with before one is said to hold."""

CALL = 2
"""Seconds, of CloudTrail: whole seconds, set when the call completed."""

FLOW = 60
"""Seconds, of a flow record, beyond its own start and end, which are its aggregation interval."""

ECS = 5
"""Seconds, of what ECS says of its tasks: events come in order of sending, not of happening."""

INVOCATION = 1
"""Seconds between the clock of a function's log and that of the network."""

DAILY = 24 * 3600
"""Seconds, of AWS Config where it records once a day: what an item shows may have begun or ended that much off.

Where Config records continuously no number is needed: a change lies after the item before and not after the item
that shows it (page "Components of a configuration item": the capture time is when it was seen)."""


def of_holder(workload: str, padding: int) -> str:
    """SQL for the padding of a holding, in seconds: that of the question, or more where its holder is a task of ECS."""
    return f"CASE WHEN {workload} LIKE 'arn:%:ecs:%:task/%' THEN greatest({ECS}, {padding}) ELSE {padding} END"
