"""Were ECS tasks, on Fargate or on instances, entered, robbed or run by an intruder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from forensics.analysis import ecs_calls, issuance
from forensics.analysis.betrayal import of_keys, used_outside
from forensics.analysis.consequences import consequences
from forensics.analysis.ecs_calls import DEFINE, ENTER, RUN
from forensics.analysis.gaps import Gap
from forensics.analysis.holdings import basis
from forensics.analysis.isolation import Command, isolation
from forensics.analysis.misuse import Misuse
from forensics.analysis.statement import Statement
from forensics.analysis.words import count, listed
from forensics.case import Case, Query
from forensics.errors import UnknownName, UsageError
from forensics.timeline import find_workload

SOURCES = ("cloudtrail", "ecs_event", "guardduty", "vpc_flow", "alb", "container_log")

_TASKS = """
SELECT w.workload, w.started_at, w.stopped_at, w.role,
  string_agg(DISTINCT d.value, ', ' ORDER BY d.value) FILTER (WHERE d.property = 'task_definition') AS task_definition,
  string_agg(DISTINCT d.value, ', ' ORDER BY d.value) FILTER (WHERE d.property = 'requested_by') AS run_by,
  string_agg(DISTINCT d.value, ', ' ORDER BY d.value) FILTER (WHERE d.property = 'command_executed_by') AS entered_by,
  string_agg(DISTINCT d.value, ', ' ORDER BY d.value) FILTER (WHERE d.property = 'launch_type') AS launch_type
FROM workload AS w
LEFT JOIN workload_detail AS d ON d.workload = w.workload
WHERE list_contains(CAST(? AS VARCHAR[]), w.workload)
GROUP BY w.workload, w.started_at, w.stopped_at, w.role
ORDER BY w.started_at, w.workload
"""

_IMAGES = """
SELECT c.image, c.image_digest, c.workload, list_contains(CAST($tasks AS VARCHAR[]), c.workload) AS involved,
  min(c.first_seen) AS first_seen, max(c.last_seen) AS last_seen
FROM workload_container AS c
JOIN workload AS w ON w.workload = c.workload AND w.kind = 'ecs_task'
WHERE coalesce(c.image_digest, c.image) IN (
  SELECT coalesce(i.image_digest, i.image)
  FROM workload_container AS i
  WHERE list_contains(CAST($tasks AS VARCHAR[]), i.workload))
GROUP BY c.image, c.image_digest, c.workload
ORDER BY c.image, c.image_digest, min(c.first_seen), c.workload
"""

_REQUESTS = """
SELECT e.time, e.source, e.source_ip, e.destination_ip, e.outcome, e.bytes, e.summary, e.event_id
FROM event AS e
WHERE e.source IN ('alb', 'clb', 'cloudfront', 'waf', 'api_gateway')
  AND list_contains(CAST(? AS VARCHAR[]), e.source_ip)
ORDER BY e.time, e.event_id
"""

_ABOUT = """
SELECT DISTINCT u.event_id
FROM workload_detail AS d, unnest(d.evidence_event_ids) AS u(event_id)
WHERE list_contains(CAST(? AS VARCHAR[]), d.workload)
  AND d.property IN ('requested_by', 'command_executed_by', 'task_role', 'privileged', 'host_path')
"""

_ENTERED = """
SELECT DISTINCT d.workload
FROM workload_detail AS d, unnest(d.evidence_event_ids) AS u(event_id)
WHERE d.property = 'command_executed_by'
  AND list_contains(CAST(? AS VARCHAR[]), u.event_id)
