"""Requests at the edge led to what served them, and clients judged by what followed."""

import re
from pathlib import Path

import pytest

from forensics.analysis.edge_attack import Client, investigate
from forensics.analysis.edge_containment import shut
from forensics.analysis.edge_requests import ATTACK_LIKE, Scope, served
from forensics.analysis.suspects import Reason
from forensics.case import Case
from tests.analysis.theft_worlds import case_of
from tests.workload_worlds import DAY, ORDERS, configured, line
from tests.worlds import Record

CLIENT = "203.0.113.77"
TRACE = "1-5f0a1b2c-0123456789abcdef01234567"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/fn/0123456789abcdef"
MADE = [configured(at="08:00:00")]


def asked(
    begun: str, ended: str, *, client: str = CLIENT, request: str = "POST https://a/ HTTP/2.0", **more: str
) -> Record:
    """A request that a load balancer gave to a function."""
    times = {"request_creation_time": DAY + begun, "time": DAY + ended}
    known = {
        "client:port": f"{client}:51500",
        "target:port": None,
        "request": request,
        "elb_status_code": 200,
        "target_group_arn": GROUP,
    }
    return {"elb": "app/shop/1", "type": "https"} | times | known | more


def ran(begun: str, ended: str, milliseconds: float, *, request: str, **more: object) -> list[Record]:
    """The platform's lines about an invocation."""
    report = {"durationMs": milliseconds} | more
    return [
        line("platform.start", begun, request=request, **more),
        line("platform.report", ended, request=request, **report),
    ]


def ordinary() -> list[Record]:
    """Short invocations of the morning."""
    return [item for n in range(5) for item in ran(f"08:1{n}:00", f"08:1{n}:01", 200.0, request=f"usual-{n}")]


def found(case: Case) -> list[tuple[str | None, str, str]]:
    return [(item.client, item.request_id, item.certainty) for item in served(case, Scope(), [CLIENT])]


@pytest.mark.parametrize(
    ("others", "expected"), [([], [(CLIENT, "long", "inferred")]), ([asked("09:00:01", "09:00:11")], [])]
)
def test_a_long_invocation_is_led_to_the_only_request_that_began_and_ended_with_it(
    tmp_path: Path, others: list[Record], expected: object
) -> None:
    logged = [*ordinary(), *ran("09:00:00", "09:00:10", 9_900.0, request="long")]
    with case_of(tmp_path, cloudtrail=MADE, alb=[asked("09:00:00", "09:00:10"), *others], lambda_log=logged) as case:
        assert found(case) == expected


def test_a_request_that_waf_saw_is_led_through_the_gateway_to_its_invocation(tmp_path: Path) -> None:
    gateway = [{}, {"integrationRequestId": "long", "requestId": "g-1", "requestTime": DAY + "09:00:00", "ip": CLIENT}]
    seen = [
        {
            "httpSourceName": "APIGW",
            "timestamp": DAY + "09:00:00",
            "httpRequest": {"requestId": "g-1", "clientIp": CLIENT},
        }
    ]
    logged = [*ordinary(), *ran("09:00:00", "09:00:10", 9_900.0, request="long")]
    with case_of(tmp_path, cloudtrail=MADE, api_gateway=gateway, waf=seen, lambda_log=logged) as case:
        led = [item for item in found(case) if item[0]]
    assert led == [(CLIENT, "long", "recorded")] * 2


def test_an_unusual_invocation_alone_makes_nobody_an_attacker(tmp_path: Path) -> None:
    logged = [*ordinary(), *ran("09:00:00", "09:00:10", 9_900.0, request="long")]
    with case_of(tmp_path, cloudtrail=MADE, alb=[asked("09:00:00", "09:00:10")], lambda_log=logged) as case:
        answer = investigate(case)
    assert [(item.address, item.believed) for item in answer.clients] == [(CLIENT, False)]


@pytest.mark.parametrize(
    ("kinds", "believed"),
    [
        (("attack-like", "blocked", "unusual"), False),
        (("unusual", "destination"), False),
        (("attack-like", "unusual", "destination"), True),
        (("called back",), True),
        (("attack-like", "key outside"), True),
    ],
)
def test_three_points_with_a_consequence_inside_make_an_attacker(kinds: tuple[str, ...], believed: bool) -> None:
    assert Client(CLIENT, tuple(Reason(kind, kind, ()) for kind in kinds)).believed is believed


@pytest.mark.parametrize(
    ("request_line", "attack"),
    [
        ("GET https://a/fetch?url=http%3A%2F%2F169.254.170.2%2Fv2 HTTP/2.0", True),
        ("GET https://a/x?template={{7*7}} HTTP/2.0", True),
        ("GET https://a/..%2f..%2fetc/passwd HTTP/1.1", True),
        ("GET https://a/.env HTTP/1.1", True),
        ("GET https://a/?q=1+UNION+SELECT+2 HTTP/1.1", True),
        ("GET https://a/union-square/selection?page=2 HTTP/2.0", False),
        ("GET https://a/environment.html HTTP/2.0", False),
    ],
)
def test_what_no_honest_client_asks_for(request_line: str, attack: bool) -> None:
    assert bool(re.search(ATTACK_LIKE, request_line, re.IGNORECASE)) is attack


def test_hostile_text_of_a_request_stays_text(tmp_path: Path) -> None:
    hostile = "GET https://a/.env?<script>alert(1)</script>'; DROP TABLE event; -- HTTP/1.1"
    with case_of(tmp_path, cloudtrail=MADE, alb=[asked("09:00:00", "09:00:01", request=hostile)]) as case:
        rows = investigate(case, address=CLIENT).everybody.rows()
        commands = shut(case, ["203.0.113.7; rm -rf /"], [ORDERS], [])
    assert [row[3] for row in rows] == [1]
    assert "'203.0.113.7; rm -rf //32'" in commands[0].command
