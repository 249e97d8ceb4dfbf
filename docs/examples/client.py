"""A client that keeps who it is and its place, over reconnects and restarts. It says what comes on its standard input.

    python3 docs/examples/client.py http://localhost:8000 Ada ada.json
"""

import asyncio
import json
import os
import sys
import time
import uuid

import socketio

url, username, file = sys.argv[1:]

# What the client keeps: token, pid and offset. The token is a secret. No two clients may run with the same pid.
saved = json.load(open(file)) if os.path.exists(file) else {}


def save(kept):
    saved.clear()
    saved.update(kept)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(saved, out)


client = socketio.AsyncClient()  # the other Client starts a thread for each event, and so loses their order
limits = {}
refusals = []
welcomed = asyncio.Event()


@client.on("presence")
def presence(now, offset=None):
    if offset:  # the place at which this client joined
        save({**saved, "offset": offset})
    print(f"* {now['online']} online", flush=True)


@client.on("welcome")
def welcome(told):
    limits.update(told["limits"])
    if "token" in told:
        save({**saved, "token": told["token"], "pid": told["token"]})
    print(f"* you are {told['user']['id']}", flush=True)
    welcomed.set()


@client.on("message")
def message(told, offset):
    name = ("+" if told.get("verified") else "") + told["username"]
    print(f"{name} ({told.get('from')}): {told['message']}", flush=True)
    save({**saved, "offset": offset})  # after the message has been dealt with


@client.on("connect_error")
def refused(error):
    if isinstance(error, dict) and "data" in error:  # a refusal, and not an outage
        code = error["data"]["code"]
        if not saved.get("token"):
            refusals.append(code)
        else:
            print(f"* {code}: a new guest", flush=True)
            save({})


async def say(text):
    """Sends a message until the server says whether it is stored. The id makes sure that it is stored once."""
    sent = {"message": text, "username": username, "id": str(uuid.uuid4())}
    last = time.time() + limits["dedupeMs"] / 1000 - 60  # later, the server may have forgotten the id
    while True:
        try:
            ack = await client.call("event:message", sent, timeout=limits["appendMs"] / 1000 + 5)
        except (socketio.exceptions.SocketIOError, asyncio.TimeoutError):
            ack = {"code": "unavailable"}  # no answer: the message may be stored or not
        if ack.get("code") not in ("unavailable", "rate_limited") or time.time() > last:
            return ack
        await asyncio.sleep(1)


async def connect():
    # A function, so that each CONNECT has the newest of what is kept.
    auth = lambda: {"username": username, "history": 50, **saved}
    while not client.connected and not refusals:
        try:
            await client.connect(url, auth=auth, transports=["websocket"], wait_timeout=10)
        except socketio.exceptions.ConnectionError:
            await asyncio.sleep(1)


async def main():
    await connect()
    if refusals:
        sys.exit(f"refused: {refusals[0]}")
    await welcomed.wait()
    while line := await asyncio.to_thread(sys.stdin.readline):
        ack = await say(line.rstrip("\n"))
        print(f"* stored at {ack['at']}" if ack.get("status") == "ok" else f"* not stored: {ack['code']}", flush=True)
    await client.disconnect()


asyncio.run(main())
