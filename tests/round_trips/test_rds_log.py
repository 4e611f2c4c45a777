"""Records of databases come back equal: the audit logs of MariaDB and Aurora, PostgreSQL, pgAudit."""

import csv
import io
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from tests.loading import envelope
from tests.round_trips.fields import (
    ADDRESS,
    AT,
    AT_SECOND,
    COUNT,
    NAME,
    PORT,
    QUICK,
    V4,
    V6,
    Record,
    assert_back,
    assert_unchanged,
    client,
    file_of,
    maybe,
    several,
)

AURORA = AT.map(lambda at: (at, str(round(at.replace(tzinfo=UTC).timestamp() * 1_000_000))))
MARIADB = AT_SECOND.map(lambda at: (at, f"{at:%Y%m%d %H:%M:%S}"))
NAMES = st.text("abXY09_.%$@é '\"", min_size=1, max_size=8).map(lambda text: f"u{text}")
AUDIT = {
    "serverHost": NAME,
    "userName": NAMES,
    "remoteHost": ADDRESS,
    "connectionId": COUNT.map(str),
    "queryId": COUNT.map(str),
    "operation": st.just("QUERY"),
    "databaseName": maybe(NAMES),
}
UNESCAPED = client(without="\\\r\n\0\t\b\f")
BACKSLASH = r"1793869200000000,h,app,10.0.0.1,1,1,QUERY,db,'select \'\\n\'',0"
ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def in_quotes(sql: str) -> str:
    return "'" + "".join(ESCAPES.get(held, held) for held in sql) + "'"


@st.composite
def query(draw: st.DrawFn, sql: st.SearchStrategy[str], when: st.SearchStrategy[tuple[datetime, str]]) -> Record:
    at, stamp = draw(when)
    said = draw(st.fixed_dictionaries(AUDIT))
    statement, code = draw(sql), draw(st.integers(0, 9_999))
    cells = [stamp, *(said[field] or "" for field in AUDIT), in_quotes(statement), str(code)]
    more = {"time": at, "returnCode": code, "logKind": "audit", "message": ",".join(cells)}
    return said | more | {"statement": statement or None, "objectName": None}


@st.composite
def table_access(draw: st.DrawFn, when: st.SearchStrategy[tuple[datetime, str]]) -> Record:
    at, stamp = draw(when)
    said = draw(st.fixed_dictionaries(AUDIT | {"operation": st.sampled_from(("READ", "WRITE", "CONNECT", "DROP"))}))
    held = draw(maybe(NAME))
    cells = [stamp, *(said[field] or "" for field in AUDIT), held or "", "0"]
    return said | {"time": at, "objectName": held, "returnCode": 0, "message": ",".join(cells), "statement": None}


def file(found: list[Record]) -> str:
    return file_of(record["message"] for record in found)


@QUICK
@given(several(query(UNESCAPED, AURORA | MARIADB) | table_access(AURORA | MARIADB)))
def test_records_of_audit_logs_come_back(found: list[Record]) -> None:
    """Holds for names without commas, and statements of any text without backslashes and control characters."""
    assert_back("rds_log", found, file(found))


@QUICK
@given(several(query(client(without="\0"), AURORA)))
@example([{"message": BACKSLASH, "statement": r"select '\n'"}])
def test_statements_of_audit_logs_come_back_from_their_escapes(found: list[Record]) -> None:
    assert_back("rds_log", found, file(found))


FORGED = "20261105 09:10:01,h,root,192.0.2.1,1,1,CONNECT,db,,203.0.113.9,7,0,FAILED_CONNECT,,,1045"
OF_SERVER = ("time", "serverHost", "remoteHost", "connectionId", "operation", "returnCode")
FORGED_LOGIN = {
    "message": FORGED,
    "time": datetime(2026, 11, 5, 9, 10, 1),
    "serverHost": "h",
    "remoteHost": "203.0.113.9",
}
FORGED_LOGIN |= {"connectionId": "7", "operation": "FAILED_CONNECT", "returnCode": 1045}
FORGED_USER = client(without="\r\n\0", pieces=("root", ",", ",192.0.2.1,1,1,CONNECT,db,", ",192.0.2.1,1,1,QUERY,db,'"))


@st.composite
def refused(draw: st.DrawFn) -> Record:
    at, stamp = draw(MARIADB)
    said = draw(st.fixed_dictionaries(AUDIT | {"userName": FORGED_USER, "operation": st.just("FAILED_CONNECT")}))
    cells = [stamp, *(said[field] or "" for field in AUDIT), "", "1045"]
    return said | {"time": at, "returnCode": 1045, "message": ",".join(cells)}


@QUICK
@given(several(refused()))
@example([dict.fromkeys(OF_SERVER) | FORGED_LOGIN])
def test_names_that_no_user_has_change_no_value_of_the_server(found: list[Record]) -> None:
    """Outside of the domain above: whoever fails to log in to MySQL writes a name of any text."""
    assert_unchanged("rds_log", found, file(found), OF_SERVER, unsaid=True)


ROLE = st.text("abXY09_.$é-", min_size=1, max_size=8).map(lambda text: f"r{text}")
POSTGRES = {"userName": ROLE, "databaseName": ROLE, "pid": st.integers(1, 2**22)}
OVER_V4 = "2026-11-05 09:10:01 UTC:203.0.113.9(45678):app@orders:[12]:LOG:  "
OVER_V6 = "2026-11-05 09:10:01 UTC:2001:db8::9(45678):app@orders:[12]:LOG:  "
LINES = client(without="\r\0", pieces=("select", "\n", '"', "'", ",", " ", ";", "--", "\\", "%", "AUDIT: x", "漢字"))


