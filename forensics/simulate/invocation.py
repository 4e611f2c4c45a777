"""One Lambda invocation in every source at once: its log lines, its API calls, its traffic, its truth."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from forensics.simulate.cloudtrail import s3_object
from forensics.simulate.lambda_log import Environment, Run
from forensics.simulate.shop import PARTNER_ADDRESS, S3_ADDRESS, SES_ADDRESS, Shop
from forensics.simulate.stage import Stage
from forensics.simulate.vpc_flow import Talk
from forensics.simulate.world import ACCOUNT, REGION, Caller, iso_ms


@dataclass
class Invoker:
    """Runs functions of the shop; `busy` keeps what was planned free from what noise adds."""

    stage: Stage
    shop: Shop
    busy: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def free(self, environment: Environment, first_ms: int, last_ms: int) -> bool:
        """An environment serves one request at a time."""
        planned = self.busy.get(environment.stream, [])
        return all(last_ms < start or end < first_ms for start, end in planned)

    def plan(self, environment: Environment, run: Run, rng: Random, *, suspicious: bool = False) -> None:
        """An invocation that does not depend on scale; later noise keeps clear of it."""
        first = run.started_ms - int(run.init_ms or 0)
        self.busy.setdefault(environment.stream, []).append((first - 1000, run.ended_ms + 1000))
        self.invoke(environment, run, rng, suspicious=suspicious)

    def invoke(self, environment: Environment, run: Run, rng: Random, *, suspicious: bool = False) -> None:
        """Writes the invocation everywhere; its calls are the function's usual ones."""
        self.stage.logs.run(environment, run)
        self.state(environment, run, suspicious=suspicious)
        if run.status == "success":
            moment = run.started_ms / 1000 + run.duration_ms / 2000
            _HABITS[environment.function.name](self, environment, moment, rng)

    def usual(self, environment: Environment, start_ms: int, rng: Random, *, init: bool = False) -> Run:
        """What an ordinary run of the function looks like; now and then it fails or times out."""
        function = environment.function
        dice = rng.random()
        number = rng.randrange(10_000, 99_999)
        duration = min(rng.lognormvariate(5.2, 0.5), function.timeout * 900)
        lines: tuple[tuple[str, str], ...] = (("INFO", _SAYS[function.name].format(number)),)
        status = "success"
        if dice < 0.004 and not init:
            duration, status, lines = function.timeout * 1000.0, "timeout", lines[:1]
        elif dice < 0.012 and not init:
            lines += (
                (
                    "ERROR",
                    f'ValueError: bad item {number}\nTraceback (most recent call last):\n  File "app.py"',
                ),
            )
            status = "error"
        memory = int(function.memory_mb * rng.uniform(0.22, 0.34))
        warm = round(rng.uniform(180, 420), 2) if init else None
        return Run(self.stage.logs.ids.uuid(), start_ms, duration, memory, lines, status, warm)

    def talk(self, environment: Environment, peer: str, moment: float, sizes: tuple[int, int]) -> None:
        """A connection of a VPC function to the internet; functions outside the VPC leave no flow."""
        inside = environment.function.interface
        if inside is not None:
            start = int(moment)
            sport = 32768 + (start * 31 + len(peer) + sizes[0]) % 28000
            talk = Talk(peer, sport, 443, sizes[0], sizes[1], start, start + 3, sender=environment.function.arn)
            self.stage.flows.through_nat(inside, self.shop.nat, talk)

    def state(self, environment: Environment, run: Run, *, suspicious: bool) -> None:
        """State an invocation in the truth."""
        self.stage.truth.invocations.append(
            {
                "request_id": run.request_id,
                "function": environment.function.name,
                "version": "$LATEST",
                "log_stream": environment.stream,
                "started_at": iso_ms(run.started_ms),
                "ended_at": iso_ms(run.ended_ms),
                "suspicious": suspicious,
            }
        )


def _orders(invoker: Invoker, environment: Environment, moment: float, rng: Random) -> None:
    who = invoker.shop.caller_of(environment)
    key = f"orders/2026/11/05/{rng.randrange(10_000, 99_999)}.json"
    size = rng.randrange(900, 9_000)
    call = invoker.stage.trail.call
    call(who, "s3:PutObject", moment, **s3_object("orders-data", key, received=size))
    if rng.random() < 0.7:
        call(who, "s3:GetObject", moment, **s3_object("orders-data", "config/prices.json", sent=4_812))
    invoker.talk(environment, S3_ADDRESS, moment, (size + 2_100, 7_300))


def _billing(invoker: Invoker, environment: Environment, moment: float, rng: Random) -> None:
    who = invoker.shop.caller_of(environment)
    key = f"invoices/2026/11/{rng.randrange(10_000, 99_999)}.pdf"
    size = rng.randrange(20_000, 90_000)
    invoker.stage.trail.call(who, "s3:GetObject", moment, **s3_object("billing-data", key, sent=size))
    if rng.random() < 0.3:
        context = {"aws:s3:arn": f"arn:aws:s3:::billing-data/{key}"}
        invoker.stage.forwarded(who, "s3.amazonaws.com", moment, context)
    invoker.talk(environment, S3_ADDRESS, moment, (1_900, size + 5_200))
    if rng.random() < 0.4:
        invoker.talk(environment, PARTNER_ADDRESS, moment, (rng.randrange(3_000, 400_000), 5_800))


def _mailer(invoker: Invoker, environment: Environment, moment: float, rng: Random) -> None:
    who = invoker.shop.caller_of(environment)
    if rng.random() < 0.25:
        secret(invoker.stage, who, "mailer/smtp", moment)
    ask = {"source": "shop@example.com", "destination": {"toAddresses": ["HIDDEN_DUE_TO_SECURITY_REASONS"]}}
    invoker.stage.trail.call(who, "ses:SendEmail", moment, ask=ask)
    invoker.talk(environment, SES_ADDRESS, moment, (rng.randrange(4_000, 30_000), 3_900))


def _thumbs(invoker: Invoker, environment: Environment, moment: float, rng: Random) -> None:
    who = invoker.shop.caller_of(environment)
    name = f"img/{rng.randrange(1_000, 9_999)}.jpg"
    call = invoker.stage.trail.call
    call(who, "s3:GetObject", moment, **s3_object("thumbs-data", name, sent=rng.randrange(90_000, 900_000)))
    call(
        who,
        "s3:PutObject",
        moment,
        **s3_object("thumbs-data", f"small/{name}", received=rng.randrange(4_000, 20_000)),
    )


def secret(stage: Stage, who: Caller, name: str, moment: float, *, malicious: bool = False) -> str:
    """Reads a secret, which Secrets Manager decrypts for the caller; returns the event id of the read."""
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-a1b2c3"
    event = stage.trail.call(who, "secretsmanager:GetSecretValue", moment, ask={"secretId": name})
    stage.forwarded(who, "secretsmanager.amazonaws.com", moment, {"SecretARN": arn}, malicious=malicious)
    return event


_SAYS = {
    "orders-fn": "order {} stored",
    "billing-fn": "invoice {} sent to partner",
    "mailer-fn": "mail {} queued",
    "thumbs-fn": "thumbnail {} written",
}
_HABITS: dict[str, Callable[[Invoker, Environment, float, Random], None]] = {
    "orders-fn": _orders,
    "billing-fn": _billing,
    "mailer-fn": _mailer,
    "thumbs-fn": _thumbs,
}
