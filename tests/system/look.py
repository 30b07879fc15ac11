# SPDX-License-Identifier: Apache-2.0
"""What a database holds, in the server's own words, carried by freebcp: rows as bytes, and the states of its catalogue.

Nothing here is Coffret's, and nothing depends on how it works.
"""
import os
import subprocess
import tempfile

import world as stage

TABLE = "QUOTENAME(SCHEMA_NAME(t.schema_id)) + N'.' + QUOTENAME(t.name)"
WIDEST = 40  # columns of a table in one expression; and tables in one statement
TOGETHER = 8


def freebcp(server, database, query):
    """The sorted lines that freebcp makes of a query."""
    with tempfile.NamedTemporaryFile(dir=server.directory) as out:
        result = subprocess.run(
            ["freebcp", query, "queryout", out.name, "-S", "standin", "-U", stage.ADMIN[0], "-P", stage.ADMIN[1], "-D", database,
             "-c", "-t", "|", "-T", "2147483647"], capture_output=True, text=True, errors="replace",
            env={**os.environ, "FREETDSCONF": server.freetds(server.directory)}, timeout=300)
        if result.returncode or "rows copied" not in result.stdout or "Msg" in result.stderr:
            raise AssertionError(f"freebcp: {result.stdout[-500:]}{result.stderr[-1500:]}\nfor: {query[:1000]}")
        return sorted(open(out.name, "rb").read().split(b"\n"))[1:]


def text(cell):
    """A name that came as the hex digits of its UTF-16."""
    return bytes.fromhex(cell.decode()).decode("utf-16-le", "surrogatepass")


def hexed(expression):
    return f"CONVERT(varchar(max), CAST(CAST({expression} AS nvarchar(300)) AS varbinary(600)), 2)"


def form(kind, column):
    """The server's own bytes of a column, as hex digits; NULL is no empty value."""
    inner = {"text": "varchar(max)", "ntext": "nvarchar(max)", "xml": "nvarchar(max)"}.get(kind)
    cast = f"CAST({column} AS {inner})" if inner else column
    if kind == "sql_variant":
        parts = ", ".join(f"CAST(SQL_VARIANT_PROPERTY({column}, '{p}') AS varchar(128))" for p in
                          ("BaseType", "Precision", "Scale", "MaxLength", "Collation"))
        return f"ISNULL(CONVERT(varchar(max), CAST({column} AS varbinary(8000)), 2) + CONCAT({parts}), 'NULL')"
    return f"ISNULL(CONVERT(varchar(max), CAST({cast} AS varbinary(max)), 2), 'NULL')"


def tables(server, database):
    """{[schema].[table]: [(column, type), ...]} of what a restore can put back: no rowversion."""
    found = {}
    for line in freebcp(server, database, f"SELECT {hexed(TABLE)}, "
                        f"RIGHT('0000' + CAST(c.column_id AS varchar(5)), 5), {hexed('QUOTENAME(c.name)')}, {hexed('y.name')} FROM "
                        "sys.columns c JOIN sys.tables t ON t.object_id = c.object_id JOIN sys.types y ON y.user_type_id = "
                        "CASE WHEN c.system_type_id = 240 THEN c.user_type_id ELSE c.system_type_id END WHERE c.is_column_set = 0"):
        table, _, column, kind = line.split(b"|")
        if text(kind) != "timestamp":
            found.setdefault(text(table), []).append((text(column), text(kind)))
    return found


def rows(server, database):
    """{[schema].[table]: its rows, sorted}."""
    seen, narrow = {}, []
    for number, (table, columns) in enumerate(tables(server, database).items()):
        seen[table] = []
        groups = [" + ',' + ".join(form(kind, column) for column, kind in columns[i:i + WIDEST])
                  for i in range(0, len(columns), WIDEST)]
        if len(groups) == 1:
            narrow.append((table, f"SELECT {number}, {groups[0]} FROM {table}", number))
        else:
            seen[table] = freebcp(server, database, f"SELECT {', '.join(groups)} FROM {table}")
    for i in range(0, len(narrow), TOGETHER):
        names = {number: table for table, _, number in narrow[i:i + TOGETHER]}
        for line in freebcp(server, database, " UNION ALL ".join(query for _, query, _ in narrow[i:i + TOGETHER])):
            number, row = line.split(b"|")
            seen[names[int(number)]].append(row)
    return seen


STATES = {
    "foreign key": "SELECT {}, CAST(is_disabled AS int), CAST(is_not_trusted AS int), CAST(is_not_for_replication AS int) FROM sys.foreign_keys",
    "check": "SELECT {}, CAST(is_disabled AS int), CAST(is_not_trusted AS int), CAST(is_not_for_replication AS int) FROM sys.check_constraints",
    "trigger": "SELECT {}, CAST(is_disabled AS int) FROM sys.triggers",
    "index": "SELECT {}, CAST(is_disabled AS int), index_id FROM sys.indexes WHERE object_id > 100 AND name IS NOT NULL",
    # The next value counts: one that was never used and one put back to just before its first give the same.
    "identity": "SELECT {}, OBJECT_NAME(object_id), CAST(CASE WHEN last_value IS NULL THEN CAST(IDENT_CURRENT("
                "QUOTENAME(OBJECT_SCHEMA_NAME(object_id)) + N'.' + QUOTENAME(OBJECT_NAME(object_id))) AS decimal(38, 0)) ELSE "
                "CAST(last_value AS decimal(38, 0)) + CAST(increment_value AS decimal(38, 0)) END AS varchar(50)) FROM sys.identity_columns",
    "sequence": "SELECT {}, CAST(CASE WHEN last_used_value IS NULL THEN CAST(current_value AS decimal(38, 0)) "
                "WHEN is_cycling = 1 AND current_value = maximum_value AND CAST(increment AS decimal(38, 0)) > 0 "
                "THEN CAST(minimum_value AS decimal(38, 0)) ELSE "
                "CAST(current_value AS decimal(38, 0)) + CAST(increment AS decimal(38, 0)) END AS varchar(50)) FROM sys.sequences",
}


def states(server, database):
    """{kind: lines} of what a restore must put back beside the rows."""
    queries = dict(STATES)
    if server.version < 14:  # nobody tells whether a sequence was used: what it gives next cannot be computed
        queries["sequence"] = "SELECT {} FROM sys.sequences"
    return {kind: freebcp(server, database, query.format(hexed("name"))) for kind, query in queries.items()}


def everything(server, database):
    return rows(server, database), states(server, database)


def difference(wanted, got):
    """The first things that differ, for people."""
    said = []
    for one, other in zip(wanted, got):
        for key in one:
            if one[key] != other.get(key):
                less = [r for r in one[key] if r not in other.get(key, [])]
                more = [r for r in other.get(key, []) if r not in one[key]]
                said.append(f"{key}: missing {less[:5]}, surplus {more[:5]} ({len(one[key])} against {len(other.get(key, []))})")
    return "\n".join(said[:20])
