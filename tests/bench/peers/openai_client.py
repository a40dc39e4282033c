"""Asks every prompt of a file with the official openai client, N at once, and appends each reply to JSON lines.

usage: openai_client.py BASE_URL PROMPTS OUTPUT IN_FLIGHT
"""
import asyncio
import json
import sys

import httpx
import openai


async def main(base_url, prompts, output, in_flight):
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    http = openai.DefaultAsyncHttpxClient(limits=limits, trust_env=False)
    client = openai.AsyncOpenAI(base_url=base_url, api_key="sk-bench", http_client=http, timeout=600)
    with open(prompts) as rows, open(output, "w") as kept:

        async def work():
            for line in rows:
                prompt = json.loads(line)["prompt"]
                reply = await client.chat.completions.create(
                    model="bench-1", messages=[{"role": "user", "content": prompt}], temperature=0.6
                )
                kept.write(json.dumps({"prompt": prompt, "answer": reply.choices[0].message.content}) + "\n")

        await asyncio.gather(*(work() for _ in range(in_flight)))


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
