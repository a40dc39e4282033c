#!/usr/bin/env python3
"""Holds what `retort convert` and `retort train` write against transformers, llama.cpp and PEFT (needs transformers, torch,
llama_cpp, tokenizers; for adapters peft).

    retort convert MODEL -o folder && retort convert MODEL -o f32.gguf && retort convert MODEL -o q8.gguf --numbers q8_0
    python3 tests/references/check_export.py folder f32.gguf q8.gguf
    python3 tests/references/check_export.py --tiny build/retort
    python3 tests/references/check_export.py --adapter MODEL-FOLDER RUN
    retort generate folder questions.jsonl -f jsonl --max-tokens 64 > answers.jsonl
    python3 tests/references/check_export.py --answers folder f32.gguf q8.gguf answers.jsonl

Greedy continuations of 64 tokens by llama.cpp on f32.gguf (cache in F32) must equal those of transformers on the folder;
on q8.gguf at least 98 % of the likeliest next tokens must be the same. --tiny does so with random Llama, Qwen2 and Qwen3
models that transformers makes; 80 % then, since what is random is sure of nothing. --adapter: the base with the run's adapter, loaded by PEFT, gives the logits of the run's
merged weights to 1e-5 of the largest. --answers: each token that retort chose must be llama.cpp's likeliest on f32.gguf; with the
numbers of q8.gguf made fp32 again at least 98 % of the likeliest stay, and llama.cpp's own products of q8.gguf are told. Exits with 1 if anything differs.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers

PROMPTS = ["The capital of France is", "def fibonacci(n):\n", "Once upon a time, in a village by the sea,",
           "Water boils at", "The three primary colours are"]
LENGTH = 64
TOKENIZER = pathlib.Path(__file__).resolve().parent.parent / "unit" / "tokenizer" / "tokenizer.json"


def llama(path):
    import llama_cpp
    return llama_cpp.Llama(str(path), n_ctx=512, logits_all=True, verbose=False, type_k=0, type_v=0, n_threads=2,
                           flash_attn=False)


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


def compare(folder, f32, q8, share=0.98):
    reference = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    reference.generation_config.eos_token_id = None  # goes on to the end, as greedy() does
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    exact, quantised = llama(f32), llama(q8)
    equal = same = places = 0
    for prompt in PROMPTS:
        tokens = tokenizer(prompt, add_special_tokens=False).input_ids
        assert tokens == exact.tokenize(prompt.encode(), add_bos=False, special=False), "tokenised otherwise"
        with torch.no_grad():
            wanted = reference.generate(torch.tensor([tokens]), max_new_tokens=LENGTH, do_sample=False, pad_token_id=0)[0, len(tokens):].tolist()
        got = greedy(exact, tokens)
        equal += got == wanted
        if got != wanted:
            print("differs:", repr(prompt), "at", [a == b for a, b in zip(got, wanted)].index(False))
        whole = tokens + wanted
        a, b = likeliest(exact, whole), likeliest(quantised, whole)
        same += sum(x == y for x, y in zip(a, b))
        places += len(whole)
    print(f"{folder}: equal continuations: {equal} of {len(PROMPTS)}; Q8_0: {same} of {places} likeliest tokens equal "
          f"({100 * same / places:.1f} %)", flush=True)
    return equal == len(PROMPTS) and same >= share * places


def tiny(retort):
    vocabulary = transformers.PreTrainedTokenizerFast(tokenizer_file=str(TOKENIZER))
    sizes = dict(vocab_size=len(vocabulary), hidden_size=64, intermediate_size=96, num_hidden_layers=2,
                 num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, bos_token_id=None,
                 eos_token_id=0)
    kinds = {
        "llama": (transformers.LlamaForCausalLM, transformers.LlamaConfig(**sizes, tie_word_embeddings=False)),
        "qwen2": (transformers.Qwen2ForCausalLM, transformers.Qwen2Config(**sizes, tie_word_embeddings=True)),
        "qwen3": (transformers.Qwen3ForCausalLM, transformers.Qwen3Config(**sizes, head_dim=32,
                                                                          tie_word_embeddings=False)),
    }
    good = True
    for seed, (name, (kind, config)) in enumerate(kinds.items()):
        torch.manual_seed(seed)
        model = kind(config)
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                parameter.copy_(1 + 0.3 * torch.randn_like(parameter) if "norm" in key else 0.3 * torch.randn_like(parameter))
        with tempfile.TemporaryDirectory() as folder:
            made = pathlib.Path(folder) / name
            model.save_pretrained(made)
            vocabulary.save_pretrained(made)
            outputs = [made.parent / "folder", made.parent / "f32.gguf", made.parent / "q8.gguf"]
            for output in outputs:
                numbers = ["--numbers", "q8_0"] if output.name == "q8.gguf" else []
                subprocess.run([retort, "convert", str(made), "-o", str(output), *numbers], check=True, capture_output=True)
            print(name, end=" ")
            good = compare(*outputs, share=0.8) and good
    return good


def adapter(base, run):
    import peft
    merged = transformers.AutoModelForCausalLM.from_pretrained(run, dtype=torch.float32)
    plain = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    tokens = torch.tensor([transformers.AutoTokenizer.from_pretrained(run)(" ".join(PROMPTS)).input_ids])
    with torch.no_grad():
        untaught, wanted = plain(tokens).logits, merged(tokens).logits
        got = peft.PeftModel.from_pretrained(plain, str(pathlib.Path(run) / "adapter")).eval()(tokens).logits
    largest = wanted.abs().max()
    difference, learned = ((got - wanted).abs().max() / largest).item(), ((untaught - wanted).abs().max() / largest).item()
    print(f"{run}: PEFT's logits differ by {difference:.2e} of the largest; the base's without the adapter by {learned:.2e}")
    return difference < 1e-5 < learned


def made_exact(q8, path):
    """The same file with its quantised numbers as fp32."""
    import gguf
    source = gguf.GGUFReader(q8)
    writer = gguf.GGUFWriter(path, "llama")
    for name, field in source.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            kind = field.types[0]
            writer.add_key_value(name, field.contents(), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    for tensor in source.tensors:
        writer.add_tensor(tensor.name, gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype("float32"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def answered(folder, f32, q8, answers):
    """What retort answered, place by place; `folder` must be of a model in the form of Llama."""
    template = transformers.AutoTokenizer.from_pretrained(folder)
    model, rows = llama(f32), []
    for line in map(json.loads, open(answers, encoding="utf-8")):
        prompt = template.apply_chat_template(line["messages"], tokenize=False, add_generation_prompt=True)
        begin = model.tokenize(prompt.encode(), add_bos=False, special=True)
        rows.append((len(begin), begin + model.tokenize(line["text"].encode(), add_bos=False, special=False)))

    def chosen(model):
        return [token for first, row in rows for token in likeliest(model, row)[first - 1:]]

    wanted = chosen(model)
    ours = [row[first:] for first, row in rows]
    theirs, at = [], 0
    for row in ours:
        theirs.append(wanted[at:at + len(row)])
        at += len(row) + 1
    equal = sum(a == b for x, y in zip(ours, theirs) for a, b in zip(x, y))
    total = sum(map(len, ours))
    shares = []
    with tempfile.TemporaryDirectory() as scratch:
        exact = str(pathlib.Path(scratch) / "exact.gguf")
        made_exact(q8, exact)
        for path in (exact, q8):
            shares.append(sum(a == b for a, b in zip(chosen(llama(path)), wanted)) / len(wanted))
    print(f"{equal} of {total} tokens of retort are llama.cpp's likeliest; of {len(wanted)} likeliest {100 * shares[0]:.1f} % stay with the "
          f"numbers of {q8}, {100 * shares[1]:.1f} % with llama.cpp's products of them")
    return equal == total and shares[0] >= 0.98


def main(words):
    if words[0] == "--answers":
        return answered(*words[1:])
    if words[0] == "--tiny":
        return tiny(*words[1:])
    return adapter(*words[1:]) if words[0] == "--adapter" else compare(*words)


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
