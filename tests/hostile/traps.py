"""A page in a real browser in which whatever a payload could do is noticed."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Download, Page

FORMULA = re.compile(r"[=+@\t\r]|-(?![\d.]+$|$)")
"""How a cell begins that a spreadsheet would reckon with; numbers below zero and a lone dash are none."""
ACTS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that act on a terminal or turn the direction of text."""

TRAPS = """
window.__trapped = [];
for (const name of ["alert", "confirm", "prompt", "open", "print", "fetch"]) {
  if (name in window) { window[name] = (...given) => { window.__trapped.push(name + " " + String(given[0])); }; }
}
navigator.sendBeacon = (url) => { window.__trapped.push("beacon " + url); return true; };
for (const name of ["WebSocket", "XMLHttpRequest", "EventSource", "Worker", "SharedWorker"]) {
  window[name] = class { constructor(url) { window.__trapped.push(name + " " + url); } };
}
navigator.clipboard && (navigator.clipboard.writeText = (text) => { window.__trapped.push("clipboard " + text); });
document.addEventListener("securitypolicyviolation", (event) => {
  window.__trapped.push("policy " + event.violatedDirective + " " + event.blockedURI);
});
"""

_ACTS = """() => [...document.querySelectorAll("*")].flatMap((element) => [
  ...[...element.attributes].filter((item) => item.name.startsWith("on")).map((item) => element.tagName + " " + item.name),
  ...(/^(IFRAME|OBJECT|EMBED|FORM|BASE|LINK|APPLET|FRAME|PORTAL)$/i.test(element.tagName) ? [element.tagName] : []),
  ...(/^(A|IMAGE|USE|AREA)$/i.test(element.tagName) ? ["href", "xlink:href"].map((name) => element.getAttribute(name))
    .filter((to) => to && !to.startsWith("#") && !to.startsWith("data:image/")) : []),
])"""

_OPEN = "() => document.querySelectorAll('details').forEach((item) => { item.open = true; })"

_FOLLOW = """(most) => [...document.querySelectorAll("a[href^='#'], button, summary, label, input, select")]
  .slice(0, most).forEach((item) => item.click())"""


@dataclass
class Trapped:
    """What happened on a page beyond showing it."""

    page: Page
    happened: list[str] = field(default_factory=list)
    downloads: list[Download] = field(default_factory=list)

    def all(self) -> list[str]:
        """All of it, with what acts in the document as it stands."""
        fired = ["a payload ran"] * bool(self.page.evaluate("() => window.__fired !== undefined"))
        said = [*self.happened, *fired, *(text for held in self.downloads for text in _of_download(held))]
        return [*said, *self.page.evaluate("() => window.__trapped"), *self.page.evaluate(_ACTS)]

    def click_through(self, most: int = 200) -> None:
        """Open what is folded, follow links within the page, and go with the mouse over what stands in figures."""
        self.page.evaluate(_OPEN)
        self.page.evaluate(_FOLLOW, most)
        for place in self.page.locator(".js-plotly-plot").all()[:most]:
            place.scroll_into_view_if_needed()
            if box := place.bounding_box():
                for part in range(1, 8):
                    self.page.mouse.move(box["x"] + box["width"] * part / 8, box["y"] + box["height"] / 2)
        self.page.keyboard.press("Tab")
        self.page.wait_for_timeout(200)


def _of_download(held: Download) -> Iterator[str]:
    """What is wrong with what a button of the page's own gave: anything but a picture, or a CSV without formulas."""
    if not held.url.startswith("blob:"):
        yield f"download {held.url}"
        return
    if Path(held.path()).read_bytes().startswith(b"\x89PNG"):
        return
    with Path(held.path()).open(encoding="utf-8-sig", newline="") as file:
        for row in csv.reader(file):
            yield from (f"formula {cell[:50]!r}" for cell in row if FORMULA.match(cell) or ACTS.search(cell))


@contextmanager
def trapped(path: Path, *, policy: bool = True) -> Iterator[Trapped]:
    """The file opened in Chromium; without its own `policy` a payload in it would run. Needs no network, has none."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*options, "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND"],
        )
        context = browser.new_context(bypass_csp=not policy)
        context.set_default_timeout(120_000)
        context.add_init_script(TRAPS)
        page = context.new_page()
        found = Trapped(page)
        here = path.as_uri()
        page.on("dialog", lambda dialog: (found.happened.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda said: found.happened.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: found.happened.append(f"error {error}"))
        page.on("download", lambda held: found.downloads.extend([held]))
        page.on("request", lambda asked: None if _own(asked.url, here) else found.happened.append(f"asked {asked.url}"))
        page.on("framenavigated", lambda at: None if _own(at.url, here) else found.happened.append(f"went to {at.url}"))
        context.on("page", lambda opened: found.happened.append(f"opened {opened.url}"))
        page.goto(here)
        yield found
        browser.close()


def _own(url: str, here: str) -> bool:
    return url.partition("#")[0] == here or url.startswith(("data:", "about:blank", "blob:"))
