"""Load balancers of the present kind: application, network, gateway; their attributes say where their logs go."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "elbv2",
        "DescribeLoadBalancers",
        "LoadBalancers",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        resource_id="LoadBalancerArn",
        arn="LoadBalancerArn",
        name="LoadBalancerName",
        created="CreatedTime",
        action="elasticloadbalancing:DescribeLoadBalancers",
    ),
    Call(
        "elbv2",
        "DescribeLoadBalancerAttributes",
        "@",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        about="LoadBalancerArn",
        for_each="elbv2:DescribeLoadBalancers",
        given={"LoadBalancerArn": "LoadBalancerArn"},
        action="elasticloadbalancing:DescribeLoadBalancerAttributes",
    ),
    Call(
        "elbv2",
        "DescribeListeners",
        "Listeners",
        "AWS::ElasticLoadBalancingV2::Listener",
        resource_id="ListenerArn",
        arn="ListenerArn",
        for_each="elbv2:DescribeLoadBalancers",
        given={"LoadBalancerArn": "LoadBalancerArn"},
        action="elasticloadbalancing:DescribeListeners",
    ),
)
