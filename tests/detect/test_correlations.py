"""Conformance with Sigma's specification: correlation rules, and what rules of old Sigma say in their place."""

from pathlib import Path
from typing import Any

import pytest

from forensics.case import Case
from tests.detect.run_worlds import OPS, about, at, correlation, detect, findings, hold, states, whys
from tests.detect.sigma_worlds import LOGSOURCE, rule, text

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


# Sums, means, percentiles, ranges


@pytest.mark.parametrize(
    ("kind", "condition", "fires"),
    [
        ("value_sum", {"gte": 60}, True),
        ("value_sum", {"gt": 60}, False),
        ("value_avg", {"gte": 20}, True),
        ("value_avg", {"gt": 30}, False),
        ("value_median", {"gte": 20}, True),
        ("value_median", {"gt": 30}, False),
        ("value_percentile", {"gte": 29, "percentile": 95}, True),
        ("value_percentile", {"gt": 30, "percentile": 95}, False),
    ],
)
def test_numbers_in_a_field_are_added_up_or_ranked(
    case: Case, tmp_path: Path, kind: str, condition: dict[str, int], fires: bool
) -> None:
    sizes = [{"size": 10}, {"size": "20"}, {"size": 30}, {"size": "large"}, {"other": 900}]
    hold(case, *(at(f"09:0{place}:00", requestParameters=size) for place, size in enumerate(sizes)))
    measured = correlation(kind, ["createuser"], condition={"field": "requestParameters.size"} | condition)
    found = detect(case, tmp_path, about("CreateUser"), measured)
    assert (states(found)["Together"][0] == "fired") is fires


@pytest.mark.parametrize(("upper", "fires"), [({"lte": 3}, True), ({"lt": 2}, False), ({"lt": 2, "gt": 5}, False)])
def test_a_condition_of_two_bounds_is_a_range(case: Case, tmp_path: Path, upper: dict[str, int], fires: bool) -> None:
    hold(case, at("09:00:00"), at("09:00:00", OPS), at("09:00:00", name="iam:CreateUser", eventID="third"))
    counted = correlation("event_count", ["createuser"], condition={"gte": 2} | upper)
    assert (states(detect(case, tmp_path, about("CreateUser"), counted))["Together"][0] == "fired") is fires


def test_a_chain_of_correlations_of_correlations_is_followed(case: Case, tmp_path: Path) -> None:
    many = correlation("event_count", ["createuser"], condition={"gte": 2}) | {"title": "Many", "name": "many"}
    then = correlation("temporal_ordered", ["many", "login"]) | {"title": "Then", "name": "then"}
    last = correlation("temporal_ordered", ["then", "deleteuser"])
    rules = (last, then, many, about("CreateUser"), about("Login"), about("DeleteUser"))
    hold(case, at("09:00:00"), at("09:01:00"), at("09:02:00", name="iam:Login"))
    assert states(detect(case, tmp_path, *rules))["Together"] == ("loaded", 0)
    hold(case, at("09:03:00", name="iam:DeleteUser"))
    assert states(detect(case, tmp_path, *rules))["Together"][0] == "fired"


# Old Sigma


def old(condition: str, **more: Any) -> dict[str, Any]:
    return rule({"selection": {"eventName": "CreateUser"}, "condition": condition} | more)


def test_a_count_in_the_condition_counts_within_the_timeframe_by_group(case: Case, tmp_path: Path) -> None:
    counted = old("selection | count() by userIdentity.userName > 1", timeframe="10m")
    hold(case, at("09:00:00"), at("09:10:01"), at("09:05:00", OPS))
    assert states(detect(case, tmp_path, counted)) == {"A rule": ("loaded", 0)}
    hold(case, at("09:05:00"))
    found = detect(case, tmp_path, counted)
    assert (states(found), found.findings) == ({"A rule": ("fired", 3)}, {0: 1})


