"""Examples of our rules on objects, keys, databases, secrets, mail, models, and on looking over."""

from tests.detect.example_records import (
    CONSOLE,
    DENIED,
    ON_BEHALF,
    ON_INSTANCE,
    PIPELINE,
    ROOT,
    UNAUTHORIZED,
    Examples,
    Record,
    asks,
    denied,
    each,
    locked,
    minutes,
    secret,
)
from tests.worlds import call

SHARED = {"add": {"items": [{"userId": "444455556666"}]}}
SERVICES = ("ec2", "s3", "iam", "rds", "kms", "lambda", "ecs", "sns", "sqs", "dynamodb")
MAIL = ("GetSendQuota", "ListIdentities", "GetAccount")
DATA = ("TerminateInstances",)


def policy(principal: object, effect: str = "Allow") -> Record:
    """A call that gives a bucket a policy."""
    statement = [{"Effect": effect, "Principal": principal, "Action": "s3:GetObject"}]
    return asks("s3:PutBucketPolicy", bucketName="b", bucketPolicy={"Statement": statement})


def removed(place: int, at: str) -> Record:
    return asks("s3:DeleteObject", at=at, bucketName="b", key=f"k{place}")


def parameters(place: int, at: str) -> Record:
    return asks("ssm:GetParameters", at=f"09:00:{place:02}", names=[f"/p/{place}"], withDecryption=True)


def batches(place: int, at: str) -> Record:
    return asks("secretsmanager:BatchGetSecretValue", at=at, filters=[{"key": "tag-key", "values": ["x"]}])


def password(place: int, at: str) -> Record:
    return asks("ec2:GetPasswordData", at=at, instanceId="i-0123456789abcdef0") | UNAUTHORIZED


def script(place: int, at: str) -> Record:
    return asks("ec2:DescribeInstanceAttribute", at=at, attribute="userData", instanceId=f"i-{place}")


def listed(place: int, at: str) -> Record:
    return asks(f"{SERVICES[place]}:ListThings", at=at)


def texted(place: int, at: str) -> Record:
    return asks("sns:Publish", at=at, phoneNumber="+15555550100")


def invoked(place: int, at: str) -> Record:
    return asks("bedrock:InvokeModel", at=at, modelId=f"model-{place}")


def refused(place: int, at: str) -> Record:
    return asks("bedrock:InvokeModel", PIPELINE, at=at, modelId=f"model-{place}") | {"errorCode": "ValidationException"}


def lost(place: int, at: str) -> Record:
    return asks(f"{SERVICES[place]}:ListThings", ON_INSTANCE, at=at) | DENIED


