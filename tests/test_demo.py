"""The demonstration: an interrupted one is finished, nothing of anybody else's is touched."""

from pathlib import Path

from forensics.demo import _incident


def test_an_incident_that_was_only_half_made_up_is_made_up_anew(tmp_path: Path) -> None:
    (tmp_path / "incident.part" / "logs").mkdir(parents=True)
    (tmp_path / "incident.part" / "logs" / "half").write_text("cut off")
    said: list[str] = []
    truth = _incident(tmp_path, said.append)
    assert (truth, truth.is_file()) == (tmp_path / "incident" / "truth.json", True)
    assert [path.name for path in tmp_path.iterdir()] == ["incident"]
    assert not list(tmp_path.rglob("half"))


def test_an_incident_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "incident").mkdir()
    (tmp_path / "incident" / "truth.json").write_text("kept")
    assert _incident(tmp_path, print).read_text() == "kept"
