"""Commands that take away what an intruder put under a function, once it is kept as evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote

from forensics.analysis.code_changes import Change
from forensics.analysis.isolation import Command


def undoing(theirs: Iterable[Change]) -> list[Command]:
    """For each function that was changed: its layers kept, then what to undo."""
    made = [item for item in theirs if item.outcome == "success" and item.function]
    functions = dict.fromkeys(str(item.function) for item in made)
    return [
        command
        for function in functions
        for command in _of(function, [item for item in made if item.function == function])
    ]


def _of(function: str, made: list[Change]) -> Iterator[Command]:
    region, name = function.split(":")[3], function.rpartition(":")[2]
    which = f"--region {quote(region)} --function-name {quote(name)}"
    aspects = {item.aspect for item in made}
    for layer in dict.fromkeys(layer for item in made for layer in item.layers):
        yield Command(
            f"keep the layer {layer} as evidence",
            f"aws lambda get-layer-version-by-arn --region {quote(region)} --arn {quote(layer)}",
            "preserve",
        )
    if "function URL" in aspects:
        yield Command(f"take away the URL of {name}", f"aws lambda delete-function-url-config {which}", "isolate")
    if aspects & {"event source", "who may invoke"}:
        yield Command(
            f"see which rules invoke {name}, to take away what does not belong there",
            f"aws events list-rule-names-by-target --region {quote(region)} --target-arn {quote(function)}",
            "preserve",
        )
    if any(item.layers for item in made):
        yield Command(
            f"take the layers off {name}; give it back those that are its own",
            f"aws lambda update-function-configuration {which} --layers '[]'",
            "afterwards",
        )
    if "created" in aspects:
        yield Command(f"delete {name} once it is kept as evidence", f"aws lambda delete-function {which}", "afterwards")
    elif aspects & {"code", "version"}:
        yield Command(
            f"give {name} back its code from the build's own artefacts, never from a copy of what is there",
            f"aws lambda update-function-code {which} --zip-file fileb://KNOWN-GOOD.zip",
            "afterwards",
        )
