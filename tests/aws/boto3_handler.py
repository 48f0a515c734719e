"""What each function would be in Python: a bootstrap with the same clients, which makes the same calls for the events of
function_events.py. Argument: the function's name. It holds no rule of Tintype's: it is what the numbers are held against.
"""
import hashlib
import http.client
import json
import os
import sys
import urllib.request

import boto3
from botocore.config import Config

ENV = os.environ
SETTINGS = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})


def client(service, **more):
    return boto3.client(service, config=SETTINGS, **more)


def everything():
    """The clients of most functions, as compose.rs makes them."""
    return {
        "dynamodb": client("dynamodb"), "s3": client("s3"), "stepfunctions": client("stepfunctions"),
        "connections": client("apigatewaymanagementapi", endpoint_url=ENV["WEBSOCKET_ENDPOINT"]),
        "sagemaker": client("sagemaker-runtime"),
    }


def item(clients, table, pk):
    key = {"pk": {"S": pk}, "sk": {"S": "#"}}
    return clients["dynamodb"].get_item(TableName=ENV[table], Key=key, ConsistentRead=True).get("Item")


def query(clients, table, pk):
    return clients["dynamodb"].query(
        TableName=ENV[table], KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": pk}})["Items"]


def rest_api(clients, event):
    job_id = event["path"].split("/")[-1]
    if item(clients, "JOBS_TABLE", f"JOB#{job_id}") is None:
        body = json.dumps({"title": "Not found", "status": 404, "detail": f"there is no job {job_id}"})
        return {"statusCode": 404, "headers": {"content-type": "application/problem+json"}, "body": body}
    raise NotImplementedError("the measured job is not there")


def websocket(clients, event):
    connection = event["requestContext"]["connectionId"]
    jobs = query(clients, "CONNECTIONS_TABLE", f"CONNECTION#{connection}")
    keys = [{"pk": {"S": f"CONNECTION#{connection}"}, "sk": {"S": "#"}}] + [{"pk": job["pk"], "sk": job["sk"]} for job in jobs]
    requests = [{"DeleteRequest": {"Key": key}} for key in keys]
    clients["dynamodb"].batch_write_item(RequestItems={ENV["CONNECTIONS_TABLE"]: requests})
    return {"statusCode": 200}


def generate_image(clients, event):
    if item(clients, "JOBS_TABLE", f"JOB#{event['job_id']}") is None:
        # Somebody may not have been told of its end.
        query(clients, "CONNECTIONS_TABLE", f"JOB#{event['job_id']}")
        return {"job_id": event["job_id"], "status": None}
    raise NotImplementedError("the measured job is not there")


def deliver(clients, event):
    query(clients, "CONNECTIONS_TABLE", f"JOB#{event['job_id']}")
    return {"job_id": event["job_id"]}


def authorizer(clients, event):
    secret = event["headers"]["Authorization"].split(" ")[1]
    key = item(clients, "CONNECTIONS_TABLE", f"CREDENTIAL#{hashlib.sha256(secret.encode()).hexdigest()}")
    owner = json.loads(key["body"]["S"])["owner"]
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": owner, "policyDocument": policy, "context": {"owner": owner}}


def async_result(clients, event):
    for record in event["Records"]:
        notice = json.loads(record["Sns"]["Message"])
        if item(clients, "JOBS_TABLE", f"JOB#{notice['inferenceId']}") is not None:
            raise NotImplementedError("the measured job is not there")


def sweep(clients, _):
    for number in range(SWEEP_QUERIES):
        query(clients, "JOBS_TABLE", f"OPEN#{number}")
    for _ in range(SWEEP_LISTINGS):
        clients["s3"].list_objects_v2(Bucket=ENV["IMAGES_BUCKET"], Prefix="blobs/")
    return "swept"


def publish_page(clients, event):
    web = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../web")
    assets = (os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(web, "assets")) for name in names)
    files = ["index.html", *sorted(os.path.relpath(asset, web) for asset in assets)]
    for name in files:
        with open(os.path.join(web, name), "rb") as file:
            clients["s3"].put_object(Bucket=ENV["IMAGES_BUCKET"], Key=f"page/{name}", Body=file.read())
    config = json.dumps(event["ResourceProperties"]).encode()
    clients["s3"].put_object(Bucket=ENV["IMAGES_BUCKET"], Key="page/config.json", Body=config)
    answer = json.dumps({"Status": "SUCCESS", "PhysicalResourceId": "page", "RequestId": event["RequestId"]}).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], data=answer, method="PUT")).close()


# As many as the function's adapters make of empty tables and an empty bucket: one per shard, and the batches of blobs.
SWEEP_QUERIES, SWEEP_LISTINGS = 36, 3
FUNCTIONS = {
    "rest-api": (rest_api, everything),
    "websocket": (websocket, everything),
    "generate-image": (generate_image, everything),
    "deliver": (deliver, everything),
    "authorizer": (authorizer, lambda: {"dynamodb": client("dynamodb")}),
    "async-result": (async_result, everything),
    "sweep": (sweep, everything),
    "publish-page": (publish_page, lambda: {"s3": client("s3")}),
}


def main():
    handler, make_clients = FUNCTIONS[sys.argv[1]]
    clients = make_clients()
    runtime = http.client.HTTPConnection(ENV["AWS_LAMBDA_RUNTIME_API"])
    while True:
        runtime.request("GET", "/2018-06-01/runtime/invocation/next")
        answer = runtime.getresponse()
        event = json.loads(answer.read())
        result = json.dumps(handler(clients, event)).encode()
        path = f"/2018-06-01/runtime/invocation/{answer.headers['Lambda-Runtime-Aws-Request-Id']}/response"
        runtime.request("POST", path, body=result)
        runtime.getresponse().read()


if __name__ == "__main__":
    main()
