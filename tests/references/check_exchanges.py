"""Serves the recorded exchanges to the providers' official clients and compares what they send and what they read with
what the files expect of us, so that the files are no invention of ours.

    python -m pip install openai anthropic google-genai ollama
    python tests/references/check_exchanges.py [NAME…]

Of each exchange with a question, the client is given the recorded request as its arguments and must send the same path and
body; then it must read the same text, reason, usage, tool calls and log probabilities out of the recorded bytes. A stream
that was cut must give it the text that we keep as partial; an error must reach it with the same status. Prints a line for
each difference and a summary; exits with 1 if anything differs, with 77 and a plain word if a client is not installed.
"""

import http.server
import inspect
import json
import pathlib
import re
import sys
import threading

try:
    import anthropic
    import ollama
    import openai
    from google import genai
    from google.genai import types
except ImportError as missing:
    print(f"skipped: the Python package '{missing.name}' is not installed")
    sys.exit(77)

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "exchanges"
ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.S)
SIMPLE = {"messages": [{"role": "user", "content": "2 + 2?"}]}


def unescaped(data):
    def one(match):
        word = match[1]
        if len(word) == 3:
            return bytes([int(word[1:], 16)])
        return {b"r": b"\r", b"n": b"\n"}.get(word, word)

    return ESCAPE.sub(one, data.replace(b"\n", b""))


class Exchange:
    def __init__(self, path):
        self.name = str(path.relative_to(FOLDER))[: -len(".exchange")]
        text = path.read_bytes()
        sections = re.split(rb"^== (.*)\n", text, flags=re.M)
        head = sections[0].decode()
        self.dialect = re.search(r"^dialect: (.*)$", head, re.M)[1]
        model = re.search(r"^model: (.*)$", head, re.M)
        self.model = model[1] if model else "m"
        self.question = self.request = None
        for title, body in zip(sections[1::2], sections[2::2]):
            title = title.decode()
            if title == "question":
                self.question = json.loads(body)
            elif title == "request":
                line, data = body.split(b"\n", 1)
                self.path, self.request = line.decode().split(" ")[1], json.loads(data)
            elif title.startswith("reply "):
                self.status = int(title[6:])
                headers, self.body = body.split(b"\n\n", 1)
                self.headers = dict(line.split(": ", 1) for line in headers.decode().splitlines())
                if self.headers.pop("body", "") == "escaped":
                    self.body = unescaped(self.body)
            elif title == "decoded":
                self.decoded = json.loads(body)
        self.stream = b"data:" in self.body or "ndjson" in self.headers.get("content-type", "")


class Server:
    """Answers every request with the current exchange, and keeps what was asked."""

    def __init__(self):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                data = self.rfile.read(int(self.headers["content-length"]))
                server.seen = (self.path, json.loads(data))
                exchange = server.exchange
                self.send_response(exchange.status)
                for name, value in exchange.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(exchange.body)))
                self.end_headers()
                self.wfile.write(exchange.body)

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def known_and_extra(function, body):
    """What the client has no argument for goes into extra_body, as its own documentation says."""
    names = inspect.signature(function).parameters
    known = {key: value for key, value in body.items() if key in names}
    extra = {key: value for key, value in body.items() if key not in names}
    return {**known, "extra_body": extra} if extra else known


def first_of(thing, *names):
    for name in names:
        value = getattr(thing, name, None)
        if value:
            return value
    return None


def counts(**given):
    return {key: value for key, value in given.items() if value is not None}


def raw(token):
    """A token's bytes as the files show them; some servers send only its text."""
    if token.bytes is None:
        return token.token
    data = bytes(token.bytes)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "hex:" + data.hex()


def chat_logprobs(content):
    result = []
    for token in content or []:
        entry = {"bytes": raw(token), "logprob": round(token.logprob, 4)}
        if token.top_logprobs:
            entry["top"] = [[raw(top), round(top.logprob, 4)] for top in token.top_logprobs]
        result.append(entry)
    return result


def older_logprobs(logprobs):
    result = []
    if logprobs is None or logprobs.tokens is None or any("\\x" in token for token in logprobs.tokens):
        return []  # half a character, named by its bytes, is text to this client
    for token, logprob, top in zip(logprobs.tokens, logprobs.token_logprobs, logprobs.top_logprobs):
        best = sorted(top.items(), key=lambda item: -item[1])
        result.append({"bytes": token, "logprob": round(logprob, 4), "top": [[text, round(value, 4)] for text, value in best]})
    return result


def openai_usage(usage):
    if usage is None:
        return {}
    details, written = usage.prompt_tokens_details, usage.completion_tokens_details
    return counts(
        input=usage.prompt_tokens,
        output=usage.completion_tokens,
        cached_input=(details and details.cached_tokens) or getattr(usage, "prompt_cache_hit_tokens", None),
        reasoning=written and written.reasoning_tokens,
    )


