#!/usr/bin/env python3
"""Holds what `retort convert` writes against transformers and llama.cpp (needs transformers, torch, llama_cpp).

    retort convert MODEL -o folder && retort convert MODEL -o f32.gguf && retort convert MODEL -o q8.gguf --numbers q8_0
    python3 tests/references/check_export.py folder f32.gguf q8.gguf

Greedy continuations of 64 tokens by llama.cpp on f32.gguf (cache in F32) must equal those of transformers on the folder;
on q8.gguf at least 98 % of the likeliest next tokens must be the same.
"""
import sys

import llama_cpp
import torch
import transformers

PROMPTS = ["The capital of France is", "def fibonacci(n):\n", "Once upon a time, in a village by the sea,",
           "Water boils at", "The three primary colours are"]
LENGTH = 64


def llama(path):
    return llama_cpp.Llama(path, n_ctx=512, logits_all=True, verbose=False, type_k=0, type_v=0, n_threads=2, flash_attn=False)


def likeliest(model, tokens):
    """The likeliest next token after each place."""
    model.reset()
    model.eval(tokens)
    return [int(row.argmax()) for row in model.scores[:len(tokens)]]


def greedy(model, tokens):
    model.reset()
    model.eval(tokens)
    made = []
    while len(made) < LENGTH:
        made.append(int(model.scores[model.n_tokens - 1].argmax()))
        model.eval([made[-1]])
    return made


def main(folder, f32, q8):
    reference = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    exact, quantised = llama(f32), llama(q8)
    equal = same = places = 0
    for prompt in PROMPTS:
        tokens = tokenizer(prompt, add_special_tokens=False).input_ids
        assert tokens == exact.tokenize(prompt.encode(), add_bos=False, special=False), "tokenised otherwise"
        with torch.no_grad():
            wanted = reference.generate(torch.tensor([tokens]), max_new_tokens=LENGTH, min_new_tokens=LENGTH,
                                        do_sample=False, pad_token_id=0)[0, len(tokens):].tolist()
        got = greedy(exact, tokens)
        equal += got == wanted
        if got != wanted:
            print("differs:", repr(prompt), "at", [a == b for a, b in zip(got, wanted)].index(False))
        whole = tokens + wanted
        a, b = likeliest(exact, whole), likeliest(quantised, whole)
        same += sum(x == y for x, y in zip(a, b))
        places += len(whole)
    print(f"equal continuations: {equal} of {len(PROMPTS)}; Q8_0: {same} of {places} likeliest tokens equal "
          f"({100 * same / places:.1f} %)")


if __name__ == "__main__":
    main(*sys.argv[1:])
