"""Public logs of attack techniques: for each call that a rule of ours claims, a sample fires, or it is said why not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from forensics import evidence
from forensics.case import Case
from forensics.detect.rules import OWN
from forensics.load import load

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not (DATA / "stratus-red-team").is_dir(), reason="the public sample logs are not beside this repository"
)

Figures = Callable[[str, str], None]

NOT_FIRED = {
    "aws.impact.s3-ransomware-batch-deletion": "the file holds no record",
    "aws.impact.s3-ransomware-individual-deletion": "one deletion: the rule counts ten, since one is routine",
}
"""Techniques of stratus-red-team for whose sample no rule fires, and why."""

TOOL = "User agent of an attack tool"
"""Does not count: it would fire on anything that the tool does."""

NEAR = {
    "ec2:ModifySnapshotAttribute": "it takes a share away",
    "ec2:RunInstances": "a small instance, refused for its parameters",
    "ec2:ModifyInstanceAttribute": "refused for its parameters; another attribute",
    "iam:CreateServiceLinkedRole": "a role that only a service may assume",
    "lambda:CreateFunctionUrlConfig": "the function does not exist",
    "s3:PutBucketVersioning": "it switches versioning on, of a bucket that does not exist",
    "signin:GetSigninToken": "the portal of IAM Identity Center makes these",
}
"""Calls of traildiscover that a rule claims, and whose sample is not what the rule is about."""


UNCLAIMED: dict[str, tuple[str, ...]] = {
    "it takes rights or things away from users": (
        "iam:DeleteAccessKey",
        "iam:DeleteLoginProfile",
        "iam:DeleteRolePolicy",
        "iam:DeleteUser",
        "iam:DeleteUserPolicy",
        "iam:DetachRolePolicy",
        "iam:DetachUserPolicy",
        "ses:DeleteIdentity",
    ),
    "a rule counts it, and one alone is routine": (
        "ec2:DeleteSnapshot",
        "ec2:DeleteVolume",
        "ec2:TerminateInstances",
        "elasticfilesystem:DeleteMountTarget",
    ),
    "a rule is about the call that follows": (
        "apigateway:CreateIntegration",
        "apigateway:CreateRoute",
        "ec2:CreateImage",
        "ec2:CreateTrafficMirrorFilter",
        "ec2:CreateTrafficMirrorTarget",
        "ec2:StartInstances",
        "ec2:StopInstances",
        "ecs:CreateCluster",
        "iam:CreateRole",
        "rds:CreateDBSnapshot",
        "sts:AssumeRole",
    ),
    "it is routine, and new or rare for a principal is for the behaviours to say": (
        "apigateway:CreateApi",
        "apigateway:CreateStage",
        "autoscaling:CreateAutoScalingGroup",
        "cloudshell:CreateSession",
        "ec2:AttachVolume",
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:CreateDefaultVpc",
        "ec2:CreateLaunchTemplate",
        "ec2:CreateNetworkAclEntry",
        "ec2:CreateRoute",
        "ec2:CreateSecurityGroup",
        "ec2:CreateVolume",
        "ec2:DeleteNetworkAcl",
        "ec2:DeleteNetworkAclEntry",
        "elasticloadbalancing:CreateRule",
        "iam:ChangePassword",
        "iam:CreateGroup",
        "iam:CreateServiceLinkedRole",
        "kms:CreateKey",
        "lightsail:CreateInstances",
        "logs:CreateLogStream",
        "rds:CreateDBSecurityGroup",
        "route53:CreateHostedZone",
        "s3:DeleteBucketPolicy",
        "ses:SendEmail",
        "sso-directory:CreateGroup",
        "support:CreateCase",
        "wafv2:UpdateIPSet",
    ),
    "no rule of ours is about that service or setting": (
        "agreement-marketplace:AcceptAgreementRequest",
        "appsync:CreateApiKey",
        "appsync:UpdateResolver",
        "guardduty:DeleteInvitations",
        "rds:ModifyActivityStream",
        "sso:UpdateSsoConfiguration",
    ),
}
"""Calls of traildiscover that change something and that no rule of ours names, by why."""


@dataclass(frozen=True)
class Claim:
    """The calls that one part of a rule names, and whether the rule wants them refused."""

    title: str
    refused: bool
    services: list[str]
    names: list[str]
    starts: tuple[str, ...]

    def names_call(self, call: str) -> bool:
        """Whether the rule is about such a call (service:name)."""
        service, _, name = call.partition(":")
        return service in self.services and (name in self.names or name.startswith(self.starts))


def claims() -> list[Claim]:
    """What our rules about single records claim."""
    rules = [next(iter(yaml.safe_load_all(path.read_text("utf-8")))) for path in sorted(OWN.glob("*.yml"))]
    return [claim for rule in rules for claim in _claims(rule["title"], rule.get("detection", {}))]


def _claims(title: str, detection: dict[str, Any]) -> Iterator[Claim]:
    parts = [part for part in detection.values() if isinstance(part, dict)]
    refused = any("errorCode|contains" in part for part in parts)
    for part in parts:
        services = [name.partition(".")[0] for name in _listed(part.get("eventSource"))]
        starts = tuple(_listed(part.get("eventName|startswith")))
        if services and (starts or "eventName" in part):
            yield Claim(title, refused, services, _listed(part.get("eventName")), starts)


def _listed(value: Any) -> list[str]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]


_FIRED = """
WITH cited AS (
  SELECT f.finding_id, f.type, v.object_id, v.record
  FROM finding AS f
  JOIN finding_evidence AS c ON c.finding_id = f.finding_id
  JOIN event AS v ON v.event_id = c.event_id
  WHERE f.source = 'sigma'
), whole AS (
  SELECT finding_id
  FROM cited
  GROUP BY finding_id
  HAVING count(DISTINCT object_id) = 1 OR min(split_part(finding_id, ':', 2)) NOT IN (SELECT key FROM counted)
)
SELECT e.uri, split_part(s.event_source, '.', 1) || ':' || s.event_name AS call, s.error_code,
  list_sort(list(DISTINCT c.type) FILTER (c.type IS NOT NULL)) AS rules
