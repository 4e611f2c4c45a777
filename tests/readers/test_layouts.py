"""Lines in a source's own layout: numbered through the object, comments and continuations aside, nothing lost."""

from dataclasses import replace

from forensics.readers.documents import MENDED
from forensics.readers.layouts import LayoutReader
from forensics.readers.parts import Reject, TextPart
from forensics.source import LineFormat, Source
from forensics.sources import sources

PLAIN = LineFormat(("a", "b"), lambda line: line.split(" "))
NAMED = LineFormat(("b", "a"), lambda line: line.split(" "))


def source(**more: object) -> Source:
    return replace(sources()["vpc_flow"], **more)  # type: ignore[arg-type]


def read(*texts: bytes, layout: LineFormat = PLAIN, damage: tuple[str, ...] = (), **more: object) -> list[object]:
    pairs = [(text, place + 1 == len(texts)) for place, text in enumerate(texts)]
    return list(LayoutReader((source(**more), layout), list(damage)).read(iter(pairs)))


def lines(parts: list[object]) -> list[tuple[int, list[str]]]:
    return [(part.first, list(part.lines)) for part in parts if isinstance(part, TextPart)]


def test_blank_lines_are_not_counted_and_line_ends_do_not_matter() -> None:
    parts = read(b"a 1\r\n\r\nb 2\n", b"\nc 3\n")

    assert lines(parts) == [(0, ["a 1", "b 2"]), (2, ["c 3"])]


def test_a_line_that_goes_on_stays_one_record_even_from_text_to_text() -> None:
    layout = replace(PLAIN, continues=lambda line: line.startswith("\t"))
    parts = read(b"a 1\n\tmore\nb 2\n", b"\teven more\nc 3\n", layout=layout)

    assert lines(parts) == [(0, ["a 1\n\tmore"]), (1, ["b 2\n\teven more"]), (2, ["c 3"])]


def test_a_comment_is_no_record_and_may_name_another_layout() -> None:
    layout = replace(PLAIN, comment="#")
    other = replace(NAMED, comment="#")
    parts = read(
        b"#a b\na 1\n#b a\n1 a\n", layout=layout, line_format=lambda first: other if first == ["#b a"] else None
    )

    assert [(part.layout, part.first) for part in parts if isinstance(part, TextPart)] == [(layout, 0), (other, 1)]


def test_the_last_line_of_a_cut_object_is_not_taken_for_whole() -> None:
    parts = read(b"a 1\nb", damage=("gzip data is cut off",))

    assert lines(parts) == [(0, ["a 1"])]
    assert parts[-1] == Reject(1, "the line is cut off", "b")


def test_bytes_that_are_not_utf8_are_kept_and_told() -> None:
    parts = read(b"a 1\nb \xff2\nc 3\n")

    assert lines(parts)[0][1] == ["a 1", "b \ufffd2", "c 3"]
    assert [part for part in parts if isinstance(part, Reject)] == [Reject(1, MENDED, "b \\xff2")]


def test_an_object_of_comments_alone_has_no_records() -> None:
    assert lines(read(b"#a b\n", layout=replace(PLAIN, comment="#"), line_format=lambda _: None)) == [(0, [])]
