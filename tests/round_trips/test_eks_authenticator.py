"""Lines of the EKS authenticator come back equal: logfmt, with values in quotes of the language Go."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from tests.loading import envelope
from tests.round_trips.fields import ARN, ENDPOINT, QUICK, Record, assert_back, back, client, several

NAMED = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
NAMED |= {'"': '\\"', "\\": "\\\\"}
BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/@^+")
FIELDS = {
    "level": st.sampled_from(("info", "warning", "error")),
    "msg": st.sampled_from(("access granted", "access denied")),
    "arn": ARN,
    "client": ENDPOINT,
    "method": st.just("POST"),
    "path": st.just("/authenticate"),
    "accesskeyid": st.just("ASIAEXAMPLEKEY000001"),
}
SAID = ("username", "uid", "groups", "error")
PRINTABLE = client(without="".join(map(chr, [*range(32), *range(127, 160)])))


def escape(held: str) -> str:
    """A character as Go's `%q` writes it."""
    if held in NAMED:
        return NAMED[held]
    if held.isprintable():
        return held
    code = ord(held)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def value(text: str) -> str:
    """A value of logfmt, in quotes where it is not of plain characters alone."""
    return text if text and BARE.issuperset(text) else f'"{"".join(map(escape, text))}"'


def records(said: st.SearchStrategy[str]) -> st.SearchStrategy[list[Record]]:
    return several(st.fixed_dictionaries(FIELDS | dict.fromkeys(SAID, said)))


def text_of(found: list[Record]) -> str:
    lines = [" ".join(f"{name}={value(text)}" for name, text in record.items()) for record in found]
    return envelope(*lines, group="/aws/eks/prod/cluster", stream="authenticator-0123456789abcdef").decode()


@QUICK
@given(records(PRINTABLE.map(lambda text: "".join(filter(str.isprintable, text)))))
def test_lines_come_back(found: list[Record]) -> None:
    """Holds for printable text: quotes and backslashes escaped, everything else as it is."""
    assert_back("eks_authenticator", found, text_of(found))
    assert [json.loads(row["fields"]) for row in back("eks_authenticator", text_of(found)).rows] == found


@QUICK
@given(records(client(without="")))
@example([dict.fromkeys(SAID, 'a "b" \x1b[31m')])
def test_lines_with_control_characters_come_back(found: list[Record]) -> None:
    assert_back("eks_authenticator", found, text_of(found))
