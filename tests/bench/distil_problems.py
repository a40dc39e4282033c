"""Makes the sums that distil_smollm2.sh trains and measures a small model on: prompts with known answers, as JSON lines.

    python3 distil_problems.py FOLDER [TRAIN] [HELD_OUT]

writes FOLDER/train.jsonl and FOLDER/held-out.jsonl: sums and differences of two numbers and chains of three, the families
taking turns. A problem is on one side once and for all, its other orders of terms with it: 12 + 31 and 31 + 12 are one.
Every prompt shows one worked example, so that an untaught model knows the form that is wanted.
"""
import itertools
import json
import pathlib
import random
import sys

EXAMPLE = [{"role": "system", "content": "You are a calculator."},
           {"role": "user", "content": "7 + 5"}, {"role": "assistant", "content": "7 + 5 = 12"}]
FAMILIES = {
    "sum": [(" + ", pair) for pair in itertools.combinations_with_replacement(range(10, 60), 2)],
    "difference": [(" - ", (a, b)) for a in range(10, 60) for b in range(1, a)],
    "chain": [(" + ", three) for three in itertools.combinations_with_replacement(range(1, 13), 3)],
}


def orders(sign, terms):
    return [terms] if sign == " - " else sorted(set(itertools.permutations(terms)))


def rows(family, problems, generator):
    """All ways to write the problems, each problem once before any comes in another order."""
    ways = [(sign, generator.sample(orders(sign, terms), len(orders(sign, terms)))) for sign, terms in problems]
    for turn in range(max(len(order) for _, order in ways)):
        for sign, order in ways:
            if turn < len(order):
                terms = order[turn]
                answer = terms[0] - terms[1] if sign == " - " else sum(terms)
                yield {"family": family, "messages": EXAMPLE + [{"role": "user", "content": sign.join(map(str, terms))}],
                       "reference": str(answer)}


def main(folder, train=900, held_out=600):
    generator = random.Random(1)
    sides = {"train": [], "held-out": []}
    for family, problems in FAMILIES.items():
        problems = generator.sample(problems, len(problems))
        kept = int(held_out) // len(FAMILIES)
        # No other order of a held-out problem is wanted: as many problems as rows.
        sides["held-out"].append(itertools.islice(rows(family, problems[:kept], generator), kept))
        sides["train"].append(itertools.islice(rows(family, problems[kept:], generator), int(train) // len(FAMILIES)))
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    for name, families in sides.items():
        with open(pathlib.Path(folder) / f"{name}.jsonl", "w") as out:
            for row in itertools.chain.from_iterable(itertools.zip_longest(*families)):
                if row:
                    out.write(json.dumps(row) + "\n")


main(*sys.argv[1:])
