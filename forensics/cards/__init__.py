"""Cards: who or what one thing was, as typed attributes, queries and a summary for notebooks and terminals.

`Case.principal`, `Case.credential`, `Case.workload`, `Case.who_was` and `Case.finding` make them.
"""
