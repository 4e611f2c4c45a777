"""The command line: exit statuses, one line for an error, every row out, quiet in a pipe."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics import custody
from forensics.case import Case
from forensics.cli import main
from tests.worlds import add, call

HOSTILE = {
    "evil-1": "<script>alert(1)</script>",
    "evil-2": "=cmd()",
    "evil-3": "'; DROP TABLE cloudtrail; --",
    "evil-4": "\x1b[2J\x1b]0;owned\x07",
    "evil-5": "A" * 1_000_000,
}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command: exit status, standard output, standard error."""

    def command(*arguments: object) -> tuple[int, str, str]:
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A case with one CloudTrail event per hostile user agent, a minute apart."""
    with Case.create(tmp_path / "case") as made:
        times = [f"09:{minute:02}:00" for minute in range(len(HOSTILE))]
        hostile = zip(HOSTILE.items(), times, strict=True)
        add(
            made.connection,
            "cloudtrail",
            [call({}, "s3:GetObject", at=at, eventID=name, userAgent=agent) for (name, agent), at in hostile],
        )
    return tmp_path / "case"


def test_new_makes_a_case_with_its_first_custody_entry(run: Run, tmp_path: Path) -> None:
    assert run("new", tmp_path / "c") == (0, f"created {tmp_path / 'c'}\n", "")
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == [
        "case.duckdb",
        "custody.jsonl",
        "evidence",
    ]
    assert [entry["command"] for entry in custody.entries(tmp_path / "c")] == ["new"]


def test_add_prints_one_line_of_counts_and_verify_agrees(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"{}")
    run("new", tmp_path / "c")
    counts = "1 objects seen (2 bytes): 1 added, 0 duplicate, 0 already in the case, 0 rejected\n"
    assert run("add", tmp_path / "c", tmp_path / "a.json") == (0, counts, "")
    status, out, _ = run("verify", tmp_path / "c")
    assert (status, out.splitlines()[0]) == (0, "1 stored objects (2 bytes), 2 custody entries: as acquired")


def test_verify_of_altered_evidence_exits_1_and_names_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"{}")
    run("new", tmp_path / "c")
    run("add", tmp_path / "c", tmp_path / "a.json", "--in-place")
    (tmp_path / "a.json").write_bytes(b"[]")
    status, out, _ = run("verify", tmp_path / "c")
    assert status == 1
    assert out.splitlines()[2].startswith(f"altered: {tmp_path / 'a.json'}: object ")


def test_a_missing_case_is_wrong_usage_in_one_line(run: Run, tmp_path: Path) -> None:
    status, out, err = run("sql", tmp_path / "gone", "SELECT 1")
    assert (status, out) == (2, "")
    assert err.startswith(f"forensics: no case at {tmp_path / 'gone'}") and err.count("\n") == 1


@pytest.mark.parametrize("query", ["SELEKT 1", "SELECT nothing FROM event", "SELECT 1; SELECT 2", "DELETE FROM event"])
def test_bad_sql_is_wrong_usage_in_one_line(run: Run, case: Path, query: str) -> None:
    status, out, err = run("sql", case, query)
    assert (status, out) == (2, "")
    assert err.startswith("forensics: ") and err.count("\n") == 1


def test_unknown_commands_and_formats_are_wrong_usage(run: Run, case: Path) -> None:
    assert run("explode")[0] == 2
    assert run()[0] == 2
    assert run("sql", case, "SELECT 1", "--format", "xml")[0] == 2


def test_an_unforeseen_error_is_one_line_and_a_traceback_only_on_demand(
    run: Run, case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Case, "open", lambda *_, **__: 1 / 0)
    expected = "forensics: ZeroDivisionError: division by zero (FORENSICS_DEBUG=1 shows where)\n"
    assert run("verify", case) == (1, "", expected)
    monkeypatch.setenv("FORENSICS_DEBUG", "1")
    assert "Traceback" in run("verify", case)[2]


def test_an_interrupt_exits_130(run: Run, case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Case, "open", interrupt)
    assert run("verify", case) == (130, "", "forensics: interrupted; run the command again to finish\n")


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
def test_hostile_user_agents_come_out_whole_and_harmless(run: Run, case: Path, form: str) -> None:
    status, out, err = run("sql", case, "SELECT event_id, user_agent FROM event ORDER BY time", "--format", form)
    assert (status, err) == (0, "")
    assert "\x1b" not in out and "\x07" not in out
    assert HOSTILE["evil-5"] in out
    assert ("'=cmd()" in out) == (form == "csv")
    assert run("sql", case, "SELECT count(*) AS n FROM cloudtrail", "--format", "json")[1] == '[\n{"n": 5}\n]\n'


def test_jsonl_gives_the_user_agents_back(run: Run, case: Path) -> None:
    _, out, _ = run("sql", case, "SELECT event_id, user_agent FROM event", "--format", "jsonl")
    found = [json.loads(line) for line in out.splitlines()]
    assert {row["event_id"]: row["user_agent"] for row in found} == HOSTILE


def test_hostile_file_names_come_out_harmless(run: Run, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("=cmd()", "\x1b[2J", "'; DROP TABLE evidence; --", "<script>"):
        (tmp_path / "logs" / name).write_bytes(name.encode())
    run("new", tmp_path / "c")
    assert run("add", tmp_path / "c", tmp_path / "logs")[0] == 0
    _, out, _ = run("sql", tmp_path / "c", "SELECT parse_filename(uri) AS name FROM evidence ORDER BY uri")
    assert out.splitlines()[2:] == ["\\x1b[2J", "'; DROP TABLE evidence; --", "<script>", "=cmd()"]


def test_show_prints_the_raw_record(run: Run, case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.raw.raw_record", lambda _, reference: f'{{"is":"{reference}"}}', raising=False)
    assert run("show", case, "evil-1") == (0, '{"is":"evil-1"}\n', "")


def test_every_row_comes_out(run: Run, case: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    query = "SELECT i.number FROM range(250000) AS i(number)"
    assert run("sql", case, query, "--format", "csv", "--out", out) == (0, "", "")
    with out.open() as written:
        assert sum(1 for _ in written) == 250_001


def test_timeline_keeps_to_its_window(run: Run, case: Path) -> None:
    window = ("--from", "2026-11-05T09:01", "--to", "2026-11-05T09:03:00Z")
    _, out, _ = run("timeline", case, *window, "--format", "jsonl")
    assert [json.loads(line)["event_id"] for line in out.splitlines()] == ["evil-2", "evil-3"]


def test_a_timeline_table_shows_what_fits(run: Run, case: Path) -> None:
    header = run("timeline", case)[1].splitlines()[0].split()
    assert header == [
        "time",
        "source",
        "action",
        "principal",
        "source_ip",
        "outcome",
        "hits",
        "resources",
        "event_id",
    ]


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_a_bad_time_is_wrong_usage_and_says_what_is_good(run: Run, case: Path, option: str) -> None:
    status, _, err = run("timeline", case, option, "yesterday")
    assert status == 2
    assert "not a time: 'yesterday'; write 2026-11-05" in err


def test_timesketch_has_the_columns_it_asks_for(run: Run, case: Path, tmp_path: Path) -> None:
    _, out, _ = run("timeline", case, "--format", "timesketch")
    first = json.loads(out.splitlines()[0])
    assert list(first)[:3] == ["message", "datetime", "timestamp_desc"]
    assert (first["datetime"], first["timestamp_desc"]) == (
        "2026-11-05T09:00:00.000000+00:00",
        "Event Logged",
    )
    run("timeline", case, "--format", "timesketch", "--out", tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text().startswith("message,datetime,timestamp_desc,timestamp,tag,hits,event_id,")


def test_timesketch_says_how_many_events_have_no_time(run: Run, case: Path) -> None:
    with Case.open(case, read_only=False) as opened:
        opened.connection.execute("UPDATE stored.cloudtrail SET event_time = NULL WHERE event_id = 'evil-1'")
    _, out, err = run("timeline", case, "--format", "timesketch")
    assert (len(out.splitlines()), err) == (4, "forensics: left out: events without a time: 1\n")


def test_coverage_joins_hours_that_say_the_same(run: Run, case: Path) -> None:
    with Case.open(case, read_only=False) as opened:
        opened.connection.execute(
            "INSERT INTO coverage (source, account_id, region, hour, records, status, cause) SELECT 'vpc_flow', '111122223333', 'eu-west-1',"
            " TIMESTAMP '2026-11-05 00:00:00' + to_hours(i.number), 10,"
            " CASE WHEN i.number = 2 THEN 'missing' ELSE 'present' END, NULL FROM range(5) AS i(number)"
        )
    _, out, _ = run("coverage", case, "--format", "jsonl")
    found = [json.loads(line) for line in out.splitlines()]
    assert [(row["status"], row["from"][11:13], row["to"][11:13], row["hours"]) for row in found] == [
        ("present", "00", "02", 2),
        ("missing", "02", "03", 1),
        ("present", "03", "05", 2),
    ]


def test_coverage_is_narrowed_and_says_what_it_comes_to(run: Run, case: Path) -> None:
    with Case.open(case, read_only=False) as opened:
        opened.connection.execute(
            "INSERT INTO coverage (source, account_id, region, hour, records, status, cause) VALUES"
            " ('vpc_flow', '111122223333', 'eu-west-1', TIMESTAMP '2026-11-05 01:00', 0, 'switched_off', 'DeleteFlowLogs \x1b[31m'),"
            " ('waf', '111122223333', 'eu-west-1', TIMESTAMP '2026-11-05 01:00', 5, 'present', NULL)"
        )
    _, out, err = run("coverage", case, "--source", "vpc_flow", "--from", "2026-11-05", "--format", "jsonl")
    assert [json.loads(line)["source"] for line in out.splitlines()] == ["vpc_flow"]
    assert err == "forensics: not logged: vpc_flow: logged 0 % of 1 h; 1 h switched off (DeleteFlowLogs \\x1b[31m)\n"
    assert run("coverage", case, "--source", "vpcflow")[0] == 2


def test_coverage_of_very_many_hours_is_a_row_for_each_place(
    run: Run, case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forensics.cli.coverage.READABLE", 2)
    with Case.open(case, read_only=False) as opened:
        opened.connection.execute(
            "INSERT INTO coverage (source, account_id, region, hour, records, status) SELECT 'waf', '111122223333', 'eu-west-1',"
            " TIMESTAMP '2026-11-05' + to_hours(i.number), i.number, CASE i.number WHEN 0 THEN 'unknown' ELSE 'present' END"
            " FROM range(3) AS i(number)"
        )
    _, out, err = run("coverage", case, "--source", "waf")
    assert out.split()[-7:] == ["eu-west-1", "3", "2", "1", "3", "2026-11-05T00:00:00Z", "2026-11-05T02:00:00Z"]
    assert "these are 3 hours: for a row for each stretch" in err
    assert "2026-11-05T01:00:00Z" in run("coverage", case, "--source", "waf", "--format", "csv")[1]


def test_an_empty_timeline_says_on_standard_error_what_that_means(run: Run, case: Path) -> None:
    _, out, err = run(
        "timeline", case, "--source", "waf", "--from", "2026-11-05", "--to", "2026-11-06", "--format", "jsonl"
    )
    assert out == ""
    assert err.startswith("forensics: No event, which does not mean that nothing happened: unknown: waf: logged 0 %")


def test_sources_lists_each_source(run: Run) -> None:
    status, out, _ = run("sources", "--format", "jsonl")
    assert status == 0
    assert {"cloudtrail", "vpc_flow", "guardduty"} <= {json.loads(line)["source"] for line in out.splitlines()}


def test_a_playbook_parameter_without_a_value_is_wrong_usage(run: Run, case: Path, tmp_path: Path) -> None:
    playbook = "lambda-credential-theft"
    status, _, err = run("run", playbook, "--case", case, "--out", tmp_path / "r", "-p", "workload")
    assert status == 2 and "-p takes NAME=VALUE" in err


def test_an_unknown_playbook_or_scenario_is_wrong_usage(run: Run, case: Path, tmp_path: Path) -> None:
    assert run("run", "nope", "--case", case, "--out", tmp_path / "r")[0] == 2
    assert run("simulate", "nope", tmp_path / "s")[0] == 2


def test_demo_leaves_a_directory_in_use_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    status, _, err = run("demo", tmp_path)
    assert (status, [path.name for path in tmp_path.iterdir()]) == (2, ["mine"])
    assert "is no demonstration: name a directory that is new or empty" in err


def test_demo_that_is_finished_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    for name in ("report.html", "findings.json"):
        (tmp_path / "report" / name).write_text("done")
    status, out, _ = run("demo", tmp_path)
    assert (status, out.splitlines()[-1]) == (0, f"the report is {tmp_path}/report/report.html")
    assert out.startswith(f"{tmp_path} holds a finished demonstration; to do it again, name another directory")


def test_a_closed_pipe_is_quiet(case: Path) -> None:
    command = f"{sys.executable} -m forensics.cli sql {case} 'FROM range(1000000)' --format csv | head -1"
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True, env={**os.environ})
    assert (done.stdout, done.stderr) == ("range\n", "")


def test_help_needs_nothing_heavy() -> None:
    code = "import sys; from forensics.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print({'duckdb', 'pyarrow', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "set()"
