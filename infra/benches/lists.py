#!/usr/bin/env python3
"""Lists of documents: socai's API beside PostGraphile's, on the same tables of the same PostgreSQL.

socai answers only what the asker may see, and says up to which position of the ledger it answered; PostGraphile knows no
rights here and has no such thing to say: it is given a view and a function that read the same rows.

    socai rebuild --data DATA --views postgres://…/DB          # a ledger of `socai demo --documents N`
    socai serve --data DATA --views postgres://…/DB
    lists.py --sql | psql postgres://…/DB                       # the view and the function, in a schema `lists`
    npx postgraphile@4 --connection postgres://…/DB --schema lists --port 5000 --disable-query-log --no-setof-functions-contain-nulls
    lists.py --socai http://127.0.0.1:8080/graphql --token "$(socai token …)" --postgraphile http://127.0.0.1:5000/graphql

Each question is put by so many clients on connections that stay open, in turns of both servers; they share the machine.
"""

import argparse
import http.client
import json
import threading
import time
import urllib.parse

SQL = """
CREATE SCHEMA IF NOT EXISTS lists;
CREATE OR REPLACE VIEW lists.register AS
    SELECT e.book, e.number, l.arrived_on, l.issuer, l.code, l.promulgated_on, l.type_name, l.abstract
    FROM {schema}.register_entry e
    JOIN {schema}.document d ON d.id = e.document_id
    LEFT JOIN {schema}.register_line l ON l.document = d.document;
COMMENT ON VIEW lists.register IS '@primaryKey book,number';
CREATE OR REPLACE VIEW lists.document AS
    SELECT d.document, l.issuer, l.code, l.abstract
    FROM {schema}.document d LEFT JOIN {schema}.register_line l ON l.document = d.document;
COMMENT ON VIEW lists.document IS '@primaryKey document';
CREATE OR REPLACE FUNCTION lists.search(word text) RETURNS SETOF lists.document LANGUAGE sql STABLE AS $$
    SELECT d.* FROM {schema}.search_text i JOIN lists.document d ON d.document = i.document
    WHERE i.word_terms @@ CAST(word || ':*' AS tsquery) OR i.code_terms @@ CAST(word || ':*' AS tsquery)
    ORDER BY i.document DESC
$$;
"""

OURS = "number issuer code abstractText"
QUESTIONS = {
    "register, first page": (
        "{incomingRegister(first: 20) {edges {node {%s}}}}" % OURS,
        "{allRegisters(first: 20, orderBy: [BOOK_ASC, NUMBER_ASC]) {nodes {number issuer code abstract}}}",
    ),
    "search, a frequent word": (
        '{searchDocuments(query: "mau", first: 20) {edges {node {details {issuerName abstractText}}}}}',
        '{search(word: "mau", first: 20) {nodes {issuer code abstract}}}',
    ),
    "search, a rare word": (
        '{searchDocuments(query: "%s", first: 20) {edges {node {details {issuerName abstractText}}}}}',
        '{search(word: "%s", first: 20) {nodes {issuer code abstract}}}',
    ),
}


def load(url, token, query, clients, seconds):
    """Milliseconds of each answer, and how many came in a second."""
    parts, body = urllib.parse.urlsplit(url), json.dumps({"query": query}).encode()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    took, until = [], time.monotonic() + seconds

    def client():
        connection, mine = http.client.HTTPConnection(parts.netloc), []
        while (begun := time.monotonic()) < until:
            connection.request("POST", parts.path, body, headers)
            answer = json.load(connection.getresponse())
            assert "errors" not in answer, answer
            mine.append(1e3 * (time.monotonic() - begun))
        took.extend(mine)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sql", action="store_true", help="print what PostGraphile is given")
    parser.add_argument("--schema", default="socai_views_1", help="the schema of the views in use")
    parser.add_argument("--socai")
    parser.add_argument("--token")
    parser.add_argument("--postgraphile")
    parser.add_argument("--rare", default="kinh", help="a word that few documents have")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if asked.sql:
        print(SQL.format(schema=asked.schema))
        return
    print(f"{asked.clients} clients, {asked.rounds} turns of {asked.seconds} s each; p50 and p99 in ms, answers a second")
    for name, (ours, theirs) in QUESTIONS.items():
        if "%s" in ours:
            ours, theirs = ours % asked.rare, theirs % asked.rare
        all_of = {"socai": [], "PostGraphile": []}
        for _ in range(asked.rounds):
            all_of["socai"] += load(asked.socai, asked.token, ours, asked.clients, asked.seconds)
            all_of["PostGraphile"] += load(asked.postgraphile, None, theirs, asked.clients, asked.seconds)
        for who, took in all_of.items():
            took.sort()
            rate = len(took) / (asked.rounds * asked.seconds)
            print(f"{name:26} {who:13} {took[len(took) // 2]:8.1f} {took[len(took) * 99 // 100]:8.1f} {rate:8.0f}")


if __name__ == "__main__":
    main()
