"""What is small and becomes huge, deep or endless is stopped at a stated limit, or read within it, and says why.

The long form loads gigabytes in processes of their own and states their peak.
"""

import gzip
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forensics import unpacking, worker
from forensics.case import Case
from forensics.columns import long_values
from forensics.readers import columnar
from tests.benchmarks import memory
from tests.loading import TRAIL_KEY, loaded, rejects, status, trail

MB = 1 << 20
DEEP = 100_000
PEAK = 1_300
"""MB that all processes of a load may take together at their peak, Python itself included."""

Rejects = list[tuple[int | None, str]]


def record(name: str, **more: str) -> bytes:
    """A CloudTrail record, with raw JSON of members."""
    head = json.dumps(trail(name)).encode()[:-1]
    return head + b"".join(b',"%s":%s' % (key.encode(), text.encode()) for key, text in more.items()) + b"}"


def listed(*records: bytes) -> bytes:
    return b'{"Records":[' + b",".join(records) + b"]}"


def deep(opened: str, closed: str, depth: int = DEEP) -> str:
    return opened * depth + "1" * (opened != "[") + closed * depth


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as made:
        yield made


def reasons(case: Case) -> Rejects:
    return [(number, reason) for number, reason, _ in rejects(case)]


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}"), ('{"Records":[', "]}")])
def test_a_record_nested_too_deep_costs_that_record_only(opened: str, closed: str, case: Case, tmp_path: Path) -> None:
    text = listed(record("A"), record("B", requestParameters=deep(opened, closed)), record("C"))
    loaded(case, tmp_path / "logs", {"a.json": text}, resolve=False)
    assert case.sql("SELECT event_name FROM cloudtrail ORDER BY record").rows() == [("A",), ("C",)]
    assert reasons(case) == [(1, "the record is nested too deeply")]


def test_text_nested_too_deep_inside_a_field_is_text(case: Case, tmp_path: Path) -> None:
    text = listed(record("A", requestParameters=json.dumps({"policyDocument": deep("[", "]")})), record("B"))
    wrapped = json.dumps({"Type": "Notification", "TopicArn": "t", "Message": deep('{"a":', "}")}).encode()
    loaded(case, tmp_path / "logs", {"a.json": text, "sns.json": wrapped})
    assert status(case)["a.json"] == ("loaded", 2, 0)
    assert status(case)["sns.json"][0] in ("rejected", "unrecognised")
    assert case.sql("SELECT length(request_parameters->>'$.policyDocument') FROM cloudtrail LIMIT 1").rows() == [
        (2 * DEEP,)
    ]


def test_text_nested_too_deep_in_parquet_is_one_reject(case: Case, tmp_path: Path) -> None:
    texts = [json.dumps(trail("A")), deep('{"Records":[', "]}"), json.dumps(trail("B"))]
    (tmp_path / "made").mkdir()
    pq.write_table(pa.table({"eventjson": texts, "a": [1, 2, 3], "b": [1, 2, 3]}), tmp_path / "made" / "x")
    loaded(case, tmp_path / "logs", {"a.parquet": (tmp_path / "made" / "x").read_bytes()}, resolve=False)
    (state, good, bad) = status(case)["a.parquet"]
    assert (state, good, bad) in [("partial", 2, 1), ("unrecognised", 0, 0)]


def test_a_text_that_parquet_holds_once_for_many_rows_is_read_up_to_the_limit(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "ALWAYS", 8 * MB)
    monkeypatch.setattr(columnar, "_LARGE", MB)
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), pa.array(["A" * 10_000]))
    columns = {name: ["x"] * 20_000 for name in ("version", "account_id", "srcaddr", "dstaddr", "action")}
    (tmp_path / "made").mkdir()
    pq.write_table(pa.table(columns | {"interface_id": texts}), tmp_path / "made" / "x")
    loaded(case, tmp_path / "logs", {"a.log.parquet": (tmp_path / "made" / "x").read_bytes()}, resolve=False)
    (reason,) = [reason for number, reason in reasons(case) if number is None]
    assert "it unpacks to more than" in reason
    assert 700 < case.sql("SELECT count(*) FROM vpc_flow").rows()[0][0] < 1_000


def test_a_number_of_megabytes_and_a_name_of_megabytes_are_read(case: Case, tmp_path: Path) -> None:
    number = f'{{"n":{"9" * (2 * MB)}}}'
    name = f'{{"{"k" * (2 * MB)}":1}}'
    text = listed(record("A", requestParameters=number), record("B", requestParameters=name))
    loaded(case, tmp_path / "logs", {"a.json": text}, resolve=False)
    assert status(case)["a.json"] == ("loaded", 2, 0)
    assert case.sql("SELECT length(request_parameters) > 2_000_000 FROM cloudtrail").rows() == [(True,)] * 2


