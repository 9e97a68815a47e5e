#!/usr/bin/env python3
"""What the engines and databases cost, one after the other in one run, with nothing else on the machine:

    engines.py DIR                  # what takes long to make is kept in DIR, some 40 GB, and used again by the next run

1. appends through the double of a cluster beside bare gRPC;
2. commands over HTTP: on files, with views in PostgreSQL, on the double by one server and by three;
3. views built from nothing: SQLite, the peer's way, PostgreSQL;
4. every list at 2.4 million documents: PostgreSQL, PostGraphile on the same tables, SQLite.

It needs PostgreSQL's programs (`--postgres`), `psql`, npm for PostGraphile, and two hours at first, then less than one.
"""
import argparse
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PARTS = ["appends", "commands", "views", "lists"]
ROLES = {"clerk": 2, "expert": 3}
# Of who has such a post, whoever has a part in the most documents.
PEOPLE = """
SELECT CAST(encode(p.organ, 'hex') AS uuid), CAST(encode(t.person, 'hex') AS uuid)
FROM socai_views_1.directory_tenure t JOIN socai_views_1.directory_post p ON p.post = t.post
WHERE t.till IS NULL AND p.abolished = 0 AND p.role = {role}
ORDER BY (SELECT COUNT(*) FROM socai_views_1.document_party s WHERE s.kind = 1 AND s.party = t.person) DESC, t.person LIMIT 1
"""


def told(*command, **more):
    """Runs it, with what it tells shown."""
    short = (word if len(word) < 120 else "…" for word in command[1:])  # neither tokens nor SQL
    print("$", pathlib.Path(command[0]).name, *short, flush=True)
    subprocess.run(command, check=True, cwd=ROOT, **more)


def answer(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout.strip()


def heading(text):
    print(f"\n== {text} ({time.strftime('%T')})", flush=True)


def free_port():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


@contextlib.contextmanager
def running(*command, said, log):
    """A program, from when its log says so until the block ends."""
    with open(log, "w+", encoding="utf-8") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=ROOT)
        try:
            while said not in pathlib.Path(log).read_text(encoding="utf-8"):
                if process.poll() is not None:
                    raise SystemExit(f"{command[0]} ended: see {log}")
                time.sleep(0.2)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


class Postgres:
    """A cluster of its own on a socket in `place`, with two gibibytes of shared buffers."""

    def __init__(self, programs, place):
        self.programs, self.place = pathlib.Path(programs), place
        self.url = f"postgres://postgres@{str(place).replace('/', '%2F')}/postgres"

    def run(self, program, *words):
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        told(*user, str(self.programs / program), "-D", str(self.place / "data"), *words, stdout=subprocess.DEVNULL)

    def __enter__(self):
        if not self.place.exists():
            self.place.mkdir(parents=True)
            if os.geteuid() == 0:
                subprocess.run(["chown", "postgres", self.place], check=True)
            self.run("initdb", "-U", "postgres", "-A", "trust", "--locale=C", "--encoding=UTF8")
        settings = "-c shared_buffers=2GB -c max_wal_size=8GB -c work_mem=16MB -c listen_addresses=''"
        self.run("pg_ctl", "-w", "-l", str(self.place / "log"), "-o", f"{settings} -k {self.place}", "start")
        return self

    def __exit__(self, *_):
        self.run("pg_ctl", "-w", "-m", "fast", "stop")


def lists(work, asked, socai):
    data, made = work / "ledger", work / "multiplied"
    if not data.exists():
        told(socai, "demo", "--exit", "--documents", str(asked.documents), "--data", str(data))
    with Postgres(asked.postgres, work / "postgres") as db:
        psql = ["psql", "-q", "-v", "ON_ERROR_STOP=1", db.url]
        if not made.exists():
            told(socai, "rebuild", "--data", str(data), "--views", db.url)
            subprocess.run(psql, check=True, input=answer(sys.executable, str(HERE / "multiply.py")), encoding="utf-8")
            made.touch()
        tokens = []
        for name, role in ROLES.items():
            organ, person = answer(*psql, "-At", "-F", " ", "-c", PEOPLE.format(role=role)).split()
            token = answer(socai, "token", "--data", str(data), "--organ", organ, "--person", person, "--hours", "24")
            tokens.append((name, token))

        def pages(views, name):
            port = free_port()
            server = (socai, "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}", *views)
            url = f"http://127.0.0.1:{port}/graphql"
            with running(*server, said=f"127.0.0.1:{port}", log=work / f"serve-{name}.log"):
                time.sleep(5)
                to = ["--socai", url, "--year", "2025", *(f"--token={name}={token}" for name, token in tokens)]
                heading(f"lists at 2.4 million documents, {name}: pages of 20")
                told(sys.executable, str(HERE / "pages.py"), *to, "--times", str(asked.times))
                heading(f"lists at 2.4 million documents, {name}: their totals")
                told(sys.executable, str(HERE / "pages.py"), *to, "--times", "5", "--totals")
                if views:
                    heading("beside PostGraphile")
                    beside(work, asked, db, psql, url, dict(tokens)["clerk"])

        pages(("--views", db.url), "PostgreSQL")
        if not (data / "views.unloaded").exists():
            told(socai, "rebuild", "--data", str(data))
            newest = max(data.glob("views.sqlite.*[0-9]"), key=lambda file: int(file.name.rpartition(".")[2]))
            told(sys.executable, str(HERE / "unload.py"), db.url, str(newest))
            (data / "views.unloaded").touch()
    pages((), "SQLite")


def beside(work, asked, db, psql, url, token):
    told(*psql, "-c", answer(sys.executable, str(HERE / "lists.py"), "--sql"))
    place, port = work / "postgraphile", free_port()
    if not place.exists():
        told("npm", "install", "--silent", "--prefix", str(place), "postgraphile@4")
    peer = (str(place / "node_modules/.bin/postgraphile"), "--connection", db.url, "--schema", "lists", "--port", str(port), "--disable-query-log",
            "--no-setof-functions-contain-nulls")
    with running(*peer, said="GraphQL API", log=work / "postgraphile.log"):
        told(sys.executable, str(HERE / "lists.py"), "--socai", url, "--token", token, "--times", str(asked.times),
             "--postgraphile", f"http://127.0.0.1:{port}/graphql")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--postgres", default="/usr/lib/postgresql/15/bin", help="where PostgreSQL's programs are")
    parser.add_argument("--documents", type=int, default=71500, help="documents of the ledger before they are multiplied")
    parser.add_argument("--times", type=int, default=200, help="how often each question is asked")
    parser.add_argument("--records", type=int, default=1_000_000, help="records of the ledger that views are built from")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="not all of it")
    asked = parser.parse_args()
    work = asked.dir.resolve()
    work.mkdir(parents=True, exist_ok=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    told("cargo", "build", "--release", "--locked", "--package", "socai")
    if "appends" in asked.only:
        heading("appends to a cluster beside bare gRPC")
        told("cargo", "xtask", "bench", "kurrent_raw")
    if "commands" in asked.only:
        heading("commands over HTTP")
        told("cargo", "xtask", "bench", "http", "--", "--engines", "all")
    if "views" in asked.only:
        heading("views from nothing")
        told("cargo", "xtask", "bench", "rebuild", "--", "--records", str(asked.records))
    if "lists" in asked.only:
        lists(work, asked, str(target / "release/socai"))


if __name__ == "__main__":
    main()
