"""OCSF events from events of AWS logs: the version, the classes, and the statement of each ("OCSF Schema", schema.ocsf.io)."""

VERSION = "1.5.0"
"""Version of the schema that rows are of: the newest that py-ocsf-models speaks; Security Lake takes any 1.x of a custom source."""
