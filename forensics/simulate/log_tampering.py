"""Scenario: a stolen administrator switches logs off one by one; what happened meanwhile is in none but the access logs."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

from forensics.simulate import guardduty
from forensics.simulate.cloudtrail import Denied, Trail, access_denied
from forensics.simulate.digest_chain import Delivered
from forensics.simulate.digests import Digests
from forensics.simulate.guardduty import DETECTOR, Finding
from forensics.simulate.intruder import AGENT, Intruder, conclude, found
from forensics.simulate.s3_access import Access, AccessLogs
from forensics.simulate.shop import CI_AGENT, Shop
from forensics.simulate.shop_morning import CI_ADDRESSES, ordinary_morning
from forensics.simulate.shop_noise import Noise
from forensics.simulate.stage import ENDS, Scenario, Stage
from forensics.simulate.truth import in_order
from forensics.simulate.vpc_flow import FLOW_LOG
from forensics.simulate.world import ACCOUNT, REGION, Caller, Json, at, caller, iso, stamp

FIRST_HOST = "203.0.113.77"
SECOND_HOST = "203.0.113.80"
TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/example-trail"
LOGS = "example-trail-logs"

_STOPPED, _RESTARTED = at("09:46:30"), at("10:14:05")
_OBJECTS = 14
_EMPTIES = {
    "cloudtrail:StopLogging": (("cloudtrail", REGION, _RESTARTED), ("cloudtrail", "eu-west-1", _RESTARTED)),
    "config:StopConfigurationRecorder": (("config_item", REGION, ENDS),),
    "guardduty:UpdateDetector": (("guardduty", REGION, ENDS),),
}
"""Which logs an act empties, in which Region, until when."""

_FRESH = ("console", "forward")
"""Kinds of keys that are new with every call: those of calls that the trail missed are in no log."""


@dataclass
class PausedTrail(Trail):
    """A trail that writes nothing of what happens between its stop and its start, both left out."""

    silent: tuple[int, int] = (_STOPPED, _RESTARTED)
    written: set[str] = field(default_factory=set)
    digests: Digests | None = None

    def add(self, record: Json, *, late: int = 0) -> None:
        """Queue a record unless the trail is off; remember the keys that are in the logs."""
        if iso(self.silent[0]) < record["eventTime"] < iso(self.silent[1]):
            return
        self.written.update(_keys(record))
        super().add(record, late=late)

    def delivered(self, whose: tuple[str, str], published: int, file: Delivered) -> None:
        """Have a digest list the log file."""
        if self.digests:
            self.digests.take(whose, published, file)


def _keys(record: Json) -> Iterator[str]:
    """The keys that a record uses, and the one that it mints."""
    answer = record["responseElements"] or {}
    for card in (record["userIdentity"], answer.get("credentials", {}), answer.get("accessKey", {})):
        if key := card.get("accessKeyId"):
            yield key


def play(stage: Stage) -> None:
    """The ordinary morning, the tampering within it, and noise of which the trail misses half an hour."""
    digests = Digests(stage.storage, (_STOPPED, _RESTARTED))
    trail = PausedTrail(stage.storage, stage.trail.ids, stage.ledger, digests=digests)
    stage = replace(stage, trail=trail)
    shop, invoker, runners = ordinary_morning(stage)
    access = AccessLogs(stage.storage, stage.own_ids("s3_access"), stage.ledger)
    stage.more.append(access)
    intruder = Intruder(stage, Random(stage.ids.hex(16)))
    admin = _become_admin(intruder, shop)
    _look(intruder, admin)
    _switch_off(intruder, admin)
    _unseen(intruder, access, admin, digests)
    _come_back(intruder, admin)
    _detect(stage, admin)
    _decoys(stage, shop, caller(runners[2], CI_ADDRESSES[30], CI_AGENT))
    conclude(stage, playbook=SCENARIO.name, parameters={"principal": shop.roles["reporting-admin"].arn}, stolen={})
    noise = Noise(stage, shop, invoker, runners)
    for window in stage.windows():
        noise.add(window)
    digests.write()
    stage.truth.digests["gaps"] = digests.gaps
    stage.truth.attack_records = in_order(access.facts)
    for key, fact in list(stage.truth.credentials.items()):
        if fact["kind"] in _FRESH and key not in trail.written:
            del stage.truth.credentials[key]


def _become_admin(intruder: Intruder, shop: Shop) -> Caller:
    if shop.dev.credential is None:
        raise ValueError("dev has a key")
    first = caller(shop.dev.credential, FIRST_HOST, AGENT)
    intruder.act(first, "sts:GetCallerIdentity", at("09:31:12"), "discovery")
    made, event = intruder.stage.assume(first, shop.roles["reporting-admin"], "ops", at("09:32:40"), malicious=True)
    intruder.state(first, "sts:AssumeRole", at("09:32:40"), "privilege-escalation", event=event)
    return caller(made, FIRST_HOST, AGENT)


def _look(intruder: Intruder, who: Caller) -> None:
    looks: tuple[tuple[str, Json | None], ...] = (
        ("cloudtrail:DescribeTrails", {"includeShadowTrails": True}),
        ("cloudtrail:GetTrailStatus", {"name": TRAIL}),
        ("cloudtrail:GetEventSelectors", {"trailName": TRAIL}),
        ("guardduty:ListDetectors", None),
        ("config:DescribeConfigurationRecorders", None),
        ("ec2:DescribeFlowLogs", {"DescribeFlowLogsRequest": ""}),
        ("logs:DescribeLogGroups", None),
        ("s3:GetBucketLifecycle", {"bucketName": LOGS, "lifecycle": ""}),
    )
    for place, (action, ask) in enumerate(looks):
        intruder.act(who, action, at("09:33:20") + 14 * place, "discovery", ask=ask)


def _switch_off(intruder: Intruder, who: Caller) -> None:
    """What succeeds and what does not; the trail's own stop is the last that it records."""
    selectors = [{"readWriteType": "WriteOnly", "includeManagementEvents": True, "dataResources": []}]
    groups = {"logGroupName": "/aws/lambda/orders-fn"}
    expire = {"Rule": {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}}
    flows: Json = {"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": FLOW_LOG}}}
    no_flows = _unauthorized(who, "ec2:DeleteFlowLogs")
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/01234567-89ab-4cde-8f01-23456789abcd"
    no_key = access_denied(who, "kms:ScheduleKeyDeletion", key, code="AccessDeniedException")
    steps: tuple[tuple[str, str, Json, Denied | None], ...] = (
        ("cloudtrail:PutEventSelectors", "09:38:05", {"trailName": TRAIL, "eventSelectors": selectors}, None),
        ("guardduty:CreateFilter", "09:39:20", {"detectorId": DETECTOR, "name": "quiet", "action": "ARCHIVE"}, None),
        ("logs:PutRetentionPolicy", "09:40:41", groups | {"retentionInDays": 1}, None),
        ("s3:PutBucketLifecycle", "09:41:30", _of_logs("lifecycle", {"LifecycleConfiguration": expire}), None),
        ("ec2:DeleteFlowLogs", "09:42:12", flows, no_flows),
        ("kms:ScheduleKeyDeletion", "09:43:02", {"keyId": key, "pendingWindowInDays": 7}, no_key),
        ("config:StopConfigurationRecorder", "09:44:15", {"configurationRecorderName": "default"}, None),
        ("guardduty:UpdateDetector", "09:45:30", {"detectorId": DETECTOR, "enable": False}, None),
        ("cloudtrail:StopLogging", "09:46:30", {"name": TRAIL}, None),
    )
    for action, clock, ask, failed in steps:
        event = intruder.act(who, action, at(clock), "defense-evasion", ask=ask, failed=failed)
        for source, region, until in _EMPTIES.get(action, ()):
            intruder.stage.truth.emptied += _emptied((source, region), (at(clock), until), action, event)


