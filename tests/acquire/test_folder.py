"""What is found on this machine, in folders and archives, and how trouble is listed."""

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics import evidence, unpacking
from forensics.acquire.folder import walk
from forensics.case import Case
from forensics.errors import UsageError


def found(target: Path, **options: Path) -> dict[str, bytes | str]:
    """Uri below the target's parent → bytes, or the problem."""
    base = f"{target.parent}/"
    return {
        item.uri.removeprefix(base): item.problem or (item.stream.read() if item.stream else b"")
        for item in walk(target, **options)
        if not item.container
    }


def tar(members: dict[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_700_000_000
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_a_folder_gives_every_file_below_it_in_order_of_name(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    (logs / "b").mkdir(parents=True)
    (logs / "b" / "2.json").write_bytes(b"two")
    (logs / "a.json").write_bytes(b"one")
    (logs / ".hidden").write_bytes(b"")
    assert list(found(logs).items()) == [
        ("logs/.hidden", b""),
        ("logs/a.json", b"one"),
        ("logs/b/2.json", b"two"),
    ]


def test_a_gzip_file_stays_as_it_is(tmp_path: Path) -> None:
    data = gzip.compress(b'{"Records":[]}')
    (tmp_path / "a.json.gz").write_bytes(data)
    assert found(tmp_path / "a.json.gz") == {"a.json.gz": data}


@pytest.mark.parametrize(
    ("name", "mode"),
    [("x.tar", "w"), ("x.tgz", "w:gz"), ("x", "w:gz"), ("x.tar.bz2", "w:bz2"), ("x.bin", "w:xz")],
)
def test_tar_archives_are_opened_whatever_their_name(tmp_path: Path, name: str, mode: str) -> None:
    (tmp_path / name).write_bytes(tar({"a/1.json": b"one", "a/2.json": b"two"}, mode))
    assert found(tmp_path / name) == {f"{name}!a/1.json": b"one", f"{name}!a/2.json": b"two"}


def test_archives_inside_archives_are_opened_to_the_third_level(tmp_path: Path) -> None:
    fourth = zipped({"4": b"four"})
    third = zipped({"3": b"three", "fourth.zip": fourth})
    (tmp_path / "x.zip").write_bytes(zipped({"in.tgz": tar({"2": b"two", "third.zip": third})}))
    assert found(tmp_path / "x.zip") == {
        "x.zip!in.tgz!2": b"two",
        "x.zip!in.tgz!third.zip!3": b"three",
        "x.zip!in.tgz!third.zip!fourth.zip": fourth,
    }


def test_member_names_that_climb_out_are_only_names(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zipped({"../../escape": b"1", "/absolute": b"2"}))
    assert found(tmp_path / "x.zip") == {"x.zip!../../escape": b"1", "x.zip!/absolute": b"2"}


def test_a_cut_off_tar_gives_what_was_before_the_cut_and_itself_with_the_reason(tmp_path: Path) -> None:
    whole = tar({"1": b"one", "2": os.urandom(200_000)}, "w")
    (tmp_path / "x.tar").write_bytes(whole[: 1024 + 512])
    items = [item for item in walk(tmp_path / "x.tar") if not item.container]
    assert [item.uri for item in items] == [f"{tmp_path}/x.tar!1", f"{tmp_path}/x.tar!2", f"{tmp_path}/x.tar"]
    assert items[-1].problem == "archive damaged after 2 members: unexpected end of data"


def test_a_tar_without_its_end_marker_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(tar({"1": b"one"}, "w")[:1024])
    expected = "archive damaged after 1 members: no end-of-archive marker: it may be cut off"
    assert found(tmp_path / "x.tar") == {"x.tar!1": b"one", "x.tar": expected}


def test_half_a_zip_is_kept_and_reported(tmp_path: Path) -> None:
    data = zipped({"1": b"one" * 1000})
    (tmp_path / "x.zip").write_bytes(data[: len(data) // 2])
    (listed,) = [
        (item.uri, item.stream.read(), item.problem)
        for item in walk(tmp_path / "x.zip")
        if not item.container and item.stream
    ]
    problem = "archive damaged after 0 members: File is not a zip file"
    assert listed == (f"{tmp_path}/x.zip", data[: len(data) // 2], problem)


def test_half_a_tgz_gives_its_first_members_and_the_start_of_the_cut_one(tmp_path: Path) -> None:
    blob = os.urandom(100_000)
    data = tar({"1": b"one", "2": blob})
    (tmp_path / "x.tgz").write_bytes(data[: len(data) // 2])
    with Case.create(tmp_path / "case") as case:
        evidence.add(case, tmp_path / "x.tgz")
        rows = case.sql("SELECT object_id, reason, size FROM evidence WHERE status = 'pending' ORDER BY uri").rows()
        assert [size > 40_000 for _, _, size in rows] == [False, True]
        with evidence.open_object(case, rows[1][0]) as handle:
            start = handle.read()
    assert rows[1][1] == f"cut off after {len(start)} bytes: unexpected end of data"
    assert blob.startswith(start)


def test_a_tgz_with_a_wrong_checksum_is_reported(tmp_path: Path) -> None:
    data = bytearray(tar({"1": b"one"}))
    data[-6] ^= 1
    (tmp_path / "x.tgz").write_bytes(data)
    assert "CRC check failed" in str(found(tmp_path / "x.tgz")["x.tgz"])


def test_archives_behind_one_another_in_one_file_are_reported(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(tar({"1": b"one"}, "w") + tar({"2": b"two"}, "w"))
    assert found(tmp_path / "x.tar") == {
        "x.tar!1": b"one",
        "x.tar": "archive damaged after 1 members: there is more after its end marker, which was not read",
    }


def test_an_encrypted_member_is_listed_with_what_to_do(tmp_path: Path) -> None:
    data = bytearray(zipped({"1": b"one"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "x.zip").write_bytes(data)
    assert found(tmp_path / "x.zip") == {"x.zip!1": "encrypted: unpack it with its password and add the folder"}


def test_links_pipes_and_loops_are_listed_and_nothing_hangs(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (tmp_path / "elsewhere").write_bytes(b"linked")
    (logs / "real").write_bytes(b"linked")
    (logs / "file").symlink_to(logs / "real")
    (logs / "out").symlink_to(tmp_path / "elsewhere")
    (logs / "loop").symlink_to(logs / "loop")
    (logs / "nothing").symlink_to(logs / "gone")
    (logs / "up").symlink_to(tmp_path)
    os.mkfifo(logs / "pipe")
    assert found(logs) == {
        "logs/file": b"linked",
        "logs/loop": "a link that leads back to itself",
        "logs/nothing": "a link to nothing",
        "logs/out": f"a link to a file outside of this folder, {tmp_path}/elsewhere: add that file itself to take it in",
        "logs/pipe": "a named pipe: not read",
        "logs/real": b"linked",
        "logs/up": "a link to a folder: add that folder itself to take it in",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_listed(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    (logs / "closed").mkdir(parents=True)
    (logs / "a").write_bytes(b"secret")
    (logs / "a").chmod(0)
    (logs / "closed").chmod(0)
    assert found(logs) == {
        "logs/a": "cannot be read: Permission denied",
        "logs/closed": "folder cannot be read: Permission denied",
    }


def test_a_name_that_is_not_utf8_is_written_with_escapes(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / os.fsdecode(b"\xff.json")).write_bytes(b"x")
    assert found(tmp_path / "logs") == {"logs/\\xff.json": b"x"}


def test_the_case_inside_the_folder_is_left_out_and_listed(tmp_path: Path) -> None:
    (tmp_path / "logs" / "case").mkdir(parents=True)
    (tmp_path / "logs" / "case" / "case.duckdb").write_bytes(b"x")
    listed = found(tmp_path / "logs", without=tmp_path / "logs" / "case")
    assert listed == {"logs/case": "the directory of this case itself"}


def test_nothing_at_the_target_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to add at"):
        list(walk(tmp_path / "gone"))


def test_nothing_stays_where_nested_archives_were_unpacked(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "x.zip").write_bytes(zipped({"in.zip": zipped({"1": b"one"})}))
    assert found(tmp_path / "x.zip", scratch=tmp_path / "scratch") == {"x.zip!in.zip!1": b"one"}
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("pack", [zipped, tar])
def test_an_archive_that_is_a_bomb_stops_at_the_stated_limit(
    pack: Callable[[dict[str, bytes]], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "ALWAYS", 1 << 20)
    (tmp_path / "bomb").write_bytes(pack({"log": b"a line\n", "zeros": bytes(80 << 20), "more": b"more"}))
    case = Case.create(tmp_path / "case")
    evidence.add(case, tmp_path / "bomb")
    rows = case.sql("SELECT uri, size, status, reason FROM evidence ORDER BY uri").rows()
    case.close()
    sizes = {uri.rpartition("!")[2]: size for uri, size, _, _ in rows}
    assert sizes["log"] == 7
    assert all(size <= 32 << 20 for size in sizes.values())
    assert any("unpacks to more than" in (reason or "") for *_, reason in rows)
