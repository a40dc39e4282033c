"""Compares bench_tokenizer with Python's `tokenizers`, id for id, and the time of both on one thread.

    python tests/references/make_tokenizer_text.py /tmp/text 100
    python tests/bench/peers/tokenizers_compare.py build/bench_tokenizer /tmp/text tokenizer.json...
"""
import os
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
import numpy
from tokenizers import Tokenizer


def main():
    program, text, *paths = sys.argv[1:]
    documents = open(text, encoding="utf-8", newline="").read().split("\0")[:-1]
    for path in paths:
        with tempfile.NamedTemporaryFile() as file:
            ours = subprocess.run([program, path, text, file.name], check=True, capture_output=True, text=True).stdout
            ids = numpy.fromfile(file.name, dtype=numpy.int32)
        ends = numpy.flatnonzero(ids == -1)
        tokenizer = Tokenizer.from_file(path)
        seconds, begin, wrong, size = 0.0, 0, 0, 0
        for document, end in zip(documents, ends, strict=True):
            size += len(document.encode()) + 1
            begun = time.perf_counter()
            encoding = tokenizer.encode(document, add_special_tokens=False)
            seconds += time.perf_counter() - begun
            if encoding.ids != ids[begin:end].tolist():
                wrong += 1
                if wrong <= 3:
                    theirs, mine = encoding.ids, ids[begin:end].tolist()
                    at = next((i for i, (a, b) in enumerate(zip(theirs, mine)) if a != b), min(len(theirs), len(mine)))
                    print("differs:", [tokenizer.id_to_token(i) for i in theirs[max(0, at - 3) : at + 5]],
                          [tokenizer.id_to_token(i) for i in mine[max(0, at - 3) : at + 5]])
            begin = end + 1
        print(f"{path}: ours {ours.strip()}; tokenizers {seconds:.2f} s, {size / 1e6 / seconds:.1f} MB/s; "
              f"{wrong} of {len(documents)} documents differ", flush=True)


main()
