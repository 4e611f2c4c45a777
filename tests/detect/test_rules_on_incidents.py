"""Our own rules on made-up incidents: what each finds of the attack, and that they leave the rest alone."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from forensics.case import Case
from forensics.detect.rules import OWN
from forensics.detect.statements import statements
from forensics.simulate import scenarios
from tests.simulate.cases import Incident, write

Figures = Callable[[str, str], None]
QUICK = ("iam-escalation", "log-tampering")
MANY = ("attack_events", "attack_flows", "attack_records")

ACTS = {
    "sts:GetCallerIdentity": "every tool asks it first; the theft test and the user agent tell whose it is",
    "ec2:TerminateInstances": "taking down what one started; counted from eight on",
    "ec2:RunInstances": "one small instance is routine; large ones, many, and those refused are told",
    "ecs:StopTask": "taking down what one started is routine",
    "ecs:CreateCluster": "making a cluster is routine; what runs in it is told",
    "sts:AssumeRole": "who assumes which role for the first time is for the behaviours; the acts of the session are told",
    "sts:AssumeRoleWithWebIdentity": "the credential's use off its pod is told",
    "s3:GetObject": "fewer than ten objects of a bucket with one credential",
}
"""Acts of intruders that no rule of ours names, and why; so too, one by one, whatever only reads."""

READING = ("List", "Describe", "Get", "kubernetes:list", "kubernetes:get")

NAMED = {
    ("Change of rights refused", "role/dev-readonly"): "People who try what their role does not allow",
    (
        "Destruction or sharing of data refused",
        "AWSReservedSSO_Admin_0123456789abcdef",
    ): "People who try what their role does not allow",
    ("Task definition registered and run at once", "role/ci/ci-deploy"): "Pipelines that deploy",
    ("Command run in a pod", "user/ops"): "Operators who debug",
    (
        "Access key made for another user",
        "AWSReservedSSO_Admin_0123456789abcdef",
    ): "administrators who give a user a second key to change over",
    ("Function code changed by a person", "user/dev"): "Developers who deploy by hand",
    (
        "Log group or stream deleted",
        "AWSReservedSSO_Admin_0123456789abcdef",
    ): "Administrators who clear up what they tested",
}
"""Who of the benign sets off which rule, and what the rule's false positives say of it."""


def documented() -> dict[str, list[str]]:
    """The false positives of each of our rules, by title."""
    rules = [next(iter(yaml.safe_load_all(path.read_text("utf-8")))) for path in OWN.glob("*.yml")]
    said = {rule["title"]: list(rule["falsepositives"]) for rule in rules}
    return said | {item.title: list(item.false_positives) for item in statements().values()}


@dataclass(frozen=True)
class Hit:
    """A finding: its rule, its principal, and the events that it cites."""

    rule: str
    principal: str
    events: frozenset[str]


def hits(made: Incident) -> list[Hit]:
    with Case.open(made.case, read_only=False) as case:
        case.detect()
        rows = case.connection.execute(
            """
SELECT f.type, coalesce(f.principal, ''), list(c.event_id)
FROM finding AS f
JOIN finding_evidence AS c ON c.finding_id = f.finding_id
WHERE f.source = 'sigma'
GROUP BY f.finding_id, f.type, f.principal
ORDER BY f.type, f.finding_id"""
        ).fetchall()
    return [Hit(rule, principal, frozenset(events)) for rule, principal, events in rows]


def attack(made: Incident) -> set[str]:
    return {item["event_id"] for name in MANY for item in made.truth[name]}


def judged(made: Incident, scenario: str, record: Figures) -> None:
    """The benign set off only what is named; every act of the intruder is told, or it is said why not."""
    found, bad = hits(made), attack(made)
    benign = {(hit.rule, who(hit.principal)) for hit in found if not hit.events & bad}
    assert benign - NAMED.keys() == set()
    counted: dict[str, int] = defaultdict(int)
    for hit in found:
        counted[hit.rule] += len(hit.events & bad)
    for rule, count in sorted(counted.items(), key=lambda item: -item[1]):
        others = ", ".join(name for other, name in sorted(benign) if other == rule)
        record("figures", f"{scenario:<26} {rule:<66} {count:>4}{others and ' and benign: ' + others}")
    told = frozenset().union(*(hit.events for hit in found))
    acts = {item["action"] for item in made.truth["attack_events"]}
    seen = {item["action"] for item in made.truth["attack_events"] if item["event_id"] in told}
    left = {act for act in acts - seen if not is_reading(act)}
    record(
        "figures",
        f"{scenario:<26} told {len(seen)} of {len(acts)} kinds of calls; not told: {', '.join(sorted(acts - seen))}",
    )
    assert left - ACTS.keys() == set()


def who(principal: str) -> str:
    """The end of an ARN by which NAMED knows it."""
    return next((name for _, name in NAMED if principal.endswith(name)), principal)


def is_reading(act: str) -> bool:
    return act != "s3:GetObject" and (act.partition(":")[2].startswith(READING) or act.startswith(READING))


@pytest.mark.parametrize(("rule", "name"), NAMED)
def test_what_the_benign_set_off_is_documented(rule: str, name: str) -> None:
    assert NAMED[rule, name] in documented()[rule]


@pytest.mark.parametrize("scenario", QUICK)
def test_rules_find_the_attack_and_nothing_that_is_not_documented(
    tmp_path: Path, scenario: str, record_property: Figures
) -> None:
    judged(write(scenario, tmp_path, scale=0.2), scenario, record_property)


@pytest.mark.long
@pytest.mark.parametrize("scale", [1.0, 5.0, 20.0])
@pytest.mark.parametrize("scenario", scenarios())
def test_rules_do_so_in_every_incident_and_any_noise(
    tmp_path: Path, scenario: str, scale: float, record_property: Figures
) -> None:
    judged(write(scenario, tmp_path, scale=scale), f"{scenario} × {scale:g}", record_property)
