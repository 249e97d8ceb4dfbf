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
me = None  # the id for which this client speaks
welcomed = asyncio.Event()  # set while it is known


@client.on("presence")
def presence(now, offset=None):
    if offset:  # the place at which this client joined
        save({**saved, "offset": offset})
    print(f"* {now['online']} online", flush=True)


@client.on("welcome")
def welcome(told):
    global me
    me = told["user"]["id"]
    limits.update(told["limits"])
    if "token" in told:
        save({**saved, "token": told["token"], "pid": told["token"]})
    print(f"* you are {me}", flush=True)
    welcomed.set()


@client.on("message")
def message(told, offset):
    name = ("+" if told.get("verified") else "") + told["username"]
    print(f"{name} ({told.get('from')}): {told['message']}", flush=True)
    save({**saved, "offset": offset})  # after the message has been dealt with


@client.on("connect_error")
def refused(error):
    global me
    if not isinstance(error, dict) or "data" not in error:
        return  # the server cannot be reached: the client does try again
    code = error["data"]["code"]
    if code != "unauthorized" or not saved.get("token"):
        print(f"* refused: {code}", flush=True)
        os._exit(1)  # at once, although a thread still waits for a line
    print("* unauthorized: a new guest", flush=True)
    save({})
    me = None
    welcomed.clear()


async def say(text):
    """Sends a message until the server says whether it is stored.

    The id makes sure that it is stored once, but only from one author: a client that has become another guest does not
    know whether the message is stored, and must not repeat it.
    """
    await welcomed.wait()
    author = me
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
        if me != author:
            return {"code": "another_author"}


async def connect():
    # A function, so that each CONNECT has the newest of what is kept.
    auth = lambda: {"username": username, "history": 50, **saved}
    while not client.connected:
        try:
            await client.connect(url, auth=auth, transports=["websocket"], wait_timeout=10)
        except socketio.exceptions.ConnectionError:
            await asyncio.sleep(1)


async def main():
    await connect()
    while line := await asyncio.to_thread(sys.stdin.readline):
        ack = await say(line.rstrip("\n"))
        stored = ack.get("status") == "ok"
        print(f"* stored at {ack['at']}" if stored else f"* not stored, as far as is known: {ack['code']}", flush=True)
    await client.disconnect()


asyncio.run(main())
