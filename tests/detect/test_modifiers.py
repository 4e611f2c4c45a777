"""Conformance with Sigma's specification, modifier by modifier: values that must match, and near misses.

Sigma specification 2.1, "Sigma rules" and the appendix "Modifiers".
"""

import base64
from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from tests.detect.sigma_worlds import asked, matched, put, rule
from tests.fresh import fresh_case

F = "requestParameters.f"


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with fresh_case(tmp_path_factory.mktemp("modifiers") / "case") as case:
        yield case.connection


def encoded(text: str, before: str = "", encoding: str = "utf-8") -> str:
    return base64.b64encode(before.encode() + text.encode(encoding)).decode()


CASES: dict[str, tuple[str, Any, list[Any], list[Any]]] = {
    "a text is equal whatever its case": ("", "Admin", ["Admin", "ADMIN"], ["Admins", " admin", "", ...]),
    "a list means any": ("", ["one", "two"], ["one", "TWO"], ["three", ...]),
    "* is any text": ("", "a*z", ["az", "a and z", "A\nZ"], ["bz", "azb"]),
    "? is one character": ("", "a?c", ["abc", "aéc"], ["ac", "abbc"]),
    "an escaped * is a star": ("", r"a\*c", ["a*c"], ["abc"]),
    "an escaped ? is a question mark": ("", r"a\?c*", ["a?c", "A?cd"], ["abc"]),
    "% and _ are no wildcards": ("", "50%_*", ["50%_off"], ["501 off", "50%off"]),
    "a backslash is itself": ("", r"C:\dir\*", ["C:\\dir*"], ["C:\\dir\\x"]),
    "many wildcards": ("", "*a*b*c*d*e*", ["abcde", "xAxBxCxDxEx"], ["abdce", "abcd"]),
    "a quote is text": ("", "it's'; DROP TABLE x--", ["it's'; drop table x--"], ["its"]),
    "the empty text": ("", "", [""], ["x", ...]),
    "a number": ("", 5, [5, "5", 5.0], [50, "five", ...]),
    "true": ("", True, [True, "true"], [False, "yes", ...]),
    "false": ("", False, [False], [True, ...]),
    "null is absent or null": ("", None, [None, ...], ["", "x", 0]),
    "contains": ("contains", "mid", ["amidb", "MID", "mid"], ["m-id", ...]),
    "contains with a wildcard within": ("contains", "a*b", ["xaxbx", "AB"], ["ba"]),
    "startswith": ("startswith", "arn:", ["ARN:x", "arn:"], ["xarn:", ...]),
    "endswith": ("endswith", ":root", ["a:root", ":ROOT"], ["a:root2", ...]),
    "all": ("contains|all", ["one", "two"], ["one and two", "TWOone"], ["one", "two", ...]),
    "cased": ("cased", "Admin", ["Admin"], ["admin", "ADMIN"]),
    "cased and contains": ("contains|cased", "mID", ["amIDb"], ["amidb", "MID"]),
    "cased with % and _": ("startswith|cased", "a_%", ["a_%b"], ["aX%b", "A_%b"]),
    "re": ("re", "^a[0-9]+$", ["a12"], ["A12", "xa12", "a", ...]),
    "re is found anywhere": ("re", "b+", ["abbc", "b"], ["ac"]),
    "re with a quote": ("re", "o'[a-z]", ["o'neil"], ["oneil"]),
    "re|i": ("re|i", "^ab$", ["AB", "ab"], ["abc"]),
    "re|m": ("re|m", "^two$", ["one\ntwo"], ["one two"]),
    "re|s": ("re|s", "^one.two$", ["one\ntwo", "one two"], ["onetwo"]),
    "re without s": ("re", "^one.two$", ["one two"], ["one\ntwo"]),
    "cidr, IPv4": (
        "cidr",
        "198.51.96.0/20",
        ["198.51.100.7", "198.51.111.255"],
        ["198.51.112.0", "198.51.95.255", "x", ...],
    ),
    "cidr of a single address": ("cidr", "203.0.113.7/32", ["203.0.113.7"], ["203.0.113.70", "1203.0.113.7"]),
    "cidr is no prefix of a text": ("cidr", "10.0.0.0/8", ["10.255.0.1"], ["100.1.1.1", "10.example.com", "10"]),
    "cidr, a list": ("cidr", ["10.0.0.0/8", "2001:db8::/32"], ["10.1.1.1", "2001:db8::1"], ["11.1.1.1", "2001:db9::1"]),
    "cidr, IPv6": (
        "cidr",
        "2001:db8:0:8000::/49",
        ["2001:db8:0:8000::1", "2001:DB8:0:ffff:1:2:3:4", "2001:0db8:0000:8000:0000:0000:0000:0001"],
        ["2001:db8:0:7fff::1", "2001:db8::1", "::1", "10.0.0.1", "AWS Internal", ...],
    ),
    "lt": ("lt", 5, [4, "4.9", -1], [5, 6, "x", ...]),
    "lte": ("lte", 5, [5, 4], [5.1, "x", ...]),
    "gt": ("gt", 5, [6, "10"], [5, "x", ...]),
    "gte": ("gte", 5, [5, "50"], [4.9, ...]),
    "neq": ("neq", "a", ["b", ...], ["a", "A"]),
    "exists": ("exists", True, ["x", "", 0], [None, ...]),
    "does not exist": ("exists", False, [None, ...], ["x", ""]),
    "base64": ("base64", "whoami", [encoded("whoami")], ["whoami", encoded("Whoami!")]),
    "base64offset": (
        "base64offset|contains",
        "/bin/sh",
        [encoded("/bin/sh -i", before) for before in ("", "x", "xy")],
        ["/bin/sh", encoded("/bin/ash")],
    ),
    "wide": ("wide|base64offset|contains", "ping", [encoded("ping", encoding="utf-16-le")], [encoded("ping")]),
    "utf16le": ("utf16le|base64offset|contains", "ping", [encoded("ping", encoding="utf-16-le")], [encoded("ping")]),
    "utf16": ("utf16|base64", "ping", [encoded("ping", "", "utf-16")], [encoded("ping", encoding="utf-16-le")]),
    "utf16be": ("utf16be|base64offset|contains", "ping", [encoded("ping", encoding="utf-16-be")], [encoded("ping")]),
    "windash": ("windash|contains", " -p ", ["x -p y", "x /p y", "x –p y"], ["x p y"]),
    "hour": ("hour", 9, ["2026-11-05T09:30:00Z"], ["2026-11-05T10:09:09Z", "09", ...]),
    "minute": ("minute|gte", 30, ["2026-11-05T09:30:00Z"], ["2026-11-05T09:29:00Z"]),
    "day": ("day", 5, ["2026-11-05T09:30:00Z"], ["2026-05-06T05:05:05Z"]),
    "month": ("month", 11, ["2026-11-05T09:30:00Z"], ["2026-10-11T11:11:11Z"]),
    "week": ("week", 45, ["2026-11-05T09:30:00Z"], ["2026-11-12T09:30:00Z"]),
    "neq of a number": ("neq", 5, [6, "six"], [5, "5"]),
    "a date that YAML reads as one": ("", date(2026, 11, 5), ["2026-11-05"], ["2026-11-06"]),
    "two backslashes before a star": ("", "a" + 2 * chr(92) + "*", ["a" + chr(92) + "x"], ["a*", "ax"]),
    "three backslashes before a star": (
        "",
        "a" + 3 * chr(92) + "*",
        ["a" + chr(92) + "*"],
        ["a" + chr(92) + "x", "a*"],
    ),
    "year": ("year", 2026, ["2026-11-05T09:30:00Z"], ["2025-11-05T09:30:00Z"]),
    "an element of a list": ("", "b", [["a", "B"], "b"], [["ab"], [], ["a", "c"]]),
    "elements of a list, all": ("contains|all", ["a", "b"], [["xa", "xb"], "ab"], [["a"], "b"]),
    "elements of a list by cidr": ("cidr", "10.0.0.0/8", [["x", "10.1.2.3"]], [["11.0.0.1"]]),
    "a list is there": ("exists", True, [["a"], []], [...]),
    "a member is found by text": ("contains", '"Effect":"Allow"', ['{"Effect":"Allow"}'], ['{"Effect":"Deny"}']),
}


