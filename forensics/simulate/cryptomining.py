"""Scenario: a leaked key starts instances, tasks and a function that mine, in a network nobody looks at."""

from dataclasses import replace
from random import Random

from forensics.simulate import guardduty
from forensics.simulate.cloudtrail import Denied
from forensics.simulate.containers import Container, Definition, Task, ecs_arn, make_task
from forensics.simulate.decoys import barred, late_and_twice, same_name_elsewhere, spoofed_session
from forensics.simulate.ecs import Ecs
from forensics.simulate.ecs_shapes import register
from forensics.simulate.flow_fields import V2
from forensics.simulate.guardduty import Finding
from forensics.simulate.intruder import AGENT, Intruder, conclude, found
from forensics.simulate.invocation import Invoker
from forensics.simulate.lambda_log import Environment, Run
from forensics.simulate.network import Subnet, change_instance, launch, make_instance
from forensics.simulate.resolver import QueryLog
from forensics.simulate.responses import function_body
from forensics.simulate.shop import CI_AGENT, Shop
from forensics.simulate.shop_morning import CI_ADDRESSES, ordinary_morning
from forensics.simulate.shop_noise import Noise
from forensics.simulate.stage import Scenario, Stage
from forensics.simulate.truth import in_order
from forensics.simulate.vpc_flow import FlowLog, Talk
from forensics.simulate.world import (
    SECOND_REGION,
    Caller,
    Function,
    Instance,
    Interface,
    Json,
    Role,
    User,
    at,
    caller,
    function_session,
    user_credential,
)

HOST = "203.0.113.77"
POOL = "203.0.113.99"
POOL_NAME = "pool.example.net"
CLUSTER = "x"
VPC = "vpc-0ddddddddddddddd0"
_TASKS = 6
_ENDED = at("10:20:40")


def play(stage: Stage) -> None:
    """The shop's ordinary morning with the mining in it, then the day's noise window by window."""
    shop, invoker, runners = ordinary_morning(stage)
    intruder = Intruder(stage, Random(stage.ids.hex(16)))
    flows = FlowLog(stage.storage, stage.own_ids("default_flow"), stage.ledger, V2, "fl-0ddddddddddddddd2")
    queries = QueryLog(stage.storage, stage.own_ids("resolver"), stage.ledger, VPC)
    ecs = Ecs.open(stage, flows, None)
    stage.more.extend((flows, queries))
    subnet = Subnet("subnet-0ddddddddddddddd1", VPC, "10.40.0", "sg-0ddddddddddddddd1")
    leaked = user_credential(User("contractor", stage.ids.unique("AIDA", 10)), stage.ids.unique("AKIA"))
    stage.truth.credential(leaked, malicious=True)
    who = caller(leaked, HOST, AGENT)
    _refused(intruder, who)
    instances = _instances(intruder, who, subnet, flows)
    tasks = _tasks(intruder, who, subnet, ecs)
    function = _function(intruder, who, invoker)
    _mine(intruder, flows, queries, (instances, tasks))
    _detect(intruder, instances[0], function)
    _innocent(stage, subnet, flows, (caller(runners[-2], CI_ADDRESSES[9], CI_AGENT), instances[1]))
    _decoys(stage, shop, ecs, (tasks, instances))
    conclude(stage, playbook=SCENARIO.name, parameters={"principal": leaked.principal}, stolen={})
    noise = Noise(stage, shop, invoker, runners)
    for window in stage.windows():
        noise.add(window)
    stage.truth.attack_flows = in_order(flows.facts)
    stage.truth.attack_records = in_order(queries.facts)


