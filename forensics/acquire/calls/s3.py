"""S3: buckets, and what logs, keeps and protects them."""

from forensics.acquire.calls.call import Call

LIST = "s3:ListBuckets"


def _of_bucket(operation: str, *, action: str = "", absent: tuple[str, ...] = ()) -> Call:
    return Call(
        "s3",
        operation,
        "@",
        "AWS::S3::Bucket",
        about="Bucket",
        for_each=LIST,
        given={"Bucket": "Name"},
        everywhere=False,
        action=action,
        absent=absent,
    )


CALLS = (
    Call(
        "s3",
        "ListBuckets",
        "Buckets",
        "AWS::S3::Bucket",
        resource_id="Name",
        created="CreationDate",
        everywhere=False,
        action="s3:ListAllMyBuckets",
    ),
    _of_bucket("GetBucketLocation"),
    _of_bucket("GetBucketLogging"),
    _of_bucket("GetBucketVersioning"),
    _of_bucket(
        "GetBucketLifecycleConfiguration",
        action="s3:GetLifecycleConfiguration",
        absent=("NoSuchLifecycleConfiguration",),
    ),
    _of_bucket("GetBucketPolicy", absent=("NoSuchBucketPolicy",)),
    _of_bucket(
        "GetBucketEncryption",
        action="s3:GetEncryptionConfiguration",
        absent=("ServerSideEncryptionConfigurationNotFoundError",),
    ),
    _of_bucket(
        "GetObjectLockConfiguration",
        action="s3:GetBucketObjectLockConfiguration",
        absent=("ObjectLockConfigurationNotFoundError", "ObjectLockConfigurationNotFound"),
    ),
    _of_bucket(
        "GetBucketReplication",
        action="s3:GetReplicationConfiguration",
        absent=("ReplicationConfigurationNotFoundError",),
    ),
)
