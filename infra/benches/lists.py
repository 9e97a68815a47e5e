#!/usr/bin/env python3
"""Lists of documents: socai's API beside PostGraphile's, on the same tables of the same PostgreSQL.

socai answers only what the asker may see, and says up to which position of the ledger it answered; PostGraphile knows no
rights here and has no such thing to say: it is given a view and a function that read the same rows.

    socai rebuild --data DATA --views postgres://…/DB          # a ledger of `socai demo --documents N`
    socai serve --data DATA --views postgres://…/DB
    lists.py --sql | psql postgres://…/DB                       # the view and the function, in a schema `lists`
    npx postgraphile@4 --connection postgres://…/DB --schema lists --port 5000 --disable-query-log --no-setof-functions-contain-nulls
    lists.py --socai http://127.0.0.1:8080/graphql --token "$(socai token …)" --postgraphile http://127.0.0.1:5000/graphql

Both are asked in turns, one question at a time and with a pause, as socai answers a person only so often; on connections that
stay open.
"""

import argparse
import http.client
import json
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
    SELECT d.document, d.issuer_name AS issuer, d.code, d.abstract FROM {schema}.document d;
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


class Server:
    """A GraphQL API, and how long each of its answers took, in milliseconds."""

    def __init__(self, url, token):
        parts = urllib.parse.urlsplit(url)
        self.connection, self.path = http.client.HTTPConnection(parts.netloc), parts.path
        self.headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def ask(self, query):
        begun = time.monotonic()
        self.connection.request("POST", self.path, json.dumps({"query": query}), self.headers)
        answer = json.load(self.connection.getresponse())
        assert "errors" not in answer, answer
        return 1e3 * (time.monotonic() - begun)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sql", action="store_true", help="print what PostGraphile is given")
    parser.add_argument("--schema", default="socai_views_1", help="the schema of the views in use")
    parser.add_argument("--socai")
    parser.add_argument("--token")
    parser.add_argument("--postgraphile")
    parser.add_argument("--rare", default="kinh", help="a word that few documents have")
    parser.add_argument("--times", type=int, default=100, help="how often each question is put to each")
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two questions")
    asked = parser.parse_args()
    if asked.sql:
        print(SQL.format(schema=asked.schema))
        return
    servers = {"socai": Server(asked.socai, asked.token), "PostGraphile": Server(asked.postgraphile, None)}
    print(f"{asked.times} answers of each, in turns; p50 and p99 in ms")
    for name, queries in QUESTIONS.items():
        queries = [query % asked.rare if "%s" in query else query for query in queries]
        took = {who: [] for who in servers}
        for turn in range(10 + asked.times):
            for (who, server), query in zip(servers.items(), queries):
                millis = server.ask(query)
                if turn >= 10:
                    took[who].append(millis)
            time.sleep(asked.pause)
        for who, all_of in took.items():
            all_of.sort()
            print(f"{name:26} {who:13} {all_of[len(all_of) // 2]:8.2f} {all_of[len(all_of) * 99 // 100]:8.2f}")


if __name__ == "__main__":
    main()
