"""A set collects what is named and what hangs on it; its calls are in the services' models; a wrong name is told."""

from dataclasses import replace
from datetime import datetime

import pytest

from forensics.acquire.calls import Call
from forensics.acquire.collect import collect
from forensics.acquire.sets import Set, named, sets, steps
from forensics.acquire.sets.account import SERVICES
from forensics.acquire.sets.aws_lambda import function
from forensics.acquire.sets.chosen import OPTIONS
from forensics.acquire.sets.ecs import task
from forensics.acquire.step import Wanted
from forensics.aws import Aws
from forensics.case import Case
from forensics.cli.collect import SETS
from forensics.errors import AwsError, UnknownName, UsageError
from forensics.load import load
from tests.acquire.aws_worlds import World
from tests.acquire.test_calls import item_of, led, model
from tests.meddling import Meddler, Request, refused, refused_xml

TASK = "arn:aws:ecs:us-east-1:111122223333:task/prod/0123456789abcdef0123456789abcdef"
SOME = Wanted(functions=("shop:1",), tasks=(TASK,), clusters=("prod",))
WAYS = [(item, wanted) for item in sets().values() for wanted in (SOME, replace(SOME, tasks=()))]
CALLS = [(item, call) for item, wanted in WAYS for call in item.of(wanted)]
EVERY = pytest.mark.parametrize(("of", "call"), CALLS, ids=lambda held: getattr(held, "key", getattr(held, "name", "")))


@EVERY
def test_what_a_set_asks_is_in_the_services_models(of: Set, call: Call) -> None:
    shape = model(call).input_shape
    given = {**(call.given or {}), **(call.parameters or {})}
    members = shape.members if shape else {}
    assert set(given) <= set(members)
    assert set(shape.required_members if shape else ()) <= set(given)
    for name, value in (call.parameters or {}).items():
        assert isinstance(value, list) == (members[name].type_name == "list"), name


@EVERY
def test_what_hangs_on_an_answer_is_found_in_it(of: Set, call: Call) -> None:
    parents = [other for item, other in CALLS if item is of and other.key == call.parent]
    assert bool(parents) == bool(call.for_each), call.parent
    for parent in parents:
        item = item_of(parent)
        if call.over and item is not None:
            item = led(call.over, item)
            item = getattr(item, "member", item)
        if getattr(item, "type_name", "") == "map":
            continue
        around = dict(getattr(item, "members", {"value": item})) | {"_request": model(parent).input_shape}
        for path in (call.given or {}).values():
            led(path, around)


def test_the_command_names_sets_that_are_there() -> None:
    assert set(SETS.split()) <= set(sets())


def test_every_step_that_a_set_has_is_there() -> None:
    named_in = [(item.name, name) for item in sets().values() for name in (*item.steps, *item.records)]
    assert [(of, name) for of, name in [*named_in, *OPTIONS.items()] if name not in steps()] == []


def test_records_are_asked_for_in_a_window_or_where_an_option_names_them() -> None:
    chosen, start = named("lambda"), datetime(2026, 11, 5)
    assert chosen.steps_for(Wanted()) == ["guardduty-findings"]
    assert chosen.steps_for(Wanted(start=start)) == ["guardduty-findings", "lookup-events", "log-groups"]
    assert chosen.steps_for(Wanted(with_code=True, lookup=("EventName=RunTask",)))[1:] == [
        "lookup-events",
        "lambda-code",
    ]


def test_a_window_of_a_function_is_that_of_its_log_group() -> None:
    shop = Wanted(functions=("shop:1",), start=datetime(2026, 11, 5))
    assert named("lambda").narrowed(shop).log_groups == ("/aws/lambda/shop",)
    assert named("eks").narrowed(replace(shop, clusters=("kube",))).log_groups == ("/aws/eks/kube/cluster",)
    assert named("lambda").narrowed(replace(shop, start=None)).log_groups == ()
    assert named("lambda").narrowed(replace(shop, log_groups=("/x",))).log_groups == ("/x",)


def test_an_account_is_what_stands_of_its_services() -> None:
    asked = {call.key for call in named("account").of(Wanted())}
    assert {key.partition(":")[0] for key in asked} == set(SERVICES)
    assert {"iam:GetAccountAuthorizationDetails", "ec2:DescribeFlowLogs", "cloudtrail:GetEventSelectors"} <= asked
    assert "iam:GetRole" not in asked


