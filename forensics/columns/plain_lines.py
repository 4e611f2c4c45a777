"""Lines that can be read in one way only, all at once: words between single blanks, with quotes around whole words alone.

What a client wrote may make a line doubtful; such lines are left to the source's own split, one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from forensics.line_split import tokens
from forensics.source import PlainLine, Word

_NEWLINE, _BLANK, _QUOTE, _LAST = *b'\n "', 126
_SAMPLES, _FEWEST = 7, 8
"""Lines looked at beforehand, and the part of them that must be alike to be read together: one in so many."""


_Flags = npt.NDArray[np.bool_]
_Places = npt.NDArray[np.intp]
_Bytes = npt.NDArray[np.uint8]


def plain_columns(plain: PlainLine, lines: Sequence[str]) -> Iterator[tuple[_Places, list[pa.Array]]]:
    """Places of lines that are plain, with their fields as columns of texts: those of as many words together.

    Fields that the lines are too short for are not among the columns. Kinds of lines that are few are not looked for.
    """
    sampled = Counter(len(tokens(line)) for line in lines[:: max(1, len(lines) // _SAMPLES)])
    rest = np.arange(len(lines))
    for count in sampled.keys() & plain.counts:
        found = _alike(plain.words[:count], lines, rest)
        if found is not None and len(found[0]):
            yield found
            rest = np.setdiff1d(rest, found[0], assume_unique=True)


def _alike(words: Sequence[Word], lines: Sequence[str], chosen: _Places) -> tuple[_Places, list[pa.Array]] | None:
    """Which of the chosen lines have such words, and their columns; None where few have."""
    while len(chosen) * _FEWEST >= len(lines):
        held = lines if len(chosen) == len(lines) else [lines[place] for place in chosen]
        data = ("\n".join(held) + "\n").encode("utf-8", "surrogatepass")
        fits = _fitting(data, len(held), words)
        if fits.all():
            return _of_words(data, words, chosen)
        chosen = chosen[fits]
    return None


def _fitting(data: bytes, count: int, words: Sequence[Word]) -> _Flags:
    """Which of the lines have as many words and quotes as there should be, and those where they should be.

    Looks at one thing after the other, and no further where some lines fail.
    """
    text = np.frombuffer(data, np.uint8)
    marks = np.flatnonzero((text <= _BLANK) | (text == _QUOTE) | (text > _LAST))
    kinds = text[marks]
    lasts = np.flatnonzero(kinds == _NEWLINE)
    if len(lasts) != count:
        return np.zeros(count, bool)
    ends, quotes = marks[lasts], np.cumsum(kinds == _QUOTE, dtype=np.int32)
    fits: _Flags = np.diff(quotes[lasts], prepend=0) == 2 * sum(word.quoted for word in words)
    odd = (kinds != _NEWLINE) & (kinds != _QUOTE) & (kinds != _BLANK)
    if odd.any():
        fits[np.searchsorted(ends, marks[odd])] = False
    if not fits.all():
        return fits
    blanks = marks[(kinds == _BLANK) & (quotes & 1 == 0)]
    fits = np.diff(np.searchsorted(blanks, ends), prepend=0) == len(words) - 1
    return _in_place(text, ends, blanks.reshape(count, -1), words) if fits.all() else fits


def _in_place(text: _Bytes, ends: _Places, blanks: _Places, words: Sequence[Word]) -> _Flags:
    """Which lines have quotes around the words that should be in some, and no empty word or one that begins blank."""
    starts = np.column_stack((np.concatenate(([0], ends[:-1] + 1)), blanks + 1))
    stops = np.column_stack((blanks, ends))
    fits: _Flags = np.all(stops > starts, axis=1)
    quoted = [place for place, word in enumerate(words) if word.quoted]
    if not quoted:
        return fits
    first, last = starts[:, quoted], stops[:, quoted] - 1
    around = (text[first] == _QUOTE) & (text[last] == _QUOTE) & (last > first) & (text[first + 1] != _BLANK)
    fits &= np.all(around, axis=1)
    return fits


def _of_words(data: bytes, words: Sequence[Word], chosen: _Places) -> tuple[_Places, list[pa.Array]]:
    """The columns of lines that have such words, of which each must look as it should."""
    table = _parsed(data, len(words))
    looks = [pc.match_substring_regex(table[place], f"^(?:{word.pattern})$") for place, word in _checked(words)]
    fits = np.ones(len(chosen), bool)
    for found in looks:
        fits &= found.to_numpy(zero_copy_only=False)
    if not fits.all():
        table, chosen = table.filter(pa.array(fits)), chosen[fits]
    return chosen, _joined(table, words)


def _checked(words: Sequence[Word]) -> list[tuple[int, Word]]:
    return [(place, word) for place, word in enumerate(words) if word.pattern]


def _parsed(data: bytes, count: int) -> pa.Table:
    names = [str(place) for place in range(count)]
    return pa_csv.read_csv(
        pa.BufferReader(data),
        read_options=pa_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1),
        parse_options=pa_csv.ParseOptions(delimiter=" ", quote_char='"', double_quote=False),
        convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), check_utf8=False),
    ).combine_chunks()


def _joined(table: pa.Table, words: Sequence[Word]) -> list[pa.Array]:
    """A column a field: a word that goes on belongs to the one before."""
    columns: list[pa.Array] = []
    for place, word in enumerate(words):
        held = table[place].combine_chunks()
        if word.goes_on:
            held = pc.binary_join_element_wise(columns.pop(), held, " ")
        columns.append(_told(held, word) if word.told else held)
    return columns


def _told(texts: pa.Array, word: Word) -> pa.Array:
    """What a field's texts stand for: each different one is looked at once."""
    found = texts.dictionary_encode()
    meant = [word.told(text) if word.told else text for text in found.dictionary.to_pylist()]
    return pa.array(meant, pa.string()).take(found.indices)
