"""Of a bucket only what can hold the window is listed, from wherever one begins; what no layout explains is said."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import pytest

from forensics.acquire import s3
from forensics.aws import Aws
from forensics.case import Case
from forensics.errors import UsageError
from tests.static_s3 import BUCKET, Kept, StaticS3, static_s3

FROM, TO = datetime(2026, 11, 5, 9), datetime(2026, 11, 5, 10)
ACCOUNT, OTHER = "111122223333", "444455556666"


def trail(account: str, region: str, stamp: str, *, before: str = "") -> str:
    day = f"{stamp[:4]}/{stamp[4:6]}/{stamp[6:8]}"
    return f"{before}AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{stamp}Z_Ab.json.gz"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """An empty case, which a plan leaves as it is."""
    with Case.create(tmp_path_factory.mktemp("s3") / "case") as made:
        yield made


def listed(
    case: Case, objects: Mapping[str, Kept], prefix: str = "", *, page: int = 1000, **asked: object
) -> tuple[set[str], StaticS3, str]:
    """Keys that would be fetched, the server with its log, and the plan as text."""
    service = StaticS3(objects, page)
    given = {"start": FROM, "end": TO, **asked}
    with static_s3(service) as endpoint:
        plan = s3.planned(case, Aws(endpoint=endpoint, region="us-east-1"), s3.Asked(BUCKET, prefix, **given))  # type: ignore[arg-type]
    rows = case.connection.execute("SELECT key FROM s3_wanted").fetchall()
    return {row[0] for row in rows}, service, str(plan)


STAMPS = (
    *("20251105T0930", "20261104T2359", "20261105T0015", "20261105T0905", "20261106T0855", "20261106T1005"),
    *("20261107T0005", "20270101T0000"),
)
TRAIL = {
    trail(account, region, stamp): Kept(stamp.encode())
    for account in (ACCOUNT, OTHER)
    for region in ("us-east-1", "eu-west-1")
    for stamp in STAMPS
}


def wanted(
    accounts: tuple[str, ...] = (ACCOUNT, OTHER), regions: tuple[str, ...] = ("us-east-1", "eu-west-1")
) -> set[str]:
    return {trail(a, r, stamp) for a in accounts for r in regions for stamp in ("20261105T0905", "20261106T0855")}


def test_the_window_with_what_comes_late_is_found_and_no_day_beside_it_is_listed(case: Case) -> None:
    keys, service, plan = listed(case, TRAIL)
    assert keys == wanted()
    assert {key.split("/")[-2] for key in service.told()} == {"05", "06"}
    assert "cloudtrail 24 h (about 5 minutes on average" in plan


@pytest.mark.parametrize(
    "prefix",
    [
        *("", "AWSLogs", "AWSLogs/", f"AWSLogs/{ACCOUNT}", f"AWSLogs/{ACCOUNT}/", f"AWSLogs/{ACCOUNT}/Cloud"),
        *(f"AWSLogs/{ACCOUNT}/CloudTrail/", f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1"),
        *(f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/", f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/05/"),
    ],
)
@pytest.mark.parametrize("before", ["", "logs/of the org/"])
def test_one_may_begin_anywhere(case: Case, before: str, prefix: str) -> None:
    keys, service, _ = listed(case, {before + key: kept for key, kept in TRAIL.items()}, before + prefix)
    assert keys == {before + key for key in wanted() if key.startswith(prefix)}
    assert {key.split("/")[-2] for key in service.told()} <= {"05", "06"}


def test_a_single_object_is_taken_whatever_the_window(case: Case) -> None:
    key = trail(ACCOUNT, "us-east-1", "20251105T0930")
    assert listed(case, {key: Kept(b"x"), key + "x": Kept(b"y")}, key)[0] == {key}


def test_a_folder_is_not_taken_for_the_beginning_of_another(case: Case) -> None:
    held = {
        trail(ACCOUNT, "us-east-1", "20261105T0905", before=f"{name}/"): Kept(b"x") for name in ("logs", "logs-old")
    }
    assert {key.split("/")[0] for key in listed(case, held, "logs")[0]} == {"logs"}
    assert len(listed(case, held, "log")[0]) == 2


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"accounts": frozenset({OTHER})}, wanted(accounts=(OTHER,))),
        ({"regions": frozenset({"eu-west-1"})}, wanted(regions=("eu-west-1",))),
        ({"sources": frozenset({"guardduty"})}, set()),
        ({"sources": frozenset({"cloudtrail", "guardduty"})}, wanted()),
    ],
)
def test_accounts_regions_and_sources_limit_it_and_the_plan_says_what_was_left_out(
    case: Case, asked: dict[str, object], expected: set[str]
) -> None:
    keys, service, plan = listed(case, TRAIL, **asked)
    assert keys == expected and service.told() <= set(TRAIL)
    if expected != wanted():
        assert f"left out by --{next(iter(asked))}: AWSLogs/" in plan


BESIDE = {
    "organisation": f"AWSLogs/o-exampleorgid/{ACCOUNT}/CloudTrail/us-east-1/2026/%m/%d/x_20261105T0905Z_x.json.gz",
    "config": f"AWSLogs/{ACCOUNT}/Config/us-east-1/2026/%-m/%-d/ConfigHistory/x.json.gz",
    "flow": f"AWSLogs/{ACCOUNT}/vpcflowlogs/us-east-1/2026/%m/%d/x.log.gz",
    "hourly flow": f"AWSLogs/{ACCOUNT}/vpcflowlogs/eu-west-1/2026/%m/%d/09/x.log.gz",
    "hive flow": f"AWSLogs/aws-account-id={ACCOUNT}/aws-service=vpcflowlogs/aws-region=us-east-1/year=2026/month=%m/day=%d/hour=09/x",
    "guardduty": f"AWSLogs/{ACCOUNT}/GuardDuty/us-east-1/2026/%m/%d/x.jsonl.gz",
    "balancer": f"AWSLogs/{ACCOUNT}/elasticloadbalancing/us-east-1/2026/%m/%d/{ACCOUNT}_elasticloadbalancing_us-east-1_app.x_x",
    "waf": f"AWSLogs/{ACCOUNT}/WAFLogs/cloudfront/acl/2026/%m/%d/09/15/x.log.gz",
    "dns": f"AWSLogs/{ACCOUNT}/vpcdnsquerylogs/vpc-0a/2026/%m/%d/x.log.gz",
    "firewall": f"AWSLogs/{ACCOUNT}/network-firewall/tls/us-east-1/fw/2026/%m/%d/09/x.log.gz",
    "access": f"access/{ACCOUNT}/us-east-1/shop/2026/%m/%d/2026-%m-%d-09-00-00-0123456789ABCDEF",
    "lake": f"aws/VPC_FLOW/2.0/region=us-east-1/accountId={ACCOUNT}/eventDay=2026%m%d/x.gz.parquet",
    "firehose": "streams/2026/%m/%d/09/orders-1-2026-%m-%d-09-00-00-0-0-0-0-0",
    "firehose by day": "days/2026/%m/%d/file",
    "access, flat": "flat/2026-%m-%d-09-30-00-0123456789ABCDEF",
    "cloudfront": "cdn/E2EXAMPLE12345.2026-%m-%d-09.0a1b2c3d.gz",
}
DAYS = [datetime(2026, 11, day) for day in (1, 3, 5, 9, 20)]


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("before", ["", "p/"])
def test_every_layout_is_entered_on_the_days_of_the_window_only(case: Case, name: str, before: str) -> None:
    held = {before + day.strftime(BESIDE[name]): Kept(b"%d" % day.day) for day in DAYS}
    keys, service, _ = listed(case, held)
    assert keys == {before + DAYS[2].strftime(BESIDE[name])}
    flat = "/2026-" in BESIDE[name].replace("shop/", "") or ".2026-" in BESIDE[name]
    assert service.told() == keys or flat


def test_names_side_by_side_are_skipped_to_the_window_and_past_it(case: Case) -> None:
    names = [
        f"{stem}2026-{month:02}-{day:02}-09-30-{second:02}-0123456789ABCDEF"
        for stem in ("", "b/", "web-")
        for month in range(1, 13)
        for day in range(1, 29)
        for second in range(4)
    ]
    keys, service, _ = listed(case, {name: Kept(b"x") for name in names}, page=100)
    assert keys == {name for name in names if "2026-11-05-09" in name or "2026-11-06-09" in name}
    assert len([line for line in service.log if line[0] == "LIST"]) <= 16 < len(names) / 100


def test_what_no_layout_explains_is_judged_by_when_it_was_written_and_said(case: Case) -> None:
    held = {f"exports/{name}/000000.gz": Kept(b"x", at) for name, at in {
        "before": datetime(2026, 11, 5, 8, 59),
        "in": datetime(2026, 11, 5, 9, 30),
        "late": datetime(2026, 11, 6, 9, 30),
        "after": datetime(2026, 11, 6, 10, 30),
    }.items()}  # fmt: skip
    keys, _, plan = listed(case, held)
    assert keys == {"exports/in/000000.gz", "exports/late/000000.gz"}
    assert "taken by when they were last written: 2 objects in exports/in/, exports/late/" in plan
    assert "last written more than 24 h after the window, left out: 1 objects in exports/after/" in plan


def test_a_source_that_is_told_by_its_layout_leaves_what_no_layout_explains(case: Case) -> None:
    held = {"exports/000000.gz": Kept(b"x", FROM), **TRAIL}
    keys, _, plan = listed(case, held, sources=frozenset({"cloudtrail"}))
    assert keys == wanted() and "left out by --sources: 1 objects in exports/" in plan
    assert "exports/000000.gz" in listed(case, held, sources=frozenset({"lambda_log"}))[0]


def test_files_of_other_load_balancers_in_the_same_folder_are_left(case: Case) -> None:
    place = f"AWSLogs/{ACCOUNT}/elasticloadbalancing/us-east-1/2026/11/05/"
    name = f"{ACCOUNT}_elasticloadbalancing_us-east-1_"
    held = {
        place + item: Kept(b"x")
        for item in (f"{name}app.a_x", f"{name}net.a_x", f"{name}old_x", f"conn_log_{name}app.a")
    }
    assert listed(case, held, sources=frozenset({"nlb"}))[0] == {f"{place}{name}net.a_x"}
    assert listed(case, held, sources=frozenset({"alb"}))[0] == {f"{place}{name}app.a_x"}


def test_without_a_window_everything_is_listed(case: Case) -> None:
    keys, _, plan = listed(case, TRAIL, start=None, end=None)
    assert keys == set(TRAIL) and "all times (--from and --to limit them)" in plan
    assert listed(case, TRAIL, start=datetime(2026, 11, 7), end=None)[0] == {
        key for key in TRAIL if "20261107" in key or "2027" in key
    }


def test_many_pages_of_one_day_are_read_to_the_end(case: Case) -> None:
    held = {trail(ACCOUNT, "us-east-1", "20261105T0905")[:-8] + f"{n:06}": Kept(b"x") for n in range(250)}
    assert len(listed(case, held, page=100)[0]) == 250
    assert len(listed(case, held, page=100, start=None, end=None)[0]) == 250


def test_keys_with_any_characters_are_listed_as_they_are(case: Case) -> None:
    odd = ["a b+c%20", "\x1b[31mred", "'; DROP TABLE evidence; --", "<b>", "ä/ö", "//x", "=cmd()", "l\nf"]
    assert listed(case, {name: Kept(b"x", FROM) for name in odd})[0] == set(odd)


def test_a_place_where_nothing_is_and_a_window_that_is_empty_are_two_things(case: Case) -> None:
    with pytest.raises(UsageError, match="nothing to add at s3://trail-logs/typo: no key begins so"):
        listed(case, TRAIL, "typo")
    keys, _, plan = listed(case, TRAIL, start=datetime(2024, 1, 1), end=datetime(2024, 1, 2))
    assert keys == set() and "no objects there can hold that window" in plan


@pytest.mark.parametrize("uri", ["s3://", "s3://B", "s3:///x", "s3://a_b/x"])
def test_what_is_no_place_in_s3_is_refused(uri: str) -> None:
    with pytest.raises(UsageError, match="write s3://BUCKET"):
        s3.place(uri)
    assert s3.place("s3://logs.example.com/a/b") == ("logs.example.com", "a/b")


def test_what_makes_no_sense_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(UsageError, match="no source named 'cloudtrial'"):
        s3.Asked("b1b", sources=frozenset({"cloudtrial"}))
    with pytest.raises(UsageError, match="12 digits"):
        s3.Asked("b1b", accounts=frozenset({"1"}))
    with pytest.raises(UsageError, match="the window is empty"):
        s3.Asked("b1b", start=TO, end=FROM)
