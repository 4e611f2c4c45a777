"""The shop's ordinary traffic, five minutes at a time: the only part that `scale` multiplies."""

from dataclasses import dataclass

from forensics.simulate.cloudtrail import access_denied, s3_object
from forensics.simulate.invocation import Invoker, secret
from forensics.simulate.lambda_log import Environment
from forensics.simulate.shop import BROWSER, INSTANCE_AGENT, OFFICE, S3_ADDRESS, Shop
from forensics.simulate.shop_morning import ci_caller
from forensics.simulate.stage import Stage
from forensics.simulate.vpc_flow import Talk
from forensics.simulate.world import (
    ACCOUNT,
    REGION,
    SECOND_REGION,
    WINDOW_SECONDS,
    Caller,
    Credential,
    Instance,
    Json,
    at,
    caller,
    service_caller,
    user_session,
)

_INVOCATIONS = {"orders-fn": 4.2, "billing-fn": 3.2, "mailer-fn": 2.0, "thumbs-fn": 3.0}
_CONSOLE = (at("08:02:10"), at("10:40"))
_CONSOLE_CALLS = (
    "ec2:DescribeInstances",
    "ec2:DescribeSecurityGroups",
    "cloudwatch:DescribeAlarms",
    "lambda:ListFunctions20150331",
    "iam:ListRoles",
    "s3:ListBuckets",
    "logs:DescribeLogGroups",
)
_DEV_CALLS = (
    "lambda:GetFunction20150331v2",
    "logs:FilterLogEvents",
    "s3:ListBuckets",
    "ec2:DescribeInstances",
    "cloudformation:DescribeStacks",
    "sts:GetCallerIdentity",
)
_CI_CALLS = (
    "ec2:DescribeVpcs",
    "iam:GetRole",
    "lambda:GetFunction20150331v2",
    "s3:GetBucketPolicy",
    "ec2:DescribeSubnets",
    "iam:ListRolePolicies",
)
_CONFIG_CALLS = (
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeVolumes",
    "iam:ListPolicies",
    "lambda:ListFunctions20150331",
    "s3:GetBucketVersioning",
    "rds:DescribeDBInstances",
)
_SCAN_PORTS = (21, 23, 445, 3389, 5432, 6379, 8080, 9200)


