"""Public logs load without an exception, every object accounted for, in the numbers that an independent count finds."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from forensics import evidence
from forensics.case import Case
from forensics.load import Ledger, load
from forensics.sources import sources
from tests.independent_count import BROKEN, Counted, count
from tests.independent_identity import Stated, stated

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the public sample logs are not beside this repository")

CUSTODIAN = "cloud-custodian/config"
FORWARDER = "datadog-serverless-functions/cloudwatch_lambda"
PROMTAIL = "grafana-lambda-promtail/cloudwatch_other"
CATALOG = "opensearch-catalog"
DOCKER = "plaso/container/docker"
STREAMALERT = "streamalert/cloudtrail"
STRATUS = "stratus-red-team"

NO_AWS_LOG = {
    "README.md": "what these folders are",
    "*/_meta/*": "licences and notices",
    "*!__MACOSX/*": "attributes of a file, which macOS puts into an archive",
    "cado-cloudgrep/other/apache_access.log": "lines of a web server",
    "cado-cloudgrep/other/14_3.log": "pieces of application lines, cut on purpose",
    "cado-cloudgrep/other/26688_17.log": "a line of an application",
    "cado-cloudgrep/other/35010_7.log": "pieces of a kernel's list of changes",
    "coralogix-aws-shipper/s3access/s3[+.]*": "lines of a web server that were kept in S3",
    "coralogix-aws-shipper/s3access/s3csv.log": "an application's messages in CSV",
    "coralogix-aws-shipper/ecr_scan/ecr_scan.log": "the API's answer on what an image holds, no event",
    f"{CUSTODIAN}/test_ecs_service_config/config.GetResourceConfigHistory_2.json": "an answer without an item",
    f"{CUSTODIAN}/test_ecs_service_config/config.SelectResourceConfig_1.json": "an answer without a result",
    f"{CUSTODIAN}/test_rdscluster_snapshot_config/config.SelectResourceConfig_1.json": "an answer without a result",
    f"{FORWARDER}/approved_files/*": "what a forwarder made of logs: metrics, tags, messages of its own form",
    f"{FORWARDER}/snapshots*/*~snapshot": "requests that a forwarder sent to its product",
    f"{FORWARDER}/events/sqs_*.json": "S3's notification of an object that may hold a log",
    f"{PROMTAIL}/events/s3-*.json": "S3's notification of an object that may hold a log",
    f"{PROMTAIL}/events/kinesis-event.json": "a Lambda function's input: two times 'Hello World'",
    f"{PROMTAIL}/events/sns-event.json": "a Lambda function's input: 'Hello from SNS!'",
    f"{PROMTAIL}/events/sqs-event.json": "a Lambda function's input: 'Message Body'",
    f"{PROMTAIL}/msklog.log.gz": "lines of a Kafka broker, in Kafka's layout",
    f"{CATALOG}/docs_samples/aws_elb-log.json": "a product's parsed form, the line itself not kept",
    f"{CATALOG}/elb/amazon_elb/data/sample.json": "a product's parsed form, the lines themselves not kept",
    "opensearch-security-analytics/s3access/s3-sample.json": "names of a product's fields, each with the value 123",
    f"{DOCKER}/containers/*/config.json": "Docker's configuration of a container",
    f"{DOCKER}/graph/*/json": "Docker's description of an image's layer",
    f"{STRATUS}/cloudtrail/aws.impact.s3-ransomware-batch-deletion.json": "Records is an empty list",
    "traildiscover/cloudtrail/ChangeResourceRecordSets.json.cloudtrail": "an empty list",
}
"""Files that are rightly unrecognised, and why."""


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a file, so that not all of it loads."""

    reasons: tuple[str, ...]
    why: str


CREATED = "userIdentity.sessionContext.attributes.creationDate is not a time"
DOTS = Flaw((CREATED,), "the author wrote '...' for the session's time")
MORE_DOTS = Flaw((CREATED, "eventTime is not a time"), "the author wrote '...' for both times")
SENDER = Flaw(
    ("time is not a time",), "the author wrote '...' for the time and the sender, so that it is no event of AWS's"
)
MALFORMED = Flaw(("the record is not JSON*",), "a comma too much, or one missing")
SECOND_60 = Flaw(("time is not a time",), "the author made up 13:55:60")