def test_a_set_that_needs_a_name_says_which_option() -> None:
    with pytest.raises(UsageError, match="give --task or --cluster"):
        named("ecs").of(Wanted())
    with pytest.raises(UnknownName, match=r"no set of things to collect named 'nothing'; known: account"):
        named("nothing")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("shop", ("shop", "")),
        ("shop:3", ("shop", "3")),
        ("shop:$LATEST", ("shop", "$LATEST")),
        ("arn:aws:lambda:us-east-1:111122223333:function:shop", ("shop", "")),
        ("arn:aws-cn:lambda:cn-north-1:111122223333:function:shop:live", ("shop", "live")),
    ],
)
def test_a_function_is_named_in_several_ways(said: str, found: tuple[str, str]) -> None:
    assert function(said) == found


@pytest.mark.parametrize("said", ["", "a b", "../etc", "shop'; DROP TABLE evidence --", "\x1b[31mshop", "x" * 65])
def test_what_is_no_name_is_refused_before_anything_is_asked(said: str) -> None:
    with pytest.raises(UsageError):
        named("lambda").of(Wanted(functions=(said,)))
    with pytest.raises(UsageError):
        named("eks").of(Wanted(clusters=(said * 3,)))
    with pytest.raises(UsageError):
        named("ecs").of(Wanted(tasks=(said,)))


def test_a_task_is_named_by_its_arn_or_with_its_cluster() -> None:
    identifier = "0123456789abcdef0123456789abcdef"
    assert task(TASK, []) == task(identifier, ["prod"]) == ("prod", identifier)
    assert task(f"arn:aws:ecs:us-east-1:111122223333:task/{identifier}", ["old"]) == ("old", identifier)
    with pytest.raises(UsageError, match="give its ARN, or its id and --cluster"):
        task(identifier, [])


# What comes of them


def collected(case: Case, aws: Aws, name: str, wanted: Wanted) -> dict[str, int]:
    """The items by operation."""
    list(named(name).check(aws, ["us-east-1"], wanted))
    found = collect(case, aws, named(name).of(wanted), wanted=wanted)
    return {f"{service}:{operation}": tally.items for (service, operation), tally in found.tallies.items()}


def test_a_function_brings_its_versions_role_policies_and_log_group(
    case: Case, aws: Aws, between: Meddler, world: World
) -> None:
    urls = b'{"FunctionUrlConfigs": [{"FunctionUrl": "https://x.lambda-url.us-east-1.on.aws/", "FunctionArn": "arn:x", "AuthType": "NONE"}]}'
    between.rules.append(lambda asked: (200, "application/json", urls) if asked.path.endswith("/urls") else None)
    found = collected(case, aws, "lambda", Wanted(functions=("shop",)))
    assert found["lambda:GetFunction"] == 1 and found["lambda:ListVersionsByFunction"] == 3
    assert found["lambda:GetPolicy"] == 2 and found["lambda:ListAliases"] == 1
    assert found["lambda:ListEventSourceMappings"] == 1 and found["lambda:ListFunctionUrlConfigs"] == 1
    assert found["iam:GetRole"] == found["iam:GetRolePolicy"] == found["iam:GetPolicyVersion"] == 1
    load(case, workers=1)
    rows = case.sql(
        "SELECT resource_type, name, resource_id FROM inventory WHERE resource_type IN"
        " ('AWS::IAM::Role', 'AWS::Logs::LogGroup', 'AWS::Lambda::Alias', 'AWS::Lambda::Url') ORDER BY 1"
    ).rows()
    assert [row[:2] for row in rows] == [
        ("AWS::IAM::Role", "shop-role"),
        ("AWS::Lambda::Alias", "live"),
        ("AWS::Lambda::Url", "https://x.lambda-url.us-east-1.on.aws/"),
        ("AWS::Logs::LogGroup", None),
    ]
    assert rows[-1][2] == "/aws/lambda/shop"
    assert case.sql("SELECT count(*) FROM inventory WHERE configuration::VARCHAR LIKE '%other%'").rows() == [(0,)]


def test_a_stopped_task_brings_its_interface_definition_role_and_cluster(case: Case, aws: Aws, world: World) -> None:
    found = collected(case, aws, "ecs", Wanted(tasks=(world.stopped,)))
    assert found["ecs:DescribeTasks"] == found["ecs:DescribeClusters"] == found["ecs:DescribeTaskDefinition"] == 1
    assert found["ec2:DescribeNetworkInterfaces"] == found["iam:GetRole"] == found["logs:DescribeLogGroups"] == 1
    load(case, workers=1)
    rows = case.sql("SELECT arn, configuration->>'lastStatus' FROM inventory WHERE operation = 'DescribeTasks'").rows()
    assert rows == [(world.stopped, "STOPPED")]


