"""Log sources from outside the package: found, refused, checked, loaded, and what a case says of one that is gone."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import forensics
from forensics import catalogue, custody, evidence, outside, verification
from forensics import sources as registry
from forensics.case import Case
from forensics.errors import CaseError, UnknownName, UsageError
from forensics.load import load
from forensics.raw import raw_record
from forensics.source_check import check_source, declared, read_specimen
from forensics.timeline import Timeline

MODULE = '''"""Door logs: who went through which door."""

from forensics.source import About, Column, EventMap, Source

SOURCE = Source(
    name="door",
    title="Door logs",
    reference="The door's manual",
    columns=(
        Column("doorTime", "TIMESTAMP", "When."),
        Column("door", doc="Which."),
        Column("badge", doc="Whose."),
    ),
    event=EventMap(columns={"time": "s.door_time", "action": "'door:Open'", "resources": "[s.door]", "summary": "s.badge"}),
    about=About(
        recognised="JSON with doorTime, door and badge",
        delivered="a file a day",
        delay="none",
        organisation="one building",
        cannot_show=("Who else went through.",),
    ),
    keys=(r"doors/\\d+",),
    claims=lambda record: record.keys() >= {"doorTime", "door", "badge"},
)
'''
RECORD = {"doorTime": "2026-11-05T09:10:00Z", "door": "d1", "badge": "alice"}
SPECIMEN: list[dict[str, Any]] = [
    {
        "name": "one, and one that is broken",
        "key": "doors/1.json",
        "lines": [RECORD, RECORD | {"doorTime": "noon"}],
        "rows": [{"door_time": "2026-11-05T09:10:00", "badge": "alice"}, {"door_time": None}],
        "events": [{"action": "door:Open"}, {"summary": "alice"}],
        "rejected": ["doorTime is not a time"],
        "status": "partial",
    }
]


@pytest.fixture(autouse=True)
def fresh_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process that has not looked for sources yet; afterwards as before."""
    monkeypatch.setenv(outside.VARIABLE, "")
    forget()
    yield
    monkeypatch.undo()
    forget()


