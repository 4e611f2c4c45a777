"""The explorer of a case in JupyterLab: search, time, facets, a table, the record beside it; every state is a Timeline.

`Case.explore` opens it. What is shown is a `State`, frozen and without widgets; only `app`, `figure` and `panel` need
the extra `lab`.
"""

from forensics.explorer.opening import explore, named
from forensics.explorer.state import State

__all__ = ["State", "explore", "named"]
