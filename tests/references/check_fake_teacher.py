"""Points the official `openai` client at the fake teacher, so that what our tests are answered is no invention of ours.

    python -m pip install openai
    python tests/references/check_fake_teacher.py build/fake-teacher

The client, with its own types and checks, must read answers (one, several, streamed, byte by byte, compressed), what they
used, how they ended, and each kind of refusal as the exception that it has for it. Prints a line for each difference and a
summary; exits with 1 if anything differs, with 77 and a plain word if the client is not installed.
"""

import subprocess
import sys

try:
    import openai
except ImportError as missing:
    print(f"skipped: the Python package '{missing.name}' is not installed")
    sys.exit(77)

problems = []
checks = 0
QUESTION = {"model": "arithmetic", "messages": [{"role": "user", "content": "What is 12 + 34?"}]}
ANSWERS = ["", "gzip", "chunked", "until_close", "huge_number", "wrong_type_ct", "esc_nul", "wrong_id"]
REFUSALS = {
    "400": openai.BadRequestError,
    "401": openai.AuthenticationError,
    "403": openai.PermissionDeniedError,
    "404": openai.NotFoundError,
    "409": openai.ConflictError,
    "422": openai.UnprocessableEntityError,
    "429": openai.RateLimitError,
    "429_ms": openai.RateLimitError,
    "insufficient_quota": openai.RateLimitError,
    "500": openai.InternalServerError,
    "502_html": openai.InternalServerError,
    "503": openai.InternalServerError,
    "529": openai.InternalServerError,
    "key_echo": openai.AuthenticationError,
    "reset": openai.APIConnectionError,
    "close": openai.APIConnectionError,
}


def check(what, seen, wanted):
    global checks
    checks += 1
    if seen != wanted:
        problems.append(f"{what}: {seen!r}, not {wanted!r}")


class Fake:
    def __init__(self, fault=""):
        words = [sys.argv[1]] + ([f"then: {fault}"] if fault else [])
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.client = openai.OpenAI(base_url=self.process.stdout.readline().strip(), api_key="k", max_retries=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)

    def ask(self, **more):
        return self.client.chat.completions.create(**QUESTION, **more)


def usage_holds(what, usage):
    check(what + ": usage", usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
    check(what + ": something was used", usage.prompt_tokens > 0 and usage.completion_tokens > 0, True)


def whole_answers():
    with Fake() as fake:
        right = fake.ask()
        check("the answer", "46" in right.choices[0].message.content, True)
        check("its end", right.choices[0].finish_reason, "stop")
        check("its model", right.model, "arithmetic")
        usage_holds("the answer", right.usage)
        several = fake.ask(n=3)
        check("several", [choice.index for choice in several.choices], [0, 1, 2])
        check("cut at its limit", fake.ask(max_tokens=1).choices[0].finish_reason, "length")
        check("the models", [model.id for model in fake.client.models.list()], ["arithmetic"])
    for fault in ANSWERS[1:]:
        with Fake(fault) as fake:
            reply = fake.ask()
            check(fault, reply.choices[0].finish_reason, "stop")
            if fault not in ("esc_nul",):
                check(fault, reply.choices[0].message.content, right.choices[0].message.content)
    for fault in ("length", "content_filter"):
        with Fake(fault) as fake:
            check(fault, fake.ask().choices[0].finish_reason, fault)
    return right


def streams(right):
    for fault in ("", "stream_comments", "stream_bytes"):
        with Fake(fault) as fake:
            text, finish, usage = "", None, None
            for chunk in fake.ask(stream=True, stream_options={"include_usage": True}):
                for choice in chunk.choices:
                    text += choice.delta.content or ""
                    finish = choice.finish_reason or finish
                usage = chunk.usage or usage
            what = "stream " + fault
            check(what, text, right.choices[0].message.content)
            check(what, finish, "stop")
            check(what, usage and usage.completion_tokens, right.usage.completion_tokens)
    for fault in ("stream_cut", "stream_reset", "stream_error"):
        with Fake(fault) as fake:
            try:
                for _ in fake.ask(stream=True):
                    pass
                check(fault, "ended", "raised")
            except Exception as raised:  # httpx's own where the client has none
                check(fault, type(raised).__name__ in ("APIError", "RemoteProtocolError", "ReadError", "APIConnectionError"), True)


def refusals():
    for fault, kind in REFUSALS.items():
        with Fake(fault) as fake:
            try:
                fake.ask()
                check(fault, "answered", kind.__name__)
            except openai.OpenAIError as raised:
                check(fault, type(raised).__name__, kind.__name__)
                if fault == "429":
                    check(fault, raised.response.headers["retry-after"], "1")
                if fault == "insufficient_quota":
                    check(fault, raised.code, "insufficient_quota")


streams(whole_answers())
refusals()
print("\n".join(problems + [f"{checks} checks with openai {openai.__version__}, {len(problems)} differences"]))
sys.exit(1 if problems else 0)
