"""RDS and Aurora: instances and clusters, which say what logs they export."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "rds",
        "DescribeDBInstances",
        "DBInstances",
        "AWS::RDS::DBInstance",
        resource_id="DBInstanceIdentifier",
        arn="DBInstanceArn",
        created="InstanceCreateTime",
    ),
    Call(
        "rds",
        "DescribeDBClusters",
        "DBClusters",
        "AWS::RDS::DBCluster",
        resource_id="DBClusterIdentifier",
        arn="DBClusterArn",
        created="ClusterCreateTime",
    ),
)