def openai_chat(server, body, progress):
    client = openai.OpenAI(base_url=server.origin + "/v1", api_key="k", max_retries=0)
    create = client.chat.completions.create
    reply = create(**known_and_extra(create, body))
    if not body.get("stream"):
        choices = []
        for choice in sorted(reply.choices, key=lambda c: c.index):
            message = choice.message
            choices.append({
                "text": message.content or "",
                "refusal": message.refusal,
                "reasoning": first_of(message, "reasoning_content", "reasoning"),
                "provider_finish": choice.finish_reason,
                "tool_calls": [call.model_dump(include={"id", "type", "function"}) for call in message.tool_calls or []],
                "logprobs": chat_logprobs(choice.logprobs and choice.logprobs.content),
                "served_model": reply.model,
                "provider_id": reply.id,
                "system_fingerprint": reply.system_fingerprint,
            })
        return choices, openai_usage(reply.usage)
    usage, found = None, {}
    for chunk in reply:
        usage = chunk.usage or usage
        for piece in chunk.choices:
            choice = found.setdefault(piece.index, {"text": "", "reasoning": "", "logprobs": [], "tool_calls": []})
            choice.update(served_model=chunk.model, provider_id=chunk.id, system_fingerprint=chunk.system_fingerprint)
            if isinstance(piece.delta.content, str):
                choice["text"] += piece.delta.content
            choice["reasoning"] += first_of(piece.delta, "reasoning_content", "reasoning") or ""
            choice["logprobs"] += chat_logprobs(piece.logprobs and piece.logprobs.content)
            for call in piece.delta.tool_calls or []:
                while len(choice["tool_calls"]) <= call.index:
                    choice["tool_calls"].append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
                place = choice["tool_calls"][call.index]
                place["id"] += call.id or ""
                place["function"]["name"] += call.function.name or ""
                place["function"]["arguments"] += call.function.arguments or ""
            if piece.finish_reason:
                choice["provider_finish"] = piece.finish_reason
            progress[:] = [found[index] for index in sorted(found)]
    return progress, openai_usage(usage)


def openai_completions(server, body, progress):
    client = openai.OpenAI(base_url=server.origin + "/v1", api_key="k", max_retries=0)
    create = client.completions.create
    reply = create(**known_and_extra(create, body))
    usage, found = None, {}
    for chunk in reply if body.get("stream") else [reply]:
        usage = chunk.usage or usage
        for piece in chunk.choices:
            choice = found.setdefault(piece.index, {"text": "", "logprobs": []})
            choice.update(served_model=chunk.model, provider_id=chunk.id)
            choice["text"] += piece.text
            choice["logprobs"] += older_logprobs(piece.logprobs)
            if piece.finish_reason:
                choice["provider_finish"] = piece.finish_reason
            progress[:] = [found[index] for index in sorted(found)]
    return progress, openai_usage(usage)


def openai_responses(server, body, progress):
    client = openai.OpenAI(base_url=server.origin + "/v1", api_key="k", max_retries=0)
    create = client.responses.create
    reply = create(**known_and_extra(create, body))
    if body.get("stream"):
        text, last = "", None
        for event in reply:
            if event.type == "response.output_text.delta":
                text += event.delta
                progress[:] = [{"text": text}]
            last = event
        if last.type == "response.failed":
            raise RuntimeError(last.response.error.message)
        if last.type != "response.completed":
            raise RuntimeError("the stream ended early")
        reply = last.response
    if reply.error:
        raise RuntimeError(reply.error.message)
    choice = {"text": reply.output_text, "served_model": reply.model, "provider_id": reply.id, "tool_calls": [], "logprobs": []}
    thoughts = []
    for item in reply.output:
        if item.type == "function_call":
            choice["tool_calls"].append(
                {"id": item.call_id, "type": "function", "function": {"name": item.name, "arguments": item.arguments}})
        if item.type == "reasoning":
            thoughts += [part.text for part in item.summary]
        for part in item.content if item.type == "message" else []:
            if part.type == "refusal":
                choice["refusal"] = part.refusal
            if part.type == "output_text":
                choice["logprobs"] += chat_logprobs(part.logprobs)
    choice["reasoning"] = "\n\n".join(thoughts)
    choice["provider_finish"] = reply.incomplete_details.reason if reply.incomplete_details else reply.status
    usage = counts(input=reply.usage.input_tokens, output=reply.usage.output_tokens,
                   cached_input=reply.usage.input_tokens_details.cached_tokens,
                   reasoning=reply.usage.output_tokens_details.reasoning_tokens)
    return [choice], usage


