"""A report as PDF, printed by a headless Chromium that is installed; it is let nowhere near the network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from forensics.errors import PlaybookError, UsageError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
"""Programs looked for, in this order; all take the same options."""

SECONDS = 180
"""A browser that takes longer is stopped."""

_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)


def browser() -> str:
    """The path of a Chromium. Raises UsageError where none is installed."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise UsageError(
            f"a PDF is printed by Chromium, and none of {', '.join(BROWSERS)} is on the PATH: install one, or open"
            " report.html in a browser and print it"
        )
    return found


def print_pdf(report: Path, pdf: Path) -> Path:
    """Print the report into the file `pdf`, and return that. Raises UsageError, PlaybookError."""
    program = browser()
    with tempfile.TemporaryDirectory(prefix="forensics-", ignore_cleanup_errors=True) as scratch:
        options = [*_OPTIONS, f"--user-data-dir={scratch}", f"--print-to-pdf={pdf.resolve()}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--no-sandbox")
        pdf.unlink(missing_ok=True)
        try:
            done = subprocess.run(
                [program, *options, report.resolve().as_uri()], capture_output=True, check=False, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            raise PlaybookError(
                f"{program} did not print {report} within {SECONDS} s; the report itself is whole"
            ) from None
    if not pdf.is_file():
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise PlaybookError(f"{program} did not print {report}: {said[0] if said else f'status {done.returncode}'}")
    return pdf