def test_a_count_without_a_timeframe_is_over_the_whole_window(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"), at("21:00:00"))
    assert states(detect(case, tmp_path, old("selection | count() >= 2"))) == {"A rule": ("fired", 2)}
    assert states(detect(case, tmp_path, old("selection | count() > 2"))) == {"A rule": ("loaded", 0)}


def test_a_timeframe_beside_the_detection_is_seen(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"), at("21:00:00"))
    counted = old("selection | count() >= 2") | {"timeframe": "5m"}
    assert states(detect(case, tmp_path, counted)) == {"A rule": ("loaded", 0)}


@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        ("selection | count(sourceIPAddress) by eventName > 1", True),
        ("selection | count(sourceIPAddress) by eventName, userIdentity.userName > 1", False),
        ("selection | count(userAgent) > 1", False),
        ("selection | sum(requestParameters.size) >= 30", True),
        ("selection | avg(requestParameters.size) >= 15", True),
        ("selection | avg(requestParameters.size) > 20", False),
    ],
)
def test_a_count_of_a_field_is_of_its_values(case: Case, tmp_path: Path, condition: str, fires: bool) -> None:
    hold(
        case,
        at("09:00:00", requestParameters={"size": 10}),
        at("09:01:00", OPS, requestParameters={"size": 20}, sourceIPAddress="203.0.113.10"),
    )
    assert (states(detect(case, tmp_path, old(condition)))["A rule"][0] == "fired") is fires


@pytest.mark.parametrize("more", ["near other", "min(x) > 2", "count() by", "count() > x", "count() > 1 | count() > 2"])
def test_what_no_correlation_says_is_not_convertible(case: Case, tmp_path: Path, more: str) -> None:
    hold(case, at("09:00:00"))
    found = detect(case, tmp_path, old(f"selection | {more}"), about("CreateUser"))
    assert states(found) == {"A rule": ("not convertible", 0), "CreateUser": ("fired", 1)}
    assert "of old Sigma: write a correlation rule instead" in whys(found)["A rule"]


def test_a_field_to_count_by_that_no_match_has_makes_it_inert(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"))
    found = detect(case, tmp_path, old("selection | count() by requestParameters.nowhere > 0"))
    assert (states(found), found.findings) == ({"A rule": ("inert", 0)}, {})
    assert "requestParameters.nowhere" in whys(found)["A rule"]


def test_a_correlation_may_name_a_rule_that_counts_itself(case: Case, tmp_path: Path) -> None:
    counted = old("selection | count() > 1", timeframe="5m") | {"name": "many"}
    then = correlation("temporal_ordered", ["many", "login"])
    hold(case, at("09:00:00"), at("09:03:00", name="iam:Login"))
    assert states(detect(case, tmp_path, counted, about("Login"), then))["Together"] == ("loaded", 0)
    hold(case, at("09:02:00"))
    assert states(detect(case, tmp_path, counted, about("Login"), then))["Together"][0] == "fired"


def test_what_a_collection_shares_is_put_into_its_rules(case: Case, tmp_path: Path) -> None:
    hold(case, at("09:00:00"), at("09:01:00", OPS))
    shared = {"action": "global", "title": "Shared", "logsource": LOGSOURCE, "detection": {"condition": "selection"}}
    one = {"title": "one", "detection": {"selection": {"userIdentity.userName": "ops"}}}
    other = {"action": "repeat", "title": "other", "detection": {"selection": {"eventName": "DeleteUser"}}}
    alone = {"title": "alone", "detection": {"selection": {"eventName": "CreateUser"}, "condition": "selection"}}
    found = detect(case, tmp_path, shared, one, other, {"action": "reset"}, alone | {"logsource": LOGSOURCE})
    assert states(found) == {"one": ("fired", 1), "other": ("loaded", 0), "alone": ("fired", 2)}


def test_an_action_that_is_unknown_is_said(case: Case, tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(text({"action": "explode", "title": "Bomb"}, {"action": "global", "title": "x"}))
    (only,) = case.detect(tmp_path / "r.yml").outcomes
    assert (only.state, only.rule.title) == ("not convertible", "Bomb")
