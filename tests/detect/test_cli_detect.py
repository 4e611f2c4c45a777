"""The command `forensics detect`, and every rule of a folder that is given."""

import json
import os
from pathlib import Path

import pytest

from forensics import cli
from forensics.detect.convert import converted
from forensics.detect.rules import files
from tests.detect.sigma_worlds import rule, text
from tests.fresh import fresh_case

FOLDER = os.environ.get("FORENSICS_SIGMA_RULES", "")


def test_the_command_prints_every_rule_and_what_came_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fresh_case(tmp_path / "case").close()
    (tmp_path / "r.yml").write_text(text(rule({"eventName": "x"}), rule({"a|bogus": "x"}, title="Bad")))
    assert cli.main(["detect", str(tmp_path / "case"), "--rules", str(tmp_path), "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert [(row["state"], row["rule"]) for row in json.loads(out)] == [("not convertible", "Bad"), ("inert", "A rule")]
    assert err.startswith("forensics: 2 rules: 1 inert, 1 not convertible; 0 findings")


@pytest.mark.parametrize("more", [["nowhere.yml"], ["--allow", "nowhere.yml"], ["--from", "soon"]])
def test_what_is_not_there_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]) -> None:
    fresh_case(tmp_path / "case").close()
    assert cli.main(["detect", str(tmp_path / "case"), *more]) == 2
    assert capsys.readouterr().err.startswith("forensics: ")


@pytest.mark.skipif(not FOLDER, reason="no folder of public rules: name one in FORENSICS_SIGMA_RULES")
def test_every_rule_of_a_public_folder_is_accounted_for(tmp_path: Path) -> None:
    given = list(files([FOLDER]))
    made = converted(given, tmp_path / "cache")
    assert {item.place for item in given} == {item.place for item in made}
    assert all(
        item.problem or item.predicates or item.correlation or not item.logsource.startswith("aws") for item in made
    )