def test_the_digests_of_a_tasks_images_are_looked_up_in_ecr(
    case: Case, aws: Aws, between: Meddler, world: World
) -> None:
    def with_digest(request: Request, body: bytes) -> bytes:
        digest = b'"imageDigest": "' + world.digest.encode() + b'", "image":'
        return body.replace(b'"image":', digest) if request.name == "DescribeTasks" else body

    between.alter = with_digest
    found = collected(case, aws, "ecs", Wanted(tasks=(world.task,)))
    assert (found["ecr:DescribeImages"], found["ecr:BatchGetImage"]) == (1, 1)


def test_a_cluster_of_ecs_brings_all_its_tasks(case: Case, aws: Aws, world: World) -> None:
    found = collected(case, aws, "ecs", Wanted(clusters=("prod",)))
    assert (found["ecs:ListTasks"], found["ecs:DescribeTasks"]) == (2, 2)


def test_a_task_that_is_gone_is_no_error_but_said(aws: Aws, world: World) -> None:
    gone = world.task[:-4] + ("ffff" if world.task[-4:] != "ffff" else "0000")
    (note,) = named("ecs").check(aws, ["us-east-1"], Wanted(tasks=(gone,)))
    assert "does not know the task" in note and "--cluster prod without --task" in note


def test_a_cluster_of_eks_brings_its_roles_node_groups_and_what_moto_cannot(
    case: Case, aws: Aws, between: Meddler
) -> None:
    answers = {
        "/pod-identity-associations": b'{"associations": [{"clusterName": "kube", "associationId": "a-1", "namespace": "n"}]}',
        "/pod-identity-associations/a-1": b'{"association": {"clusterName": "kube", "associationId": "a-1", "roleArn": "arn:aws:iam::123456789012:role/shop-role", "createdAt": 1793869801.5}}',
        "/access-entries": b'{"accessEntries": []}',
        "/addons": b'{"addons": []}',
        "/identity-provider-configs": b'{"identityProviderConfigs": []}',
    }
    between.rules.append(
        lambda asked: next(
            (
                (200, "application/json", body)
                for end, body in answers.items()
                if asked.path.split("?")[0].endswith(end)
            ),
            None,
        )
    )
    found = collected(case, aws, "eks", Wanted(clusters=("kube",)))
    assert found["eks:DescribeCluster"] == found["eks:DescribeNodegroup"] == found["eks:DescribeFargateProfile"] == 1
    assert found["eks:DescribePodIdentityAssociation"] == found["iam:GetRole"] == 1
    load(case, workers=1)
    rows = case.sql(
        "SELECT resource_id, created FROM inventory WHERE operation = 'DescribePodIdentityAssociation'"
    ).rows()
    assert [(name, at.isoformat()) for name, at in rows] == [("a-1", "2026-11-05T09:10:01.500000")]


@pytest.mark.parametrize(
    ("name", "wanted", "said"),
    [
        ("lambda", Wanted(functions=("shp",)), r"no Lambda function named 'shp'; known: other, shop; .*us-east-1"),
        ("lambda", Wanted(functions=("shop:99",)), r"no Lambda function named 'shop:99'"),
        ("ecs", Wanted(clusters=("prd",)), r"no ECS cluster named 'prd'; known: prod"),
        ("eks", Wanted(clusters=("cube",)), r"no EKS cluster named 'cube'; known: kube"),
    ],
)
def test_a_wrong_name_says_what_is_there(aws: Aws, name: str, wanted: Wanted, said: str) -> None:
    with pytest.raises(UnknownName, match=said):
        list(named(name).check(aws, ["us-east-1"], wanted))


def test_a_name_that_may_not_be_looked_up_is_collected_all_the_same(aws: Aws, between: Meddler) -> None:
    between.rules.append(lambda asked: refused(403, "AccessDeniedException") if "configuration" in asked.path else None)
    assert list(named("lambda").check(aws, ["us-east-1"], Wanted(functions=("shp",)))) == []


def test_expired_credentials_are_told_before_anything_is_collected(aws: Aws, between: Meddler) -> None:
    between.rules.append(lambda _: refused_xml(403, "ExpiredTokenException"))
    between.rules.insert(0, lambda asked: refused(403, "ExpiredTokenException") if "functions" in asked.path else None)
    with pytest.raises(AwsError, match=r"lambda:GetFunctionConfiguration in us-east-1: ExpiredToken.*get new ones"):
        list(named("lambda").check(aws, ["us-east-1"], Wanted(functions=("shop",))))
