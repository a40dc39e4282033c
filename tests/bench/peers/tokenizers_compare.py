"""Compares bench_tokenizer with Python's `tokenizers`, id for id, and the time of both on one thread.

    python3 tests/references/make_tokenizer_text.py /tmp/text 100
    python3 tests/bench/peers/tokenizers_compare.py build/bench_tokenizer /tmp/text tokenizer.json...

The text is read in pieces, so that memory stays small. --part 3/8 takes every eighth document, from the third on: a long
comparison can be done bit by bit. Exits with 1 if any id differs.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
import numpy
from tokenizers import Tokenizer

PIECE = 4_000_000


def documents(path, part, parts):
    """Documents end with NUL; what follows the last one is none."""
    rest, number = b"", 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            *whole, rest = (rest + block).split(b"\0")
            for document in whole:
                number += 1
                if number % parts == part % parts:
                    yield document


def pieces(found):
    piece, size = [], 0
    for document in found:
        piece.append(document)
        size += len(document) + 1
        if size > PIECE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def ours(program, tokenizer, piece):
    """The ids of each document, and the seconds it took."""
    with tempfile.NamedTemporaryFile() as text, tempfile.NamedTemporaryFile() as out:
        for document in piece:
            text.write(document + b"\0")
        text.flush()
        said = subprocess.run([program, tokenizer, text.name, out.name], check=True, capture_output=True, text=True).stdout
        ids = numpy.fromfile(out.name, dtype=numpy.int32)
    ends = numpy.flatnonzero(ids == -1)
    return numpy.split(ids, ends), float(re.search(r"([0-9.]+) s,", said)[1])


def show_difference(tokenizer, theirs, mine):
    at = next((i for i, (a, b) in enumerate(zip(theirs, mine)) if a != b), min(len(theirs), len(mine)))
    around = slice(max(0, at - 3), at + 5)
    print("differs:", [[tokenizer.id_to_token(i) for i in ids[around]] for ids in (theirs, mine)])


def compare(program, text, path, part, parts):
    tokenizer = Tokenizer.from_file(path)
    took = {"retort": 0.0, "tokenizers": 0.0}
    count = wrong = size = tokens = 0
    for piece in pieces(documents(text, part, parts)):
        ids, seconds = ours(program, path, piece)
        took["retort"] += seconds
        for document, mine in zip(piece, ids[: len(piece)], strict=True):
            mine = mine[mine >= 0].tolist()
            words = document.decode()
            begun = time.perf_counter()
            theirs = tokenizer.encode(words, add_special_tokens=False).ids
            took["tokenizers"] += time.perf_counter() - begun
            count, size, tokens = count + 1, size + len(document) + 1, tokens + len(mine)
            if theirs != mine:
                wrong += 1
                if wrong <= 3:
                    show_difference(tokenizer, theirs, mine)
    speeds = ", ".join(f"{name} {size / 1e6 / seconds:.2f} MB/s" for name, seconds in took.items())
    print(f"{path}: {wrong} of {count} documents differ; {size / 1e6:.1f} MB, {tokens} tokens; {speeds}, "
          f"{took['tokenizers'] / took['retort']:.1f} times as fast", flush=True)
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("text")
    parser.add_argument("tokenizers", nargs="+")
    parser.add_argument("--part", default="1/1")
    given = parser.parse_args()
    part, parts = map(int, given.part.split("/"))
    sys.exit(1 if sum(compare(given.program, given.text, path, part, parts) for path in given.tokenizers) else 0)


main()