EXAMPLES: Examples = {
    "s3_bucket_opened": (
        [
            policy("*"),
            policy({"AWS": "*"}),
            asks("s3:PutBucketAcl", **{"x-amz-acl": "public-read"}),
            asks("s3:PutBucketPublicAccessBlock", PublicAccessBlockConfiguration={"BlockPublicPolicy": False}),
            asks("s3:DeleteBucketPublicAccessBlock"),
        ],
        [
            policy({"AWS": "arn:aws:iam::111122223333:root"}),
            policy("*", "Deny"),
            asks("s3:PutBucketAcl", **{"x-amz-acl": "private"}),
            asks("s3:PutBucketPublicAccessBlock", PublicAccessBlockConfiguration={"BlockPublicPolicy": True}),
        ],
    ),
    "s3_bucket_copied_elsewhere": (
        [asks("s3:PutBucketReplication"), asks("s3:PutBucketReplication", ON_INSTANCE)],
        [asks("s3:PutBucketReplication", PIPELINE), asks("s3:PutBucketReplication") | DENIED],
    ),
    "s3_objects_locked_with_a_customers_key": (minutes(10, locked), [asks("s3:CopyObject", bucketName="b")]),
    "s3_many_objects_deleted": (
        minutes(10, removed),
        [asks("s3:DeleteObject", bucketName="c"), asks("s3:DeleteObject", bucketName="b") | DENIED],
    ),
    "s3_versioning_suspended": (
        [asks("s3:PutBucketVersioning", VersioningConfiguration={"Status": "Suspended"})],
        [asks("s3:PutBucketVersioning", VersioningConfiguration={"Status": "Enabled", "MfaDelete": "Enabled"})],
    ),
    "kms_key_disabled": (
        [asks("kms:ScheduleKeyDeletion"), asks("kms:DisableKey")],
        [asks("kms:EnableKey"), asks("kms:DisableKey") | {"errorCode": "AccessDeniedException"}],
    ),
    "snapshot_shared": (
        [
            asks("ec2:ModifySnapshotAttribute", createVolumePermission=SHARED),
            asks("rds:ModifyDBSnapshotAttribute", valuesToAdd=["all"]),
        ],
        [asks("ec2:ModifySnapshotAttribute", createVolumePermission={"remove": SHARED["add"]})],
    ),
    "snapshot_exported": (
        [asks("rds:StartExportTask"), asks("ec2:CreateStoreImageTask")],
        [asks("rds:DescribeExportTasks"), asks("rds:StartExportTask") | DENIED],
    ),
    "database_opened": (
        [
            asks("rds:ModifyDBInstance", publiclyAccessible=True),
            asks("rds:ModifyDBInstance", masterUserPassword="****"),
        ],
        [
            asks("rds:ModifyDBInstance", publiclyAccessible=False),
            asks("rds:ModifyDBInstance", PIPELINE, masterUserPassword="****"),
        ],
    ),
    "backups_deleted": (
        [
            asks("backup:DeleteRecoveryPoint"),
            asks("rds:DeleteDBInstance", skipFinalSnapshot=True),
            asks("rds:ModifyDBInstance", backupRetentionPeriod=0),
        ],
        [
            asks("rds:DeleteDBInstance", skipFinalSnapshot=False),
            asks("rds:ModifyDBInstance", backupRetentionPeriod=7),
            asks("backup:StartBackupJob"),
        ],
    ),
    "transfer_server_by_a_person": (
        [asks("transfer:CreateServer"), asks("transfer:CreateUser")],
        [asks("transfer:CreateServer", PIPELINE), asks("iam:CreateUser"), asks("transfer:CreateServer") | DENIED],
    ),
    "many_secrets_read": (minutes(10, secret), []),
    "secrets_read_in_batches": (minutes(3, batches), [asks("secretsmanager:BatchGetSecretValue", secretIdList=["a"])]),
    "many_parameters_read": (minutes(5, parameters), [asks("ssm:GetParameters", names=["/p/9"], withDecryption=False)]),
    "windows_passwords_asked_for": (minutes(3, password), [asks("ec2:GetPasswordData", PIPELINE)]),
    "user_data_looked_through": (minutes(5, script), [asks("ec2:DescribeInstanceAttribute", attribute="instanceType")]),
    "denied_calls_of_many_kinds": (minutes(7, denied), [asks("s3:Get1", at="09:01:01")]),
    "workload_denied_elsewhere": (
        minutes(3, lost),
        [asks("s3:ListThings", PIPELINE) | DENIED, asks("sns:ListThings", ON_INSTANCE)],
    ),
    "destruction_or_sharing_refused": (
        [asks("kms:ScheduleKeyDeletion") | DENIED, asks("s3:PutBucketReplication") | DENIED],
        [asks("kms:ScheduleKeyDeletion"), asks("kms:ListKeys") | DENIED],
    ),
    "many_services_looked_over": (
        minutes(10, listed),
        [asks("glue:ListJobs", ON_BEHALF, at="09:01:00"), asks("glue:ListJobs", PIPELINE)],
    ),
    "agent_of_an_attack_tool": (
        [asks("s3:ListBuckets") | {"userAgent": "Boto3/1.34 pacu/1.5"}],
        [asks("s3:ListBuckets") | {"userAgent": "aws-cli/2.17"}],
    ),
    "mail_or_text_abuse_prepared": (
        [asks("ses:PutAccountDetails"), asks("ses:CreateEmailIdentity") | DENIED],
        [asks("ses:CreateEmailIdentity", PIPELINE), asks("ses:SendEmail")],
    ),
    "mail_and_text_looked_over": (each("ses", *MAIL), [call(ROOT, "ses:GetSendQuota"), asks("ses:SendEmail")]),
    "text_messages_in_numbers": (
        minutes(20, texted),
        [asks("sns:Publish", topicArn="arn:aws:sns:us-east-1:111122223333:t")],
    ),
    "bedrock_model_opened": (
        [asks("bedrock:PutFoundationModelEntitlement")],
        [asks("bedrock:PutFoundationModelEntitlement") | CONSOLE, asks("bedrock:ListFoundationModels")],
    ),
    "bedrock_called_by_a_user": (minutes(10, invoked), [asks("bedrock:InvokeModel", PIPELINE, modelId="m")]),
    "bedrock_tried_out": (minutes(3, refused), [asks("bedrock:InvokeModel", PIPELINE, modelId="m")]),
}
FEW = {
    "s3_objects_locked_with_a_customers_key": minutes(9, locked),
    "s3_many_objects_deleted": minutes(9, removed),
    "denied_calls_of_many_kinds": [*minutes(6, denied), asks("s3:Get1", at="09:03:10") | DENIED],
    "many_secrets_read": [secret(0, f"09:0{place}:00") for place in range(10)],
    "secrets_read_in_batches": minutes(2, batches),
    "many_parameters_read": minutes(4, parameters),
    "windows_passwords_asked_for": minutes(2, password),
    "user_data_looked_through": minutes(4, script),
    "workload_denied_elsewhere": minutes(2, lost),
    "many_services_looked_over": minutes(9, listed),
    "mail_and_text_looked_over": each("ses", *MAIL[:2]),
    "text_messages_in_numbers": minutes(19, texted),
    "bedrock_called_by_a_user": minutes(9, invoked),
    "bedrock_tried_out": minutes(2, refused),
}
