"""What responders tag and write about a case: kept beside it, apart from the evidence, each line with its author."""

from forensics.notes.about import KINDS, About
from forensics.notes.notes import Added, Notes
from forensics.notes.standing import Standing

__all__ = ["KINDS", "About", "Added", "Notes", "Standing"]
