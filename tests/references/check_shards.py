#!/usr/bin/env python3
"""Holds token shards against the loaders of others (needs numpy, tokenizers, and megatron-core for Megatron's own).

    retort export -f llmc --tokenizer FOLDER -o l.bin        # the same view each time
    retort export -f nanogpt --tokenizer FOLDER -o n/train.bin
    retort export -f megatron --tokenizer FOLDER -o m
    retort export --tokenizer FOLDER -f llmc --shard-tokens 3000 -o s.bin
    python3 tests/references/check_shards.py l.bin n/train.bin m 's_*.bin' [FOLDER/tokenizer.json]

    python3 tests/references/check_shards.py build/retort    # (needs transformers) all of it with a corpus of its own

The three files must hold the same tokens, the shards of s.bin too, in order. With a tokenizer.json the first pair is shown. Given retort
alone, each pair's tokens must also be those that transformers gives the exported messages, by the same tokenizer.json and template (which
makes special tokens of what people write as well: none of them writes one here).
"""
import glob
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile

import numpy as np

TOKENIZER = pathlib.Path(__file__).resolve().parents[1] / "unit" / "tokenizer" / "tokenizer.json"
TEMPLATE = """{%- for m in messages %}{{- '<|' + m['role'] + '|>' }}{%- if m['reasoning_content'] %}{{- '<think>' + m['reasoning_content'] + '</think>' }}{%- endif %}{{- m['content'] + '<|end|>' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}"""


def llmc(path):
    """As dev/data and dataloader.h of llm.c do."""
    header = np.fromfile(path, dtype=np.int32, count=256)
    dtype = {(20240520, 1): np.uint16, (20240801, 7): np.uint32}[(int(header[0]), int(header[1]))]
    tokens = np.fromfile(path, dtype=dtype, offset=1024)
    assert len(tokens) == header[2], "the header says another number of tokens"
    assert os.path.getsize(path) == 1024 + header[2] * tokens.itemsize
    return tokens


def check(one, train, prefix, pattern):
    """The pairs' tokens, as Megatron's own class reads them."""
    tokens = llmc(one)
    raw = np.memmap(train, dtype=tokens.dtype, mode="r")
    assert (raw == tokens).all(), "nanoGPT's file differs"
    meta = pickle.load(open(os.path.join(os.path.dirname(train), "meta.pkl"), "rb"))
    assert tokens.max() < meta["vocab_size"]
    shards = [llmc(path) for path in sorted(glob.glob(pattern))]
    assert (np.concatenate(shards) == tokens).all(), "the shards differ"

    from megatron.core.datasets.indexed_dataset import IndexedDataset
    dataset = IndexedDataset(prefix)
    rows = [np.array(dataset[i]) for i in range(len(dataset))]  # the map ends with the data set
    assert (np.concatenate(rows) == tokens).all(), "Megatron's data set differs"
    assert list(dataset.document_indices) == list(range(len(dataset) + 1))
    print(f"{len(rows)} pairs, {len(tokens)} tokens of {tokens.dtype}, {len(shards)} shards: all equal")
    return rows


def check_all(retort, pairs=500):
    """Shards of a corpus of its own, against transformers' tokens of the chat lines that retort exports of it."""
    with open("in.jsonl", "w") as file:
        for i in range(pairs):
            messages = [{"role": "system", "content": "Be brief."}] if i % 5 == 0 else []
            messages += [{"role": "user", "content": f"What is {i}\u00b2?  Ünïcode “quotes”, 日本語, \U0001f40d\n\tand all."},
                         {"role": "assistant", "content": f"It is {i * i}." + " Indeed." * (i % 40), "reasoning_content": "Squared." if i % 3 else ""}]
            file.write(json.dumps({"messages": messages}) + "\n")
    with open("template.jinja", "w") as file:
        file.write(TEMPLATE)
    os.mkdir("n")

    def run(*words):
        subprocess.run([retort, *words], check=True, capture_output=True)

    run("import", "in.jsonl", "--may-train", "yes")
    run("export", "-o", "chat.jsonl")
    tokens = ["--tokenizer", str(TOKENIZER), "--chat-template", "template.jinja"]
    for form, name in (("llmc", "l.bin"), ("nanogpt", "n/train.bin"), ("megatron", "m")):
        run("export", "-f", form, *tokens, "-o", name)
    run("export", "-f", "llmc", *tokens, "--shard-tokens", "3000", "-o", "s.bin")

    import transformers
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(TOKENIZER))
    expected = []
    with open("chat.jsonl") as file:
        for line in file:
            text = tokenizer.apply_chat_template(json.loads(line)["messages"], chat_template=TEMPLATE, tokenize=False)
            expected.append(tokenizer(text, add_special_tokens=False)["input_ids"])
    rows = check("l.bin", "n/train.bin", "m", "s_*.bin")
    assert len(expected) == len(rows) == pairs
    for number, (row, tokens) in enumerate(zip(rows, expected)):
        assert list(row) == tokens, (number, list(row), tokens)
    print(f"{len(rows)} pairs: the tokens that transformers gives them")


def main():
    if len(sys.argv) == 2:
        retort = str(pathlib.Path(sys.argv[1]).resolve())
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            check_all(retort)
        return
    rows = check(*sys.argv[1:5])
    if len(sys.argv) > 5:
        import tokenizers
        print(tokenizers.Tokenizer.from_file(sys.argv[5]).decode([int(t) for t in rows[0]], skip_special_tokens=False))


main()