@pytest.mark.parametrize("what", CASES)
def test_a_modifier_matches_what_the_specification_says_and_nothing_near_nor_the_reverse(
    con: duckdb.DuckDBPyConnection, what: str
) -> None:
    modifier, value, hits, misses = CASES[what]
    put(con, asked(*hits, *misses))
    selection = {f"{F}|{modifier}".rstrip("|"): value}
    assert matched(con, rule(selection)) == list(range(len(hits)))
    negated = matched(con, rule({"selection": selection, "condition": "not selection"}))
    assert negated == list(range(len(hits), len(hits) + len(misses)))


def test_fields_are_compared_with_fields(con: duckdb.DuckDBPyConnection) -> None:
    pairs = [("bob", "BOB"), ("bobby", "bob"), ("a_b", "aXb"), ("bob", None), (["x", "bob"], "bob")]
    records = asked(*[first for first, _ in pairs])
    for record, (_, second) in zip(records, pairs, strict=True):
        record["userIdentity"]["userName"] = second
    put(con, records)
    assert matched(con, rule({f"{F}|fieldref": "userIdentity.userName"})) == [0, 4]
    assert matched(con, rule({f"{F}|fieldref|startswith": "userIdentity.userName"})) == [0, 1, 4]
    assert matched(con, rule({f"{F}|fieldref|endswith": "userIdentity.userName"})) == [0, 4]
    assert matched(con, rule({f"{F}|fieldref|contains": "userIdentity.userName"})) == [0, 1, 4]
    assert matched(con, rule({f"{F}|fieldref|neq": "userIdentity.userName"})) == [1, 2, 3]


