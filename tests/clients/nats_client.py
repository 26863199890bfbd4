"""A client of the NATS service in another language, and what a foreign user may not.

usage: nats_client.py SERVER ACTION...
Each action prints a line of JSON.
"""
import asyncio
import json
import sys

import nats

SERVER, STEPS = sys.argv[1], json.loads(sys.argv[2])


async def connect(user, password):
    refused = asyncio.Queue()

    async def on_error(error):
        await refused.put(str(error))

    client = await nats.connect(
        SERVER, user=user, password=password, inbox_prefix=f"_INBOX_{user}", error_cb=on_error
    )
    return client, refused


async def ask(client, refused, subject, body):
    """The answer, or why there is none: an answer, a refusal of the server, or nobody there."""
    asked = asyncio.ensure_future(client.request(subject, body.encode(), timeout=30))
    denied = asyncio.ensure_future(refused.get())
    await asyncio.wait([asked, denied], return_when=asyncio.FIRST_COMPLETED)
    if asked.done():
        denied.cancel()
        try:
            reply = asked.result()
        except nats.errors.NoRespondersError:
            return {"none": True}
        headers = dict(reply.headers or {})
        return {"body": json.loads(reply.data), "error": headers.get("Tallywatt-Error")}
    asked.cancel()
    return {"denied": denied.result()}


async def main():
    clients = {}
    heard = {}
    for step in STEPS:
        user = step["user"]
        if user not in clients:
            clients[user] = await connect(user, step.get("password", f"{user}-secret"))
        client, refused = clients[user]
        if "ask" in step:
            print(json.dumps(await ask(client, refused, step["ask"], step.get("body", ""))), flush=True)
        elif "listen" in step:
            subscription = await client.subscribe(step["listen"])
            heard[user] = subscription
            await client.flush()
            denied = None
            if step.get("denied"):
                denied = await asyncio.wait_for(refused.get(), 30)
            print(json.dumps({"listens": True, "denied": denied}), flush=True)
        elif "hear" in step:
            message = await heard[user].next_msg(timeout=60)
            print(json.dumps({"subject": message.subject, "body": json.loads(message.data)}), flush=True)
        else:
            sys.stdin.readline()
            print(json.dumps({"went": True}), flush=True)
    for client, _ in clients.values():
        await client.close()


asyncio.run(main())
