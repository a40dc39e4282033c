"""Renders chat templates as transformers does and writes what came out: digests, or null where it refuses.

    pip install transformers jinja2
    python tests/references/make_template_expectations.py tests/unit/templates > tests/unit/templates/expected.json

Any folder of *.jinja may be given; fuzzier comparisons with many more templates are made the same way.
"""
import datetime
import hashlib
import json
import pathlib
import sys

import jinja2
import transformers
from transformers.utils import chat_template_utils

NOW = datetime.datetime(2024, 5, 6, 7, 8, 9)
CONVERSATIONS = [
    [{"role": "user", "content": "Hi"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1?"},
     {"role": "assistant", "content": "2"}, {"role": "user", "content": "  and 2+2?\n"}],
    [{"role": "user", "content": "Why?"},
     {"role": "assistant", "reasoning_content": "think hard\n", "content": "Because <b>&\"\u00fc\"\u65e5\u672c</b>"},
     {"role": "user", "content": "x"}, {"role": "assistant", "reasoning_content": "again", "content": "Yes."}],
    [{"role": "user", "content": "q"}, {"role": "assistant", "content": "<think>\nabc\n</think>\n\nanswer"}],
    [{"role": "developer", "content": "d"}, {"role": "user", "content": "q"}],
    [{"role": "user", "content": [{"type": "text", "text": "part one"}, {"type": "text", "text": " two"}]}],
    [{"role": "system", "content": "<|im_end|>"}, {"role": "user", "content": "{{ x }} {% if %}\r\n\t\u2028 \U0001f600"}],
]


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


def rendered(source, conversation, generation):
    try:
        template = chat_template_utils._compile_jinja_template(source)
        return template.render(messages=conversation, tools=None, documents=None, add_generation_prompt=generation,
                               bos_token="<s>", eos_token="</s>")
    except Exception:
        return None


def main():
    chat_template_utils.datetime = Clock
    expected = []
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.jinja")):
        source = path.open(encoding="utf-8", newline="").read()
        for index, conversation in enumerate(CONVERSATIONS):
            for generation in (False, True):
                text = rendered(source, conversation, generation)
                digest = hashlib.sha256(text.encode()).hexdigest() if text is not None else None
                expected.append({"template": path.name, "conversation": index, "generation": generation,
                                 "sha256": digest})
    json.dump({"transformers": transformers.__version__, "jinja2": jinja2.__version__, "conversations": CONVERSATIONS,
               "expected": expected}, sys.stdout, indent=1)
    print()


main()
