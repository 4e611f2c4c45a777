"""What the extras of the package bring, for a message where one is missing."""

from __future__ import annotations

from importlib.util import find_spec

from forensics.errors import ForensicsError, UsageError

EXTRAS = {
    "report": (
        "playbooks, reports and figures",
        "ipykernel jupyter_client mistune nbconvert nbformat nh3 papermill plotly pygments traitlets",
    ),
    "sigma": ("Sigma rules", "sigma"),
    "geo": ("places of addresses", "maxminddb"),
    "lab": ("the explorer", "anywidget ipywidgets jupyterlab"),
}
"""By extra: what needs it, and the modules that it brings."""


def lacking(error: ModuleNotFoundError) -> ForensicsError | None:
    """What to say of a module that could not be imported; None where no extra brings it."""
    module = (error.name or "").partition(".")[0]
    for extra, (what, modules) in EXTRAS.items():
        if module in modules.split():
            return UsageError(f"{what} need {module}, which is not installed: pip install 'forensics[{extra}]'")
    return None


def require(extra: str) -> None:
    """Look, importing nothing, whether all that an extra brings is installed. Raises UsageError."""
    for module in EXTRAS[extra][1].split():
        try:
            there = find_spec(module) is not None
        except ModuleNotFoundError:
            there = False
        if not there and (missing := lacking(ModuleNotFoundError(name=module))):
            raise missing
