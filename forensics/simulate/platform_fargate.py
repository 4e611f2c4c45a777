"""The platform's Fargate morning: a web service behind the balancer, and reports that come and go on reused addresses."""

from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from forensics.simulate.containers import Container, Definition, Task, make_task
from forensics.simulate.decoys import barred
from forensics.simulate.ecs import Ecs
from forensics.simulate.ecs_shapes import register
from forensics.simulate.platform import BUCKETS, S3_ADDRESS, Platform
from forensics.simulate.world import WINDOW_SECONDS, Caller, Interface, Json, Role, at, caller, role_session

CLUSTER = "prod"
REPORT_ADDRESSES = ("198.51.100.131", "198.51.100.132")
_WEB = (("06:03:10", None), ("06:03:12", None), ("06:03:15", "10:10:40"), ("08:30:20", "10:40:10"))
_REPORTS = ("06:20", "06:50", "07:20", "07:25", "07:50", "08:20", "08:50", "09:20", "09:25", "09:50", "10:20", "10:50")
_SCHEDULE = "events-run-reports"


@dataclass
class Fargate:
    """The tasks of the morning, by what they are; `events` is a call of each report."""

    platform: Platform
    ecs: Ecs
    web: list[Task] = field(default_factory=list)
    reports: list[Task] = field(default_factory=list)
    events: dict[str, str] = field(default_factory=dict)

    def card(self, task: Task) -> Interface:
        """The task's interface."""
        if task.interface is None:
            raise ValueError(f"{task.arn} has no interface of its own")
        return task.interface

    def place(self, task: Task) -> str:
        """The address that calls of the task come from: its own public one, or the gateway's."""
        return self.card(task).public_ip or str(self.platform.nat.interface.public_ip)

    def code(self, task: Task) -> Caller:
        """The task's code."""
        return self.ecs.code(task, self.place(task))

    def noise(self, window: int) -> None:
        """Everybody's ordinary work in five minutes."""
        stage, rng = self.platform.stage, self.platform.stage.rng
        for task in self.web:
            if alive(task, window):
                for _ in range(stage.many(12.0)):
                    self._visited(task, window + rng.randrange(WINDOW_SECONDS), rng)
                for _ in range(stage.many(3.0)):
                    self._works(task, window + rng.randrange(WINDOW_SECONDS), rng)
        for task in self.reports:
            if alive(task, window, margin=40):
                for _ in range(stage.many(4.0)):
                    moment = max(window, task.started + 5) + rng.randrange(60)
                    self.report(task, moment, rng)

    def report(self, task: Task, moment: int, rng: Random) -> str:
        """A report reads orders and writes itself; returns the event id of the first reading."""
        platform, who = self.platform, self.code(task)
        size = rng.randrange(4_000, 200_000)
        event = platform.read(who, "orders-data", f"orders/{rng.randrange(1_000, 9_999)}.json", moment, sent=size)
        platform.talk(self.card(task), S3_ADDRESS, moment, (2_100, size))
        platform.queries.ask(self.card(task), "s3.us-east-1.amazonaws.com", moment, answer=S3_ADDRESS)
        self.ecs.say(task, moment + 0.4, f"report part {rng.randrange(100)} written")
        return event

    def _visited(self, task: Task, moment: int, rng: Random) -> None:
        self.platform.visit(self.card(task), self.platform.visitor(rng, moment))
        if rng.random() < 0.3:
            self.ecs.say(task, moment + 0.1, f"GET /api/items 200 {rng.randrange(3, 90)} ms")

    def _works(self, task: Task, moment: int, rng: Random) -> None:
        platform, card = self.platform, self.card(task)
        size = rng.randrange(900, 60_000)
        inside = rng.random() < 0.4
        who = self.ecs.code(task, card.private_ip, platform.endpoint) if inside else self.code(task)
        platform.read(who, rng.choice(BUCKETS), f"items/{rng.randrange(1_000, 9_999)}.json", moment, sent=size)
        if not inside:
            platform.talk(card, S3_ADDRESS, moment, (1_400, size))
        if rng.random() < 0.2:
            platform.queries.ask(card, "payments.example.com", moment, answer="192.0.2.81")


