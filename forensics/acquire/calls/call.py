"""What a call that lists or describes resources declares: what it needs, where its items are, what each one is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jmespath


@dataclass(frozen=True)
class Call:
    """One read operation of a service.

    `service` is boto3's name (`ec2`), `operation` the API's (`DescribeInstances`). All paths are JMESPath:
    `items` over the answer, where the described things are (`@`: the answer itself is one); `resource_id`, `arn`, `name`
    and `created` over an item. `resource_type` is CloudFormation's name of the kind. `about` is the request's parameter
    that names the resource, where the item does not.
    `for_each` is the call whose items this one is made for, `given` the parameters of it, each a path over that item
    (a text in single quotes is itself), or over that item's request as `_request.Name`; `batch` is how many of these
    fit into one parameter that is a list.
    `parameters` are always given. `everywhere` is False of a service that has one place for all Regions.
    `action` is the IAM action, where it is not the operation's name with the service's prefix.
    `absent` are error codes that mean there is none. `redact` takes out of an answer what must not be kept.
    """

    service: str
    operation: str
    items: str
    resource_type: str
    resource_id: str = ""
    arn: str = ""
    name: str = ""
    created: str = ""
    about: str = ""
    for_each: str = ""
    given: Mapping[str, str] | None = None
    batch: int = 0
    parameters: Mapping[str, Any] | None = None
    everywhere: bool = True
    action: str = ""
    absent: tuple[str, ...] = ()
    redact: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    def of(self, answer: Any) -> list[Any]:
        """The described things in an answer; things that are lists of one name stand for themselves."""
        found = search(self.items, answer)
        if found is None:
            return []
        return found if isinstance(found, list) else [found]


@cache
def _compiled(path: str) -> Any:
    return jmespath.compile(path)


def search(path: str, value: Any) -> Any:
    """What a JMESPath finds; None for an empty path."""
    return _compiled(path).search(value) if path else None
