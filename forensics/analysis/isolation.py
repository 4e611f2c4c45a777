"""How a workload of each kind is preserved, cut off and stopped: commands to read, adapt and run, in that order.

What is there only as long as the workload is comes first: a stopped ECS task is described for about an hour, a deleted
pod's log is gone. A kind of workload that is not here gets no command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from forensics.case import Case

PHASES = ("preserve", "cut off", "isolate", "stop", "afterwards")
"""In this order no step destroys what an earlier one was to keep."""

QUARANTINE = "SECURITY-GROUP-WITHOUT-RULES"

_INTERFACES = """
SELECT h.workload, h.holds
FROM lifetime AS h
WHERE h.holds_kind = 'eni'
  AND list_contains(CAST(? AS VARCHAR[]), h.workload)
ORDER BY h.valid_to IS NOT NULL, h.valid_from DESC, h.holds
"""

_NODES = """
SELECT d.workload, d.value
FROM workload_detail AS d
WHERE d.property = 'node'
  AND list_contains(CAST(? AS VARCHAR[]), d.workload)
ORDER BY d.last_seen DESC, d.value
"""


@dataclass(frozen=True)
class Command:
    """What a command is for, its text for a POSIX shell, and its phase, one of `PHASES`."""

    purpose: str
    command: str
    phase: str = "cut off"


@dataclass(frozen=True)
class _Thing:
    """A workload's key taken apart; its interface, and the node it ran on, as far as they are known."""

    parts: tuple[str, ...]
    interface: str | None
    node: str | None


def isolation(case: Case, workloads: Sequence[str]) -> list[Command]:
    """Commands for those workloads, phase by phase."""
    interfaces, nodes = _latest(case, _INTERFACES, workloads), _latest(case, _NODES, workloads)
    made: list[Command] = []
    for workload in dict.fromkeys(workloads):
        for pattern, commands in _KINDS.items():
            if found := re.fullmatch(pattern, workload, re.DOTALL):
                made += commands(_Thing(found.groups(), interfaces.get(workload), nodes.get(workload)))
    return in_phases(made)


def in_phases(commands: Sequence[Command]) -> list[Command]:
    """Those commands by phase, each once."""
    return sorted({item.command: item for item in commands}.values(), key=lambda item: PHASES.index(item.phase))


def _latest(case: Case, sql: str, workloads: Sequence[str]) -> dict[str, str]:
    """The first value of each workload."""
    found: dict[str, str] = {}
    for workload, value in case.sql(sql, (list(workloads),)).rows():
        found.setdefault(str(workload), str(value))
    return found


def _function(thing: _Thing) -> list[Command]:
    region, name = thing.parts
    aws = f"--region {quote(region)} --function-name {quote(name)}"
    return [
        Command(
            f"keep the code and the settings of {name} as they are now (the answer has a link to the code)",
            f"aws lambda get-function {aws} > {quote(f'{name}.json')}",
            "preserve",
        ),
        Command(
            f"keep which events and callers start {name}",
            f"aws lambda list-event-source-mappings {aws} && aws lambda get-policy {aws}",
            "preserve",
        ),
        Command(
            f"stop {name} until its code is known to be good",
            f"aws lambda put-function-concurrency {aws} --reserved-concurrent-executions 0",
            "stop",
        ),
    ]


def _task(thing: _Thing) -> list[Command]:
    region, cluster, task = thing.parts
    aws = f"--region {quote(region)} --cluster {quote(cluster)}"
    made = [
        Command(
            f"keep what ECS knows of the task {task} (of a stopped task it knows it for about an hour)",
            f"aws ecs describe-tasks {aws} --tasks {quote(task)} > {quote(f'task-{task}.json')}",
            "preserve",
        ),
        Command(
            f"stop the task {task}; a service starts another from the same definition: change that first",
            f"aws ecs stop-task {aws} --task {quote(task)} --reason investigation",
            "stop",
        ),
    ]
    if thing.interface:
        made.append(
            Command(
                "cut the task's interface off (a security group without rules)",
                f"aws ec2 modify-network-interface-attribute --region {quote(region)}"
                f" --network-interface-id {quote(thing.interface)} --groups {QUARANTINE}",
                "isolate",
            )
        )
    return made


def _pod(thing: _Thing) -> list[Command]:
    cluster, namespace, pod = thing.parts
    kubectl = f"kubectl --context {quote(cluster)} --namespace {quote(namespace)}"
    made = [
        Command(
            f"keep the pod {pod} as it is now, and its log, which goes with it",
            f"{kubectl} get pod {quote(pod)} --output yaml > {quote(f'{pod}.yaml')} && {kubectl} logs {quote(pod)}"
            f" --all-containers --timestamps > {quote(f'{pod}.log')}",
            "preserve",
        ),
        Command(
            f"take the pod {pod} out of its service and under a network policy that denies everything to this label",
            f"{kubectl} label pod {quote(pod)} forensics=quarantine --overwrite",
            "isolate",
        ),
        Command(
            f"end the pod {pod}, once its node's volumes are snapshotted",
            f"{kubectl} delete pod {quote(pod)}",
            "stop",
        ),
    ]
    if thing.node:
        made.append(
            Command(
                f"let nothing new start on the node {thing.node}",
                f"kubectl --context {quote(cluster)} cordon {quote(thing.node)}",
                "isolate",
            )
        )
    return made


def _instance(thing: _Thing) -> list[Command]:
    region, instance = thing.parts
    aws = f"--region {quote(region)}"
    return [
        Command(
            f"snapshot the volumes of {instance}",
            f"aws ec2 create-snapshots {aws} --instance-specification InstanceId={quote(instance)}"
            " --description investigation",
            "preserve",
        ),
        Command(
            f"keep the console of {instance}, and let nobody end it by mistake",
            f"aws ec2 get-console-output {aws} --instance-id {quote(instance)} --latest > {quote(f'{instance}.json')}"
            f" && aws ec2 modify-instance-attribute {aws} --instance-id {quote(instance)} --disable-api-termination",
            "preserve",
        ),
        Command(
            f"isolate {instance} once its volumes are snapshotted (a security group without rules)",
            f"aws ec2 modify-instance-attribute {aws} --instance-id {quote(instance)} --groups {QUARANTINE}",
            "isolate",
        ),
    ]


_KINDS: Mapping[str, Callable[[_Thing], list[Command]]] = {
    r"arn:[^:]*:lambda:([^:]*):[^:]*:function:(.*)": _function,
    r"arn:[^:]*:ecs:([^:]*):[^:]*:task/([^/]*)/(.*)": _task,
    r"k8s:([^/]*)/([^/]*)/(.*)": _pod,
    r"arn:[^:]*:ec2:([^:]*):[^:]*:instance/(.*)": _instance,
}
