"""Labels and bins: what they make of hostile text and of times."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.views.bins import WIDTHS, Bins
from forensics.views.labels import count_of, label, moment, shorten, size, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "␛[31m"),
        ("a\nb\tc", "a␊b␉c"),
        ("\x7f\x9b", "␡\\x9b"),
        ("gnp\u202eexe", "gnp\\u202eexe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("Grüße, 東京", "Grüße, 東京"),
    ],
)
def test_control_and_direction_characters_are_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_characters_to_keep_are_kept() -> None:
    assert visible("a\nb\x00", keep="\n") == "a\nb␀"


def test_markup_and_tex_are_escaped_in_a_label() -> None:
    assert label("<b>&amp;$x$") == "&lt;b&gt;&amp;amp;&#36;x&#36;"
    assert label(None) == "–"


@given(st.text())
def test_no_label_has_markup_or_control_characters(text: str) -> None:
    made = label(text)
    assert not set(made) & set("<>$\n\r\x1b\x00\u202e")
    assert made.isprintable() or all(ord(character) > 0x9F for character in made if not character.isprintable())


def test_long_text_keeps_both_of_its_ends() -> None:
    assert shorten("arn:aws:iam::111122223333:role/orders", 12) == "arn:a…orders"
    assert shorten("short", 12) == "short"


def test_times_counts_and_sizes_are_written_for_people() -> None:
    assert moment(datetime(2026, 3, 1, 9, 12, 31)) == "2026-03-01 09:12:31"
    assert [count_of(1, "event"), count_of(1200, "event")] == ["1 event", "1,200 events"]
    assert [size(0), size(999), size(1_234_567)] == ["0 B", "999 B", "1.2 MB"]


@pytest.mark.parametrize(
    ("last", "name"),
    [
        (datetime(2026, 3, 1), "1 s"),
        (datetime(2026, 3, 1, 1), "30 s"),
        (datetime(2026, 3, 2), "10 min"),
        (datetime(2026, 4, 1), "6 h"),
        (datetime(2027, 3, 1), "7 d"),
    ],
)
def test_bins_are_as_narrow_as_their_number_allows(last: datetime, name: str) -> None:
    assert Bins.over(datetime(2026, 3, 1), last, at_most=160).name == name


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
)
def test_there_are_never_many_more_bins_than_asked_for(one: datetime, other: datetime) -> None:
    bins = Bins.over(min(one, other), max(one, other), at_most=100)
    assert abs((one - other).total_seconds()) / bins.width <= 101


def test_a_bin_starts_at_a_multiple_of_its_width() -> None:
    assert [Bins(width).start(0) for width in WIDTHS] == [datetime(1970, 1, 1)] * len(WIDTHS)
    assert Bins(600).start(1) == datetime(1970, 1, 1, 0, 10)
