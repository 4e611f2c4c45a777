"""Reading lines of text in a layout that a source declares."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.readers.documents import MENDED
from forensics.readers.parts import Part, Reject, TextPart
from forensics.source import LineFormat, Source


class LayoutReader:
    """Reads one object's lines; numbers its records through the object. `damage` says whether the text is cut off."""

    def __init__(self, found: tuple[Source, LineFormat], damage: list[str]) -> None:
        self._source, self._layout = found
        self._damage = damage
        self._next = 0
        self._held: list[str] = []

    def read(self, texts: Iterator[tuple[bytes, bool]]) -> Iterator[Part]:
        """Parts of texts that end with a line, each with whether it is the last."""
        for text, last in texts:
            cut = last and bool(self._damage) and bool(text) and not text.endswith(b"\n")
            whole, _, rest = text.rpartition(b"\n") if cut else (text, b"", b"")
            yield from self._text(whole)
            if cut:
                yield from self._records(all_of=True)
                yield Reject.of(self._next, "the line is cut off", rest)
                self._next += 1
        yield from self._records(all_of=True)
        if self._next == 0:
            yield TextPart(self._source.name, 0, self._layout, ())

    def _text(self, text: bytes) -> Iterator[Part]:
        if not text:
            return
        body = text.removesuffix(b"\n")
        words = body.decode("utf-8", "replace")
        if "\ufffd" in words and words.encode() != body:
            for line in body.split(b"\n"):
                held = line.decode("utf-8", "replace")
                yield from self._lines([held])
                if held.encode() != line and held.strip():
                    yield Reject.of(self._next + len(self._held) - 1, MENDED, repr(line)[2:-1])
        else:
            yield from self._lines(words.split("\n"))
        yield from self._records(all_of=False)

    def _lines(self, lines: list[str]) -> Iterator[Part]:
        """Take lines in; those of a comment may change the layout of what follows."""
        comment, continues = self._layout.comment, self._layout.continues
        if continues is None and not (comment and any(line.startswith(comment) for line in lines)):
            self._held += filter(str.strip, (line.rstrip("\r") for line in lines))
            return
        for line in lines:
            held = line.rstrip("\r")
            if continues is not None and self._held and continues(held):
                self._held[-1] += f"\n{held}"
            elif comment and held.startswith(comment):
                if (found := self._source.line_format and self._source.line_format([held])) and found != self._layout:
                    yield from self._records(all_of=True)
                    self._layout = found
            elif held.strip():
                self._held.append(held)

    def _records(self, *, all_of: bool) -> Iterator[Part]:
        """The records taken in; the last may still go on, unless that is all of them."""
        keep = 0 if all_of or self._layout.continues is None else 1
        ready = self._held[: len(self._held) - keep]
        self._held = self._held[len(ready) :]
        if ready:
            yield TextPart(self._source.name, self._next, self._layout, ready)
            self._next += len(ready)
