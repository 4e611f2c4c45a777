"""JupyterLab in a real browser: a server of its own, a notebook opened in headless Chromium, cells run, outputs read.

Use the fixture `lab` (one server and one browser for a module) and mark tests with `installed`::

    @installed
    def test_something(lab: Lab) -> None:
        with lab.open(["import ipywidgets", "button"]) as notebook:
            notebook.run()
            notebook.output(1).get_by_role("button").click()

Nothing leaves the machine: the browser resolves no name but the loopback's, and what a page asked for elsewhere is in
`Notebook.foreign`. Each notebook's kernel is shut down when it is closed, and the server with the module.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

import nbformat
import pytest

from forensics.report.pdf import BROWSERS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

nbf: Any = nbformat
ROOT = Path(__file__).parent.parent
CHROMIUM = next((path for name in BROWSERS if (path := shutil.which(name))), None)
installed = pytest.mark.skipif(CHROMIUM is None, reason=f"no browser: none of {', '.join(BROWSERS)} is installed")

PATIENCE = 120.0
"""Seconds that anything may take on a machine that is busy."""

SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
}
"""Of JupyterLab: no news, no look for updates, all cells in the page also when out of sight, nothing saved unasked."""

OPTIONS = {
    "ServerApp": {
        "ip": "127.0.0.1",
        "port": 0,
        "open_browser": False,
        "allow_root": True,
        "terminals_enabled": False,
        "log_level": "WARN",
    },
    "LabApp": {
        "expose_app_in_browser": True,
        "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "news_url": None,
        "extension_manager": "readonly",
        "open_browser": False,
    },
}

_NOTEBOOK = """() => {
  const widget = window.jupyterapp?.shell.currentWidget;
  return Boolean(widget?.content?.widgets?.length && widget.context.isReady);
}"""

_IDLE = "() => window.jupyterapp.shell.currentWidget.context.sessionContext.session?.kernel?.status === 'idle'"

_RUN = """async ([command, index]) => {
  const app = window.jupyterapp;
  if (index !== null) {
    const notebook = app.shell.currentWidget.content;
    notebook.deselectAll();
    notebook.activeCellIndex = index;
  }
  window.ran = false;
  app.commands.execute(command).finally(() => { window.ran = true; });
}"""

_RAN = """() => window.ran && [...document.querySelectorAll('.jp-Notebook .jp-InputPrompt')].every(
  (prompt) => !prompt.textContent.includes('*'))"""

_OUTPUTS = (
    "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.outputs?.toJSON() ?? [])"
)

_RESTART = (
    "async () => { await window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart(); }"
)

_EXECUTE = "([command, args]) => window.jupyterapp.commands.execute(command, args).then(() => null)"


@dataclass
class Notebook:
    """A notebook that is open in JupyterLab. `page` is Playwright's; cells are counted from 0, Markdown cells too."""

    lab: Lab
    name: str
    page: Page
    console: list[str] = field(default_factory=list)
    """Errors that the page logged or threw."""
    foreign: list[str] = field(default_factory=list)
    """Addresses beyond this machine that the page asked for."""

    def run(self, cell: int | None = None, *, seconds: float = PATIENCE) -> None:
        """Run one cell, or all up to the first that fails, as JupyterLab does; returns then. Look at `errors`."""
        command = "notebook:run-all-cells" if cell is None else "notebook:run-cell"
        self.page.evaluate(_RUN, [command, cell])
        self.page.wait_for_function(_RAN, timeout=seconds * 1000)
        self.page.wait_for_function(_IDLE, timeout=seconds * 1000)

    def outputs(self, cell: int) -> list[dict[str, Any]]:
        """The outputs of a cell as nbformat has them."""
        return list(self.page.evaluate(_OUTPUTS)[cell])

    def errors(self) -> list[str]:
        """What cells raised: the names and texts of exceptions, and what was written to stderr."""
        found = [output for outputs in self.page.evaluate(_OUTPUTS) for output in outputs]
        raised = [f"{item['ename']}: {item['evalue']}" for item in found if item["output_type"] == "error"]
        return raised + [_joined(item["text"]) for item in found if item.get("name") == "stderr"]

    def text(self, cell: int) -> str:
        """What can be read in the outputs of a cell."""
        return self.output(cell).inner_text()

    def cell(self, cell: int) -> Locator:
        """The whole cell."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(cell)

    def output(self, cell: int) -> Locator:
        """Where a cell's outputs are shown."""
        return self.cell(cell).locator(".jp-Cell-outputArea")

    def restart(self) -> None:
        """Restart the kernel; outputs stay as they are."""
        self.page.evaluate(_RESTART)
        self.page.wait_for_function(_IDLE, timeout=PATIENCE * 1000)

    def command(self, name: str, **args: Any) -> None:
        """Run a command of JupyterLab, such as `docmanager:save`."""
        self.page.evaluate(_EXECUTE, [name, args])

    def theme(self, name: str) -> None:
        """Change to `light` or `dark`."""
        self.page.emulate_media(color_scheme="dark" if name == "dark" else "light")
        self.command("apputils:change-theme", theme=f"JupyterLab {name.capitalize()}")
        self.page.locator(f"body[data-jp-theme-light='{str(name == 'light').lower()}']").wait_for(state="attached")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def screenshot(self, path: Path, cell: int | None = None) -> Path:
        """A picture of the window, or of one cell as a whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if cell is not None:
            self.cell(cell).scroll_into_view_if_needed()
        (self.page if cell is None else self.cell(cell)).screenshot(path=path)
        return path

    def saved(self) -> Any:
        """The notebook as its file has it once saved."""
        self.command("docmanager:save")
        return nbf.read(self.lab.root / self.name, as_version=4)

    def close(self) -> None:
        """Shut down the kernel and close the page."""
        self.lab.shut_down(self.name)
        self.page.context.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Lab:
    """A running JupyterLab that serves the directory `root`, and a browser."""

    root: Path
    url: str
    token: str
    browser: Browser

    def open(
        self,
        source: Path | Sequence[str],
        *,
        theme: str = "light",
        size: tuple[int, int] = (1280, 900),
        sidebar: bool = False,
    ) -> Notebook:
        """Open a copy of a notebook file (and of `images` beside it), or a notebook of those code cells; wait for its kernel."""
        name = self._placed(source)
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, permissions=["clipboard-read", "clipboard-write"]
        )
        context.set_default_timeout(PATIENCE * 1000)
        notebook = Notebook(self, name, context.new_page())
        _watch(notebook)
        workspace = f"{self.url}lab/workspaces/{secrets.token_hex(4)}"
        notebook.page.goto(f"{workspace}/tree/{quote(name)}?token={self.token}")
        notebook.page.wait_for_function(_NOTEBOOK)
        notebook.page.wait_for_function(_IDLE)
        if not sidebar:
            notebook.command("application:toggle-left-area")
        if theme != "light":
            notebook.theme(theme)
        return notebook

    def kernels(self) -> list[dict[str, Any]]:
        """The kernels that run, as Jupyter's REST API tells them."""
        return list(self._ask("GET", "api/kernels"))

    def shut_down(self, name: str) -> None:
        """Shut down the kernel of that notebook."""
        for session in self._ask("GET", "api/sessions"):
            if session["path"] == name:
                self._ask("DELETE", f"api/sessions/{session['id']}")

    def _placed(self, source: Path | Sequence[str]) -> str:
        if isinstance(source, Path):
            name = source.name
            shutil.copyfile(source, self.root / name)
            if (images := source.parent / "images").is_dir():
                shutil.copytree(images, self.root / "images", dirs_exist_ok=True)
            return name
        name = f"notebook-{secrets.token_hex(4)}.ipynb"
        made = nbf.v4.new_notebook(cells=[nbf.v4.new_code_cell(text) for text in source])
        made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbf.write(made, self.root / name)
        return name

    def _ask(self, method: str, what: str) -> Any:
        return asked_of(self.url + what, self.token, method)


