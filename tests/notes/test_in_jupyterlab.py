"""Notes in a real JupyterLab: two people's, merged, shown as text, and there again after the kernel was restarted."""

import pytest

from forensics.notes import Notes
from tests.lab import Lab, installed
from tests.notes.worlds import five_calls

HOSTILE = "<script>window.owned = 1</script><img src=http://collect.example/x onerror='window.owned = 1'>\x1b[31m\u202e"

OPEN = """from forensics import Case, Timeline
case = Case.open({path!r})"""


@installed
def test_notes_of_two_people_are_merged_and_shown_as_text_also_after_a_restart(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = five_calls(tmp_path_factory.mktemp("case"))
    other = Notes.of(lab.root / "other.jsonl")
    other.write(HOSTILE, "event-2", by="ben")
    cells = [
        OPEN.format(path=str(path)),
        f"case.notes.tag(Timeline(case).between('2026-11-05T09:00:03'), 'exfil', by='anna'), case.notes.merge({str(other.path)!r}).new",
        "case.notes",
        "Timeline(case).tagged('exfil')",
    ]
    with lab.open(cells) as notebook:
        notebook.run()
        assert notebook.errors() == []
        assert "(2, 1)" in notebook.text(1)
        notebook.restart()
        for cell in (0, 2, 3):
            notebook.run(cell)
        assert "window.owned = 1" in notebook.text(2) and "anna" in notebook.text(2)
        assert "event-3" in notebook.text(3) and "event-2" not in notebook.text(3)
        assert notebook.output(2).locator("img, script").count() == 0
        assert notebook.page.evaluate("window.owned") is None
        assert (notebook.foreign, notebook.console) == ([], [])
        notebook.screenshot(lab.root / "notes.png")
