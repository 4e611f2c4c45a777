"""Fields of VPC flow log records by format: which a flow log has, and what stands in each.

Source: Flow log records (versions 2 to 7).
"""

from dataclasses import dataclass

from forensics.simulate.world import ACCOUNT, REGION, Interface

V2 = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
"""The default format."""
V3 = f"{V2} vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr"
V4 = f"{V3} region az-id sublocation-type sublocation-id"
V5 = f"{V3} flow-direction traffic-path"
V7 = (
    f"{V5} pkt-src-aws-service pkt-dst-aws-service ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn"
    " ecs-container-instance-id ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn"
    " ecs-task-arn ecs-task-id"
)
VERSIONS = {V2: 2, V3: 3, V4: 4, V5: 5, V7: 7}
"""`version` of a record: the highest among its fields."""

ECS_LAG = 90
"""Seconds after a task's start until its flow records name it."""


@dataclass(frozen=True)
class TaskFields:
    """What the fields of version 7 say of traffic from a task, from `since` on: those not named are `-`."""

    since: float
    cluster_arn: str
    service: str
    definition_arn: str
    task_arn: str
    container_ids: tuple[str, ...] = ()
    container_instance_arn: str = "-"

    def fields(self) -> dict[str, str]:
        """The values by field."""
        ids = (*self.container_ids, "-", "-")
        return {
            "ecs-cluster-arn": self.cluster_arn,
            "ecs-cluster-name": self.cluster_arn.rpartition("/")[2],
            "ecs-container-instance-arn": self.container_instance_arn,
            "ecs-container-instance-id": self.container_instance_arn.rpartition("/")[2],
            "ecs-container-id": ids[0],
            "ecs-second-container-id": ids[1],
            "ecs-service-name": self.service,
            "ecs-task-definition-arn": self.definition_arn,
            "ecs-task-arn": self.task_arn,
            "ecs-task-id": self.task_arn.rpartition("/")[2],
        }


def of_interface(owner: Interface, version: int) -> dict[str, object]:
    """The fields that say which interface it was."""
    return {
        "version": version,
        "account-id": ACCOUNT,
        "interface-id": owner.interface_id,
        "vpc-id": owner.vpc_id,
        "subnet-id": owner.subnet_id,
        "instance-id": owner.instance_id,
        "region": REGION,
        "az-id": "use1-az1",
    }
