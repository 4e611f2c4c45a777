"""What mines, who launched it, what else the same hands launched, and what runs still."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from shlex import quote
from typing import Any

import pandas as pd

from forensics.analysis import traces
from forensics.analysis.acts import ActsAnswer, calls_of
from forensics.analysis.gaps import Gap
from forensics.analysis.hands import hands
from forensics.analysis.holdings import basis
from forensics.analysis.intrusion import Intrusion
from forensics.analysis.isolation import Command
from forensics.analysis.mining import Sign, pools, signs
from forensics.analysis.statement import Statement, named
from forensics.analysis.technique import HIJACKED
from forensics.analysis.words import at, count, during, listed
from forensics.case import Case, Query

SOURCES = ("cloudtrail", "guardduty", "route53_resolver", "vpc_flow", "lambda_log")

LAUNCHES = ("ec2:RunInstances", "ecs:RunTask", "ecs:StartTask", "lambda:CreateFunction", "ec2:RequestSpotInstances")

_LAUNCHED_BY = """
SELECT u.resource, t.event_id, t.time, t.action, t.principal, t.access_key_id, t.source_ip
FROM timeline AS t, unnest(t.resources) AS u(resource)
WHERE t.outcome = 'success'
ORDER BY t.time, t.event_id, u.resource
"""

_COST = """
SELECT w.workload, w.kind, w.region, coalesce(k.kind_of_machine, w.image) AS what, w.started_at AS started, w.stopped_at AS stopped,
  round(CAST(date_diff('second', w.started_at, coalesce(w.stopped_at, l.last)) AS DOUBLE) / 3600, 2) AS hours,
  CASE WHEN w.kind = 'lambda_function' THEN coalesce(i.runs, 0) END AS runs,
  CASE WHEN w.kind = 'lambda_function' THEN round(coalesce(i.gigabyte_hours, 0), 2) END AS gigabyte_hours,
  CASE WHEN w.stopped_at IS NULL THEN 'nothing in evidence stops it' ELSE 'stopped' END AS state
FROM workload AS w
CROSS JOIN (SELECT max(time) AS last FROM event) AS l
LEFT JOIN (
  SELECT u.resource AS workload, min(json_extract_string(c.request_parameters, '$.instanceType')) AS kind_of_machine
  FROM event AS e
  JOIN cloudtrail AS c ON c.object_id = e.object_id AND c.record = e.record, unnest(e.resources) AS u(resource)
  WHERE e.source = 'cloudtrail' AND e.action = 'ec2:RunInstances'
  GROUP BY u.resource
) AS k ON k.workload = w.workload
LEFT JOIN (
  SELECT v.workload, count(*) AS runs, sum(v.duration_ms * v.memory_mb) / 1000 / 3600 / 1024 AS gigabyte_hours
  FROM invocation AS v
  GROUP BY v.workload
) AS i ON i.workload = w.workload
WHERE list_contains(CAST(? AS VARCHAR[]), w.workload)
ORDER BY w.stopped_at IS NOT NULL, w.started_at, w.workload
"""

_TRIES = """
SELECT t.region, t.action, count(*) AS calls, min(t.time) AS first, max(t.time) AS last,
  string_agg(DISTINCT c.error_code, ', ' ORDER BY c.error_code) AS answered
FROM timeline AS t
JOIN cloudtrail AS c ON c.object_id = t.object_id AND c.record = t.record
WHERE c.error_code IS NOT NULL
  AND list_contains(CAST(? AS VARCHAR[]), regexp_replace(t.action, '[0-9]{8}(v[0-9]+)?$', ''))
GROUP BY t.region, t.action
ORDER BY min(t.time), t.region, t.action
"""


@dataclass(frozen=True)
class Launch:
    """The call that launched a workload."""

    event_id: str
    time: Any
    action: str
    principal: str | None
    access_key_id: str | None
    address: str | None


@dataclass(frozen=True)
class PoolTraffic(Intrusion):
    """The traffic with pools, told as that with an intruder's addresses is."""

    theirs: tuple[str, ...] = ()

    @cached_property
    def addresses(self) -> list[str]:
        """The addresses of the pools."""
        return list(self.theirs)


