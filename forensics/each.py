"""A row for each thing that a row of a table lists."""


def each(table: str, items: str, item: str) -> str:
    """SQL: a table `t AS a` with a row for each value of a list, SQL over its columns, as one more column `item`.

    Of `FROM t AS a, unnest(list made of columns) AS u(item)` DuckDB makes a join of the table with the distinct values
    of those columns, which takes twenty times as long; a list that is a column itself may be unnested so, if no more is
    asked of its values.
    """
    alias = table.rsplit(maxsplit=1)[-1]
    return f"(\n  SELECT {alias}.*, unnest({items}) AS {item}\n  FROM {table}\n)"


def valued(items: str, key: str, name: str) -> str:
    """SQL: the least `value` of the members of a list of JSON objects whose `key` is that name; NULL if there is none."""
    return (
        f"list_min(list_transform(list_filter({items}, lambda d: (d->>'$.{key}') = '{name}'), lambda d: d->>'$.value'))"
    )
