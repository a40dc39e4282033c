"""Asks every prompt of a file with aiohttp, N at once, and appends each reply to a file of JSON lines.

usage: aiohttp_client.py BASE_URL PROMPTS OUTPUT IN_FLIGHT
"""
import asyncio
import json
import sys

import aiohttp


async def main(base_url, prompts, output, in_flight):
    with open(prompts) as rows, open(output, "w") as kept:
        connector = aiohttp.TCPConnector(limit=in_flight)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def work():
                for line in rows:  # one iterator for all of them
                    prompt = json.loads(line)["prompt"]
                    body = {
                        "model": "bench-1",
                        "messages": [{"role": "user", "content": prompt}],
                        "temperature": 0.6,
                    }
                    async with session.post(base_url + "/chat/completions", json=body) as reply:
                        answer = await reply.json()
                    text = answer["choices"][0]["message"]["content"]
                    kept.write(json.dumps({"prompt": prompt, "answer": text}) + "\n")

            await asyncio.gather(*(work() for _ in range(in_flight)))


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
