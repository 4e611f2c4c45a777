"""Scenario: with an instance's key objects are read, encrypted under a key that nobody has, and deleted for good."""

from dataclasses import dataclass
from random import Random

from forensics.simulate import guardduty
from forensics.simulate.cloudtrail import Denied, access_denied, s3_object
from forensics.simulate.guardduty import Finding
from forensics.simulate.intruder import AGENT, Intruder, conclude, found, stolen_key
from forensics.simulate.s3_access import Access, AccessLogs
from forensics.simulate.shop import CI_AGENT, INSTANCE_AGENT, Shop
from forensics.simulate.shop_morning import CI_ADDRESSES, ordinary_morning
from forensics.simulate.shop_noise import Noise
from forensics.simulate.stage import Scenario, Stage
from forensics.simulate.truth import in_order
from forensics.simulate.world import PARTNER_ACCOUNT, REGION, Caller, Credential, Ids, Json, at, caller

FIRST_HOST = "203.0.113.77"
SECOND_HOST = "203.0.113.80"
BUCKET = "billing-data"
EXPORTS = "customer-exports"

_READ, _ENCRYPTED, _DELETED = 30, 24, 12
_NOTE = "HOW_TO_RECOVER.txt"


@dataclass(frozen=True)
class Raid:
    """The intruder at the buckets; every object call is in the bucket's access log too, under the same request id."""

    intruder: Intruder
    access: AccessLogs
    ids: Ids

    def read(self, who: Caller, bucket: str, key: str, when: int) -> None:
        """Read an object, stated with its bytes."""
        stage, size = self.intruder.stage, self.intruder.rng.randrange(300_000, 1_900_000)
        shape = Access(bucket, key, "REST.GET.OBJECT", when, 200, size, size)
        event = self._both(who, "s3:GetObject", shape, s3_object(bucket, key, sent=size))
        stage.truth.objects_read.append({"bucket": bucket, "key": key, "bytes": size, "event_id": event})
        stage.truth.bytes_out["s3"] += size

    def encrypt(self, who: Caller, bucket: str, key: str, when: int) -> None:
        """Copy an object onto itself with a key of the caller's own: S3 keeps no copy of that."""
        body = s3_object(bucket, key)
        body["ask"] |= {
            "x-amz-copy-source": f"{bucket}/{key}",
            "x-amz-server-side-encryption-customer-algorithm": "AES256",
        }
        body["extra"]["additionalEventData"] |= {"SSEApplied": "SSE_C"}
        body["extra"] |= {"managementEvent": False, "eventCategory": "Data"}
        self._both(who, "s3:CopyObject", Access(bucket, key, "REST.COPY.OBJECT", when), body)

    def delete(self, who: Caller, bucket: str, key: str, when: int) -> None:
        """Delete one version of an object: no marker, nothing to restore."""
        body = s3_object(bucket, key)
        body["ask"] |= {"versionId": f"3HL4kqtJvjVBH40Nr{self.ids.text(6)}"}
        self._both(who, "s3:DeleteObject", Access(bucket, key, "REST.DELETE.OBJECT", when, 204), body)

    def demand(self, who: Caller, bucket: str, when: int) -> None:
        """Leave the note."""
        shape = Access(bucket, _NOTE, "REST.PUT.OBJECT", when, size=1_204)
        self._both(who, "s3:PutObject", shape, s3_object(bucket, _NOTE, received=1_204))

    def _both(self, who: Caller, action: str, shape: Access, body: Json) -> str:
        """The data event and the line of the access log; returns the event id."""
        request, step = self.ids.text(16), "collection" if action == "s3:GetObject" else "impact"
        body["extra"] |= {"requestID": request}
        event = self.intruder.act(who, action, int(shape.moment), step, **body)
        self.access.access(who, shape._replace(request_id=request, malicious=True))
        return event


