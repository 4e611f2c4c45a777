"""The code of Lambda functions and layers: the packages as deployed, their SHA-256 checked against Lambda's own.

Source: pages "GetFunction" (`Code.Location` is valid for 10 minutes) and "GetLayerVersionByArn". A function made of a
container image has no package: its digest is in the inventory (`Code.ResolvedImageUri`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from forensics.acquire import Found
from forensics.acquire.download import NotHad, download
from forensics.acquire.sets.aws_lambda import function
from forensics.acquire.step import Asking, Place
from forensics.aws import CALL_ERRORS, trouble


def found(place: Place) -> Iterator[Found]:
    """A zip for each version of the functions that are wanted, or of all, and for each layer that they have.

    Versions of the same SHA-256 are one object, under the first of them.
    """
    layers: dict[str, None] = {}
    for name, only in _functions(place):
        seen: set[str] = set()
        for version in [only] if only else _versions(place, name):
            if place.stopped():
                return
            told = _asked(place, "GetFunction", name, FunctionName=name, Qualifier=version)
            layers |= dict.fromkeys(item["Arn"] for item in told.get("Configuration", {}).get("Layers", []))
            if package := _package(told, name, seen):
                yield from _had(place, *package)
    for arn in layers:
        told = _asked(place, "GetLayerVersionByArn", arn, Arn=arn)
        if content := told.get("Content"):
            yield from _had(place, f"layer/{quote(arn, safe=':')}.zip", content.get("Location", ""), content)


def _package(told: Mapping[str, Any], name: str, seen: set[str]) -> tuple[str, str, Mapping[str, Any]] | None:
    """Where it is kept, where it is had, and what Lambda says of it; None where there is none, or none that is new."""
    held, location = told.get("Configuration", {}), told.get("Code", {}).get("Location")
    if not location or held.get("PackageType") == "Image" or held.get("CodeSha256", "") in seen:
        return None
    seen.add(held.get("CodeSha256", ""))
    return f"code/{quote(name)}/{quote(held.get('Version', '-'))}/{quote(name)}.zip", location, held


def _had(place: Place, at: str, location: str, declared: Mapping[str, Any]) -> Iterator[Found]:
    """The bytes; where they are not those that Lambda declares, they are kept with that said."""
    uri = f"aws://{place.account_id}/{place.region}/lambda/{at}"
    sha256 = str(declared.get("CodeSha256", ""))
    try:
        had = download(location, endpoint=place.aws.endpoint)
    except NotHad as error:
        place.trouble(uri, error.trouble)
        return
    problem = (
        "" if had.sha256 == sha256 else f"its SHA-256 is {had.sha256} in base64, Lambda says {sha256 or 'nothing'}"
    )
    if problem:
        place.trouble(uri, NotHad("CodeSha256", problem).trouble)
    version = str(declared["Version"]) if "Version" in declared else None
    held = {"codesha256": sha256}
    yield Found(uri, had.stream, size=had.size, version_id=version, problem=problem, metadata=held)


def _functions(place: Place) -> list[tuple[str, str]]:
    if place.wanted.functions:
        return [function(said) for said in place.wanted.functions]
    return [(item["FunctionName"], "") for item in _items(place, "ListFunctions", "Functions")]


def _versions(place: Place, name: str) -> list[str]:
    return [item["Version"] for item in _items(place, "ListVersionsByFunction", "Versions", FunctionName=name)]


def _items(place: Place, operation: str, path: str, **parameters: str) -> list[dict[str, Any]]:
    try:
        pages = place.aws.pages("lambda", operation, parameters, region=place.region)
        return [item for page in pages for item in page.get(path, [])]
    except CALL_ERRORS as error:
        _noted(place, operation, error)
        return []


def _asked(place: Place, operation: str, about: str, **parameters: str) -> dict[str, Any]:
    try:
        return place.aws.call("lambda", operation, parameters, region=place.region)
    except CALL_ERRORS as error:
        _noted(place, f"{operation}/{about}", error)
        return {}


def _noted(place: Place, what: str, error: Exception) -> None:
    """Note a trouble; that a Region has no such function is none."""
    why = trouble(error)
    if why.kind != "missing":
        place.trouble(f"aws://{place.account_id}/{place.region}/lambda/{what}", why)


STEP = Asking(
    "lambda-code",
    found,
    actions=(
        "lambda:ListFunctions",
        "lambda:ListVersionsByFunction",
        "lambda:GetFunction",
        "lambda:GetLayerVersion",
    ),
)
