"""The playbook, run for real on made-up incidents whose truth is known, and held to it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.errors import UsageError
from forensics.playbook import playbook
from forensics.raw import raw_record
from forensics.simulate import simulate
from forensics.sources import sources
from tests.playbooks.runs import KEYS, Investigation, Json, made_case, parsed, precision_and_recall, shown

NAME = "lambda-credential-theft"


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
    precision, recall = precision_and_recall(stolen.cited, wanted)
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
def test_without_records_of_the_function_the_playbook_is_not_begun(seven: Path, tmp_path: Path, kept: str) -> None:
    found = [path for path in seven.parent.glob(f"logs/**/{kept}") if path.is_dir()]
    if found:
        case = made_case(tmp_path / "case", found[0])
    else:
        case = tmp_path / "case"
        Case.create(case).close()
    with pytest.raises(UsageError, match="no workload named 'orders-fn'") as stopped:
        playbook(NAME).run(case, {"workload": "orders-fn"}, tmp_path / "out")
    assert "\n" not in str(stopped.value)
    assert not (tmp_path / "out").exists()
