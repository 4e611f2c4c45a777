"""The playbook, run for real on made-up incidents whose truth is known, and held to it."""

import ast
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest

from forensics import evidence
from forensics.case import Case
from forensics.errors import UsageError
from forensics.load import load
from forensics.playbook import RunResult, playbook, playbooks
from forensics.raw import raw_record
from forensics.simulate import simulate
from forensics.sources import sources

NAME = "lambda-credential-theft"
KEYS = ["id", "title", "statement", "time", "certainty", "technique", "principal", "workload", "resources", "evidence"]
Json = dict[str, Any]


@dataclass(frozen=True)
class Investigation:
    """A made-up incident, the case it became and what the playbook said."""

    truth: Json
    case: Path
    result: RunResult

    @property
    def findings(self) -> list[Json]:
        return json.loads(self.result.findings.read_text("utf-8"))

    @property
    def cited(self) -> set[str]:
        return {item["event_id"] for found in self.findings for item in found["evidence"]}

    @property
    def html(self) -> str:
        return self.result.report.read_text("utf-8")

    @property
    def text(self) -> str:
        """What a reader of the report sees."""
        return shown(self.html)


def made_case(root: Path, logs: Path) -> Path:
    """A case with everything under `logs`."""
    with Case.create(root) as case:
        evidence.add(case, logs)
        load(case, workers=1)
    return root


def incident(root: Path, seed: int) -> Path:
    """A made-up incident without much of a background; the path of its truth."""
    return simulate(NAME, root / "incident", seed=seed, scale=0.2)


@pytest.fixture(scope="session", params=[7, 20])
def stolen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Investigation:
    """The incident of a seed, investigated by the function's name."""
    root = tmp_path_factory.mktemp("theft")
    truth = incident(root, request.param)
    told = json.loads(truth.read_bytes())
    case = made_case(root / "case", truth.parent / "logs")
    return Investigation(told, case, playbook(NAME).run(case, told["parameters"], root / "out"))


@pytest.fixture(scope="session")
def seven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The incident of seed 7, not loaded."""
    return incident(tmp_path_factory.mktemp("seven"), 7)


class _Shown(HTMLParser):
    """Text outside scripts and styles, and every element with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._silent = tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


def parsed(html: str) -> _Shown:
    parser = _Shown()
    parser.feed(html)
    return parser


def shown(html: str) -> str:
    return " ".join(parsed(html).words)


def expected(told: Json, case: Case) -> set[str]:
    """The ids of every record that shows the incident."""
    requests = [item["request_id"] for item in told["invocations"] if item["suspicious"]]
    lines = case.sql(
        "SELECT object_id || '/' || record FROM lambda_log WHERE list_contains(?, request_id)", (requests,)
    ).rows()
    return (
        {item["event_id"] for item in (*told["attack_events"], *told["attack_flows"])}
        | {item["finding_id"] for item in told["findings"] if item["malicious"]}
        | {told["stolen"]["issuance_event_id"]}
        | {row[0] for row in lines}
    )


def test_precision_and_recall_over_cited_records_are_one(
    stolen: Investigation, record_property: Callable[[str, object], None]
) -> None:
    with Case.open(stolen.case) as case:
        wanted = expected(stolen.truth, case)
    right = wanted & stolen.cited
    precision, recall = len(right) / len(stolen.cited), len(right) / len(wanted)
    seed = f"{NAME}, seed {stolen.truth['seed']}"
    record_property("figures", f"{seed}: precision {precision:.3f}, recall {recall:.3f}, {len(wanted)} records")
    assert (precision, recall) == (1.0, 1.0), (sorted(stolen.cited - wanted), sorted(wanted - stolen.cited))


def test_the_report_names_what_was_stolen_from_where_and_what_came_of_it(stolen: Investigation) -> None:
    told = stolen.truth["stolen"]
    used = [item for item in stolen.truth["credentials"] if item["malicious"] and item["kind"] != "forward"]
    derived = [item["access_key_id"] for item in used]
    named = [told["access_key_id"], told["workload"], told["issuance_event_id"], *told["foreign_addresses"], *derived]
    assert len(derived) == 3
    assert [name for name in named if name not in stolen.text] == []


def test_the_report_opens_with_the_first_foreign_use(stolen: Investigation) -> None:
    first = stolen.truth["stolen"]["first_foreign_use"].replace("T", " ").replace("Z", "").removesuffix(".000")
    assert f"was used from outside, first at {first} UTC, from 203.0.113.77." in stolen.text


def test_bytes_that_left_are_those_of_the_truth(stolen: Investigation) -> None:
    listing = 9_114
    assert f"S3 sent {(stolen.truth['bytes_out']['s3'] + listing) / 1e6:.1f} MB" in stolen.text
    flows = [
        item["statement"]
        for item in stolen.findings
        if item["id"].startswith("flow") and "nothing in evidence" not in item["statement"]
    ]
    sent = sum(_octets(*re.search(r": ([\d.]+) (kB|MB) towards", text).groups()) for text in flows)  # type: ignore[union-attr]
    assert sent == pytest.approx(stolen.truth["bytes_out"]["flow"], rel=0.002)


def _octets(number: str, unit: str) -> float:
    return float(number) * {"kB": 1e3, "MB": 1e6}[unit]


def test_the_shared_interface_is_said_to_be_shared(stolen: Investigation) -> None:
    shared = [item for item in stolen.findings if item["certainty"] == "shared"]
    (flow,) = shared
    assert [name.rpartition(":")[2] for name in flow["resources"]] == ["billing-fn", "orders-fn"]
    assert flow["workload"] is None


