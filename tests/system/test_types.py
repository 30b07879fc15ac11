# SPDX-License-Identifier: Apache-2.0
"""Every type of SQL Server, with the values at its edges: backed up, destroyed, restored, undone.

What is compared is what the server itself says of its bytes (CAST AS varbinary, DATALENGTH), carried by freebcp.
"""
import os
import struct
import subprocess

import pytest

import world as stage
from look import freebcp

LONE = ["0x3DD8", "0x00DE", "0x610000DE6200", "0x3DD800DE"]  # a high, a low, a low within text, and a pair


def utf16(*hexes):
    return [f"CAST({h} AS nvarchar(20))" for h in hexes]


def moments(kind, *texts):
    return [f"CAST('{t}' AS {kind})" for t in texts]


DECIMALS = ["0", "-0.0", "1", "-1", "9" * 38, "-" + "9" * 38]
GUIDS = ["'00000000-0000-0000-0000-000000000000'", "'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'", "'6F9619FF-8B86-D011-B42D-00C04FC964FF'"]
BYTES = ["0x", "0x00", "0x0000", "0x00FF01", "0xDEADBEEF"]
REALS = ["0", "-0e0", "1.18e-38", "-1.18e-38", "3.40282346e38", "-3.40282346e38", "0.1e0", "1e0/3"]
FLOATS = ["0", "-0e0", "2.2250738585072014e-308", "1.7976931348623157e308", "-1.7976931348623157e308", "0.1e0", "1e0/3"]

