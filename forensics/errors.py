"""The exceptions of this package; every message says what went wrong, where, and what to do.

::

    ForensicsError
    ├── UsageError            the call itself is wrong: exit status 2
    │   ├── UnknownName       no such principal, workload, playbook, scenario…
    │   ├── AmbiguousName     several things carry that name
    │   └── QueryError        SQL that does not parse or bind
    ├── CaseError             the case cannot be used
    │   ├── NotACase          nothing there, or something else
    │   ├── CaseExists        create() on a place in use
    │   ├── CaseLocked        another process is writing
    │   └── NewerCase         made by a newer version of this package
    ├── AwsError              AWS cannot be asked: no credentials, expired, denied
    ├── EvidenceError         evidence cannot be read, or is not what was acquired
    └── PlaybookError         a playbook stopped
"""

from collections.abc import Iterable


class ForensicsError(Exception):
    """Root of every error this package raises on purpose; the command line exits with its `status`."""

    status = 1


class UsageError(ForensicsError):
    """The call is wrong; nothing was done."""

    status = 2


class UnknownName(UsageError):
    """Nothing in the case, or in a registry, carries that name; `known` are those that do, `advice` what else to do."""

    def __init__(self, kind: str, name: str, known: Iterable[str] = (), *, advice: str = "") -> None:
        some = sorted(known)
        hint = f"; known: {', '.join(some[:10])}{' …' if len(some) > 10 else ''}" if some else ""
        super().__init__(f"no {kind} named {name!r}{hint}{f'; {advice}' if advice else ''}")


class AmbiguousName(UsageError):
    """Several things carry that name; say which."""

    def __init__(self, kind: str, name: str, candidates: Iterable[str]) -> None:
        some = sorted(candidates)
        super().__init__(f"{len(some)} {kind}s are named {name!r}; give one of: {', '.join(some[:20])}")


class QueryError(UsageError):
    """SQL that does not parse, bind or run."""


class CaseError(ForensicsError):
    """The case cannot be used as asked."""


class NotACase(CaseError, UsageError):
    """There is no case at that path."""


class CaseExists(CaseError, UsageError):
    """The path is already in use."""


class CaseLocked(CaseError):
    """Another process has the case open for writing."""


class NewerCase(CaseError):
    """The case was made by a newer version of this package."""


class AwsError(ForensicsError):
    """AWS cannot be asked, or gave no answer: credentials, permissions, the network."""


class EvidenceError(ForensicsError):
    """Evidence cannot be read, or is not the bytes that were acquired."""


class PlaybookError(ForensicsError):
    """A playbook stopped before its end."""
