"""Conditions of Sigma rules as DuckDB predicates: the SQLite backend's conversion in DuckDB's dialect.

Judged against Sigma's specification: `pysigma-backend-duckdb` 0.1.4 requires pySigma below 2 and has no correlations;
`pysigma-backend-sqlite` 2.1.1 is kept up, negates without losing rows of absent fields, and regroups long lists: it is
extended here. Not taken from it: its correlations, subqueries per event for SQLite's JSON and collations (`windows.py`).
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import duckdb
from sigma.backends.sqlite.sqlite import sqliteBackend
from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.conversion.state import ConversionState
from sigma.types import (
    SigmaCasedString,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaRegularExpression,
    SigmaString,
    SpecialChars,
    TimestampPart,
)

from forensics.detect import fields
from forensics.detect.fields import Field, literal
from forensics.detect.pipelines import Table
from forensics.source import Source

WILDCARDS_OF_LIKE = 3
"""Texts with more `*` are matched by RE2, whose time is linear; LIKE tries every way to place them."""
LONGEST_EXPRESSION = 5_000
"""Characters that a regular expression may have."""

_V4 = r"(\d{1,3}\.){3}\d{1,3}"
_OPERATORS = SigmaCompareExpression.CompareOperators


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """A database in memory that regular expressions are tried on."""
    return duckdb.connect()


class Unconvertible(Exception):
    """A construct that has no SQL; `construct` is how the rule writes it."""

    def __init__(self, message: str, construct: str) -> None:
        super().__init__(message)
        self.construct = construct


class DuckDBBackend(sqliteBackend):  # type: ignore[misc]
    """Converts conditions over one source table, alias `s`. Gives SQL that is NULL or FALSE where nothing matches."""

    name: ClassVar[str] = "DuckDB"
    convert_or_as_in: ClassVar[bool] = True
    in_expressions_allow_wildcards: ClassVar[bool] = False
    null_safe_expression: ClassVar[str] = "coalesce({expr}, FALSE)"
    re_expression: ClassVar[str] = "regexp_matches({field}, '{regex}')"
    compare_op_expression: ClassVar[str] = "TRY_CAST({field} AS DOUBLE) {operator} {value}"
    compare_operators: ClassVar[dict[Any, str]] = dict(sqliteBackend.compare_operators) | (
        {_OPERATORS.NEQ: "<>"} if hasattr(_OPERATORS, "NEQ") else {}
    )
    field_timestamp_part_expression: ClassVar[str] = (
        "CAST(strftime(TRY_CAST({field} AS TIMESTAMP), '{timestamp_part}') AS INTEGER)"
    )
    timestamp_part_mapping: ClassVar[dict[Any, str]] = dict(sqliteBackend.timestamp_part_mapping) | {
        TimestampPart.WEEK: "%V"
    }
    field_equals_field_expression: ClassVar[str] = "lower({field1}) = lower({field2})"
    field_equals_field_startswith_expression: ClassVar[str] = "starts_with(lower({field1}), lower({field2}))"
    field_equals_field_endswith_expression: ClassVar[str] = "suffix(lower({field1}), lower({field2}))"
    field_equals_field_contains_expression: ClassVar[str] = "contains(lower({field1}), lower({field2}))"

    def __init__(self, source: Source, table: Table) -> None:
        super().__init__()
        self.source, self.declared = source, table
        self.seen: dict[str, Field | None] = {}
        self._bound: dict[str, str] = {}

    def find(self, name: str) -> Field | None:
        """Where the table has a field; remembered in `seen`."""
        if name not in self.seen:
            self.seen[name] = fields.field(self.source, name, self.declared.fields, self.declared.lists)
        return self.seen[name]

    def escape_and_quote_field(self, field: str) -> str:
        """The field's SQL: of a list its element, within a condition on each."""
        found = self.find(field)
        if field in self._bound:
            return self._bound[field]
        return f"({found.sql})" if found else "CAST(NULL AS VARCHAR)"

    def convert_condition_field_eq_val(self, cond: Any, state: ConversionState) -> str:
        """A condition on a list holds where it holds of an element."""
        if isinstance(cond.value, (SigmaNull, SigmaExists, SigmaExpansion)):
            return str(super().convert_condition_field_eq_val(cond, state))
        return self._of_each(
            self._names(cond), lambda: super(DuckDBBackend, self).convert_condition_field_eq_val(cond, state)
        )

    @staticmethod
    def _names(cond: Any) -> list[str]:
        other = [cond.value.field] if isinstance(cond.value, SigmaFieldReference) else []
        return list(dict.fromkeys([cond.field, *other]))

    def _of_each(self, names: list[str], convert: Any) -> str:
        lists = [(name, sql) for name in names if (sql := self._list_of(name))]
        self._bound |= {name: f"v{place}" for place, (name, _) in enumerate(lists)}
        sql = str(convert())
        for place, (name, values) in reversed(list(enumerate(lists))):
            del self._bound[name]
            sql = f"len(list_filter(({values}), lambda v{place}: coalesce({sql}, FALSE))) > 0"
        return sql

    def _list_of(self, name: str) -> str:
        """The SQL of a field that is a list, unless its elements are looked at already; else ""."""
        found = self.find(name)
        return found.sql if found and found.many and name not in self._bound else ""

    def convert_condition_or(self, cond: Any, state: ConversionState) -> str:
        """Conditions on one list are one pass over its elements."""
        plain = [arg for arg in cond.args if isinstance(arg, ConditionFieldEqualsValueExpression)]
        names = {name for arg in plain for name in self._names(arg)}
        of_elements = not any(isinstance(arg.value, (SigmaNull, SigmaExists)) for arg in plain)
        if len(plain) == len(cond.args) and len(names) == 1 and of_elements:
            return self._of_each(list(names), lambda: super(DuckDBBackend, self).convert_condition_or(cond, state))
        return str(super().convert_condition_or(cond, state))

    def convert_condition_field_eq_val_str(self, cond: Any, state: ConversionState) -> str:
        """Texts are equal without regard to case, as the specification has it."""
        return self._like(self.escape_and_quote_field(cond.field), cond.value, cased=False)

    def convert_condition_field_eq_val_str_case_sensitive(self, cond: Any, state: ConversionState) -> str:
        """`|cased`."""
        return self._like(self.escape_and_quote_field(cond.field), cond.value, cased=True)

    def _like(self, field: str, value: SigmaString, *, cased: bool) -> str:
        parts = [checked(part) if isinstance(part, str) else part for part in value.s]
        if all(isinstance(part, str) for part in parts):
            text = "".join(parts)
            return f"{field} = {literal(text)}" if cased else f"lower({field}) = {literal(text.lower())}"
        if any(
            part not in (SpecialChars.WILDCARD_MULTI, SpecialChars.WILDCARD_SINGLE)
            for part in parts
            if not isinstance(part, str)
        ):
            raise Unconvertible("a placeholder that nothing fills in", str(value))
        if plain := _plain(field, parts, cased=cased):
            return plain
        if parts.count(SpecialChars.WILDCARD_MULTI) > WILDCARDS_OF_LIKE:
            return f"regexp_full_match({field}, {literal(('(?s)' if cased else '(?is)') + _expression(parts))})"
        return f"{field} {'LIKE' if cased else 'ILIKE'} {literal(_pattern(parts))} ESCAPE '\\'"

    def convert_condition_field_eq_val_num(self, cond: Any, state: ConversionState) -> str:
        """A number equals a text that is that number."""
        return f"TRY_CAST({self.escape_and_quote_field(cond.field)} AS DOUBLE) = {cond.value}"

    def convert_condition_field_eq_val_bool(self, cond: Any, state: ConversionState) -> str:
        """True and false as JSON writes them, or as 1 and 0."""
        texts = "('true', '1')" if cond.value.boolean else "('false', '0')"
        return f"lower({self.escape_and_quote_field(cond.field)}) IN {texts}"

    def decide_convert_condition_as_in_expression(self, cond: Any, state: ConversionState) -> bool:
        """One list for many plain texts of one field, without regard to case."""
        return (
            isinstance(cond, ConditionOR)
            and len(cond.args) > 1
            and bool(super().decide_convert_condition_as_in_expression(cond, state))
            and all(type(arg.value) is SigmaString for arg in cond.args)
        )

    def convert_condition_as_in_expression(self, cond: Any, state: ConversionState) -> str:
        """`field IN (…)`."""
        name = cond.args[0].field
        texts = ", ".join(literal(checked("".join(map(str, arg.value.s))).lower()) for arg in cond.args)
        return self._of_each([name], lambda: f"lower({self.escape_and_quote_field(name)}) IN ({texts})")

    def convert_value_re(self, r: SigmaRegularExpression, state: ConversionState) -> str:
        """The expression for RE2. Raises Unconvertible for what RE2 does not have: look-around, backreferences."""
        expression = checked(str(r.escape(self.re_escape, self.re_escape_char, self.re_escape_escape_char, True)))
        if len(expression) > LONGEST_EXPRESSION:
            raise Unconvertible(f"a regular expression of more than {LONGEST_EXPRESSION} characters", str(r.regexp))
        try:
            _engine().execute("SELECT regexp_matches('', ?)", [expression]).fetchall()
        except duckdb.Error as error:
            reason = str(error).partition(": ")[2].splitlines()[0]
            raise Unconvertible(f"regular expression not known to RE2: {reason}", str(r.regexp)) from None
        return expression.replace("'", "''")

    def convert_condition_field_eq_val_cidr(self, cond: Any, state: ConversionState) -> str:
        """Addresses are compared as numbers, those of IPv6 as their 32 digits; other texts are in no network."""
        return within(self.escape_and_quote_field(cond.field), cond.value.network)

    def convert_condition_field_compare_op_val(self, cond: Any, state: ConversionState) -> str:
        """Numbers as numbers; parts of times as such."""
        if cond.value.op not in self.compare_operators:
            raise Unconvertible(f"comparison {cond.value.op.name.lower()}", cond.value.op.name.lower())
        return str(super().convert_condition_field_compare_op_val(cond, state))

    def convert_condition_field_eq_val_timestamp_part(self, cond: Any, state: ConversionState) -> str:
        """`|hour` and its kin, of a time in UTC."""
        return str(super().convert_condition_field_eq_val_timestamp_part(cond, state))

    # Keywords: anywhere in the record

    def _fulltext_column(self) -> str:
        columns = [
            f's."{name}"'
            for name, kind in self.source.table_columns
            if name not in ("object_id", "record", "identity_key")
        ]
        return f"concat_ws(chr(10), {', '.join(f'CAST({column} AS VARCHAR)' for column in columns)})"

    def convert_condition_val_str(self, cond: Any, state: ConversionState) -> str:
        """A keyword, anywhere in the record."""
        around = [SpecialChars.WILDCARD_MULTI]
        value = SigmaString()
        value.s = [*around, *cond.value.s, *around]
        return self._like(self._fulltext_column(), value, cased=isinstance(cond.value, SigmaCasedString))

    def convert_condition_val_num(self, cond: Any, state: ConversionState) -> str:
        """A number as the record writes it."""
        return f"contains({self._fulltext_column()}, {literal(str(cond.value))})"

    # What rows a condition can match at all

    def narrowed(self, cond: Any) -> str | None:
        """The condition reduced to the columns that rows are narrowed by: whatever it matches, that matches too."""
        if isinstance(cond, ConditionAND):
            parts = [part for part in map(self.narrowed, cond.args) if part]
            return f"({' AND '.join(parts)})" if parts else None
        if isinstance(cond, ConditionOR):
            if self.decide_convert_condition_as_in_expression(cond, ConversionState()):
                return str(self.convert_condition(cond, ConversionState())) if self._is_narrow(cond) else None
            every = [self.narrowed(arg) for arg in cond.args]
            return None if None in every else f"({' OR '.join(filter(None, every))})"
        return f"({self.convert_condition(cond, ConversionState())})" if self._is_narrow(cond) else None

    def rest(self, cond: Any) -> str:
        """The condition's SQL for rows that fulfil its narrowed one: what that decides is left out; "" decides it all."""
        parts = cond.args if isinstance(cond, ConditionAND) else [cond]
        open_parts = [part for part in parts if not self._is_narrow(part)]
        return " AND ".join(f"({self.convert_condition(part, ConversionState())})" for part in open_parts)

    def _is_narrow(self, cond: Any) -> bool:
        if isinstance(cond, (ConditionAND, ConditionOR, ConditionNOT)):
            return all(map(self._is_narrow, cond.args))
        if not isinstance(cond, ConditionFieldEqualsValueExpression) or isinstance(cond.value, SigmaFieldReference):
            return False
        found = self.find(cond.field)
        return found is not None and not found.many and found.column in self.declared.narrow


