"""Harvests a real llama.cpp server with the retort command line and asks it the same with the official `openai` client:
what the corpus holds must be what the client receives.

    python -m pip install 'llama-cpp-python[server]' openai
    python tests/references/check_llama_server.py build/retort MODEL.gguf

Starts llama-cpp-python's server (one thread, one request at a time) with the model, any small one that chats, such as
SmolLM2-135M-Instruct. Both clients ask the same questions in the same order with the same seeds, in the dialects openai-chat
and openai-completions, streaming and not. Compared are text, finish reason, usage, served model, and the log probabilities:
each token's bytes and value, and its alternatives by token. A token's own value is stored as a float of 32 bits, an
alternative's in half precision, so these are compared to 2^-10 of their size. An empty text that ends by itself is an
answer to the client and none to us: it must stand in the corpus as failed, null_content. Prints a line for each difference
and two for each way of asking, with what a token's log probabilities take in the corpus; exits with 1 if anything differs,
with 77 and a plain word if a package is missing.

The server computes on from the longest beginning that a question shares with the one before, which changes the last bits of
its numbers; so before either client begins, one and the same question brings the server into the same state.
"""

import json
import pathlib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

try:
    import llama_cpp.server  # noqa: F401
    import openai
except ImportError as missing:
    print(f"skipped: the Python package '{missing.name}' is not installed")
    sys.exit(77)

QUESTIONS = {
    "openai-chat": [
        "Name three colours.",
        "What is 12 + 30? Answer with the number alone.",
        "Say hello in French, with an emoji. 🙂",
        "Write one sentence about the sea.",
        "Schreibe ein Wort mit Umlaut: ä, ö oder ü.",
    ],
    "openai-completions": [
        "The three primary colours are",
        "12 + 30 =",
        "Bonjour 🙂, je",
        "The sea is",
        "Say nothing.",  # this model says nothing: an empty text, which we call no answer
    ],
}
SAMPLES = 2
SEED = 11
TOKENS = 20
ALTERNATIVES = 3
MODES = [(dialect, stream) for dialect in ("openai-chat", "openai-completions") for stream in (False, True)]


def free_port():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


class Server:
    def __init__(self, model, log):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        words = [sys.executable, "-m", "llama_cpp.server", "--model", model, "--model_alias", "m", "--n_ctx", "1024",
                 "--n_threads", "1", "--n_threads_batch", "1", "--logits_all", "true", "--interrupt_requests", "false",
                 "--host", "127.0.0.1", "--port", str(self.port)]  # fmt: skip
        self.process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        for _ in range(240):
            try:
                urllib.request.urlopen(self.url + "/models", timeout=5).read()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.5)
        self.stop()
        raise SystemExit("the server did not start")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def profile(server, dialect, stream):
    return f"""[teacher.llama]
api = "{dialect}"
base_url = "{server.url}"
model = "m"
licence = "unstated"
outputs_may_train = true
max_in_flight = 1
stream = {str(stream).lower()}
[teacher.llama.parameters]
temperature = 0.9
top_p = 0.95
seed = {SEED}
max_tokens = {TOKENS}
logprobs = true
top_logprobs = {ALTERNATIVES}
"""


