"""Calls that define, run and enter ECS tasks: which of them are dangerous, and what an intruder's say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from forensics.analysis.betrayal import Hands
from forensics.analysis.statement import Statement, named
from forensics.analysis.technique import technique
from forensics.analysis.words import at, listed
from forensics.case import Case, Query

DEFINE = ("ecs:RegisterTaskDefinition",)
RUN = ("ecs:RunTask", "ecs:StartTask", "ecs:CreateService", "ecs:UpdateService")
ENTER = ("ecs:ExecuteCommand",)

DANGERS = {
    "the rights of root on its host": r'"privileged"\s*:\s*true',
    "its host's root or container engine mounted": r'"sourcePath"\s*:\s*"(/|/var/run/?|/run/?|[^"]*(docker|containerd)\.sock)"',
    "a view of its host's processes": r'"pidMode"\s*:\s*"host"',
    "rights over its host's kernel": r'"add"\s*:\s*\[[^]]*"(ALL|SYS_ADMIN|SYS_PTRACE|SYS_MODULE)"',
    "a command that asks for the task's credentials": r"169\.254\.170\.2|AWS_CONTAINER_CREDENTIALS",
}
"""What in a definition, or in what a run overrides, gives the host or a role's key away: words, and a pattern for RE2."""

HOST_DANGERS = tuple(DANGERS)[:4]

_CALLS = """
SELECT e.event_id, e.time, e.action, e.access_key_id, e.source_ip, e.principal, e.outcome,
  CAST(s.request_parameters AS VARCHAR) AS asked, CAST(s.response_elements AS VARCHAR) AS answered, e.resources
FROM event AS e
JOIN cloudtrail AS s ON s.object_id = e.object_id AND s.record = e.record
WHERE e.source = 'cloudtrail'
  AND list_contains(CAST(? AS VARCHAR[]), e.action)
  AND (e.source_ip IS NULL OR regexp_matches(e.source_ip, '^[0-9a-fA-F:.]+$'))
ORDER BY e.time, e.event_id
"""
"""Calls that a service makes, such as a schedule's, are nobody's hands."""

_DANGEROUS = (
    "SELECT c.event_id FROM (\n"
    + _CALLS.replace("ORDER BY e.time, e.event_id\n", "")
    + ") AS c\nWHERE regexp_matches(c.asked, ?)\nORDER BY c.event_id"
)

_DEFINITIONS = """
SELECT s.event_time AS time, e.principal, e.source_ip, e.outcome,
  s.response_elements ->> '$.taskDefinition.taskDefinitionArn' AS definition,
  s.request_parameters ->> '$.taskRoleArn' AS task_role,
  s.request_parameters ->> '$.containerDefinitions[0].image' AS image,
  concat_ws(', ', {dangers}) AS dangers, e.event_id
FROM event AS e
JOIN cloudtrail AS s ON s.object_id = e.object_id AND s.record = e.record
WHERE e.source = 'cloudtrail'
  AND e.action = 'ecs:RegisterTaskDefinition'
ORDER BY s.event_time, e.event_id
""".format(
    dangers=", ".join(
        f"CASE WHEN regexp_matches(CAST(s.request_parameters AS VARCHAR), ?) THEN '{name.replace(chr(39), chr(39) * 2)}' END"
        for name in DANGERS
    )
)


def calls_of(case: Case, actions: tuple[str, ...]) -> tuple[str, ...]:
    """The events of calls with those actions that no service made."""
    return tuple(str(row[0]) for row in case.sql(_CALLS, (list(actions),)).rows())


def dangerous(case: Case, dangers: tuple[str, ...] = tuple(DANGERS)) -> tuple[str, ...]:
    """The events of definitions and runs whose parameters hold any of those dangers."""
    pattern = "|".join(f"({DANGERS[name]})" for name in dangers)
    return tuple(str(row[0]) for row in case.sql(_DANGEROUS, ([*DEFINE, *RUN], pattern)).rows())


def definitions(case: Case) -> Query:
    """Every task definition registered: by whom, from where, with which role, image and dangers."""
    return case.sql(_DEFINITIONS, tuple(DANGERS.values()))