"""

_KEYS_OF = "SELECT access_key_id FROM credential_workload WHERE list_contains(CAST(? AS VARCHAR[]), workload)"

_OF_IMAGE = """
SELECT DISTINCT c.workload
FROM workload_container AS c
JOIN workload AS w ON w.workload = c.workload AND w.kind = 'ecs_task'
WHERE c.image_digest = ? OR c.image = ?
ORDER BY c.workload
"""


@dataclass(frozen=True)
class TaskCompromise(Misuse):
    """The answer: tasks whose credentials were used elsewhere, tasks that an intruder defined, ran or entered."""

    asked: tuple[str, ...] = ()

    def own(self) -> list[Statement]:
        """Hands, the intruder's definitions, runs and shells, and the issuance of keys of tasks that it ran."""
        launched = [use.access_key_id for use in self.hands.outside if use.access_key_id in self.intrusion.derived]
        return [
            *self.hands.statements(),
            *ecs_calls.acts(self.hands),
            *issuance.issuances(self.intrusion, launched, prefix="key"),
        ]

    @cached_property
    def statements(self) -> list[Statement]:
        """As of any answer; a call of which a statement says more is not told twice."""
        return ecs_calls.without_acts(super().statements, self.hands)

    @property
    def verdict(self) -> str:
        """What was found of ECS tasks, or that nothing was and on what that rests."""
        if self.found:
            return f"{self.in_hand} {self._done()}{consequences(self.intrusion)}{self.doubt}"
        about = listed(list(self.asked)) or "any ECS task"
        seen = self.case.sql("SELECT count(*) FROM workload WHERE kind = 'ecs_task'").rows()[0][0]
        looked = [
            count(int(seen), "task"),
            f"{len(self.hands.uses):,} uses of their credentials by address",
            count(sum(item.calls for item in self.hands.callers), "call") + " that define, run or enter tasks",
        ]
        return (
            f"Nothing was found that speaks clearly for {about} having been robbed, entered or run by an intruder; looked"
            f" at: {listed(looked)}.{self.doubt} {basis(self.case, SOURCES)}"
        )

    def _done(self) -> str:
        kinds = [item.id.partition("-")[0] for item in ecs_calls.acts(self.hands)]
        said = [
            (kinds.count("definition"), "task definition", "registered"),
            (kinds.count("run"), "task run", "started"),
            (kinds.count("shell"), "shell", "opened"),
        ]
        told = [f"{count(number, what)} {verb}" for number, what, verb in said if number]
        return f"The intruder's ECS calls: {listed(told)}. " if told else ""

    @cached_property
    def involved(self) -> list[str]:
        """The tasks whose credentials were stolen, that the intruder ran, or that it entered."""
        mine = [str(row[0]) for row in self.intrusion.calls.select("SELECT t.event_id FROM timeline AS t").rows()]
        entered = [str(row[0]) for row in self.case.sql(_ENTERED, (mine,)).rows()]
        return [item for item in dict.fromkeys([*self.robbed, *self.intrusion.launched, *entered]) if ":task/" in item]

    @property
    def tasks(self) -> Query:
        """The tasks involved: when they ran, with which role and definition, who ran and entered them."""
        return self.case.sql(_TASKS, (self.involved or list(self.asked),))

    @property
    def images(self) -> Query:
        """Every task that ran an image of the tasks involved, by its digest where one is known."""
        return self.case.sql(_IMAGES, {"tasks": self.involved or list(self.asked)})

    @property
    def requests(self) -> Query:
        """Requests from the intruder's addresses that load balancers and their like passed on."""
        return self.case.sql(_REQUESTS, (self.intrusion.addresses,))

    @property
    def definitions(self) -> Query:
        """Every task definition registered in the case, with what in it is dangerous."""
        return ecs_calls.definitions(self.case)

    def steps(self) -> list[Command]:
        """Preserve, isolate and stop the tasks involved."""
        return isolation(self.case, self.involved)

    def open_questions(self) -> list[Gap]:
        """What ECS does not log, besides what every misuse leaves open."""
        if not self.found:
            return []
        return [
            *super().open_questions(),
            Gap(
                "What was done inside the containers",
                "commands, files and reads of the credentials' address leave no AWS log; a stopped task's disk is gone",
                "ECS Exec's session log, if the cluster had one; GuardDuty's runtime findings; the image by its digest",
            ),
        ]


def look(case: Case, *, workload: str | None = None, image: str | None = None) -> TaskCompromise:
    """Look over one task, those that ran an image (its name or digest), or with neither every task of the case.

    Raises UsageError where both are given, UnknownName, AmbiguousName.
    """
    if workload and image:
        raise UsageError("give only one of workload and image; both were given")
    if not workload and not image:
        keys, signs = used_outside(case, ("ecs_task",)), ecs_calls.calls_of(case, (*DEFINE, *RUN, *ENTER))
        hands = of_keys(case, keys, signs=signs, grave=ecs_calls.dangerous(case))
        return TaskCompromise(case, hands.intrusion, None, hands)
    tasks = [_task(case, workload)] if workload else _of_image(case, image or "")
    hands = of_keys(case, _strings(case, _KEYS_OF, tasks), signs=_signs(case, tasks), grave=_grave(case, tasks))
    return TaskCompromise(case, hands.intrusion, tasks[0] if workload else None, hands, tuple(tasks))


def _task(case: Case, name: str) -> str:
    found = find_workload(case, name)
    if ":task/" not in found:
        tasks = case.sql("SELECT workload FROM workload WHERE kind = 'ecs_task' ORDER BY workload LIMIT 11").rows()
        raise UnknownName("ECS task", name, (str(row[0]) for row in tasks))
    return found


def _of_image(case: Case, image: str) -> list[str]:
    found = [str(row[0]) for row in case.sql(_OF_IMAGE, (image, image)).rows()]
    if not found:
        known = "SELECT DISTINCT image FROM workload_container WHERE image IS NOT NULL ORDER BY image LIMIT 11"
        raise UnknownName("image", image, (str(row[0]) for row in case.sql(known).rows()))
    return found


def _signs(case: Case, tasks: Sequence[str]) -> list[str]:
    made = set(ecs_calls.calls_of(case, (*DEFINE, *RUN, *ENTER)))
    return [event for event in _strings(case, _ABOUT, tasks) if event in made]


def _grave(case: Case, tasks: Sequence[str]) -> list[str]:
    about = set(_signs(case, tasks))
    return [event for event in ecs_calls.dangerous(case) if event in about]


def _strings(case: Case, sql: str, names: Sequence[str]) -> list[str]:
    return [str(row[0]) for row in case.sql(sql, (list(names),)).rows()]
