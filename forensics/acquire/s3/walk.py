"""A bucket walked, several requests at a time, as far as what is asked for can lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from forensics.acquire.s3.asked import Asked
from forensics.acquire.s3.listing import Listed, Step, Told, first, take
from forensics.acquire.s3.patience import Patience, Refused
from forensics.aws import Trouble


@dataclass
class Walked:
    """What a walk came to: `lists` requests were sent, `answers` came; `any` says whether any key was there at all.

    `problems` are (prefix, why) that could not be listed, `answered` those of the watched uris that were.
    """

    lists: int = 0
    answers: int = 0
    any: bool = False
    region: str = ""
    notes: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: list[tuple[str, Trouble]] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    stopped: Trouble | None = None


def walk(
    asked: Asked,
    client: Any,
    jobs: int,
    patience: Patience,
    *,
    keep: Callable[[list[Listed]], None],
    watched: frozenset[str] = frozenset(),
) -> Walked:
    """Walk; `keep` is called in this thread with the objects as they come."""
    walked = Walked()
    start = first(asked)
    if start is None:
        walked.any = True
        return walked
    with ThreadPoolExecutor(jobs, "s3-list") as pool:
        under_way: dict[Future[Told], Step] = {}

        def send(step: Step) -> None:
            under_way[pool.submit(patience.call, lambda: take(asked, client, step))] = step

        send(start)
        while under_way:
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for item in done:
                told = _came(walked, item, under_way.pop(item))
                if told is None:
                    continue
                keep(told.listed)
                if f"s3://{asked.bucket}/{told.prefix}" in watched:
                    walked.answered.add(f"s3://{asked.bucket}/{told.prefix}")
                for step in () if walked.stopped else told.steps:
                    send(step)
    return walked


def _came(walked: Walked, item: Future[Told], step: Step) -> Told | None:
    walked.lists += 1
    try:
        told = item.result()
    except Refused as refused:
        walked.problems.append((step.prefix, refused.trouble))
        walked.stopped = walked.stopped or (refused.trouble if refused.trouble.stops else None)
        return None
    walked.answers += 1
    walked.any = walked.any or told.any
    walked.region = walked.region or told.region
    walked.notes.update(told.notes)
    return told
