#!/usr/bin/env python3
"""Every list of the API: how long a page of 20 takes, in milliseconds.

    socai serve --data DATA [--views postgres://…/DB]
    pages.py --socai http://127.0.0.1:8080/graphql --year 2025 --token clerk="$(socai token …)" --token expert="$(socai token …)"

Each person's questions are put one at a time, on a connection that stays open: first pages, and once the page in the middle and
the last page of a month's register. What is above the bound is marked. With `--totals`, how many each list has is asked instead.
"""
import argparse
import calendar
import http.client
import json
import math
import time
import urllib.parse

BOUND = 50
PAGE, TOTAL = "edges {cursor} pageInfo {endCursor hasNextPage}", "totalCount"


def period(first, last, year):
    """The instants from the first day of one month until after the last day of another."""
    until = f"{year + last // 12}-{last % 12 + 1:02}-01"
    return f'{{from: "{year}-{first:02}-01T00:00:00+07:00", before: "{until}T00:00:00+07:00"}}'


def days(first, last, year, others=""):
    end = calendar.monthrange(year, last)[1]
    return f'incomingRegister(arrivedFrom: "{year}-{first:02}-01", arrivedTo: "{year}-{last:02}-{end}", {others}first: 20'


def questions(year, frequent, code):
    """By name: a field and its arguments, but for the closing bracket."""
    month, whole = period(6, 6, year), period(1, 12, year)
    of = {
        "register": "incomingRegister(first: 20",
        "register of a year": f"incomingRegister(year: {year}, first: 20",
        "register of a day": f'incomingRegister(arrivedFrom: "{year}-06-03", arrivedTo: "{year}-06-03", first: 20',
        "register of the last days": f'incomingRegister(arrivedFrom: "{year}-12-30", arrivedTo: "{year}-12-31", first: 20',
        "register of a month": days(6, 6, year),
        "register of a quarter": days(4, 6, year),
        "register of half a year": days(7, 12, year),
        "register of twelve months": days(1, 12, year),
        "register since a day": f'incomingRegister(arrivedFrom: "{year}-11-03", first: 20',
        "register, void numbers": "incomingRegister(void: true, first: 20",
        "register of a month, void numbers": days(6, 6, year, "void: true, "),
        "follow-up register": "followUpRegister(first: 20",
        "follow-up register, open": "followUpRegister(open: true, first: 20",
        "follow-up register, late": "followUpRegister(open: true, late: true, first: 20",
        "follow-up register of a year": f"followUpRegister(year: {year}, first: 20",
        "work, own": "workList(first: 20",
        "work of all": "workList(of: {all: true}, first: 20",
        "work of all, late": "workList(of: {all: true}, state: LATE, first: 20",
        "search, a word of nearly all": f'searchDocuments(query: "{frequent}", first: 20',
        "search, two words": f'searchDocuments(query: "{frequent} công", first: 20',
        "search, a code": f'searchDocuments(query: "{code}", first: 20',
        "search, nothing": 'searchDocuments(query: "xyzzyq", first: 20',
    }
    for name, when in ("a month", month), ("a year", whole):
        for figure in "ARRIVED", "REGISTERED", "PROCESSED", "LATE", "MET_ONLY_BY_EXTENSION", "REFUSED", "CANCELLED":
            of[f"documents of {name}, {figure}"] = f"countedDocuments(of: {when}, figure: {figure}, first: 20"
        for figure in "ASSIGNED", "PROCESSED", "LATE", "RETURNED":
            of[f"branches of {name}, {figure}"] = f"countedBranches(of: {when}, figure: {figure}, first: 20"
        of[f"resolved in {name}"] = f"lagDocuments(of: {when}, stage: RESOLVED, first: 20"
        of[f"registered late in {name}"] = f"promptDocuments(of: {when}, stage: REGISTERED, figure: LATE, first: 20"
        of[f"given back in {name}"] = f"reworkSpells(of: {when}, figure: ALL, first: 20"
        of[f"paper of {name}"] = f"paperDocuments(of: {when}, figure: ALL, first: 20"
        of[f"saved in {name}"] = f"savedDocuments(of: {when}, figure: HANDLED, first: 20"
    for figure in "IN_PROCESS", "LATE_OPEN", "NO_DEADLINE_OPEN":
        of[f"documents now, {figure}"] = f"countedDocuments(of: {month}, figure: {figure}, first: 20"
    return of


class Server:
    def __init__(self, url, token, wanted=PAGE):
        parts, self.wanted = urllib.parse.urlsplit(url), wanted
        self.connection, self.path = http.client.HTTPConnection(parts.netloc, timeout=60), parts.path
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def ask(self, field):
        query = f"{{list: {field}) {{{self.wanted}}}}}"
        begun = time.monotonic()
        self.connection.request("POST", self.path, json.dumps({"query": query}), self.headers)
        answer = json.load(self.connection.getresponse())
        took = 1e3 * (time.monotonic() - begun)
        if "errors" not in answer:
            return took, answer["data"]["list"]
        error = answer["errors"][0]
        if error["extensions"]["code"] != "RATE_LIMITED":
            raise SystemExit(f"{field}: {error['message']}")
        time.sleep(1)
        return self.ask(field)


def timed(server, field, times):
    first = server.ask(field)[1]
    found = len(first["edges"]) if "edges" in first else first["totalCount"]
    took = sorted(server.ask(field)[0] for _ in range(times))
    return found, took[len(took) // 2], took[math.ceil(len(took) * 0.99) - 1], took[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--socai", required=True)
    parser.add_argument("--token", action="append", required=True, metavar="NAME=TOKEN")
    parser.add_argument("--year", type=int, required=True)
    parser.add_argument("--frequent", default="mẫu", help="a word that nearly all documents have")
    parser.add_argument("--code", default="15/QĐ", help="the beginning of a document's number and symbol")
    parser.add_argument("--times", type=int, default=200, help="how often each question is asked, after once for warmth")
    parser.add_argument("--totals", action="store_true", help="how many each list has, instead of a page of it")
    parser.add_argument("--only", default="", help="questions whose names have this")
    asked = parser.parse_args()
    print(f"{'':40}   found      p50      p99      max")
    for name, token in (token.split("=", 1) for token in asked.token):
        server = Server(asked.socai, token, TOTAL if asked.totals else PAGE)
        for question, field in questions(asked.year, asked.frequent, asked.code).items():
            if asked.only in question:
                found, *figures = timed(server, field, asked.times)
                above = f"  above {BOUND}" if figures[1] > BOUND and not asked.totals else ""
                print(f"{name + ': ' + question:40} {found:7}", *(f"{figure:8.1f}" for figure in figures), above, flush=True)
        if not asked.totals and asked.only in "register of a month, the last page":
            field, after, deep = days(6, 6, asked.year).replace("first: 20", "first: 100"), "", []
            while True:
                took, page = server.ask(f"{field}{after}")
                deep.append(took)
                if not page["pageInfo"]["hasNextPage"]:
                    break
                after = f', after: "{page["pageInfo"]["endCursor"]}"'
            print(f"{name}: pages of 100 of a month's register: {len(deep)}, longest {max(deep):.1f}, last {deep[-1]:.1f}")


if __name__ == "__main__":
    main()
