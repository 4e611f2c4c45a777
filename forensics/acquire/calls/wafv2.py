"""AWS WAF: protection packs (web ACLs) of a Region, and where their logs go.

Those of CloudFront are asked for in us-east-1, with the scope CLOUDFRONT, and are calls of `forensics.readiness`.
"""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "wafv2",
        "ListWebACLs",
        "WebACLs",
        "AWS::WAFv2::WebACL",
        resource_id="ARN",
        arn="ARN",
        name="Name",
        parameters={"Scope": "REGIONAL"},
    ),
    Call(
        "wafv2",
        "ListLoggingConfigurations",
        "LoggingConfigurations",
        "AWS::WAFv2::LoggingConfiguration",
        resource_id="ResourceArn",
        arn="ResourceArn",
        parameters={"Scope": "REGIONAL"},
    ),
)