def anthropic_messages(server, body, progress):
    client = anthropic.Anthropic(base_url=server.origin, api_key="k", max_retries=0)
    if body.pop("stream", False):
        with client.messages.stream(**known_and_extra(client.messages.stream, body)) as stream:
            text = ""
            for event in stream:
                if event.type == "text":
                    text += event.text
                    progress[:] = [{"text": text}]
            reply = stream.get_final_message()
            if not reply.stop_reason:
                raise RuntimeError("the stream ended early")
    else:
        reply = client.messages.create(**known_and_extra(client.messages.create, body))
    choice = {"text": "", "reasoning": "", "tool_calls": [], "provider_finish": reply.stop_reason,
              "served_model": reply.model, "provider_id": reply.id,
              "refusal": reply.stop_details.explanation if reply.stop_details else None}
    for block in reply.content:
        if block.type == "text":
            choice["text"] += block.text
        if block.type == "thinking":
            choice["reasoning"] += block.thinking
        if block.type == "tool_use":
            arguments = json.dumps(block.input, separators=(",", ":"))
            choice["tool_calls"].append({"id": block.id, "type": "function", "function": {"name": block.name, "arguments": arguments}})
    usage = reply.usage
    # "Total input tokens in a request is the summation of": the client's own words.
    total = usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens
    return [choice], counts(input=total, output=usage.output_tokens, cached_input=usage.cache_read_input_tokens,
                            cache_creation=usage.cache_creation_input_tokens,
                            reasoning=usage.output_tokens_details and usage.output_tokens_details.thinking_tokens)


def gemini(server, body, progress):
    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=server.origin, api_version="v1beta"))
    config = dict(body.get("generationConfig", {}))
    for name in ("systemInstruction", "tools", "toolConfig"):
        if name in body:
            config[name] = body[name]
    given = {"model": "m", "contents": [types.Content.model_validate(content) for content in body["contents"]],
             "config": types.GenerateContentConfig.model_validate(config)}
    streamed = server.exchange.request and "stream" in server.exchange.path
    replies = client.models.generate_content_stream(**given) if streamed else [client.models.generate_content(**given)]
    found, usage, blocked = {}, None, None
    for reply in replies:
        usage = reply.usage_metadata or usage
        if reply.prompt_feedback and reply.prompt_feedback.block_reason:
            blocked = {"text": "", "provider_finish": reply.prompt_feedback.block_reason.value}
        for candidate in reply.candidates or []:
            choice = found.setdefault(candidate.index or 0, {"text": "", "reasoning": "", "tool_calls": [], "logprobs": []})
            choice.update(served_model=reply.model_version, provider_id=reply.response_id)
            for part in (candidate.content and candidate.content.parts) or []:
                choice["reasoning" if part.thought else "text"] += part.text or ""
                if part.function_call:
                    arguments = json.dumps(part.function_call.args, separators=(",", ":"))
                    choice["tool_calls"].append({"id": "", "type": "function",
                                                 "function": {"name": part.function_call.name, "arguments": arguments}})
            if candidate.logprobs_result:
                result = candidate.logprobs_result
                for chosen, top in zip(result.chosen_candidates, result.top_candidates):
                    choice["logprobs"].append({"bytes": chosen.token, "logprob": chosen.log_probability,
                                               "top": [[c.token, c.log_probability] for c in top.candidates]})
            if candidate.finish_reason:
                choice["provider_finish"] = candidate.finish_reason.value
            progress[:] = [found[index] for index in sorted(found)]
    if blocked:
        return [blocked], counts(input=usage.prompt_token_count)
    if not found or any("provider_finish" not in choice for choice in found.values()):
        raise RuntimeError("no candidates, or no reason for their end")
    output = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    return progress, counts(input=usage.prompt_token_count, output=output, cached_input=usage.cached_content_token_count,
                            reasoning=usage.thoughts_token_count)


def ollama_chat(server, body, progress):
    client = ollama.Client(host=server.origin)
    reply = client.chat(**body)
    choice = {"text": "", "reasoning": "", "tool_calls": [], "logprobs": []}
    for line in reply if body.get("stream") else [reply]:
        choice["text"] += line.message.content or ""
        choice["reasoning"] += line.message.thinking or ""
        for call in line.message.tool_calls or []:
            arguments = json.dumps(call.function.arguments, separators=(",", ":"))
            choice["tool_calls"].append({"type": "function", "function": {"name": call.function.name, "arguments": arguments}})
        for token in line.logprobs or []:
            choice["logprobs"].append({"bytes": token.token, "logprob": token.logprob,
                                       "top": [[top.token, top.logprob] for top in token.top_logprobs or []]})
        choice.update(served_model=line.model)
        progress[:] = [choice]
    if not line.done:
        raise RuntimeError("the stream ended early")
    choice["provider_finish"] = line.done_reason
    return [choice], counts(input=line.prompt_eval_count, output=line.eval_count)