def acts(hands: Hands) -> Iterator[Statement]:
    """A statement for each definition, run and shell of the intruder's that succeeded."""
    mine = {str(row[0]) for row in hands.intrusion.calls.select("SELECT t.event_id FROM timeline AS t").rows()}
    numbers: dict[str, int] = {}
    for row in hands.intrusion.case.sql(_CALLS, ([*DEFINE, *RUN, *ENTER],)).rows():
        if row[0] in mine and row[6] == "success":
            kind = "definition" if row[2] in DEFINE else "run" if row[2] in RUN else "shell"
            numbers[kind] = numbers.get(kind, 0) + 1
            yield _act(f"{kind}-{numbers[kind]:02d}", row)


def without_acts(statements: Sequence[Statement], hands: Hands) -> list[Statement]:
    """Those statements but calls of which `acts` says more."""
    told = {place.event_id for item in acts(hands) for place in item.evidence}
    return [
        item
        for item in statements
        if not (item.id.startswith("call-") and {place.event_id for place in item.evidence} <= told)
    ]


def _act(identifier: str, row: tuple[Any, ...]) -> Statement:
    event_id, when, action, key, address, principal, _, asked, answered, resources = row
    said, got = _object(asked), _object(answered)
    says = {"definition": _defined, "run": _ran, "shell": _entered}[identifier.partition("-")[0]]
    title, text = says(said, got)
    by = f"At {at(when)} {principal or 'a principal not named'}, with {key or 'no credential'} from {address or 'an address not recorded'},"
    return Statement(
        id=identifier,
        title=title,
        statement=f"{by} {text}",
        time=when,
        certainty="recorded",
        technique=technique(action),
        principal=principal,
        resources=tuple(str(item) for item in (resources or ())[:50]),
        evidence=named([event_id]),
    )


def _defined(asked: dict[str, Any], answered: dict[str, Any]) -> tuple[str, str]:
    name = str(_object(answered.get("taskDefinition")).get("taskDefinitionArn") or asked.get("family") or "not named")
    containers = [_object(item) for item in _list(asked.get("containerDefinitions"))]
    images = [str(item.get("image")) for item in containers if item.get("image")]
    text = f"registered the task definition {name}: {listed(images) or 'no image named'}"
    text += f", role {asked['taskRoleArn']}" if asked.get("taskRoleArn") else ", no task role"
    commands = [" ".join(map(str, _list(item.get("command")))) for item in containers if item.get("command")]
    return f"Task definition {name.rpartition('/')[2]} registered", text + _command(commands) + _dangers(asked) + "."


def _ran(asked: dict[str, Any], answered: dict[str, Any]) -> tuple[str, str]:
    tasks = [str(_object(item).get("taskArn")) for item in _list(answered.get("tasks"))]
    definition = str(asked.get("taskDefinition") or asked.get("service") or "not named")
    override = _object(asked.get("overrides"))
    commands = [
        " ".join(map(str, _list(_object(item).get("command"))))
        for item in _list(override.get("containerOverrides"))
        if _object(item).get("command")
    ]
    text = f"ran the task definition {definition} as {listed(tasks) or 'a service'}"
    text += f", with the role {override['taskRoleArn']} in place of its own" if override.get("taskRoleArn") else ""
    text += ", with a public address" if '"ENABLED"' in json.dumps(asked.get("networkConfiguration")) else ""
    return f"Task of {definition} run", text + _command(commands) + _dangers(asked) + "."


def _entered(asked: dict[str, Any], _: dict[str, Any]) -> tuple[str, str]:
    task, container = str(asked.get("task") or "not named"), str(asked.get("container") or "not named")
    text = f"opened {str(asked.get('command') or 'a command not named')[:200]} in the container {container} of {task}"
    return f"A shell in {task.rpartition('/')[2]}", f"{text}; what was typed there, no CloudTrail record tells."


def _command(commands: list[str]) -> str:
    return f"; command: {commands[0][:300]}" if commands else ""


def _dangers(asked: dict[str, Any]) -> str:
    text = json.dumps(asked)
    found = [name for name, pattern in DANGERS.items() if re.search(pattern, text)]
    return f"; it holds {listed(found, len(found))}" if found else ""


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