def _refused(intruder: Intruder, who: Caller) -> None:
    """First a Region that is never used, where limits and permissions say no."""
    there, act = who.within(SECOND_REGION), intruder.act
    act(who, "sts:GetCallerIdentity", at("09:01:04"), "discovery")
    act(there, "servicequotas:ListServiceQuotas", at("09:01:30"), "discovery", ask={"serviceCode": "ec2"})
    limit = Denied("Client.VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit.")
    dry = Denied("Client.DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
    items = {"items": [{"imageId": "ami-0123456789abcdef0", "minCount": 1, "maxCount": 20}]}
    for place, kind in enumerate(("c7i.48xlarge", "c7i.24xlarge", "c6i.24xlarge", "c7i.16xlarge")):
        ask = {"instancesSet": items, "instanceType": kind}
        failed = dry if place == 0 else limit
        act(there, "ec2:RunInstances", at("09:02:00") + 16 * place, "execution", ask=ask, failed=failed)


def _instances(intruder: Intruder, who: Caller, subnet: Subnet, flows: FlowLog) -> list[Instance]:
    """Three instances in the default network; two are ended again, by the intruder, one runs on."""
    stage, made = intruder.stage, []
    for place in range(3):
        launched = at("09:06:10") + 9 * place
        instance = make_instance(
            stage.own_ids(f"miner {place}"), subnet, f"worker-{place}", role=None, launched=launched
        )
        ended = _ENDED + place if place < 2 else None
        miner = replace(instance, interface=replace(instance.interface, died=ended))
        event = launch(stage, who, miner, profile=None, ended=ended)
        intruder.state(who, "ec2:RunInstances", launched, "execution", event=event)
        if ended:
            gone = change_instance(stage, who, miner, "TerminateInstances", when=ended)
            intruder.state(who, "ec2:TerminateInstances", ended, "defense-evasion", event=gone)
        flows.interfaces.append(miner.interface)
        made.append(miner)
    return made


def _tasks(intruder: Intruder, who: Caller, subnet: Subnet, ecs: Ecs) -> list[Task]:
    """A cluster, a definition with a public image, and tasks of it, stopped after an hour."""
    stage, act, ids = intruder.stage, intruder.act, ecs.ids
    cluster = {"clusterName": CLUSTER, "clusterArn": ecs_arn("cluster", CLUSTER), "status": "ACTIVE"}
    ask: Json = {"clusterName": CLUSTER}
    act(who, "ecs:CreateCluster", at("09:10:02"), "execution", ask=ask, answer={"cluster": cluster})
    execution = Role("ecsTaskExecutionRole", stage.ids.unique("AROA", 10))
    image = Container.make(ids, "w", "public.ecr.aws/example/worker:latest")
    definition = Definition("x", 1, (image,), None, execution)
    ask, answer = register(definition, requiresCompatibilities=["FARGATE"], cpu="16384", memory="32768")
    act(who, "ecs:RegisterTaskDefinition", at("09:10:40"), "execution", ask=ask, answer=answer)
    when, stopped = at("09:12:05"), at("10:18:30")
    cards = [subnet.interface(ids, public=f"198.51.100.{151 + place}") for place in range(_TASKS)]
    tasks = [make_task(ids, definition, CLUSTER, when, stopped=stopped, interface=card) for card in cards]
    event = ecs.run(who, tasks, public=True)
    intruder.state(who, "ecs:RunTask", when, "execution", event=event)
    for task in tasks:
        ended = ecs.stop(who, task, "")
        intruder.state(who, "ecs:StopTask", stopped - 31, "defense-evasion", event=ended)
    return tasks


def _function(intruder: Intruder, who: Caller, invoker: Invoker) -> Function:
    """A function of the largest size, called over its URL by anybody; outside of any VPC it leaves no flow."""
    stage, act = intruder.stage, intruder.act
    role = invoker.shop.roles["thumbs-exec"]
    function = Function("resize-fn", role, "python:3.12", 10_240, 900, None, f"{stage.ids.text(40)}EXA=")
    body = function_body(function, at("09:15:10"), stage.ids)
    ask: Json = {"functionName": function.name, "role": role.arn, "memorySize": 10_240, "timeout": 900}
    act(who, "lambda:CreateFunction20150331", at("09:15:10"), "execution", ask=ask, answer=body)
    url = {"functionUrl": "https://0example.lambda-url.us-east-1.on.aws/", "authType": "NONE"}
    ask = {"functionName": function.name, "authType": "NONE"}
    act(who, "lambda:CreateFunctionUrlConfig", at("09:15:40"), "persistence", ask=ask, answer=url)
    stage.truth.workload(function.arn, kind="lambda", name=function.name, role=role.arn)
    started = at("09:17:00")
    stream = f"2026/11/05/[$LATEST]{stage.ids.hex(32)}"
    key = function_session(function, stage.ids.unique("ASIA"), created=started)
    environment = Environment(function, stream, key, started, at("10:20"))
    stage.issue("lambda.amazonaws.com", key, role, function.name)
    span: Json = {"since": started, "until": key.expires}
    stage.truth.holds(function.arn, "access_key_id", key.access_key_id, **span)
    stage.truth.holds(function.arn, "session", str(key.session), **span, opened=True)
    until = at("10:20")
    stage.truth.holds(function.arn, "execution_environment", stream, since=started, until=until, opened=True)
    for place in range(4):
        begun = (started + 2 + 905 * place) * 1000
        warm = 233.1 if place == 0 else None
        run = Run(stage.logs.ids.uuid(), begun, 893_210.0 + place, 9_871, (("INFO", "resize done"),), "success", warm)
        stage.logs.run(environment, run)
        invoker.state(environment, run, suspicious=True)
    return function


def _mine(intruder: Intruder, flows: FlowLog, queries: QueryLog, miners: tuple[list[Instance], list[Task]]) -> None:
    """Long connections to the pool, small and steady, from each interface; the pool's name asked for at the start."""
    instances, tasks = miners
    for miner in instances:
        _works(intruder, (flows, queries), miner.interface, workload=miner.arn, times=(at("09:09"), at("10:18")))
    for task in tasks:
        if task.interface:
            _works(intruder, (flows, queries), task.interface, workload=task.arn, times=(at("09:14"), at("10:16")))


def _works(
    intruder: Intruder,
    logs: tuple[FlowLog, QueryLog],
    card: Interface,
    *,
    workload: str,
    times: tuple[int, int],
) -> None:
    flows, queries = logs
    queries.ask(card, POOL_NAME, times[0] + 1, answer=POOL, malicious=True)
    fact = {"workloads": [workload], "certainty": "matched" if card.died else "bounded"}
    for minute in range(*times, 60):
        sent = intruder.rng.randrange(1_200, 2_600)
        flows.connect(card, Talk(POOL, 51_020, 3_333, sent, sent * 2, minute + 1, minute + 58, fact))
        intruder.stage.truth.bytes_out["flow"] += sent


def _detect(intruder: Intruder, miner: Instance, function: Function) -> None:
    action = {
        "actionType": "NETWORK_CONNECTION",
        "networkConnectionAction": {
            "connectionDirection": "OUTBOUND",
            "protocol": "TCP",
            "blocked": False,
            "remotePortDetails": {"port": 3_333, "portName": "Unknown"},
            "remoteIpDetails": guardduty.remote(POOL),
        },
    }
    mining = Finding(
        "CryptoCurrency:EC2/BitcoinTool.B",
        8.0,
        "Cryptocurrency activity of an EC2 instance.",
        f"{miner.instance_id} is communicating with an address that is associated with cryptocurrency.",
        guardduty.instance_resource(miner),
        action,
        role="ACTOR",
    )
    found(intruder.stage, mining, at("09:09:40"), [(at("09:18:20"), 3), (at("09:33:20"), 14)])
    details = {"functionArn": function.arn, "functionName": function.name, "functionVersion": "$LATEST"}
    resource: Json = {"resourceType": "Lambda", "lambdaDetails": details | {"role": function.role.arn}}
    within = replace(
        mining,
        type="CryptoCurrency:Lambda/BitcoinTool.B",
        title="Cryptocurrency activity of a Lambda function.",
        description=f"{function.name} is communicating with an address that is associated with cryptocurrency.",
        resource=resource,
    )
    found(intruder.stage, within, at("09:18:00"), [(at("09:26:40"), 2)])


def _innocent(stage: Stage, subnet: Subnet, flows: FlowLog, others: tuple[Caller, Instance]) -> None:
    """Minutes after a miner has gone its address is an innocent build machine's, which meets nobody's pool."""
    runner, gone = others
    launched = _ENDED + 600
    subnet.free.insert(0, gone.interface.private_ip)
    build = make_instance(stage.own_ids("build"), subnet, "build", role=None, launched=launched)
    launch(stage, runner, build, profile=None)
    flows.interfaces.append(build.interface)
    for minute in range(launched + 200, launched + 1_400, 60):
        flows.connect(build.interface, Talk("192.0.2.77", 40_100, 443, 1_900, 88_000, minute, minute + 40))
    statement = f"{gone.interface.private_ip} was a miner's, and ten minutes later a build machine's."
    stage.truth.decoy("address_reused", statement, [], [])


def _decoys(stage: Stage, shop: Shop, ecs: Ecs, miners: tuple[list[Task], list[Instance]]) -> None:
    tasks, instances = miners
    spoofed_session(stage, shop.dev, shop.roles["dev-readonly"], instances[2].arn, when=at("09:40:10"))
    spoofed_session(stage, shop.dev, shop.roles["dev-readonly"], tasks[0].arn, when=at("09:52:10"))
    same_name_elsewhere(stage, "ecsTaskExecutionRole", tasks[1].task_id, tasks[1].arn, when=at("09:33:00"))
    event = ecs.change(tasks[3], "RUNNING", tasks[3].started + 2, made=True)
    late_and_twice(stage, ecs, event, tasks[3].started + 2)
    web = shop.web_b
    stopped = change_instance(stage, shop.dev, web, "StopInstances", when=at("11:40:10"))
    statement = "An instance is stopped: it keeps its interface, and nothing of it ends but its running."
    stage.truth.decoy("stop_is_no_end", statement, [stopped], [barred(stopped, "issued_to", web.arn)])


SCENARIO = Scenario(
    name="cryptomining",
    title="Instances, tasks and a function that mine",
    question="What did the leaked key start, what did it do, and what runs still?",
    run=play,
)
