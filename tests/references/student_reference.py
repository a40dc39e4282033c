#!/usr/bin/env python3
"""Makes what tests/student expects of the student, with transformers and plain PyTorch (and gguf for its numbers).

    python3 tests/references/student_reference.py

writes tests/student/checkpoints/: three tiny random checkpoints with the logits that transformers computes, the losses of
twenty steps of fine-tuning, and blocks of quantised numbers with their values. Versions used: transformers 5.23, torch
2.15, gguf 0.19.
"""
import json
import math
import os

import gguf
import numpy
import torch
import transformers

HERE = os.path.join(os.path.dirname(__file__), "..", "student", "checkpoints")
SIZES = dict(vocab_size=100, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=2)
TOKENS = [5, 1, 7, 39, 20, 20, 3, 11, 2, 30, 8, 14]


def rounded(tensor):
    return [float(f"{x:.8g}") for x in tensor.flatten().tolist()]


def spread(model, seed):
    """Weights large enough that every part shows in the logits; norms and biases away from 1 and 0."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.copy_(1 + 0.3 * torch.randn_like(parameter))
            else:
                parameter.copy_((0.5 if "bias" in name else 0.3) * torch.randn_like(parameter))


def checkpoints():
    made = {
        "llama": (transformers.LlamaForCausalLM, transformers.LlamaConfig(
            **SIZES, attention_bias=True, mlp_bias=True, tie_word_embeddings=False, rms_norm_eps=1e-5,
            rope_parameters=dict(rope_type="llama3", rope_theta=50.0, factor=4.0, low_freq_factor=1.0,
                                 high_freq_factor=4.0, original_max_position_embeddings=32)), torch.bfloat16, "9KB"),
        "qwen2": (transformers.Qwen2ForCausalLM, transformers.Qwen2Config(
            **SIZES, tie_word_embeddings=True, rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=2.0)),
            torch.float32, "5GB"),
        "qwen3": (transformers.Qwen3ForCausalLM, transformers.Qwen3Config(
            **SIZES, head_dim=8, tie_word_embeddings=True,
            rope_parameters=dict(rope_type="yarn", rope_theta=100.0, factor=4.0, original_max_position_embeddings=16)),
            torch.float16, "5GB"),
    }
    for seed, (name, (kind, config, dtype, shard)) in enumerate(made.items()):
        model = kind(config)
        spread(model, seed)
        model.eval()
        with torch.no_grad():
            for parameter in model.parameters():  # not model.to(dtype): that would round the frequencies of RoPE too
                parameter.copy_(parameter.to(dtype))
            logits = model(torch.tensor([TOKENS])).logits[0]
        folder = os.path.join(HERE, name)
        model.to(dtype).save_pretrained(folder, max_shard_size=shard)
        with open(os.path.join(folder, "logits.json"), "w") as out:
            json.dump({"tokens": TOKENS, "logits": rounded(logits)}, out)


def rows(count, vocabulary=40):
    """As tiny_rows() in tests/student/support.h."""
    made = []
    for r in range(count):
        length = 4 + r * 7 % 11
        made.append(([(r * 5 + i * i * 3 + 1) % vocabulary for i in range(length)], 1 + r % 3))
    return made


class Lora(torch.nn.Module):
    def __init__(self, base, rank, scale, start):
        super().__init__()
        self.base, self.scale = base, scale
        inside, outside = base.in_features, base.out_features
        count = torch.arange(rank * inside, dtype=torch.float32)
        self.a = torch.nn.Parameter((torch.sin(count + start) * 0.2).view(rank, inside))
        self.b = torch.nn.Parameter(torch.zeros(outside, rank))

    def forward(self, x):
        return self.base(x) + x @ self.a.T @ self.b.T * self.scale


def twenty_steps(lora):
    """AdamW with decay of matrices only, clipping by the whole norm, warm-up and cosine: from their definitions."""
    model = transformers.AutoModelForCausalLM.from_pretrained(os.path.join(HERE, "qwen2"), dtype=torch.float32)
    model.train()
    matrices, others = [], []
    if lora:
        model.requires_grad_(False)
        start = 0
        for layer in model.model.layers:
            for part, name in ((layer.self_attn, "q_proj"), (layer.self_attn, "v_proj"), (layer.mlp, "down_proj")):
                adapted = Lora(getattr(part, name), 4, 8 / math.sqrt(4), start)
                setattr(part, name, adapted)
                matrices += [adapted.a, adapted.b]
                start += 1
    else:
        for name, parameter in model.named_parameters():
            (matrices if parameter.dim() == 2 and "embed" not in name else others).append(parameter)
    peak, steps, warm_up, floor, decay = 1e-2, 20, 2, 0.1, 0.1
    state = [(p, torch.zeros_like(p), torch.zeros_like(p), p_decays) for group, p_decays in ((matrices, decay), (others, 0))
             for p in group]
    losses = []
    for step in range(steps):
        total, count = 0, 0
        for tokens, learned_from in rows(10):
            logits = model(torch.tensor([tokens[:-1]])).logits[0]
            total = total + torch.nn.functional.cross_entropy(logits[learned_from - 1:],
                                                              torch.tensor(tokens[learned_from:]), reduction="sum")
            count += len(tokens) - learned_from
        loss = total / count
        losses.append(loss.item())
        for parameter, *_ in state:
            parameter.grad = None
        loss.backward()
        norm = torch.sqrt(sum((p.grad**2).sum() for p, *_ in state))
        scale = min(1.0, 1.0 / norm.item())
        if step < warm_up:
            rate = peak * (step + 1) / warm_up
        else:
            rate = peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up))))
        with torch.no_grad():
            for parameter, first, second, decays in state:
                gradient = parameter.grad * scale
                first.mul_(0.9).add_(gradient, alpha=0.1)
                second.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
                parameter.mul_(1 - rate * decays)
                denominator = (second / (1 - 0.99**(step + 1))).sqrt() + 1e-8
                parameter.addcdiv_(first / (1 - 0.9**(step + 1)), denominator, value=-rate)
    return losses


def quants():
    random = numpy.random.default_rng(7)
    made = {}
    for name in "Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K BF16 F16".split():
        kind = gguf.GGMLQuantizationType[name]
        block, size = gguf.GGML_QUANT_SIZES[kind]
        count = max(block, 32)
        data = random.integers(0, 256, size * count // block, dtype=numpy.uint8)
        halves = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
                  "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}.get(name, [])
        for at in halves:
            data[at:at + 2] = numpy.frombuffer(numpy.float16(random.normal() * 0.1).tobytes(), dtype=numpy.uint8)
        if name in ("BF16", "F16"):
            values = random.normal(size=count).astype(numpy.float32)
            data = gguf.quants.quantize(values, kind).view(numpy.uint8)
        floats = gguf.quants.dequantize(data, kind)
        made[name] = {"bytes": data.tobytes().hex(), "values": [float(f"{x:.8g}") for x in floats.flatten()[:count]]}
    values = (random.normal(size=64) * 0.3).astype(numpy.float32)
    made["to_q8_0"] = {"values": [float(f"{x:.9g}") for x in values],
                       "bytes": gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0).tobytes().hex()}
    return made


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    checkpoints()
    with open(os.path.join(HERE, "losses.json"), "w") as out:
        json.dump({"full": twenty_steps(False), "lora": twenty_steps(True)}, out)
    with open(os.path.join(HERE, "quants.json"), "w") as out:
        json.dump(quants(), out)
