"""Asks a server 100,000 times while most of its clients are killed and started again; prints what became of the requests, and
the memory of the server's process meanwhile.

    seq2seq serve --listen 127.0.0.1:8080 & python3 examples/serve/soak.py words.txt 127.0.0.1:8080 $! [REQUESTS]

Eight clients stay, and compare every answer with its question. wrk, with 96 connections, is killed every other second.
"""

import http.client
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

words, address, server = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
goal = int(sys.argv[4]) if len(sys.argv) > 4 else 100_000
vocabulary = words.read_text().split()
stop = threading.Event()
counts = {"asked": 0, "answered": 0, "wrong": 0, "lost": 0}
lock = threading.Lock()


def count(**more):
    with lock:
        for name, number in more.items():
            counts[name] += number


def client(seed):
    """Asks one word after the other; the answer must have the request's id and its word, once."""
    choose, connection, asked = random.Random(seed), None, 0
    while not stop.is_set():
        connection = connection or http.client.HTTPConnection(address, timeout=60)
        word, asked = choose.choice(vocabulary), asked + 1
        name = f"{seed}-{asked}"
        count(asked=1)
        try:
            connection.request("POST", "/translate", json.dumps({"lines": [word]}), {"x-request-id": name})
            answer = connection.getresponse()
            translations = json.loads(answer.read())["translations"]
            sources = ["".join(translation["source"]) for translation in translations]
            right = (answer.status, answer.headers["x-request-id"], sources) == (200, name, [word])
            count(answered=1, wrong=not right)
        except (OSError, http.client.HTTPException):
            count(lost=1)
            connection = None


def metrics():
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return {name: float(value) for name, value in re.findall(r"^(seq2seq_\S+) (\S+)$", text, re.M)}


def requests(found):
    return {name: int(value) for name, value in found.items() if 'requests_total{path="/translate"' in name}


def kilobytes():
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{server}/status").read_text())[1])


def wrk():
    script = Path(__file__).with_name("words.lua")
    command = ["wrk", "-t1", "-c96", "-d600s", "-s", script, f"http://{address}"]
    return subprocess.Popen(command, env={**os.environ, "WORDS": str(words)}, stdout=subprocess.DEVNULL)


for seed in range(8):
    threading.Thread(target=client, args=(seed,), daemon=True).start()
killed, mark, start = 0, 1000, time.time()
crowd, until = wrk(), time.time() + 1
print("requests  kB")
while mark <= goal:
    time.sleep(0.05)
    if time.time() > until:
        crowd.kill()
        crowd.wait()
        killed, crowd, until = killed + 1, wrk(), time.time() + random.uniform(0.5, 2)
    done = sum(requests(metrics()).values())
    if done >= mark:
        print(f"{done:8}  {kilobytes()}", flush=True)
        mark += 1000 if mark < 10_000 else 10_000
crowd.kill()
crowd.wait()
stop.set()
time.sleep(2)
found = metrics()
print(f"{time.time() - start:.0f} seconds, clients killed {killed} times; of those that stayed:", counts)
print(requests(found), {name: found["seq2seq_" + name] for name in ("queue_lines", "connections")})