FROM cloudtrail AS s
JOIN evidence AS e ON e.object_id = s.object_id
LEFT JOIN (SELECT d.object_id, d.record, d.type FROM cited AS d JOIN whole AS w ON w.finding_id = d.finding_id) AS c
  ON c.object_id = s.object_id AND c.record = s.record
GROUP BY e.uri, s.event_source, s.event_name, s.error_code
ORDER BY e.uri, call, s.error_code
"""
"""Findings of rules that count over records of several files are left out: each file is a technique of its own."""

Row = tuple[str, str, str | None, list[str]]


def fired(folder: Path, root: Path) -> list[Row]:
    """For each call in each file of a dataset (its name without ending): its error, and which rules fired on it."""
    with Case.create(root) as case:
        evidence.add(case, folder, in_place=True)
        load(case, workers=1)
        found = case.detect()
        con = case.connection
        con.execute("CREATE TEMP TABLE counted (key VARCHAR)")
        con.executemany(
            "INSERT INTO counted VALUES (?)", [[item.rule.key] for item in found.outcomes if item.rule.correlation]
        )
        rows = con.execute(_FIRED).fetchall()
    return [
        (uri.rpartition("/")[2].partition(".json")[0], call, error, rules or []) for uri, call, error, rules in rows
    ]


@pytest.fixture(scope="module")
def stratus(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    return fired(DATA / "stratus-red-team" / "cloudtrail", tmp_path_factory.mktemp("stratus") / "case")


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    return fired(DATA / "traildiscover" / "cloudtrail", tmp_path_factory.mktemp("trail") / "case")


def by_technique(rows: list[Row]) -> dict[str, list[str]]:
    """The rules that fired by file, the user agent of the tool left out."""
    names = {path.name.partition(".json")[0] for path in (DATA / "stratus-red-team" / "cloudtrail").iterdir()}
    found: dict[str, set[str]] = {name: set() for name in sorted(names)}
    for name, _, _, rules in rows:
        found[name] |= set(rules) - {TOOL}
    return {name: sorted(rules) for name, rules in found.items()}


def test_a_rule_fires_for_every_technique_of_stratus(stratus: list[Row], record_property: Figures) -> None:
    found = by_technique(stratus)
    for name, rules in found.items():
        record_property("figures", f"{name:<62} {', '.join(rules) or 'none: ' + NOT_FIRED.get(name, '?')}")
    assert {name for name, rules in found.items() if not rules} == NOT_FIRED.keys()


def test_a_sample_fires_for_every_call_that_a_rule_claims(trail: list[Row], record_property: Figures) -> None:
    known, missed = claims(), {}
    for name, call, error, rules in trail:
        about = [claim for claim in known if claim.names_call(call)]
        wanted = {claim.title for claim in about if claim.refused == bool(error)}
        if about:
            said = ", ".join(rules) or f"none: {NEAR.get(call, _why(error))}"
            record_property("figures", f"{name[:40]:<42} {call:<46} {error or 'done':<34} {said}")
        if wanted and not wanted & set(rules) and call not in NEAR and not _mistaken(error):
            missed[call] = (error, sorted(wanted), rules)
    assert missed == {}


def test_of_calls_that_no_rule_claims_it_is_said_why(trail: list[Row], record_property: Figures) -> None:
    known = claims()
    free = {call for _, call, _, rules in trail if not rules and not any(claim.names_call(call) for claim in known)}
    changing = {call for call in free if not _reads(call)}
    for why, calls in UNCLAIMED.items():
        record_property("figures", f"no rule claims, since {why}: {', '.join(calls)}")
    record_property("figures", f"and {len(free - changing)} calls that only read, each of them routine by itself")
    assert changing == {call for calls in UNCLAIMED.values() for call in calls}


def _reads(call: str) -> bool:
    return call.partition(":")[2].startswith(("Get", "List", "Describe", "Search", "Lookup", "Head"))


def _mistaken(error: str | None) -> bool:
    """Whether a call failed for what it asked, not for want of rights: it did nothing, and nobody was refused."""
    return bool(error) and not any(word in error for word in ("AccessDenied", "UnauthorizedOperation"))


def _why(error: str | None) -> str:
    return "it failed for what it asked" if _mistaken(error) else "it was refused, and the rule wants it done"


def test_samples_are_of_one_record_each() -> None:
    files = sorted((DATA / "traildiscover" / "cloudtrail").iterdir())
    assert len(files) > 500
    assert isinstance(json.loads(files[0].read_text("utf-8")), list)