def asked_of(url: str, token: str, method: str = "GET") -> Any:
    """What the server's REST API answers."""
    request = urllib.request.Request(url, method=method, headers={"Authorization": f"token {token}"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=PATIENCE) as answer:
        data = answer.read()
    return json.loads(data) if data else None


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _watch(notebook: Notebook) -> None:
    """Keep what the page complains of, and what it asks for that is not here."""

    def logged(message: ConsoleMessage) -> None:
        if message.type == "error":
            notebook.console.append(f"{message.text} ({message.location.get('url', '')})")

    def asked(url: str) -> None:
        place = urlsplit(url)
        if place.scheme not in ("data", "blob", "about") and place.hostname not in ("127.0.0.1", "localhost"):
            notebook.foreign.append(url)

    page = notebook.page
    page.on("console", logged)
    page.on("pageerror", lambda error: notebook.console.append(str(error)))
    page.context.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))


# The server and the browser


@contextlib.contextmanager
def running(root: Path) -> Iterator[Lab]:
    """JupyterLab and a browser, both stopped in the end. `root` is an empty directory; `root/work` is served.

    While it runs, this thread has an event loop of Playwright's: nothing else of asyncio can run in it.
    """
    from playwright.sync_api import sync_playwright

    with serving(root) as (url, token), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                *(["--no-sandbox"] if os.geteuid() == 0 else []),
                "--disable-dev-shm-usage",
                "--no-proxy-server",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        try:
            yield Lab(root / "work", url, token, browser)
        finally:
            browser.close()


@contextlib.contextmanager
def serving(root: Path) -> Iterator[tuple[str, str]]:
    """JupyterLab alone: its address and the token that it asks for."""
    (root / "work").mkdir(parents=True)
    _configure(root)
    token = secrets.token_hex(16)
    environment = {**os.environ, **_places(root), "JUPYTER_TOKEN": token}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    with (root / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab"],
            cwd=root / "work",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield _answering(process, root, token), token
        finally:
            _stop(process)


def _configure(root: Path) -> None:
    (root / "config").mkdir()
    (root / "config" / "jupyter_lab_config.json").write_text(json.dumps(OPTIONS))
    for name, settings in SETTINGS.items():
        path = root / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))


def _places(root: Path) -> dict[str, str]:
    names = {
        "HOME": "home",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    for name in names.values():
        (root / name).mkdir(exist_ok=True)
    return {variable: str(root / name) for variable, name in names.items()}


def _answering(process: subprocess.Popen[bytes], root: Path, token: str) -> str:
    """The server's address, once it answers there."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        for told in (root / "runtime").glob("jpserver-*.json"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                url = str(json.loads(told.read_text())["url"])
                asked_of(f"{url}api/status", token)
                return url
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{(root / 'server.log').read_text('utf-8', 'replace')[-4000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The server ends its kernels when it is asked to end; what does not end by itself is killed with its group."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab and one browser for the tests of a module."""
    if CHROMIUM is None:
        pytest.skip(str(installed.kwargs["reason"]))
    with running(tmp_path_factory.mktemp("lab")) as made:
        yield made
