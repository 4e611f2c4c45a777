"""No regular expression of the package takes more than time in proportion, whatever it is given to read."""

import random
import re
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from forensics.detect.legacy import _COUNTED
from forensics.host_lines import _AUDIT_WORD
from forensics.line_split import tokens
from forensics.rds_sqlserver import _LOGIN
from forensics.readers.documents import Lost, documents
from forensics.sources.eks_authenticator import logfmt
from tests.hostile.patterns import Used, patterns, pumped, wears

COSTS, GROWTH = 0.5, 3.0
"""Processor seconds from which a text is looked at, and how many times as long twice the length may take."""
GUARDED = {
    '"[^"]*+(?:"(?! |$)[^"]*+)*"(?= |$)|\\S+': "line_split.tokens gives it only what ends in a quote that ends a field",
}


@pytest.fixture(scope="module")
def used() -> Used:
    before = {name: held for name, held in sys.modules.items() if name.split(".")[0] == "forensics"}
    found = patterns()
    for name in [name for name in sys.modules if name.split(".")[0] == "forensics"]:
        del sys.modules[name]
    sys.modules.update(before)
    return {key: ways for key, ways in found.items() if key[0] not in GUARDED}


def wearing(used: Used, most: int) -> Iterator[str]:
    """The patterns that take over-long, with the text that does it."""
    for (pattern, flags), ways in used.items():
        compiled = re.compile(pattern, flags)
        for text in pumped(pattern, flags, random.Random(1), most):
            if wears(compiled, text, ways=ways, costs=COSTS, growth=GROWTH):
                yield f"{pattern!r} by {sorted(ways)} on {text}"
                break


def test_the_patterns_of_all_modules_are_found(used: Used) -> None:
    assert len(used) > 200
    assert (_COUNTED.pattern, _COUNTED.flags) in used
    assert sum(bool(ways) for ways in used.values()) > 150


def test_no_pattern_takes_more_than_time_in_proportion_on_texts_made_from_its_parts(used: Used) -> None:
    assert list(wearing(used, 12)) == []


@pytest.mark.long
def test_no_pattern_takes_more_than_time_in_proportion_on_many_texts(used: Used) -> None:
    assert list(wearing(used, 1_000)) == []


def test_a_pattern_that_wears_out_is_found() -> None:
    assert list(wearing({(r"\s*(\w+)\s*=", re.UNICODE.value): frozenset({"search"})}, 60)) != []


TEXTS: dict[str, tuple[Callable[[str], object], str, str]] = {
    "words after the last closing quote": (tokens, '"x"y ', ""),
    "names without a value": (logfmt, "a", ""),
    "names of an audit record without a value": (_AUDIT_WORD.findall, "a", ""),
    "addresses without an end": (_LOGIN.match, "Login failed for user 'a'. a[CLIENT: #", ""),
    "a count by blanks": (_COUNTED.fullmatch, " ", "a| a ( a ) by"),
    "a field of blanks": (_COUNTED.fullmatch, " ", "a| a ("),
    "records in records": (lambda text: list(documents(text.encode(), lambda _: False)), '{"Records":[', ""),
    "blank lines in damaged text": (lambda text: list(documents(text.encode(), lambda _: False)), "\n", '{"a" "b"}'),
}


@pytest.mark.parametrize(("read", "again", "before"), TEXTS.values(), ids=TEXTS)
def test_twice_as_much_text_takes_about_twice_as_long(read: Callable[[str], object], again: str, before: str) -> None:
    took = []
    for length in (100_000, 200_000):
        begin = time.process_time()
        read(before + again * (length // len(again)))
        took.append(time.process_time() - begin)
    assert took[1] < COSTS or took[1] < GROWTH * took[0]


def test_a_string_of_escapes_without_an_end_is_gone_through_in_little_memory() -> None:
    text = b'{"Records":[{"a":"' + b"\\n" * 2_000_000
    (lost,) = documents(text, lambda _: False)
    assert isinstance(lost, Lost)
    assert lost.cut
