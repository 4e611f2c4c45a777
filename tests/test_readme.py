"""What README says is so: its code runs, its commands parse, its tables are the registries."""

import io
import re
import shlex
import zipfile
from pathlib import Path

import pytest

from forensics import evidence
from forensics.case import Case
from forensics.cli import main
from forensics.load import load
from forensics.playbook import playbooks
from forensics.simulate import simulate
from forensics.sources import sources
from tests.moto_server import made, moto_server

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text("utf-8")
TOUR = TEXT.split("## A tour")[1]


def block(text: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found, f"README has no {language} block there"
    return found[1]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a loaded case named `case` and the logs it came from, as the tour has them."""
    simulate("lambda-credential-theft", tmp_path / "incident", scale=0.05)
    with Case.create(tmp_path / "case") as case:
        evidence.add(case, tmp_path / "incident" / "logs")
        load(case)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_of_the_tour_runs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block(TOUR, "python"), "README.md", "exec"), {})

    assert "FROM event" in capsys.readouterr().out


def test_the_commands_of_the_tour_run(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [shlex.split(line, comments=True)[1:] for line in block(TOUR, "sh").splitlines()]
    with Case.open("case") as case:
        (event_id,) = case.sql("SELECT event_id FROM event WHERE source = 'guardduty' LIMIT 1").rows()[0]
    stands_for = {"EVENT_ID": event_id, "/path/to/logs": str(place / "incident" / "logs")}
    for words in lines:
        given = [stands_for.get(word, word) for word in words]
        given = ["new", "other"] if given[0] == "new" else given
        if given[0] != "run":
            assert main(given) == 0, (words, capsys.readouterr().err)


def test_the_commands_that_ask_aws_run(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = TOUR.split("<!-- aws -->")[1]
    with moto_server() as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        put_logs(endpoint, place / "incident" / "logs")
        for line in block(text, "sh").splitlines():
            words = shlex.split(line, comments=True)[1:]
            proved = 1 if "--digests" in words else 0  # this incident has no digests: nothing is proved
            assert main(words) == proved, (words, capsys.readouterr().err)
    with Case.open("case") as case:
        uris = case.sql("SELECT count(*) FROM evidence WHERE uri LIKE 's3://example-trail-logs/%'").rows()[0][0]
        asked = case.sql("SELECT DISTINCT kind, outcome FROM acquisition ORDER BY kind").rows()
    assert uris and ("s3", "complete") in asked


def put_logs(endpoint: str, logs: Path) -> None:
    """A bucket with the logs of the incident, and the function it was about."""
    s3, roles, functions = (made(endpoint, name) for name in ("s3", "iam", "lambda"))
    s3.create_bucket(Bucket="example-trail-logs")
    for path in sorted(logs.rglob("AWSLogs/**/*")):
        if path.is_file():
            key = path.as_posix()[path.as_posix().index("AWSLogs/") :]
            s3.put_object(Bucket="example-trail-logs", Key=key, Body=path.read_bytes())
    role = roles.create_role(RoleName="orders-role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as packed:
        packed.writestr("handler.py", "def run(event, context): ...")
    functions.create_function(
        FunctionName="orders-fn",
        Runtime="python3.13",
        Role=role,
        Handler="handler.run",
        Code={"ZipFile": code.getvalue()},
    )


def test_the_sources_of_readme_are_the_registry() -> None:
    table = TEXT.split("| source | what |")[1].split("\n\n")[0]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(sources())


def test_the_playbooks_of_readme_are_the_registry() -> None:
    table = TEXT.split("| playbook | question |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", table, re.MULTILINE)

    assert rows == [(name, item.question) for name, item in playbooks().items()]


def test_every_file_that_readme_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)

    assert [link for link in links if not (ROOT / link).exists()] == []
