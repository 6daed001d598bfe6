"""The measurements behind scripts/bench-load-peers.sh: `load_peers.py TARGET PEER...`."""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

RUNS = int(os.environ.get("RUNS", 5))
SECONDS = int(os.environ.get("SECONDS_EACH", 5))
CONNECTIONS = [int(it) for it in os.environ.get("CONNECTIONS", "16 64").split()]
SERVER_CORE, CLIENT_CORE = "0", "1"
BODY = json.dumps({"input": {"city": "London"}})
JSON = "application/json"

LOCUST = f"""
from locust import FastHttpUser, constant, task

class User(FastHttpUser):
    wait_time = constant(0)

    @task
    def invoke(self):
        self.client.post("/invoke", data={BODY!r}, headers={{"Content-Type": "{JSON}"}})
"""
WRK = f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "{JSON}"
wrk.body = [==[{BODY}]==]
"""


def commands(target, folder, port, connections):
    """How each peer is told to post to /invoke: its command, by its name."""
    url = f"http://127.0.0.1:{port}"
    release = f"{target}/release"
    oha = shutil.which("oha") or f"{target}/bench/bin/oha"
    users = str(connections)
    return {
        "acp-tck": [f"{release}/acp-tck", "load", url, "--mix", "invoke=1", "--users", users,
                    "--duration", f"{SECONDS}s", "--format", "json", "--output", f"{folder}/report.json"],
        "bare-loop": [f"{release}/examples/bare_loop", f"127.0.0.1:{port}", users, str(SECONDS), BODY],
        "goose": [f"{release}/examples/goose_alone", "--host", url, "--users", users,
                  "--increase-rate", "1000", "--run-time", f"{SECONDS}s",
                  "--no-print-metrics", "--no-telnet", "--no-websocket", "-qq"],
        "oha": [oha, "--no-tui", "-z", f"{SECONDS}s", "-c", users, "-m", "POST", "-T", JSON,
                "-d", BODY, f"{url}/invoke"],
        "wrk": ["wrk", "-t1", f"-c{users}", f"-d{SECONDS}s", "-s", f"{folder}/wrk.lua", f"{url}/invoke"],
        "locust": [f"{target}/bench/locust/bin/locust", "--headless", "-f", f"{folder}/locustfile.py",
                   "--host", url, "-u", users, "-r", users, "-t", f"{SECONDS}s", "--only-summary"],
    }


def seen(port):
    """How many requests the server has answered since it was last asked, and in how many seconds."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/seen", timeout=10) as answer:
        count, nanos = json.load(answer)
    return count, nanos / 1e9


def measured(command, port):
    """Runs one: requests a second, processor time of a request in µs, most memory in MiB."""
    seen(port)
    environment = dict(os.environ, BODY=BODY)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = subprocess.Popen(["taskset", "-c", CLIENT_CORE, *command], env=environment, **quiet)
    told = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    count, seconds = seen(port)
    if count < 10 or seconds < SECONDS / 2:
        raise RuntimeError(f"{command[0]} made {count} requests in {seconds:.1f} s: {told[-500:]}")
    return count / seconds, (usage.ru_utime + usage.ru_stime) / count * 1e6, usage.ru_maxrss / 1024


def serve(target, folder):
    """Starts the server on a core of its own: its process and port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(["taskset", "-c", SERVER_CORE, f"{target}/release/examples/still", str(port)])
    deadline = time.monotonic() + 10
    while True:
        try:
            seen(port)
            return process, port
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server does not serve") from None
            time.sleep(0.02)


def table(results, connections):
    """Medians of all runs, with the ratio to the bare loop's."""
    rows = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in results.items()}
    bare = rows.get("bare-loop", [float("nan")])[0]
    print(f"\n{connections} connections\n")
    print("| | requests/s | of the bare loop | processor time a request | memory |")
    print("|---|---:|---:|---:|---:|")
    for name, (rate, cpu, memory) in sorted(rows.items(), key=lambda row: -row[1][0]):
        print(f"| {name} | {rate:,.0f} | {rate / bare:.2f} | {cpu:.1f} µs | {memory:.0f} MiB |")


def machine():
    """What it was measured on."""
    text = Path("/proc/cpuinfo").read_text()
    model = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    load = os.getloadavg()[0]
    today = time.strftime("%Y-%m-%d")
    return f"{today}, {os.cpu_count()} cores ({model[0] if model else 'unknown'}), load average before: {load:.1f}"


def main():
    target, *peers = sys.argv[1:]
    print(f"{machine()}; {RUNS} interleaved run(s) of {SECONDS} s each, medians")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "wrk.lua").write_text(WRK)
        (Path(folder) / "locustfile.py").write_text(LOCUST)
        server, port = serve(target, folder)
        try:
            for connections in CONNECTIONS:
                known = commands(target, folder, port, connections)
                there = [it for it in peers if shutil.which(known[it][0])]
                for missing in sorted(set(peers) - set(there)):
                    print(f"{missing} is not there, and left out")
                results = {name: [] for name in there}
                for _ in range(RUNS):
                    for name in there:
                        results[name].append(measured(known[name], port))
                table(results, connections)
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