@st.composite
def prefixed(draw: st.DrawFn, host: st.SearchStrategy[str]) -> Record:
    said = draw(st.fixed_dictionaries(POSTGRES)) | {
        "remoteHost": draw(host),
        "remotePort": draw(PORT),
        "time": draw(AT_SECOND),
    }
    begin = f"{said['time']:%Y-%m-%d %H:%M:%S} UTC:{said['remoteHost']}({said['remotePort']}):"
    return said | {"message": f"{begin}{said['userName']}@{said['databaseName']}:[{said['pid']}]:LOG:  "}


def continued(text: str) -> str:
    """Text of several lines as PostgreSQL writes it: all but the first begin with a tab."""
    return text.replace("\n", "\n\t")


@st.composite
def statement(draw: st.DrawFn, host: st.SearchStrategy[str] = V4) -> Record:
    said, sql = draw(prefixed(host)), continued(draw(LINES.map(lambda text: f"select {text}.")))
    return said | {
        "message": f"{said['message']}statement: {sql}",
        "statement": sql,
        "level": "LOG",
        "logKind": "postgresql",
    }


@QUICK
@given(several(statement()))
def test_statements_of_postgresql_come_back(found: list[Record]) -> None:
    """A statement of several lines comes back as the log writes it, a tab before all lines but its first."""
    assert_back("rds_log", found, file(found))


OF_GROUPS = st.tuples(st.just("postgresql"), several(statement())) | st.tuples(
    st.just("audit"), several(query(UNESCAPED, AURORA))
)


@QUICK
@given(OF_GROUPS)
def test_events_of_a_database_s_group_come_back(held: tuple[str, list[Record]]) -> None:
    kind, found = held
    messages = [record["message"] for record in found]
    text = envelope(*messages, group=f"/aws/rds/instance/orders/{kind}", stream="orders").decode()
    assert_back("rds_log", [record | {"databaseId": "orders"} for record in found], text)


@QUICK
@given(several(statement(V6)))
@example([{"message": f"{OVER_V6}statement: select 1", "remoteHost": "2001:db8::9", "userName": "app"}])
def test_statements_of_clients_with_ipv6_come_back(found: list[Record]) -> None:
    assert_back("rds_log", found, file(found))


@st.composite
def audited(draw: st.DrawFn, sql: st.SearchStrategy[str]) -> Record:
    said, out = draw(prefixed(V4)), io.StringIO()
    held = {"operation": draw(st.sampled_from(("READ", "WRITE", "DDL"))), "command": "SELECT"}
    held |= {
        "objectType": draw(maybe(st.just("TABLE"))),
        "objectName": draw(maybe(NAME)),
        "statement": continued(draw(sql)),
    }
    csv.writer(out).writerow(["SESSION", 1, 1, *(text or "" for text in held.values()), "<none>"])
    return said | held | {"message": f"{said['message']}AUDIT: {out.getvalue().strip()}", "logKind": "pgaudit"}


@QUICK
@given(several(audited(LINES.map(lambda text: f"select {text}.".replace("\n", "")))))
def test_records_of_pgaudit_come_back(found: list[Record]) -> None:
    assert_back("rds_log", found, file(found))


@QUICK
@given(several(audited(LINES.map(lambda text: f"select {text}."))))
@example([{"message": f'{OVER_V4}AUDIT: SESSION,1,1,READ,SELECT,,,"select\n\t1",<none>', "statement": "select\n\t1"}])
def test_statements_of_several_lines_come_back_from_pgaudit(found: list[Record]) -> None:
    assert_back("rds_log", found, file(found))


STRANGE = "2026-11-05 09:10:02 UTC:203.0.113.9(45678):{}@orders:[12]:FATAL:  password authentication failed for user"
STRANGERS = {"time": datetime(2026, 11, 5, 9, 10, 2), "remoteHost": "203.0.113.9", "remotePort": 45678, "pid": 12}
STRANGER = client(without="\r\n\0", pieces=("a", "@", ":", "[", "]", "[1]:LOG:  ", "@db:[1]:LOG:  ", " "))


@st.composite
def rejected_login(draw: st.DrawFn) -> Record:
    said, user = draw(prefixed(V4)), draw(STRANGER)
    head = f"{said['time']:%Y-%m-%d %H:%M:%S} UTC:{said['remoteHost']}({said['remotePort']}):"
    text = f'FATAL:  password authentication failed for user "{user}"'
    return said | {"message": f"{head}{user}@{said['databaseName']}:[{said['pid']}]:{text}"}


@QUICK
@given(several(rejected_login()))
@example([STRANGERS | {"message": STRANGE.format("a[b")}])
@example([STRANGERS | {"message": STRANGE.format("a@b:[9]:LOG:  ")}])
def test_names_that_no_role_has_change_no_value_of_postgresql(found: list[Record]) -> None:
    """Outside of the domain above: whoever fails to log in writes a name of any text, which stands in the prefix."""
    first = {"time": datetime(2026, 11, 5, 9, 10), "remoteHost": "10.0.0.1", "remotePort": 1, "pid": 1}
    first |= {"message": "2026-11-05 09:10:00 UTC:10.0.0.1(1):app@orders:[1]:LOG:  statement: select 1"}
    own = ("time", "remoteHost", "remotePort", "pid", "message")
    assert_unchanged("rds_log", [first, *found], file([first, *found]), own, unsaid=True)
