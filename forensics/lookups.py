"""The lookups of a case: from a name to its card."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from forensics.cards.address import Address
    from forensics.cards.credential import Credential
    from forensics.cards.evidence import Evidence
    from forensics.cards.finding import Finding
    from forensics.cards.principal import Principal
    from forensics.cards.record import Record
    from forensics.cards.resource import Resource
    from forensics.cards.session import Session
    from forensics.cards.who_was import WhoWas
    from forensics.cards.workload import Workload
    from forensics.case import Case
    from forensics.timeline import Moment


class Lookups:
    """Methods of `Case` that answer with a card."""

    @property
    def _case(self) -> Case:
        return cast("Case", self)

    def principal(self, name: str) -> Principal:
        """Who that is: an ARN, a unique id, a session's ARN or a bare name. Raises UnknownName, AmbiguousName."""
        from forensics.cards.principal import principal

        return principal(self._case, name)

    def credential(self, access_key_id: str) -> Credential:
        """Where an access key came from, what it was issued to, where it was used. Raises UnknownName."""
        from forensics.cards.credential import credential

        return credential(self._case, access_key_id)

    def workload(self, name: str) -> Workload:
        """What ran: a key or a bare name. Raises UnknownName, AmbiguousName."""
        from forensics.cards.workload import workload

        return workload(self._case, name)

    def who_was(self, held: str, *, at: Moment, vpc_id: str | None = None, account_id: str | None = None) -> WhoWas:
        """Who held an address, an interface or a key at that moment. Raises UsageError."""
        from forensics.cards.who_was import who_was

        return who_was(self._case, held, at, vpc_id=vpc_id, account_id=account_id)

    def finding(self, finding_id: str) -> Finding:
        """What a finding says, and through `.evidence()` the records it rests on. Raises UnknownName."""
        from forensics.cards.finding import finding

        return finding(self._case, finding_id)

    def record(self, reference: str) -> Record:
        """One event and its raw record, by event id or `OBJECT_ID#RECORD`. Raises UnknownName."""
        from forensics.cards.record import record

        return record(self._case, reference)

    def evidence(self, name: str) -> Evidence:
        """An object as acquired: by its id, SHA-256, the beginning of either, or uri. Raises UnknownName, AmbiguousName."""
        from forensics.cards.evidence import evidence

        return evidence(self._case, name)

    def session(self, arn: str) -> Session:
        """The logins of a role session or federated session. Raises UnknownName."""
        from forensics.cards.session import session

        return session(self._case, arn)

    def address(self, address: str) -> Address:
        """Who held an address and when, who called from it, whom it talked to. Raises UnknownName, UsageError."""
        from forensics.cards.address import address as made

        return made(self._case, address)

    def resource(self, name: str) -> Resource:
        """Who touched that ARN or id, and what was logged of it. Raises UnknownName."""
        from forensics.cards.resource import resource

        return resource(self._case, name)
