"""Investigate AWS logs: bring them into a case, ask who did what from where, and answer with the records.

The names below are the ones to start from; each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forensics.case import Case, Query
    from forensics.errors import ForensicsError
    from forensics.evidence import add as add_evidence
    from forensics.example import example as example_case
    from forensics.load import load as load_evidence
    from forensics.playbook import Playbook, playbooks
    from forensics.playbook import playbook as find_playbook
    from forensics.raw import raw_record
    from forensics.simulate import simulate as simulate_incident
    from forensics.source_check import check_source
    from forensics.sources import sources as log_sources
    from forensics.sources import use_sources
    from forensics.timeline import Timeline
    from forensics.verification import verify as verify_evidence
    from forensics.views import views as figures

    __version__: str

__all__ = [
    "Case",
    "ForensicsError",
    "Playbook",
    "Query",
    "Timeline",
    "__version__",
    "add_evidence",
    "check_source",
    "example_case",
    "figures",
    "find_playbook",
    "load_evidence",
    "log_sources",
    "playbooks",
    "raw_record",
    "simulate_incident",
    "use_sources",
    "verify_evidence",
]

_PLACES = {
    "Case": "case.Case",
    "ForensicsError": "errors.ForensicsError",
    "Playbook": "playbook.Playbook",
    "Query": "case.Query",
    "Timeline": "timeline.Timeline",
    "add_evidence": "evidence.add",
    "check_source": "source_check.check_source",
    "example_case": "example.example",
    "figures": "views.views",
    "find_playbook": "playbook.playbook",
    "load_evidence": "load.load",
    "log_sources": "sources.sources",
    "playbooks": "playbook.playbooks",
    "raw_record": "raw.raw_record",
    "simulate_incident": "simulate.simulate",
    "use_sources": "sources.use_sources",
    "verify_evidence": "verification.verify",
}
"""Where each public name lives. None is a module's name: importing that module would hide it."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name].split(".")
    try:
        found = getattr(import_module(f"{__name__}.{module}"), attribute)
    except ModuleNotFoundError as error:
        from forensics.extras import lacking

        raise lacking(error) or error from None
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    """The installed version; `0+unknown` where the package runs from a folder without being installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(__name__)
    except PackageNotFoundError:
        return "0+unknown"