FLAWED = {
    "aws-centralized-logging-opensearch/cloudfront/cloudfront.log.gz": Flaw(
        ("fle-encrypted-fields is not a whole number", "sc-content-len is not a whole number"),
        "a generator wrote ' -' with a space, and lengths as 570129.7648412298",
    ),
    "cado-cloudgrep/cloudtrail/bad_cloudtrail.json": Flaw(
        ("the text is cut off inside a record",), "cut off on purpose inside its only record"
    ),
    "flowlogs-reader/vpcflow/V5_FILE.log": Flaw(("2 fields where the header names 29",), "its last line: 'bogus line'"),
    "flowlogs-reader/vpcflow/flows.parquet": Flaw(
        tuple(f"{name} is not a whole number" for name in ("srcport", "dstport", "protocol", "packets", "bytes")),
        "a program wrote the text 'None' where nothing was recorded",
    ),
    "plaso/elb/aws_elb_access.log": Flaw(
        ("the line has not the layout of alb",), "its author cut the target group's name off its ARN"
    ),
    f"{CATALOG}/cloudfront/amazon_cloudfront/data/sample.json": SECOND_60,
    f"{CATALOG}/s3access/amazon_s3/data/sample.json": SECOND_60,
    f"{CATALOG}/cloudtrail/aws_cloudtrail/data/samples-large.json": Flaw(
        ("the record is not JSON*",), "its 48th wrapper is never closed; the event within it is whole"
    ),
    f"{CATALOG}/rds/amazon_rds/data/sample.json": Flaw(
        ("no source claims this record",), "made-up flow lines of version 3 and 4 in the layout that only version 2 has"
    ),
    f"{STRATUS}/malformed/aws.impact.s3-ransomware-batch-deletion_1.txt": MALFORMED,
    f"{STRATUS}/malformed/eks.lateral-movement.create-access-entry_1.txt": MALFORMED,
    f"{STRATUS}/malformed/k8s.credential-access.steal-serviceaccount-token_1.txt": MALFORMED,
    f"{STRATUS}/malformed/k8s.persistence.create-token_1.txt": MALFORMED,
    f"{STRATUS}/malformed/k8s.privilege-escalation.nodes-proxy_1.txt": MALFORMED,
    f"{STREAMALERT}/cloudtrail/cloudtrail_aws_config.json": MORE_DOTS,
    f"{STREAMALERT}/cloudwatch_events/cloudtrail_critical_api_calls.json": DOTS,
    f"{STREAMALERT}/cloudwatch_events/cloudtrail_mfa_policy_abuse_attempt.json": DOTS,
    f"{STREAMALERT}/cloudwatch_events/cloudtrail_public_resources.json": DOTS,
    f"{STREAMALERT}/cloudwatch_events/cloudtrail_put_object_acl_public.json": SENDER,
    f"{STREAMALERT}/cloudwatch_events/cloudtrail_network_acl_ingress_anywhere.json": SENDER,
    f"{STREAMALERT}/cloudwatch_events/cloudtrail_put_bucket_acl.json": SENDER,
    f"{STREAMALERT}/cloudwatch_events/cloudtrail_root_account_usage.json": SENDER,
    f"{STREAMALERT}/cloudwatch_events/cloudtrail_security_group_ingress_anywhere.json": SENDER,
    f"{STREAMALERT}/cloudwatch_events/cloudtrail_put_object_acl_public_publisher_example.json": SENDER,
    f"{STREAMALERT}/cloudwatch_events/cloudtrail_snapshot_or_ami_made_public.json": DOTS,
}
"""Files that are rightly partial or rejected, with every reason that the case gives."""

ROWS = " UNION ALL ".join(f"SELECT '{name}' AS source, object_id, record FROM \"{name}\"" for name in sources())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Case, Ledger, int]]:
    """A case of all files, what loading said, and how many objects were seen."""
    with Case.create(tmp_path_factory.mktemp("real") / "case") as case:
        added = evidence.add(case, DATA)
        yield case, load(case), added.seen


@pytest.fixture(scope="module")
def counted() -> dict[str, Counted]:
    """What the independent count finds in each file."""
    return count(DATA)


@pytest.fixture(scope="module")
def named() -> list[Stated]:
    """What the CloudTrail records themselves say of who acted, read independently."""
    return stated(DATA)


@pytest.fixture(scope="module")
def resolved(world: tuple[Case, Ledger, int]) -> dict[str | None, set[tuple[str | None, str | None]]]:
    """Principal, without the mark of a later generation, and session of the records of each event id."""
    found: dict[str | None, set[tuple[str | None, str | None]]] = {}
    rows = (
        world[0]
        .sql("""
SELECT DISTINCT s.event_id, split_part(i.principal, '#', 1), i.session
FROM cloudtrail AS s JOIN identity AS i ON i.identity_key = s.identity_key""")
        .rows()
    )
    for event_id, principal, session in rows:
        found.setdefault(event_id, set()).add((principal, session))
    return found


def name_of(uri: str) -> str:
    return Path(uri).relative_to(DATA).as_posix()


