"""What a call that lists or describes resources declares: what it needs, where its items are, what each one is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jmespath
import jmespath.exceptions
import jmespath.functions


@dataclass(frozen=True)
class Call:
    """One read operation of a service.

    `service` is boto3's name (`ec2`), `operation` the API's (`DescribeInstances`). All paths are JMESPath:
    `items` over the answer, where the described things are (`@`: the answer itself is one); `resource_id`, `arn`, `name`
    and `created` over an item. `resource_type` is CloudFormation's name of the kind, `kind` a path over the item to
    it where an answer has several. `about` is the request's parameter that names the resource, where the item does not;
    a call with it, and without `for_each`, is made only where a set gives the name.
    `for_each` is the call whose items this one is made for (`ListFunctions`, or `lambda:ListFunctions` of another
    service), `given` the parameters of it, each a path over that item (`value` of one that is a text; a text in single
    quotes is itself), or over that item's request as `_request.Name`; `after_last(PATH, '/')` is what follows the last
    slash, `ecr_repository(PATH)` the repository of an image's name. Where a path finds nothing, the call is not made. `over` is a path over the item to the things it is made
    for, where they are several. With `batch`, the last of `given` is a list of up to so many.
    `parameters` are always given. `everywhere` is False of a service that has one place for all Regions.
    `action` is the IAM action, where it is not the operation's name with the service's prefix.
    `absent` are error codes that mean there is none. `redact` takes out of an answer what must not be kept.
    `urgent`: what it tells may be gone within the hour, and it is asked first.
    """

    service: str
    operation: str
    items: str
    resource_type: str
    resource_id: str = ""
    arn: str = ""
    name: str = ""
    created: str = ""
    kind: str = ""
    about: str = ""
    for_each: str = ""
    over: str = ""
    given: Mapping[str, str] | None = None
    batch: int = 0
    parameters: Mapping[str, Any] | None = None
    everywhere: bool = True
    action: str = ""
    absent: tuple[str, ...] = ()
    redact: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    urgent: bool = False

    @property
    def key(self) -> str:
        """`ec2:DescribeInstances`."""
        return f"{self.service}:{self.operation}"

    @property
    def parent(self) -> str:
        """The key of the call that this one is made for the items of; "" of one that stands alone."""
        if not self.for_each:
            return ""
        return self.for_each if ":" in self.for_each else f"{self.service}:{self.for_each}"

    def of(self, answer: Any) -> list[Any]:
        """The described things in an answer; things that are lists of one name stand for themselves."""
        found = search(self.items, answer)
        if not found:
            return []
        return found if isinstance(found, list) else [found]

    def made_for(self, items: Iterable[Any], request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The parameters of each call that is made for these items of the parent's answer, which `request` asked for."""
        things = [thing for item in items for thing in self._over(item)]
        given = [found for thing in things if (found := self._given(thing, request)) is not None]
        own = dict(self.parameters or {})
        if not self.batch:
            yield from (own | found for found in given)
            return
        listed = list(self.given or ())[-1]
        groups: dict[str, tuple[dict[str, Any], list[Any]]] = {}
        for found in given:
            one = found.pop(listed)
            groups.setdefault(repr(found), (found, []))[1].extend(one if isinstance(one, list) else [one])
        for shared, values in groups.values():
            for start in range(0, len(values), self.batch):
                yield own | shared | {listed: values[start : start + self.batch]}

    def _over(self, item: Any) -> list[Any]:
        if not self.over:
            return [item]
        found = search(self.over, item)
        return found if isinstance(found, list) else []

    def _given(self, item: Any, request: Mapping[str, Any]) -> dict[str, Any] | None:
        around = (item if isinstance(item, dict) else {"value": item}) | {"_request": request}
        found = {name: search(path, around) for name, path in (self.given or {}).items()}
        return None if any(value in (None, "", []) for value in found.values()) else found


class _Functions(jmespath.functions.Functions):  # type: ignore[misc]
    @jmespath.functions.signature({"types": ["string", "null"]}, {"types": ["string"]})  # type: ignore[untyped-decorator]
    def _func_after_last(self, text: str | None, mark: str) -> str | None:
        return None if text is None else text.rpartition(mark)[2]

    @jmespath.functions.signature({"types": ["string", "null"]})  # type: ignore[untyped-decorator]
    def _func_ecr_repository(self, image: str | None) -> str | None:
        """The repository of an image's name; null of an image that is not in ECR."""
        found = re.fullmatch(r"\d{12}\.dkr[.-]ecr[^/]*/([^:@]+)(?:[:@].*)?", image or "")
        return found.group(1) if found else None


_OPTIONS = jmespath.Options(custom_functions=_Functions())


@cache
def _compiled(path: str) -> Any:
    return jmespath.compile(path)


def search(path: str, value: Any) -> Any:
    """What a JMESPath finds; None for an empty path, and where it does not apply."""
    try:
        return _compiled(path).search(value, options=_OPTIONS) if path else None
    except jmespath.exceptions.JMESPathTypeError:
        return None
