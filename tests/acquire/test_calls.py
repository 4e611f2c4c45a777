"""Every declared call exists in the service's model: operation, parameters, paths, parent; and it can only read."""

from typing import Any

import botocore.session
import jmespath
import pytest

from forensics.acquire.calls import Call, declarations
from forensics.acquire.calls.call import search
from forensics.acquire.calls.redact import NOT_KEPT, values
from forensics.aws import is_read

SESSION = botocore.session.get_session()
EVERY = pytest.mark.parametrize("call", declarations(), ids=lambda call: call.key)
TEXT = "text"


def model(call: Call) -> Any:
    return SESSION.get_service_model(call.service).operation_model(call.operation)


def parents(call: Call) -> list[Call]:
    return [item for item in declarations() if item.key == call.parent]


def member(shape: Any, name: str) -> Any:
    """A member of a shape; `shape` is one of botocore's, or a dict of such, or None where nothing is known."""
    if shape is None:
        return None
    members = shape if isinstance(shape, dict) else getattr(shape, "members", None)
    assert members is not None, f"{name} of a {getattr(shape, 'type_name', shape)}"
    assert name in members, f"no {name} in {sorted(members)}"
    return members[name]


def walk(node: dict[str, Any], shape: Any) -> Any:
    """The shape that a path leads to, every member of which must be there."""
    kind, children = node["type"], node.get("children", [])
    if kind == "field":
        return member(shape, node["value"])
    if kind in ("identity", "current"):
        return shape
    if kind in ("subexpression", "index_expression"):
        for child in children:
            shape = walk(child, shape)
        return shape
    if kind in ("flatten", "value_projection"):
        return walk(children[0], shape)
    if kind == "index":
        return getattr(shape, "member", None)
    if kind in ("projection", "filter_projection"):
        return each(children, walk(children[0], shape))
    shapes = [walk(child, shape) for child in children if child["type"] != "literal"]
    if kind in ("or_expression", "multi_select_list"):
        return shapes[0] if shapes else TEXT
    if kind == "multi_select_dict":
        return None
    return TEXT


def each(children: list[dict[str, Any]], found: Any) -> Any:
    """What a projection leads to, of each member of the list found."""
    one = getattr(found, "member", None)
    for condition in children[2:]:
        walk(condition, one)
    return walk(children[1], one) if children[1]["type"] != "identity" else found


def led(path: str, shape: Any) -> Any:
    return walk(jmespath.compile(path).parsed, shape)


def item_of(call: Call) -> Any:
    """The shape of what a call's answer describes; None where that is of several kinds."""
    found = led(call.items, model(call).output_shape)
    return None if call.kind else getattr(found, "member", found) if found.type_name == "list" else found


def test_a_path_to_nothing_is_seen() -> None:
    shape = SESSION.get_service_model("ec2").operation_model("DescribeInstances").output_shape
    for path in ("Reservation", "Reservations[].Instance[]", "Reservations[].Instances[].Tags[?Kex=='Name'].Value"):
        with pytest.raises(AssertionError, match="no "):
            led(path, shape)


@EVERY
def test_it_is_an_operation_that_reads(call: Call) -> None:
    assert is_read(call.service, call.operation)
    assert call.operation in SESSION.get_service_model(call.service).operation_names


@EVERY
def test_its_parameters_are_those_of_the_operation(call: Call) -> None:
    shape = model(call).input_shape
    given = {*(call.given or {}), *(call.parameters or {}), *([call.about] if call.about else [])}
    members = shape.members if shape else {}
    assert given <= set(members)
    assert set(shape.required_members if shape else ()) <= given
    if call.batch:
        assert members[list(call.given or ())[-1]].type_name == "list"


@EVERY
def test_its_paths_lead_to_members_of_the_answer(call: Call) -> None:
    item = item_of(call)
    for path in (call.resource_id, call.arn, call.name, call.created):
        if path and item is not None:
            found = led(path, item)
            assert getattr(found, "type_name", TEXT) not in ("structure", "map"), path


