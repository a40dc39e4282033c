#!/usr/bin/env python3
"""Loads each export format with `datasets`, as it is, and trains a few steps on it with `trl` (needs datasets, trl, torch, and
zstandard for .zst files).

    python3 tests/references/check_trl.py build/retort

Makes a corpus of its own, exports it in every format of lines, plain and compressed, and trains a tiny model of random
weights: SFTTrainer on chat and prompt-completion lines, DPOTrainer on preference lines. Fails if a file does not load, loses a
line or a key, or a loss is no number.
"""
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", CUDA_VISIBLE_DEVICES="")
import datasets
import torch
import transformers
import trl

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATE = """{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"""
RECIPE = """name = "pairs"
[[stage]]
stage = "verify"
grader = "exact"
[preference]
per_prompt = 4
"""


def retort(program, *words):
    done = subprocess.run([program, *words], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"retort {' '.join(words)}: exit {done.returncode}\n{done.stderr}")


def make_exports(program):
    """Every format of lines, from one corpus of two answers a prompt: the first is right, the second wrong."""
    with open("in.jsonl", "w") as file:
        for i in range(48):
            for answer in (2 * i, 2 * i + 1):
                messages = [{"role": "user", "content": f"What is {i} + {i}? Ünïcode “quotes”."},
                            {"role": "assistant", "content": f"{answer}", "reasoning_content": "Twice." if i % 3 else ""}]
                file.write(json.dumps({"messages": messages, "reference": str(2 * i)}) + "\n")
    retort(program, "import", "in.jsonl", "--may-train", "yes", "--licence", "MIT")
    for name, words in {"chat.jsonl": [], "chat.jsonl.gz": [], "chat.jsonl.zst": [], "bare.jsonl": ["--bare", "--reasoning", "inline"],
                        "pc.jsonl": ["-f", "prompt-completion"], "plain.jsonl": ["-f", "prompt-completion", "--plain"],
                        "alpaca.jsonl": ["-f", "alpaca"], "sharegpt.jsonl": ["-f", "sharegpt"]}.items():
        retort(program, "export", "-o", name, *words)
    with open("recipe.toml", "w") as file:
        file.write(RECIPE)
    retort(program, "curate", "--recipe", "recipe.toml")
    retort(program, "export", "--view", "pairs", "-f", "preference", "-o", "preference.jsonl")


def tiny_model():
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(ROOT / "tests/unit/tokenizer/tokenizer.json"), eos_token="<|end|>",
                                                     pad_token="<|end|>")
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(1)
    config = transformers.LlamaConfig(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
                                      max_position_embeddings=512, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id)
    return transformers.LlamaForCausalLM(config), tokenizer


def train(trainer_class, config_class, name, data):
    model, tokenizer = tiny_model()
    settings = config_class(output_dir="out", max_steps=4, per_device_train_batch_size=4, logging_steps=1, report_to=[], use_cpu=True, bf16=False,
                            save_strategy="no", learning_rate=1e-3, disable_tqdm=True, max_length=256)
    more = {"ref_model": tiny_model()[0]} if trainer_class is trl.DPOTrainer else {}
    trainer = trainer_class(model=model, args=settings, train_dataset=data, processing_class=tokenizer, **more)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 4 and all(math.isfinite(float(loss)) for loss in losses), losses
    print(f"{trainer_class.__name__} on {name}: losses {[round(float(loss), 3) for loss in losses]}")


def load(name):
    lines = 0 if name.endswith((".gz", ".zst")) else sum(1 for _ in open(name))
    data = datasets.load_dataset("json", data_files=name, split="train", cache_dir="cache")
    assert lines in (0, len(data)), (name, lines, len(data))
    print(f"{name}: {len(data)} rows, {sorted(data.column_names)}")
    return data


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_exports(program)
        chat = load("chat.jsonl")
        for name in ["chat.jsonl.gz", "chat.jsonl.zst"]:
            assert load(name).to_list() == chat.to_list(), name
        for name in ["bare.jsonl", "pc.jsonl", "plain.jsonl", "alpaca.jsonl", "sharegpt.jsonl"]:
            assert len(load(name)) == len(chat)
        for name in ["chat.jsonl", "bare.jsonl", "pc.jsonl", "plain.jsonl"]:
            train(trl.SFTTrainer, trl.SFTConfig, name, load(name))
        train(trl.DPOTrainer, trl.DPOConfig, "preference.jsonl", load("preference.jsonl"))


main()
