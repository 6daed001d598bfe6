"""The measurements behind scripts/bench-agent.sh: `agent.py TARGET [SECTION]...`."""

import asyncio
import json
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

ROUNDS = int(os.environ.get("ROUNDS", 7))
SECONDS = int(os.environ.get("SECONDS_EACH", 3))
SERVER_CORE, CLIENT_CORE = "0", "1"
CONNECTIONS = 32
HERE = Path(__file__).parent
QUESTION = {"input": {"city": "London", "activity_type": "outdoor", "days": 2, "tags": ["family"]}}
# In the path, but never in the way.
LIMITS = ["--rate-limit", "4000000000/60s", "--rate-limit-invoke", "4000000000/60s"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A program that serves on a port, alone on its core."""

    def __init__(self, command, port, folder):
        self.port = port
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        pinned = ["taskset", "-c", SERVER_CORE, *map(str, command)]
        self.process = subprocess.Popen(pinned, cwd=folder, **quiet)

    def ask(self, method, path, body=None):
        """One request on a connection of its own; raises OSError if nobody listens yet."""
        payload = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as link:
            link.sendall(head.encode() + payload)
            answer = b"".join(iter(lambda: link.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        self.head = head.decode()
        if not re.match(rb"HTTP/1.1 20[01] ", head):
            raise RuntimeError(f"{method} {path}: {answer[:300]!r}")
        return body

    def wait(self, method="GET", path="/health", body=None):
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.ask(method, path, body)
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.process.args} does not serve") from None

    def cpu(self):
        """The processor time that it has had, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """What it has in memory, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024

    def stop(self):
        self.process.kill()
        self.process.wait()


@contextmanager
def serving():
    """Starts servers, in a folder without settings, and stops them in the end."""
    started = []
    with tempfile.TemporaryDirectory() as folder:

        def start(*command, port=None):
            server = Server(command, port or free_port(), folder)
            started.append(server)
            return server

        try:
            yield start, folder
        finally:
            for server in started:
                server.stop()


def agent(target, start, *flags):
    port = free_port()
    settings = ["--port", port, "--max-workers", 1, "--log-format", "json", *LIMITS, *flags]
    program = os.environ.get("AGENT", f"{target}/release/acp-tck")
    return start(program, "agent", *settings, port=port)


def load(server, folder, body, connections=CONNECTIONS):
    """Asks /invoke as often as it answers: requests a second, and by second of processor time."""
    script = Path(folder) / "ask.lua"
    text = json.dumps(body)
    script.write_text(
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        f"wrk.body = [==[{text}]==]\n"
    )
    before = server.cpu()
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s"]
    command += ["-s", script, f"http://127.0.0.1:{server.port}/invoke"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(told)
    spent = server.cpu() - before
    asked = int(re.search(r"(\d+) requests in", told)[1])
    return float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1]), asked / spent


def interleaved(servers, folder, body, connections=CONNECTIONS):
    """For each server the loads of all rounds; a first round warms up and does not count."""
    loads = {name: [] for name in servers}
    for turn in range(ROUNDS + 1):
        for name, server in servers.items():
            measured = load(server, folder, body, connections)
            if turn:
                loads[name].append(measured)
    return loads


def median_ratio(loads, name, other, which):
    """The median of the ratios of the rounds: what disturbs a round disturbs both sides of it."""
    pairs = zip(loads[name], loads[other], strict=True)
    return statistics.median(mine[which] / theirs[which] for mine, theirs in pairs)


def report(what, value, goal, holds):
    print(f"  {what}: {value} (goal: {goal}){'' if holds else '  MISSED'}", flush=True)


def throughput(target):
    with serving() as (start, folder):
        ours = agent(target, start)
        ours.wait()
        ours.ask("POST", "/invoke", QUESTION)
        answer = ours.ask("POST", "/invoke", QUESTION)
        assert json.loads(answer)["output"]["_from_cache"] is True, "the second answer is a hit"
        own = {"content-length", "connection", "date"}
        fields = ours.head.split("\r\n")[1:]
        fields = [field for field in fields if field.partition(":")[0].lower() not in own]
        text = "\n".join([*fields, "", answer.decode()])
        (Path(folder) / "answer.http").write_text(text)
        port = free_port()
        bare = start(target / "release/examples/bare", port, "answer.http", port=port)
        bare.wait("POST", "/invoke", QUESTION)
        port = free_port()
        uvicorn = [target / "bench/venv/bin/uvicorn", "--app-dir", HERE.absolute()]
        uvicorn += ["--no-access-log", "--log-level", "warning", "--port", port, "fastapi_peer:app"]
        peer = start(*uvicorn, port=port)
        peer.wait()
        servers = {"agent": ours, "bare axum": bare, "FastAPI": peer}
        loads = interleaved(servers, folder, QUESTION)
    print(f"throughput of /invoke, cache hits, {CONNECTIONS} connections, one core:")
    for name, rounds in loads.items():
        wall, cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"  {name}: {wall:,.0f} requests/s ({cpu:,.0f} by second of processor time)")
    for which, by in enumerate(["", ", by processor time"]):
        ratio = median_ratio(loads, "agent", "bare axum", which)
        report(f"of bare axum{by}", f"{ratio:.1%}", "at least 75 %", ratio >= 0.75)
        ratio = median_ratio(loads, "agent", "FastAPI", which)
        report(f"times FastAPI{by}", f"{ratio:.1f}", "at least 15", ratio >= 15)


def start(target):
    times = []
    for _ in range(3 * ROUNDS):
        with serving() as (start, _):
            began = time.perf_counter()
            agent(target, start).wait()
            times.append((time.perf_counter() - began) * 1000)
    median = statistics.median(times)
    print(f"start to first answer, {len(times)} starts:")
    report("median", f"{median:.1f} ms", "under 50 ms", median < 50)


def configs(target, count=20_000):
    with serving() as (start, folder):
        servers = {}
        for name, stored in [("none", 1), ("many", count)]:
            store = ["--store-path", f"{folder}/{name}.db"]
            server = servers[name] = agent(target, start, *store)
            server.wait()
            store_configs(server, stored)
        # One connection: the time of each request is what its rate says.
        body = {**QUESTION, "config_id": "bench-0"}
        loads = interleaved(servers, folder, body, connections=1)
    print(f"/invoke with a config_id, {count:,} configurations stored:")
    for which, by in enumerate(["", ", by processor time"]):
        more = median_ratio(loads, "none", "many", which) - 1
        report(f"time more than with one{by}", f"{more:+.1%}", "less than 10 %", more < 0.1)


def store_configs(server, count):
    """Stores bench-0, bench-1, …, one after another on one connection."""
    with socket.create_connection(("127.0.0.1", server.port)) as link, link.makefile("rb") as answers:
        for n in range(count):
            body = json.dumps({"config_id": f"bench-{n}", "config": {"units": "fahrenheit"}})
            head = "POST /config HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            link.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            status, length = answers.readline(), 0
            while (line := answers.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            told = answers.read(length)
            if b" 201 " not in status:
                raise RuntimeError(f"{status!r} {told!r}")


def streams(target, count=10_000):
    with serving() as (start, _):
        server = agent(target, start, "--stream-step", "600s")
        server.wait()
        # Warm, so that what every agent needs is not counted as the streams'.
        for _ in range(200):
            server.ask("POST", "/invoke", QUESTION)
        before = server.memory()
        command = [sys.executable, __file__, "hold", str(server.port), str(count)]
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            if client.stdout.readline() != b"ready\n":
                raise RuntimeError("the streams could not be opened")
            each = (server.memory() - before) / count / 1024
            times = []
            for _ in range(200):
                began = time.perf_counter()
                server.ask("GET", "/health")
                times.append((time.perf_counter() - began) * 1000)
        finally:
            client.stdin.close()
            client.wait()
    print(f"{count:,} idle streams:")
    report("memory each", f"{each:.1f} KiB", "under 20 KiB", each < 20)
    slowest, median = max(times), statistics.median(times)
    report("/health meanwhile, slowest of 200", f"{slowest:.1f} ms", "within 50 ms", slowest < 50)
    print(f"  (median {median:.2f} ms)")


async def hold(port, count):
    """Opens streams, waits for the first event of each, and holds them until the input ends."""
    body = json.dumps(QUESTION)
    head = "POST /invoke/stream HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    held, places = [], asyncio.Semaphore(100)

    async def open_one():
        async with places:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
            writer.write(request)
            told = await asyncio.wait_for(reader.readuntil(b'"started"'), 60)
            if not told.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(told)
            held.append((reader, writer))

    await asyncio.gather(*(open_one() for _ in range(count)))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)


def main():
    if sys.argv[1] == "hold":
        return asyncio.run(hold(int(sys.argv[2]), int(sys.argv[3])))
    target, names = Path(sys.argv[1]).absolute(), sys.argv[2:]
    sections = {"throughput": throughput, "start": start, "configs": configs, "streams": streams}
    unknown = [name for name in names if name not in sections]
    if unknown:
        sys.exit(f"there is no section {', '.join(unknown)}; there are {', '.join(sections)}")
    # Two ends of 10,000 connections, each in a process of its own.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # What asks is kept off the core of what answers.
    os.sched_setaffinity(0, {int(CLIENT_CORE)})
    for name in names or sections:
        sections[name](target)


main()