@dataclass(frozen=True)
class Noise:
    """Adds one window of everyone's ordinary work."""

    stage: Stage
    shop: Shop
    invoker: Invoker
    runners: list[Credential]

    def add(self, window: int) -> None:
        """Play the five minutes from `window`, epoch seconds."""
        for environment in self.shop.environments:
            self._function(environment, window)
        self._console(window)
        self._developer(window)
        self._administrator(window)
        self._builds(window)
        self._services(window)
        for instance in (self.shop.web_a, self.shop.web_b):
            if instance.launched + 90 < window:
                self._web(instance, window)

    def _moment(self, window: int) -> int:
        return window + self.stage.rng.randrange(WINDOW_SECONDS)

    def _function(self, environment: Environment, window: int) -> None:
        name, rng = environment.function.name, self.stage.rng
        alive = [each for each in self.shop.environments if each.function.name == name and _live(each, window)]
        if environment not in alive:
            return
        wanted = self.stage.many(_INVOCATIONS[name] / len(alive))
        slot = WINDOW_SECONDS * 1000 // max(wanted, 1)
        for place in range(wanted):
            start = window * 1000 + place * slot + rng.randrange(max(slot // 4, 1))
            run = self.invoker.usual(environment, start, rng)
            if run.duration_ms < slot * 0.7 and self.invoker.free(environment, start, run.ended_ms):
                self.invoker.invoke(environment, run, rng)

    def _console(self, window: int) -> None:
        if not _CONSOLE[0] <= window < _CONSOLE[1]:
            return
        stage = self.stage
        for _ in range(stage.many(5.5)):
            key = stage.trail.ids.unique("ASIA")
            made = user_session(self.shop.jane, key, created=_CONSOLE[0], kind="console", mfa=True)
            stage.truth.credential(made)
            region = SECOND_REGION if stage.rng.random() < 0.15 else REGION
            who = caller(made, OFFICE, BROWSER, region)
            action = stage.rng.choice(_CONSOLE_CALLS).replace("cloudwatch:", "monitoring:")
            self._read(who.within(REGION) if action.startswith("iam:") else who, action, window, console=True)

    def _developer(self, window: int) -> None:
        stage, who = self.stage, self.shop.dev
        for _ in range(stage.many(3.2)):
            dice = stage.rng.random()
            if dice < 0.06:
                secret(stage, who, "dev/sandbox", self._moment(window))
            elif dice < 0.14:
                failed = access_denied(who, "kms:ListKeys", code="AccessDeniedException")
                stage.trail.call(who, "kms:ListKeys", self._moment(window), failed=failed)
            else:
                self._read(who, stage.rng.choice(_DEV_CALLS), window)

    def _administrator(self, window: int) -> None:
        if window >= at("09:05"):
            for _ in range(self.stage.many(1.6)):
                self._read(self.shop.admin, self.stage.rng.choice(_CONSOLE_CALLS[:2] + _CI_CALLS[:3]), window)

    def _builds(self, window: int) -> None:
        for session in self.runners:
            if (session.created or 0) < window < (session.created or 0) + 1500:
                for _ in range(self.stage.many(7.0)):
                    self._read(ci_caller(session, self.stage.rng), self.stage.rng.choice(_CI_CALLS), window)

    def _services(self, window: int) -> None:
        stage, role = self.stage, self.shop.roles["AWSServiceRoleForConfig"]
        issuer = {"type": "Role", "principalId": role.unique_id, "arn": role.arn, "accountId": ACCOUNT}
        identity: Json = {
            "type": "AssumedRole",
            "principalId": f"{role.unique_id}:AWSConfig-Describe",
            "arn": role.session_arn("AWSConfig-Describe"),
            "accountId": ACCOUNT,
            "sessionContext": {"sessionIssuer": issuer | {"userName": role.name}, "attributes": {}},
            "invokedBy": "config.amazonaws.com",
        }
        for _ in range(stage.many(5.0)):
            region = SECOND_REGION if stage.rng.random() < 0.3 else REGION
            who = Caller(identity, "config.amazonaws.com", "config.amazonaws.com", region)
            action = stage.rng.choice(_CONFIG_CALLS)
            self._read(who.within(REGION) if action.startswith("iam:") else who, action, window)
        trail = service_caller("cloudtrail.amazonaws.com")
        for _ in range(stage.many(1.0)):
            ask = {"bucketName": "example-trail-logs", "acl": ""}
            extra = {"sharedEventID": stage.trail.ids.uuid()}
            stage.trail.call(trail, "s3:GetBucketAcl", self._moment(window), ask=ask, extra=extra)

    def _read(self, who: Caller, action: str, window: int, *, console: bool = False) -> None:
        extra: Json = {"sessionCredentialFromConsole": "true"} if console else {}
        ask = {"bucketName": "orders-data"} if "Bucket" in action and "List" not in action else None
        self.stage.trail.call(who, action, self._moment(window), ask=ask, extra=extra)

    def _web(self, instance: Instance, window: int) -> None:
        stage, rng, card = self.stage, self.stage.rng, instance.interface
        who = self._instance_caller(instance, window)
        for _ in range(stage.many(1.5)):
            moment = self._moment(window)
            name = f"css/{rng.randrange(100, 999)}.css"
            stage.trail.call(
                who, "s3:GetObject", moment, **s3_object("web-assets", name, sent=rng.randrange(900, 90_000))
            )
            stage.flows.connect(
                card, Talk(S3_ADDRESS, rng.randrange(32768, 60999), 443, 1_200, 95_000, moment, moment + 2)
            )
        for _ in range(stage.many(1.0)):
            ask = {
                "instanceId": instance.instance_id,
                "agentName": "amazon-ssm-agent",
                "platformType": "Linux",
            }
            stage.trail.call(who, "ssm:UpdateInstanceInformation", self._moment(window), ask=ask)
        for minute in range(window, window + WINDOW_SECONDS, 60):
            self._minute(instance, minute)

    def _minute(self, instance: Instance, minute: int) -> None:
        stage, rng, card = self.stage, self.stage.rng, instance.interface
        for _ in range(stage.many(3.0)):
            start = minute + rng.randrange(30)
            peer, sizes = (
                f"198.51.100.{rng.randrange(100, 251)}",
                (rng.randrange(600, 4_000), rng.randrange(2_000, 90_000)),
            )
            stage.flows.accept(
                card, Talk(peer, rng.randrange(1025, 65000), 443, *sizes, start, start + rng.randrange(1, 29))
            )
        for _ in range(stage.many(2.2)):
            start = minute + rng.randrange(58)
            peer, port = f"203.0.113.{rng.randrange(200, 251)}", rng.choice(_SCAN_PORTS)
            stage.flows.reject(card, Talk(peer, rng.randrange(1025, 65000), port, 40, 0, start, start + 1))

    def _instance_caller(self, instance: Instance, window: int) -> Caller:
        old, new, other = self.shop.web_keys
        key = other if instance is self.shop.web_b else new if window > (new.created or 0) else old
        return caller(key, str(instance.interface.public_ip), INSTANCE_AGENT)


def _live(environment: Environment, window: int) -> bool:
    return environment.started + 5 < window and window + WINDOW_SECONDS <= environment.stopped
