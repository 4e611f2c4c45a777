"""Relationships that configuration items state, as rows."""

import duckdb

_VIEW = """
CREATE OR REPLACE VIEW config_relationship AS
SELECT
  s.object_id || '/' || s.record AS event_id,
  s.configuration_item_capture_time AS captured_at,
  s.configuration_item_status AS status,
  s.aws_account_id AS account_id,
  s.aws_region AS region,
  s.resource_type,
  s.resource_id,
  s.arn,
  coalesce(u.related->>'$.name', u.related->>'$.relationshipName') AS relationship,
  u.related->>'$.resourceType' AS related_type,
  u.related->>'$.resourceId' AS related_id,
  u.related->>'$.resourceName' AS related_name
FROM config_item AS s, unnest(CAST(json_extract(s.relationships, '$[*]') AS JSON[])) AS u(related)
"""


def create_view(con: duckdb.DuckDBPyConnection) -> None:
    """Make the view `config_relationship`: a row per configuration item and related resource."""
    con.execute(_VIEW)
