"""Archives and folders that attack: nothing is written where they say, nothing is followed, nothing grows beyond limits."""

import io
import os
import socket
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forensics import evidence, unpacking
from forensics.acquire import archive
from forensics.case import Case

NAMES = (
    *("../../out", "/etc/out", "C:\\out", "\\\\host\\share\\out", "a/../../../out", "./.", "CON", "-rf"),
    *("line\nbreak", "\x1b]0;title\x07", "\u202egnp.exe", "same", "SAME", "s" * 5_000, "<img src=x onerror=alert(1)>"),
)
Rows = dict[str, tuple[int, str, str | None]]


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as made:
        yield made


def taken(case: Case, target: Path) -> Rows:
    """Name within the archive or folder → size, status, reason."""
    evidence.add(case, target)
    rows = case.sql("SELECT uri, size, status, reason FROM evidence").rows()
    base = f"{target}!" if target.is_file() else f"{target}/"
    return {uri.removeprefix(base): (size, status, reason) for uri, size, status, reason in rows}


def outside(root: Path) -> set[str]:
    """What there is beside the case and the archive."""
    return {path.name for path in root.iterdir()} - {"case", "x.zip", "x.tar"}


def zipped(path: Path, members: Iterator[tuple[zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for info, data in members:
            made.writestr(info, data)
    return path


def tarred(path: Path, members: Iterator[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w") as made:
        for info, data in members:
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return path


def linked(name: str, kind: bytes, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_names_in_a_zip_are_only_names(case: Case, tmp_path: Path) -> None:
    members = ((zipfile.ZipInfo(name), name.encode()) for name in NAMES)
    rows = taken(case, zipped(tmp_path / "x.zip", members))
    assert set(rows) == set(NAMES)
    assert all(row[1:] == ("pending", None) for row in rows.values())
    assert outside(tmp_path) == set()


def test_names_in_a_tar_are_only_names(case: Case, tmp_path: Path) -> None:
    rows = taken(case, tarred(tmp_path / "x.tar", ((tarfile.TarInfo(name), name.encode()) for name in NAMES)))
    assert set(rows) == set(NAMES)
    assert all(row[1:] == ("pending", None) for row in rows.values())
    assert outside(tmp_path) == set()


def test_links_and_devices_in_a_tar_are_listed_and_what_lies_behind_them_is_only_a_name(
    case: Case, tmp_path: Path
) -> None:
    members = [
        (linked("link", tarfile.SYMTYPE, "/etc"), b""),
        (tarfile.TarInfo("link/passwd"), b"behind the link"),
        (linked("hard", tarfile.LNKTYPE, "/etc/passwd"), b""),
        (linked("hard to itself", tarfile.LNKTYPE, "hard to itself"), b""),
        (linked("memory", tarfile.CHRTYPE, ""), b""),
        (linked("disk", tarfile.BLKTYPE, ""), b""),
        (linked("pipe", tarfile.FIFOTYPE, ""), b""),
    ]
    rows = taken(case, tarred(tmp_path / "x.tar", iter(members)))
    assert rows.pop("link/passwd") == (len(b"behind the link"), "pending", None)
    assert {name: row[2] for name, row in rows.items()} == {
        "link": "a link inside an archive, to /etc: not followed",
        "hard": "a link inside an archive, to /etc/passwd: not followed",
        "hard to itself": "a link inside an archive, to hard to itself: not followed",
        **dict.fromkeys(("memory", "disk", "pipe"), "a device or pipe inside an archive"),
    }


def test_a_link_whose_target_is_no_text_is_listed_like_any_other(case: Case, tmp_path: Path) -> None:
    members = [
        linked(name, kind, "\udcaa\udcff/etc") for name, kind in (("a", tarfile.SYMTYPE), ("b", tarfile.LNKTYPE))
    ]
    target = tarred(tmp_path / "links.tar", iter([(member, b"") for member in members]))
    reasons = [reason for _, _, reason in taken(case, target).values()]
    assert reasons == ["a link inside an archive, to \\xaa\\xff/etc: not followed"] * 2


def test_a_link_in_a_zip_is_listed(case: Case, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    rows = taken(case, zipped(tmp_path / "x.zip", iter([(info, b"/etc/passwd"), (zipfile.ZipInfo("link/a"), b"x")])))
    assert rows["link"] == (0, "rejected", "a link inside an archive: not followed")
    assert rows["link/a"] == (1, "pending", None)


def test_a_folder_with_links_out_of_it_a_socket_and_a_pipe_is_listed_and_nothing_hangs(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_bytes(b"of this machine")
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "absolute").symlink_to(tmp_path / "secret")
    (logs / "relative").symlink_to("../secret")
    (logs / "zero").symlink_to("/dev/zero")
    os.mkfifo(logs / "pipe")
    monkeypatch.chdir(logs)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
    rows = taken(case, logs)
    reason = f"a link to a file outside of this folder, {tmp_path}/secret: add that file itself to take it in"
    assert {name: row[2] for name, row in rows.items()} == {
        "absolute": reason,
        "relative": reason,
        "zero": "a link to a file outside of this folder, /dev/zero: add that file itself to take it in",
        "pipe": "a named pipe: not read",
        "socket": "a socket: not read",
    }


def test_a_link_that_is_named_itself_is_followed(case: Case, tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    evidence.add(case, tmp_path / "link")
    assert case.sql("SELECT size, status FROM evidence").rows() == [(1, "pending")]


# Bombs


def sparse(path: Path, size: int) -> Path:
    """A tar of one file that is a hole of that size (GNU's old sparse format)."""
    info = tarfile.TarInfo("hole")
    info.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[386 : 386 + 24] = b"%011o\0%011o\0" % (size, 0)
    block[483:495] = b"%011o\0" % size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    path.write_bytes(bytes(block) + bytes(1024))
    return path


def test_a_hole_in_a_tar_is_read_up_to_the_stated_limit(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "ALWAYS", 4 << 20)
    size, _, reason = taken(case, sparse(tmp_path / "x.tar", 8 << 30))["hole"]
    assert size <= 4 << 20
    assert "it unpacks to more than" in (reason or "")


def test_a_name_of_megabytes_ends_a_tar_with_the_reason(case: Case, tmp_path: Path) -> None:
    members = [(tarfile.TarInfo("first"), b"x"), (tarfile.TarInfo("n" * (2 << 20)), b"y")]
    rows = taken(case, tarred(tmp_path / "x.tar", iter(members)))
    assert rows["first"] == (1, "pending", None)
    assert "archive damaged after 1 members: a header of" in str(rows[str(tmp_path / "x.tar")][2])


def test_a_zip_that_lists_more_members_than_are_read_is_kept_and_says_so(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MEMBERS", 99)
    path = zipped(tmp_path / "x.zip", ((zipfile.ZipInfo(f"{n}"), b"") for n in range(100)))
    rows = taken(case, path)
    assert [row[1:] for row in rows.values()] == [
        ("rejected", "archive damaged after 0 members: it lists more than 99 members: unpack it by hand")
    ]


def test_a_zip_of_more_members_than_the_old_format_counts_is_read(case: Case, tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", ((zipfile.ZipInfo(f"{n}"), b"") for n in range(65_540)))
    evidence.add(case, path)
    assert case.sql("SELECT count(*) FROM evidence").rows() == [(65_540,)]


def overlapping(path: Path) -> Path:
    """A zip whose directory names the same 4 MB of zeros 50 times."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("0", bytes(4 << 20))
    packed = data.getvalue()
    at = packed.index(b"PK\x01\x02")
    entry, end = packed[at : packed.index(b"PK\x05\x06")], packed[-22:]
    listed = entry * 50
    path.write_bytes(packed[:at] + listed + end[:8] + struct.pack("<HHLL", 50, 50, len(listed), at) + end[20:])
    return path


def nested(path: Path) -> Path:
    """Zips of ten zips each, three deep, of zeros in the end."""
    data = bytes(1 << 20)
    for _ in range(3):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            for number in range(10):
                made.writestr(f"{number}.zip" if number < 5 else f"{number}", data)
        data = out.getvalue()
    path.write_bytes(data)
    return path


def lying(path: Path) -> Path:
    """A zip that says that a member of a few bytes has 4 GB."""
    zipped(path, iter([(zipfile.ZipInfo("a"), b"few bytes")]))
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = b"\xfe\xff\xff\xff"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("make", [overlapping, nested, lying])
def test_a_zip_that_is_a_bomb_or_lies_stays_within_the_limit(
    make: Callable[[Path], Path], case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "ALWAYS", 8 << 20)
    path = make(tmp_path / "x.zip")
    evidence.add(case, path)
    stored = sum(file.stat().st_size for file in (case.path / "evidence").rglob("*") if file.is_file())
    assert stored <= 20 << 20
    rows = case.sql("SELECT status, reason FROM evidence").rows()
    assert rows
    assert make is lying or any("it unpacks to more than" in (r or "") or "Overlapped" in (r or "") for _, r in rows)
