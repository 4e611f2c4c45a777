"""The code of functions and layers is kept as deployed, and its SHA-256 is checked against Lambda's own."""

import base64
import hashlib
import json
from collections.abc import Callable

import pytest

from forensics import cli
from forensics.acquire.collect import Collected, collect
from forensics.acquire.download import NotHad, download
from forensics.acquire.sets import steps
from forensics.acquire.step import Wanted
from forensics.aws import Aws
from forensics.case import Case
from forensics.load import load
from tests.acquire.aws_worlds import package
from tests.meddling import Answer, Meddler, Request

FIRST, SECOND, LAYER = package(), package("changed = True"), package("tools = 1")
ZIP = "application/zip"


def sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def packages(between: Meddler, served: Callable[[str], Answer]) -> None:
    """Addresses of code lead to the proxy, which serves `served(version)`; so does that of the layer."""

    def located(request: Request, body: bytes) -> bytes:
        found = json.loads(body) if body.startswith(b"{") else {}
        if isinstance(found, dict) and "Location" in found.get("Code", {}):
            found["Code"]["Location"] = f"{between.url}/code/{found['Configuration']['Version']}?X-Amz-Signature=s3cret"
        return json.dumps(found).encode() if "Code" in found else body

    layer = {"Content": {"Location": f"{between.url}/code/layer?X-Amz-Signature=s3cret", "CodeSha256": sha256(LAYER)}}
    between.alter = located
    between.rules += [
        lambda asked: served(asked.path.split("/")[2].split("?")[0]) if asked.path.startswith("/code/") else None,
        lambda asked: (
            (200, "application/json", json.dumps(layer).encode()) if "find=LayerVersion" in asked.path else None
        ),
    ]


def code(version: str) -> Answer:
    return 200, ZIP, {"1": FIRST, "layer": LAYER}.get(version, SECOND)


def collected(case: Case, aws: Aws, *functions: str) -> Collected:
    return collect(case, aws, [steps()["lambda-code"]], wanted=Wanted(functions=functions))


def kept(case: Case) -> list[tuple[object, ...]]:
    names = "regexp_extract(uri, 'lambda/(.*)', 1)"
    return case.sql(f"SELECT {names}, sha256, reason, status FROM evidence ORDER BY 1").rows()


def test_each_version_and_layer_is_kept_once_with_its_sha256(case: Case, aws: Aws, between: Meddler) -> None:
    packages(between, code)
    found = collected(case, aws, "shop")
    assert found.outcome == "complete"
    assert kept(case) == [
        ("code/shop/%24LATEST/shop.zip", hashlib.sha256(SECOND).hexdigest(), None, "pending"),
        ("code/shop/1/shop.zip", hashlib.sha256(FIRST).hexdigest(), None, "pending"),
        (
            "layer/arn:aws:lambda:us-east-1:123456789012:layer:tools:1.zip",
            hashlib.sha256(LAYER).hexdigest(),
            None,
            "pending",
        ),
    ]
    rows = case.sql("SELECT version_id, metadata->>'codesha256' FROM evidence WHERE uri LIKE '%/1/%'").rows()
    assert rows == [("1", sha256(FIRST))]


def test_no_credentials_go_with_a_download(case: Case, aws: Aws, between: Meddler) -> None:
    headers: list[dict[str, str]] = []

    def served(request: Request) -> Answer | None:
        if not request.path.startswith("/code/"):
            return None
        headers.append(request.headers)
        return code(request.path.split("/")[2].split("?")[0])

    packages(between, code)
    between.rules.insert(0, served)
    collected(case, aws, "shop:1")
    assert headers
    assert not [
        name for sent in headers for name in sent if name in ("authorization", "x-amz-security-token", "cookie")
    ]


def test_code_that_is_not_what_lambda_says_is_kept_and_told(case: Case, aws: Aws, between: Meddler) -> None:
    packages(between, lambda version: (200, ZIP, b"something else"))
    found = collected(case, aws, "shop:1")
    assert found.outcome == "partial"
    assert [problem["code"] for problem in found.problems] == ["CodeSha256", "CodeSha256"]
    _, digest, reason, status = kept(case)[0]
    assert (digest, status) == (hashlib.sha256(b"something else").hexdigest(), "rejected")
    assert f"Lambda says {sha256(FIRST)}" in str(reason)


def test_code_that_is_not_served_is_noted_without_its_signature(case: Case, aws: Aws, between: Meddler) -> None:
    packages(between, lambda version: (403, "text/xml", b"<Error/>"))
    found = collected(case, aws, "shop:1")
    assert [(item["code"], "s3cret" in str(item)) for item in found.problems] == [("403", False), ("403", False)]
    assert kept(case) == []


@pytest.mark.parametrize(
    ("served", "said"),
    [
        (code, "2 code packages, each with the SHA-256 that Lambda says"),
        (lambda _: (200, ZIP, b"other"), "2 code packages, 2 of them with another SHA-256 than Lambda says"),
    ],
)
def test_the_command_says_whether_the_code_is_as_lambda_says(
    case: Case,
    aws: Aws,
    between: Meddler,
    served: Callable[[str], Answer],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    packages(between, served)
    case.close()
    options = ["--function", "shop:1", "--endpoint-url", between.url, "--region", "us-east-1"]
    assert cli.main(["collect", str(case.path), "lambda-code", *options]) == 0
    assert said in capsys.readouterr().out.splitlines()


def test_without_names_the_code_of_all_functions_is_kept(case: Case, aws: Aws, between: Meddler) -> None:
    packages(between, code)
    collected(case, aws)
    assert {name.split("/")[1] for name, *_ in kept(case) if str(name).startswith("code/")} == {"shop", "other"}  # type: ignore[attr-defined]


def test_a_code_package_is_no_log(case: Case, aws: Aws, between: Meddler) -> None:
    packages(between, code)
    collected(case, aws, "shop:1")
    ledger = load(case, workers=1)
    assert set(ledger.objects) == {"unrecognised"}


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("file:///etc/passwd", None),
        ("ftp://x/y", None),
        ("http://203.0.113.9/code", None),
        ("http://127.0.0.1:1/code", None),
        ("http://127.0.0.1:1/code", "https://lambda.us-east-1.amazonaws.com"),
        ("", None),
    ],
)
def test_only_https_is_followed(url: str, endpoint: str | None) -> None:
    with pytest.raises(NotHad) as stop:
        download(url, endpoint=endpoint)
    assert stop.value.trouble.code == "NotHttps"


def test_a_redirect_is_not_followed(between: Meddler) -> None:
    between.rules.append(lambda asked: (302, "text/plain", b""))
    with pytest.raises(NotHad, match="answered 302"):
        download(f"{between.url}/code", endpoint=between.url)
