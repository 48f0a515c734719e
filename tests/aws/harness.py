"""What the whole-stack tests speak with: the deployed stack's public URLs on the emulator, and the emulator itself."""
import base64
import hashlib
import json
import os
import struct
import threading
import urllib.error
import urllib.parse
import urllib.request
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from cases import PATIENCE, eventually
from template import RESOURCES
from websockets.sync.client import connect

AWS, MOTO, MODEL = os.environ["STACK_AWS"], os.environ["STACK_MOTO"], os.environ["STACK_MODEL"]
ISSUER = os.environ["STACK_ISSUER"]


def service(name):
    return boto3.client(name, endpoint_url=AWS, region_name="us-east-1")


def picture(red, side=64):
    """A PNG of one colour."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes([red, 60, 90]) * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pixels(red, side=64):
    return [[[red, 60, 90]] * side] * side


def text64(red):
    return base64.b64encode(picture(red)).decode()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers.items()}

    @property
    def json(self):
        return json.loads(self.body)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirect)


def request(method, url, body=None, headers=None):
    data = json.dumps(body).encode() if body is not None else None
    headers = {**({"content-type": "application/json"} if body is not None else {}), **(headers or {})}
    try:
        with OPENER.open(urllib.request.Request(url, data=data, headers=headers, method=method), timeout=PATIENCE) as answer:
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as answer:
        return Answer(answer.code, dict(answer.headers), answer.read())


class Stack:
    """A deployed stack."""

    def __init__(self, name):
        self.name = name
        stack = service("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        self.api, self.socket = self.here(self.outputs["ApiUrl"]), self.here(self.outputs["WebSocketUrl"])

    @staticmethod
    def here(url):
        """The emulator's address of a public URL of API Gateway."""
        parts = urllib.parse.urlsplit(url)
        return f"{parts.scheme}://{urllib.parse.urlsplit(AWS).netloc}/_aws/execute-api/{parts.hostname.split('.')[0]}{parts.path}"

    def open(self, url, headers=None):
        """A public URL of CloudFront, whose host the emulator reads from the Host header."""
        parts = urllib.parse.urlsplit(url)
        label = parts.hostname.split(".")[0]
        host = f"{label}.cloudfront.127.0.0.1"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return request("GET", AWS + (path or "/"), headers={"host": host, **(headers or {})})

    def key(self, owner):
        """An API key of `owner`, stored as `tintype keys` stores one."""
        secret = f"tt_{base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip('=')}"
        digest = hashlib.sha256(secret.encode()).hexdigest()
        record = {"hash": digest, "owner": owner, "name": "test", "created_at": "2026-01-31T12:00:00.000Z", "expires_at": None}
        item = {"pk": f"CREDENTIAL#{digest}", "sk": "#", "kind": "key", "body": json.dumps(record)}
        item = {name: {"S": value} for name, value in item.items()}
        service("dynamodb").put_item(TableName=self.outputs["ConnectionsTableName"], Item=item)
        return secret

    def client(self, owner):
        return Client(self, self.key(owner))

    def configure(self, function, **variables):
        """Changes a function's environment, as a deployment with other parameters does."""
        name, functions = f"{self.name}-{function}", service("lambda")
        now = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": {**now, **variables}})

    def answer_as_the_template_says(self):
        """The emulator leaves out what an API's definition says of API Gateway's own answers: this says it again."""
        gateway, api_id = service("apigateway"), self.api.split("/")[-2]
        for name, response in RESOURCES["Rest"]["Properties"]["GatewayResponses"].items():
            headers = response["ResponseParameters"]["Headers"].items()
            page = urllib.parse.urlsplit(self.outputs["GalleryUrl"]).netloc
            plain = {name: getattr(value, "value", value).replace("${Distribution.DomainName}", page) for name, value in headers}
            gateway.put_gateway_response(
                restApiId=api_id, responseType=name, statusCode=response["StatusCode"],
                responseParameters={f"gatewayresponse.header.{header}": value for header, value in plain.items()},
                responseTemplates=response["ResponseTemplates"])
        gateway.create_deployment(restApiId=api_id, stageName=self.api.split("/")[-1])

    def may_end_tasks(self, function):
        """The emulator compares SendTaskSuccess with the resource `*`, AWS with the state machine that the policy names."""
        role = service("lambda").get_function_configuration(FunctionName=f"{self.name}-{function}")["Role"].split("/")[-1]
        allow = {"Effect": "Allow", "Action": ["states:SendTaskSuccess", "states:SendTaskFailure"], "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        service("iam").put_role_policy(RoleName=role, PolicyName="emulator", PolicyDocument=policy)


class Client:
    """A caller with a key."""

    def __init__(self, stack, key):
        self.stack, self.key = stack, key

    def call(self, method, path, body=None, **headers):
        # The emulator sends no binary body to a client that accepts nothing; API Gateway does.
        headers = {"accept": "*/*"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return request(method, self.stack.api + path, body, {"authorization": f"Bearer {self.key}", **headers})

    def generate(self, prompt, **more):
        headers = {name: more.pop(name) for name in ("idempotency_key",) if name in more}
        answer = self.call("POST", "/generate", {"prompt": prompt, **more}, **headers)
        assert answer.status == 202, (answer.status, answer.body)
        return answer.json

    def job(self, job_id):
        return self.call("GET", f"/jobs/{job_id}").json

    def ended(self, job_id):
        def look():
            job = self.job(job_id)
            return job if job["status"] in ("succeeded", "failed", "canceled", "expired") else None

        return eventually(f"the end of job {job_id}", look)

    def ticket(self):
        answer = self.call("POST", "/tickets")
        assert answer.status == 201, (answer.status, answer.body)
        return answer.json["ticket"]

    def socket(self, ticket=None):
        return Socket(f"{self.stack.socket}?ticket={ticket or self.ticket()}")


class Socket:
    def __init__(self, url):
        self.socket, self.heard = connect(url, open_timeout=PATIENCE, max_size=None), []

    def say(self, **message):
        self.socket.send(json.dumps(message))

    def hear(self):
        text = self.socket.recv(timeout=PATIENCE)
        assert len(text.encode()) <= 128 * 1024, "API Gateway takes no larger message"
        self.heard.append(json.loads(text))
        return self.heard[-1]

    def until(self, kind):
        """The messages up to the first of `kind`."""
        heard = [self.hear()]
        while heard[-1]["type"] != kind:
            assert heard[-1]["type"] != "error", heard[-1]
            heard.append(self.hear())
        return heard

    def close(self):
        self.socket.close()


def will_answer(*bodies, content_type="application/json"):
    """What moto's endpoint answers next, to requests it has not seen."""
    results = [{"Body": body if isinstance(body, str) else json.dumps(body), "ContentType": content_type} for body in bodies]
    answer = request("POST", f"{MOTO}/moto-api/static/sagemaker/endpoint-results", {"results": results})
    assert answer.status == 201, answer.body


def bedrock_will_answer(red):
    """What Bedrock's models answer from now on."""
    body = {"images": [text64(red)], "seeds": [7], "finish_reasons": [None]}
    assert request("PUT", MODEL + "/", body).status == 200


def bedrock_was_asked():
    return request("GET", MODEL + "/").json


def token(**claims):
    """A token of the issuer, for the audience that the stack takes unless the claims say otherwise."""
    claims = {"aud": "tintype", "sub": "oidc-anna", **claims}
    return request("GET", f"{ISSUER}/token?{urllib.parse.urlencode(claims)}").json["token"]


class Door(BaseHTTPRequestHandler):
    """The emulator over plain HTTP, for a client that trusts no authority of ours."""

    def forward(self):
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")}
        answer = request(self.command, AWS + self.path, body, headers)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name not in ("content-length", "connection", "date", "server", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PATCH = do_DELETE = forward

    def log_message(self, *_):
        pass


def plain(url):
    """The address at which a URL of the emulator is found over plain HTTP."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return url.replace(AWS, f"http://127.0.0.1:{server.server_port}")


def will_answer_later(*bodies):
    results = [{"data": json.dumps(body)} for body in bodies]
    answer = request("POST", f"{MOTO}/moto-api/static/sagemaker/async-endpoint-results", {"results": results})
    assert answer.status == 201, answer.body
