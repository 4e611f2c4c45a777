"""The command line and the package start at once: what is heavy is imported by what needs it, and by nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.cli import COMMANDS

HEAVY = frozenset(
    "IPython boto3 botocore cryptography duckdb ipykernel ipywidgets jinja2 jupyter_client mistune msgspec nbconvert"
    " nbformat nh3 numpy pandas papermill plotly pyarrow pygments sigma tqdm yaml".split()
)
"""Packages that take from 10 ms to a second to import."""

DATABASE, ROWS = {"duckdb", "msgspec"}, {"numpy", "pyarrow"}

_LIST = "import sys; print(sorted(set(map(lambda name: name.split('.')[0], sys.modules)) & set({heavy!r})))"
_COMMAND = """
import contextlib, io
from forensics.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(SystemExit):
    main({argv!r})
"""


def imported(code: str) -> set[str]:
    listed = f"{code}\n{_LIST.format(heavy=sorted(HEAVY))}"
    done = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    return set(eval(done.stdout.strip().splitlines()[-1]))


def of_command(*argv: str) -> set[str]:
    return imported(_COMMAND.format(argv=list(argv)))


def test_the_package_and_the_help_of_every_command_import_nothing_heavy() -> None:
    asked = "\n".join(_COMMAND.format(argv=[name, "--help"]) for name in COMMANDS)
    assert imported(f"import forensics\n{_COMMAND.format(argv=['--help'])}\n{asked}") == set()


def test_cards_are_drawn_without_what_reports_are_rendered_with() -> None:
    cards = "import forensics.cards.who_was, forensics.cards.workload, forensics.cards.as_text, forensics.cards.as_html"
    assert imported(cards) <= DATABASE


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("start") / "case"
    Case.create(path).close()
    return path


@pytest.mark.parametrize(
    ("argv", "allowed"),
    [
        (("sources",), {"msgspec"}),
        (("playbooks",), {"pandas", *DATABASE, *ROWS}),
        (("sql", "{case}", "SELECT 1"), DATABASE | ROWS),
        (("timeline", "{case}"), DATABASE | ROWS),
        (("coverage", "{case}"), DATABASE | ROWS),
        (("who", "{case}", "10.0.0.1", "--at", "2026-11-05"), DATABASE),
        (("show", "{case}", "no-such-event"), DATABASE | ROWS),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_command_imports_what_it_needs_and_no_more(argv: tuple[str, ...], allowed: set[str], case: Path) -> None:
    assert of_command(*(word.format(case=case) for word in argv)) <= allowed
