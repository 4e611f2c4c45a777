"""Rows as Presto writes them come back equal: members with values of any text that does not look like the next member."""

import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from forensics.presto_text import parse_row
from tests.round_trips.fields import HOSTILE, QUICK, WORD, Record, client, maybe

KEY = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
_LOOKS_LIKE_MORE = re.compile(r", [A-Za-z_]\w*=|\}|^\{|^null$")
VALUE = (
    client(without="")
    .map(lambda text: _LOOKS_LIKE_MORE.sub("", text))
    .filter(lambda text: not _LOOKS_LIKE_MORE.search(text))
)
ROW: st.SearchStrategy[Record] = st.recursive(
    st.dictionaries(KEY, maybe(VALUE), max_size=4),
    lambda inner: st.dictionaries(KEY, maybe(VALUE) | inner, max_size=4),
    max_leaves=4,
)


def row_text(row: Record) -> str:
    return "{" + ", ".join(f"{key}={_text(held)}" for key, held in row.items()) + "}"


def _text(held: Any) -> str:
    return row_text(held) if isinstance(held, dict) else "null" if held is None else held


@QUICK
@given(ROW)
def test_rows_come_back(row: Record) -> None:
    """Holds for values without `}` and `, NAME=`, that do not begin with `{` and are not the word null."""
    assert parse_row(row_text(row)) == row


OWN = ("type", "principalid", "arn", "accountid", "accesskeyid", "sessioncontext", "invokedby")
ORDER = ("type", "principalid", "arn", "accountid", "accesskeyid", "username", "sessioncontext", "invokedby")
ANY = client(
    without="", pieces=(*HOSTILE, ", arn=x", ", accesskeyid=AKIAX", "}", "{", ", sessioncontext={", "x}, a={b=")
)
INSIDE = st.fixed_dictionaries({"creationdate": WORD, "username": ANY, "arn": WORD})
IDENTITY = st.fixed_dictionaries(
    dict.fromkeys(ORDER, WORD) | {"username": ANY, "sessioncontext": INSIDE, "invokedby": maybe(WORD)}
)
PLAIN = dict.fromkeys(ORDER, "a") | {"sessioncontext": {"creationdate": "a", "username": "b", "arn": "c"}}


@QUICK
@given(IDENTITY)
@example(PLAIN | {"username": "x, arn=forged"})
def test_names_of_any_text_change_no_other_member(identity: Record) -> None:
    """Outside of the domain above: the other members are right, missing, or the text is no row."""
    found = parse_row(row_text({name: identity[name] for name in ORDER})) or {}
    inside, written = found.get("sessioncontext") or {}, identity["sessioncontext"]
    assert all(found.get(name, identity[name]) == identity[name] for name in OWN if name != "sessioncontext")
    assert all(inside.get(name, written[name]) == written[name] for name in ("creationdate", "arn"))
