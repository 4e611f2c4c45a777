"""Names of columns are settled after one step, and are found in time that grows with the name alone."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.source import snake

PIECES = st.sampled_from(("A", "a", "1", "_", "-", "As", "IDs", "URL", "é", " ", "aB", "A1", ".", "(", "VPCE2s"))
NAME = st.lists(PIECES | st.text(max_size=4), max_size=8).map("".join)


@settings(max_examples=300, deadline=None)
@given(NAME)
def test_a_name_in_snake_case_stays_as_it_is(name: str) -> None:
    assert snake(snake(name)) == snake(name)


@settings(max_examples=300, deadline=None)
@given(NAME)
def test_a_name_in_snake_case_has_lower_letters_digits_and_single_lines(name: str) -> None:
    found = snake(name)
    assert found == found.lower() and "__" not in found
    assert found.replace("_", "").isalnum() or not found


@settings(max_examples=30, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=4).map("".join))
def test_a_long_name_takes_time_in_proportion(pattern: str) -> None:
    """Sixteen times the name takes at most some sixty times as long: a square would take 256 times."""
    short, long = (pattern * (count // len(pattern)) for count in (2_000, 32_000))
    assert _seconds(long) < 60 * max(_seconds(short), 0.0002)


def _seconds(name: str) -> float:
    begin = time.process_time()
    snake(name)
    return time.process_time() - begin
