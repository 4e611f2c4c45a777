"""Scenario: a pod is entered through its web application, its token and its neighbour's keys are used from elsewhere."""

from dataclasses import replace
from random import Random

from forensics.simulate import guardduty
from forensics.simulate.alb import Request
from forensics.simulate.cloudtrail import access_denied, s3_object
from forensics.simulate.decoys import barred, same_name_elsewhere, spoofed_session
from forensics.simulate.eks_audit import Target, of_pod
from forensics.simulate.guardduty import Finding
from forensics.simulate.intruder import AGENT, Intruder, conclude, found, stolen_key
from forensics.simulate.kubernetes import Pod
from forensics.simulate.platform import open_platform
from forensics.simulate.platform_eks import Kubernetes, eks_morning
from forensics.simulate.stage import Scenario, Stage
from forensics.simulate.truth import in_order
from forensics.simulate.vpc_flow import Talk
from forensics.simulate.world import Caller, Credential, Json, at, iso

HOST = "203.0.113.77"
RELAY = "203.0.113.80"
_READS = 24


def play(stage: Stage) -> None:
    """The platform's morning with the compromise in it, then everybody's work, window by window."""
    platform = open_platform(stage)
    world = eks_morning(platform)
    intruder = Intruder(stage, Random(stage.ids.hex(16)))
    victim, neighbour = world.api[0], world.ledger[0]
    _enter(world, victim)
    _inside(world, intruder, victim)
    outside = _by_token(world, intruder, victim)
    identity = world.holder(neighbour, at("09:58"))
    _with_neighbours_key(intruder, identity)
    _detect(world, victim, outside)
    _decoys(world, neighbour, outside)
    stolen = stolen_key(stage, _key(identity), first_foreign_use=at("10:02:14"), addresses=[RELAY])
    conclude(stage, playbook="eks-pod-compromise", parameters={}, stolen=stolen)
    for window in stage.windows():
        world.noise(window)
    stage.truth.attack_flows = in_order(world.eks.flows.facts)
    stage.truth.attack_records = in_order(world.platform.balancer.facts, world.platform.accesses.facts)


def _enter(world: Kubernetes, victim: Pod) -> None:
    """Requests that make the application run a command; their bodies are in no log."""
    for clock, sent in (("09:44:10", 611), ("09:45:02", 2_310), ("09:46:31", 1_904)):
        request = Request(
            f"{HOST}:51544", "-", "POST", "/api/import", "python-requests/2.31", at(clock), 2.913, 200, 2_311, sent
        )
        world.visit(victim, request, malicious=True)
        world.eks.say(victim, at(clock) + 2.9, "import of 1 order requested", skew_ms=-700)


def _inside(world: Kubernetes, intruder: Intruder, victim: Pod) -> None:
    """From the pod, with its token: what may I do, what is there, secrets; a shell home."""
    ask, who = world.eks.audit.ask, of_pod(victim)
    for place, (verb, target, code) in enumerate(
        (
            ("create", Target("selfsubjectaccessreviews"), 201),
            ("list", Target("pods", "pay"), 200),
            ("list", Target("secrets", "pay"), 200),
            ("get", Target("secrets", "pay", "database"), 200),
            ("list", Target("secrets", "kube-system"), 403),
            ("create", Target("pods/exec", "pay", world.ledger[0].name, "command=env&stdout=true"), 101),
        )
    ):
        fact: Json = {
            "event_id": "",
            "source": "eks_audit",
            "time": "",
            "action": f"kubernetes:{verb}:{target.resource}",
        }
        fact |= {"access_key_id": None, "source_ip": victim.address, "outcome": "denied" if code == 403 else "success"}
        fact |= {"step": "execution" if target.resource == "pods/exec" else "discovery"}
        if verb in ("get", "list") and target.resource == "secrets":
            fact["step"] = "credential-access"
        intruder.stage.truth.attack_events.append(fact)
        ask(who, verb, target, at("09:48:03") + 14 * place, code=code, fact=fact)
    for minute in range(at("09:47"), at("10:04"), 60):
        sent = intruder.rng.randrange(2_000, 60_000)
        fact = {"workloads": [victim.node.instance.arn], "certainty": "recorded"}
        world.outward(victim, Talk(HOST, 47_811, 443, sent, 900, minute + 3, minute + 55, fact))
        intruder.stage.truth.bytes_out["flow"] += sent