def records_by_content(case: Case) -> dict[str, Counter[str]]:
    """Records loaded by source, and records of which nothing loaded, of each object that is no duplicate."""
    found: dict[str, Counter[str]] = {}
    rows = case.sql(f"""
WITH loaded AS ({ROWS}), whole AS (SELECT object_id, record FROM rejected_record EXCEPT SELECT object_id, record FROM loaded)
SELECT e.sha256, r.source, count(*)
FROM (SELECT source, object_id FROM loaded UNION ALL SELECT '{BROKEN}', object_id FROM whole) AS r
JOIN evidence AS e ON e.object_id = r.object_id AND e.status <> 'duplicate'
GROUP BY e.sha256, r.source""").rows()
    for sha256, source, number in rows:
        found.setdefault(sha256, Counter())[source] = number
    return found


def test_every_object_is_accounted_for(world: tuple[Case, Ledger, int], counted: dict[str, Counted]) -> None:
    case, ledger, seen = world
    assert set(ledger.objects) <= {"loaded", "partial", "rejected", "unrecognised", "duplicate"}
    assert sum(ledger.objects.values()) == seen
    assert sorted(name_of(uri) for (uri,) in case.sql("SELECT uri FROM evidence").rows()) == sorted(counted)


def test_every_file_gives_the_records_of_each_source_that_an_independent_count_finds(
    world: tuple[Case, Ledger, int], counted: dict[str, Counted]
) -> None:
    case, _, _ = world
    found = records_by_content(case)
    loaded = {name: dict(found.get(file.sha256, {})) for name, file in counted.items()}
    expected = {name: dict(file.records) for name, file in counted.items()}
    differ = {name: (loaded[name], expected[name]) for name in counted if loaded[name] != expected[name]}
    assert differ == {}, "what loaded, and what the file holds"


def test_no_two_records_of_an_object_have_the_same_number(world: tuple[Case, Ledger, int]) -> None:
    case, _, _ = world
    rows = case.sql(
        f"SELECT object_id, record FROM ({ROWS}) AS r GROUP BY object_id, record HAVING count(*) > 1"
    ).rows()
    assert list(rows) == []


def test_the_distinct_cloudtrail_events_are_those_of_the_independent_count(
    world: tuple[Case, Ledger, int], counted: dict[str, Counted]
) -> None:
    case, _, _ = world
    rows = case.sql("SELECT DISTINCT coalesce(event_id, 'None') FROM cloudtrail").rows()
    assert {event_id for (event_id,) in rows} == {i for file in counted.values() for i in file.event_ids}


def test_whatever_is_unrecognised_is_known_to_be_no_aws_log(world: tuple[Case, Ledger, int]) -> None:
    case, _, _ = world
    names = [name_of(uri) for (uri,) in case.sql("SELECT uri FROM evidence WHERE status = 'unrecognised'").rows()]
    matches = {name: [pattern for pattern in NO_AWS_LOG if fnmatchcase(name, pattern)] for name in names}
    assert [name for name, patterns in matches.items() if not patterns] == []
    assert set(NO_AWS_LOG) == {pattern for patterns in matches.values() for pattern in patterns}


def test_whatever_did_not_load_whole_has_a_flaw_that_the_case_names(world: tuple[Case, Ledger, int]) -> None:
    case, _, _ = world
    rows = case.sql("""
SELECT e.uri, e.reason, list(DISTINCT coalesce(r.reason, 'none is given'))
FROM evidence AS e LEFT JOIN rejected_record AS r ON r.object_id = e.object_id
WHERE e.status IN ('partial', 'rejected')
GROUP BY e.uri, e.reason""").rows()
    assert all(reason in reasons for _, reason, reasons in rows)
    given = {name_of(uri): reasons for uri, _, reasons in rows}
    unexplained = {name: unlisted(reasons, FLAWED.get(name)) for name, reasons in given.items()}
    assert {name: reasons for name, reasons in unexplained.items() if reasons} == {}
    assert set(FLAWED) == set(given)


def unlisted(reasons: list[str], flaw: Flaw | None) -> list[str]:
    """Reasons given but not listed, and listed but not given."""
    listed = flaw.reasons if flaw else ()
    strange = [reason for reason in reasons if not any(fnmatchcase(reason, pattern) for pattern in listed)]
    return strange + [pattern for pattern in listed if not any(fnmatchcase(reason, pattern) for reason in reasons)]


# Who acted


def test_every_identity_with_an_arn_or_a_service_name_has_its_principal(
    resolved: dict[str | None, set[tuple[str | None, str | None]]], named: list[Stated]
) -> None:
    print(f"{len(named)} records with an ARN or a service's name: {dict(Counter(item.type for item in named))}")
    without = [item for item in named if not any(principal for principal, _ in resolved[item.event_id])]
    other = [item for item in named if item.principal and item.principal not in dict(resolved[item.event_id])]
    assert (without, other) == ([], [])


