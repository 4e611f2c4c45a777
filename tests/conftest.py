"""What every test, and every tour, runs under."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from forensics import storage
from tests.lab import lab

__all__ = ["lab"]

HOMES = {
    "HOME": "",
    "USERPROFILE": "",
    "XDG_CACHE_HOME": ".cache",
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "IPYTHONDIR": ".ipython",
    "JUPYTER_CONFIG_DIR": ".jupyter",
    "JUPYTER_DATA_DIR": ".local/share/jupyter",
    "JUPYTER_RUNTIME_DIR": ".local/share/jupyter/runtime",
}


def pytest_configure(config: pytest.Config) -> None:
    """Nothing is read from the user's home, or left there or beside: home and scratch are folders of this run."""
    outside, scratch = tempfile.gettempdir(), tempfile.mkdtemp(prefix="forensics-")
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)  # a worker of xdist is never unconfigured
    home = Path(scratch) / "home"
    home.mkdir()
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setattr(tempfile, "tempdir", scratch)
    patch.setitem(os.environ, "TMPDIR", scratch)
    if "PYTEST_DEBUG_TEMPROOT" not in os.environ:  # what pytest keeps of a failed test outlives the run
        patch.setitem(os.environ, "PYTEST_DEBUG_TEMPROOT", outside)
    for name, place in HOMES.items():
        patch.setitem(os.environ, name, str(home / place))
    patch.setattr(storage, "comments", lambda _: "")  # a thousand statements for each of many cases


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Figures that tests give with `record_property("figures", text)` are printed, whatever process they ran in."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, text in report.user_properties:
                if name == "figures":
                    terminalreporter.write_line(str(text))


COMMENTS = storage.comments
"""What makes the comments, for the test that looks at them."""
