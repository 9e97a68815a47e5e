#!/usr/bin/env python3
"""Copies the views of a ledger from PostgreSQL into SQLite, so that both can be measured with the same rows.

    socai rebuild --data DATA                                   # makes the file with its tables, indexes and triggers
    unload.py postgres://…/DB DATA/views.sqlite.1               # puts the rows of PostgreSQL in the place of its own

Like what `multiply.py` makes, such views belong to no log.
"""
import argparse
import re
import sqlite3
import subprocess

ESCAPED = re.compile(r"\\(.)")
MARKS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


def text(value):
    return ESCAPED.sub(lambda mark: MARKS.get(mark[1], mark[1]), value) if "\\" in value else value


# What `COPY` writes: nulls as \N, bytes as \\x and their hexadecimal digits.
READ = {"INTEGER": int, "TEXT": text, "BLOB": lambda value: bytes.fromhex(value[3:])}


def rows(database, schema, table, columns):
    order = f"COPY (SELECT {', '.join(name for name, _ in columns)} FROM {schema}.{table} ORDER BY 1) TO STDOUT"
    copy = subprocess.Popen(["psql", "-q", database, "-c", order], stdout=subprocess.PIPE, encoding="utf-8")
    read = [READ[kind] for _, kind in columns]
    for line in copy.stdout:
        yield [None if value == r"\N" else of(value) for of, value in zip(read, line[:-1].split("\t"))]
    assert copy.wait() == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schema", default="socai_views_1", help="the schema of the views in use")
    parser.add_argument("database")
    parser.add_argument("file")
    asked = parser.parse_args()
    db = sqlite3.connect(asked.file, isolation_level=None)
    for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2000000", "temp_store = MEMORY"):
        db.execute(f"PRAGMA {setting}")
    made = db.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    later = [(kind, name, sql) for kind, name, sql in made if kind in ("trigger", "index")]
    tables = [name for kind, name, sql in made if kind == "table" and not name.startswith("search_index")]
    for kind, name, _ in reversed(later):
        db.execute(f"DROP {kind} {name}")
    for table in tables:
        columns = [(column[1], column[2]) for column in db.execute(f"PRAGMA table_info({table})")]
        db.execute("BEGIN")
        db.execute(f"DELETE FROM {table}")
        places = ", ".join("?" * len(columns))
        db.executemany(f"INSERT INTO {table} VALUES ({places})", rows(asked.database, asked.schema, table, columns))
        print(table, *db.execute(f"SELECT COUNT(*) FROM {table}").fetchone(), flush=True)
        db.execute("COMMIT")
    db.execute("INSERT INTO search_index(search_index) VALUES ('rebuild')")
    for _, name, sql in later:
        db.execute(sql)
        print(name, flush=True)
    db.execute("PRAGMA journal_mode = WAL")
    db.close()


if __name__ == "__main__":
    main()
