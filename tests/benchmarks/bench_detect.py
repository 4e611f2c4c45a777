"""How long rules take over a resolved case: 800 made-up rules over 2 M CloudTrail events, converted anew and from what is kept; and 50 that name no call.

`python -m tests.benchmarks.bench_detect [--events N] [--rules N] [--quick]`
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import yaml

CALLS = 400
"""Distinct calls of the case; the n-th most frequent is 1/n as frequent as the first."""
UNSEEN = 0.3
"""Share of rules about calls that nobody made."""
BROAD = 50
"""Rules that name no call."""
SERVICES = ("s3", "ec2", "iam", "sts", "lambda", "ecs", "kms", "ssm", "rds", "logs")

_EVENTS = """
INSERT INTO stored.cloudtrail BY NAME
WITH row AS (
  SELECT number, hash(number) AS h, hash(number + $seed) AS g FROM range($events) AS r(number)
), drawn AS (
  SELECT *, CAST(floor(exp(ln($calls) * (h % 1000003) / 1000003.0)) AS INTEGER) - 1 AS call FROM row
)
SELECT 'object-' || (number // 20000) AS object_id, number % 20000 AS record,
  $services[1 + call % len($services)] || '.amazonaws.com' AS event_source, 'Call' || call AS event_name,
  TIMESTAMP '2026-11-05' + to_seconds(number // 50) AS event_time,
  CASE WHEN g % 50 = 0 THEN 'AccessDenied' END AS error_code, 'AssumedRole' AS user_identity_type,
  'arn:aws:sts::111122223333:assumed-role/role-' || (g % 211) || '/session-' || (g % 5003) AS user_identity_arn,
  'ASIAEXAMPLE' || (g % 3001) AS user_identity_access_key_id, '111122223333' AS recipient_account_id,
  'us-east-1' AS aws_region, concat_ws('.', 10, g % 251, g % 239, g % 233) AS source_ip_address,
  'aws-sdk-java/2.20.' || (g % 29) || ' Linux/5.10 OpenJDK_64-Bit_Server_VM/17 exec-env/session-' || (g % 5003) AS user_agent,
  lpad(to_hex(number), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(h), 16, '0') AS event_id,
  json_object('bucketName', 'bucket-' || (g % 53), 'key', 'data/2026/11/05/' || number || '.parquet', 'name', 'n' || (g % 997),
    'filterSet', json_object('items', [json_object('name', 'vpc-id', 'value', 'vpc-' || (g % 7))])) AS request_parameters,
  json_object('type', 'AssumedRole', 'principalId', 'AROAEXAMPLE' || (g % 211), 'sessionContext',
    json_object('attributes', json_object('mfaAuthenticated', 'false'))) AS user_identity
FROM drawn
"""


def build(root: Path, events: int) -> Path:
    """A case of so many events, resolved as far as rules need it."""
    from forensics import coverage, storage
    from forensics.case import Case
    from forensics.sources import source

    with Case.create(root / "case") as case:
        con, item = case.connection, source("cloudtrail")
        storage.grow(con, item, _columns(con, item.table_columns))
        con.execute(_EVENTS, {"events": events, "seed": 7, "calls": CALLS, "services": list(SERVICES)})
        coverage.resolve(con)
        con.execute("CHECKPOINT")
    return root / "case"


def _columns(_: duckdb.DuckDBPyConnection, columns: tuple[tuple[str, str], ...]) -> list[str]:
    return [name for name, _ in columns if f" AS {name}" in _EVENTS]


def rules(folder: Path, count: int) -> Path:
    """Files of rules of the shapes that the community's have."""
    folder.mkdir()
    made = random.Random(7)
    for number in range(count):
        content = {"title": f"Rule {number}", "id": f"rule-{number}", "level": "medium"}
        content |= {"logsource": {"product": "aws", "service": "cloudtrail"}, "detection": _detection(made)}
        (folder / f"rule-{number}.yml").write_text(yaml.safe_dump(content), "utf-8")
    return folder


def _detection(made: random.Random) -> dict[str, object]:
    first = made.randrange(CALLS, 3 * CALLS) if made.random() < UNSEEN else made.randrange(CALLS)
    about = {"eventSource": f"{SERVICES[first % len(SERVICES)]}.amazonaws.com", "eventName": f"Call{first}"}
    shape = made.random()
    if shape < 0.5:
        return {"a": about | {"requestParameters.name": f"n{made.randrange(997)}"}, "condition": "a"}
    if shape < 0.7:
        names = [f"Call{made.randrange(CALLS)}" for _ in range(4)]
        not_by = {"userIdentity.arn|contains": f"role-{made.randrange(211)}/"}
        value = "requestParameters.filterSet.items.value" if shape < 0.55 else "requestParameters.bucketName"
        return {"a": {"eventName": names, value: "vpc-9"}, "b": not_by, "condition": "a and not b"}
    if shape < 0.94:
        return {"a": about, "failed": {"errorCode|contains": "Denied"}, "condition": "a and failed"}
    if shape < 0.97:
        return {"a": {"userAgent|contains": [f"kali-{made.random()}", "pacu"]}, "condition": "a"}
    return {"a": {"sourceIPAddress|cidr": f"203.0.113.{made.randrange(256)}/32"}, "condition": "a"}


def broad(folder: Path, count: int) -> Path:
    """Files of rules that name no call: keywords anywhere in a record, paths, user agents, expressions; some match much."""
    folder.mkdir()
    shapes = [
        lambda n: {"a": [f"needle-{n}", f"evil-{n}.example"], "condition": "a"},
        lambda n: {"a": {"|all": [f"AKIA{n}", "vpc-9"]}, "condition": "a"},
        lambda n: {"a": [f'bucket-{n % 50}"'], "condition": "a"},
        lambda n: {"a": {"requestParameters.name": f"n{n}x"}, "condition": "a"},
        lambda n: {"a": {"userAgent|contains": f"tool-{n}"}, "condition": "a"},
        lambda n: {"a": {"userIdentity.arn|re": f"role-{n}/session-[0-9]+x$"}, "condition": "a"},
    ]
    for number in range(count):
        content = {
            "title": f"Broad {number}",
            "id": f"broad-{number}",
            "detection": shapes[number % len(shapes)](number),
        }
        content |= {"logsource": {"product": "aws", "service": "cloudtrail"}}
        (folder / f"broad-{number}.yml").write_text(yaml.safe_dump(content), "utf-8")
    return folder


def bench(events: int, count: int) -> None:
    """Print what conversion and the runs take."""
    from forensics.case import Case
    from forensics.detect.convert import converted
    from forensics.detect.rules import files
    from forensics.detect.run import detect

    with tempfile.TemporaryDirectory(prefix="bench-detect-") as root:
        begun = time.perf_counter()
        path = build(Path(root), events)
        print(
            f"{'case of ' + format(events, ',') + ' events made':<44}{time.perf_counter() - begun:>8.2f} s", flush=True
        )
        folder, cache = rules(Path(root) / "rules", count), Path(root) / "cache"
        wide = broad(Path(root) / "broad", BROAD)
        for what in ("converted anew", "converted, as kept"):
            begun = time.perf_counter()
            converted(files([folder]), cache)
            print(f"{f'{count:,} rules {what}':<44}{time.perf_counter() - begun:>8.2f} s", flush=True)
        with Case.open(path, read_only=False) as case:
            for label, rules_of in (("detect", folder), ("again", folder), (f"{BROAD} rules about every row", wide)):
                begun, spent = time.perf_counter(), time.process_time()
                found = detect(case, [rules_of], cache=cache)
                took, spent = time.perf_counter() - begun, time.process_time() - spent
                print(f"{label:<44}{took:>8.2f} s {spent:>8.2f} CPU-s   {found}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--rules", type=int, default=800)
    parser.add_argument("--quick", action="store_true", help="a small case, to see that it runs")
    options = parser.parse_args()
    bench(20_000 if options.quick else options.events, 100 if options.quick else options.rules)


if __name__ == "__main__":
    sys.exit(main())