def fargate_morning(platform: Platform) -> Fargate:
    """The web service comes up, grows and shrinks; reports run now and then, each on an address just given back."""
    ecs = Ecs.open(platform.stage, platform.flows, platform.config)
    world = Fargate(platform, ecs)
    execution = platform.role("ecs-execution")
    web = _definition(platform, "web", platform.role("web-task-role"), execution)
    report = _definition(platform, "report", platform.role("report-task-role"), execution)
    for definition in (web, report):
        _register(platform, definition)
    for start, stop in _WEB:
        card = platform.private.interface(platform.ids)
        stopped = at(stop) if stop else None
        task = make_task(ecs.ids, web, CLUSTER, at(start), stopped=stopped, interface=card, service="web")
        ecs.skew_ms[task.task_id] = platform.rng.randrange(-1_500, 1_500)
        ecs.live(task)
        world.web.append(task)
    scheduler = _scheduler(platform)
    for place, clock in enumerate(_REPORTS):
        when = at(clock) + platform.rng.randrange(20)
        world.reports.append(_report(world, report, scheduler, place=place, when=when))
    _reused(world)
    return world


def alive(task: Task, window: int, margin: int = 0) -> bool:
    """Whether the task runs for the whole window, the last seconds left out, or for as long as a short one does."""
    ended = task.stopped is None or window + WINDOW_SECONDS <= task.stopped - 40
    if margin:
        return task.started < window + WINDOW_SECONDS - 60 and (task.stopped or 0) - 110 > max(window, task.started)
    return task.started + 30 < window and ended


def _definition(platform: Platform, family: str, role: Role, execution: Role) -> Definition:
    return Definition(family, 12, (Container.make(platform.ids, family),), role, execution)


def _register(platform: Platform, definition: Definition) -> None:
    ask, answer = register(definition, requiresCompatibilities=["FARGATE"], cpu="256", memory="512")
    platform.stage.trail.call(platform.deploy, "ecs:RegisterTaskDefinition", at("06:02:05"), ask=ask, answer=answer)


def _scheduler(platform: Platform) -> Role:
    return platform.role(_SCHEDULE, "/service-role/")


def _report(world: Fargate, definition: Definition, scheduler: Role, *, place: int, when: int) -> Task:
    """A rule of EventBridge runs a task with a session of its own role, for three minutes or so."""
    platform = world.platform
    stage, subnet = platform.stage, platform.public
    address = REPORT_ADDRESSES[place % len(REPORT_ADDRESSES)]
    card = subnet.interface(platform.ids, public=address)
    stopped = when + 27 + platform.rng.randrange(150, 200)
    task = make_task(
        world.ecs.ids, definition, CLUSTER, when, stopped=stopped, interface=card, started_by="events-rule/reports"
    )
    key = stage.trail.ids.unique("ASIA")
    name = platform.ids.hex(32)
    made = role_session(scheduler, name, key, created=when - 2, kind="assumed_role", hours=1)
    stage.issue("events.amazonaws.com", made, scheduler, name)
    who = caller(made, "events.amazonaws.com", "events.amazonaws.com")
    identity: Json = who.identity | {"invokedBy": "events.amazonaws.com"}
    world.ecs.run(Caller(identity, who.address, who.agent, credential=made), [task], public=True)
    subnet.free.append(card.private_ip)
    moment = task.started + 80 + platform.rng.randrange(30)
    world.events[task.task_id] = world.report(task, moment, platform.rng)
    return task


def _reused(world: Fargate) -> None:
    """State which reports had an address of one before: each call is of the one that had it then."""
    for earlier, later in pairwise(world.reports):
        event, card = world.events[later.task_id], world.card(later)
        same = [each for each in world.reports if each is not later and world.card(each).public_ip == card.public_ip]
        world.platform.stage.truth.decoy(
            "address_reused",
            f"{card.private_ip} was {earlier.task_id}'s, and then {later.task_id}'s, like {card.public_ip} before.",
            [event],
            [barred(event, question, each.arn) for each in same for question in ("used_from", "issued_to")],
        )
