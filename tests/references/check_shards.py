#!/usr/bin/env python3
"""Holds token shards against the loaders of others (needs numpy, tokenizers, and megatron-core for Megatron's own).

    retort export -f llmc --tokenizer FOLDER -o l.bin        # the same view each time
    retort export -f nanogpt --tokenizer FOLDER -o n/train.bin
    retort export -f megatron --tokenizer FOLDER -o m
    retort export --tokenizer FOLDER -f llmc --shard-tokens 3000 -o s.bin
    python3 tests/references/check_shards.py l.bin n/train.bin m 's_*.bin' [FOLDER/tokenizer.json]

The three files must hold the same tokens, the shards of s.bin too, in order. With a tokenizer.json the first pair is shown.
"""
import glob
import os
import pickle
import sys

import numpy as np


def llmc(path):
    """As dev/data and dataloader.h of llm.c do."""
    header = np.fromfile(path, dtype=np.int32, count=256)
    dtype = {(20240520, 1): np.uint16, (20240801, 7): np.uint32}[(int(header[0]), int(header[1]))]
    tokens = np.fromfile(path, dtype=dtype, offset=1024)
    assert len(tokens) == header[2], "the header says another number of tokens"
    assert os.path.getsize(path) == 1024 + header[2] * tokens.itemsize
    return tokens


def main():
    one, train, prefix, pattern = sys.argv[1:5]
    tokens = llmc(one)
    raw = np.memmap(train, dtype=tokens.dtype, mode="r")
    assert (raw == tokens).all(), "nanoGPT's file differs"
    meta = pickle.load(open(os.path.join(os.path.dirname(train), "meta.pkl"), "rb"))
    assert tokens.max() < meta["vocab_size"]
    shards = [llmc(path) for path in sorted(glob.glob(pattern))]
    assert (np.concatenate(shards) == tokens).all(), "the shards differ"

    from megatron.core.datasets.indexed_dataset import IndexedDataset
    dataset = IndexedDataset(prefix)
    rows = [dataset[i] for i in range(len(dataset))]
    assert (np.concatenate(rows) == tokens).all(), "Megatron's data set differs"
    assert list(dataset.document_indices) == list(range(len(dataset) + 1))
    if len(sys.argv) > 5:
        import tokenizers
        print(tokenizers.Tokenizer.from_file(sys.argv[5]).decode([int(t) for t in rows[0]], skip_special_tokens=False))
    print(f"{len(rows)} pairs, {len(tokens)} tokens of {tokens.dtype}, {len(shards)} shards: all equal")


main()
