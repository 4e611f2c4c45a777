"""The simulator: reproducible bytes, AWS's layout, refused arguments."""

import hashlib
import re
from pathlib import Path

import pytest

from forensics.errors import UsageError
from forensics.simulate import scenarios, simulate

SCENARIO = "lambda-credential-theft"


def bytes_of(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_scenarios_are_found_by_name() -> None:
    assert SCENARIO in scenarios()
    assert all(name == scenario.name for name, scenario in scenarios().items())


def test_same_seed_gives_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        simulate(SCENARIO, tmp_path / name, seed=3, scale=0.2)

    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_another_seed_gives_other_bytes(tmp_path: Path) -> None:
    simulate(SCENARIO, tmp_path / "one", seed=3, scale=0.2)
    simulate(SCENARIO, tmp_path / "two", seed=4, scale=0.2)

    assert not set(bytes_of(tmp_path / "one")) & set(bytes_of(tmp_path / "two")) - {"truth.json"}


def test_the_truth_is_what_is_returned(tmp_path: Path) -> None:
    assert simulate(SCENARIO, tmp_path, scale=0.01) == tmp_path / "truth.json"


def test_an_unknown_scenario_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=SCENARIO):
        simulate("no-such", tmp_path)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_not_a_positive_number_is_refused(tmp_path: Path, scale: float) -> None:
    with pytest.raises(UsageError, match="scale"):
        simulate(SCENARIO, tmp_path, scale=scale)


def test_a_place_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")

    with pytest.raises(UsageError, match="not an empty directory"):
        simulate(SCENARIO, tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_file_is_refused_as_output(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match="not an empty directory"):
        simulate(SCENARIO, tmp_path / "file")


def test_objects_have_the_keys_aws_gives_them(tmp_path: Path) -> None:
    simulate(SCENARIO, tmp_path, scale=0.1)
    day = r"2026/11/05"
    trail = r"example-trail-logs/AWSLogs/(\d{12})"
    patterns = (
        rf"{trail}/CloudTrail/([a-z0-9-]+)/{day}/\1_CloudTrail_\2_20261105T\d\d[0-5][05]Z_\w{{16}}\.json\.gz",
        rf"{trail}/vpcflowlogs/us-east-1/{day}/\1_vpcflowlogs_us-east-1_fl-0\w+_20261105T\d{{4}}Z_\w{{8}}\.log\.gz",
        rf"{trail}/GuardDuty/us-east-1/{day}/[0-9a-f-]{{36}}\.jsonl\.gz",
        rf"example-lambda-logs/{day}/(\d\d)/to-archive-1-2026-11-05-\1-\d\d-00-[0-9a-f-]{{36}}",
    )
    keys = list(bytes_of(tmp_path / "logs"))

    assert [key for key in keys if not any(re.fullmatch(pattern, key) for pattern in patterns)] == []
    assert all(any(re.fullmatch(pattern, key) for key in keys) for pattern in patterns)
