"""Cards: whatever a responder prints, as answers with their certainty, facts, tables, ready calls and the SQL beneath.

The methods of `forensics.lookups`, which `Case` has, make those of a name; `Case`, `Timeline`, `Query`, `Coverage` and
`Logged` show their own. A card is a subclass of `card.Card`; `drawing` gathers what it says, `as_html` and `as_text`
show it, `pivots` leads on from names.
"""
