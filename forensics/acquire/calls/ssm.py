"""Systems Manager: the document that says where sessions are logged."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "ssm",
        "GetDocument",
        "@",
        "AWS::SSM::Document",
        resource_id="Name",
        parameters={"Name": "SSM-SessionManagerRunShell"},
        absent=("InvalidDocument",),
    ),
)
