"""Load balancers of the first kind (Classic)."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "elb",
        "DescribeLoadBalancers",
        "LoadBalancerDescriptions",
        "AWS::ElasticLoadBalancing::LoadBalancer",
        resource_id="LoadBalancerName",
        created="CreatedTime",
        action="elasticloadbalancing:DescribeLoadBalancers",
    ),
    Call(
        "elb",
        "DescribeLoadBalancerAttributes",
        "LoadBalancerAttributes",
        "AWS::ElasticLoadBalancing::LoadBalancer",
        about="LoadBalancerName",
        for_each="elb:DescribeLoadBalancers",
        given={"LoadBalancerName": "LoadBalancerName"},
        action="elasticloadbalancing:DescribeLoadBalancerAttributes",
    ),
)
