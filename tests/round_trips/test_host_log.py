"""Lines of hosts come back equal: syslog in both forms of time, sudo, sshd, the kernel's audit log."""

from datetime import UTC

from hypothesis import example, given
from hypothesis import strategies as st

from tests.loading import envelope
from tests.round_trips.fields import (
    ADDRESS,
    AT,
    AT_MILLISECOND,
    NAME,
    PORT,
    QUICK,
    Record,
    assert_back,
    assert_unchanged,
    client,
    file_of,
    maybe,
    several,
)

CONTROLS = "".join(map(chr, [*range(32), *range(127, 160)]))
TEXT = client(without=CONTROLS)
"""What syslog daemons leave as it is; they write control characters as #033."""

TRADITIONAL = AT.map(lambda at: {"timeText": f"{at:%b} {at.day:2} {at:%H:%M:%S}", "time": None})
MODERN = AT.map(lambda at: {"timeText": None, "time": at})
WHEN = TRADITIONAL | MODERN
OF_SYSLOG = ("time", "timeText", "hostName", "program", "pid")
INSTANCE = "i-0123456789abcdef0"
HOST = NAME | ADDRESS
USER = st.text("abXY09_.-", min_size=1, max_size=8).filter(lambda text: text != "-")
HEAD = st.fixed_dictionaries({"hostName": HOST, "pid": maybe(st.integers(1, 2**22))})


def stamped(when: Record, head: Record, program: str, text: str) -> Record:
    """A record and its line, by what stands before the text."""
    stamp = when["timeText"] or f"{when['time'].isoformat(timespec='microseconds')}+00:00"
    pid = f"[{head['pid']}]" if head["pid"] else ""
    line = f"{stamp} {head['hostName']} {program}{pid}: {text}"
    return {**when, **head, "program": program, "message": line, "logKind": "syslog"}


def syslog(program: st.SearchStrategy[str], text: st.SearchStrategy[str]) -> st.SearchStrategy[Record]:
    return st.builds(stamped, WHEN, HEAD, program, text)


def file(found: list[Record]) -> str:
    return file_of(record["message"] for record in found)


@QUICK
@given(several(syslog(st.sampled_from(("kernel", "systemd", "CROND", "my-app.service", "(sd-pam)")), TEXT)))
def test_lines_of_syslog_come_back(found: list[Record]) -> None:
    assert_back("host_log", found, file(found))


@QUICK
@given(several(syslog(st.just("systemd"), client(without=""))))
def test_events_of_an_instance_s_stream_come_back(found: list[Record]) -> None:
    """The agent sends lines whole: an event may hold line breaks and control characters."""
    text = envelope(*(record["message"] for record in found), group="/var/log/messages", stream=INSTANCE).decode()
    assert_back("host_log", [record | {"instanceId": INSTANCE} for record in found], text)


COMMAND = TEXT.map(lambda text: f"/bin/sh -c {text}")
FOLDER = TEXT.map(lambda text: f"/srv/{text}".replace(";", ""))


@st.composite
def sudo(draw: st.DrawFn, folder: st.SearchStrategy[str] = FOLDER) -> Record:
    said = {"userName": draw(USER), "runAs": draw(USER), "command": draw(COMMAND)}
    refused = draw(st.sampled_from(("", "command not allowed ; ", "3 incorrect password attempts ; ")))
    text = f"{said['userName']} : {refused}TTY=pts/0 ; PWD={draw(folder)} ; USER={said['runAs']} ; COMMAND={said['command']}"
    return draw(syslog(st.just("sudo"), st.just(text))) | said | {"outcome": "denied" if refused else "success"}


@QUICK
@given(several(sudo()))
def test_commands_of_sudo_come_back(found: list[Record]) -> None:
    """Holds where the folder's name has no semicolon; commands hold anything."""
    assert_back("host_log", found, file(found))


@QUICK
@given(several(sudo(TEXT.map(lambda text: f"/a ; USER=bob ; {text}"))))
def test_names_of_folders_change_neither_time_nor_host_of_sudo(found: list[Record]) -> None:
    """Outside of the domain above: the folder was named by whoever ran the command."""
    assert_unchanged("host_log", found, file(found), OF_SYSLOG, unsaid=True)


