"""The options by which a command says who asks AWS, and from where."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forensics.aws import Aws


def aws_options(parser: argparse.ArgumentParser, *, region: bool = True) -> None:
    """Declare them; without `region` where the command has an option of that name already."""
    group = parser.add_argument_group("who asks AWS")
    group.add_argument("--profile", metavar="NAME", help="a profile of the AWS configuration; default: as the AWS CLI")
    group.add_argument("--role", metavar="ARN", help="a role to assume first")
    group.add_argument("--endpoint-url", metavar="URL", help="another endpoint than AWS's own")
    if region:
        group.add_argument("--region", metavar="REGION", help="Region that is asked where nothing else says one")


def aws_of(options: argparse.Namespace) -> Aws:
    """AWS as these options say."""
    from forensics.aws import Aws

    return Aws(profile=options.profile, region=options.region, endpoint=options.endpoint_url, role=options.role)
