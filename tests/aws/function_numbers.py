"""Measures the functions against an empty runtime and a boto3 handler, all under one fake Lambda runtime API, in turns.

Arguments: the folder of the functions' binaries. AWS is a stand-in that holds one API key and nothing else, and takes every
write. Each subject is started anew in every round; the numbers are medians over the rounds.
"""
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field

import function_events

ROUNDS, WARM_CALLS = 9, 20
EMPTY = "tintype-empty-runtime"
START_OVER_EMPTY, START_UNDER_BOTO3, ZIP_MB = 3, 15, 5
# A start that the machine's other programs held up is no function's fault: the middle of many, taken in turns.
PATIENCE = 30


async def read_request(reader, writer):
    """Method, path, headers and body of the next request; None when the client is gone."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return None
    method, path, _ = head[0].split(" ", 2)
    headers = {}
    for line in filter(None, head[1:]):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("expect") == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return method, path, headers, body


def response(status, body=b"", **headers):
    lines = [f"HTTP/1.1 {status} -", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class StandIn:
    """AWS. It counts what is called."""

    def __init__(self):
        self.calls = Counter()

    async def serve(self, reader, writer):
        while request := await read_request(reader, writer):
            writer.write(self.answer(*request))
        writer.close()

    def answer(self, method, path, headers, body):
        target = headers.get("x-amz-target")
        self.calls[target.split(".")[-1] if target else f"{method} {path.split('?')[0].split('/')[1]}"] += 1
        if target:
            return response(200, function_events.answer_of_dynamodb(target, body), content_type="application/x-amz-json-1.0")
        if method in ("GET", "HEAD"):
            status, body = function_events.nothing_in_s3(method, path)
            return response(status, body, content_type="application/xml")
        return response(204 if method == "DELETE" else 200, etag='"0"')


class RuntimeApi:
    """What a function is asked and answers: one subject at a time."""

    def __init__(self):
        self.events = asyncio.Queue()
        self.restart()

    def restart(self):
        """Forgets the subject that is gone."""
        self.events.put_nowait((0, None))
        loop = asyncio.get_running_loop()
        self.polled, self.answered, self.events = loop.create_future(), asyncio.Queue(), asyncio.Queue()

    async def serve(self, reader, writer):
        events = self.events
        while request := await read_request(reader, writer):
            method, path, _, body = request
            if path.endswith("/invocation/next"):
                if not self.polled.done():
                    self.polled.set_result(time.perf_counter())
                number, event = await events.get()
                if event is None:
                    break
                self.asked = time.perf_counter()
                writer.write(response(
                    200, event, content_type="application/json", lambda_runtime_aws_request_id=f"request-{number}",
                    lambda_runtime_deadline_ms=int(time.time() * 1000) + 60_000,
                    lambda_runtime_invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:measured",
                    lambda_runtime_trace_id="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"))
            else:
                self.answered.put_nowait((time.perf_counter() - self.asked, path.split("/")[-1], body))
                writer.write(response(202))
        writer.close()

    async def call(self, number, event):
        """Seconds, `response` or `error`, and the body of one call."""
        self.events.put_nowait((number, json.dumps(event).encode()))
        return await asyncio.wait_for(self.answered.get(), PATIENCE)


@dataclass
class Measured:
    """What was measured of one subject, one number a round."""

    starts: list = field(default_factory=list)
    firsts: list = field(default_factory=list)
    warms: list = field(default_factory=list)
    memory: list = field(default_factory=list)
    calls: Counter = field(default_factory=Counter)

    def start_ms(self):
        return 1000 * statistics.median(self.starts)

    def show(self):
        return self.start_ms(), 1000 * statistics.median(self.firsts), 1000 * statistics.median(self.warms), statistics.median(self.memory)


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


class Lab:
    def __init__(self, api, aws, environment):
        self.api, self.aws, self.environment = api, aws, environment

    async def measure(self, into, command, event, environment=None):
        """Starts one subject, waits for its first poll, calls it, and ends it."""
        with tempfile.TemporaryFile() as log:
            begun = time.perf_counter()
            process = await asyncio.create_subprocess_exec(
                *command, env={**self.environment, **(environment or {})}, stdout=log, stderr=log, close_fds=False)
            try:
                polled = await asyncio.wait_for(asyncio.shield(self.api.polled), PATIENCE)
                into.starts.append(polled - begun)
                into.firsts.append(await self.checked(0, event))
                self.aws.calls.clear()
                times = [await self.checked(number + 1, event) for number in range(WARM_CALLS)]
                into.calls = Counter({name: count / WARM_CALLS for name, count in self.aws.calls.items()})
                into.warms.append(statistics.median(times))
                into.memory.append(resident_mib(process.pid))
            except (Exception, asyncio.CancelledError):
                log.seek(0)
                print(log.read().decode(errors="replace")[-3000:], file=sys.stderr)
                raise
            finally:
                self.api.restart()
                if process.returncode is None:
                    process.kill()
                await process.wait()

    async def checked(self, number, event):
        seconds, kind, body = await self.api.call(number, event)
        if kind != "response":
            raise RuntimeError(f"the call failed: {body.decode()}")
        return seconds


def zip_bytes(binary):
    """The size of what is deployed: the binary as `bootstrap`, deflated as SAM does it."""
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(binary, "bootstrap")
        return file.tell()


async def measure_all(folder):
    aws = StandIn()
    api = RuntimeApi()
    aws_server = await asyncio.start_server(aws.serve, "127.0.0.1", 0)
    api_server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    aws_url = f"http://127.0.0.1:{aws_server.sockets[0].getsockname()[1]}"
    environment = function_events.environment(aws_url, f"127.0.0.1:{api_server.sockets[0].getsockname()[1]}")
    lab = Lab(api, aws, environment)
    handler = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boto3_handler.py")
    results = {name: (Measured(), Measured(), Measured()) for name in function_events.FUNCTIONS}
    for _ in range(ROUNDS):
        for name, (empty, function, boto3) in results.items():
            event, more = function_events.FUNCTIONS[name](aws_url)
            await lab.measure(empty, [os.path.join(folder, EMPTY)], event)
            await lab.measure(function, [os.path.join(folder, name)], event, more)
            await lab.measure(boto3, [sys.executable, handler, name], event, more)
    return results


def report(folder, results):
    """Prints the tables; whether every limit holds."""
    missed = []

    def held(name, what, value, limit, holds):
        if not holds:
            missed.append(f"{name}: {what} is {value:.2f}, the limit is {limit}")
        return f"{value:.2f}"

    print("| function | binary MB | zip MB | limit | first poll ms | / empty | limit | boto3 / it | limit |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, (empty, function, boto3) in results.items():
        binary = os.path.join(folder, name)
        zipped = zip_bytes(binary) / 1e6
        over, under = function.start_ms() / empty.start_ms(), boto3.start_ms() / function.start_ms()
        cells = [
            name, f"{os.path.getsize(binary) / 1e6:.1f}", held(name, "zip MB", zipped, ZIP_MB, zipped <= ZIP_MB), f"<= {ZIP_MB}",
            f"{function.start_ms():.1f}", held(name, "first poll / empty", over, START_OVER_EMPTY, over <= START_OVER_EMPTY),
            f"<= {START_OVER_EMPTY}", held(name, "boto3 / first poll", under, START_UNDER_BOTO3, under >= START_UNDER_BOTO3),
            f">= {START_UNDER_BOTO3}"]
        print("| " + " | ".join(cells) + " |")
    print()
    print("| | first poll ms | first call ms | warm call ms | memory MiB | calls of AWS when warm |")
    print("|---|---|---|---|---|---|")
    empties = Measured()
    for empty, _, _ in results.values():
        for into, values in ((empties.starts, empty.starts), (empties.firsts, empty.firsts), (empties.warms, empty.warms), (empties.memory, empty.memory)):
            into.extend(values)
    rows = [("an empty runtime", empties)]
    for name, (_, function, boto3) in results.items():
        rows += [(name, function), (f"{name} in boto3", boto3)]
    for name, measured in rows:
        start, first, warm, memory = measured.show()
        calls = ", ".join(f"{count:g} {call}" for call, count in sorted(measured.calls.items())) or "none"
        print(f"| {name} | {start:.1f} | {first:.1f} | {warm:.2f} | {memory:.1f} | {calls} |")
    for name, (_, function, boto3) in results.items():
        if function.calls != boto3.calls:
            missed.append(f"{name}: its boto3 handler makes other calls of AWS")
    return missed


if __name__ == "__main__":
    folder = sys.argv[1]
    missed = report(folder, asyncio.run(measure_all(folder)))
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    sys.exit(bool(missed))
