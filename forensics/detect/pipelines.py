"""Which tables a rule's logsource means, and what its fields are called there; one declaration per logsource.

A further logsource is one more `Logsource` in LOGSOURCES. The names are those of the Sigma specification's appendix
"Sigma taxonomy" (webserver, proxy, dns, firewall), and AWS's own otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VERSION = 1
"""Raise it when what a rule converts to changes: conversions are kept by it."""


@dataclass(frozen=True)
class Table:
    """A source table a logsource reads.

    `fields` are the logsource's names as SQL over the table (alias `s`), each text, of those in `lists` a list. `narrow` are columns of few
    distinct values that most rules name: rows are told apart by them first. `group` is SQL over `event` (alias `e`):
    what hits of one rule are put together by where the event has no principal.
    """

    source: str
    fields: Mapping[str, str] = field(default_factory=dict)
    narrow: tuple[str, ...] = ()
    group: str = "NULL"
    lists: tuple[str, ...] = ()


OF_AWS_ALONE = ("cloudtrail", "guardduty", "vpcflow", "vpc_flow", "vpcflowlogs", "route53", "route53_resolver", "eks")


@dataclass(frozen=True)
class Logsource:
    """What a rule must say of its logsource ("" says nothing), and the tables that are meant; the first that fits holds."""

    tables: tuple[Table, ...]
    product: str = ""
    service: str = ""
    category: str = ""

    def fits(self, product: str, service: str, category: str) -> bool:
        """Whether a rule of that logsource reads these tables. A service that only AWS has needs no product."""
        product = product or ("aws" if service in OF_AWS_ALONE else "")
        said = ((self.product, product), (self.service, service), (self.category, category))
        return all(not mine or mine == theirs for mine, theirs in said)


def _as_text(sql: str) -> str:
    return f"CAST({sql} AS VARCHAR)"


def _part(request: str, part: str) -> str:
    """Of a request line (METHOD URL VERSION): its method, path with query, path, query or host."""
    url = f"split_part({request}, ' ', 2)"
    path = f"regexp_replace({url}, '^[a-zA-Z]+://[^/]*', '')"
    parts = {
        "method": f"split_part({request}, ' ', 1)",
        "url": url,
        "uri": path,
        "stem": f"split_part({path}, '?', 1)",
        "query": f"nullif(regexp_extract({path}, '\\?(.*)$', 1), '')",
        "host": f"nullif(regexp_extract({url}, '^[a-zA-Z]+://([^/:]*)', 1), '')",
    }
    return parts[part]


QUERY = ("cs-uri-query", "c-uri-query")


def _web(**known: str) -> dict[str, str]:
    """The names of Sigma's webserver and proxy for what a table knows of a request.

    The query is a list: itself, and the path with it, as most of SigmaHQ's rules write paths into `cs-uri-query`.
    """
    names = {
        "client": ("c-ip", "src_ip", "ClientIP"),
        "method": ("cs-method",),
        "uri": ("cs-uri", "c-uri"),
        "stem": ("cs-uri-stem", "c-uri-stem"),
        "query": QUERY,
        "agent": ("cs-user-agent", "c-useragent", "cs(User-Agent)", "user_agent"),
        "referer": ("cs-referer", "cs-referrer", "cs(Referer)"),
        "cookie": ("cs-cookie", "cs(Cookie)"),
        "host": ("cs-host", "r-dns", "cs(Host)"),
        "status": ("sc-status",),
        "received": ("cs-bytes",),
        "sent": ("sc-bytes",),
        "extension": ("c-uri-extension",),
    }
    if "query" in known:
        known["query"] = f"nullif(list_filter([{known['query']}, {known['uri']}], lambda v: v IS NOT NULL), [])"
    known["extension"] = f"nullif(regexp_extract({known['stem']}, '\\.([A-Za-z0-9]+)$', 1), '')"
    return {name: sql for what, sql in known.items() for name in names[what]}


def _balancer(source: str, status: str) -> Table:
    line = {part: _part("s.request", part) for part in ("method", "uri", "stem", "query", "host")}
    return Table(
        source,
        _web(
            client="s.client_ip",
            agent="s.user_agent",
            status=_as_text(status),
            received=_as_text("s.received_bytes"),
            sent=_as_text("s.sent_bytes"),
            **line,
        ),
        lists=QUERY,
    )


_WAF_HEADER = (
    "list_filter(json_extract(s.http_request, '$.headers[*]'), lambda h: lower(h->>'$.name') = '{name}')[1]->>'$.value'"
)

ALB = _balancer("alb", "s.elb_status_code")
CLB = _balancer("clb", "s.elb_status_code")
CLOUDFRONT = Table(
    "cloudfront",
    _web(
        client="s.c_ip",
        method="s.cs_method",
        uri="s.cs_uri_stem || coalesce('?' || s.cs_uri_query, '')",
        stem="s.cs_uri_stem",
        query="s.cs_uri_query",
        agent="url_decode(s.cs_user_agent)",
        referer="s.cs_referer",
        cookie="s.cs_cookie",
        host="coalesce(s.x_host_header, s.cs_host)",
        status=_as_text("s.sc_status"),
        received=_as_text("s.cs_bytes"),
        sent=_as_text("s.sc_bytes"),
    ),
    lists=QUERY,
)
S3_ACCESS = Table(
    "s3_access",
    _web(
        client="s.remote_ip",
        agent="s.user_agent",
        referer="s.referer",
        status=_as_text("s.http_status"),
        sent=_as_text("s.bytes_sent"),
        **{part: _part("s.request_uri", part) for part in ("method", "uri", "stem", "query")},
        host="s.host_header",
    ),
    lists=QUERY,
)
WAF = Table(
    "waf",
    _web(
        client="s.client_ip",
        method="s.http_method",
        uri="s.uri || coalesce('?' || nullif(s.args, ''), '')",
        stem="s.uri",
        query="nullif(s.args, '')",
        agent=_WAF_HEADER.format(name="user-agent"),
        referer=_WAF_HEADER.format(name="referer"),
        cookie=_WAF_HEADER.format(name="cookie"),
        host=f"coalesce(s.http_host, {_WAF_HEADER.format(name='host')})",
        status=_as_text("s.response_code_sent"),
    ),
    lists=QUERY,
)
API_GATEWAY = Table(
    "api_gateway",
    _web(
        client="s.source_ip",
        method="s.http_method",
        uri="coalesce(s.path, s.resource_path)",
        stem="coalesce(s.path, s.resource_path)",
        agent="s.user_agent",
        host="s.domain_name",
        status=_as_text("s.http_status"),
        sent=_as_text("s.response_length"),
    ),
    lists=QUERY,
)
CLOUDTRAIL = Table("cloudtrail", narrow=("event_source", "event_name", "error_code", "user_identity_type"))
GUARDDUTY = Table("guardduty", narrow=("type",))
_PORTS = {
    "src_ip": "s.srcaddr",
    "dst_ip": "s.dstaddr",
    "src_port": _as_text("s.srcport"),
    "dst_port": _as_text("s.dstport"),
    "SourceIp": "s.srcaddr",
    "DestinationIp": "s.dstaddr",
    "SourcePort": _as_text("s.srcport"),
    "DestinationPort": _as_text("s.dstport"),
    "action": "s.action",
}
FLOW = Table("vpc_flow", _PORTS, group="e.source_ip")
_DNS = {
    "query": "rtrim(s.query_name, '.')",
    "QueryName": "rtrim(s.query_name, '.')",
    "dns_query": "rtrim(s.query_name, '.')",
    "dns.question.name": "rtrim(s.query_name, '.')",
    "parent_domain": "nullif(regexp_extract(rtrim(s.query_name, '.'), '[^.]+\\.[^.]+$'), '')",
    "record_type": "s.query_type",
    "answer": "array_to_string(json_extract_string(s.answers, '$[*].Rdata'), ' ')",
    "src_ip": "s.srcaddr",
}
RESOLVER = Table("route53_resolver", _DNS, group="e.source_ip")


def _of_a_pod(path: str) -> str:
    """What lies there in the pod, or the template of pods, that a request asks for; NULL where nothing."""
    places = (f"json_extract(s.request_object, '$.spec{within}.{path}')" for within in ("", ".template.spec"))
    found = ", ".join(f"nullif(CAST({place} AS VARCHAR), '[]')" for place in places)
    return f"nullif(concat({found}), '')"


_POD = {
    "apiGroup": "s.object_api_group",
    "hostPath": _of_a_pod("volumes[*].hostPath"),
    "capabilities": _of_a_pod("containers[*].securityContext.capabilities"),
}
"""The last names of paths, as SigmaHQ's rules write them alone."""
AUDIT = Table("eks_audit", _POD, narrow=("verb", "object_resource", "object_subresource"))
WEB = (ALB, CLB, CLOUDFRONT, S3_ACCESS, WAF, API_GATEWAY)

