"""Every regular expression of the package, how it is used, and texts made from its own parts to wear it out."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import random
import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import forensics

LENGTH = 50_000
"""Characters of a text made to wear a pattern out."""
_AFTER = ("", "\0", "\n!", ' "', "é")
_SAMPLES = " \"a0,:=-.\\\n\t'[]{}()<>/@#é_|;"
_WAYS = ("match", "fullmatch", "search", "finditer", "sub", "subn", "findall", "split")
_FOLDER = Path(forensics.__file__).parent

Used = dict[tuple[str | bytes, int], frozenset[str]]
"""Pattern and flags to the methods by which the package uses it, as far as its name tells; all where it has none."""


def patterns() -> Used:
    """All patterns that modules compile when they are imported, and those given as literal texts where they are used."""
    found: Used = {}
    compile_one = re._compile

    def seen(pattern: Any, flags: int) -> Any:
        made = compile_one(pattern, flags)
        if _from_package(sys._getframe(2).f_code.co_filename):
            found.setdefault((made.pattern, made.flags), frozenset())
        return made

    re._compile = seen
    try:
        for name in [name for name in sys.modules if name.split(".")[0] == "forensics"]:
            del sys.modules[name]
        modules = [
            importlib.import_module(item.name) for item in pkgutil.walk_packages(forensics.__path__, "forensics.")
        ]
    finally:
        re._compile = compile_one
    for key, ways in (*_literals(), *_named(modules)):
        found[key] = found.get(key, frozenset()) | ways
    return found


def _from_package(file: str) -> bool:
    return Path(file).is_relative_to(_FOLDER)


def _named(modules: Iterable[Any]) -> Iterator[tuple[tuple[str | bytes, int], frozenset[str]]]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in _FOLDER.rglob("*.py"))
    ways: dict[str, set[str]] = {}
    for name, way in re.findall(rf"(\w+)\.({'|'.join(_WAYS)})\b", text):
        ways.setdefault(name, set()).add(way)
    for module in modules:
        for name, held in vars(module).items():
            if isinstance(held, re.Pattern) and name in ways:
                yield (held.pattern, held.flags), frozenset(ways[name])


def _literals() -> Iterator[tuple[tuple[str | bytes, int], frozenset[str]]]:
    for path in _FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            given = node.args[0]
            if ast.unparse(node.func) in {f"re.{way}" for way in _WAYS} and isinstance(given, ast.Constant):
                made = re.compile(given.value)
                yield (made.pattern, made.flags), frozenset({node.func.attr})


Pumped = tuple[str, str, str]
"""A text made to wear a pattern out: what it begins with, what goes on and on, where it cannot end well."""


def of_length(made: Pumped, length: int) -> str:
    """The text with its middle as often as it takes."""
    before, body, after = made
    return before + body * (length // len(body)) + after


def pumped(pattern: str | bytes, flags: int, chance: random.Random, most: int) -> list[Pumped]:
    """Texts in which each repetition of the pattern goes on and on, up to where it cannot end well."""
    text = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
    parsed = _parser.parse(text, flags & ~re.UNICODE if isinstance(pattern, bytes) else flags)
    found: dict[Pumped, None] = {}
    for before, bodies in _repetitions(list(parsed), ""):
        for body in bodies:
            for after in _AFTER:
                found[before, body, after] = None
            found["", before + body, ""] = None
            found["", body + before, "\0"] = None
    made = list(found)
    return chance.sample(made, most) if len(made) > most else made


def _repetitions(items: list[Any], before: str) -> Iterator[tuple[str, list[str]]]:
    """What stands before each repetition, and some texts that it repeats."""
    for kind, value in items:
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            if value[1] > 20:
                yield before, sorted({_example(list(value[2]), sample) for sample in _SAMPLES} - {""})[:12]
            yield from _repetitions(list(value[2]), before)
        else:
            for inner in _inner(kind, value):
                yield from _repetitions(inner, before)
        before += _example([(kind, value)], "a")


def _inner(kind: Any, value: Any) -> list[list[Any]]:
    if kind is op.SUBPATTERN:
        return [list(value[3])]
    if kind is op.BRANCH:
        return [list(item) for item in value[1]]
    if kind is op.ATOMIC_GROUP:
        return [list(value)]
    return []


def _example(items: list[Any], wish: str) -> str:
    return "".join(_one(kind, value, wish) for kind, value in items)


def _one(kind: Any, value: Any, wish: str) -> str:
    if kind is op.LITERAL:
        return chr(value)
    if kind is op.NOT_LITERAL:
        return wish if ord(wish) != value else "b"
    if kind is op.ANY:
        return wish
    if kind is op.IN:
        return _of_class(value, wish)
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        return _example(list(value[2]), wish) * max(value[0], 1 if value[1] > 20 else 0)
    if kind is op.BRANCH:
        options = [_example(list(item), wish) for item in value[1]]
        return next((item for item in options if wish in item), options[0])
    inner = _inner(kind, value)
    return _example(inner[0], wish) if inner else ""


def _of_class(value: Any, wish: str) -> str:
    if _fits(value, wish):
        return wish
    return next((mark for mark in _SAMPLES + "AZbf9+%$" if _fits(value, mark)), "a")


def _fits(value: Any, mark: str) -> bool:
    found = False
    for kind, held in value:
        if kind is op.LITERAL:
            found |= ord(mark) == held
        elif kind is op.RANGE:
            found |= held[0] <= ord(mark) <= held[1]
        elif kind is op.CATEGORY:
            found |= bool(re.match(_CATEGORIES[str(held)], mark))
    return found != (value[0][0] is op.NEGATE)


_CATEGORIES = {
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def seconds(pattern: re.Pattern[Any], text: str, *, ways: frozenset[str]) -> float:
    """Processor time of matching that text in the ways that the package does."""
    held = text.encode("utf-8", "replace") if isinstance(pattern.pattern, bytes) else text
    begin = time.process_time()
    if not ways or "match" in ways:
        pattern.match(held)
    if not ways or "fullmatch" in ways:
        pattern.fullmatch(held)
    if ways - {"match", "fullmatch"}:
        for _ in pattern.finditer(held):
            pass
    return time.process_time() - begin


def wears(pattern: re.Pattern[Any], made: Pumped, *, ways: frozenset[str], costs: float, growth: float) -> bool:
    """Whether twice the text takes more than `growth` times as long, and LENGTH of it more than `costs` seconds.

    Short texts are tried first: what is not linear would take minutes on long ones, and nothing can stop it there.
    """
    for length in (LENGTH // 16, LENGTH // 4, LENGTH):
        took = seconds(pattern, of_length(made, length), ways=ways)
        if took * (LENGTH / length) ** 2 <= costs:
            continue
        half = min(seconds(pattern, of_length(made, length // 2), ways=ways) for _ in range(3))
        if min(took, seconds(pattern, of_length(made, length), ways=ways)) > growth * half:
            return True
    return False
