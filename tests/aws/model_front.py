"""Stands before moto's SageMaker: it fails, throttles, refuses or takes its time where the prompt says so, and asks
moto for everything else. It answers for Bedrock's models itself. For asynchronous endpoints it does what SageMaker does around moto's answer: it stores the
answer in the caller's bucket and publishes the notice.

    python model_front.py PORT MOTO_URL AWS_URL
"""
import json
import sys
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3

PORT, MOTO, AWS = int(sys.argv[1]), sys.argv[2], sys.argv[3]
THROTTLED_ONCE = set()
# What Bedrock was asked, and what it answers to any of it.
BEDROCK_ASKED, BEDROCK_ANSWER = [], {}


def service(name, url=AWS):
    return boto3.client(name, endpoint_url=url, region_name="us-east-1")


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, {}, json.dumps(BEDROCK_ASKED).encode())

    def do_PUT(self):
        BEDROCK_ANSWER.update(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.answer(200, {}, b"{}")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.endswith("/async-invocations"):
            return self.later(body)
        if self.path.startswith("/model/"):
            return self.bedrock(json.loads(body))
        words = body.decode("utf-8", "replace")
        if "failing" in words:
            return self.problem(500, "InternalFailure", "the container is broken")
        if "throttled once" in words and words not in THROTTLED_ONCE:
            THROTTLED_ONCE.add(words)
            return self.problem(429, "ThrottlingException", "Rate exceeded")
        if "refused" in words:
            message = 'Received client error (400) from primary with message "NSFW content detected"'
            return self.problem(424, "ModelError", message, OriginalStatusCode=400, OriginalMessage="NSFW content detected")
        if "slow" in words:
            time.sleep(5)
        status, headers, answer = self.ask_moto(body)
        self.answer(status, headers, answer)

    def ask_moto(self, body):
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")}
        request = urllib.request.Request(MOTO + self.path, data=body, headers=headers, method="POST")
        with urllib.request.urlopen(request) as answer:
            return answer.status, dict(answer.headers), answer.read()

    def bedrock(self, asked):
        model = urllib.parse.unquote(self.path.removeprefix("/model/").removesuffix("/invoke"))
        BEDROCK_ASKED.append({"model": model, **asked})
        if "refused" in asked["prompt"]:
            return self.answer(200, {"content-type": "application/json"}, b'{"finish_reasons": ["Filter reason: prompt"]}')
        if "throttled once" in asked["prompt"] and asked["prompt"] not in THROTTLED_ONCE:
            THROTTLED_ONCE.add(asked["prompt"])
            return self.problem(429, "ThrottlingException", "Too many requests, please wait before trying again.")
        self.answer(200, {"content-type": "application/json"}, json.dumps(BEDROCK_ANSWER).encode())

    def later(self, body):
        status, headers, answer = self.ask_moto(body)
        told = {name.lower(): value for name, value in headers.items()}
        bucket, key = told["x-amzn-sagemaker-outputlocation"].removeprefix("s3://").split("/", 1)
        data = service("s3", MOTO).get_object(Bucket=bucket, Key=key)["Body"].read()
        source = self.headers["x-amzn-sagemaker-inputlocation"]
        bucket, key = source.removeprefix("s3://").split("/", 1)
        output = key.replace("async/in/", "async/out/").removesuffix(".json") + ".out"
        service("s3").put_object(Bucket=bucket, Key=output, Body=data)
        notice = {
            "awsRegion": "us-east-1",
            "eventName": "InferenceResult",
            "eventSource": "aws:sagemaker",
            "eventTime": "2026-01-31T12:00:00.000Z",
            "invocationStatus": "Completed",
            "inferenceId": self.headers.get("x-amzn-sagemaker-inference-id"),
            "requestParameters": {"endpointName": "draw", "inputLocation": source},
            "responseParameters": {"contentType": "application/json", "outputLocation": f"s3://{bucket}/{output}"},
        }
        location = f"s3://{bucket}/{output}".encode()
        self.answer(202, {"X-Amzn-SageMaker-OutputLocation": location.decode()}, b'{"InferenceId": "%s"}' % notice["inferenceId"].encode())
        topics = service("sns").list_topics()["Topics"]
        done = next(topic["TopicArn"] for topic in topics if ":later-InferenceDone" in topic["TopicArn"])
        # Twice, as SNS may.
        for _ in range(2):
            service("sns").publish(TopicArn=done, Message=json.dumps(notice))

    def problem(self, status, code, message, **more):
        headers = {"x-amzn-ErrorType": code, "content-type": "application/json"}
        self.answer(status, headers, json.dumps({"message": message, "Message": message, **more}).encode())

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "date", "server", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form, *words):
        print(form % words, flush=True)


ThreadingHTTPServer(("127.0.0.1", PORT), Front).serve_forever()