def play(stage: Stage) -> None:
    """The ordinary morning, the raid within it, then the day's noise."""
    shop, invoker, runners = ordinary_morning(stage)
    access = AccessLogs(stage.storage, stage.own_ids("s3_access"), stage.ledger)
    stage.more.append(access)
    raid = Raid(Intruder(stage, Random(stage.ids.hex(16))), access, stage.own_ids("requests"))
    key = shop.web_keys[2]
    here, there = caller(key, FIRST_HOST, AGENT), caller(key, SECOND_HOST, AGENT)
    _explore(raid.intruder, here)
    _copy_away(raid, here, there)
    _hold_to_ransom(raid, there)
    _detect(stage, shop, key)
    _decoys(raid, shop, caller(runners[3], CI_ADDRESSES[17], CI_AGENT))
    stolen = stolen_key(stage, key, first_foreign_use=at("09:40:05"), addresses=[FIRST_HOST, SECOND_HOST])
    conclude(stage, playbook="s3-exfiltration", parameters={"bucket": BUCKET}, stolen=stolen)
    noise = Noise(stage, shop, invoker, runners)
    for window in stage.windows():
        noise.add(window)
    stage.truth.attack_records = in_order(access.facts)


def _bucket(bucket: str, what: str, body: Json | None = None) -> Json:
    return {"bucketName": bucket, what: "", "Host": f"{bucket}.s3.{REGION}.amazonaws.com"} | (body or {})


def _explore(intruder: Intruder, who: Caller) -> None:
    act = intruder.act
    act(who, "sts:GetCallerIdentity", at("09:40:05"), "discovery")
    act(who, "s3:ListBuckets", at("09:40:31"), "discovery", ask={"Host": "s3.amazonaws.com"})
    for place, bucket in enumerate((BUCKET, EXPORTS, "orders-data")):
        for step, (name, what) in enumerate(
            (("GetBucketLocation", "location"), ("GetBucketVersioning", "versioning"), ("GetBucketPolicy", "policy"))
        ):
            when = at("09:41:02") + 21 * place + 5 * step
            act(who, f"s3:{name}", when, "discovery", ask=_bucket(bucket, what))
    act(who, "s3:ListObjects", at("09:42:40"), "discovery", **s3_object(BUCKET, "invoices/", sent=11_204, listing=True))


def _copy_away(raid: Raid, here: Caller, there: Caller) -> None:
    act = raid.intruder.act
    for place in range(_READ):
        name = f"invoices/2026/10/{70_000 + place}.pdf" if place % 3 else f"2026/10/customers-{place}.csv.gz"
        bucket = BUCKET if place % 3 else EXPORTS
        raid.read(there if place % 2 else here, bucket, name, at("09:44:10") + 11 * place)
    rule = {"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::ext-bucket", "Account": PARTNER_ACCOUNT}}
    asked = _bucket(BUCKET, "replication", {"ReplicationConfiguration": {"Role": "replication", "Rule": rule}})
    denied = access_denied(here, "s3:PutReplicationConfiguration", f"arn:aws:s3:::{BUCKET}")
    act(here, "s3:PutBucketReplication", at("09:50:20"), "exfiltration", ask=asked, failed=denied)


def _hold_to_ransom(raid: Raid, who: Caller) -> None:
    act = raid.intruder.act
    paused = {"VersioningConfiguration": {"Status": "Suspended"}}
    act(who, "s3:PutBucketVersioning", at("09:52:02"), "impact", ask=_bucket(BUCKET, "versioning", paused))
    for place in range(_ENCRYPTED):
        raid.encrypt(who, BUCKET, f"invoices/2026/10/{70_000 + place}.pdf", at("09:53:00") + 7 * place)
    for place in range(_DELETED):
        raid.delete(who, BUCKET, f"invoices/2026/09/{60_000 + place}.pdf", at("09:56:30") + 5 * place)
    expire = {"Rule": {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}}
    asked = _bucket(EXPORTS, "lifecycle", {"LifecycleConfiguration": expire})
    act(who, "s3:PutBucketLifecycle", at("09:58:10"), "impact", ask=asked)
    gone = Denied("BucketNotEmpty", "The bucket you tried to delete is not empty")
    act(who, "s3:DeleteBucket", at("09:58:44"), "impact", ask={"bucketName": BUCKET}, failed=gone)
    raid.demand(who, BUCKET, at("09:59:30"))


