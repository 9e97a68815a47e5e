#!/usr/bin/env python3
"""Prints SQL that multiplies the documents of views in PostgreSQL: `multiply.py | psql -v ON_ERROR_STOP=1 postgres://…/DB`.

A ledger of `socai demo --documents 71500` over three years becomes 34 times as many documents over nine: twelve at a time in the
last three years, eleven in the three before, eleven in the three before those; what is open stays in the last three. Such views
belong to no log: for measuring lists alone.
"""
import argparse

YEARS = 3
DAYS = 1096
TIMES = 12

SQL = """
BEGIN;
SET search_path = {schema};
SET maintenance_work_mem = '2GB';
SET synchronous_commit = off;
CREATE TEMP TABLE kept_index AS SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = '{schema}'
    AND tablename IN (SELECT table_name FROM information_schema.columns WHERE table_schema = '{schema}'
        AND column_name IN ('document', 'document_id', 'book'));
CREATE TEMP TABLE copy AS SELECT b, c FROM generate_series(0, 2) b, generate_series(0, {times} - 1) c
    WHERE (b = 0 OR c < {times} - 1);
CREATE TEMP TABLE unfinished AS SELECT document FROM holding UNION SELECT document FROM work_item
    UNION SELECT document FROM document_fact WHERE ended_at IS NULL;
CREATE INDEX ON unfinished (document);
CREATE FUNCTION pg_temp.other(id bytea, b int, c int) RETURNS bytea IMMUTABLE LANGUAGE sql AS
    $$ SELECT CASE WHEN b = 0 AND c = 0 THEN id ELSE decode(md5(id || convert_to(b || '.' || c, 'UTF8')), 'hex') END $$;
DO $do$
DECLARE
    of record;
    list text;
    given text;
BEGIN
    FOR of IN SELECT table_name AS name FROM information_schema.columns WHERE table_schema = '{schema}'
        AND column_name IN ('document', 'document_id', 'book') GROUP BY 1 LOOP
        SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position),
            string_agg(CASE
                WHEN column_name = 'document' THEN '((2 - b) * 1100000 + o.document) * {times} + c'
                WHEN column_name = 'book' THEN '((2 - b) * 1100000 + o.book) * {times}'
                WHEN column_name = 'number' THEN '(o.number - 1) * {times} + c + 1'
                WHEN column_name = 'year' THEN 'o.year - {years} * b'
                WHEN column_name LIKE '%\\_on' THEN 'o.' || column_name || ' - {days} * b'
                WHEN column_name = 'register' OR (of.name = 'register_book' AND column_name = 'id')
                    THEN 'pg_temp.other(o.' || column_name || ', b, 0)'
                WHEN column_name IN ('id', 'document_id', 'parent', 'branch')
                    THEN 'pg_temp.other(o.' || column_name || ', b, c)'
                WHEN of.name = 'document' AND column_name = 'state' THEN 'CASE WHEN position(o.id IN o.state) > 0 '
                    'THEN overlay(o.state PLACING pg_temp.other(o.id, b, c) FROM position(o.id IN o.state)) ELSE o.state END'
                WHEN of.name = 'search_text' AND column_name = 'words'
                    THEN 'o.words || '' bc'' || (((2 - b) * 1100000 + o.document) * {times} + c) || '' '''
                WHEN udt_name = 'int8' THEN format('CASE WHEN o.%1$I > 100000000000000 '
                    'THEN o.%1$I - {days} * 86400000000 * b ELSE o.%1$I END', column_name)
                ELSE 'o.' || quote_ident(column_name)
            END, ', ' ORDER BY ordinal_position)
        INTO list, given FROM information_schema.columns
        WHERE table_schema = '{schema}' AND table_name = of.name AND is_generated = 'NEVER';
        RAISE NOTICE '% %', clock_timestamp(), of.name;
        EXECUTE format('ALTER TABLE %I RENAME TO was', of.name);
        EXECUTE format('CREATE TABLE %I (LIKE was INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE)', of.name);
        EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM copy, was o WHERE %s ORDER BY %s', of.name, list, given,
            CASE WHEN of.name = 'register_book' THEN 'c = 0'
                WHEN of.name = 'register_entry' THEN 'true'
                ELSE 'b = 0 OR NOT EXISTS (SELECT FROM unfinished u WHERE u.document = o.document)' END,
            CASE WHEN list ~ '^document,|^document$' THEN '1' ELSE '1, 2' END);
        DROP TABLE was;
    END LOOP;
    FOR of IN SELECT indexname, indexdef FROM kept_index LOOP
        RAISE NOTICE '% %', clock_timestamp(), of.indexname;
        EXECUTE of.indexdef;
    END LOOP;
END $do$;
COMMIT;
VACUUM (ANALYZE);
"""
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--schema", default="socai_views_1", help="the schema of the views in use")
print(SQL.format(schema=parser.parse_args().schema, years=YEARS, days=DAYS, times=TIMES))
