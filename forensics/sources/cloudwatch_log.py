"""CloudWatch Logs as they are: every event of a log stream that no other source claims."""

from forensics.source import About, BlindSpot, Column, EventMap, Source

SOURCE = Source(
    name="cloudwatch_log",
    title="CloudWatch Logs of other streams",
    reference="Real-time processing of log data with subscriptions",
    columns=(
        Column("owner", doc="Account of the log group; NULL in an export and in API output."),
        Column("region", doc="Region, where an event that was brought to another account says its own."),
        Column("logGroup", doc="Log group; NULL in an export to S3 and in API output."),
        Column("logStream", doc="Log stream; in an export with / replaced by -."),
        Column("id", doc="CloudWatch Logs' id of the event, unique.", unique=True),
        Column("timestamp", "TIMESTAMP", "Set by the sender, who may be wrong.", epoch="ms"),
        Column("ingestionTime", "TIMESTAMP", "Set by AWS; not in every container.", epoch="ms"),
        Column("message", doc="The event as written, whole.", unique=True),
    ),
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.timestamp",
            "account_id": "coalesce(s.owner, e.account_id)",
            "region": "coalesce(s.region, e.region)",
            "action": "'logs:event'",
            "resources": """CASE
      WHEN s.log_group IS NOT NULL AND s.log_stream IS NOT NULL THEN [s.log_group, s.log_stream]
      WHEN coalesce(s.log_group, s.log_stream) IS NOT NULL THEN [coalesce(s.log_group, s.log_stream)]
    END""",
            "summary": "left(s.message, 300)",
        },
    ),
    about=About(
        recognised="log streams that no other source claims, in an envelope, an export to S3 or API output",
        delivered="CloudWatch Logs: subscription, Firehose, export to S3, API output, Insights",
        delay="seconds in CloudWatch Logs; an export may lag 12 hours",
        minutes=5,
        organisation="by centralisation or subscription into one account; owner is the account",
        cannot_show=(
            BlindSpot("all", "What its lines mean: they are kept whole and not taken apart."),
            BlindSpot("all", "Who wrote them: whoever may call PutLogEvents may write any text at any time stamp."),
            BlindSpot("all", "Events past the retention of their log group, which an attacker can shorten."),
        ),
    ),
    account="s.owner",
)