@dataclass(frozen=True)
class Mining(ActsAnswer):
    """The answer: what mines, whose hands launched it, all else that those launched."""

    pools: tuple[tuple[str, str], ...]
    signs: tuple[Sign, ...]
    launches: dict[str, Launch]

    @property
    def miners(self) -> list[str]:
        """Workloads that mine, in order of their first sign."""
        return list(dict.fromkeys(sign.workload for sign in self.signs))

    @property
    def launched(self) -> list[str]:
        """What mines, and what else the same hands launched."""
        return list(dict.fromkeys([*self.miners, *self.intrusion.launched]))

    @property
    def found(self) -> bool:
        """Whether anything mines, or an intruder's hands launched anything."""
        return bool(self.signs or self.pools or self.intrusion.launched)

    @property
    def verdict(self) -> str:
        """What mines, who launched it with what, what runs still; or that nothing mines."""
        if not self.signs:
            return self._no_miner()
        kinds = pd.Series([_kind(item) for item in self.miners]).value_counts()
        mined = listed([count(int(number), str(kind)) for kind, number in kinds.items()], 5)
        first, last = min(_times(self.signs)), max(_times(self.signs))
        text = f"{mined} mined {during(first, last)}"
        text += f", with {listed([f'{address} ({why})' for address, why in self.pools])}. " if self.pools else ". "
        return f"{text}{self._who()}{self._else()}{self._left()}{self._refused()}"

    def _no_miner(self) -> str:
        if self.intrusion.stolen:
            return (
                f"Nothing in evidence mines. {self._else()}{self._left()}{self._refused()} {basis(self.case, SOURCES)}"
            )
        return (
            "Nothing in evidence mines: no finding of it, no name of a pool, no steady connection to a pool's port."
            f" {basis(self.case, SOURCES)}"
        )

    def _who(self) -> str:
        theirs = [item for item in self.miners if item in self.intrusion.launched]
        others = [item for item in self.miners if item not in theirs]
        text = ""
        if theirs:
            keys = sorted(
                {
                    f"{self.launches[item].principal} ({self.launches[item].access_key_id}) from"
                    f" {self.launches[item].address}"
                    for item in theirs
                    if item in self.launches
                }
            )
            text = f"{len(theirs):,} of {count(len(self.miners), 'miner')} {'was' if len(theirs) == 1 else 'were'} launched in an"
            text += f" intruder's hands, by {listed(keys)}."
        if others:
            text += f" Not launched in an intruder's hands, as far as evidence shows: {listed(others)}: look for what got in."
        return text

    def _else(self) -> str:
        others = [item for item in self.intrusion.launched if item not in self.miners]
        return f" The same hands launched too: {listed(others, 5)}." if others else ""

    def _left(self) -> str:
        rows = self.cost.df()
        left = rows[rows["stopped"].isna()]["workload"].to_list() if len(rows) else []
        return f" Nothing in evidence stops {listed(left, 5)}." if left else ""

    def _refused(self) -> str:
        rows = self.tries.rows() if self.intrusion.stolen else []
        said = [
            f"{count(calls, 'launch').replace('launchs', 'launches')} in {region} ({answered})"
            for region, _, calls, _, _, answered in rows
        ]
        return f" Failed: {listed(said, 5)}." if said else ""

    def acts(self) -> Iterator[Statement]:
        """A statement for each workload that mines, and for each interface's traffic with a pool."""
        for number, workload in enumerate(self.miners, 1):
            yield self._miner(f"miner-{number:02d}", workload)

    def own(self) -> list[Statement]:
        """Whose hands, what mines, and its traffic: also where nobody's hands are an intruder's."""
        return [*self.judgements, *self.acts(), *self._traffic()]

    def _traffic(self) -> Iterator[Statement]:
        if not self.pools:
            return
        traffic = PoolTraffic(self.case, {}, theirs=tuple(address for address, _ in self.pools))
        for item in traces.traffic(traffic):
            yield replace(
                item,
                id=item.id.replace("flow", "pool"),
                title=item.title.replace("Traffic with", "Traffic with the pool"),
                technique=HIJACKED,
            )

    def _miner(self, identifier: str, workload: str) -> Statement:
        mine = [sign for sign in self.signs if sign.workload == workload]
        launch = self.launches.get(workload)
        ids = [event_id for sign in mine if not sign.of_flows for event_id in sign.event_ids]
        if launch and workload in self.intrusion.launched:
            ids.append(launch.event_id)
        return Statement(
            id=identifier,
            title=f"{workload.rpartition(':')[2]} mines",
            statement=f"{workload}: {'; '.join(_said(sign) for sign in mine)}. {_launch(launch)}",
            time=min(_times(mine), default=None),
            certainty="inferred" if all(sign.of_flows for sign in mine) else "recorded",
            technique=HIJACKED,
            workload=workload,
            evidence=named(ids or [event_id for sign in mine for event_id in sign.event_ids]),
        )

    @property
    def cost(self) -> Query:
        """A row for each workload that mines or that the same hands launched: type, from when until when, hours, state."""
        return self.case.sql(_COST, (self.launched,))

    @property
    def tries(self) -> Query:
        """A row for each Region and action of launches that failed, and what AWS answered."""
        return self.intrusion.calls.select(_TRIES, list(LAUNCHES))

    @property
    def who_launched(self) -> pd.DataFrame:
        """A row for each workload: whether it mines and why, and the call that launched it."""
        rows = []
        for item in self.launched:
            launch = self.launches.get(item)
            why = "; ".join(_said(sign) for sign in self.signs if sign.workload == item)
            given = (launch.time, launch.principal, launch.access_key_id, launch.address) if launch else (None,) * 4
            rows.append((item, why or "no sign of mining", *given, item in self.intrusion.launched))
        columns = ["workload", "mines", "launched", "by", "access_key_id", "from", "intruder's"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def pool_table(self) -> pd.DataFrame:
        """A row for each address that is taken to be a pool, and why."""
        return pd.DataFrame(list(self.pools), columns=["address", "why"])

    def open_questions(self) -> list[Gap]:
        """What stays open of mining."""
        if not self.found:
            return []
        return [
            Gap(
                "What mines in Regions and accounts without logs here",
                "who has a key launches wherever limits allow; GuardDuty and flow logs are set up for each Region",
                "list instances, tasks, functions and jobs of every Region; look at the bill by Region",
            ),
            Gap(
                "What it cost",
                "prices and discounts are in no log; hours and types are",
                "Cost and Usage Report; the hours in the table of what was launched",
            ),
            Gap(
                "Whom functions outside of a VPC spoke with",
                "they have no interface of the account: flow logs and DNS logs do not have them",
                "the function's code and its own log",
            ),
        ]

    def steps(self) -> list[Command]:
        """Stop what nothing in evidence stopped."""
        rows = self.cost.df() if self.found else pd.DataFrame(columns=["workload", "stopped"])
        left = rows[rows["stopped"].isna()]["workload"].to_list()
        made = [_stopping(str(item)) for item in left]
        return [item for item in made if item]


def investigate(case: Case, *, principal: str | None = None) -> Mining:
    """Find what mines, judge who launched it, and follow those hands; or those of a principal's launches if one is given.

    Raises UnknownName, AmbiguousName.
    """
    known = [(str(address), str(why)) for address, why in pools(case).rows()]
    found = signs(case, [address for address, _ in known])
    calls = calls_of(case, LAUNCHES, principal=principal)
    launches = {row[0]: Launch(*row[1:]) for row in calls.select(_LAUNCHED_BY).rows()}
    miners = {sign.workload for sign in found}
    accused = {
        launch.event_id: f"it launched {workload}, which mines"
        for workload, launch in launches.items()
        if workload in miners
    }
    asked = [launch.event_id for workload, launch in launches.items() if principal or workload in miners]
    made = hands(case, list(dict.fromkeys(asked)), accused)
    whole = {row[0]: Launch(*row[1:]) for row in calls_of(case, LAUNCHES).select(_LAUNCHED_BY).rows()}
    return Mining(case, made.intrusion, None, made, tuple(known), tuple(found), whole)


def _times(found: Any) -> list[Any]:
    return [moment for sign in found for moment in (sign.first, sign.last) if moment]


def _kind(workload: str) -> str:
    kinds = ((":instance/", "instance"), (":task/", "task"), (":function:", "function"), ("k8s:", "pod"))
    return next((name for part, name in kinds if part in workload), "workload")


def _said(sign: Sign) -> str:
    many = f" in {count(sign.records, 'record')}" if sign.records > 1 else ""
    return f"{sign.says}{many} {during(sign.first, sign.last)}"


def _launch(launch: Launch | None) -> str:
    if launch is None:
        return "The call that launched it is not in evidence."
    return (
        f"{launch.principal or 'Somebody not named'} launched it with {launch.access_key_id or 'no credential of its own'}"
        f" from {launch.address or 'an address not recorded'} at {at(launch.time)} ({launch.action})."
    )


def _stopping(workload: str) -> Command | None:
    parts = workload.split(":")
    region = quote(parts[3]) if len(parts) > 5 else ""
    if ":instance/" in workload:
        name = workload.rpartition("/")[2]
        return Command(
            f"stop {name}: it mines or was launched by who mined (snapshot its volumes and memory first if you can)",
            f"aws ec2 stop-instances --region {region} --instance-ids {quote(name)}",
        )
    if ":task/" in workload:
        cluster, _, task = workload.partition(":task/")[2].rpartition("/")
        return Command(
            f"stop the task {task}",
            f"aws ecs stop-task --region {region} --cluster {quote(cluster)} --task {quote(task)}",
        )
    if ":function:" in workload:
        name = workload.rpartition(":")[2]
        return Command(
            f"stop the function {name}; keep its code as evidence",
            f"aws lambda put-function-concurrency --region {region} --function-name {quote(name)}"
            " --reserved-concurrent-executions 0",
        )
    return None