def test_findings_have_their_keys_and_every_citation_resolves(stolen: Investigation) -> None:
    assert [list(item) for item in stolen.findings] == [KEYS] * len(stolen.findings)
    cited = {json.dumps(item, sort_keys=True): item for found in stolen.findings for item in found["evidence"]}
    with Case.open(stolen.case) as case:
        wrong = [item["event_id"] for item in cited.values() if not _resolves(case, item)]
    assert wrong == []
    assert {tuple(sorted(item)) for item in cited.values()} == {("event_id", "record", "sha256", "uri")}


def _resolves(case: Case, item: Json) -> bool:
    """Whether the raw record at that place of that object is the event's."""
    rows = case.sql("SELECT object_id FROM evidence WHERE sha256 = ? AND uri = ?", (item["sha256"], item["uri"])).rows()
    record = raw_record(case, f"{rows[0][0]}#{item['record']}")
    own_id = item["event_id"] != f"{item['sha256'][:16]}/{item['record']}"
    return f'"{item["event_id"]}"' in record if own_id else record == raw_record(case, item["event_id"])


def test_the_report_loads_nothing_and_holds_plotly_once(stolen: Investigation) -> None:
    elements = parsed(stolen.html).elements
    assert [tag for tag, _ in elements if tag in {"link", "iframe", "object", "embed", "base", "form", "img"}] == []
    assert [
        a for _, a in elements if any((a.get(n) or "").startswith(("http", "//")) for n in ("src", "href", "srcset"))
    ] == []
    styles = "".join(re.findall(r"<style>(.*?)</style>", stolen.html, re.DOTALL))
    assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", styles)
    scripts = [text for text in re.findall(r"<script>(.*?)</script>", stolen.html, re.DOTALL) if "plotly.js v" in text]
    assert len(scripts) == 1
    assert len(stolen.html.encode()) < 7_000_000


@pytest.mark.parametrize("stolen", [7], indirect=True)
def test_a_function_whose_credentials_stayed_at_home_is_said_to_have_none_stolen(
    stolen: Investigation, tmp_path: Path
) -> None:
    result = playbook(NAME).run(stolen.case, {"workload": "billing-fn"}, tmp_path / "out")
    assert json.loads(result.findings.read_text()) == []
    text = shown(result.report.read_text("utf-8"))
    assert (
        "No use of credentials of arn:aws:lambda:us-east-1:111122223333:function:billing-fn from outside was found"
        in text
    )
    assert "Nothing was found." in text


def test_with_cloudtrail_alone_the_theft_is_found_and_the_missing_logs_are_named(seven: Path, tmp_path: Path) -> None:
    (bucket,) = [path for path in seven.parent.glob("logs/**/CloudTrail") if path.is_dir()][:1]
    case = made_case(tmp_path / "case", bucket)
    result = playbook(NAME).run(case, {"workload": "orders-fn"}, tmp_path / "out")
    truth = json.loads(seven.read_bytes())
    cited = {item["event_id"] for found in json.loads(result.findings.read_text()) for item in found["evidence"]}
    assert {item["event_id"] for item in truth["attack_events"]} <= cited
    text = shown(result.report.read_text("utf-8"))
    for source in ("vpc_flow", "guardduty", "lambda_log"):
        assert f"no {sources()[source].title} are in the evidence" in text


@pytest.mark.parametrize("kept", ["vpcflowlogs", "none"])
def test_without_records_of_the_function_the_playbook_stops_and_says_so(seven: Path, tmp_path: Path, kept: str) -> None:
    found = [path for path in seven.parent.glob(f"logs/**/{kept}") if path.is_dir()]
    if found:
        case = made_case(tmp_path / "case", found[0])
    else:
        case = tmp_path / "case"
        Case.create(case).close()
    with pytest.raises(UsageError, match="no workload named 'orders-fn'") as stopped:
        playbook(NAME).run(case, {"workload": "orders-fn"}, tmp_path / "out")
    assert "\n" not in str(stopped.value)
    notebook = (tmp_path / "out" / "notebook.ipynb").read_text("utf-8")
    assert sources()["cloudtrail"].title in notebook


@pytest.fixture(params=sorted(playbooks()))
def each(request: pytest.FixtureRequest) -> Any:
    """Every playbook of the package and its notebook."""
    item = playbooks()[request.param]
    return item, nbformat.read(item.path, as_version=4)  # type: ignore[no-untyped-call]


def test_every_playbook_tells_its_question_sources_and_parameters(each: Any) -> None:
    item, notebook = each
    assert item.question.endswith("?") and item.title
    assert item.sources and set(item.sources) <= set(sources())
    assert all(parameter.description and parameter.type for parameter in item.parameters)
    assert notebook.metadata.kernelspec.name == "python3"


def test_every_playbook_has_its_question_first_and_its_parameters_second(each: Any) -> None:
    _, notebook = each
    first, second = notebook.cells[:2]
    assert (first.cell_type, first.source.startswith("# "), "?" in first.source) == ("markdown", True, True)
    assert second.metadata.tags == ["parameters"]


def test_every_cell_of_a_playbook_is_short_and_committed_without_outputs(each: Any) -> None:
    _, notebook = each
    for cell in (cell for cell in notebook.cells[2:] if cell.cell_type == "code"):
        body = ast.parse(cell.source).body
        assert len(body) <= 3 or all(isinstance(item, ast.Import | ast.ImportFrom) for item in body), cell.source
        assert (cell.outputs, cell.execution_count) == ([], None)
