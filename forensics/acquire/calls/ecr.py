"""ECR: repositories, images and their manifests; "Actions" in the Amazon ECR API Reference.

Images are described before their manifests are asked for: that may count as a pull (`lastRecordedPullTime`).
"""

from functools import partial

from forensics.acquire.calls.call import Call

_REPOSITORY = "AWS::ECR::Repository"
_each = partial(
    Call, "ecr", for_each="DescribeRepositories", given={"repositoryName": "repositoryName"}, about="repositoryName"
)

CALLS = (
    Call(
        "ecr",
        "DescribeRepositories",
        "repositories",
        _REPOSITORY,
        resource_id="repositoryName",
        arn="repositoryArn",
        created="createdAt",
    ),
    _each(
        "DescribeImages",
        "imageDetails",
        "AWS::ECR::Image",
        resource_id="imageDigest",
        name="imageTags",
        created="imagePushedAt",
    ),
    Call(
        "ecr",
        "BatchGetImage",
        "images",
        "AWS::ECR::Image",
        resource_id="imageId.imageDigest",
        name="imageId.imageTag",
        for_each="DescribeImages",
        given={"repositoryName": "repositoryName", "imageIds": "{imageDigest: imageDigest}"},
        batch=100,
    ),
    _each("GetRepositoryPolicy", "@", _REPOSITORY, absent=("RepositoryPolicyNotFoundException",)),
    Call(
        "ecr",
        "GetRegistryPolicy",
        "@",
        "AWS::ECR::RegistryPolicy",
        "registryId",
        absent=("RegistryPolicyNotFoundException",),
    ),
)
