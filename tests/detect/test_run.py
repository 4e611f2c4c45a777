"""Rules over a whole case: states, findings, filters, allow lists, correlations."""

from pathlib import Path

import pytest

from forensics.analysis import suspects, triage
from forensics.case import Case
from forensics.errors import UsageError
from forensics.fitting import fitting
from tests.detect.run_worlds import DEV, OPS, about, at, detect, findings, hold, states, whys
from tests.detect.sigma_worlds import LOGSOURCE, rule, text
from tests.fresh import fresh_case
from tests.worlds import ACCOUNT

# States


def test_a_file_that_is_no_yaml_costs_no_other_file(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"))
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yml").write_text("title: cut off\ndetection: [\n")
    (folder / "b.yml").write_text(
        text(
            about("CreateUser"),
            about("DeleteUser"),
            rule({"eventName": "CreateUser", "requestParameters.nowhere": "x"}, title="no such field"),
            rule({"EventID": 4624}, title="windows", logsource={"product": "windows", "service": "security"}),
            rule({"cs-method": "GET"}, title="web", logsource={"category": "webserver"}),
            rule({"eventName|bogus": "x"}, title="no such modifier"),
        )
        + "---\njust text\n---\ntitle: nothing\n"
    )
    found = case.detect(folder)
    assert [(item.state, item.why) for item in found.outcomes] == [
        ("not convertible", "not YAML: did not find expected node content"),
        ("fired", ""),
        ("loaded", "no such call in this case"),
        ("inert", "no record it concerns has requestParameters.nowhere"),
        ("inert", "no source of AWS has what its logsource windows/security means"),
        ("inert", "the case has no records of alb, clb, cloudfront, s3_access, waf, api_gateway"),
        ("not convertible", "Unknown modifier 'bogus'"),
        ("not convertible", "not a Sigma rule: no mapping of names to values"),
        ("not convertible", "not a Sigma rule: it has neither detection, correlation nor filter"),
    ]
    lines = (folder / "b.yml").read_text().splitlines()
    wrong = [lines[item.rule.line - 1] for item in found.outcomes[-3:]]
    assert wrong == ["    eventName|bogus: x", "---", "---"]
    assert str(found) == "9 rules: 1 fired, 1 loaded, 3 inert, 4 not convertible; 1 findings"


def test_a_rule_is_blind_where_its_source_was_not_logged_in_the_window(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"), at("12:00:00"))
    found = detect(case, tmp_path, about("CreateUser"), start="2026-11-05T10:00", end="2026-11-05T11:00")
    assert states(found) == {"CreateUser": ("blind", 0)}
    assert whys(found) == {"CreateUser": "cloudtrail was not logged in the window"}


def test_the_window_bounds_what_is_looked_at(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"), at("12:00:00"))
    assert states(detect(case, tmp_path, about("CreateUser"), start="2026-11-05T10:00")) == {"CreateUser": ("fired", 1)}


def test_an_excluded_field_that_is_nowhere_makes_no_rule_inert(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"))
    body = {"a": {"eventName": "CreateUser"}, "b": {"requestParameters.nowhere": "x"}, "condition": "a and not b"}
    assert states(detect(case, tmp_path, rule(body))) == {"A rule": ("fired", 1)}


def test_rules_of_one_id_are_told(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"))
    found = detect(case, tmp_path, about("CreateUser"), about("CreateUser"))
    assert [item.state for item in found.outcomes] == ["fired", "not convertible"]
    assert found.outcomes[1].why.startswith("its id is already that of ")


def test_a_case_open_for_reading_is_refused(tmp_path: Path) -> None:
    fresh_case(tmp_path / "case").close()
    with Case.open(tmp_path / "case") as reading, pytest.raises(UsageError, match="read_only=False"):
        reading.detect()


def test_an_empty_case_has_inert_rules_and_no_findings(case: Case, tmp_path: Path) -> None:
    assert states(detect(case, tmp_path, about("CreateUser"))) == {"CreateUser": ("inert", 0)}


# Findings


def test_hits_of_one_rule_and_principal_are_one_finding(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"), at("09:10:00"), at("09:20:00", OPS))
    found = detect(case, tmp_path, about("CreateUser", level="high"))
    assert found.findings == {0: 2}
    con = case.connection
    assert findings(con) == [
        ("CreateUser", "CreateUser", OPS["arn"]),
        ("CreateUser", "CreateUser (2 events)", DEV["arn"]),
    ]
    row = con.execute("SELECT severity, access_key_id, time, end_time FROM finding WHERE principal = ?", [DEV["arn"]])
    ((severity, key, first, last),) = row.fetchall()
    assert (severity, key, f"{first:%H:%M}", f"{last:%H:%M}") == (7.0, DEV["accessKeyId"], "09:00", "09:10")
    assert con.execute("SELECT count(*), min(why) FROM finding_evidence").fetchall() == [(3, "CreateUser")]


def test_running_again_replaces_and_keeps_the_ids(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"))
    ids = []
    for _ in range(2):
        detect(case, tmp_path, about("CreateUser"))
        ids.append(case.connection.execute("SELECT finding_id FROM finding").fetchall())
    assert ids[0] == ids[1]
    detect(case, tmp_path, about("DeleteUser"))
    assert findings(case.connection) == []


# Filters and allow lists


def test_a_filter_takes_what_it_names_out_of_the_rules_it_names(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"), at("09:20:00", OPS))
    known = {"selection": {"userIdentity.userName": "ops"}, "condition": "not selection"}
    made = {"title": "Ops", "logsource": LOGSOURCE, "filter": {"rules": ["id-CreateUser"]} | known}
    other = rule({"eventName": "CreateUser"}, title="other")
    assert states(detect(case, tmp_path, about("CreateUser"), other, made)) == {
        "CreateUser": ("fired", 1),
        "other": ("fired", 2),
        "Ops": ("loaded", 0),
    }
    made["filter"]["rules"] = "any"
    assert states(detect(case, tmp_path, about("CreateUser"), other, made))["other"] == ("fired", 1)


@pytest.mark.parametrize("line", ['principals: ["*:user/ops"]', "addresses: [198.51.100.0/24]", "user_agents: [ops-*]"])
def test_the_allowed_are_left_out_and_counted(case: Case, tmp_path: Path, line: str) -> None:
    hold(case, at("09:00:00"), at("09:20:00", OPS, sourceIPAddress="198.51.100.7", userAgent="OPS-tool"))
    (tmp_path / "allow.yml").write_text(line)
    found = detect(case, tmp_path, about("CreateUser"), allowed=tmp_path / "allow.yml")
    assert (states(found), whys(found)) == ({"CreateUser": ("fired", 1)}, {"CreateUser": "1 allowed"})


@pytest.mark.parametrize("content", ["hosts: [a]", "addresses: [nowhere]", "principals: ops", "- a", "a: ["])
def test_an_allow_list_that_is_none_is_refused(case: Case, tmp_path: Path, content: str) -> None:
    (tmp_path / "allow.yml").write_text(content)
    with pytest.raises(UsageError, match=r"allow\.yml"):
        detect(case, tmp_path, about("CreateUser"), allowed=tmp_path / "allow.yml")


def test_findings_of_rules_are_in_the_account(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"))
    detect(case, tmp_path, about("CreateUser"))
    (finding_id,) = case.connection.execute("SELECT finding_id FROM finding").fetchall()[0]
    card = case.finding(finding_id)
    assert card.heading == "CreateUser"
    assert [row[11] for row in card.evidence().rows()] == [f"iam:CreateUser-09:00:00-{DEV['userName']}"]
    assert ACCOUNT in str(card.principal)


def test_a_finding_of_one_of_our_rules_leads_to_its_playbook(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00", name="cloudtrail:StopLogging"))
    case.detect()
    (finding_id,) = case.connection.execute("SELECT finding_id FROM finding WHERE source = 'sigma'").fetchall()[0]
    assert [item.playbook.name for item in fitting(case, finding_id)] == ["guardduty-triage", "log-tampering"]
    (statement,) = [item for item in triage.investigate(case, finding_id=finding_id).own() if item.id == "finding-01"]
    assert statement.title == "A rule: CloudTrail stopped or narrowed"
    assert [item.event_id for item in statement.evidence] == ["cloudtrail:StopLogging-09:00:00-dev"]


def test_a_hit_of_a_rule_accuses_nobody(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00", name="cloudtrail:StopLogging"))
    case.detect()
    assert case.connection.execute("SELECT count(*) FROM finding WHERE access_key_id IS NOT NULL").fetchall() == [(1,)]
    (suspect,) = suspects.suspects(case, ["cloudtrail:StopLogging-09:00:00-dev"])
    assert [item.kind for item in suspect.reasons if item.kind in ("finding", "anomaly")] == []