def test_every_session_is_the_one_that_the_record_states(
    resolved: dict[str | None, set[tuple[str | None, str | None]]], named: list[Stated]
) -> None:
    of_sessions = [item for item in named if item.session]
    print(f"{len(of_sessions)} records of sessions, {len({item.session for item in of_sessions})} sessions")
    assert [item for item in of_sessions if item.session not in {held for _, held in resolved[item.event_id]}] == []


@pytest.mark.parametrize(
    ("event_id", "kind"),
    [
        pytest.param("1209c7a7-55ca-4fe5-995d-cff1fde7318a", "role", id="service-linked role with its path"),
        pytest.param("e9f72371-5fc5-48fc-999d-462e13fdc6bd", "role", id="session of a person"),
        pytest.param("9357a8cc-a0eb-46a1-b67e-EXAMPLE19b14", "user", id="user"),
        pytest.param("c6b72da7-5dc5-43bd-a890-d8a88cb41e15", "user", id="user of an unknown type"),
        pytest.param("e5441a6f-60d6-4e25-b118-a54d97222", "user", id="user through a service"),
        pytest.param("e3ea18ad-9f89-4833-9051-ba2ea1430553", "root", id="root"),
        pytest.param("91529247-c4c4-4793-afc8-d70bbcfe9d19", "federated_user", id="federated user"),
        pytest.param("5bcd928d-a444-47b3-83a8-35bfade35e5d", "service", id="Lambda"),
        pytest.param("ec783cd8-fad8-41a8-abac-569a78c42e33", "service", id="service without a type"),
        pytest.param("6EXAMPLE-0a1b-2c3d-4e5f-0a1b2c3d4e5f", "service", id="AWS Internal"),
    ],
)
def test_one_record_of_each_shape_is_resolved_as_it_reads(
    world: tuple[Case, Ledger, int], named: list[Stated], event_id: str, kind: str
) -> None:
    rows = (
        world[0]
        .sql(
            "SELECT DISTINCT i.kind, i.principal, i.session FROM cloudtrail AS s"
            " JOIN identity AS i ON i.identity_key = s.identity_key WHERE s.event_id = ?",
            [event_id],
        )
        .rows()
    )
    read = {(item.principal, item.session) for item in named if item.event_id == event_id}
    assert rows == [(kind, *read.pop())]


def test_what_has_no_principal_is_masked_or_made_up(world: tuple[Case, Ledger, int]) -> None:
    rows = (
        world[0]
        .sql("""
SELECT DISTINCT s.user_identity_arn
FROM cloudtrail AS s LEFT JOIN identity AS i ON i.identity_key = s.identity_key
WHERE i.principal IS NULL
ORDER BY s.user_identity_arn""")
        .rows()
    )
    assert [arn for (arn,) in rows if arn and re.match(r"arn:[a-z-]+:(?:iam|sts)::\d{12}:", arn)] == []


def test_coverage_claims_no_more_than_the_files_prove(world: tuple[Case, Ledger, int]) -> None:
    """Each spot was read in its file: what was stopped, and whether anything of that place was recorded after."""
    case = world[0]
    said = "SELECT status, cause FROM coverage WHERE source = ? AND account_id = ? AND status NOT IN ('present', 'unknown')"
    skipped = case.sql(said, ("vpc_flow", "123456789010")).rows()
    assert ("missing", "SKIPDATA in 1 of 2 records: AWS lost flows of that time") in skipped
    deleted = case.sql(
        "SELECT DISTINCT status FROM coverage WHERE source = 'vpc_flow' AND account_id = '498376118699'"
    ).rows()
    assert deleted == [("unknown",)], "a flow log of which the files hold no record was deleted"
    assert case.sql("SELECT count(*) FROM coverage WHERE records > 0 AND status = 'unknown'").rows() == [(0,)]
    late = case.sql(
        "SELECT count(*) FROM coverage AS c JOIN (SELECT account_id, max(time) AS last FROM event GROUP BY account_id) AS e"
        " ON e.account_id = c.account_id WHERE c.status = 'switched_off' AND c.hour > e.last"
    ).rows()
    assert late == [(0,)], "nothing is called off after the account's last record"
    silent = case.sql("SELECT DISTINCT cause FROM coverage WHERE status = 'silent'").rows()
    assert silent == [("NODATA: flows were recorded, and there were none",)], "no digest in the files proves silence"
    assert case.sql("SELECT count(*) FROM coverage WHERE status = 'tampered'").rows() == [(0,)]
