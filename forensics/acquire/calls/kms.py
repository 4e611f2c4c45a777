"""KMS: keys and their aliases."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call("kms", "ListKeys", "Keys", "AWS::KMS::Key", resource_id="KeyId", arn="KeyArn"),
    Call(
        "kms",
        "ListAliases",
        "Aliases",
        "AWS::KMS::Alias",
        resource_id="AliasName",
        arn="AliasArn",
        name="AliasName",
        created="CreationDate",
    ),
)
