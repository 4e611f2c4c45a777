"""Route 53 Resolver: where the queries of VPCs are logged, and which VPCs these are."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "route53resolver",
        "ListResolverQueryLogConfigs",
        "ResolverQueryLogConfigs",
        "AWS::Route53Resolver::ResolverQueryLoggingConfig",
        resource_id="Id",
        arn="Arn",
        name="Name",
        created="CreationTime",
    ),
    Call(
        "route53resolver",
        "ListResolverQueryLogConfigAssociations",
        "ResolverQueryLogConfigAssociations",
        "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation",
        resource_id="Id",
        created="CreationTime",
    ),
)
