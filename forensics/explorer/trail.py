"""Where the responder has been: the states in the order of being shown, and which of them is shown now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from forensics.explorer.state import State


@dataclass(frozen=True)
class Trail:
    """States visited, and the place of the one that is shown."""

    states: tuple[State, ...] = (State(),)
    at: int = 0

    @property
    def state(self) -> State:
        """The one shown."""
        return self.states[self.at]

    def to(self, state: State) -> Self:
        """Show another; what lay ahead is forgotten. One that is shown already changes nothing."""
        if state == self.state:
            return self
        return replace(self, states=(*self.states[: self.at + 1], state), at=self.at + 1)

    def back(self) -> Self:
        """The one before; the first stays."""
        return replace(self, at=max(self.at - 1, 0))

    def forward(self) -> Self:
        """The one after; the last stays."""
        return replace(self, at=min(self.at + 1, len(self.states) - 1))

    @property
    def has_before(self) -> bool:
        """Whether there is a state to go back to."""
        return self.at > 0

    @property
    def has_after(self) -> bool:
        """Whether there is a state that was gone back from."""
        return self.at < len(self.states) - 1
