"""CloudWatch Logs: vended logs that services deliver by themselves, CloudFront's standard logs (v2) among them."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "logs",
        "DescribeDeliverySources",
        "deliverySources",
        "AWS::Logs::DeliverySource",
        resource_id="name",
        arn="arn",
        name="name",
    ),
    Call("logs", "DescribeDeliveries", "deliveries", "AWS::Logs::Delivery", resource_id="id", arn="arn"),
)
