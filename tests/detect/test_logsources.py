"""Logsources: which tables a rule reads, by which names, each with a hit and a near miss."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from forensics.detect import pipelines
from forensics.sources import sources
from tests.detect.sigma_worlds import conversion, matched, put, rule
from tests.fresh import fresh_case

WHEN = "2026-11-05T09:00:00Z"
WEB = {"category": "webserver"}
FLOW = {"srcaddr": "10.0.1.5", "srcport": 43122, "protocol": 6, "action": "ACCEPT", "start": WHEN}
REQUEST = "GET https://shop.example.com:443/a/x.php?id=1' HTTP/1.1"
OTHER = "POST https://shop.example.com:443/b HTTP/1.1"
HEADERS = {"headers": [{"name": "Host", "value": "shop.example.com"}, {"name": "User-Agent", "value": "sqlmap/1.8"}]}

CONTAINERS = {"containers": [{"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}]}
DEPLOYED = {"verb": "create", "objectRef": {"resource": "deployments", "apiGroup": "apps"}}


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with fresh_case(tmp_path_factory.mktemp("logsources") / "case") as case:
        yield case.connection


CASES: dict[str, tuple[dict[str, str], str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "guardduty": (
        {"product": "aws", "service": "guardduty"},
        "guardduty",
        {"type|startswith": "CryptoCurrency:", "severity|gte": 7, "service.action.actionType": "NETWORK_CONNECTION"},
        {"type": "CryptoCurrency:EC2/X", "severity": 8.0, "service": {"action": {"actionType": "NETWORK_CONNECTION"}}},
        {"type": "CryptoCurrency:EC2/X", "severity": 5.0, "service": {"action": {"actionType": "NETWORK_CONNECTION"}}},
    ),
    "flow, by the names of firewalls": (
        {"category": "firewall"},
        "vpc_flow",
        {"dst_ip|cidr": "203.0.113.0/24", "dst_port": [3333, 4444], "action": "accept"},
        FLOW | {"dstaddr": "203.0.113.7", "dstport": 4444},
        FLOW | {"dstaddr": "203.0.113.7", "dstport": 443},
    ),
    "flow, by AWS's names": (
        {"product": "aws", "service": "vpcflow"},
        "vpc_flow",
        {"dstaddr|startswith": "203.", "srcport|gt": 1024},
        FLOW | {"dstaddr": "203.0.113.7"},
        FLOW | {"dstaddr": "198.51.100.7"},
    ),
    "dns": (
        {"category": "dns"},
        "route53_resolver",
        {"query|endswith": ".evil.example", "record_type": "TXT", "answers.Rdata|contains": "cmd"},
        {"query_name": "a.evil.example.", "query_type": "TXT", "answers": [{"Rdata": "x"}, {"Rdata": "cmd"}]},
        {"query_name": "a.evil.example.", "query_type": "A", "answers": [{"Rdata": "cmd"}]},
    ),
    "dns, the answers and the domain asked about": (
        {"category": "dns"},
        "route53_resolver",
        {"answer|contains": "cmd", "parent_domain": "evil.example"},
        {"query_name": "a.evil.example.", "answers": [{"Rdata": "x"}, {"Rdata": "cmd.exe"}]},
        {"query_name": "evil.example.a.", "answers": [{"Rdata": "cmd.exe"}]},
    ),
    "a service that only AWS has, without its product": (
        {"service": "guardduty"},
        "guardduty",
        {"type": "Trojan:EC2/X"},
        {"type": "Trojan:EC2/X"},
        {"type": "Trojan:EC2/Y"},
    ),
    "a path in the query, as many public rules write it": (
        WEB,
        "alb",
        {"cs-uri-query|endswith": "/a/x.php"},
        {"request": "GET https://shop.example.com:443/a/x.php HTTP/1.1"},
        {"request": "GET https://shop.example.com:443/a/x.php/b HTTP/1.1"},
    ),
    "the last names of a pod's paths, alone": (
        {"product": "kubernetes", "service": "audit"},
        "eks_audit",
        {"hostPath": "*", "capabilities|contains": "SYS_ADMIN", "apiGroup": "apps"},
        DEPLOYED
        | {
            "requestObject": {
                "spec": {"template": {"spec": {"volumes": [{"name": "a"}, {"hostPath": {"path": "/"}}]} | CONTAINERS}}
            }
        },
        DEPLOYED | {"requestObject": {"spec": {"volumes": [{"name": "hostPath"}]} | CONTAINERS}},
    ),
    "alb": (
        WEB,
        "alb",
        {
            "cs-method": "get",
            "cs-uri-stem|endswith": ".php",
            "cs-uri-query|contains": "id=1'",
            "cs-host": "shop.example.com",
        },
        {"request": REQUEST},
        {"request": OTHER},
    ),
    "clb": (
        WEB,
        "clb",
        {"cs-uri|contains": "?id=", "sc-status|gte": 500},
        {"request": REQUEST, "elb_status_code": 502},
        {"request": REQUEST, "elb_status_code": 200},
    ),
    "cloudfront": (
        {"category": "proxy"},
        "cloudfront",
        {"c-uri|contains": "/x?id=1", "c-useragent|startswith": "sqlmap/", "c-ip": "203.0.113.7"},
        {"cs-uri-stem": "/x", "cs-uri-query": "id=1", "cs-user-agent": "sqlmap%2F1.8", "c-ip": "203.0.113.7"},
        {"cs-uri-stem": "/x", "cs-user-agent": "sqlmap%2F1.8", "c-ip": "203.0.113.7"},
    ),
    "s3 access": (
        {"product": "aws", "service": "s3_access"},
        "s3_access",
        {"cs-method": "GET", "sc-status": 200, "key|endswith": ".sql"},
        {"request_uri": "GET /b/dump.sql HTTP/1.1", "http_status": 200, "key": "dump.sql"},
        {"request_uri": "GET /b/dump.sql HTTP/1.1", "http_status": 403, "key": "dump.sql"},
    ),
    "waf": (
        WEB,
        "waf",
        {"cs-user-agent|contains": "sqlmap", "cs-host": "shop.example.com", "cs-method": "GET"},
        {"httpRequest": HEADERS | {"httpMethod": "GET"}},
        {"httpRequest": {"headers": HEADERS["headers"][:1], "httpMethod": "GET"}},
    ),
    "api gateway": (
        WEB,
        "api_gateway",
        {"cs-uri-stem": "/admin", "sc-status": 200},
        {"path": "/admin", "status": 200},
        {"path": "/admin", "status": 403},
    ),
    "kubernetes audit": (
        {"category": "application", "product": "kubernetes", "service": "audit"},
        "eks_audit",
        {
            "verb": "create",
            "objectRef.subresource": "exec",
            "user.groups": "system:masters",
            "sourceIPs|cidr": "203.0.113.0/24",
        },
        {
            "verb": "create",
            "objectRef": {"subresource": "exec"},
            "user": {"groups": ["a", "system:masters"]},
            "sourceIPs": ["203.0.113.7"],
        },
        {
            "verb": "create",
            "objectRef": {"subresource": "exec"},
            "user": {"groups": ["a"]},
            "sourceIPs": ["203.0.113.7"],
        },
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_a_logsource_reads_its_table_by_its_names(con: duckdb.DuckDBPyConnection, what: str) -> None:
    logsource, source, detection, hit, miss = CASES[what]
    put(con, [hit, miss], source)
    assert matched(con, rule(detection, logsource=logsource), source) == [0]


@pytest.mark.parametrize(
    "logsource", [{"product": "windows", "category": "dns"}, {"product": "azure"}, {"service": "sshd"}]
)
def test_a_logsource_of_something_else_reads_no_table(logsource: dict[str, str]) -> None:
    assert conversion(rule({"x": "y"}, logsource=logsource)).predicates == []


def test_every_declared_name_is_sql_over_its_table(con: duckdb.DuckDBPyConnection) -> None:
    for name, table in pipelines.by_source().items():
        columns = dict(sources()[name].table_columns)
        assert set(table.narrow) <= set(columns)
        for field, sql in table.fields.items():
            of_text = f"{sql}[1]" if field in table.lists else sql
            con.execute(f'SELECT lower({of_text}) FROM "{name}" AS s').fetchall()
