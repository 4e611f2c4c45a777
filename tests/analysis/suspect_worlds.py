"""Those who work at an office, and one who never did."""

from tests.analysis.theft_worlds import used
from tests.worlds import Record, user

OFFICE = "198.51.100.50"
MAC = "aws-cli/2.17.0 md/awscrt#0.20.11 os/macos#23.5"
DEV, OTHER = user(), user("jane", key="AKIAEXAMPLEJANE", uid="AIDAEXAMPLEJANE")
CONTRACTOR = user("contractor", key="AKIAEXAMPLECONTRACTOR", uid="AIDAEXAMPLECONTRACTOR")


def at_work(who: Record = DEV, *clocks: str, address: str = OFFICE, agent: str = MAC) -> list[Record]:
    """Calls of an ordinary day."""
    return [used(who, address, "s3:ListBuckets", agent=agent, at=clock) for clock in clocks or ("06:00:00", "06:30:00")]
