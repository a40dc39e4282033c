"""How much better is the second of two evaluations of the same prompts, and how sure is that? Files of `retort eval -o`.

    python3 paired.py before.jsonl after.jsonl

Prints the difference of accuracies with a 95 % interval: a bootstrap over prompts, both results of a prompt staying together,
and the two-sided exact probability of such a difference by chance (McNemar's test). Exits with 1 if the interval reaches zero.
"""
import json
import math
import random
import sys


def results(path):
    found = {}
    for line in open(path, encoding="utf-8"):
        row = json.loads(line)
        found[json.dumps(row["messages"])] = bool(row["right"])
    return found


def main(first, second):
    before, after = results(first), results(second)
    assert before.keys() == after.keys(), "the files are of different prompts"
    change = [after[prompt] - before[prompt] for prompt in before]
    generator = random.Random(1)
    means = sorted(sum(generator.choices(change, k=len(change))) / len(change) for _ in range(10_000))
    low, high = means[250], means[-251]
    gained, lost = change.count(1), change.count(-1)
    tail = sum(math.comb(gained + lost, k) for k in range(min(gained, lost) + 1)) / 2 ** (gained + lost)
    print(f"{len(change)} prompts: {sum(before.values())} right before, {sum(after.values())} after ({gained} gained, {lost} lost)")
    print(f"difference {100 * sum(change) / len(change):+.1f} points, 95 % interval {100 * low:+.1f} to {100 * high:+.1f}, "
          f"McNemar p = {min(1, 2 * tail):.2g}")
    return low > 0


sys.exit(0 if main(*sys.argv[1:]) else 1)
