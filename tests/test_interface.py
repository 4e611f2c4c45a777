"""Interfaces: whose each is by its marks, which marks only AWS can give, and how long it was there."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.workload_worlds import DEV, WEB_ID, found, run, terminate, world
from tests.worlds import ACCOUNT, OTHER, Record, call, role

UUID = "2fb802a1-d6f7-45dc-a7e8-a11b3a48a573"
TASK_TEXT = f"arn:aws:ecs:us-east-1:{ACCOUNT}:attachment/{UUID}"
NODE_ID = "i-0aaaaaaaaaaaaaaa9"
MANAGED: dict[str, Any] = {"requesterManaged": True}


def seen(at: str = "09:00:00", *, name: str = "eni-1", created: str | None = None, **card: Any) -> Record:
    """AWS Config saw an interface."""
    return {
        "configurationItemCaptureTime": f"2026-11-05T{at}Z",
        "configurationItemStatus": "OK",
        "awsAccountId": ACCOUNT,
        "awsRegion": "us-east-1",
        "resourceType": "AWS::EC2::NetworkInterface",
        "resourceId": name,
        "resourceCreationTime": created and f"2026-11-05T{created}Z",
        "configuration": {"networkInterfaceId": name, "interfaceType": "interface"} | card,
    }


def made(who: Record, at: str = "08:00:00", *, by: dict[str, Any] | None = None, **card: Any) -> Record:
    """Somebody made an interface; `by` are further members of the record."""
    answer = {"networkInterface": {"networkInterfaceId": "eni-1", "interfaceType": "interface"} | card}
    return call(who, "ec2:CreateNetworkInterface", at=at, responseElements=answer, **(by or {}))


def linked(service: str) -> Record:
    """The session of a service-linked role."""
    return role("linked", "session", key="ASIAEXAMPLELINKED", path=f"/aws-service-role/{service}.amazonaws.com/")


def owners(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute("SELECT owner, owner_id FROM interface ORDER BY interface_id").fetchall()


def owner(tmp_path: Path, *items: Record, **records: list[Record]) -> list[tuple[Any, ...]]:
    with world(tmp_path, **({"config_item": list(items)} if items else {}), **records) as con:
        return owners(con)


def elsewhere(instance_owner: str, **more: Any) -> dict[str, Any]:
    return {"attachment": {"instanceOwnerId": instance_owner} | more}


ROWS: list[tuple[str, str | None, dict[str, Any]]] = [
    ("ec2_instance", WEB_ID, {"attachment": {"instanceId": WEB_ID, "instanceOwnerId": ACCOUNT}}),
    ("ec2_instance", WEB_ID, {"attachment": {"instanceId": WEB_ID}, "interfaceType": "efa", "description": "mine"}),
    (
        "lambda",
        None,
        {"interfaceType": "lambda", "description": "AWS Lambda VPC ENI-billing-fn", **elsewhere("aws-lambda")},
    ),
    ("lambda", None, {"description": f"AWS Lambda VPC ENI-billing-fn-{UUID}", **elsewhere("amazon-aws")}),
    ("apprunner", None, {"description": "AWS App Runner VPC connector", **MANAGED}),
    ("ecs_task", UUID, {"description": TASK_TEXT, **elsewhere("999988887777", deviceIndex=1)}),
    ("eks_node", NODE_ID, {"description": f"aws-K8S-{NODE_ID}", "attachment": {"instanceId": NODE_ID}}),
    ("eks_pod", None, {"description": "aws-k8s-branch-eni", "interfaceType": "branch"}),
    ("eks_trunk", None, {"description": "aws-k8s-trunk-eni", "interfaceType": "trunk"}),
    ("eks_control_plane", "prod", {"description": "Amazon EKS prod", **elsewhere("amazon-eks")}),
    ("nat_gateway", "nat-0a1", {"interfaceType": "natGateway", "description": "Interface for NAT Gateway nat-0a1"}),
    ("nat_gateway", "nat-0a1", {"interfaceType": "nat_gateway", "description": "Interface for NAT Gateway nat-0a1"}),
    ("vpc_endpoint", "vpce-0a1", {"interfaceType": "vpc_endpoint", "description": "VPC Endpoint Interface vpce-0a1"}),
    ("vpc_endpoint", None, {"interfaceType": "gateway_load_balancer_endpoint"}),
    ("load_balancer", "app/web/50dc", {"description": "ELB app/web/50dc", "requesterId": "amazon-elb"}),
    ("load_balancer", "classic", {"interfaceType": "load_balancer", "description": "ELB classic"}),
    (
        "network_load_balancer",
        "net/n/50dc",
        {"interfaceType": "network_load_balancer", "description": "ELB net/n/50dc"},
    ),
    (
        "gateway_load_balancer",
        "gwy/g/50dc",
        {"interfaceType": "gateway_load_balancer", "description": "ELB gwy/g/50dc"},
    ),
    (
        "transit_gateway",
        "tgw-attach-0a1",
        {
            "interfaceType": "transit_gateway",
            "description": "Network Interface for Transit Gateway Attachment tgw-attach-0a1",
        },
    ),
    ("rds", None, {"description": "RDSNetworkInterface", "requesterId": "amazon-rds", **MANAGED}),
    ("rds", None, {"requesterId": "amazon-rds"}),
    ("elasticache", "cache-1", {"description": "ElastiCache cache-1", "requesterId": "amazon-elasticache"}),
    ("redshift", None, {"description": "RedshiftNetworkInterface", "requesterId": "amazon-redshift"}),
    ("efs", "fs-0a1", {"description": "EFS mount target for fs-0a1 (fsmt-0a2)", **MANAGED}),
    ("directory_service", "d-0a1", {"description": "AWS created network interface for d-0a1", **MANAGED}),
    ("sagemaker", None, {"description": "[Do not delete] ENI managed by SageMaker for domain", **MANAGED}),
    ("glue", None, {"description": "Attached to Glue using role: etl", **MANAGED}),
    ("codebuild", f"build:{UUID}", {"description": f"AWS CodeBuild build:{UUID}", **MANAGED}),
    ("workspaces", None, {"description": "Created By Amazon Workspaces for AWS Account", **MANAGED}),
    ("msk", None, {"description": "DO NOT DELETE - Amazon MSK network interface", **MANAGED}),
    ("api_gateway", None, {"interfaceType": "api_gateway_managed"}),
    ("iot", None, {"interfaceType": "iot_rules_managed"}),
    ("global_accelerator", None, {"interfaceType": "global_accelerator_managed"}),
    ("quicksight", None, {"interfaceType": "quicksight"}),
    ("unknown", None, {"description": "for the migration"}),
    ("unknown", None, {"interfaceType": "of_tomorrow", "description": "new", **MANAGED}),
]


@pytest.mark.parametrize(
    ("kind", "identity", "card"), ROWS, ids=[f"{row[0]}-{place}" for place, row in enumerate(ROWS)]
)
def test_an_interface_is_its_owners_by_the_marks_of_its_description(
    tmp_path: Path, kind: str, identity: str | None, card: dict[str, Any]
) -> None:
    assert owner(tmp_path, seen(**card)) == [(kind, identity)]


OPERATED: list[tuple[str, str | None, dict[str, Any]]] = [
    ("eks_node", NODE_ID, {"attachment": {"instanceId": NODE_ID}}),
    ("eks_pod", None, {"interfaceType": "branch"}),
    ("rds", None, {"description": "aws-K8S-i-0a1"}),
    ("ec2_instance", WEB_ID, {"attachment": {"instanceId": WEB_ID}}),
    ("ecs_task", UUID, {"description": TASK_TEXT}),
    ("network_load_balancer", "net/n/50dc", {"description": "ELB net/n/50dc"}),
]
PRINCIPALS = ("eks", "eks", "rds", "ecs", "ecs", "elasticloadbalancing")


@pytest.mark.parametrize(("row", "service"), list(zip(OPERATED, PRINCIPALS, strict=True)))
def test_the_operator_of_an_interface_is_asked_first(
    tmp_path: Path, row: tuple[str, str | None, dict[str, Any]], service: str
) -> None:
    operator = {"managed": True, "principal": f"{service}.amazonaws.com"}
    assert owner(tmp_path, seen(operator=operator, **row[2])) == [row[:2]]


def test_an_interface_that_is_not_operated_has_no_operator(tmp_path: Path) -> None:
    assert owner(tmp_path, seen(operator={"managed": False, "principal": "rds.amazonaws.com"})) == [("unknown", None)]


TEXTS = [
    "AWS Lambda VPC ENI-orders-fn",
    TASK_TEXT,
    f"aws-K8S-{NODE_ID}",
    "aws-k8s-branch-eni",
    "aws-k8s-trunk-eni",
    "Amazon EKS prod",
    "Interface for NAT Gateway nat-0a1",
    "VPC Endpoint Interface vpce-0a1",
    "ELB app/web/50dc",
    "ELB net/web/50dc",
    "RDSNetworkInterface",
    "EFS mount target for fs-0a1",
    "Attached to Glue using role: etl",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_description_alone_is_not_believed(tmp_path: Path, text: str) -> None:
    assert owner(tmp_path, seen(description=text)) == [("unknown", None)]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("by", [{}, {"sourceIPAddress": "cloudformation.amazonaws.com"}])
def test_what_somebody_describes_like_a_services_is_not_the_services(
    tmp_path: Path, text: str, by: dict[str, Any]
) -> None:
    kind = "branch" if "branch" in text else "trunk" if "trunk" in text else "interface"
    forged = made(DEV, description=text, interfaceType=kind, requesterId=f"AIDAEXAMPLEDEV:{text}", by=by)
    later = seen(description=text, interfaceType=kind, **elsewhere("999988887777"))
    assert owner(tmp_path, later, cloudtrail=[forged]) == [("unknown", None)]


def test_a_forged_description_of_an_interface_on_an_instance_leaves_it_the_instances(tmp_path: Path) -> None:
    forged = made(DEV, description=TASK_TEXT)
    asked = {"networkInterfaceId": "eni-1", "instanceId": WEB_ID}
    attach = call(DEV, "ec2:AttachNetworkInterface", at="08:10:00", requestParameters=asked)
    assert owner(tmp_path, cloudtrail=[forged, attach]) == [("ec2_instance", WEB_ID)]


def test_a_node_that_a_description_names_and_another_carries_is_not_believed(tmp_path: Path) -> None:
    card = seen(description=f"aws-K8S-{NODE_ID}", attachment={"instanceId": WEB_ID, "instanceOwnerId": ACCOUNT})
    assert owner(tmp_path, card) == [("ec2_instance", WEB_ID)]


def test_what_lambda_made_is_lambdas_though_nothing_says_managed(tmp_path: Path) -> None:
    who = role("orders-role", "awslambda_1_20261105080000000", key="ASIAEXAMPLECONTROL")
    card = {"description": "AWS Lambda VPC ENI-orders-fn", "requesterManaged": False}
    by = {"sourceIPAddress": "lambda.amazonaws.com"}
    assert owner(tmp_path, cloudtrail=[made(who, by=by, **card)]) == [("lambda", None)]


def test_what_the_linked_role_of_ecs_made_is_a_tasks(tmp_path: Path) -> None:
    by = {"sourceIPAddress": "AWS Internal"}
    assert owner(tmp_path, cloudtrail=[made(linked("ecs"), description=TASK_TEXT, by=by)]) == [("ecs_task", UUID)]


def test_the_linked_role_of_another_service_makes_no_task(tmp_path: Path) -> None:
    assert owner(tmp_path, cloudtrail=[made(linked("rds"), description=TASK_TEXT)]) == [("unknown", None)]


def test_a_requester_that_is_a_known_linked_role_is_its_service(tmp_path: Path) -> None:
    card = seen(description=TASK_TEXT, requesterId="AROAEXAMPLELINKED:ecs-eni-provisioning")
    assert owner(tmp_path, card, cloudtrail=[call(linked("ecs"))]) == [("ecs_task", UUID)]


def test_a_node_makes_its_further_interfaces_itself(tmp_path: Path) -> None:
    who = role("node", NODE_ID, key="ASIAEXAMPLENODE", ec2RoleDelivery="2.0")
    assert owner(tmp_path, cloudtrail=[made(who, description=f"aws-K8S-{NODE_ID}")]) == [("eks_node", NODE_ID)]


def test_a_session_that_only_carries_the_name_of_a_node_makes_none(tmp_path: Path) -> None:
    who = role("node", NODE_ID, key="ASIAEXAMPLENODE")
    assert owner(tmp_path, cloudtrail=[made(who, description=f"aws-K8S-{NODE_ID}")]) == [("unknown", None)]


def test_gateways_and_endpoints_list_their_interfaces(tmp_path: Path) -> None:
    address = {"item": [{"networkInterfaceId": "eni-1", "privateIp": "10.0.0.4"}]}
    gateway = {"CreateNatGatewayResponse": {"natGateway": {"natGatewayId": "nat-1", "natGatewayAddressSet": address}}}
    listed = {"vpcEndpointId": "vpce-1", "networkInterfaceIdSet": {"item": ["eni-2"]}}
    endpoint = {"CreateVpcEndpointResponse": {"vpcEndpoint": listed}}
    calls = [
        call(DEV, "ec2:CreateNatGateway", responseElements=gateway),
        call(DEV, "ec2:CreateVpcEndpoint", responseElements=endpoint),
    ]
    assert owner(tmp_path, cloudtrail=calls) == [("nat_gateway", "nat-1"), ("vpc_endpoint", "vpce-1")]


def test_an_event_of_ecs_says_of_which_attachment_an_interface_is(tmp_path: Path) -> None:
    details = [{"name": "subnetId", "value": "subnet-1"}, {"name": "networkInterfaceId", "value": "eni-1"}]
    detail = {"attachments": [{"id": UUID, "type": "eni", "details": details}, {"id": "x", "type": "sdi"}]}
    event = {"id": "e-1", "account": ACCOUNT, "region": "us-east-1", "time": "2026-11-05T09:00:00Z", "detail": detail}
    assert owner(tmp_path, ecs_event=[event]) == [("ecs_task", UUID)]


def test_a_finding_shows_the_interface_of_an_instance(tmp_path: Path) -> None:
    card = {"networkInterfaceId": "eni-1", "privateIpAddress": "10.0.0.5", "securityGroups": [{"groupId": "sg-1"}]}
    block = {"instanceDetails": {"instanceId": WEB_ID, "networkInterfaces": [card]}}
    with world(tmp_path, guardduty=[found(resource=block)]) as con:
        assert owners(con) == [("ec2_instance", WEB_ID)]
        assert con.execute("SELECT security_groups, private_ip FROM interface").fetchall() == [(["sg-1"], "10.0.0.5")]


def life(tmp_path: Path, *items: Record, **records: list[Record]) -> list[tuple[Any, ...]]:
    query = "SELECT strftime(valid_from, '%H:%M'), strftime(valid_to, '%H:%M'), from_known, to_known FROM interface"
    with world(tmp_path, **({"config_item": list(items)} if items else {}), **records) as con:
        return con.execute(query).fetchall()


def test_an_interface_lives_from_its_making_to_its_deletion(tmp_path: Path) -> None:
    gone = call(DEV, "ec2:DeleteNetworkInterface", at="10:00:00", requestParameters={"networkInterfaceId": "eni-1"})
    assert life(tmp_path, cloudtrail=[made(DEV), gone]) == [("08:00", "10:00", True, True)]


def test_config_knows_when_an_interface_was_made_and_by_when_it_was_gone(tmp_path: Path) -> None:
    gone = seen("10:00:00") | {"configurationItemStatus": "ResourceDeleted", "configuration": None}
    assert life(tmp_path, seen("09:00:00", created="08:30:00"), gone) == [("08:30", "10:00", True, False)]


def test_an_interface_only_seen_began_at_some_time_before(tmp_path: Path) -> None:
    assert life(tmp_path, seen("09:00:00"), seen("10:00:00")) == [("09:00", None, False, False)]


def test_an_interface_made_with_its_instance_is_deleted_with_it(tmp_path: Path) -> None:
    assert life(tmp_path, cloudtrail=[run(at="08:00:00"), terminate(at="10:00:00")]) == [("08:00", "10:00", True, True)]


def test_an_interface_that_shall_stay_outlives_its_instance(tmp_path: Path) -> None:
    asked = {"networkInterfaceId": "eni-1", "attachment": {"attachmentId": "a", "deleteOnTermination": False}}
    keep = call(DEV, "ec2:ModifyNetworkInterfaceAttribute", at="09:00:00", requestParameters=asked)
    trail = [run(at="08:00:00"), keep, terminate(at="10:00:00")]
    assert life(tmp_path, cloudtrail=trail) == [("08:00", None, True, False)]


def test_an_interface_there_before_its_instance_outlives_it(tmp_path: Path) -> None:
    started = run(at="08:00:00")
    started["requestParameters"] = {"networkInterfaceSet": {"items": [{"networkInterfaceId": "eni-1"}]}}
    assert life(tmp_path, cloudtrail=[started, terminate(at="10:00:00")]) == [("08:00", None, False, False)]


def test_no_records_are_no_interfaces(tmp_path: Path) -> None:
    with world(tmp_path) as con:
        assert owners(con) == []


@pytest.mark.parametrize("shape", [[], "text", 7, {"networkInterfaceId": {"a": 1}}, {"networkInterfaceId": ["x"]}])
def test_documents_of_any_shape_are_read_without_harm(tmp_path: Path, shape: Any) -> None:
    odd = seen() | {"configuration": shape}
    calls = [
        call(DEV, "ec2:CreateNetworkInterface", at="08:00:00", responseElements={"networkInterface": shape}),
        call(DEV, "ec2:RunInstances", at="08:00:01", responseElements={"instancesSet": {"items": shape}}),
        call(DEV, "ec2:CreateNatGateway", at="08:00:02", responseElements={"natGateway": shape}),
        call(DEV, "ec2:CreateVpcEndpoint", at="08:00:03", responseElements=shape),
    ]
    event = {"id": "e-1", "time": "2026-11-05T09:00:00Z", "detail": {"attachments": shape}}
    with world(tmp_path, config_item=[odd], cloudtrail=calls, ecs_event=[event]) as con:
        assert {row[0] for row in owners(con)} <= {"unknown"}


def test_marks_written_to_deceive_are_kept_as_text(tmp_path: Path) -> None:
    text = "'; DROP TABLE interface; --<b>\x1b[31m"
    with world(tmp_path, config_item=[seen(description=text, requesterId=f"{OTHER}:x")]) as con:
        assert con.execute("SELECT owner, how, description FROM interface").fetchall() == [("unknown", "no mark", text)]
