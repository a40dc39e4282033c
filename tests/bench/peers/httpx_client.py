"""Asks every prompt of a file with httpx, N at once, and appends each reply to a file of JSON lines.

usage: httpx_client.py BASE_URL PROMPTS OUTPUT IN_FLIGHT
"""
import asyncio
import json
import sys

import httpx


async def main(base_url, prompts, output, in_flight):
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    with open(prompts) as rows, open(output, "w") as kept:
        async with httpx.AsyncClient(limits=limits, timeout=600, trust_env=False) as client:

            async def work():
                for line in rows:
                    prompt = json.loads(line)["prompt"]
                    body = {
                        "model": "bench-1",
                        "messages": [{"role": "user", "content": prompt}],
                        "temperature": 0.6,
                    }
                    reply = await client.post(base_url + "/chat/completions", json=body)
                    text = reply.json()["choices"][0]["message"]["content"]
                    kept.write(json.dumps({"prompt": prompt, "answer": text}) + "\n")

            await asyncio.gather(*(work() for _ in range(in_flight)))


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
