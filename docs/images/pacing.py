#!/usr/bin/env python3
"""Draws docs/images/pacing.svg: two real harvests, over a real socket, of a teacher that admits 20 requests a second.
One is told the limit; the other has to learn it. Takes about a minute.

    python3 docs/images/pacing.py build/retort docs/images/pacing.svg
"""
import collections
import concurrent.futures
import os
import re
import sqlite3
import subprocess
import sys
import tempfile

PER_MINUTE = 1200
PROMPTS = 1200
WIDTH, PANEL, LEFT, TOP, GAP = 720, 150, 48, 34, 50
SECONDS, MOST = 62, 40  # of the axes


def harvest(retort, folder, name, words):
    """Answers and refusals by second of a run, and how long it took."""
    def file(ending):
        return os.path.join(folder, name + ending)
    environment = {**os.environ, "XDG_RUNTIME_DIR": folder}  # a pace of its own: nothing learned before
    server = subprocess.Popen([retort, "serve", "--builtin", "arithmetic", "--port", "0", "--latency-ms", "200",
                               "--requests-per-minute", str(PER_MINUTE)], stderr=subprocess.PIPE, text=True)
    try:
        for line in server.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+/v1", line):
                break
        with open(file(".toml"), "w") as config:
            config.write(f'[teacher.a]\napi = "openai-chat"\nbase_url = "{found[0]}"\nmodel = "arithmetic"\n')
        with open(file(".txt"), "w") as prompts:
            prompts.writelines(f"What is {1000 + i} + {i}?\n" for i in range(PROMPTS))
        subprocess.run([retort, "harvest", file(".txt"), "-t", "a", "--config", file(".toml"), "-c", file(".db"),
                        "--terms-unknown", "-q", *words], env=environment, check=True)
    finally:
        server.terminate()
        server.wait()
    corpus = sqlite3.connect(file(".db"))
    def times(column, where):
        milliseconds = f"CAST(round((julianday({column}) - 2440587.5) * 86400000) AS INTEGER)"
        return [at for (at,) in corpus.execute(f"SELECT {milliseconds} FROM {where} ORDER BY 1")]
    answers = times("obtained_at", "response")
    refusals = times("ended_at", "attempt WHERE http_status = 429")
    start = min(answers + refusals)
    count = lambda moments: collections.Counter((at - start) // 1000 for at in moments)
    print(f"{name}: {len(answers)} answers in {(answers[-1] - start) / 1000:.1f} s, {len(refusals)} refusals; "
          f"after 10 s {rate_after(answers, start + 10_000):.2f} a second", file=sys.stderr)
    return count(answers), count(refusals), (answers[-1] - start) // 1000, len(answers), len(refusals)


def rate_after(answers, begin):
    late = [at for at in answers if at >= begin]
    return 1000 * (len(late) - 1) / (late[-1] - late[0])


def panel(top, title, run):
    answers, refusals, last, total, refused = run
    x = lambda second: LEFT + second * (WIDTH - LEFT - 12) / SECONDS
    y = lambda rate: top + PANEL - rate * PANEL / MOST
    parts = [f'<text class="title" x="{LEFT}" y="{top - 12}">{title}: {total:,} answers, '
             f'{refused} refusal{"" if refused == 1 else "s"}</text>']
    for rate in range(0, MOST + 1, 10):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 12}" y1="{y(rate):.1f}" y2="{y(rate):.1f}"/>')
        parts.append(f'<text class="right" x="{LEFT - 6}" y="{y(rate) + 4:.1f}">{rate}</text>')
    for second in range(0, SECONDS, 10):
        parts.append(f'<text class="middle" x="{x(second):.1f}" y="{top + PANEL + 15}">{second} s</text>')
    path = f"M{x(0):.1f} {y(0):.1f}"
    assert max(answers.values()) <= MOST, f"{max(answers.values())} answers in a second: raise MOST"
    for second in range(last + 1):
        height = y(answers[second])
        path += f"V{height:.1f}H{x(second + 1):.1f}"
    parts.append(f'<path class="answers" d="{path}V{y(0):.1f}Z"/>')
    limit = PER_MINUTE / 60
    parts.append(f'<line class="limit" x1="{LEFT}" x2="{WIDTH - 12}" y1="{y(limit):.1f}" y2="{y(limit):.1f}"/>')
    for second, number in refusals.items():
        parts.append(f'<rect class="refused" x="{x(second):.1f}" width="{x(1) - x(0):.1f}" '
                     f'y="{y(number):.1f}" height="{y(0) - y(number):.1f}"/>')
    return parts


def main():
    retort, target = os.path.abspath(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        with concurrent.futures.ThreadPoolExecutor() as both:
            runs = [both.submit(harvest, retort, folder, "told", ["--requests-per-minute", str(PER_MINUTE)]),
                    both.submit(harvest, retort, folder, "learned", [])]
        told, learned = (run.result() for run in runs)
    height = TOP + 2 * PANEL + GAP + 46
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
             "<title>Answers a second of two harvests against a limit of 20 requests a second</title>",
             "<style>text{font:12px sans-serif;fill:#57606a}.title{font-size:13px;font-weight:600}"
             ".right{text-anchor:end}.middle{text-anchor:middle}.grid{stroke:#8c959f;stroke-opacity:.3}"
             ".answers{fill:#218bff;fill-opacity:.55}.limit{stroke:#bf8700;stroke-width:1.5;stroke-dasharray:6 4}"
             ".refused{fill:#cf222e}"
             "@media(prefers-color-scheme:dark){text{fill:#adb6bf}.refused{fill:#ff7b72}}</style>"]
    parts += panel(TOP, "Limit told", told)
    parts += panel(TOP + PANEL + GAP, "Limit to be learned", learned)
    y = height - 10
    parts += [f'<rect class="answers" x="{LEFT}" y="{y - 9}" width="12" height="10"/>'
              f'<text x="{LEFT + 18}" y="{y}">answers a second</text>',
              f'<line class="limit" x1="{LEFT + 140}" x2="{LEFT + 165}" y1="{y - 4}" y2="{y - 4}"/>'
              f'<text x="{LEFT + 171}" y="{y}">what the teacher allows</text>',
              f'<rect class="refused" x="{LEFT + 330}" y="{y - 9}" width="12" height="10"/>'
              f'<text x="{LEFT + 348}" y="{y}">refusals (429)</text>', "</svg>"]
    with open(target, "w") as out:
        out.write("\n".join(parts) + "\n")


main()