def harvested(retort, folder):
    """What the corpus holds of each (question, sample)."""
    words = [retort, "harvest", "prompts.jsonl", "-t", "llama", "-n", str(SAMPLES), "-q"]
    ended = subprocess.run(words, cwd=folder, timeout=900, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if ended.returncode not in (0, 3):
        raise SystemExit(ended.stderr)
    corpus = sqlite3.connect(folder / "corpus.db")
    held = {}
    failed = """SELECT prompt.messages, request.sample, attempt.error
                  FROM attempt JOIN request ON request.id = attempt.request_id AND request.status = 'failed'
                  JOIN prompt ON prompt.id = request.prompt_id"""
    for messages, sample, error in corpus.execute(failed):
        held[json.loads(messages)[-1]["content"], sample] = {"text": "", "error": error}
    rows = corpus.execute(
        """SELECT prompt.messages, request.sample, response.id, response.text, response.finish, response.input_tokens,
                  response.output_tokens, response.served_model
             FROM response JOIN request ON request.response_id = response.id
             JOIN prompt ON prompt.id = request.prompt_id"""
    )
    for messages, sample, response, text, finish, given, written, served in rows:
        words = [retort, "show", str(response), "-c", "corpus.db", "--json", "--logprobs"]
        shown = subprocess.run(words, cwd=folder, check=True, timeout=60, capture_output=True).stdout
        tokens = [
            (bytes(token["bytes"]), token["logprob"], [(top["token"], top["logprob"]) for top in token["top_logprobs"]])
            for token in json.loads(shown)["logprobs"]
        ]
        question = json.loads(messages)[-1]["content"]
        held[question, sample] = {"text": text, "finish": finish, "usage": (given, written), "model": served,
                                  "tokens": tokens}  # fmt: skip
    return held


def ask(client, dialect, stream, question, seed):
    """The same from the official client."""
    shape = {"model": "m", "temperature": 0.9, "top_p": 0.95, "max_tokens": TOKENS, "seed": seed}
    if dialect == "openai-chat":
        messages = [{"role": "user", "content": question}]
        reply = client.chat.completions.create(
            messages=messages, logprobs=True, top_logprobs=ALTERNATIVES, stream=stream, **shape
        )
    else:
        reply = client.completions.create(prompt=question, logprobs=ALTERNATIVES, stream=stream, **shape)
    text, finish, tokens, usage, model = "", None, [], None, ""
    for part in reply if stream else [reply]:
        model = part.model
        if getattr(part, "usage", None):
            usage = (part.usage.prompt_tokens, part.usage.completion_tokens)
        for choice in part.choices:
            finish = choice.finish_reason or finish
            if dialect == "openai-completions":
                text += choice.text
                if choice.logprobs:
                    tokens += [
                        (token.encode(), value, list((tops or {}).items()))
                        for token, value, tops in zip(
                            choice.logprobs.tokens, choice.logprobs.token_logprobs, choice.logprobs.top_logprobs
                        )
                    ]
                continue
            text += (choice.delta if stream else choice.message).content or ""
            if choice.logprobs:
                tokens += [
                    (
                        bytes(token.bytes) if token.bytes is not None else token.token.encode(),
                        token.logprob,
                        [(top.token, top.logprob) for top in token.top_logprobs],
                    )
                    for token in choice.logprobs.content
                ]
    return {"text": text, "finish": finish, "usage": usage, "model": model, "tokens": tokens}


def differences(ours, theirs):
    if "error" in ours:
        if theirs["text"] or ours["error"] != "null_content":
            yield f"no answer ({ours['error']}), the client has {theirs['text']!r}"
        return
    for key in ("text", "finish", "model"):
        if ours[key] != theirs[key]:
            yield f"{key}: {ours[key]!r}, the client has {theirs[key]!r}"
    # This server's streams say nothing of usage: then nothing is stored.
    if ours["usage"] != (theirs["usage"] or (None, None)):
        yield f"usage: {ours['usage']}, the client has {theirs['usage']}"
    if len(ours["tokens"]) != len(theirs["tokens"]):
        yield f"{len(ours['tokens'])} tokens, the client has {len(theirs['tokens'])}"
    for place, (one, other) in enumerate(zip(ours["tokens"], theirs["tokens"])):
        if one[0] != other[0]:
            yield f"token {place}: {one[0]!r}, the client has {other[0]!r}"
        if abs(one[1] - other[1]) > 1e-6 * abs(other[1]):
            yield f"token {place}: {one[1]}, the client has {other[1]}"
        near = dict(other[2])
        if {word for word, _ in one[2]} != set(near):
            yield f"token {place}: alternatives {one[2]}, the client has {other[2]}"
        for word, value in one[2]:
            if word in near and abs(value - near[word]) > abs(near[word]) * 2**-10:
                yield f"token {place}: alternative {word!r} {value}, the client has {near[word]}"


def sizes(folder):
    """Bytes of a token's log probabilities in the corpus."""
    query = "SELECT sum(tokens), sum(bytes), sum(length(body)) FROM logprobs"
    tokens, packed, stored = sqlite3.connect(folder / "corpus.db").execute(query).fetchone()
    return packed / tokens, stored / tokens


def main(retort, model):
    retort = str(pathlib.Path(retort).resolve())
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch, open(pathlib.Path(scratch) / "server.log", "wb") as log:
        server = Server(model, log)
        try:
            client = openai.OpenAI(base_url=server.url, api_key="none", max_retries=0, timeout=300)
            for number, (dialect, stream) in enumerate(MODES):
                folder = pathlib.Path(scratch) / str(number)
                folder.mkdir()
                (folder / "retort.toml").write_text(profile(server, dialect, stream))
                rows = [json.dumps({"prompt": question}) + "\n" for question in QUESTIONS[dialect]]
                (folder / "prompts.jsonl").write_text("".join(rows))
                ask(client, dialect, stream, "Begin.", SEED)
                ours = harvested(retort, folder)
                ask(client, dialect, stream, "Begin.", SEED)
                tokens = tops = 0
                for question in QUESTIONS[dialect]:
                    for sample in range(SAMPLES):
                        theirs = ask(client, dialect, stream, question, SEED + sample)
                        found = list(differences(ours[question, sample], theirs))
                        for line in found:
                            print(f"{dialect}{', stream' if stream else ''}: {question!r} #{sample}: {line}")
                        wrong += len(found)
                        tokens += len(theirs["tokens"])
                        tops += sum(len(token[2]) for token in theirs["tokens"])
                print(f"{dialect}, {'stream' if stream else 'whole'}: {len(ours)} replies, {tokens} tokens with {tops}"
                      " alternatives compared")  # fmt: skip
                packed, stored = sizes(folder)
                print(f"  a token took {packed:.1f} bytes packed, {stored:.1f} as stored")
                wrong += len(ours) != len(QUESTIONS[dialect]) * SAMPLES or tokens == 0 or tops == 0
        finally:
            server.stop()
    print("equal" if wrong == 0 else f"{wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