def needs(cond: Any) -> Any:
    """What must be there for a condition to hold: a field, ["and"|"or", …] of such, or True."""
    if isinstance(cond, (ConditionAND, ConditionOR)):
        return ["and" if isinstance(cond, ConditionAND) else "or", *map(needs, cond.args)]
    if not isinstance(cond, ConditionFieldEqualsValueExpression):
        return True
    absent = isinstance(cond.value, SigmaNull) or (isinstance(cond.value, SigmaExists) and not cond.value.exists)
    return True if absent else cond.field


def missing(needed: Any, present: Mapping[str, bool]) -> list[str]:
    """The fields for want of which a condition with these `needs` cannot hold; none if it can."""
    if needed is True:
        return []
    if isinstance(needed, str):
        return [] if present.get(needed, True) else [needed]
    word, *parts = needed
    lacking = [missing(part, present) for part in parts]
    if word == "or":
        return [] if any(not part for part in lacking) else list(dict.fromkeys(itertools.chain.from_iterable(lacking)))
    return list(dict.fromkeys(itertools.chain.from_iterable(lacking)))


def checked(text: str) -> str:
    """The text, where SQL can hold it. Raises Unconvertible."""
    if "\x00" in text:
        raise Unconvertible("a text with a NUL character", "\\0")
    return text