TYPES = {  # name of the table: (declaration, values)
    "bit": ("bit", ["0", "1"]),
    "tinyint": ("tinyint", ["0", "127", "128", "255"]),
    "smallint": ("smallint", ["-32768", "-1", "0", "32767"]),
    "int": ("int", ["-2147483648", "-1", "0", "2147483647"]),
    "bigint": ("bigint", ["-9223372036854775808", "-1", "0", "9223372036854775807"]),
    "decimal38_0": ("decimal(38, 0)", DECIMALS),
    "decimal38_38": ("decimal(38, 38)", ["0", "-0.0", "0." + "9" * 38, "-0." + "9" * 38, "0." + "0" * 37 + "1"]),
    "decimal38_19": ("decimal(38, 19)", ["0", "9" * 19 + "." + "9" * 19, "-" + "9" * 19 + "." + "9" * 19]),
    "decimal28": ("decimal(28, 3)", ["0", "9" * 25 + ".999", "-0.001"]),
    "numeric19": ("numeric(19, 19)", ["0", "0." + "9" * 19, "-0." + "9" * 19]),
    "numeric9": ("numeric(9, 2)", ["0", "9999999.99", "-9999999.99"]),
    "decimal1": ("decimal(1, 0)", ["0", "9", "-9"]),
    "money": ("money", ["0", "922337203685477.5807", "-922337203685477.5808", "-0.0001", "42949.6729", "214748.3648"]),
    "smallmoney": ("smallmoney", ["0", "214748.3647", "-214748.3648", "-0.0001"]),
    "real": ("real", REALS),
    "float": ("float", FLOATS),
    "float24": ("float(24)", REALS),
    "date": ("date", moments("date", "0001-01-01", "1582-10-15", "1899-12-31", "1900-01-01", "2000-02-29", "9999-12-31")),
    "datetime": ("datetime", moments("datetime", "1753-01-01T00:00:00", "1899-12-31T23:59:59.997", "1900-01-01T00:00:00.003",
                                     "2015-06-30T12:34:56.787", "9999-12-31T23:59:59.997")),
    "smalldatetime": ("smalldatetime", moments("smalldatetime", "1900-01-01T00:00:00", "2015-06-30T12:34:00", "2079-06-06T23:59:00")),
    "uniqueidentifier": ("uniqueidentifier", GUIDS),
    "char": ("char(5)", ["''", "' '", "'a'", "'abcde'", "'a b'", "CHAR(0)", "CHAR(128) + CHAR(255)"]),
    "varchar": ("varchar(20)", ["''", "' '", "'a '", "CHAR(0)", "'a' + CHAR(0) + 'b'", "CHAR(128) + CHAR(129) + CHAR(255)"]),
    "varchar_max": ("varchar(max)", ["''", "' '", "CHAR(129)", "REPLICATE(CAST('x' AS varchar(max)), 9001)"]),
    "text": ("text", ["''", "' '", "'old'", "CHAR(129)", "REPLICATE(CAST('x' AS varchar(max)), 9001)"]),
    "cyrillic": ("varchar(20) COLLATE Cyrillic_General_CI_AS", ["N''", "N'\u043f\u0440\u0438\u0432\u0435\u0442 \u20ac'", "N'abc'", "N'\u0451'"]),
    "cyrillic_char": ("char(6) COLLATE Cyrillic_General_CI_AS", ["N''", "N'\u043f\u0440\u0438'"]),
    "cyrillic_max": ("varchar(max) COLLATE Cyrillic_General_CI_AS", ["N''", "REPLICATE(CAST(N'\u0444' AS nvarchar(max)), 9000)"]),
    "cyrillic_text": ("text COLLATE Cyrillic_General_CI_AS", ["N''", "N'\u043f\u0440\u0438\u0432\u0435\u0442'"]),
    "japanese": ("varchar(20) COLLATE Japanese_CI_AS", ["N''", "N'\u3042\u6f22\u5b57'", "N'\uff71'", "N'~\\'", "N'\u8868'"]),
    "chinese": ("varchar(20) COLLATE Chinese_PRC_CI_AS", ["N''", "N'\u4e2d\u6587'", "N'\u20ac'"]),
    "greek": ("varchar(20) COLLATE Greek_CI_AS", ["N'\u03b1\u03b2\u03b3'"]),
    "binary2": ("varchar(20) COLLATE Latin1_General_BIN2", ["'aA'", "CHAR(255)"]),
    "nchar": ("nchar(4)", ["N''", "N' '", "N'\u00e9'", "NCHAR(0)", *utf16(*LONE)]),
    "nvarchar": ("nvarchar(20)", ["N''", "N' '", "N'a '", "NCHAR(0)", "N'\u20ac'", *utf16(*LONE), "NCHAR(65534)"]),
    "nvarchar_max": ("nvarchar(max)", ["N''", "N' '", *utf16(*LONE), "REPLICATE(CAST(N'\u20ac' AS nvarchar(max)), 9001)"]),
    "ntext": ("ntext", ["N''", "N'old \u00e9'", *utf16(*LONE), "REPLICATE(CAST(N'\u20ac' AS nvarchar(max)), 9001)"]),
    "sysname": ("sysname", ["N''", "N'name'"]),
    "binary": ("binary(4)", BYTES),
    "varbinary": ("varbinary(20)", BYTES),
    "varbinary_max": ("varbinary(max)", [*BYTES, "CAST(REPLICATE(CAST('xy' AS varchar(max)), 5000) AS varbinary(max))"]),
    "image": ("image", BYTES),
    "xml": ("xml", ["N''", "N'<a/>'", "N'<a b=\"1\">\u00e9 &lt; &amp;</a>'", "N'text alone'", "N'<a>1</a><b>2</b>'",
                    "CONVERT(xml, N' <a> <b/>\n\t<c> x </c> </a> ', 1)"]),
    "hierarchyid": ("hierarchyid", ["0x", "0x58", "0x5AC0", "0x5ADE"]),
    "geography": ("geography", ["0xE6100000010C00000000000000000000000000000000"]),
    "geometry": ("geometry", ["0x00000000010C000000000000F03F000000000000F03F"]),
    "alias": ("dbo.phone", ["N''", "N'+33'"]),
}
for scale in range(8):
    second = "59." + "9" * scale if scale else "59"
    TYPES[f"time{scale}"] = (f"time({scale})", moments(f"time({scale})", "00:00:00", "12:34:56.1234567", "23:59:" + second))
    TYPES[f"datetime2_{scale}"] = (f"datetime2({scale})", moments(
        f"datetime2({scale})", "0001-01-01T00:00:00", "2015-06-30T12:34:56.1234567", "9999-12-31T23:59:" + second))
    TYPES[f"datetimeoffset{scale}"] = (f"datetimeoffset({scale})", moments(
        f"datetimeoffset({scale})", "0001-01-01T00:00:00+00:00", "2015-06-30T12:34:56.1234567+05:45",
        "2015-06-30T23:59:" + second + "-14:00", "9999-12-31T23:59:" + second + "+14:00"))

