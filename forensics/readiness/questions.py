"""The questions of an incident, the logs each needs, and which of them could not be answered today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from forensics.readiness.assess import GLOBAL, Readiness
from forensics.readiness.checks import checks

VERDICTS = ("no", "unknown", "partly", "yes", "nothing")
"""From worst to best; `nothing`: the account has no such workload."""


@dataclass(frozen=True)
class Need:
    """A log type that answers, where it is on and none of the warnings `without` holds; of one `thing` of it, if named."""

    log_type: str
    without: tuple[str, ...] = ()
    thing: str = ""


@dataclass(frozen=True)
class Question:
    """What is asked after an incident in a workload; `needs` are groups: of each, one suffices."""

    workload: str
    text: str
    needs: tuple[tuple[Need, ...], ...]


@dataclass(frozen=True)
class Reason:
    """Why a log does not answer: what is wrong with it, in which Regions, and the code that a plan closes."""

    log_type: str
    code: str
    regions: tuple[str, ...]

    def __str__(self) -> str:
        """One line."""
        check = checks()[self.log_type]
        said = check.warnings.get(self.code) or _STATE.get(self.code, self.code)
        return f"{check.title}: {said} ({where(self.regions)})"


@dataclass(frozen=True)
class Answerable:
    """Whether a question could be answered of an account today, why not, and where."""

    question: Question
    account_id: str
    verdict: str
    regions: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()


_STATE = {"none": "nothing there writes it", "partly": "on for a part only"}

WORKLOADS = {
    "Lambda": "lambda_log",
    "ECS": "container_insights",
    "EKS": "eks_audit",
    "EC2": "host_log",
    "S3": "s3_access",
    "any": "",
}
"""The check that has a thing for each workload of the kind."""

_TRAIL = (Need("cloudtrail_management"),)
_FLOW = (Need("vpc_flow", ("narrowed",)),)
_NAMES = (Need("route53_resolver"),)
_RUNTIME = Need("guardduty_features", thing="RUNTIME_MONITORING")
_FRONT = tuple(Need(name) for name in ("api_gateway", "alb", "waf", "cloudfront"))

QUESTIONS = (
    Question(
        "any",
        "Who called which API, with which credential, in every Region",
        ((Need("cloudtrail_management", ("single_region", "narrowed")),),),
    ),
    Question(
        "any", "Whether log files were altered or deleted", ((Need("cloudtrail_management", ("no_validation",)),),)
    ),
    Question("any", "What was done three months ago", ((Need("cloudtrail_management", ("retention_short",)),),)),
    Question("any", "What a resource was like before it was changed", ((Need("config_item", ("daily", "narrowed")),),)),
    Question(
        "any", "Whether credentials of another account came through a VPC endpoint", ((Need("cloudtrail_network"),),)
    ),
    Question("Lambda", "Who changed a function, its role or its layers", (_TRAIL,)),
    Question("Lambda", "Which credential invoked the function", ((Need("cloudtrail_data_lambda"),),)),
    Question(
        "Lambda",
        "Which invocation, in which execution environment, made this call",
        (_TRAIL, (Need("lambda_log", ("no_group",)),)),
    ),
    Question(
        "Lambda",
        "Which line of its log belongs to which invocation",
        ((Need("lambda_log", ("no_group", "text_format")),),),
    ),
    Question(
        "Lambda", "What the function spoke with", ((*_FLOW, Need("guardduty_features", thing="LAMBDA_NETWORK_LOGS")),)
    ),
    Question("Lambda", "Which request from outside led to the invocation", (_FRONT,)),
    Question("Lambda", "Whether its credentials were used elsewhere", (_TRAIL, (Need("guardduty"),))),
    Question(
        "ECS",
        "Which task held this address",
        ((Need("vpc_flow", ("no_ecs_fields",)), Need("ecs_event"), Need("config_item", ("daily", "narrowed"))),),
    ),
    Question(
        "ECS",
        "When the task ran, with which image and role",
        ((Need("ecs_event"), Need("config_item", ("daily", "narrowed"))), _TRAIL),
    ),
    Question("ECS", "What the task spoke with, and how much left", (_FLOW,)),
    Question("ECS", "Which names the task asked for", (_NAMES,)),
    Question("ECS", "What the container wrote", ((Need("container_log", ("no_driver",)),),)),
    Question("ECS", "Which processes ran in the container", ((_RUNTIME,),)),
    Question("EKS", "Who did what in the cluster", ((Need("eks_audit", ("audit_off",)),),)),
    Question("EKS", "Which IAM role was behind a user of the cluster", ((Need("eks_audit", ("authenticator_off",)),),)),
    Question("EKS", "Which pod used this role's credentials", (_TRAIL, (Need("eks_audit", ("audit_off",)),))),
    Question("EKS", "What the pod spoke with", ((Need("vpc_flow", ("no_pkt_fields", "narrowed")),),)),
    Question("EKS", "What the pod wrote", ((Need("pod_log"),),)),
    Question("EKS", "Which processes ran in the pod", ((_RUNTIME,),)),
    Question("EC2", "Which instance held this address", ((Need("config_item", ("daily", "narrowed")), *_FLOW),)),
    Question("EC2", "What the instance spoke with, and how much left", (_FLOW,)),
    Question("EC2", "Which names the instance asked for", (_NAMES,)),
    Question("EC2", "Who logged in to the host, and which processes ran", ((Need("host_log"), _RUNTIME),)),
    Question("EC2", "What was typed in a session", ((Need("ssm_session"),),)),
    Question("EC2", "Whether its credentials were used elsewhere", (_TRAIL, (Need("guardduty"),))),
    Question(
        "S3",
        "Who read, wrote or deleted this object",
        ((Need("cloudtrail_data_s3"), Need("s3_access", ("recursive",))),),
    ),
    Question("S3", "With which credential it was read", ((Need("cloudtrail_data_s3"),),)),
    Question(
        "S3", "Was data taken out, and how much", ((Need("cloudtrail_data_s3"), Need("s3_access", ("recursive",))),)
    ),
    Question(
        "S3",
        "Who opened the bucket to others, and what it was before",
        (_TRAIL, (Need("config_item", ("daily", "narrowed")),)),
    ),
)


def answerable(rows: Sequence[Readiness]) -> list[Answerable]:
    """Every question for every account of the rows, in order."""
    held = {(item.account_id, item.log_type, item.region): item for item in rows}
    accounts = sorted({item.account_id for item in rows})
    return [_answer(question, account, held) for account in accounts for question in QUESTIONS]


def where(regions: Sequence[str], most: int = 4) -> str:
    """Regions in a few words."""
    return (
        ", ".join(regions)
        if len(regions) <= most
        else f"{', '.join(regions[: most - 1])} and {len(regions) - most + 1} more"
    )


Held = Mapping[tuple[str, str, str], Readiness]


def _answer(question: Question, account: str, held: Held) -> Answerable:
    regions = _regions(question, account, held)
    if not regions:
        return Answerable(question, account, "nothing")
    verdicts = {region: _in_region(question, (account, region), held) for region in regions}
    found = set(verdicts.values())
    short = tuple(region for region in regions if verdicts[region] != "yes")
    return Answerable(
        question,
        account,
        found.pop() if len(found) == 1 else "partly" if found & {"yes", "partly"} else "unknown",
        short,
        tuple(_reasons(question, account, short, held)),
    )


def _regions(question: Question, account: str, held: Held) -> list[str]:
    """Where the workload is; every Region for what has none."""
    kind = WORKLOADS[question.workload]
    if kind and checks()[kind].everywhere:
        return sorted(
            region
            for owner, name, region in held
            if (owner, name) == (account, kind) and held[owner, name, region].enabled != "none"
        )
    if kind and (row := held.get((account, kind, GLOBAL))) and row.enabled == "none":
        return []
    return sorted({region for owner, _, region in held if owner == account and region != GLOBAL})


def _in_region(question: Question, place: tuple[str, str], held: Held) -> str:
    """The worst of the groups, each as good as the best of its logs."""
    groups = [max((_met(need, place, held)[0] for need in group), key=VERDICTS.index) for group in question.needs]
    return min(("yes" if item == "nothing" else item for item in groups), key=VERDICTS.index) if groups else "yes"


def _met(need: Need, place: tuple[str, str], held: Held) -> tuple[str, str]:
    """A verdict, and the code of what is wrong: a warning's, or the state."""
    account, region = place
    row = held.get((account, need.log_type, region if checks()[need.log_type].everywhere else GLOBAL))
    if row is None or row.enabled == "none":
        return "no", "none"
    state = row.enabled
    if need.thing:
        state = next(
            (item.state for item in row.things if item.thing == need.thing), state if not row.things else "off"
        )
    if state in ("off", "unknown"):
        return {"off": "no"}.get(state, state), state
    bad = [code for code in need.without if code in row.warnings]
    if bad:
        clean = any(item.state == "on" and not set(item.warnings) & set(need.without) for item in row.things)
        return ("partly" if clean else "no"), bad[0]
    return ("yes", "") if state == "on" else ("partly", "partly")


def _reasons(question: Question, account: str, regions: Iterable[str], held: Held) -> Iterator[Reason]:
    """Why, log by log: of a group that one log answers, nothing is said of the others."""
    found: dict[tuple[str, str], list[str]] = {}
    for region in regions:
        for group in question.needs:
            verdicts = [(need, *_met(need, (account, region), held)) for need in group]
            if any(verdict == "yes" for _, verdict, _ in verdicts):
                continue
            for need, _, code in verdicts:
                if code != "none" or len(group) == 1:
                    found.setdefault((need.log_type, code), []).append(region)
    for (log_type, code), places in found.items():
        yield Reason(log_type, code, tuple(places))
