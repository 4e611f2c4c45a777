"""AWS Organizations: the organisation, its accounts, and who administers a service in it for others."""

from forensics.acquire.calls.call import Call

NONE = ("AWSOrganizationsNotInUseException",)

CALLS = (
    Call(
        "organizations",
        "DescribeOrganization",
        "Organization",
        "AWS::Organizations::Organization",
        resource_id="Id",
        arn="Arn",
        everywhere=False,
        absent=NONE,
    ),
    Call(
        "organizations",
        "ListAccounts",
        "Accounts",
        "AWS::Organizations::Account",
        resource_id="Id",
        arn="Arn",
        name="Name",
        created="JoinedTimestamp",
        everywhere=False,
        absent=NONE,
    ),
    Call(
        "organizations",
        "ListDelegatedAdministrators",
        "DelegatedAdministrators",
        "AWS::Organizations::DelegatedAdministrator",
        resource_id="Id",
        arn="Arn",
        name="Name",
        everywhere=False,
        absent=NONE,
    ),
)
