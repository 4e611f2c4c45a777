"""Our own rules: each with records it must find and records that look like them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from forensics import attack, identity
from forensics.case import Case
from forensics.detect.convert import Rule, converted
from forensics.detect.rules import OWN, files
from forensics.playbook import playbooks
from tests.detect import (
    examples_cluster,
    examples_compute,
    examples_data,
    examples_logs,
    examples_rights,
    examples_traffic,
)
from tests.detect.example_records import Examples, Few
from tests.fresh import fresh_case
from tests.worlds import Record, add

KINDS = (examples_cluster, examples_compute, examples_data, examples_logs, examples_rights, examples_traffic)
EXAMPLES: Examples = {name: example for kind in KINDS for name, example in kind.EXAMPLES.items()}
FEW: Few = {name: records for kind in KINDS for name, records in kind.FEW.items()}
TABLES = {
    "kubernetes": "eks_audit",
    "flow_to": "vpc_flow",
    "flow_held": "vpc_flow",
    "dns_name": "route53_resolver",
    "web": "alb",
    "log_files_deleted_by": "s3_access",
    "s3_many_objects_deleted_by": "s3_access",
    "s3_objects_rewritten_by": "s3_access",
}


def table(name: str) -> str:
    return next((source for start, source in TABLES.items() if name.startswith(start)), "cloudtrail")


def first_of(path: Path) -> Record:
    found: Record = next(iter(yaml.safe_load_all(path.read_text("utf-8"))))
    return found


RULES = {path.stem: first_of(path) for path in sorted(OWN.glob("*.yml"))}
NAMES = {rule["id"]: name for name, rule in RULES.items()}
SINGLE = [name for name in EXAMPLES if "correlation" not in RULES[name]]


@pytest.fixture(scope="module")
def one_case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with fresh_case(tmp_path_factory.mktemp("own") / "case") as case:
        yield case


def put(case: Case, source: str, records: list[Record]) -> None:
    """Records in the place of all others of a source."""
    numbered = [record | {"eventID": f"e{place}", "auditID": f"a{place}"} for place, record in enumerate(records)]
    case.connection.execute(f'DELETE FROM stored."{source}"')
    add(case.connection, source, numbered)
    identity.resolve(case.connection)


def cited(case: Case, source: str) -> dict[str, list[int]]:
    """By rule the places of the records that its findings cite."""
    rows = case.connection.execute(
        """
SELECT split_part(c.finding_id, ':', 2) AS rule, e.record
FROM finding_evidence AS c
JOIN event AS e ON e.event_id = c.event_id
WHERE e.source = ?
ORDER BY e.record""",
        [source],
    ).fetchall()
    found: dict[str, list[int]] = {}
    for rule, record in rows:
        found.setdefault(rule, []).append(record)
    return found


def found(case: Case, name: str, records: list[Record]) -> list[int]:
    """The places of the records that a rule alone cites."""
    put(case, table(name), records)
    case.detect(OWN / f"{name}.yml")
    places = cited(case, table(name)).values()
    return sorted(place for found in places for place in found)


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """Of the rules about single records, over the examples of all of them: which of a rule's own examples it cites."""
    placed: dict[str, list[tuple[str, int, Record]]] = {}
    for name in SINGLE:
        both = [record for part in EXAMPLES[name] for record in part]
        placed.setdefault(table(name), []).extend((name, place, record) for place, record in enumerate(both))
    told: dict[str, list[int]] = {name: [] for name in SINGLE}
    with fresh_case(tmp_path_factory.mktemp("single") / "case") as case:
        for source, items in placed.items():
            put(case, source, [record for _, _, record in items])
        case.detect(OWN)
        for source, items in placed.items():
            for rule, records in cited(case, source).items():
                of_rule = [items[record] for record in records]
                told.get(NAMES[rule], []).extend(place for name, place, _ in of_rule if name == NAMES[rule])
    return told


def test_every_rule_has_an_example() -> None:
    assert RULES.keys() == EXAMPLES.keys()


def test_every_rule_that_counts_has_an_example_of_one_too_few() -> None:
    counts = {name for name, rule in RULES.items() if "condition" in rule.get("correlation", {})}
    assert counts - FEW.keys() == set()


@pytest.mark.parametrize("name", SINGLE)
def test_a_rule_finds_what_it_is_for_and_nothing_near(single: dict[str, list[int]], name: str) -> None:
    assert single[name] == list(range(len(EXAMPLES[name][0])))


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in SINGLE])
def test_a_rule_over_several_records_finds_what_it_is_for_and_nothing_near(one_case: Case, name: str) -> None:
    hits, misses = EXAMPLES[name]
    assert found(one_case, name, [*hits, *misses]) == list(range(len(hits)))


@pytest.mark.parametrize("name", FEW)
def test_one_too_few_is_not_enough(one_case: Case, name: str) -> None:
    assert found(one_case, name, FEW[name]) == []


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return converted(files([OWN]))


def test_every_rule_converts(rules: list[Rule]) -> None:
    assert [(rule.place, rule.problem) for rule in rules if rule.problem] == []
    assert all(rule.predicates or rule.correlation for rule in rules)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_what_it_is_about_and_what_else_it_may_be(name: str) -> None:
    rule = RULES[name]
    assert rule["description"].endswith(".")
    assert rule["falsepositives"]
    assert rule["references"]
    assert not any("://" in title for title in rule["references"]), "titles of pages, not addresses"
    assert any(tag.startswith("attack.t1") for tag in rule["tags"])
    assert rule["custom"]["playbook"] in playbooks()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_names_techniques_of_the_version_that_is_stated(name: str) -> None:
    techniques = [tag.removeprefix("attack.").upper() for tag in RULES[name]["tags"] if tag.startswith("attack.t1")]
    assert techniques == [attack.current(technique) for technique in techniques]
    assert all(re.fullmatch(r"T1\d{3}(\.\d{3})?", technique) for technique in techniques)


def test_an_older_name_of_a_technique_is_known() -> None:
    assert attack.current("t1562.008") == "T1685.002"
    assert attack.current("T1098") == "T1098"
    assert Rule("x.yml", 1, tags=["attack.t1562.001", "attack.t1685", "attack.impact"]).techniques == ["T1685"]


def test_ids_and_titles_are_unique(rules: list[Rule]) -> None:
    ids = [rule.id for rule in rules if rule.id]
    assert len(set(ids)) == len(ids)
    assert len({rule.title for rule in rules}) == len(rules)
