"""Credentials of a workload, used from a place that is not its own."""

from forensics.detect.statements.statement import Statement

_SQL = """
SELECT s.object_id, s.record
FROM credential_use AS u
JOIN cloudtrail AS s ON s.user_identity_access_key_id = u.access_key_id
  AND coalesce(s.source_ip_address, '') = coalesce(u.address, '')
  AND coalesce(s.vpc_endpoint_id, '') = coalesce(u.vpc_endpoint_id, '')
WHERE u.place = 'outside'
"""

STATEMENT = Statement(
    name="credential_off_its_workload",
    title="Workload’s credential used off the workload",
    level="critical",
    techniques=("T1552.005", "T1078.004"),
    description=(
        "A credential that was issued to a function, task, pod or instance was used from an address that is not its"
        " own, as the stolen credential test judges (`credential_use`, whose reasons are in `credential_use_reason`)."
    ),
    false_positives=(
        "Traffic of the workload that leaves through a proxy, a transit gateway or a NAT of which nothing is in evidence",
        "Operators who copy a workload's credentials to try something",
    ),
    references=(
        "Amazon GuardDuty User Guide, GuardDuty IAM finding types",
        "AWS global condition context keys, aws:EC2InstanceSourceVPC",
    ),
    playbook="credential-theft",
    sql=_SQL,
)
