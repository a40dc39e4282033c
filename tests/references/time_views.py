#!/usr/bin/env python3
"""Times the corpus's views with plain SQL: as version 8 had them, and as they are since, with and without amendments.

    python3 tests/references/time_views.py build/retort [PAIRS]
"""
import os
import sqlite3
import subprocess
import sys
import tempfile
import time

QUERIES = ("SELECT count(*) FROM pairs", 'SELECT count(*) FROM "all"',
           "SELECT outputs_may_train, licence, count(*) FROM pairs GROUP BY 1, 2",
           "SELECT * FROM pairs WHERE response_id = 777")


def fill(corpus, pairs):
    """Pairs of about 1.5 KB beside the one of the snapshot."""
    snapshot = os.path.join(os.path.dirname(__file__), "..", "unit", "snapshots", "corpus_v8.sql")
    with open(snapshot, encoding="utf-8") as file:
        corpus.executescript(file.read())
    corpus.execute("DELETE FROM amendment")
    text = "word " * 100
    numbers = range(2, pairs + 1)
    corpus.executemany("INSERT INTO prompt (id, digest, messages) VALUES (?, ?, json_array(json_object('role', 'user', 'content', ?)))",
                       ((i, f"{i:064x}", f"What is {i}? {text}") for i in numbers))
    corpus.executemany("INSERT INTO request (id, digest, prompt_id, teacher_id, dialect, model, parameters, sample, status, response_id) "
                       "VALUES (?1, ?2, ?1, 1, 'openai-chat', 'm', '{}', 0, 'answered', ?1)", ((i, f"r{i:063x}") for i in numbers))
    corpus.executemany("INSERT INTO attempt (id, request_id, run_id, outcome, begun_at) VALUES (?1, ?1, 1, 'answered', '2026')",
                       ((i,) for i in numbers))
    corpus.executemany("INSERT INTO response (id, attempt_id, request_id, teacher_id, terms_id, text, reasoning, refusal, finish, "
                       "provider_finish, served_model, system_fingerprint, provider_id, cost_usd, obtained_at) VALUES "
                       "(?1, ?1, ?1, 1, 1, ?2, '', '', 'stop', 'stop', 'm', '', '', 0.1, '2026')", ((i, text + text) for i in numbers))
    corpus.commit()


def show(corpus, title):
    print(title)
    for query in QUERIES:
        best = float("inf")
        for _ in range(5):
            start = time.process_time()
            corpus.execute(query).fetchall()
            best = min(best, time.process_time() - start)
        print(f"  {best * 1e3:9.3f} ms  {query}")


def main():
    retort, pairs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "corpus.db")
        corpus = sqlite3.connect(path)
        fill(corpus, pairs)
        show(corpus, "version 8, which shows terms as obtained")
        subprocess.run([retort, "terms", "amend", "-c", path, "-t", "r1", "--may-train", "no", "--because", "Ada"], check=True,
                       capture_output=True)
        one = corpus.execute("SELECT teacher_id, up_to, terms_id, statement, run_id, at FROM amendment").fetchone()
        corpus.execute("DELETE FROM amendment")
        show(corpus, f"version {corpus.execute('PRAGMA user_version').fetchone()[0]}, nothing amended")
        for have, want in ((0, 1), (1, 10)):
            for _ in range(have, want):
                corpus.execute("INSERT INTO amendment (teacher_id, up_to, terms_id, statement, run_id, at) VALUES (?, ?, ?, ?, ?, ?)",
                               (one[0], pairs // 2) + one[2:])
            show(corpus, f"amended {want} times, half of the pairs")
        corpus.close()


main()