def _emptied(place: tuple[str, str], span: tuple[int, int], action: str, event: str) -> Iterator[Json]:
    """The truth of every hour of a log between its stop and its start, or the end of the logs."""
    source, region = place
    for hour in range(span[0] // 3600 * 3600, span[1], 3600):
        off = {"from": iso(max(hour, span[0])), "to": iso(min(hour + 3600, span[1]))}
        cell = {"source": source, "account_id": ACCOUNT, "region": region, "hour": iso(hour)}
        yield cell | off | {"status": "switched_off", "cause": action, "event_id": event}


def _of_logs(what: str, body: Json) -> Json:
    return {what: "", "bucketName": LOGS, "Host": f"{LOGS}.s3.{REGION}.amazonaws.com"} | body


def _unauthorized(who: Caller, action: str) -> Denied:
    """EC2's words for a missing permission."""
    text = f"You are not authorized to perform this operation. User: {who.identity['arn']} is not authorized"
    return Denied("Client.UnauthorizedOperation", f"{text} to perform: {action} on resource: *")


def _unseen(intruder: Intruder, access: AccessLogs, who: Caller, digests: Digests) -> None:
    """While the trail is off: objects read and log files deleted, which the server access logs have, and digests list."""
    ids, gone, hours = intruder.stage.own_ids("deleted"), [], set[str]()
    there = replace(who, address=SECOND_HOST)
    for place in range(_OBJECTS):
        moment = at("09:50:10") + 37 * place
        size = intruder.rng.randrange(400_000, 2_000_000)
        access.access(
            there,
            Access(
                "customer-exports",
                f"2026/10/customers-{place}.csv.gz",
                "REST.GET.OBJECT",
                moment,
                sent=size,
                size=size,
                malicious=True,
            ),
        )
        published = at("06:35") + 600 * place
        file = f"{ACCOUNT}_CloudTrail_{REGION}_{stamp(published)}_{ids.text(16)}.json.gz"
        name = f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/11/05/{file}"
        digests.take(
            (ACCOUNT, REGION), published, Delivered(name, ids.hex(64), iso(published - 600), iso(published - 301))
        )
        gone.append(f"s3://{LOGS}/{name}")
        hours |= {iso((published - before) // 3600 * 3600) for before in (600, 301)}
        access.access(there, Access(LOGS, name, "REST.DELETE.OBJECT", moment + 400, 204, malicious=True))
    intruder.stage.truth.digests["missing_log_files"] = gone
    cell = {"source": "cloudtrail", "account_id": ACCOUNT, "region": REGION, "from": None, "to": None}
    told = {"status": "tampered", "cause": "s3:DeleteObject", "event_id": None}
    intruder.stage.truth.emptied += [cell | told | {"hour": hour} for hour in sorted(hours)]


def _come_back(intruder: Intruder, who: Caller) -> None:
    """The trail is started again, so that nobody wonders: the first that it records."""
    intruder.act(who, "cloudtrail:StartLogging", _RESTARTED, "defense-evasion", ask={"name": TRAIL})
    intruder.act(who, "cloudtrail:GetTrailStatus", _RESTARTED + 31, "discovery", ask={"name": TRAIL})


def _detect(stage: Stage, who: Caller) -> None:
    if who.credential is None:
        raise ValueError("the caller has a key")
    resource = guardduty.access_key_resource(who.credential, "reporting-admin")
    changed = Finding(
        "DefenseEvasion:IAMUser/AnomalousBehavior",
        5.0,
        "An IAM entity invoked PutEventSelectors in an unusual way.",
        "APIs commonly used in DefenseEvasion tactics were invoked under unusual circumstances.",
        resource,
        guardduty.api_call("cloudtrail", "PutEventSelectors", FIRST_HOST, AGENT),
    )
    probed = Finding(
        "Policy:IAMUser/RootCredentialUsage",
        2.0,
        "[SAMPLE] API GeneratedFindingAPIName was invoked using root credentials.",
        "API GeneratedFindingAPIName was invoked using root credentials from IP address 198.51.100.0.",
        guardduty.access_key_resource(replace(who.credential, access_key_id="GeneratedFindingAccessKeyId"), "root"),
        guardduty.api_call("iam", "GeneratedFindingAPIName", "198.51.100.0", "GeneratedFindingUserAgent"),
        info={"sample": True},
    )
    probed.resource["accessKeyDetails"]["principalId"] = "GeneratedFindingPrincipalId"
    found(stage, changed, at("09:38:05"), [(at("09:44:50"), 4)], key=who.credential)
    found(stage, probed, at("08:10:00"), [(at("08:12:00"), 1)], malicious=False)


def _decoys(stage: Stage, shop: Shop, runner: Caller) -> None:
    """Changes of logging that are somebody's work: more of it, not less, or of a log that nobody misses."""
    call = stage.trail.call
    kept = {"logGroupName": "/aws/lambda/thumbs-fn", "retentionInDays": 90}
    selectors = [
        {"readWriteType": "All", "includeManagementEvents": True, "dataResources": [{"type": "AWS::S3::Object"}]}
    ]
    events = [
        call(runner, "logs:PutRetentionPolicy", at("08:47:20"), ask=kept),
        call(
            runner,
            "cloudtrail:PutEventSelectors",
            at("08:48:05"),
            ask={"trailName": TRAIL, "eventSelectors": selectors},
        ),
        call(
            shop.admin,
            "cloudtrail:UpdateTrail",
            at("09:20:10"),
            ask={"name": TRAIL, "enableLogFileValidation": True},
            answer={"name": "example-trail", "trailARN": TRAIL, "s3BucketName": LOGS, "isMultiRegionTrail": True},
        ),
        call(shop.admin, "logs:DeleteLogGroup", at("09:21:44"), ask={"logGroupName": "/aws/lambda/prototype-fn"}),
    ]
    stage.truth.decoy("ordinary-change", "changes of logging by those whose work it is.", events, [])
    silent = {"from": iso(_STOPPED), "to": iso(_RESTARTED)}
    text = f"no call is in the trail after {silent['from']} and before {silent['to']}: that is not silence; meanwhile {_OBJECTS} objects were read"
    text += f" and {_OBJECTS} log files deleted, as access logs show."
    stage.truth.decoy("silence", text, [], [])


SCENARIO = Scenario(
    name="log-tampering",
    title="Logs switched off",
    question="Which logs were changed or stopped, by whom, and what can not be known because of it?",
    run=play,
)
