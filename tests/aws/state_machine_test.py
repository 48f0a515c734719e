"""The state machine's definition, run: every path of retries and catches. The definition is that of statemachine/, filled in
as template.yaml does; its functions are stand-ins that answer or fail as a case says, under the names of the real ones'
errors. It starts ministack on a free port of loopback, waits for nothing between attempts, and ends it.

    MINISTACK=... python state_machine_test.py        (needs boto3 and PyYAML)
"""
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from cases import case, eventually, run
from template import RESOURCES, ROOT

# The stand-in for both functions, which speaks to Lambda as ours do: it asks this process what to do.
FUNCTION = f"""#!{sys.executable}
import json, os, urllib.request

RUNTIME = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation"

def post(url, body):
    with urllib.request.urlopen(urllib.request.Request(url, data=json.dumps(body).encode())) as answer:
        return answer.read()

while True:
    with urllib.request.urlopen(RUNTIME + "/next") as answer:
        call, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
    error = json.loads(post(os.environ["SCRIPT"], dict(function=os.environ["NAME"], event=event)))["error"]
    if error:
        post(f"{{RUNTIME}}/{{call}}/error", dict(errorType=error, errorMessage="as the case says"))
    else:
        post(f"{{RUNTIME}}/{{call}}/response", dict(job_id=event["job_id"], status="succeeded"))
"""
SUBSTITUTIONS = RESOURCES["GenerateImageMachine"]["Properties"]["DefinitionSubstitutions"]