def _by_token(world: Kubernetes, intruder: Intruder, victim: Pod) -> Caller:
    """The pod's web identity token is good outside the cluster too: the call for a key is itself the evidence."""
    when = at("09:53:20")
    who = world.eks.irsa(victim, when, HOST, agent=AGENT)
    key = _key(who)
    stage = intruder.stage
    mint = stage.truth.credentials[key.access_key_id]["issuance_event_id"]
    fact: Json = {
        "event_id": mint,
        "source": "cloudtrail",
        "time": iso(when),
        "action": "sts:AssumeRoleWithWebIdentity",
    }
    fact |= {"access_key_id": None, "source_ip": HOST, "outcome": "success", "step": "credential-access"}
    stage.truth.attack_events.append(fact)
    stage.truth.credentials[key.access_key_id]["malicious"] = True
    intruder.act(who, "sts:GetCallerIdentity", at("09:53:31"), "discovery")
    intruder.act(who, "s3:ListBuckets", at("09:53:50"), "discovery", ask={"Host": "s3.amazonaws.com"})
    denied = access_denied(who, "iam:ListUsers")
    intruder.act(who, "iam:ListUsers", at("09:54:12"), "discovery", failed=denied)
    for place in range(_READS):
        moment, name = at("09:55:02") + 12 * place, f"pay/customers/{place:03d}.json"
        size = intruder.rng.randrange(100_000, 900_000)
        event = world.platform.read(who, "orders-data", name, moment, sent=size, malicious=True)
        intruder.state(who, "s3:GetObject", moment, "collection", event=event)
        read = {"bucket": "orders-data", "key": name, "bytes": size, "event_id": event}
        stage.truth.objects_read.append(read)
        stage.truth.bytes_out["s3"] += size
    return who


def _with_neighbours_key(intruder: Intruder, identity: Caller) -> None:
    """The neighbour's key by Pod Identity, taken from its environment: its session names the pod."""
    thief = replace(identity, address=RELAY, agent=AGENT, endpoint=None)
    intruder.act(thief, "sts:GetCallerIdentity", at("10:02:14"), "discovery")
    listing = s3_object("reports", "ledger/", sent=4_402, listing=True)
    intruder.act(thief, "s3:ListObjects", at("10:02:40"), "collection", **listing)
    for place in range(6):
        intruder.read(thief, "reports", f"ledger/2026-{place + 1:02d}.parquet", at("10:03:02") + 17 * place)


def _detect(world: Kubernetes, victim: Pod, outside: Caller) -> None:
    cluster = {"name": world.eks.cluster.name, "arn": world.eks.cluster.arn}
    card = {"name": victim.name, "type": "pods", "uid": victim.uid, "namespace": victim.account.namespace}
    user = {"username": victim.account.username, "uid": victim.account.uid}
    details = {"kubernetesUserDetails": user, "kubernetesWorkloadDetails": card}
    secrets = Finding(
        "CredentialAccess:Kubernetes/AnomalousBehavior.SecretsAccessed",
        5.0,
        "Kubernetes API commonly used to access secrets was invoked in an unusual way.",
        f"A Kubernetes API to access secrets was invoked by {victim.account.username}.",
        {"resourceType": "EKSCluster", "eksClusterDetails": cluster, "kubernetesDetails": details},
        {
            "actionType": "KUBERNETES_API_CALL",
            "kubernetesApiCallAction": {
                "requestUri": "/api/v1/namespaces/pay/secrets",
                "verb": "list",
                "sourceIPs": [victim.address],
                "statusCode": 200,
            },
        },
    )
    found(world.platform.stage, secrets, at("09:48:31"), [(at("09:57:10"), 3)])
    key = _key(outside)
    reading = Finding(
        "Exfiltration:S3/AnomalousBehavior",
        8.0,
        "An IAM entity invoked S3 GetObject in an unusual way.",
        "APIs commonly used in Exfiltration tactics were invoked under unusual circumstances.",
        guardduty.access_key_resource(key, "pay-api", buckets=("orders-data",)),
        guardduty.api_call("s3", "GetObject", HOST, AGENT),
    )
    found(world.platform.stage, reading, at("09:55:02"), [(at("10:04:11"), 24)], key=key)


def _decoys(world: Kubernetes, neighbour: Pod, outside: Caller) -> None:
    platform, stage = world.platform, world.platform.stage
    node = world.nodes[0].instance
    spoofed_session(stage, platform.ops, platform.role("eks-node"), node.arn, when=at("08:25:10"))
    role = neighbour.account.role
    if role is None:
        raise ValueError("the neighbour has a role")
    name = str(_key(world.holder(neighbour, at("09:58"))).session).rpartition("/")[2]
    same_name_elsewhere(stage, role.name, name, neighbour.key, when=at("10:06:00"))
    calls = [
        fact["event_id"] for fact in stage.truth.attack_events if fact["access_key_id"] == _key(outside).access_key_id
    ]
    statement = "A key by a token that any pod of the service account may have had, asked for from outside the cluster."
    bars = [barred(call, "issued_to", pod.key, "inferred") for call in calls for pod in world.api[1:]]
    bars += [barred(call, "used_from", pod.key) for call in calls for pod in world.api]
    stage.truth.decoy("token_of_a_service_account", statement, calls, bars)


def _key(who: Caller) -> Credential:
    if who.credential is None:
        raise ValueError("a holder of a key has one")
    return who.credential


SCENARIO = Scenario(
    name="eks-pod-irsa-theft",
    title="Credentials of pods, by token and from a neighbour",
    question="Which pod was entered, whose credentials were used from outside, and what came of it?",
    run=play,
)