CLIENTS = {
    "openai-chat": openai_chat,
    "openai-completions": openai_completions,
    "openai-responses": openai_responses,
    "anthropic": anthropic_messages,
    "gemini": gemini,
    "ollama": ollama_chat,
}
# What a client needs to ask anything at all, for the exchanges that record no question.
PLAIN = {
    "openai-chat": {"model": "m", **SIMPLE},
    "openai-completions": {"model": "m", "prompt": "2 + 2?"},
    "openai-responses": {"model": "m", "input": "2 + 2?"},
    "anthropic": {"model": "m", "max_tokens": 64, **SIMPLE},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "2 + 2?"}]}]},
    "ollama": {"model": "m", "stream": False, **SIMPLE},
}


def status_of(problem):
    return first_of(problem, "status_code", "code")


def without_empty(choice):
    return {key: value for key, value in choice.items() if value not in (None, "", [], {})}


def plain(value, dialect):
    """The same meaning in one spelling: members that are empty say nothing, and Google's JSON takes names either way."""
    if isinstance(value, list):
        return [plain(item, dialect) for item in value]
    if not isinstance(value, dict):
        return value
    members = {key: plain(item, dialect) for key, item in value.items()}
    if dialect == "gemini":
        members = {re.sub(r"_([a-z])", lambda match: match[1].upper(), key): item for key, item in members.items()}
    return {key: item for key, item in members.items() if item not in ({}, [], "")}


def differences(exchange, server):
    progress, problem = [], None
    body = json.loads(json.dumps(exchange.request or {**PLAIN[exchange.dialect], **({"stream": True} if exchange.stream and
                                                                                    exchange.dialect != "gemini" else {})}))
    try:
        choices, usage = CLIENTS[exchange.dialect](server, body, progress)
    except Exception as raised:  # each client has its own
        problem = raised
    sent = [plain(body, exchange.dialect) for body in (exchange.request, server.seen[1])]
    if exchange.request is not None and (server.seen[0] != exchange.path or sent[0] != sent[1]):
        yield f"the client sends {server.seen[0]} {json.dumps(server.seen[1], sort_keys=True)}"
        yield f"we send         {exchange.path} {json.dumps(exchange.request, sort_keys=True)}"
    rejection = exchange.decoded.get("rejection")
    if rejection:
        text = rejection.get("partial", {}).get("text")
        if text is not None and (not progress or progress[0]["text"] != text):
            yield f"before the cut the client has {progress}, we keep {text!r}"
        if exchange.status != 200 and (problem is None or status_of(problem) != exchange.status):
            yield f"the client raises {problem!r}, we reject"
        return
    if problem is not None:
        yield f"the client raises {problem!r}, we decode an answer"
        return
    ours = exchange.decoded["answer"]
    if len(choices) != len(ours["choices"]):
        # Of several, we leave out what was cut; the client hands it on unfinished.
        choices = [choice for choice in choices if choice.get("provider_finish")]
    for theirs, mine in zip(choices, ours["choices"], strict=True):
        if theirs.get("text") != mine["text"] and exchange.name in INLINE:
            continue
        for key, value in without_empty(theirs).items():
            expected = mine.get(key)
            if key == "tool_calls":
                expected = [{name: call[name] for name in value[0] if name in call} for call in expected or []]
            if value != expected:
                yield f"{key}: the client reads {value!r}, we {expected!r}"
        for key in ("text", "provider_finish", "tool_calls", "refusal"):
            if mine.get(key) and not theirs.get(key):
                yield f"{key}: the client reads nothing, we {mine[key]!r}"
    for key, value in usage.items():
        if ours.get("usage", {}).get(key) != value:
            yield f"usage {key}: the client reads {value}, we {ours.get('usage', {}).get(key)}"


# The clients do not part thoughts that lie in the text, nor join parts of Mistral's content.
INLINE = {"openai-chat/reasoning-inline", "openai-chat/truncated", "openai-chat/mistral"}


def main(names):
    server, failed, checked, by_dialect = Server(), 0, 0, {}
    for path in sorted(FOLDER.rglob("*.exchange")):
        exchange = Exchange(path)
        if names and exchange.name not in names:
            continue
        server.exchange, server.seen = exchange, None
        found = list(differences(exchange, server))
        checked += 1
        by_dialect[exchange.dialect] = by_dialect.get(exchange.dialect, 0) + 1
        failed += bool(found)
        for line in found:
            print(f"{exchange.name}: {line}")
    versions = ", ".join(f"{module.__name__} {module.__version__}" for module in (openai, anthropic, genai))
    print(f"{checked} exchanges ({', '.join(f'{d} {n}' for d, n in by_dialect.items())}), {failed} with differences; {versions}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
