"""Points the official clients at the fake teacher's batch APIs, so that the fake is no invention of ours.

    python -m pip install openai anthropic
    python tests/references/check_batches.py build/fake-teacher

Each client goes through the whole life of a batch (upload, create, list, retrieve, results, cancel), with a question that is
refused and some that expire, and must read what the fake serves as its own types. Prints a line for each difference and a
summary; exits with 1 if anything differs, with 77 and a plain word if a client is not installed.
"""

import io
import json
import subprocess
import sys

try:
    import anthropic
    import openai
except ImportError as missing:
    print(f"skipped: the Python package '{missing.name}' is not installed")
    sys.exit(77)

problems = []
checks = 0


def check(what, seen, wanted):
    global checks
    checks += 1
    if seen != wanted:
        problems.append(f"{what}: {seen!r}, not {wanted!r}")


class Fake:
    def __init__(self, *options):
        self.process = subprocess.Popen([sys.argv[1], "--batches", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)


def ask(i):
    return {"model": "arithmetic", "max_tokens": 64, "messages": [{"role": "user", "content": f"What is {i} + 1?"}]}


def openai_lines(count):
    lines = [
        {"custom_id": f"q{i}", "method": "POST", "url": "/v1/chat/completions", "body": ask(i)} for i in range(count)
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def openai_batch(fake, count):
    client = openai.OpenAI(base_url=fake.url, api_key="k", max_retries=0)
    file = client.files.create(file=("q.jsonl", io.BytesIO(openai_lines(count))), purpose="batch")
    check("openai file", (file.object, file.purpose, file.filename), ("file", "batch", "q.jsonl"))
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"mine": "yes"}
    )
    check("openai created", (batch.object, batch.status, batch.input_file_id), ("batch", "validating", file.id))
    check("openai metadata", batch.metadata, {"mine": "yes"})
    return client, batch


def check_openai():
    with Fake("--batch-looks", "2", "--batch-end", "expired", "--batch-executed", "3", "--batch-bad", "is 1 +") as fake:
        client, batch = openai_batch(fake, 5)
        check("openai list", [one.id for one in client.batches.list(limit=1)], [batch.id])
        batch = client.batches.retrieve(batch.id)
        check("openai end", batch.status, "expired")
        counts = batch.request_counts
        check("openai counts", (counts.total, counts.completed, counts.failed), (5, 2, 3))
        lines = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
        check("openai output", {line["custom_id"] for line in lines}, {"q0", "q2"})
        for line in lines:
            reply = openai.types.chat.ChatCompletion.model_validate(line["response"]["body"])
            check("openai reply", (line["response"]["status_code"], reply.choices[0].finish_reason), (200, "stop"))
        errors = {
            line["custom_id"]: line for line in map(json.loads, client.files.content(batch.error_file_id).text.splitlines())
        }
        check("openai errors", set(errors), {"q1", "q3", "q4"})
        check("openai refused", errors["q1"]["response"]["status_code"], 400)
        check("openai expired", errors["q4"]["error"]["code"], "batch_expired")
    with Fake("--batch-looks", "100") as fake:
        client, batch = openai_batch(fake, 2)
        check("openai cancel", client.batches.cancel(batch.id).status, "cancelling")
        try:
            client.batches.retrieve("batch_none")
            problems.append("openai: no error for a batch that is not there")
        except openai.NotFoundError:
            pass
    with Fake("--batch-end", "failed") as fake:
        client, batch = openai_batch(fake, 2)
        batch = client.batches.retrieve(batch.id)
        check("openai failed", (batch.status, batch.errors.data[0].line), ("failed", 1))


def check_anthropic():
    with Fake("--batch-looks", "2", "--batch-end", "expired", "--batch-executed", "3", "--batch-bad", "is 1 +") as fake:
        client = anthropic.Anthropic(base_url=fake.url.removesuffix("/v1"), api_key="k", max_retries=0)
        batches = client.messages.batches
        batch = batches.create(requests=[{"custom_id": f"q{i}", "params": ask(i)} for i in range(5)])
        check("anthropic created", (batch.type, batch.processing_status), ("message_batch", "in_progress"))
        check("anthropic counts", batch.request_counts.processing, 5)
        check("anthropic list", [one.id for one in batches.list(limit=1)], [batch.id])
        batch = batches.retrieve(batch.id)
        check("anthropic end", batch.processing_status, "ended")
        counts = batch.request_counts
        seen = (counts.succeeded, counts.errored, counts.expired, counts.canceled, counts.processing)
        check("anthropic end counts", seen, (2, 1, 2, 0, 0))
        # The client follows results_url, which names another host here, on purpose: ours must not. Read at its own place.
        raw = client.get(f"/v1/messages/batches/{batch.id}/results", cast_to=str)
        types = {}
        for line in raw.splitlines():
            one = anthropic.types.messages.MessageBatchIndividualResponse.model_validate(json.loads(line))
            types[one.custom_id] = one.result.type
            if one.result.type == "succeeded":
                check("anthropic reply", one.result.message.stop_reason, "end_turn")
            if one.result.type == "errored":
                check("anthropic error", one.result.error.error.type, "invalid_request_error")
        wanted = {"q0": "succeeded", "q1": "errored", "q2": "succeeded", "q3": "expired", "q4": "expired"}
        check("anthropic results", types, wanted)
    with Fake("--batch-looks", "100") as fake:
        client = anthropic.Anthropic(base_url=fake.url.removesuffix("/v1"), api_key="k", max_retries=0)
        batch = client.messages.batches.create(requests=[{"custom_id": "q", "params": ask(1)}])
        check("anthropic cancel", client.messages.batches.cancel(batch.id).processing_status, "canceling")


check_openai()
check_anthropic()
for problem in problems:
    print(problem)
print(f"{checks} checks, {len(problems)} differences (openai {openai.__version__}, anthropic {anthropic.__version__})")
sys.exit(1 if problems else 0)