def test_a_rule_with_a_placeholder_is_not_converted() -> None:
    from tests.detect.sigma_worlds import conversion

    made = conversion(rule({f"{F}|expand": "%administrators%"}))
    assert made.problem.startswith("not convertible")
    assert (made.line, made.construct) == (7, "%administrators%")


# Fields: columns, paths, lists on the way, keywords


def test_a_path_is_followed_through_objects_and_lists(con: duckdb.DuckDBPyConnection) -> None:
    ranges = [{"items": [{"ranges": [{"cidr": "10.0.0.0/8"}]}, {"ranges": [{"cidr": "0.0.0.0/0"}]}]}]
    put(
        con,
        asked({"items": {"cidr": "0.0.0.0/0"}}, ranges, {"items": [{"cidr": "10.0.0.0/8"}]}, {"a.b": "0.0.0.0/0"}, "x"),
    )
    assert matched(con, rule({f"{F}.items.cidr": "0.0.0.0/0"})) == [0]
    assert matched(con, rule({f"{F}.items.ranges.cidr": "0.0.0.0/0"})) == [1]
    assert matched(con, rule({f"{F}.items.cidr|startswith": "10."})) == [2]


def test_a_name_with_dots_in_it_is_found(con: duckdb.DuckDBPyConnection) -> None:
    records = asked(...)
    records[0]["requestParameters"] = {"x-amz.acl": "public-read", "x-amz-acl": "public-read"}
    put(con, records)
    assert matched(con, rule({"requestParameters.x-amz.acl": "public-read"})) == [0]
    assert matched(con, rule({"requestParameters.x-amz-acl": "public-read"})) == [0]


def test_columns_carry_awss_names(con: duckdb.DuckDBPyConnection) -> None:
    put(con, asked("x"))
    names = {"eventSource": "s3.amazonaws.com", "userIdentity.type": "IAMUser", "userIdentity.userName": "DEV"}
    assert matched(con, rule(names | {"awsRegion|startswith": "us-", "eventname": "listbuckets"})) == [0]


def test_texts_within_a_json_column_are_found_as_they_read(con: duckdb.DuckDBPyConnection) -> None:
    records = asked(...)
    records[0]["requestParameters"] = {"policyDocument": '{"Action":"s3:GetObject"}'}
    put(con, records)
    assert matched(con, rule({"requestParameters|contains|all": ['"s3:GetObject"', '"Action"']})) == [0]
    assert matched(con, rule({"requestParameters|contains": '"s3:GetObjects"'})) == []


def test_keywords_are_sought_in_the_whole_record(con: duckdb.DuckDBPyConnection) -> None:
    put(con, asked("needle in hay", "hay", "a NEEDLE"))
    assert matched(con, rule({"selection": ["needle"], "condition": "selection"})) == [0, 2]
    assert matched(con, rule({"selection": {"|all": ["needle", "hay"]}, "condition": "selection"})) == [0]
    assert matched(con, rule({"selection": {"|re": "need.e in"}, "condition": "selection"})) == [0]


# Conditions


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("one and two", [2]),
        ("one or two", [0, 1, 2]),
        ("one and not two", [0]),
        ("not (one or two)", [3, 4]),
        ("1 of them", [0, 1, 2]),
        ("all of them", [2]),
        ("1 of t*", [1, 2]),
        ("all of o*", [0, 2]),
        ("not 1 of them", [3, 4]),
        ("all of o* and not 1 of t*", [0]),
        ("one or two and not one", [0, 1, 2]),
    ],
)
def test_conditions_join_selections(con: duckdb.DuckDBPyConnection, condition: str, expected: list[int]) -> None:
    put(con, asked("one", "two", "one two", "three", ...))
    body = {"one": {f"{F}|contains": "one"}, "two": {f"{F}|contains": "two"}, "condition": condition}
    assert matched(con, rule(body)) == expected


def test_a_selection_of_mappings_means_any_of_them(con: duckdb.DuckDBPyConnection) -> None:
    put(con, asked("one", "two", "three"))
    assert matched(con, rule({"selection": [{F: "one"}, {F: "two"}], "condition": "selection"})) == [0, 1]


def test_several_conditions_mean_any_of_them(con: duckdb.DuckDBPyConnection) -> None:
    put(con, asked("one", "two", "three"))
    assert matched(con, rule({"a": {F: "one"}, "b": {F: "two"}, "condition": ["a", "b"]})) == [0, 1]


def test_thousands_of_values_are_one_condition(con: duckdb.DuckDBPyConnection) -> None:
    put(con, asked("v2999", "v3000", "prefix7-x"))
    assert matched(con, rule({F: [f"v{n}" for n in range(3000)]})) == [0]
    assert matched(con, rule({f"{F}|startswith": [f"prefix{n}-" for n in range(1500)]})) == [2]