class Script(BaseHTTPRequestHandler):
    """What the functions do, call by call, and what they were asked. The last step of a plan holds for all that follow."""

    plans, calls, lock = {}, {}, threading.Lock()

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        place = asked["event"]["job_id"], asked["function"]
        with self.lock:
            calls = self.calls.setdefault(place, [])
            plan = self.plans.get(place, [None])
            error = plan[min(len(calls), len(plan) - 1)]
            calls.append(asked["event"])
        body = json.dumps({"error": error}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Emulator:
    def __init__(self, folder):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        environment = {"BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "GATEWAY_PORT": str(port),
                       "IOT_MTLS_ENABLED": "0", "AWS_ENDPOINT_URL": self.url, "SFN_WAIT_SCALE": "0"}
        log = open(os.path.join(folder, "ministack.log"), "wb")
        command = os.environ["MINISTACK"]
        self.process = subprocess.Popen([command], env={**os.environ, **environment}, stdout=log, stderr=log, cwd=folder)
        eventually("the emulator", lambda: self.listens(port))

    @staticmethod
    def listens(port):
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", port)) == 0

    def service(self, name):
        return boto3.client(name, endpoint_url=self.url, region_name="us-east-1",
                            aws_access_key_id="test", aws_secret_access_key="test")

    def end(self):
        self.process.terminate()
        self.process.wait()


def definition(functions, later):
    """The definition as deployed, for an endpoint that answers at once or later."""
    text = (ROOT / "statemachine" / "generate-image.asl.json").read_text()
    chosen = {"Partition": "aws", **functions}
    for name in ("GenerateImageResource", "GenerateImagePayload"):
        _, if_later, if_not = SUBSTITUTIONS[name].value
        value = if_later if later else if_not
        chosen[name] = getattr(value, "value", value).replace("${AWS::Partition}", "aws")
    for name, value in chosen.items():
        text = text.replace("${" + name + "}", value)
    assert "${" not in text, text
    return json.loads(text)


class Machine:
    def __init__(self, emulator, script):
        self.lambdas, self.states = emulator.service("lambda"), emulator.service("stepfunctions")
        functions = {f"{name}Function": self.function(name, script) for name in ("GenerateImage", "Deliver")}
        self.definitions = {later: definition(functions, later) for later in (False, True)}
        self.arns = {later: self.create(f"machine-{later}", self.definitions[later]) for later in (False, True)}

    def function(self, name, script):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as files:
            bootstrap = zipfile.ZipInfo("bootstrap")
            bootstrap.external_attr = 0o755 << 16
            files.writestr(bootstrap, FUNCTION)
        made = self.lambdas.create_function(
            FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", Timeout=30,
            Role="arn:aws:iam::000000000000:role/stand-in", Code={"ZipFile": packed.getvalue()},
            Environment={"Variables": {"NAME": name, "SCRIPT": script}})
        return made["FunctionArn"]

    def create(self, name, text):
        role = "arn:aws:iam::000000000000:role/stand-in"
        return self.states.create_state_machine(name=name, definition=json.dumps(text), roleArn=role)["stateMachineArn"]

    def start(self, job_id, later=False, **plans):
        """An execution for `job_id`, in which each function named by `plans` fails as its list says, `None` for success."""
        for name, plan in plans.items():
            Script.plans[job_id, name] = plan
        started = self.states.start_execution(
            stateMachineArn=self.arns[later], name=job_id, input=json.dumps({"job_id": job_id}))
        return started["executionArn"]

    def end(self, job_id, arn):
        def ended():
            described = self.states.describe_execution(executionArn=arn)
            return described if described["status"] != "RUNNING" else None

        return Run(job_id, eventually(f"the end of {job_id}", ended), self.history(arn))

    def history(self, arn):
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def run(self, job_id, **plans):
        return self.end(job_id, self.start(job_id, **plans))


class Run:
    """An execution that has ended."""

    def __init__(self, job_id, described, events):
        self.status, self.error = described["status"], described.get("error")
        entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
        self.states = entered
        self.calls = {name: Script.calls.get((job_id, name), []) for name in ("GenerateImage", "Deliver")}
        self.scheduled = sum(event["type"] in ("TaskScheduled", "LambdaFunctionScheduled") for event in events)

    def is_as(self, status, states, attempts, deliveries):
        found = self.status, self.states, len(self.calls["GenerateImage"]), len(self.calls["Deliver"])
        assert found == (status, states, attempts, deliveries), found
        assert self.scheduled == attempts + deliveries, self.scheduled


MACHINE = None


def retries(state):
    """How often a state is tried again, by the name of the error."""
    return {name: retry["MaxAttempts"] for retry in MACHINE.definitions[False]["States"][state]["Retry"]
            for name in retry["ErrorEquals"]}


@case
def the_good_path_is_one_task_state():
    run = MACHINE.run("good")
    run.is_as("SUCCEEDED", ["GenerateImage"], 1, 0)
    assert run.calls["GenerateImage"] == [{"job_id": "good"}]


@case
def what_may_pass_is_tried_again_and_then_given_up():
    for name in ("Throttled", "Unavailable"):
        run = MACHINE.run(f"always-{name}", GenerateImage=[name])
        run.is_as("FAILED", ["GenerateImage", "GiveUp", "GivenUp"], 1 + retries("GenerateImage")[name], 1)
        assert run.error == name and run.calls["Deliver"][0]["error"] == name, run.calls


@case
def what_passes_ends_well():
    for name in ("Throttled", "Unavailable"):
        run = MACHINE.run(f"twice-{name}", GenerateImage=[name, name, None])
        run.is_as("SUCCEEDED", ["GenerateImage"], 3, 0)


@case
def each_failure_of_lambda_itself_is_tried_again():
    own = [name for name in retries("GenerateImage") if "." in name]
    assert len(own) >= 7, own
    for name in own:
        run = MACHINE.run(f"once-{name}", GenerateImage=[name, None])
        run.is_as("SUCCEEDED", ["GenerateImage"], 2, 0)
        run = MACHINE.run(f"always-{name}", GenerateImage=[name])
        run.is_as("FAILED", ["GenerateImage", "GiveUp", "GivenUp"], 1 + retries("GenerateImage")[name], 1)


@case
def an_end_that_was_not_told_is_delivered_and_drawn_no_more():
    run = MACHINE.run("untold", GenerateImage=["Undelivered"])
    run.is_as("SUCCEEDED", ["GenerateImage", "Deliver"], 1, 1)
    assert run.calls["Deliver"] == [{"job_id": "untold"}], run.calls
    run = MACHINE.run("untold-later", GenerateImage=["Throttled", "Undelivered"])
    run.is_as("SUCCEEDED", ["GenerateImage", "Deliver"], 2, 1)


@case
def a_delivery_is_tried_again_whatever_it_failed_with():
    run = MACHINE.run("told-late", GenerateImage=["Undelivered"], Deliver=["Unavailable", "Sandbox.Timedout", None])
    run.is_as("SUCCEEDED", ["GenerateImage", "Deliver"], 1, 3)
    run = MACHINE.run("never-told", GenerateImage=["Undelivered"], Deliver=["Internal"])
    run.is_as("FAILED", ["GenerateImage", "Deliver"], 1, 1 + retries("Deliver")["States.ALL"])


@case
def a_task_that_takes_too_long_is_given_up():
    run = MACHINE.run("slow", GenerateImage=["States.Timeout"])
    run.is_as("FAILED", ["GenerateImage", "GiveUp", "GivenUp"], 1, 1)
    assert run.calls["Deliver"][0]["error"] == "States.Timeout"


@case
def any_other_failure_is_given_up_at_once():
    for name in ("Internal", "Denied", "Data", "BadEvent", "Something"):
        run = MACHINE.run(f"fails-{name}", GenerateImage=[name])
        run.is_as("FAILED", ["GenerateImage", "GiveUp", "GivenUp"], 1, 1)
        told = run.calls["Deliver"][0]
        assert (told["job_id"], told["error"]) == (f"fails-{name}", name) and len(told["cause"]) <= 512, told


@case
def giving_up_is_tried_again_and_again():
    run = MACHINE.run("given-up-late", GenerateImage=["Internal"], Deliver=["Unavailable", "Undelivered", None])
    run.is_as("FAILED", ["GenerateImage", "GiveUp", "GivenUp"], 1, 3)
    assert run.error == "Internal"
    run = MACHINE.run("not-even-given-up", GenerateImage=["Internal"], Deliver=["Throttled"])
    run.is_as("FAILED", ["GenerateImage", "GiveUp"], 1, 1 + retries("GiveUp")["States.ALL"])
    assert run.error == "Throttled"


def token(job_id, number):
    """The token of an attempt at an endpoint that answers later."""
    calls = eventually(f"call {number} of {job_id}", lambda: (
        found if len(found := Script.calls.get((job_id, "GenerateImage"), [])) >= number else None))
    assert set(calls[number - 1]) == {"job_id", "task_token"}, calls
    return calls[number - 1]["task_token"]


@case
def a_later_answer_ends_the_wait():
    arn = MACHINE.start("later", later=True)
    MACHINE.states.send_task_success(taskToken=token("later", 1), output=json.dumps({"job_id": "later"}))
    MACHINE.end("later", arn).is_as("SUCCEEDED", ["GenerateImage"], 1, 0)


@case
def a_later_failure_goes_the_ways_of_one_at_once():
    arn = MACHINE.start("later-again", later=True)
    MACHINE.states.send_task_failure(taskToken=token("later-again", 1), error="Unavailable", cause="no answer")
    MACHINE.states.send_task_failure(taskToken=token("later-again", 2), error="Undelivered", cause="nobody there")
    MACHINE.end("later-again", arn).is_as("SUCCEEDED", ["GenerateImage", "Deliver"], 2, 1)
    arn = MACHINE.start("later-never", later=True)
    MACHINE.states.send_task_failure(taskToken=token("later-never", 1), error="Internal", cause="no such endpoint")
    MACHINE.end("later-never", arn).is_as("FAILED", ["GenerateImage", "GiveUp", "GivenUp"], 1, 1)


@case
def each_state_has_its_case():
    states = set(MACHINE.definitions[False]["States"])
    assert states == {"GenerateImage", "Deliver", "GiveUp", "GivenUp"}, states


def main():
    global MACHINE
    server = ThreadingHTTPServer(("127.0.0.1", 0), Script)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        emulator = Emulator(folder)
        try:
            MACHINE = Machine(emulator, f"http://127.0.0.1:{server.server_port}/")
            run()
        finally:
            emulator.end()


main()
