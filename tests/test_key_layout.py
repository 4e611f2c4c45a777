"""Where sources put their objects in a bucket: every source says it, and its own keys are found so."""

import re
from datetime import datetime
from pathlib import Path

import pytest

from forensics.key_layout import Way, further, stamp
from forensics.readers.recognise import by_key
from forensics.source import Source
from forensics.sources import sources

KEYS = {
    "cloudtrail": "AWSLogs/{o}111122223333/CloudTrail/us-east-1/2026/11/05/111122223333_CloudTrail_us-east-1_20261105T0915Z_AbCdEfGhIjKlMnOp.json.gz",
    "cloudtrail_digest": "AWSLogs/{o}111122223333/CloudTrail-Digest/us-east-1/2026/11/05/111122223333_CloudTrail-Digest_us-east-1_t_us-east-1_20261105T091500Z.json.gz",
    "cloudtrail_insight": "AWSLogs/{o}111122223333/CloudTrail-Insight/us-gov-west-1/2026/11/05/x.json.gz",
    "cloudtrail_aggregated": "AWSLogs/{o}111122223333/CloudTrail-Aggregated/eusc-de-east-1/2026/11/05/x.json.gz",
    "config_item": "AWSLogs/{o}111122223333/Config/eu-west-1/2026/11/5/ConfigHistory/111122223333_Config_x.json.gz",
    "vpc_flow": "AWSLogs/{o}111122223333/vpcflowlogs/us-east-1/2026/11/05/111122223333_vpcflowlogs_us-east-1_fl-0_20261105T0915Z_a.log.gz",
    "guardduty": "AWSLogs/111122223333/GuardDuty/us-east-1/2026/11/05/x.jsonl.gz",
    "alb": "AWSLogs/111122223333/elasticloadbalancing/us-east-1/2026/11/05/111122223333_elasticloadbalancing_us-east-1_app.a.b_20261105T0915Z_203.0.113.9_x.log.gz",
    "nlb": "AWSLogs/111122223333/elasticloadbalancing/us-east-1/2026/11/05/111122223333_elasticloadbalancing_us-east-1_net.a.b_20261105T0915Z_x.log.gz",
    "clb": "AWSLogs/111122223333/elasticloadbalancing/us-east-1/2026/11/05/111122223333_elasticloadbalancing_us-east-1_old_20261105T0915Z_203.0.113.9_x.log",
    "alb_connection": "AWSLogs/111122223333/elasticloadbalancing/us-east-1/2026/11/05/conn_log_111122223333_elasticloadbalancing_us-east-1_app.a.b_20261105T0915Z_203.0.113.9_x.log.gz",
    "waf": "AWSLogs/111122223333/WAFLogs/cloudfront/acl/2026/11/05/09/15/111122223333_waflogs_cloudfront_acl_20261105T0915Z_x.log.gz",
    "route53_resolver": "AWSLogs/111122223333/vpcdnsquerylogs/vpc-0a1b/2026/11/05/vpc-0a1b_vpcdnsquerylogs_111122223333_20261105T0915Z_x.log.gz",
    "network_firewall": "AWSLogs/111122223333/network-firewall/alert/us-east-1/fw/2026/11/05/09/111122223333_network-firewall_alert_us-east-1_fw_202611050915_x.log.gz",
    "s3_access": "111122223333/us-east-1/shop/2026/11/05/2026-11-05-09-15-00-0123456789ABCDEF",
    "ocsf": "aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1/accountId=111122223333/eventDay=20261105/x.gz.parquet",
}


def followed(key: str) -> tuple[Way, ...]:
    starts = [way for item in sources().values() for layout in item.layouts for way in layout.ways(item.name)]
    ways: tuple[Way, ...] = ()
    for folder in key.split("/")[:-1]:
        after = further(ways, starts, folder)
        ways = after or tuple(way for way in ways if way.done)
    return ways


@pytest.mark.parametrize("source", sources().values(), ids=lambda item: item.name)
def test_a_source_that_knows_its_keys_under_awslogs_says_where_they_lie(source: Source) -> None:
    if any("AWSLogs" in key for key in source.keys):
        assert source.layouts, "declare `layouts`: forensics add s3://… must find a window of it without listing all"
    for layout in source.layouts:
        assert layout.why and layout.late
        assert layout.path.endswith(("/", "/]")) or {"stem", "date"} <= set(layout.named.groupindex)


@pytest.mark.parametrize("path", sorted((Path(__file__).parent / "sources").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_keys_of_its_specimen_are_found_so(path: Path) -> None:
    if not sources()[path.stem].layouts:  # what lies beside objects of any source, under their names
        return
    for key in re.findall(r"^ *(?:- )?key: (AWSLogs/\S*/\d{4}/\S+)$", path.read_text("utf-8"), re.MULTILINE):
        ways = followed(key)
        assert path.stem in {way.source for way in ways if way.done}, key
        assert any(way.period for way in ways), key


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("organisation", ["", "o-exampleorgid/"])
@pytest.mark.parametrize("before", ["", "some/prefix/"])
def test_a_key_of_a_source_leads_to_that_source_its_account_and_its_day(
    name: str, organisation: str, before: str
) -> None:
    key = before + KEYS[name].replace("{o}", organisation)
    ways = followed(key)
    assert by_key(key).source == name
    assert name in {way.source for way in ways if way.done}
    assert {way.said["account"] for way in ways} == {"111122223333"}
    start, end = next(way.period for way in ways if way.period) or (None, None)
    assert start and end and start <= datetime(2026, 11, 5, 9, 15) < end


def test_hive_folders_and_hours_are_followed_too() -> None:
    hive = "AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=us-east-1/year=2026/month=11/day=05/hour=09/x"
    (start, end) = next(way.period for way in followed(hive) if way.done and way.source == "vpc_flow") or (None, None)
    assert (start, end) == (datetime(2026, 11, 5, 9), datetime(2026, 11, 5, 10))


@pytest.mark.parametrize("folder", ["2026/13/45/", "2026/02/30/", "0000/00/00/"])
def test_a_day_that_no_calendar_has_is_no_period(folder: str) -> None:
    key = f"AWSLogs/111122223333/GuardDuty/us-east-1/{folder}x"
    assert all(way.period is None for way in followed(key) if way.done)


def test_the_time_in_a_name_is_its_last_one() -> None:
    assert stamp("a_CloudTrail_us-east-1_20261105T0915Z_x.json.gz") == datetime(2026, 11, 5, 9, 15)
    assert stamp("a_t_us-east-1_20261105T091530Z_backfill.json.gz") == datetime(2026, 11, 5, 9, 15)
    assert stamp("a_fw_202611050915_x.log.gz") == datetime(2026, 11, 5, 9, 15)
    assert stamp("x.json") is None and stamp("a_20261399T9999Z_x") is None
