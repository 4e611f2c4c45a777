"""Running a notebook: papermill with a kernel of this very interpreter, quiet, leaving nothing behind."""

from __future__ import annotations

import logging
import os
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics.errors import PlaybookError, UsageError
from forensics.views.labels import shorten, visible

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from forensics.playbook import Playbook, Progress

_WORDS = 160
"""Characters of a failed cell's first line, and of its error, in a message."""

_LONGEST_SOCKET = 80
"""Characters of a directory whose sockets the kernel may use; a socket's whole path has about 107."""

_LOGGERS = ("papermill", "traitlets", "asyncio")


def execute(
    playbook: Playbook,
    parameters: Mapping[str, Any],
    notebook: Path,
    *,
    timeout: float | None = None,
    progress: Progress | None = None,
) -> NotebookNode:
    """The executed notebook, also written to `notebook`, whose directory the kernel runs in.

    A cell may take `timeout` seconds. Raises PlaybookError, which names the cell and the error; `notebook` is then as
    far as it came, the error in the cell that stopped. Raises UsageError for a parameter that only the case could tell.
    """
    with _quiet(), tempfile.TemporaryDirectory(prefix="forensics-") as scratch:
        import papermill
        from papermill.exceptions import PapermillExecutionError

        try:
            executed: NotebookNode = papermill.execute_notebook(
                _literal(playbook.path),
                _literal(notebook),
                parameters=dict(parameters),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                cwd=str(notebook.parent),
                kernel_manager_class=_manager(Path(scratch)),
                execution_timeout=timeout,
                on_cell_executed=_counter(playbook.path, progress) if progress else None,
            )
            return executed
        except PapermillExecutionError as error:
            raise _stopped(playbook, error) from None
        except TimeoutError as error:
            late = f"it took longer than the {timeout:g} s that a cell may take" if timeout else str(error)
            raise PlaybookError(_broken_off(playbook, notebook, "CellTimeout", late)) from None
        except RuntimeError as error:
            died = f"its kernel ({sys.executable}) ended: {_last_words(Path(scratch), error)}"
            raise PlaybookError(_broken_off(playbook, notebook, "KernelDied", died)) from None


def _literal(path: Path) -> str:
    """The path as papermill, which formats paths, leaves it."""
    return str(path).replace("{", "{{").replace("}", "}}")


@contextmanager
def _quiet() -> Iterator[None]:
    """What other packages warn of does not reach the terminal."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _manager(scratch: Path) -> type[Any]:
    """A manager whose kernel is this interpreter, whatever kernels are registered, its files in `scratch`.

    It talks to the kernel through sockets there where the system has them, not even through loopback.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    local = hasattr(socket, "AF_UNIX") and len(str(scratch)) <= _LONGEST_SOCKET

    class Manager(AsyncKernelManager):
        def __init__(self, **options: Any) -> None:
            where = {"connection_file": str(scratch / "kernel.json"), "transport": "ipc" if local else "tcp"}
            super().__init__(**{**options, **where})

        @property
        def kernel_spec(self) -> KernelSpec:
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=command, language="python", display_name="Python 3", env=_environment(scratch))

        async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
            with (scratch / "kernel.log").open("ab") as log:
                await super()._async_launch_kernel(kernel_cmd, **{**options, "stdout": log, "stderr": log})

    return Manager


def _environment(scratch: Path) -> dict[str, str]:
    """This package importable, figures as plotly's own MIME type, no start-up files of the user's."""
    paths = [str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PLOTLY_RENDERER": "plotly_mimetype",
        "IPYTHONDIR": str(scratch / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(scratch),
    }


def _counter(path: Path, progress: Progress) -> Callable[..., None]:
    import nbformat

    cells = nbformat.read(path, as_version=4).cells  # type: ignore[no-untyped-call]
    total = 1 + sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in cells)
    done = iter(range(1, total + 1))

    def count(**_: Any) -> None:
        progress(next(done, total), total)

    return count


_WRONG_CALLS = ("UsageError", "UnknownName", "AmbiguousName")


def _stopped(playbook: Playbook, error: Any) -> PlaybookError | UsageError:
    """What stopped a playbook; a wrong parameter, which only the case could tell, is a wrong call."""
    last = ([line for line in str(error.evalue).splitlines() if line.strip()] or [""])[-1]
    if error.ename in _WRONG_CALLS:
        return UsageError(f"the playbook {playbook.name}: {_said(last)}")
    what = f"{error.ename}: {last}" if last else str(error.ename)
    return PlaybookError(_where(playbook, error.exec_count, error.source) + _said(what))


def _where(playbook: Playbook, number: int | None, source: str) -> str:
    first = next((line for line in source.splitlines() if line.strip()), "")
    return f"the playbook {playbook.name} stopped in cell [{number or '*'}] `{_said(first)}`: "


def _broken_off(playbook: Playbook, notebook: Path, name: str, why: str) -> str:
    """What stopped a playbook from without, which is also put into the cell that ran then."""
    import nbformat

    if not notebook.is_file():
        return f"the playbook {playbook.name} did not start: {why}"
    held: NotebookNode = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    code = [cell for cell in held.cells if cell.cell_type == "code"]
    running = [cell for cell in code if cell.metadata.get("papermill", {}).get("start_time")][-1:]
    for cell in running:
        output = nbformat.v4.new_output("error", ename=name, evalue=why, traceback=[f"{name}: {why}"])  # type: ignore[no-untyped-call]
        cell.outputs.append(output)
    nbformat.write(held, notebook)  # type: ignore[no-untyped-call]
    return _where(playbook, running[0].execution_count, running[0].source) + why if running else why


def _last_words(scratch: Path, error: RuntimeError) -> str:
    log = scratch / "kernel.log"
    lines = log.read_text("utf-8", "replace").strip().splitlines() if log.is_file() else []
    return _said(lines[-1] if lines else str(error))


def _said(text: str) -> str:
    return shorten(visible(text.strip()), _WORDS)
