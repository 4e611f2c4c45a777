"""The made-up world's ECS: clusters, task definitions, container instances and tasks with what each of them holds."""

from dataclasses import dataclass, replace

from forensics.simulate.world import (
    ACCOUNT,
    REGION,
    Credential,
    Ids,
    Instance,
    Interface,
    Role,
    role_session,
)

REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
KEY_HOURS = 6
"""How long a task's key is valid."""
EXECUTION_ENDS = 12
"""Seconds from the end of a task's last container to the end of the task."""


def ecs_arn(kind: str, name: str) -> str:
    """`arn:aws:ecs:REGION:ACCOUNT:KIND/NAME`."""
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:{kind}/{name}"


@dataclass(frozen=True)
class Container:
    """A container of a task definition."""

    name: str
    image: str
    digest: str

    @classmethod
    def make(cls, ids: Ids, name: str, image: str | None = None) -> "Container":
        """A container with a digest of its own; without an image, one of the account's registry."""
        return cls(name, image or f"{REGISTRY}/{name}:1", f"sha256:{ids.hex(64)}")


@dataclass(frozen=True)
class Definition:
    """A revision of a task definition; `mode` is its network mode: awsvpc, bridge or host."""

    family: str
    revision: int
    containers: tuple[Container, ...]
    task_role: Role | None
    execution_role: Role
    mode: str = "awsvpc"

    @property
    def arn(self) -> str:
        """The definition's ARN, with its revision."""
        return ecs_arn("task-definition", f"{self.family}:{self.revision}")


@dataclass(frozen=True)
class Host:
    """A container instance: an EC2 instance that runs tasks of a cluster."""

    instance: Instance
    number: str
    cluster: str

    @property
    def arn(self) -> str:
        """The container instance's ARN."""
        return ecs_arn("container-instance", f"{self.cluster}/{self.number}")


@dataclass(frozen=True)
class Task:
    """A task with its keys and, in mode awsvpc, its interface; times are epoch seconds, `stopped` None of one that runs on.

    `created`, then about half a minute of fetching images, then `started`. `key` is the task role's, of the code within;
    `agent_key` the execution role's, of what fetches images and writes logs.
    """

    task_id: str
    cluster: str
    definition: Definition
    created: int
    started: int
    stopped: int | None
    attachment_id: str
    interface: Interface | None
    host: Host | None
    service: str | None
    key: Credential | None
    agent_key: Credential
    started_by: str = ""
    launch: str = "FARGATE"

    @property
    def arn(self) -> str:
        """The task's key as a workload."""
        return ecs_arn("task", f"{self.cluster}/{self.task_id}")

    @property
    def group(self) -> str:
        """`service:NAME`, or of a task on its own `family:NAME`."""
        return f"service:{self.service}" if self.service else f"family:{self.definition.family}"

    def stopping(self, when: int) -> "Task":
        """The same task, stopped then."""
        card = self.interface and replace(self.interface, died=when - 4)
        return replace(self, stopped=when, interface=card)


def make_task(
    ids: Ids,
    definition: Definition,
    cluster: str,
    created: int,
    *,
    stopped: int | None = None,
    interface: Interface | None = None,
    host: Host | None = None,
    service: str | None = None,
    started_by: str = "",
    task_id: str | None = None,
) -> Task:
    """A task with keys of its own; `interface` is completed with its birth and death."""
    name = task_id or ids.hex(32)
    arn = ecs_arn("task", f"{cluster}/{name}")
    card = interface and replace(interface, born=created + 3, died=stopped and stopped - 4)
    role = definition.task_role
    task_key = task_session(role, arn, ids.unique("ASIA"), created=created + 8) if role else None
    agent = task_session(definition.execution_role, arn, ids.unique("ASIA"), created=created + 6, kind="execution")
    return Task(
        task_id=name,
        cluster=cluster,
        definition=definition,
        created=created,
        started=created + 27,
        stopped=stopped,
        attachment_id=ids.uuid(),
        interface=card,
        host=host,
        service=service,
        key=task_key,
        agent_key=agent,
        started_by=started_by or (f"ecs-svc/{int(ids.hex(15), 16) % 10**19:019d}" if service else ""),
        launch="EC2" if host else "FARGATE",
    )


def task_session(role: Role, task_arn: str, key: str, *, created: int, kind: str = "workload") -> Credential:
    """A key that ECS gives a task: the session's name is the task's id, and no `inScopeOf` says more."""
    name = task_arn.rpartition("/")[2]
    made = role_session(role, name, key, created=created, kind=kind, hours=KEY_HOURS)
    return replace(made, workload=task_arn)