def forget() -> None:
    from forensics.columns import json_records
    from forensics.readers import envelope, recognise

    for module in (registry, recognise, envelope, json_records):
        for held in vars(module).values():
            if hasattr(held, "cache_clear"):
                held.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the module of one source."""
    place = tmp_path / "own"
    place.mkdir()
    (place / "door.py").write_text(MODULE, "utf-8")
    return place


@pytest.fixture
def case_path(tmp_path: Path, folder: Path) -> Path:
    """A case that holds a record of that source, made where its module was known; it is not known any more."""
    registry.use_sources(folder)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "doors.json").write_text(json.dumps(RECORD), "utf-8")
    with Case.create(tmp_path / "case") as case:
        evidence.add(case, tmp_path / "logs")
        load(case, workers=1)
    return tmp_path / "case"


def lose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outside.VARIABLE, "")
    forget()


def specimen(tmp_path: Path, **more: Any) -> Path:
    path = tmp_path / "door.json"
    path.write_text(json.dumps([SPECIMEN[0] | more]), "utf-8")
    return path


def test_a_source_in_a_folder_that_the_environment_names_is_one_of_the_sources(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(outside.VARIABLE, str(folder))
    assert registry.source("door").title == "Door logs"
    assert f"from outside the package: {folder / 'door.py'}" in catalogue.cards().replace("\n" + 18 * " ", " ")


def test_files_whose_names_begin_with_an_underscore_are_no_sources(folder: Path) -> None:
    (folder / "_helper.py").write_text("raise SystemError", "utf-8")
    registry.use_sources(folder)
    assert "door" in registry.sources()


def test_a_process_keeps_to_the_sources_it_found_first(folder: Path) -> None:
    assert "door" not in registry.sources()
    with pytest.raises(UsageError, match="restart the kernel"):
        registry.use_sources(folder)


def test_importing_modules_does_not_fix_the_list() -> None:
    code = (
        "import forensics, importlib, pkgutil\n"
        "for module in pkgutil.walk_packages(forensics.__path__, 'forensics.'): importlib.import_module(module.name)\n"
        "print(forensics.log_sources.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_using_the_same_folder_again_changes_nothing(folder: Path) -> None:
    registry.use_sources(folder)
    assert "door" in registry.sources()
    registry.use_sources(folder)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 / 0", "does not run: ZeroDivisionError"),
        ("SOURCE = 1", "holds its declaration as SOURCE"),
        (MODULE.replace('name="door"', 'name="alb"'), "the name 'alb' is taken by a source of this package"),
        (MODULE.replace('name="door"', 'name="event"'), "cannot be named 'event'"),
        (MODULE.replace('name="door"', "name='x\"; DROP TABLE evidence'"), "cannot be named"),
    ],
)
def test_a_module_that_cannot_be_used_is_named_with_the_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    (folder / "door.py").write_text(text, "utf-8")
    monkeypatch.setenv(outside.VARIABLE, str(folder))
    with pytest.raises(UsageError, match=r"door\.py: .*" + why):
        registry.sources()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        registry.use_sources(tmp_path / "nowhere")
    monkeypatch.setenv(outside.VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match=r"FORENSICS_SOURCES names .*nowhere, which is no folder"):
        registry.sources()


def test_an_installed_package_may_bring_a_source(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = folder / "doors-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: doors\nVersion: 1.0\n", "utf-8")
    (about / "entry_points.txt").write_text("[forensics.sources]\ndoor = door\n", "utf-8")
    monkeypatch.syspath_prepend(folder)
    assert registry.from_outside()["door"].file == folder / "door.py"


def test_its_records_are_on_the_timeline_in_custody_and_as_they_were(case_path: Path) -> None:
    with Case.open(case_path) as case:
        (row,) = Timeline(case).source("door").rows()
        assert row[9:11] == ("door:Open", ["d1"])
        assert json.loads(raw_record(case, row[0])) == RECORD
        assert verification.verify(case).ok
    (entry,) = [entry for entry in custody.entries(case_path) if entry["command"] == "load"]
    assert (
        entry["detail"]["sources_from_outside"]["door"]["sha256"]
        == outside.read(case_path.parent / "own" / "door.py").sha256
    )


def test_loading_processes_know_it_too(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.load.ALONE_BYTES", 0)
    registry.use_sources(folder)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "doors.json").write_text(json.dumps(RECORD), "utf-8")
    with Case.create(tmp_path / "case") as case:
        evidence.add(case, tmp_path / "logs")
        assert load(case, workers=2).records == 1


def test_without_its_module_the_case_is_still_read(case_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(monkeypatch)
    with Case.open(case_path) as case:
        assert case.strangers() == ["door"]
        (row,) = Timeline(case).source("door").rows()
        assert json.loads(raw_record(case, row[0])) == RECORD
        assert "door" in str(case.coverage("door").badge)
        assert verification.verify(case).ok
        with pytest.raises(UnknownName, match="no source named 'window'"):
            Timeline(case).source("window")


def test_without_its_module_the_case_is_not_written_and_the_error_says_what_to_do(
    case_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(monkeypatch)
    with pytest.raises(CaseError, match=r"holds records of door, of which no module is here.*FORENSICS_SOURCES"):
        Case.open(case_path, read_only=False)
    with Case.open(case_path) as case:
        assert Timeline(case).source("door").count() == 1


def test_every_playbook_has_a_title_for_a_source_that_is_gone(case_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry.title_of("door") == "Door logs"
    lose(monkeypatch)
    assert registry.title_of("door") == "door"


def test_a_source_that_keeps_the_contract_is_told_so(tmp_path: Path, folder: Path) -> None:
    found = forensics.check_source(folder / "door.py", specimen(tmp_path))
    assert str(found) == "door keeps the contract: 1 case of its specimen load as they say"
    assert found.ok


def test_what_does_not_come_as_the_specimen_says_is_told(tmp_path: Path, folder: Path) -> None:
    wrong = specimen(
        tmp_path, rejected=[], status="loaded", key="x.json", rows=[{"badge": "bob"}, {}], events=[{"x": 1}]
    )
    assert check_source(folder / "door.py", wrong).problems == (
        r"no case of the specimen has a key that matches doors/\d+",
        "no case of the specimen shows what becomes of a broken record",
        "the case 'one, and one that is broken': it is partial, not loaded",
        "the case 'one, and one that is broken': rejected for ['doorTime is not a time'], not for nothing",
        "the case 'one, and one that is broken': row 0 of door: badge is 'alice', not 'bob'",
        "the case 'one, and one that is broken': event has no column x",
    )


def test_records_that_another_source_claims_too_are_told(tmp_path: Path, folder: Path) -> None:
    from tests.loading import trail

    both = specimen(tmp_path, lines=[RECORD | trail()], rejected=[], status="loaded", rows=[{}], events=[{}])
    (problem,) = [text for text in check_source(folder / "door.py", both).problems if "claimed" in text]
    assert "claimed by cloudtrail too, not only by door" in problem


def test_a_declaration_that_leaves_something_out_is_told(folder: Path) -> None:
    text = MODULE.replace('doc="Which."', 'doc=""').replace("through.", "through").replace('"door", doc', '"type", doc')
    (folder / "door.py").write_text(text.replace('Column("badge", doc', 'Column("time", doc'), "utf-8")
    source = outside.read(folder / "door.py").source
    assert list(declared(source, [registry.source("alb")])) == [
        "About.cannot_show is a tuple of sentences, each with a full stop",
        "the column type has no doc",
        "the column time is VARCHAR here and TIMESTAMP in alb: one name has one type",
    ]


def test_a_specimen_that_is_none_is_an_error(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "door.yaml"
    for text, why in (
        ("a: [", "cannot be read"),
        ("just text", "a specimen is a list of cases"),
        ("- {key: x, content: a, lines: []}", "has a key and one of"),
        ("- {key: x, content: a, colour: b}", "unknown: colour"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(UsageError, match=why):
            read_specimen(path)
    with pytest.raises(UsageError, match="no such specimen"):
        check_source(folder / "door.py", tmp_path / "none.yaml")


def test_a_module_that_does_not_run_is_told_in_one_line(tmp_path: Path, folder: Path) -> None:
    (folder / "door.py").write_text("import nothing_of_that_name", "utf-8")
    with pytest.raises(UsageError, match=r"door\.py: .* ModuleNotFoundError: No module named 'nothing_of_that_name'$"):
        check_source(folder / "door.py", specimen(tmp_path))


def test_the_command_line_reads_the_environment(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "forensics.cli", "sources", "door", "--format", "csv"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path), outside.VARIABLE: str(folder)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "door_time,TIMESTAMP,When." in done.stdout
