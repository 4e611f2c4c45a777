"""Commands that shut an attacker out at the edge, stop what it reached and cut off where that sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from forensics.analysis import isolation
from forensics.analysis.containment import revoked
from forensics.analysis.isolation import Command
from forensics.case import Case

_ROLES = """
SELECT DISTINCT regexp_extract(w.role, '([^/]+)$', 1) AS role
FROM workload AS w
WHERE list_contains(CAST(? AS VARCHAR[]), w.workload)
  AND w.role IS NOT NULL
ORDER BY role
"""


def shut(
    case: Case, clients: Sequence[str], workloads: Sequence[str], remotes: Sequence[str], *, domains: Sequence[str] = ()
) -> list[Command]:
    """In that order: clients shut out, each workload stopped and its sessions revoked, destinations and names cut off."""
    roles = case.sql(_ROLES, (list(workloads),)).rows()
    return [
        *(_shut_out(item) for item in clients),
        *isolation.isolation(case, workloads),
        *(revoked(str(role)) for (role,) in roles),
        *(_cut_off(item) for item in remotes),
        *_no_answer(domains),
    ]


def _range(address: str) -> str:
    return f"{address}/128" if ":" in address else f"{address}/32"


def _shut_out(address: str) -> Command:
    version = "IPV6" if ":" in address else "IPV4"
    return Command(
        f"shut {address} out: a set for a blocking rule of the web ACL (for CloudFront --scope CLOUDFRONT, in us-east-1)",
        f"aws wafv2 create-ip-set --scope REGIONAL --name shut-out --ip-address-version {version}"
        f" --addresses {quote(_range(address))}",
        "isolate",
    )


def _no_answer(domains: Sequence[str]) -> Iterator[Command]:
    if domains:
        yield Command(
            f"answer {', '.join(domains[:5])} with nothing: a list for a blocking rule of the resolver's DNS Firewall",
            "aws route53resolver update-firewall-domains --firewall-domain-list-id DOMAIN-LIST --operation ADD --domains "
            + " ".join(quote(item) for item in domains),
            "isolate",
        )


def _cut_off(address: str) -> Command:
    return Command(
        f"cut off {address} in the network ACL of the subnets (a rule number before those that allow)",
        "aws ec2 create-network-acl-entry --network-acl-id NETWORK-ACL --egress --protocol -1 --rule-number 1"
        f" --rule-action deny --cidr-block {quote(_range(address))}",
        "isolate",
    )
