"""Rules over a whole case: states, findings, filters, allow lists, correlations."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from forensics import coverage, identity
from forensics.analysis import suspects, triage
from forensics.case import Case
from forensics.detect.report import Detection
from forensics.errors import UsageError
from forensics.fitting import fitting
from tests.detect.sigma_worlds import LOGSOURCE, rule, text
from tests.fresh import fresh_case
from tests.worlds import ACCOUNT, Record, add, call, user

DEV = user()
OPS = user("ops", key="AKIAEXAMPLEOPS", uid="AIDAEXAMPLEOPS")
FROM = {"sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2"}


@pytest.fixture(scope="module")
def one_case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with fresh_case(tmp_path_factory.mktemp("run") / "case") as case:
        yield case


@pytest.fixture
def case(one_case: Case) -> Case:
    for table in ("stored.cloudtrail", "finding", "finding_evidence", "coverage"):
        one_case.connection.execute(f"DELETE FROM {table}")
    return one_case


def hold(case: Case, *records: Record) -> None:
    """Put calls into the case, with what rules need of its resolution."""
    add(case.connection, "cloudtrail", list(records))
    for stage in (identity, coverage):
        stage.resolve(case.connection)


def at(clock: str, who: Record = DEV, name: str = "iam:CreateUser", **more: Any) -> Record:
    return call(who, name, at=clock, eventID=f"{name}-{clock}-{who['userName']}") | FROM | more


def detect(case: Case, tmp_path: Path, *documents: dict[str, Any] | str, **options: Any) -> Detection:
    path = tmp_path / "rules.yml"
    path.write_text("---\n".join(part if isinstance(part, str) else text(part) for part in documents), "utf-8")
    return case.detect(path, **options)


def states(found: Detection) -> dict[str, tuple[str, int]]:
    return {item.rule.title: (item.state, item.hits) for item in found.outcomes}


def whys(found: Detection) -> dict[str, str]:
    return {item.rule.title: item.why for item in found.outcomes}


def findings(con: duckdb.DuckDBPyConnection) -> list[Any]:
    return con.execute(
        "SELECT type, title, principal FROM finding WHERE source = 'sigma' ORDER BY title, principal"
    ).fetchall()


def about(name: str, **more: Any) -> dict[str, Any]:
    return rule({"eventName": name}, title=name, id=f"id-{name}", name=name.lower(), **more)


def correlation(kind: str, rules: list[str], **more: Any) -> dict[str, Any]:
    return {"title": "Together", "correlation": {"type": kind, "rules": rules, "timespan": "10m"} | more}


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


# Correlations: Sigma specification, "Sigma correlation rules"


def test_event_count_counts_within_the_span(case: Case, tmp_path: Path) -> None:
    counted = correlation("event_count", ["createuser"], condition={"gte": 3})
    hold(case, at("09:00:00"), at("09:05:00"), at("09:10:01"))
    assert states(detect(case, tmp_path, about("CreateUser"), counted))["Together"] == ("loaded", 0)
    hold(case, at("09:15:00"))
    assert states(detect(case, tmp_path, about("CreateUser"), counted))["Together"] == ("fired", 3)


def test_event_count_counts_each_group_apart(case: Case, tmp_path: Path) -> None:
    by = {"group-by": ["userIdentity.userName"], "condition": {"gte": 2}}
    hold(case, at("09:00:00"), at("09:01:00", OPS), at("09:02:00", OPS))
    found = detect(case, tmp_path, about("CreateUser"), correlation("event_count", ["createuser"], **by))
    assert states(found)["Together"] == ("fired", 2)
    assert findings(case.connection) == [("Together", "Together (2 events)", OPS["arn"])]


def test_a_group_is_all_fields_together(case: Case, tmp_path: Path) -> None:
    by = {"group-by": ["userIdentity.userName", "sourceIPAddress"], "condition": {"gte": 2}}
    hold(case, at("09:00:00"), at("09:01:00", sourceIPAddress="203.0.113.10"))
    found = detect(case, tmp_path, about("CreateUser"), correlation("event_count", ["createuser"], **by))
    assert states(found)["Together"] == ("loaded", 0)


def test_a_field_to_group_by_that_no_match_has_makes_it_inert(case: Case, tmp_path: Path) -> None:
    by = {"group-by": ["requestParameters.nowhere"], "condition": {"gte": 1}}
    hold(case, at("09:00:00"))
    found = detect(case, tmp_path, about("CreateUser"), correlation("event_count", ["createuser"], **by))
    assert states(found)["Together"] == ("inert", 0)
    assert "requestParameters.nowhere" in whys(found)["Together"]


@pytest.mark.parametrize(
    ("condition", "fires"),
    [({"gt": 1}, True), ({"eq": 2}, True), ({"lt": 2}, True), ({"lte": 0}, False), ({"gt": 2}, False)],
)
def test_conditions_of_counts(case: Case, tmp_path: Path, condition: dict[str, int], fires: bool) -> None:
    hold(case, at("09:00:00"), at("09:01:00"))
    found = detect(case, tmp_path, about("CreateUser"), correlation("event_count", ["createuser"], condition=condition))
    assert (states(found)["Together"][0] == "fired") is fires


def test_value_count_counts_distinct_values(case: Case, tmp_path: Path) -> None:
    distinct = {"group-by": ["sourceIPAddress"], "condition": {"field": "userIdentity.userName", "gte": 2}}
    rules = (about("CreateUser"), correlation("value_count", ["createuser"], **distinct))
    hold(case, at("09:00:00"), at("09:01:00"), at("09:02:00", OPS, sourceIPAddress="203.0.113.10"))
    assert states(detect(case, tmp_path, *rules))["Together"] == ("loaded", 0)
    hold(case, at("09:03:00", OPS))
    assert states(detect(case, tmp_path, *rules))["Together"] == ("fired", 3)


def test_temporal_wants_every_rule_within_the_span_in_any_order(case: Case, tmp_path: Path) -> None:
    both = correlation("temporal", ["createuser", "deleteuser"], **{"group-by": ["userIdentity.userName"]})
    rules = (about("CreateUser"), about("DeleteUser"), both)
    hold(case, at("09:00:00"), at("09:01:00", OPS, "iam:DeleteUser"), at("09:11:00", name="iam:DeleteUser"))
    assert states(detect(case, tmp_path, *rules))["Together"] == ("loaded", 0)
    hold(case, at("09:19:00"))
    assert states(detect(case, tmp_path, *rules))["Together"] == ("fired", 2)


def test_temporal_ordered_wants_the_order(case: Case, tmp_path: Path) -> None:
    names = ["createuser", "attach", "login"]
    three = correlation("temporal_ordered", names, **{"group-by": ["userIdentity.userName"]})
    rules = (about("CreateUser"), about("Attach"), about("Login"), three)
    hold(case, at("09:00:00"), at("09:02:00", name="iam:Login"), at("09:03:00", name="iam:Attach"))
    assert states(detect(case, tmp_path, *rules))["Together"] == ("loaded", 0)
    hold(case, at("09:10:01", name="iam:Login"))
    assert states(detect(case, tmp_path, *rules))["Together"] == ("loaded", 0)
    hold(case, at("09:00:30"))
    assert states(detect(case, tmp_path, *rules))["Together"][0] == "fired"


def test_a_number_of_rules_in_order_is_not_convertible_and_says_so(case: Case, tmp_path: Path) -> None:
    some = correlation("temporal_ordered", ["createuser", "attach"], condition={"gte": 1})
    hold(case, at("09:00:00"))
    found = detect(case, tmp_path, about("CreateUser"), about("Attach"), some)
    assert states(found)["Together"] == ("not convertible", 0)


def test_events_of_one_second_count_as_in_order(case: Case, tmp_path: Path) -> None:
    two = correlation("temporal_ordered", ["createuser", "attach"])
    hold(case, at("09:00:00"), at("09:00:00", name="iam:Attach"))
    assert states(detect(case, tmp_path, about("CreateUser"), about("Attach"), two))["Together"] == ("fired", 2)


def test_aliases_join_rules_by_fields_of_other_names(case: Case, tmp_path: Path) -> None:
    aliases = {"who": {"createuser": "requestParameters.userName", "login": "userIdentity.userName"}}
    joined = correlation("temporal", ["createuser", "login"], aliases=aliases, **{"group-by": ["who"]})
    rules = (about("CreateUser"), about("Login"), joined)
    hold(case, at("09:00:00", requestParameters={"userName": "mallory"}), at("09:01:00", OPS, "iam:Login"))
    assert states(detect(case, tmp_path, *rules))["Together"] == ("loaded", 0)
    hold(case, at("09:02:00", requestParameters={"userName": "ops"}))
    assert states(detect(case, tmp_path, *rules))["Together"] == ("fired", 2)


def test_rules_only_a_correlation_speaks_for_leave_no_findings_of_their_own(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"))
    counted = correlation("event_count", ["createuser"], condition={"gte": 1})
    found = detect(case, tmp_path, about("CreateUser"), counted)
    assert (found.findings, whys(found)["CreateUser"]) == ({1: 1}, "counted by a correlation")
    counted["correlation"]["generate"] = True
    assert detect(case, tmp_path, about("CreateUser"), counted).findings == {0: 1, 1: 1}


def test_correlations_refer_to_correlations(case: Case, tmp_path: Path) -> None:
    many = correlation("event_count", ["createuser"], condition={"gte": 2}) | {"title": "Many", "name": "many"}
    then = correlation("temporal_ordered", ["many", "login"])
    hold(case, at("09:00:00"), at("09:01:00"), at("09:02:00", name="iam:Login"))
    found = detect(case, tmp_path, then, many, about("CreateUser"), about("Login"))
    assert states(found)["Together"][0] == "fired"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"rules": ["nowhere"]}, "it refers to rules that are not there: nowhere"),
        ({"rules": ["together"]}, "correlations that refer to each other in a circle"),
        ({"type": "value_count", "condition": {"field": ["x", "y"], "gte": 2}}, "a correlation over several fields"),
        ({"type": "bogus"}, "bogus"),
        ({"timespan": "soon"}, "soon"),
    ],
)
def test_a_correlation_that_cannot_be_is_said_with_its_reason(case: Case, tmp_path: Path, more: Any, why: str) -> None:
    hold(case, at("09:00:00"))
    made = correlation("event_count", ["createuser"], condition={"gte": 1}) | {"name": "together"}
    made["correlation"] |= more
    found = detect(case, tmp_path, about("CreateUser"), made)
    assert states(found)["Together"] == ("not convertible", 0)
    assert why in whys(found)["Together"]
    assert states(found)["CreateUser"][0] == "fired"


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
