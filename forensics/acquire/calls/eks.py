"""EKS: clusters, who may enter them, and which roles their pods have; "Actions" in the Amazon EKS API Reference."""

from functools import partial

from forensics.acquire.calls.call import Call

_of_cluster = partial(Call, "eks", for_each="ListClusters", given={"clusterName": "value"})


def _named(operation: str, parent: str, items: str, *, of: str, parameter: str) -> Call:
    """A call that describes each of the names that its parent lists of a cluster."""
    given = {"clusterName": "_request.clusterName", parameter: "value"}
    return Call("eks", operation, items, of, for_each=parent, given=given, about=parameter)


CALLS = (
    Call("eks", "ListClusters", "clusters", "AWS::EKS::Cluster", resource_id="@"),
    Call(
        "eks",
        "DescribeCluster",
        "cluster",
        "AWS::EKS::Cluster",
        resource_id="name",
        arn="arn",
        created="createdAt",
        for_each="ListClusters",
        given={"name": "value"},
        about="name",
    ),
    _of_cluster(
        "ListPodIdentityAssociations",
        "associations",
        "AWS::EKS::PodIdentityAssociation",
        resource_id="associationId",
        arn="associationArn",
    ),
    Call(
        "eks",
        "DescribePodIdentityAssociation",
        "association",
        "AWS::EKS::PodIdentityAssociation",
        resource_id="associationId",
        arn="associationArn",
        name="serviceAccount",
        created="createdAt",
        for_each="ListPodIdentityAssociations",
        given={"clusterName": "clusterName", "associationId": "associationId"},
        about="associationId",
    ),
    _of_cluster("ListAccessEntries", "accessEntries", "AWS::EKS::AccessEntry", resource_id="@"),
    _named(
        "DescribeAccessEntry", "ListAccessEntries", "accessEntry", of="AWS::EKS::AccessEntry", parameter="principalArn"
    ),
    _named(
        "ListAssociatedAccessPolicies",
        "ListAccessEntries",
        "associatedAccessPolicies",
        of="AWS::EKS::AccessEntry",
        parameter="principalArn",
    ),
    _of_cluster("ListNodegroups", "nodegroups", "AWS::EKS::Nodegroup", resource_id="@"),
    _named("DescribeNodegroup", "ListNodegroups", "nodegroup", of="AWS::EKS::Nodegroup", parameter="nodegroupName"),
    _of_cluster("ListFargateProfiles", "fargateProfileNames", "AWS::EKS::FargateProfile", resource_id="@"),
    _named(
        "DescribeFargateProfile",
        "ListFargateProfiles",
        "fargateProfile",
        of="AWS::EKS::FargateProfile",
        parameter="fargateProfileName",
    ),
    _of_cluster("ListAddons", "addons", "AWS::EKS::Addon", resource_id="@"),
    _named("DescribeAddon", "ListAddons", "addon", of="AWS::EKS::Addon", parameter="addonName"),
    _of_cluster(
        "ListIdentityProviderConfigs",
        "identityProviderConfigs",
        "AWS::EKS::IdentityProviderConfig",
        resource_id="name",
    ),
)
