"""EventBridge: rules of the default bus and their targets, among them those that keep ECS events and findings."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call("events", "ListRules", "Rules", "AWS::Events::Rule", resource_id="Arn", arn="Arn", name="Name"),
    Call(
        "events",
        "ListTargetsByRule",
        "Targets",
        "AWS::Events::Target",
        resource_id="Arn",
        arn="Arn",
        about="Rule",
        for_each="events:ListRules",
        given={"Rule": "Name"},
    ),
)
