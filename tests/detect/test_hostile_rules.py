"""Hostile rules: YAML that grows, expressions that never end, SQL in names and values, archives that unpack to much."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from forensics import cli
from forensics.detect import convert, rules
from forensics.detect.convert import converted
from forensics.detect.rules import LARGEST_FILE, RuleFile, documents, files
from forensics.errors import UsageError
from tests.detect.sigma_worlds import asked, conversion, matched, put, rule, text
from tests.fresh import fresh_case

F = "requestParameters.f"
NASTY = [
    "x' OR '1'='1",
    "x'); DROP TABLE finding; --",
    'x" OR 1=1',
    "x\\'",
    "x/*",
    "{field}",
    "\x1b[31mred",
    "$1",
    "%s",
    "=1+1",
]


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with fresh_case(tmp_path_factory.mktemp("hostile") / "case") as case:
        yield case.connection


def problem(content: str | bytes) -> tuple[str, int]:
    data = content if isinstance(content, bytes) else content.encode()
    (found,) = documents(RuleFile("rule.yml", data))
    return found.problem, found.line


def bomb(levels: int = 9) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_a_yaml_bomb_is_refused_before_it_grows() -> None:
    said, line = problem(bomb())
    assert "a YAML bomb?" in said
    assert line == 5


def test_an_alias_that_holds_itself_is_refused() -> None:
    assert problem("a: &a [*a]")[0] == "the alias *a stands in what it repeats, or for nothing"


def test_yaml_that_is_too_deep_is_refused() -> None:
    assert problem("a: " + "[" * 60 + "]" * 60)[0] == "more than 40 levels deep"


@pytest.mark.parametrize("content", ["a: !!python/object/apply:os.system [id]", "a: [", "\t- x", "a: b: c", "&"])
def test_yaml_that_is_none_or_runs_code_is_refused(content: str) -> None:
    assert problem(content)[0].startswith("not YAML")


def test_bytes_that_are_no_text_are_refused() -> None:
    assert problem(b"\xff\xfe\x00") == ("not UTF-8 text", 1)


def test_a_file_that_is_too_large_is_refused_by_its_size(tmp_path: Path) -> None:
    (tmp_path / "large.yml").write_bytes(b"#" * (LARGEST_FILE + 1))
    assert [item.problem for item in files([tmp_path])] == ["larger than 1,048,576 bytes"]


def test_a_zip_gives_its_rules_and_bounds_what_they_unpack_to(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "rules.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/one.yml", text(rule({"eventName": "x"})))
        archive.writestr("a/bomb.yaml", b" " * (50 << 20))
        archive.writestr("readme.txt", "no rule")
    found = list(files([tmp_path / "rules.zip"]))
    assert [(item.place.rpartition("!")[2], item.problem) for item in found] == [
        ("a/one.yml", ""),
        ("a/bomb.yaml", "larger than 1,048,576 bytes"),
    ]


def test_a_link_that_leads_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text("key: of mine")
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.yml").write_text(text(rule({"eventName": "x"})))
    for name, target in (("b", rules / "a.yml"), ("c", tmp_path / "secret.yml"), ("d", tmp_path / "nowhere")):
        (rules / f"{name}.yml").symlink_to(target)
    out = "a link that leads out of the folder, or nowhere"
    assert [item.problem for item in files([rules])] == ["", "", out, out]


def test_more_than_is_read_at_once_is_said_and_costs_no_rule_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        (tmp_path / f"{name}.yml").write_text(text(rule({"eventName": "x"})))
    monkeypatch.setattr(rules, "MOST_FILES", 2)
    said = "neither read nor what follows: more than 2 files of rules"
    assert [item.problem for item in files([tmp_path])] == ["", "", said]


def test_a_condition_that_names_many_values_many_times_is_not_convertible() -> None:
    values = {f"{F}|contains": [f"v{n}" for n in range(1_000)]}
    made = conversion(rule({"a": values, "condition": " or ".join(["a"] * 21)}))
    assert "more than 20,000 values" in made.problem
    assert (
        "more than 20,000 values"
        in conversion(rule({f"s{n}": values for n in range(21)} | {"condition": "1 of them"})).problem
    )
    assert not conversion(rule({"a": values, "condition": "a or a"})).problem


def test_a_condition_that_is_nested_too_deep_is_not_convertible() -> None:
    deep = conversion(rule({"a": {F: "x"}, "condition": "not (" * 2_000 + "a" + ")" * 2_000}))
    assert deep.problem == "not convertible: nested too deep"


def test_a_correlation_of_very_many_rules_is_not_convertible() -> None:
    many = {"title": "t", "correlation": {"type": "temporal", "rules": [f"r{n}" for n in range(41)], "timespan": "1h"}}
    assert "a correlation of more than 40 rules" in conversion(many).problem


def test_a_path_where_nothing_is_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no rules at"):
        list(files([tmp_path / "nowhere"]))


@pytest.mark.parametrize("value", NASTY)
def test_sql_in_values_is_text(con: duckdb.DuckDBPyConnection, value: str) -> None:
    put(con, asked("x", value, ""))
    for modifier in ("", "|contains", "|startswith", "|cased", "|endswith|cased"):
        assert matched(con, rule({f"{F}{modifier}": value.replace("\\", "\\\\")})) == [1]


@pytest.mark.parametrize("name", [*NASTY, "f'].x", "x" * 500, "a..b", "", ".", "$", "*", "f[*]", "object_id\x00"])
def test_sql_in_names_of_fields_reaches_no_sql(con: duckdb.DuckDBPyConnection, name: str) -> None:
    put(con, asked("x"))
    for prefix in ("", "requestParameters."):
        made = conversion(rule({prefix + name: "y"}))
        for item in made.predicates:
            con.execute(f"SELECT count(*) FROM cloudtrail AS s WHERE {item.sql}").fetchall()
    assert con.execute("SELECT count(*) FROM finding").fetchall() == [(0,)]


@pytest.mark.parametrize("value", ["(?=x)", "(?<!x)y", r"(a)\1"])
def test_an_expression_that_re2_does_not_have_is_not_convertible(value: str) -> None:
    made = conversion(rule({f"{F}|re": value}))
    assert made.problem.startswith(f"not convertible: Regular expression '{value}' is invalid")
    assert (made.line, made.construct) == (7, f"requestParameters.f|re: {value}")


def test_an_expression_that_would_never_end_elsewhere_ends(con: duckdb.DuckDBPyConnection) -> None:
    put(con, asked("a" * 5_000 + "!"))
    assert matched(con, rule({f"{F}|re": "^(a+)+$"})) == []
    assert matched(con, rule({F: "a*" * 30 + "b"})) == []


def test_an_expression_that_is_too_long_or_too_large_is_not_convertible() -> None:
    assert "more than 5000 characters" in conversion(rule({f"{F}|re": "a" * 5_001})).problem
    assert "is invalid" in conversion(rule({f"{F}|re": "((a{900}){900}){900}"})).problem


def test_a_nul_character_is_not_convertible() -> None:
    assert "NUL" in conversion(rule({F: "a\x00b"})).problem


@pytest.mark.parametrize(
    "content",
    [
        {"title": ["a"], "detection": 5},
        {"detection": {"condition": "a"}},
        {"detection": {"a": {"x": "y"}, "condition": "a and"}},
        {"detection": {"a": {"x": "y"}, "condition": "a | count() > 5"}},
        {"detection": {"a": {"x": {"y": "z"}}, "condition": "a"}},
        {"detection": {"a": {"x|re": 5}, "condition": "a"}},
        {"detection": {"a": {"x|cidr": "nowhere"}, "condition": "a"}},
        {"detection": {"a": {"x": "y"}, "condition": "(" * 200 + "a" + ")" * 200}},
        {"correlation": 5},
        {"correlation": {"type": "event_count"}},
        {"filter": 5},
        {"filter": {"rules": 5, "condition": "a", "a": {"x": "y"}}},
        {"logsource": "aws", "detection": {"a": {"x": "y"}, "condition": "a"}},
    ],
)
def test_whatever_a_document_holds_it_costs_no_more_than_itself(content: dict[str, Any]) -> None:
    base = {"title": "t", "logsource": {"product": "aws", "service": "cloudtrail"}}
    made = conversion(base | content)
    assert made.problem or made.predicates


def test_hostile_titles_do_no_harm_in_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fresh_case(tmp_path / "case").close()
    (tmp_path / "r.yml").write_text(text(rule({"eventName": "x"}, title="\x1b[31m'; DROP TABLE finding; --")))
    assert cli.main(["detect", str(tmp_path / "case"), str(tmp_path / "r.yml")]) == 0
    assert "\x1b" not in capsys.readouterr().out


# What is kept of conversions


def test_conversions_are_kept_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yml").write_text(text(rule({"eventName": "x"})))
    cache = tmp_path / "cache"
    first = converted(files([tmp_path / "a.yml"]), cache)
    monkeypatch.setattr(convert, "documents", lambda _: pytest.fail("converted again"))
    (tmp_path / "a.yml").rename(tmp_path / "b.yml")
    (again,) = converted(files([tmp_path / "b.yml"]), cache)
    assert (again.predicates, again.place) == (first[0].predicates, str(tmp_path / "b.yml"))


@pytest.mark.parametrize("content", [b"", b"\x00rubbish", b"\x93\x01\x02\x03"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cache").write_bytes(content)
    (tmp_path / "a.yml").write_text(text(rule({"eventName": "x"})))
    assert converted(files([tmp_path / "a.yml"]), tmp_path / "cache")[0].predicates


def test_without_pysigma_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sigma.backends.sqlite", None)
    with pytest.raises(UsageError, match=r"pip install 'forensics\[sigma\]'"):
        converted([])
