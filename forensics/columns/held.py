"""JSON records of several objects that are typed together, and whose each of them is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forensics.readers.documents import Json
from forensics.readers.typed import Decoded

Piece = tuple[str, Sequence[int], Sequence[Json]]
"""An object's id, and numbers and records of some records of it."""

Places = npt.NDArray[np.int64]


class Held:
    """Pieces one after the other; a place is that of a record among all of them."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._owners = np.repeat(np.arange(len(pieces)), [len(records) for _, _, records in pieces])
        self.numbers = np.concatenate([np.asarray(numbers, np.int64) for _, numbers, _ in pieces])

    def records(self) -> Sequence[Json]:
        """All records."""
        decoded = [records for _, _, records in self._pieces if isinstance(records, Decoded)]
        return Decoded.of(decoded) if decoded else [record for _, _, records in self._pieces for record in records]

    def object_id(self, place: int) -> str:
        """The object of the record at a place."""
        return self._pieces[int(self._owners[place])][0]

    def object_ids(self, places: Places) -> pa.Array:
        """The objects of the records at those places."""
        return pa.array([object_id for object_id, _, _ in self._pieces], pa.string()).take(
            pa.array(self._owners[places])
        )

    def counts(self, places: Places) -> Iterator[tuple[str, int]]:
        """How many of the records at those places each piece has."""
        counts = np.bincount(self._owners[places], minlength=len(self._pieces))
        return ((piece[0], int(count)) for piece, count in zip(self._pieces, counts, strict=True))