def _detect(stage: Stage, shop: Shop, key: Credential) -> None:
    about, role = guardduty.access_key_resource, "web-instance"
    theft = Finding(
        "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
        8.0,
        "Credentials for an EC2 instance role were used from an external IP address.",
        f"Credentials created exclusively for an EC2 instance were used from {FIRST_HOST}.",
        about(key, role),
        guardduty.api_call("s3", "ListBuckets", FIRST_HOST, AGENT),
    )
    reading = Finding(
        "Exfiltration:S3/AnomalousBehavior",
        8.0,
        "An IAM entity invoked S3 GetObject in an unusual way.",
        "APIs commonly used in Exfiltration tactics were invoked under unusual circumstances.",
        about(key, role, buckets=(BUCKET, EXPORTS)),
        guardduty.api_call("s3", "GetObject", FIRST_HOST, AGENT),
    )
    deleting = Finding(
        "Impact:S3/AnomalousBehavior.Delete",
        8.0,
        "An IAM entity invoked S3 DeleteObject in an unusual way.",
        "APIs commonly used in Impact tactics were invoked under unusual circumstances.",
        about(key, role, buckets=(BUCKET,)),
        guardduty.api_call("s3", "DeleteObject", SECOND_HOST, AGENT),
    )
    probe = Finding(
        "Recon:EC2/PortProbeUnprotectedPort",
        2.0,
        "An unprotected port of an EC2 instance is being probed.",
        f"An unprotected port of {shop.web_a.instance_id} is being probed by a known malicious host.",
        guardduty.instance_resource(shop.web_a),
        guardduty.port_probe(shop.web_a, "203.0.113.201", 22),
    )
    found(stage, theft, at("09:40:31"), [(at("09:47:20"), 12), (at("10:02:10"), 40)], key=key)
    found(stage, reading, at("09:44:10"), [(at("09:52:40"), 30)], key=key)
    found(stage, deleting, at("09:56:30"), [(at("10:03:30"), _DELETED)], key=key)
    found(stage, probe, at("06:55:10"), [(at("07:02:30"), 1)], malicious=False)


def _decoys(raid: Raid, shop: Shop, runner: Caller) -> None:
    """The instance's own use of the same key, and others' work on the same buckets, while the raid goes on."""
    stage, key = raid.intruder.stage, shop.web_keys[2]
    own = caller(key, str(shop.web_b.interface.public_ip), INSTANCE_AGENT)
    mine = []
    for place in range(4):
        when = at("09:45:17") + 180 * place
        body = s3_object("web-assets", f"css/{200 + place}.css", sent=8_212)
        mine.append(stage.trail.call(own, "s3:GetObject", when, **body))
    stage.truth.decoy("own-use", "the instance's own calls with the same key, from its own address.", mine, [])
    expire = {"Rule": {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "small/"}, "Expiration": {"Days": 30}}}
    asked = _bucket("thumbs-data", "lifecycle", {"LifecycleConfiguration": expire})
    others = [stage.trail.call(runner, "s3:PutBucketLifecycle", at("09:24:10"), ask=asked)]
    tidy = s3_object("orders-data", "test/dev-scratch.csv")
    others.append(stage.trail.call(shop.dev, "s3:DeleteObject", at("09:48:30"), **tidy))
    stage.truth.decoy("ordinary-change", "a lifecycle rule of the build, a scratch file of the developer.", others, [])
    foreign = [fact["event_id"] for fact in stage.truth.attack_events]
    must_not = [
        {"event_id": event, "question": "used_from", "workload": shop.web_b.arn, "certainty": None} for event in foreign
    ]
    text = "calls with the instance's key, issued to it and not used from it."
    stage.truth.decoy("another-place", text, foreign, must_not)


SCENARIO = Scenario(
    name="s3-ransomware",
    title="Objects taken, encrypted and deleted",
    question="Which objects of billing-data were read, encrypted or deleted, with whose key, and what is left?",
    run=play,
)
