"""Behaviours in DNS: beacons, made-up names, data in names, new domains; and what only looks so."""

import random

import pytest

from tests.behaviour.behaviour_worlds import hits, query, questions
from tests.worlds import Record

MADE = random.Random(7)
LETTERS = "bcdfghjklmnpqrstvwxzaeiou0123456789"
RANDOM = ["".join(MADE.choices(LETTERS[:26], k=14)) for _ in range(12)]
DATA = ["".join(MADE.choices(LETTERS, k=48)) for _ in range(60)]


def asked(names: list[str], *, every: float = 20, **more: str) -> list[Record]:
    return [query(7200 + every * place, name, **more) for place, name in enumerate(names)]


def beats(count: int = 40, *, every: float = 600, jitter: float = 1, **more: str) -> list[Record]:
    made = random.Random(1)
    return [
        query(100 + every * place + made.uniform(-jitter, jitter), "c2.example.net", **more) for place in range(count)
    ]


# Beacons


def test_a_name_asked_for_on_a_timer_is_a_beacon_with_its_figures() -> None:
    (hit,) = hits("dns-beacon", route53_resolver=[*questions(), *beats()])
    assert hit.title == "10.0.0.5 asks for c2.example.net every 600 s"
    assert hit.reasons[0].startswith("40 queries, every 600")
    assert hit.reasons[1] == "longer apart than most answers are kept"
    assert hit.severity == 5


def test_a_name_in_steady_use_may_only_show_how_long_its_answer_is_kept() -> None:
    (hit,) = hits("dns-beacon", route53_resolver=beats(60, every=60))
    assert hit.severity == 4
    assert hit.reasons[1].startswith("the Resolver logs a name again only once its answer has run out")


@pytest.mark.parametrize(
    "records",
    [
        pytest.param(beats(40, jitter=290), id="chance"),
        pytest.param(beats(11), id="eleven times"),
        pytest.param([query(600 * place, "ssm.us-east-1.amazonaws.com") for place in range(40)], id="AWS's own"),
        pytest.param([query(600 * place, "db.example.internal") for place in range(40)], id="an inner name"),
    ],
)
def test_other_names_asked_for_often_are_no_beacon(records: list[Record]) -> None:
    assert hits("dns-beacon", route53_resolver=records) == []


def test_a_and_aaaa_of_one_question_are_one() -> None:
    both = [record for one in beats() for record in (one, one | {"query_type": "AAAA"})]
    (hit,) = hits("dns-beacon", route53_resolver=both)
    assert hit.evidence_count == 40


# Made-up names


def test_many_domains_of_chance_letters_that_do_not_exist_are_found() -> None:
    tried = asked([f"{name}.com" for name in RANDOM], rcode="NXDOMAIN")
    (hit,) = hits("dns-random-names", route53_resolver=[*questions(), *tried])
    assert hit.severity == 5
    assert hit.reasons[2] == f"{hit.evidence_count} of them do not exist (NXDOMAIN)"
    assert hit.evidence_count >= 10


WORDS = (
    "stackoverflow wikipedia cloudflare googleapis letsencrypt pythonhosted githubusercontent elasticsearch"
    " launchpadlibrarian amazontrust digicert duckdb mongodb postgresql kubernetes windowsupdate"
).split()


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([f"{name}.com" for name in WORDS], id="names of products"),
        pytest.param([f"{name}.com" for name in RANDOM[:3]], id="three odd names"),
        pytest.param([f"{name}.cdn.example.com" for name in RANDOM], id="one domain"),
        pytest.param([f"{name}.us-east-1.elb.amazonaws.com" for name in RANDOM], id="AWS's own"),
        pytest.param([f"{name}.co.uk" for name in WORDS], id="under a suffix of two"),
    ],
)
def test_ordinary_names_do_not_look_made_up(names: list[str]) -> None:
    assert hits("dns-random-names", route53_resolver=[*questions(), *asked(names)]) == []


# Data in names


def test_many_long_names_under_one_domain_are_a_tunnel() -> None:
    sent = asked([f"{name}.t.example.net" for name in DATA], kind="TXT", every=1)
    (hit,) = hits("dns-tunnel", route53_resolver=[*questions(), *sent])
    assert hit.title == "10.0.0.5 asked for 60 long names under example.net"
    assert hit.severity == 6
    assert hit.reasons[1] == "median 50 characters before the domain, 3 kB of them in all"


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([f"{name}.t.example.net" for name in DATA[:20]], id="twenty names"),
        pytest.param([f"{DATA[0]}.t.example.net"] * 60, id="one name again and again"),
        pytest.param([f"host-{place}.example.net" for place in range(60)], id="short names"),
        pytest.param([f"{name}.s3.us-east-1.amazonaws.com" for name in DATA], id="AWS's own"),
        pytest.param([f"{place}.113.0.203.in-addr.arpa" for place in range(60)], id="backwards"),
    ],
)
def test_ordinary_names_carry_no_data(names: list[str]) -> None:
    assert hits("dns-tunnel", route53_resolver=[*questions(), *asked(names, every=1)]) == []


# New domains


def test_a_domain_that_nobody_asked_for_before_is_new() -> None:
    (hit,) = hits("new-domain", route53_resolver=[*questions(), query(11_000, "drop.example.net")])
    assert hit.title == "10.0.0.5 asked for drop.example.net, the first name under example.net"
    assert hit.severity == 4


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([query(11_000, "www.example.com")], id="another name of the domain"),
        pytest.param([query(100, "drop.example.net", asker="10.0.0.6"), query(11_000, "drop.example.net")], id="known"),
        pytest.param([query(5_000, "drop.example.net")], id="in the first hours"),
        pytest.param([query(4_000 + 600 * place, f"site{place}.org") for place in range(20)], id="a browser"),
    ],
)
def test_what_is_known_or_always_changes_is_no_new_domain(records: list[Record]) -> None:
    found = hits("new-domain", route53_resolver=[*questions(), *records])
    assert [hit.title for hit in found] == []