def within(value: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    """SQL: whether a text is an address of a network."""
    low, high = int(network.network_address), int(network.broadcast_address)
    if network.version == 4:
        if network.prefixlen == 32:
            return f"{value} = '{network.network_address}'"
        octets = str(network.network_address).split(".")[: network.prefixlen // 8]
        start = f"starts_with({value}, '{'.'.join(octets)}.') AND " if octets else ""
        number = " + ".join(
            f"CAST(split_part({value}, '.', {place}) AS BIGINT) * {256 ** (4 - place)}" for place in range(1, 5)
        )
        return f"CASE WHEN {start}regexp_full_match({value}, '{_V4}') THEN {number} BETWEEN {low} AND {high} END"
    halves = [
        f"list_filter(string_split(split_part({value}, '::', {half}), ':'), lambda g: g <> '')" for half in (1, 2)
    ]
    left, right = (f"array_to_string(list_transform({half}, lambda g: lpad(g, 4, '0')), '')" for half in halves)
    digits = f"lower({left} || repeat('0', 32 - 4 * CAST(len({halves[0]}) + len({halves[1]}) AS INTEGER)) || {right})"
    return f"CASE WHEN regexp_full_match({value}, '[0-9A-Fa-f:]*:[0-9A-Fa-f:]*') THEN {digits} BETWEEN '{low:032x}' AND '{high:032x}' END"


def _plain(field: str, parts: list[Any], *, cased: bool) -> str:
    """A text with `*` at its ends alone, by what DuckDB has for these; "" for others. Faster than ILIKE threefold."""
    many = SpecialChars.WILDCARD_MULTI
    begins, ends = parts[0] is many, parts[-1] is many
    middle = parts[begins : len(parts) - ends]
    if len(middle) != 1 or not isinstance(middle[0], str):
        return ""
    name = "contains" if begins and ends else "suffix" if begins else "starts_with"
    subject, text = (field, middle[0]) if cased else (f"lower({field})", middle[0].lower())
    return f"{name}({subject}, {literal(text)})"


def _pattern(parts: list[Any]) -> str:
    """Parts of a text as a LIKE pattern."""
    signs = {SpecialChars.WILDCARD_MULTI: "%", SpecialChars.WILDCARD_SINGLE: "_"}
    escape = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
    return "".join(part.translate(escape) if isinstance(part, str) else signs[part] for part in parts)


def _expression(parts: list[Any]) -> str:
    """Parts of a text as a regular expression."""
    signs = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}
    plain = (
        "".join(c if c.isalnum() or ord(c) > 127 else f"\\x{{{ord(c):x}}}" for c in part)
        if isinstance(part, str)
        else signs[part]
        for part in parts
    )
    return "".join(plain)