VARIANTS = {  # base type: values
    "bit": ["CAST(0 AS bit)", "CAST(1 AS bit)"],
    "tinyint": ["CAST(0 AS tinyint)", "CAST(255 AS tinyint)"],
    "smallint": ["CAST(-32768 AS smallint)"],
    "int": ["-2147483648", "7"],
    "bigint": ["CAST(-9223372036854775808 AS bigint)", "CAST(7 AS bigint)"],
    "decimal": ["CAST(-0.5 AS decimal(38, 38))", "CAST(" + "9" * 38 + " AS decimal(38, 0))", "CAST(1.50 AS decimal(9, 2))"],
    "numeric": ["CAST(-123.450 AS numeric(19, 3))", "CAST(0 AS numeric(28, 28))"],
    "money": ["CAST(-922337203685477.5808 AS money)", "CAST(0.0001 AS money)"],
    "smallmoney": ["CAST(-214748.3648 AS smallmoney)", "CAST(214748.3647 AS smallmoney)"],
    "real": ["CAST(0.1 AS real)", "CAST(-3.4e38 AS real)"],
    "float": ["0.1e0", "-1.7976931348623157e308"],
    "date": moments("date", "0001-01-01", "9999-12-31"),
    "time": moments("time(7)", "23:59:59.9999999") + moments("time(0)", "12:34:56") + moments("time(3)", "12:34:56.789"),
    "datetime2": moments("datetime2(7)", "9999-12-31T23:59:59.9999999") + moments("datetime2(4)", "0001-01-01T00:00:00.1234"),
    "datetimeoffset": moments("datetimeoffset(7)", "2015-06-30T12:34:56.1234567+05:45") + moments("datetimeoffset(2)", "2015-06-30T12:34:56.12-14:00"),
    "datetime": moments("datetime", "1753-01-01T00:00:00.003", "9999-12-31T23:59:59.997"),
    "smalldatetime": moments("smalldatetime", "1900-01-01T00:00:00", "2079-06-06T23:59:00"),
    "uniqueidentifier": [f"CAST({g} AS uniqueidentifier)" for g in GUIDS],
    "char": ["CAST('ab' AS char(4))"],
    "varchar": ["CAST('' AS varchar(10))", "CAST('ab' AS varchar(10))", "CHAR(129)", "CAST(N'\u043f\u0440\u0438' COLLATE Cyrillic_General_CI_AS AS varchar(10))"],
    "nchar": ["CAST(N'\u20ac' AS nchar(4))"],
    "nvarchar": ["CAST(N'' AS nvarchar(10))", *utf16(*LONE), "CAST(N'\u20ac' COLLATE Greek_CI_AS AS nvarchar(7))"],
    "binary": ["CAST(0x01 AS binary(4))"],
    "varbinary": ["CAST(0x AS varbinary(10))", "CAST(0x00FF AS varbinary(10))"],
}


def form(kind):
    """The server's own bytes of column {}."""
    return {"text": "CAST(CAST({} AS varchar(max)) AS varbinary(max))", "ntext": "CAST(CAST({} AS nvarchar(max)) AS varbinary(max))",
            "xml": "CAST(CAST({} AS nvarchar(max)) AS varbinary(max))"}.get(kind.split()[0], "CAST({} AS varbinary(max))")


def prints(server, database, tables):
    """Every row of the tables as the server's own bytes."""
    parts = []
    for name, (kind, _) in tables.items():
        columns = ", ".join(f"DATALENGTH({c}), {form(kind).format(c)}" for c in "vw")
        parts.append(f"SELECT '{name}', id, {columns} FROM dbo.t_{name}")
    return [line for i in range(0, len(parts), 8) for line in freebcp(server, database, " UNION ALL ".join(parts[i:i + 8]))]


