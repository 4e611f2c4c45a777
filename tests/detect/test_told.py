"""The rule report as it is read: what fired first, then what could not have and why, then what was silent."""

from datetime import datetime

from forensics.detect.convert import Rule
from forensics.detect.report import Detection, Outcome
from forensics.detect.told import NAMED, SHOWN, told

AT = datetime(2026, 11, 5, 9, 12, 1)


def made(title: str, level: str = "", **more: object) -> Rule:
    return Rule("rules.yml", 3, title=title, level=level, **more)  # type: ignore[arg-type]


def read(*outcomes: Outcome, findings: dict[int, int] | None = None) -> list[str]:
    return list(told(Detection(outcomes, findings or {})))


def test_what_fired_is_told_by_severity_then_time_with_who_and_what_is_next() -> None:
    who = ("arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:user/b")
    later = Outcome(made("Later", "high"), "fired", 1, "", AT, AT)
    first = Outcome(made("First", "high"), "fired", 1, "2 allowed", datetime(2026, 11, 4), datetime(2026, 11, 4))
    grave = made("Grave", "critical", tags=["attack.t1098.003"], playbook="iam-persistence")
    worst = Outcome(grave, "fired", 1_200, "", AT, AT.replace(hour=11), who, 9)
    assert read(later, first, worst, findings={0: 1, 1: 1, 2: 9}) == [
        "FIRED: 3 rules, 11 findings",
        "  critical      Grave",
        "                1,200 events, 2026-11-05 09:12:01 to 11:12:01, 9 findings",
        "                by arn:aws:iam::111122223333:role/a",
        "                   arn:aws:iam::111122223333:user/b",
        "                   and 7 more",
        "                T1098.003 · next: forensics run iam-persistence",
        "  high          First",
        "                1 event, 2026-11-04 00:00:00, 2 allowed",
        "  high          Later",
        "                1 event, 2026-11-05 09:12:01",
    ]


def test_what_could_not_have_fired_is_told_by_what_kept_it() -> None:
    blind = Outcome(made("Blind", "low"), "blind", why="vpc_flow was not logged in the window")
    inert = [
        Outcome(made(f"Rule {n}", "high"), "inert", why="the case has no records of alb") for n in range(NAMED + 2)
    ]
    broken = Outcome(made("Broken", construct="a|bogus: x"), "not convertible", why="Unknown modifier 'bogus'")
    assert read(broken, *inert, blind) == [
        "FIRED: 0 rules, 0 findings",
        "",
        "COULD NOT HAVE FIRED: 8 rules; that they are silent says nothing",
        "  blind: vpc_flow was not logged in the window: 1 rule",
        "      Blind (low)",
        "  inert: the case has no records of alb: 6 rules",
        "      Rule 0 (high), Rule 1 (high), Rule 2 (high), Rule 3 (high) and 2 more",
        "  not convertible: Broken: Unknown modifier 'bogus' (line 3: a|bogus: x), rules.yml",
    ]


def test_what_was_silent_is_counted_by_what_bounds_its_silence() -> None:
    silent = [Outcome(made(f"Rule {n}"), "loaded", why="no such call in this case" if n else "") for n in range(3)]
    assert read(*silent)[1:] == [
        "",
        "COULD HAVE FIRED AND DID NOT: 3 rules",
        "     2  no such call in this case",
        "     1  records of all hours were looked at",
    ]


def test_rules_that_only_correlations_speak_for_are_named_apart() -> None:
    counted = Outcome(made("secret read", "low"), "fired", 40, "counted by a correlation", AT, AT)
    assert read(counted) == [
        "FIRED: 0 rules, 0 findings",
        "  counted by correlations, no finding of their own: 1 rule",
        "      secret read (low)",
    ]


def test_of_very_many_that_fired_the_gravest_are_told() -> None:
    many = [Outcome(made(f"Rule {n}", "high"), "fired", 1, "", AT, AT) for n in range(SHOWN + 7)]
    lines = read(*many, findings=dict.fromkeys(range(SHOWN + 7), 1))
    assert lines[-1] == "  … and 7 more: --format csv"


def test_of_very_many_that_are_not_convertible_some_are_told() -> None:
    many = [Outcome(made(f"Rule {n}"), "not convertible", why="not YAML") for n in range(SHOWN + 7)]
    assert read(*many)[-1] == "  … and 7 more that are not convertible: --format csv"