LOGSOURCES = (
    Logsource((CLOUDTRAIL,), "aws", "cloudtrail"),
    Logsource((GUARDDUTY,), "aws", "guardduty"),
    *(Logsource((FLOW,), "aws", name) for name in ("vpcflow", "vpc_flow", "vpcflowlogs", "flow")),
    *(Logsource((RESOLVER,), "aws", name) for name in ("route53", "route53_resolver", "dns")),
    *(Logsource((item,), "aws", item.source) for item in WEB),
    *(Logsource((ALB, CLB), "aws", name) for name in ("elb", "elasticloadbalancing")),
    Logsource((S3_ACCESS,), "aws", "s3"),
    *(Logsource((AUDIT,), product, "audit") for product in ("kubernetes", "aws")),
    Logsource((AUDIT,), "aws", "eks"),
    Logsource((AUDIT,), "kubernetes"),
    Logsource(WEB, category="webserver"),
    Logsource(WEB, category="proxy"),
    Logsource((RESOLVER,), category="dns"),
    Logsource((FLOW,), category="firewall"),
)

PRODUCTS = ("", "aws", "kubernetes", "apache", "nginx")
"""Products whose rules may read these tables: a rule on DNS of Windows is about events of Windows."""


def tables(product: str, service: str, category: str) -> tuple[Table, ...]:
    """The tables that a rule's logsource means; none where it is about something else."""
    if product not in PRODUCTS:
        return ()
    if product == "aws" and not service and not category:
        return (CLOUDTRAIL,)
    return next((item.tables for item in LOGSOURCES if item.fits(product, service, category)), ())


def by_source() -> dict[str, Table]:
    """Every table that some logsource reads, by its source's name."""
    return {table.source: table for item in LOGSOURCES for table in item.tables}