def create(server, database, tables, collate=""):
    server.script(f"CREATE DATABASE {database}{collate};\nGO\nUSE {database};\nGO\nCREATE TYPE dbo.phone FROM nvarchar(30) NOT NULL;\nGO\n")
    lines = [f"USE {database};\nGO"]
    for name, (kind, values) in tables.items():
        lines.append(f"CREATE TABLE dbo.t_{name} (id int NOT NULL PRIMARY KEY, v {kind} NULL, w {kind} NOT NULL);\nGO")
        rows = [(v, v) for v in values] + [("NULL", values[-1])]
        lines += [f"INSERT dbo.t_{name} VALUES ({i}, {v}, {w});\nGO" for i, (v, w) in enumerate(rows)]
    server.script("\n".join(lines) + "\n")
    server.add_logins(database)


def destroy(server, database, tables):
    """A third of the tables is emptied, a third loses every other row, in a third NULLs and values change places."""
    lines = [f"USE {database};\nGO"]
    for i, name in enumerate(tables):
        lines.append([f"DELETE FROM dbo.t_{name};", f"DELETE FROM dbo.t_{name} WHERE id % 2 = 0;",
                      f"UPDATE dbo.t_{name} SET v = NULL; UPDATE dbo.t_{name} SET id = id + 100 WHERE id = 0;"][i % 3] + "\nGO")
    server.script("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def place(shared):
    server = shared.server()
    return shared, server


def round_trip(place, database, tables, look, damage):
    world, server = place
    box = world.box(server, name=database, databases=database, profile="any")
    before = look()
    box.ok("backup", database)
    damage()
    broken = look()
    assert broken != before
    box.ok("restore", database)
    assert look() == before
    box.ok("undo", database)
    assert look() == broken
    box.ok("undo", database)
    assert look() == before
    assert server.tell("violations") == []
    box.stop()
    return box


def test_every_type_comes_back_bit_for_bit(place):
    server = place[1]
    create(server, "types", TYPES)
    round_trip(place, "types", TYPES, lambda: prints(server, "types", TYPES), lambda: destroy(server, "types", TYPES))


def variant_prints(server, database):
    what = ", ".join(f"CAST(SQL_VARIANT_PROPERTY(v, '{p}') AS varchar(128))" for p in
                     ("BaseType", "Precision", "Scale", "MaxLength", "TotalBytes", "Collation"))
    return freebcp(server, database, f"SELECT id, DATALENGTH(v), CAST(v AS varbinary(8000)), {what} FROM dbo.variants")


def test_a_sql_variant_of_every_base_type_comes_back_with_its_properties(place):
    server = place[1]
    server.script("CREATE DATABASE variants;\nGO\nUSE variants;\nGO\nCREATE TABLE dbo.variants (id int IDENTITY(1, 1) NOT NULL "
                  "PRIMARY KEY, v sql_variant NULL);\nGO\nINSERT dbo.variants VALUES (NULL);\nGO\n" +
                  "".join(f"INSERT dbo.variants VALUES ({v});\nGO\n" for values in VARIANTS.values() for v in values))
    server.add_logins("variants")
    kept = variant_prints(server, "variants")
    assert {line.split(b"|")[3].decode() for line in kept if line} - {""} == set(VARIANTS)
    round_trip(place, "variants", {}, lambda: variant_prints(server, "variants"), lambda: server.sql(
        "DELETE FROM dbo.variants WHERE id % 3 = 1; UPDATE dbo.variants SET v = 1 WHERE id % 3 = 2", "variants"))


PAGES = [("Latin1_General_CI_AS", "8081FF20"), ("Cyrillic_General_CI_AS", "98AFFF"), ("Japanese_CI_AS", "82A081FF855C7E"),
         ("Latin1_General_100_CI_AS_SC_UTF8", "C3A9E282ACF09F9880EDA0BDC3"), ("SQL_Latin1_General_CP437_CI_AS", "00019EFF")]


@pytest.mark.parametrize("collation, raw", PAGES)
def test_bytes_that_a_code_page_does_not_know_are_kept(place, collation, raw):
    """In a database of that collation, where a cast makes characters of any bytes; a column of another collation beside it."""
    world, server = place
    database = "page_" + collation.lower()
    other = "Greek_CI_AS"
    columns = ("v varchar(20) NULL, c char(20) NULL, m varchar(max) NULL, t text NULL, n nvarchar(20) NULL, "
               f"o varchar(20) COLLATE {other} NULL")
    server.script(f"CREATE DATABASE {database} COLLATE {collation};\nGO\nUSE {database};\nGO\n"
                  f"CREATE TABLE dbo.page (id int NOT NULL PRIMARY KEY, {columns});\nGO\n"
                  f"CREATE TABLE dbo.keyed (k varchar(20) NOT NULL PRIMARY KEY, v varchar(max) NULL);\nGO\n")
    server.add_logins(database)
    pieces = [raw, raw[:2], raw[-2:], ""]
    for i, piece in enumerate(pieces):
        cast = f"CAST(0x{piece} AS varchar(20))"
        server.sql(f"INSERT dbo.page VALUES ({i}, {cast}, {cast}, {cast}, {cast}, {cast}, N'\u03b1\u03b2')", database)
    for piece in [raw, raw[:2], "6162"]:
        server.sql(f"INSERT dbo.keyed VALUES (CAST(0x{piece} AS varchar(20)), CAST(0x{raw} AS varchar(20)))", database)

    def look():
        forms = ", ".join(form("text" if c == "t" else "varchar").format(c) for c in "vcmtno")
        return (freebcp(server, database, f"SELECT id, DATALENGTH(v), {forms} FROM dbo.page"),
                freebcp(server, database, "SELECT CAST(k AS varbinary(20)), CAST(v AS varbinary(20)) FROM dbo.keyed"))
    assert raw.lower().encode() in b"".join(look()[0])
    round_trip(place, database, {}, look, lambda: server.sql(
        "DELETE FROM dbo.page WHERE id < 2; UPDATE dbo.page SET v = 'x'; DELETE FROM dbo.keyed", database))


SPECIAL = """CREATE DATABASE special;
GO
USE special;
GO
CREATE TABLE dbo.made (id int IDENTITY(-5, -5) NOT NULL PRIMARY KEY, a int NOT NULL, b AS a * 2, c AS a + 1 PERSISTED, r rowversion);
GO
CREATE TABLE dbo.only_made (id int IDENTITY(1, 1) NOT NULL PRIMARY KEY, r rowversion NOT NULL);
GO
CREATE TABLE dbo.thin (id int NOT NULL PRIMARY KEY, s1 int SPARSE NULL, s2 nvarchar(20) SPARSE NULL, s3 varbinary(max) SPARSE NULL);
GO
CREATE TABLE dbo.defaults (id int NOT NULL PRIMARY KEY, d int NULL DEFAULT 7, e nvarchar(10) NULL DEFAULT N'e');
GO
INSERT dbo.made (a) VALUES (1), (2), (3);
GO
INSERT dbo.only_made DEFAULT VALUES;
GO
INSERT dbo.only_made DEFAULT VALUES;
GO
INSERT dbo.thin VALUES (1, 5, NULL, 0x), (2, NULL, N'', NULL), (3, NULL, NULL, NULL);
GO
INSERT dbo.defaults VALUES (1, NULL, NULL), (2, 7, N''), (3, DEFAULT, DEFAULT);
GO
"""


def test_columns_that_only_the_server_can_make_are_named_and_the_others_come_back(place):
    world, server = place
    server.script(SPECIAL)
    server.add_logins("special")

    def look():
        return [freebcp(server, "special", q) for q in (
            "SELECT id, a, b, c FROM dbo.made", "SELECT id FROM dbo.only_made",
            "SELECT id, s1, s2, DATALENGTH(s2), s3, DATALENGTH(s3) FROM dbo.thin",
            "SELECT id, d, e, DATALENGTH(e) FROM dbo.defaults",
            "SELECT OBJECT_NAME(object_id), CAST(last_value AS bigint) FROM sys.identity_columns")]
    box = world.box(server, name="special", databases="special", profile="any")
    before = look()
    versions = freebcp(server, "special", "SELECT id, r FROM dbo.made")
    box.ok("backup", "special")
    server.sql("DELETE FROM dbo.made; INSERT dbo.made (a) VALUES (9); DELETE FROM dbo.only_made; DELETE FROM dbo.thin; "
               "UPDATE dbo.defaults SET d = 8, e = NULL", "special")
    broken = look()
    said = box.ok("restore", "special")
    assert look() == before
    for column in ("[dbo].[made]", "c", "r", "[dbo].[only_made]"):
        assert column in said
    assert freebcp(server, "special", "SELECT id, r FROM dbo.made") != versions  # rowversions are new: they are no difference
    server.tell("forget")
    box.ok("restore", "special")
    assert "INSERT BULK" not in "\n".join(server.tell("statements")).upper()
    box.ok("undo", "special")
    assert look() == before or look() == broken
    box.stop()


def test_values_over_eight_megabytes_come_back_in_pieces(place):
    server = place[1]
    server.script("CREATE DATABASE large;\nGO\nUSE large;\nGO\nCREATE TABLE dbo.bytes (id int NOT NULL PRIMARY KEY, b varbinary(max) NULL);"
                  "\nGO\nCREATE TABLE dbo.texts (k uniqueidentifier NOT NULL, n int NOT NULL, t nvarchar(max) NULL, o text NULL, "
                  "PRIMARY KEY (n DESC, k));\nGO\n")
    server.add_logins("large")
    for size in (8388608, 8388609, 9000001):
        server.sql(f"INSERT dbo.bytes VALUES ({size}, CAST(REPLICATE(CAST('0123456789abcdefg' AS varchar(max)), {size // 17}) + "
                   f"REPLICATE('z', {size % 17}) AS varbinary(max)))", "large")
    server.sql("INSERT dbo.texts VALUES (NEWID(), 1, REPLICATE(CAST(NCHAR(55357) AS nvarchar(max)), 2300001), NULL), "
               "(NEWID(), 2, N'', REPLICATE(CAST('o' AS varchar(max)), 4300000))", "large")

    def look():
        return [freebcp(server, "large", q) for q in (
            "SELECT id, DATALENGTH(b), HASHBYTES('SHA2_256', b) FROM dbo.bytes",
            "SELECT k, n, DATALENGTH(t), HASHBYTES('SHA2_256', CAST(t AS varbinary(max))), DATALENGTH(o), "
            "HASHBYTES('SHA2_256', CAST(CAST(o AS varchar(max)) AS varbinary(max))) FROM dbo.texts")]
    round_trip(place, "large", {}, look, lambda: server.sql(
        "DELETE FROM dbo.bytes WHERE id = 8388609; UPDATE dbo.texts SET t = NULL WHERE n = 1; DELETE FROM dbo.texts WHERE n = 2", "large"))


def test_denormal_numbers_that_no_literal_can_write_come_back(place):
    """They arrive by a client's bulk load, in native format."""
    server = place[1]
    server.script("CREATE DATABASE tiny;\nGO\nUSE tiny;\nGO\nCREATE TABLE dbo.tiny (id int NOT NULL PRIMARY KEY, f float NOT NULL, "
                  "r real NOT NULL);\nGO\n")
    server.add_logins("tiny")
    path = os.path.join(server.directory, "native")
    floats = [(5e-324, 1e-45), (-5e-324, -1e-45), (2.2250738585072009e-308, 1.1754942e-38), (-0.0, -0.0), (0.0, 0.0)]
    with open(path, "wb") as file:
        for i, (f, r) in enumerate(floats):
            file.write(struct.pack("<idf", i, f, r))
    subprocess.run(["freebcp", "tiny.dbo.tiny", "in", path, "-n", "-S", "standin", "-U", stage.ADMIN[0], "-P", stage.ADMIN[1]],
                   check=True, capture_output=True, env={**os.environ, "FREETDSCONF": server.freetds(server.directory)})
    query = "SELECT id, CAST(f AS varbinary(8)), CAST(r AS varbinary(4)) FROM dbo.tiny"
    kept = freebcp(server, "tiny", query)
    assert b"0|0000000000000001|00000001" in kept and b"3|8000000000000000|80000000" in kept, kept
    round_trip(place, "tiny", {}, lambda: freebcp(server, "tiny", query), lambda: server.sql("DELETE FROM dbo.tiny", "tiny"))
