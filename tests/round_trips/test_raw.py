"""The raw line of every record is found again by its place, whatever blank lines and headers stand between."""

from hypothesis import given
from hypothesis import strategies as st

from forensics.raw import _text
from forensics.readers.parts import LinePart, TextPart
from tests.round_trips.fields import QUICK, Record, file_of, parts_of, several
from tests.round_trips.flows import Flow, chosen, line, lines
from tests.round_trips.test_rds_log import statement
from tests.round_trips.test_s3_access import ATTACKED
from tests.round_trips.test_s3_access import line as s3_line
from tests.round_trips.test_vpc_flow import FIELDS

BLANKS = st.lists(st.sampled_from(("", " ", "\t")), max_size=2)


def raw(text: str, kind: type, count: int) -> list[str | None]:
    """The raw texts of so many records, all from parts of that kind."""
    parts = parts_of(text)
    assert all(isinstance(part, kind) for part in parts)
    return [next((held for part in parts if (held := _text(part, place)) is not None), None) for place in range(count)]


@QUICK
@given(st.lists(st.tuples(ATTACKED, BLANKS), min_size=1, max_size=4))
def test_lines_of_a_layout_are_found_again(found: list[tuple[Record, list[str]]]) -> None:
    written = [s3_line(record) for record, _ in found]
    text = file_of(held for line, (_, blanks) in zip(written, found, strict=True) for held in (line, *blanks))
    assert raw(text, TextPart, len(written)) == written


@QUICK
@given(several(statement()))
def test_records_of_several_lines_are_found_again(found: list[Record]) -> None:
    written = [record["message"] for record in found]
    assert raw(file_of(written), TextPart, len(written)) == written


@QUICK
@given(chosen(FIELDS, ["srcaddr"]), BLANKS)
def test_lines_under_headers_are_found_again(flow: Flow, blanks: list[str]) -> None:
    order, found = flow
    text = file_of([*lines(flow), *blanks, *lines(flow)])
    assert raw(text, LinePart, 2 * len(found)) == [line(record, order) for record in found] * 2