def test_a_value_longer_than_any_log_has_is_left_out_and_told(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_values, "LONGEST_VALUE", 1_000)
    text = listed(record("A", userAgent=f'"{"u" * 1_001}"'), record("B", requestParameters=f'{{"{"k" * 1_000}":1}}'))
    loaded(case, tmp_path / "logs", {"a.json": text}, resolve=False)
    assert case.sql("SELECT event_name, user_agent, request_parameters FROM cloudtrail ORDER BY record").rows() == [
        ("A", None, None),
        ("B", None, None),
    ]
    assert reasons(case) == [
        (0, "user_agent has 1001 bytes, more than the 1000 that are loaded"),
        (1, "request_parameters has 1006 bytes, more than the 1000 that are loaded"),
    ]


def test_many_long_records_are_typed_a_few_at_a_time(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_PIECE_BYTES", 10_000)
    texts = {f"{n}.json": listed(record(f"E{n}", userAgent=f'"{"u" * 3_000}"')) for n in range(20)}
    built = []
    build = worker.build
    monkeypatch.setattr(worker, "build", lambda part: built.append(len(part.records)) or build(part))
    loaded(case, tmp_path / "logs", texts, resolve=False)
    assert case.sql("SELECT count(DISTINCT event_name) FROM cloudtrail").rows() == [(20,)]
    assert max(built) <= 4


def test_endless_records_of_no_source_are_not_kept(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "UNCLAIMED", 100)
    loaded(case, tmp_path / "logs", {"a.json": b"{}\n" * 1_000}, resolve=False)
    assert case.sql("SELECT status, reason FROM evidence").rows() == [("unrecognised", worker.NOBODYS)]


def test_endless_records_of_no_source_among_others_end_with_the_reason(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "UNCLAIMED", 100)
    monkeypatch.setattr(worker, "REJECTED", 300)
    loaded(case, tmp_path / "logs", {TRAIL_KEY.removesuffix(".gz"): b"{}\n" * 1_000}, resolve=False)
    assert (None, worker.TOO_MANY) in reasons(case)
    assert [row[2] for row in status(case).values()] == [301]


# The long form: gigabytes, in processes of their own


def packed(path: Path, pieces: Iterable[bytes]) -> None:
    with gzip.open(path, "wb", compresslevel=6) as out:
        out.writelines(pieces)


def one_line(folder: Path) -> None:
    packed(folder / "a.log.gz", [b"A" * MB] * 1024)


def one_array(folder: Path) -> None:
    many = b",".join(record(f"A{n}") for n in range(4_000))
    packed(folder / "a.json.gz", [b'{"Records":[', many, *[b"," + many] * 800, b"]}"])


def long_number(folder: Path) -> None:
    (folder / "a.json").write_bytes(
        listed(record("A", requestParameters='{"n":' + "9" * 10_000_000 + "}"), record("B"))
    )


def long_name(folder: Path) -> None:
    pieces = [b'{"Records":[', record("A")[:-1], b',"requestParameters":{"', *[b"k" * MB] * 100, b'":1}},', record("B")]
    packed(folder / "a.json.gz", [*pieces, b"]}"])


def empty_records(folder: Path) -> None:
    packed(folder / "a.json.gz", [b"{}\n" * MB] * 10)


def empty_records_of_a_source(folder: Path) -> None:
    packed(folder / TRAIL_KEY.rpartition("/")[2], [b'{"Records":[{}', *[b",{}" * MB] * 10, b"]}"])


def short_lines(folder: Path) -> None:
    packed(folder / "a.log.gz", [b"x\n" * MB] * 10)


def escapes(folder: Path) -> None:
    packed(folder / "a.json.gz", [b'{"Records":[', record("A")[:-1], b',"userAgent":"', *[b"\\n" * MB] * 100])


BOMBS: tuple[Callable[[Path], None], ...] = (
    *(one_line, one_array, long_number, long_name, empty_records, empty_records_of_a_source, short_lines, escapes),
)


@pytest.mark.long
@pytest.mark.parametrize("make", BOMBS, ids=lambda make: make.__name__)
def test_gigabytes_are_stopped_or_read_in_bounded_memory(make: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    make(tmp_path / "logs")
    case, program = str(tmp_path / "case"), "import sys; from forensics.cli import main; sys.exit(main())"
    used = [
        memory.run([sys.executable, "-c", program, *command])
        for command in (["new", case], ["add", case, str(tmp_path / "logs")], ["load", case])
    ]
    print(f"{make.__name__}: peak {max(item.peak for item in used):.0f} MB, {sum(item.cpu for item in used):.0f} CPU s")
    assert max(item.peak for item in used) < PEAK
    with Case.open(case) as opened:
        rows = opened.sql("SELECT status, records, reason FROM evidence").rows()
    assert all(row[0] == "loaded" or row[2] for row in rows)
