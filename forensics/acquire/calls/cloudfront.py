"""CloudFront: distributions, whose configuration says where their standard logs go, and their real-time logs."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "cloudfront",
        "ListDistributions",
        "DistributionList.Items",
        "AWS::CloudFront::Distribution",
        resource_id="Id",
        arn="ARN",
        name="DomainName",
        everywhere=False,
    ),
    Call(
        "cloudfront",
        "GetDistributionConfig",
        "DistributionConfig",
        "AWS::CloudFront::Distribution",
        about="Id",
        for_each="cloudfront:ListDistributions",
        given={"Id": "Id"},
        everywhere=False,
    ),
)