@EVERY
def test_its_parent_is_declared_and_has_what_it_is_made_of(call: Call) -> None:
    assert bool(call.for_each) == bool(call.given)
    if call.for_each:
        assert parents(call), call.parent
    for parent in parents(call):
        item = item_of(parent)
        if call.over:
            item = getattr(led(call.over, item), "member", None)
        around = dict(getattr(item, "members", {"value": item})) | {"_request": model(parent).input_shape}
        for path in (call.given or {}).values():
            led(path, around)


@EVERY
def test_its_kind_is_named_as_cloudformation_does(call: Call) -> None:
    assert call.resource_type.count("::") == 2 and call.resource_type.startswith("AWS::")


def test_two_ways_of_making_one_call_are_read_alike() -> None:
    read: dict[str, set[tuple[str, ...]]] = {}
    for call in declarations():
        read.setdefault(call.key, set()).add((call.items, call.resource_type, call.resource_id, call.about))
    assert {key for key, ways in read.items() if len(ways) > 1} == set()


def made(call: Call, items: list[Any], request: dict[str, Any]) -> list[dict[str, Any]]:
    return list(call.made_for(items, request))


def test_a_call_is_made_for_each_item_or_for_many_at_once() -> None:
    one = Call(
        "ecs",
        "DescribeTasks",
        "tasks",
        "AWS::ECS::Task",
        for_each="ListTasks",
        given={"cluster": "_request.cluster", "tasks": "value"},
        batch=2,
    )
    assert made(one, ["a", "b", "c"], {"cluster": "c1"}) == [
        {"cluster": "c1", "tasks": ["a", "b"]},
        {"cluster": "c1", "tasks": ["c"]},
    ]
    assert made(one, [], {"cluster": "c1"}) == []


def test_an_item_without_what_a_call_needs_gives_none() -> None:
    one = Call(
        "iam",
        "GetRole",
        "Role",
        "AWS::IAM::Role",
        for_each="lambda:GetFunction",
        given={"RoleName": "after_last(Configuration.Role, '/')"},
    )
    items = [{"Configuration": {"Role": "arn:aws:iam::111122223333:role/path/of/r"}}, {"Configuration": {}}, {}]
    assert made(one, items, {}) == [{"RoleName": "r"}]


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("111122223333.dkr.ecr.us-east-1.amazonaws.com/team/shop:1.2", "team/shop"),
        ("111122223333.dkr.ecr.us-east-1.amazonaws.com/shop@sha256:0a1b", "shop"),
        ("docker.io/library/nginx:latest", None),
        ("x' OR 1=1 --", None),
        (None, None),
    ],
)
def test_the_repository_of_an_image_is_read_from_its_name(image: str | None, repository: str | None) -> None:
    assert search("ecr_repository(image)", {"image": image}) == repository


def test_of_environments_the_names_are_kept_and_of_code_no_address() -> None:
    answer = {
        "Configuration": {"FunctionName": "f", "Environment": {"Variables": {"DB_PASSWORD": "hunter2"}}},
        "Code": {"RepositoryType": "S3", "Location": "https://x/?X-Amz-Signature=abc"},
        "taskDefinition": {
            "containerDefinitions": [
                {
                    "environment": [{"name": "TOKEN", "value": "t0ps3cret"}],
                    "secrets": [{"name": "S", "valueFrom": "arn:x"}],
                }
            ]
        },
        "tasks": [{"overrides": {"containerOverrides": [{"environment": [{"name": "A", "value": "b"}]}]}}],
    }
    kept = values(answer)
    assert kept["Configuration"]["Environment"] == {"Variables": {"DB_PASSWORD": NOT_KEPT}}
    assert kept["Code"] == {"RepositoryType": "S3"}
    (container,) = kept["taskDefinition"]["containerDefinitions"]
    assert container == {
        "environment": [{"name": "TOKEN", "value": NOT_KEPT}],
        "secrets": [{"name": "S", "valueFrom": "arn:x"}],
    }
    assert kept["tasks"][0]["overrides"]["containerOverrides"][0]["environment"] == [{"name": "A", "value": NOT_KEPT}]
    assert answer["Code"] == {"RepositoryType": "S3", "Location": "https://x/?X-Amz-Signature=abc"}
