"""Only reads leave this package; who is calling is known; what AWS answers is said in words."""

import ast
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError, EndpointConnectionError

from forensics.acquire.calls import calls
from forensics.aws import CALL_ERRORS, Aws, is_read, trouble
from forensics.errors import AwsError, UsageError
from tests.moto_server import ACCOUNT, moto_server

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as found:
        yield found


@pytest.fixture
def aws(endpoint: str) -> Aws:
    return Aws(region="us-east-1", endpoint=endpoint)


def denied(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetObject")


def test_the_caller_is_who_the_credentials_are(aws: Aws) -> None:
    assert aws.caller.account_id == ACCOUNT
    assert aws.caller.arn.startswith("arn:aws:") and aws.caller.partition == "aws"
    assert "us-east-1" in aws.regions()


def test_what_is_no_read_is_refused_before_it_is_sent(aws: Aws) -> None:
    with pytest.raises(AwsError, match="s3:CreateBucket is not a read"):
        aws.call("s3", "CreateBucket", {"Bucket": "b"})
    with pytest.raises(AwsError, match="not a read"):
        aws.client("s3").put_object(Bucket="b", Key="k", Body=b"")
    assert aws.call("s3", "ListBuckets")["Buckets"] == []


def test_a_role_is_assumed_and_can_only_read_too(endpoint: str) -> None:
    aws = Aws(region="us-east-1", endpoint=endpoint, role="arn:aws:iam::111122223333:role/responder")
    assert aws.caller.account_id == "111122223333"
    with pytest.raises(AwsError, match="not a read"):
        aws.client("iam").delete_user(UserName="u")


def test_without_credentials_it_says_so(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(AwsError, match=r"does not say who is calling: NoCredentialsError.*check the profile"):
        _ = Aws(endpoint=endpoint).caller
    with pytest.raises(UsageError, match="no AWS session: The config profile"):
        _ = Aws(profile="nobody", endpoint=endpoint).caller


@pytest.mark.parametrize(
    ("error", "kind", "stops"),
    [
        (denied("AccessDenied"), "denied", False),
        (denied("AccessDenied", "User is not authorized to perform: kms:Decrypt"), "kms", False),
        (denied("ExpiredToken"), "expired", True),
        (denied("RequestTimeTooSkewed"), "clock", True),
        (denied("SlowDown"), "throttled", False),
        (denied("NoSuchKey"), "missing", False),
        (denied("InvalidObjectState"), "archived", False),
        (denied("Whatever", "no\nlines"), "other", False),
        (EndpointConnectionError(endpoint_url="http://x"), "network", False),
    ],
)
def test_what_an_error_means_is_said_in_words(error: Exception, kind: str, stops: bool) -> None:
    found = trouble(error)
    assert (found.kind, found.stops) == (kind, stops)
    assert "\n" not in str(found)
    assert isinstance(error, CALL_ERRORS)


@pytest.mark.parametrize("item", calls().values(), ids=lambda item: f"{item.service}:{item.operation}")
def test_a_declared_call_is_an_operation_that_reads(item: object) -> None:
    service, operation = item.service, item.operation  # type: ignore[attr-defined]
    assert is_read(service, operation)
    model = botocore.session.get_session().get_service_model(service)
    assert operation in model.operation_names


def test_only_one_module_imports_boto3() -> None:
    asking = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "forensics").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name.split(".")[0] == "boto3"
    }
    assert asking == {"forensics/aws.py"}


def operations() -> dict[str, set[tuple[str, str]]]:
    """Operations of every service that is asked, under their names in the API and as methods of boto3."""
    session = botocore.session.get_session()
    services = {item.service for item in calls().values()} | {"s3", "sts", "logs", "cloudtrail", "guardduty", "config"}
    found: dict[str, set[tuple[str, str]]] = {}
    for service in services:
        for name in session.get_service_model(service).operation_names:
            for said in (name, xform_name(name)):
                found.setdefault(said, set()).add((service, name))
    return found


def test_every_operation_that_the_source_names_is_a_read() -> None:
    """Texts that name an operation of some service that is asked, and methods of that name that are called."""
    known = operations()
    named = {
        said
        for path in (ROOT / "forensics").rglob("*.py")
        if "simulate" not in path.parts  # what is made up there has names of operations
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for said in words(node, texts="acquire" in path.parts or path.name in ("aws.py", "live.py"))
        if said in known
    }
    assert {"get_object", "assume_role", "DescribeInstances"} <= named
    assert [said for said in sorted(named) if not any(is_read(*operation) for operation in known[said])] == []


def words(node: ast.AST, *, texts: bool) -> list[str]:
    """The method that is called, of more than one word: others have such names too; of modules that ask AWS every text.

    What is sent is judged when it is sent, whatever it is called.
    """
    if texts and isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "_" in node.func.attr:
        return [node.func.attr]
    return []
