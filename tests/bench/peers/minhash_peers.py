"""The same work as bench_dedupe with datasketch and rensa: texts (JSON lines) to near duplicates at a Jaccard index of 0.8.

Shingles are made by the plainest Python that is right, and timed apart, so that the libraries are judged by their own
work. 128 permutations, five words a shingle, as retort has. datasketch gets a tenth of the texts: it is slow.
"""
import json
import re
import sys
import time

WORDS = re.compile(r"\w+")


def shingles(text):
    words = WORDS.findall(text.lower())
    return [" ".join(words[i : i + 5]) for i in range(max(1, len(words) - 4))]


def report(name, count, cut, sketch, search, dropped):
    each = 1e6 / count
    print(
        f"{name:<28} shingles {each * cut:8.1f}  sketch {each * sketch:8.1f}  search {each * search:8.1f}  "
        f"sketch+search {each * (sketch + search):8.1f} us of the processor a text, {dropped} of {count} dropped",
        flush=True,
    )


def with_datasketch(texts):
    from datasketch import MinHash, MinHashLSH

    started = time.process_time()
    sets = [[s.encode() for s in shingles(t)] for t in texts]
    cut = time.process_time()
    hashes = list(MinHash.generator(sets, num_perm=128))
    sketched = time.process_time()
    lsh = MinHashLSH(threshold=0.8, num_perm=128)
    dropped = 0
    for number, minhash in enumerate(hashes):
        if any(hashes[other].jaccard(minhash) >= 0.8 for other in lsh.query(minhash)):
            dropped += 1
        else:
            lsh.insert(number, minhash)
    report("datasketch", len(texts), cut - started, sketched - cut, time.process_time() - sketched, dropped)


def with_rensa(texts, method, bands):
    from rensa import RMinHash, RMinHashLSH

    started = time.process_time()
    sets = [shingles(t) for t in texts]
    cut = time.process_time()
    matrix = getattr(RMinHash, method)(sets, 128, 42)
    sketched = time.process_time()
    lsh = RMinHashLSH(threshold=0.8, num_perm=128, num_bands=bands)
    flags = lsh.query_duplicate_flags_matrix_one_shot(matrix)
    report(f"rensa, {method[27:] or method}", len(texts), cut - started, sketched - cut, time.process_time() - sketched, sum(map(bool, flags)))


def main():
    with open(sys.argv[1], encoding="utf-8") as lines:
        texts = [json.loads(line) for line in lines]
    for method in ("digest_matrix_from_token_sets", "digest_matrix_from_token_sets_rho"):
        with_rensa(texts, method, 16)
    with_datasketch(texts[: len(texts) // 10])


main()
