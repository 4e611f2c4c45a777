"""Security Lake: the lake of a Region, and which logs flow into it as OCSF."""

from forensics.acquire.calls.call import Call

NONE = ("ResourceNotFoundException",)

CALLS = (
    Call(
        "securitylake",
        "ListDataLakes",
        "dataLakes",
        "AWS::SecurityLake::DataLake",
        resource_id="dataLakeArn",
        arn="dataLakeArn",
        absent=NONE,
    ),
    Call(
        "securitylake",
        "ListLogSources",
        "sources",
        "AWS::SecurityLake::AwsLogSource",
        resource_id="account",
        absent=NONE,
    ),
)