FORMS = (
    ("Accepted publickey for {user} from {address} port {port} ssh2: RSA SHA256:abc", "success"),
    ("Failed password for {user} from {address} port {port} ssh2", "denied"),
    ("Failed password for invalid user {user} from {address} port {port} ssh2", "denied"),
    ("Invalid user {user} from {address} port {port}", "denied"),
    ("Connection closed by invalid user {user} {address} port {port} [preauth]", None),
    ("Disconnected from authenticating user {user} {address} port {port} [preauth]", None),
)


@st.composite
def sshd(draw: st.DrawFn, user: st.SearchStrategy[str], forms: tuple[tuple[str, str | None], ...] = FORMS) -> Record:
    form, outcome = draw(st.sampled_from(forms))
    said = {"userName": draw(user), "remoteAddress": draw(ADDRESS)}
    text = form.format(user=said["userName"], address=said["remoteAddress"], port=draw(PORT))
    return draw(syslog(st.just("sshd"), st.just(text))) | said | {"outcome": outcome}


@QUICK
@given(several(sshd(USER)))
def test_logins_of_sshd_come_back(found: list[Record]) -> None:
    """Holds for users without a blank."""
    assert_back("host_log", found, file(found))


NO_SUCH = tuple(form for form in FORMS if "nvalid" in form[0])
PRETENDED = client(without=CONTROLS, pieces=("root", " from 192.0.2.1 port 22", " ssh2", " 192.0.2.1 port 22", " "))
AMBUSH = (
    "Nov  5 09:10:01 h sshd[1]: Failed password for invalid user a from 192.0.2.1 port 22 from 203.0.113.9 port 9 ssh2"
)
AMBUSHED = {"timeText": AMBUSH[:15], "hostName": "h", "remoteAddress": "203.0.113.9", "message": AMBUSH}


@QUICK
@given(several(sshd(PRETENDED, NO_SUCH)))
@example([AMBUSHED])
def test_names_that_no_user_has_change_no_address(found: list[Record]) -> None:
    """Outside of the domain above: whoever connects to sshd asks for a user of any name, blanks included."""
    own = [field for field in (*OF_SYSLOG, "remoteAddress") if field in found[0]]
    assert_unchanged("host_log", found, file(found), own, unsaid=True)


ACCOUNT = client(without=CONTROLS).filter(bool)


def untrusted(text: str) -> str:
    """Text of a user as the kernel's audit log writes it: in quotes, or in hexadecimal digits where that is not safe."""
    plain = all("!" <= held <= "~" and held != '"' for held in text)
    return f'"{text}"' if plain else text.encode().hex().upper()


@st.composite
def audit(draw: st.DrawFn) -> Record:
    at, account, result = draw(AT_MILLISECOND), untrusted(draw(ACCOUNT)), draw(st.sampled_from(("success", "failed")))
    said = {"hostName": draw(maybe(NAME)), "pid": draw(st.integers(1, 2**22)), "remoteAddress": draw(maybe(ADDRESS))}
    serial = str(draw(st.integers(0, 2**32)))
    node = f"node={said['hostName']} " if said["hostName"] else ""
    seconds = int(at.replace(tzinfo=UTC).timestamp())
    line = (
        f"{node}type=USER_LOGIN msg=audit({seconds}.{at.microsecond // 1000:03}:{serial}): pid={said['pid']} uid=0"
        f' auid=4294967295 ses=4294967295 msg=\'op=login acct={account} exe="/usr/sbin/sshd" hostname=?'
        f" addr={said['remoteAddress'] or '?'} terminal=ssh res={result}'"
    )
    known = {
        "logKind": "audit",
        "eventType": "USER_LOGIN",
        "auditSerial": serial,
        "program": "/usr/sbin/sshd",
        "time": at,
    }
    outcome = {"success": "success", "failed": "denied"}[result]
    return known | said | {"userName": account.strip('"'), "outcome": outcome, "message": line}


CALLED_DASH = "Nov  5 09:10:01 h sshd[1]: Invalid user - from 203.0.113.9 port 9"


def test_a_user_called_as_the_mark_of_a_missing_value_comes_back() -> None:
    assert_back("host_log", [{"userName": "-", "message": CALLED_DASH}], file_of([CALLED_DASH]))


APOSTROPHE = """type=USER_LOGIN msg=audit(1793869200.123:4): pid=1 msg='op=login acct="o'" addr=? res=failed'"""


@QUICK
@given(several(audit()))
@example([{"userName": "o'", "message": APOSTROPHE}])
def test_records_of_the_audit_log_come_back(found: list[Record]) -> None:
    """Names of users that are not safe come back as the log writes them: in hexadecimal digits."""
    assert_back("host_log", found, file(found))
