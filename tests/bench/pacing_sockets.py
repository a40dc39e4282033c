#!/usr/bin/env python3
"""How much of an enforced allowance a harvest uses, over real sockets: four teachers of `retort serve`, each of which
admits 3,000 requests and 300,000 tokens a minute and takes 200 ms, are harvested side by side by the real program. Its
limits are told to it or have to be learned, and short prompts make the requests bind or long ones the tokens. Judged
are ten minutes after the first. Takes eleven and a half minutes.

    python3 tests/bench/pacing_sockets.py build/retort
"""
import concurrent.futures
import os
import re
import sqlite3
import subprocess
import sys
import tempfile

REQUESTS, TOKENS = 3000, 300_000  # per minute
FIRST, JUDGED = 60_000, 600_000  # ms: the first burst goes in the first minute
PROMPTS = 45_000
LONG = " ".join(["Work it out in small steps, check each of them, and say the result in the last line."] * 6)


def harvest(retort, folder, name, words):
    file = lambda ending: os.path.join(folder, name + ending)
    environment = {**os.environ, "XDG_RUNTIME_DIR": folder}  # a pace of its own: nothing learned before
    server = subprocess.Popen([retort, "serve", "--builtin", "arithmetic", "--port", "0", "--latency-ms", "200",
                               "--requests-per-minute", str(REQUESTS), "--tokens-per-minute", str(TOKENS)],
                              stderr=subprocess.PIPE, text=True)
    try:
        for line in server.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+/v1", line):
                break
        with open(file(".toml"), "w") as config:
            config.write(f'[teacher.a]\napi = "openai-chat"\nbase_url = "{found[0]}"\nmodel = "arithmetic"\n')
        with open(file(".txt"), "w") as prompts:
            prompts.writelines(f"What is {1000 + i} + {i}?\n" for i in range(PROMPTS))
        subprocess.run([retort, "harvest", file(".txt"), "-t", "a", "--config", file(".toml"), "-c", file(".db"),
                        "--terms-unknown", "-q", "--until", "700s", *words], env=environment,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    finally:
        server.terminate()
        server.wait()
    corpus = sqlite3.connect(file(".db"))
    moment = lambda column: f"CAST(round((julianday({column}) - 2440587.5) * 86400000) AS INTEGER)"
    answers = corpus.execute(f"SELECT {moment('obtained_at')}, input_tokens + output_tokens FROM response").fetchall()
    refusals = [at for (at,) in corpus.execute(f"SELECT {moment('ended_at')} FROM attempt WHERE http_status = 429")]
    given_up = corpus.execute("SELECT count(*) FROM request WHERE status = 'failed'").fetchone()[0]
    begin = min(at for at, _ in answers) + FIRST
    judged = [used for at, used in answers if begin <= at < begin + JUDGED]
    assert max(at for at, _ in answers) >= begin + JUDGED - 2000, "the harvest ended too early to be judged"
    refused = sum(begin <= at < begin + JUDGED for at in refusals)
    minutes = JUDGED / 60_000
    of_requests, of_tokens = len(judged) / minutes / REQUESTS, sum(judged) / minutes / TOKENS
    return (f"| {name} | {len(judged):,} | {100 * of_requests:.2f} % | {100 * of_tokens:.2f} % | "
            f"{refused / len(judged):.4f} | {len(refusals) - refused} | {given_up} |")


def main():
    retort = os.path.abspath(sys.argv[1])
    told = ["--requests-per-minute", str(REQUESTS), "--tokens-per-minute", str(TOKENS)]
    rows = [("told, requests bind", told), ("told, tokens bind", [*told, "--system", LONG]),
            ("learned, requests bind", []), ("learned, tokens bind", ["--system", LONG])]
    print("| limits | answers in ten minutes | of the requests allowed | of the tokens allowed | refusals per success | "
          "refusals before | rows given up |\n|-|-|-|-|-|-|-|", flush=True)
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor() as side_by_side:
        runs = [side_by_side.submit(harvest, retort, folder, name, words) for name, words in rows]
        for run in runs:
            print(run.result(), flush=True)


main()
