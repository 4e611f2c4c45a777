"""Flow records: lines of chosen fields under a header that names them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from tests.round_trips.fields import ADDRESS, AT_SECOND, COUNT, PORT, WORD, Record, maybe, several

Flow = tuple[list[str], list[Record]]
"""The fields that a header names, and the records under it."""

NUMBERS = (
    "version protocol packets bytes tcp-flags traffic-path encryption-status packets-lost-no-route packets-lost-blackhole"
    " packets-lost-mtu-exceeded packets-lost-ttl-expired"
).split()
KINDS: Mapping[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(NUMBERS, maybe(COUNT)),
    **dict.fromkeys(("srcport", "dstport"), maybe(PORT)),
    **dict.fromkeys(("start", "end"), AT_SECOND),
    **dict.fromkeys(("srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr"), maybe(ADDRESS)),
}


def text(held: Any) -> str:
    """A value between blanks."""
    if isinstance(held, datetime):
        return str(int(held.replace(tzinfo=UTC).timestamp()))
    return "-" if held is None else str(held)


def line(record: Record, fields: Sequence[str], gap: str = " ") -> str:
    """A record as a line of those fields."""
    return gap.join(text(record[field]) for field in fields)


def records(fields: Sequence[str], **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Record]]:
    """Records of those fields; some of them fixed."""
    kinds = {field: fixed.get(field.replace("-", "_"), KINDS.get(field, maybe(WORD))) for field in fields}
    return several(st.fixed_dictionaries(kinds))


def chosen(fields: Sequence[str], needed: Sequence[str] = ()) -> st.SearchStrategy[Flow]:
    """Some of those fields in any order, those needed among them, and records of them."""
    rest = [field for field in fields if field not in needed]
    some = st.lists(st.sampled_from(rest), unique=True, min_size=3 - len(needed), max_size=20)
    orders = some.flatmap(lambda more: st.permutations([*needed, *more]))
    return orders.flatmap(lambda order: st.tuples(st.just(order), records(order)))


def lines(flow: Flow) -> list[str]:
    """A file: the header and the lines under it."""
    order, found = flow
    return [" ".join(order), *(line(record, order) for record in found)]
