"""Marks by which a network interface tells whose it is, and who can have written them.

Source: pages "Elastic network interfaces", "Requester-managed network interfaces"; the EC2 API's NetworkInterface.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """A description that a service gives its interfaces; `id` is what it states of the thing it made them for."""

    owner: str
    pattern: str
    id: str = ""
    services: tuple[str, ...] = ()


_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

TEXTS = (
    Text("lambda", r"^AWS Lambda VPC ENI", services=("lambda",)),
    Text(
        "ecs_task",
        rf"^arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{{12}}:attachment/{_UUID}$",
        rf"({_UUID})$",
        ("ecs", "ecs-tasks"),
    ),
    Text("eks_node", r"^aws-K8S-i-[0-9a-f]+$", r"(i-[0-9a-f]+)$", ("eks",)),
    Text("eks_pod", r"^aws-k8s-branch-eni", services=("eks", "vpcresourcecontroller")),
    Text("eks_trunk", r"^aws-k8s-trunk-eni", services=("eks", "vpcresourcecontroller")),
    Text("eks_control_plane", r"^Amazon EKS ", r"^Amazon EKS (.+)$", ("eks",)),
    Text("nat_gateway", r"^Interface for NAT Gateway ", r"(nat-[0-9a-zA-Z]+)"),
    Text("vpc_endpoint", r"^VPC Endpoint Interface ", r"(vpce-[0-9a-zA-Z]+)"),
    Text("network_load_balancer", r"^ELB net/", r"^ELB (net/.+)$", ("elasticloadbalancing",)),
    Text("gateway_load_balancer", r"^ELB gwy/", r"^ELB (gwy/.+)$", ("elasticloadbalancing",)),
    Text("load_balancer", r"^ELB ", r"^ELB (.+)$", ("elasticloadbalancing",)),
    Text("transit_gateway", r"^Network Interface for Transit Gateway ", r"(tgw-attach-[0-9a-zA-Z]+)"),
    Text("rds", r"^RDSNetworkInterface", services=("rds",)),
    Text("elasticache", r"^ElastiCache", r"^ElastiCache[ +]+(.+)$", ("elasticache",)),
    Text("redshift", r"^Redshift", services=("redshift",)),
    Text("efs", r"^EFS mount target for ", r"(fs-[0-9a-f]+)", ("elasticfilesystem",)),
    Text("directory_service", r"^AWS created network interface for (?:directory )?d-", r"\b(d-[0-9a-z]+)", ("ds",)),
    Text("sagemaker", r"(?i)sagemaker", services=("sagemaker",)),
    Text("glue", r"(?i)\bglue\b", services=("glue",)),
    Text(
        "codebuild", r"(?i)codebuild", r"([A-Za-z0-9_-]+:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", ("codebuild",)
    ),
    Text("workspaces", r"(?i)workspaces", services=("workspaces",)),
    Text("msk", r"(?i)\bmsk\b|kafka", r"(arn:[a-z-]+:kafka:\S+)", ("kafka",)),
    Text("apprunner", r"(?i)app ?runner", services=("apprunner",)),
    Text("api_gateway", r"(?i)api ?gateway", services=("apigateway",)),
    Text("iot", r"(?i)\biot\b", services=("iot",)),
    Text("global_accelerator", r"(?i)global ?accelerator", services=("globalaccelerator",)),
    Text("quicksight", r"(?i)quicksight", services=("quicksight",)),
)
"""The first that fits is the one. Anybody may write such a text: it counts only where AWS wrote it."""

TYPES = {
    "lambda": "lambda",
    "natgateway": "nat_gateway",
    "vpcendpoint": "vpc_endpoint",
    "gatewayloadbalancerendpoint": "vpc_endpoint",
    "loadbalancer": "load_balancer",
    "networkloadbalancer": "network_load_balancer",
    "gatewayloadbalancer": "gateway_load_balancer",
    "transitgateway": "transit_gateway",
    "apigatewaymanaged": "api_gateway",
    "iotrulesmanaged": "iot",
    "globalacceleratormanaged": "global_accelerator",
    "quicksight": "quicksight",
}
"""Types (in small letters, without underscores) that only AWS can give an interface, and whose they are."""

SERVICES = {
    "apigateway": "api_gateway",
    "apprunner": "apprunner",
    "codebuild": "codebuild",
    "ds": "directory_service",
    "ecs": "ecs_task",
    "elasticache": "elasticache",
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "load_balancer",
    "elb": "load_balancer",
    "globalaccelerator": "global_accelerator",
    "glue": "glue",
    "iot": "iot",
    "kafka": "msk",
    "lambda": "lambda",
    "quicksight": "quicksight",
    "rds": "rds",
    "redshift": "redshift",
    "sagemaker": "sagemaker",
    "workspaces": "workspaces",
}
"""Whose an interface is that a service operates or asked for, by the service's own name."""

ALIAS = r"^(?:amazon|aws)-([a-z0-9-]+)$"
"""Names of AWS's own accounts, as requester or as owner of the instance: nobody can be called so."""


def _case(branches: list[str]) -> str:
    return "CASE\n    " + "\n    ".join(branches) + "\n  END"


def text_owner(description: str) -> str:
    """SQL: whose a description says the interface is."""
    return _case([f"WHEN regexp_matches({description}, '{text.pattern}') THEN '{text.owner}'" for text in TEXTS])


def text_services(owner: str) -> str:
    """SQL: services that give interfaces the description of that owner."""
    named = [(text.owner, ", ".join(f"'{name}'" for name in text.services)) for text in TEXTS]
    return _case([f"WHEN {owner} = '{one}' THEN [{names}]" for one, names in named])


def text_id(owner: str, description: str) -> str:
    """SQL: the id that the description of an interface of that owner states."""
    branches = [
        f"WHEN {owner} = '{text.owner}' THEN nullif(regexp_extract({description}, '{text.id}', 1), '')"
        for text in TEXTS
        if text.id
    ]
    return _case(branches)


def type_owner(interface_type: str) -> str:
    """SQL: whose an interface of that type is, where only AWS makes such."""
    plain = f"replace(replace(lower({interface_type}), '_', ''), '-', '')"
    return _case([f"WHEN {plain} = '{name}' THEN '{owner}'" for name, owner in TYPES.items()])


def service_owner(service: str) -> str:
    """SQL: whose an interface is that this service operates or asked for."""
    return _case([f"WHEN {service} = '{name}' THEN '{owner}'" for name, owner in SERVICES.items()])


def service_name(principal: str) -> str:
    """SQL: the service's own name in its DNS name, as in `ecs` of `ecs.amazonaws.com`."""
    return f"nullif(regexp_extract({principal}, '(?:^|[.])([a-z0-9-]+)[.]amazonaws[.]com(?:[.]cn)?$', 1), '')"
