"""What tests/aws/function_numbers.py calls the functions with, and what AWS answers that holds one API key and nothing else."""
import hashlib
import json

KEY = "tt_" + "A" * 43
JOB = "019b76da-a800-7000-8000-000000000000"


def environment(aws_url, runtime_api):
    """As template.yaml and Lambda set it."""
    return {
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": "measured",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/measured",
        "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "test",
        "AWS_ENDPOINT_URL": aws_url,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "RUST_LOG": "info",
        "STACK_NAME": "tintype",
        "JOBS_TABLE": "jobs",
        "IMAGES_TABLE": "images",
        "CONNECTIONS_TABLE": "connections",
        "IMAGES_BUCKET": "pictures",
        "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:tintype-generate-image",
        "WEBSOCKET_ENDPOINT": aws_url,
        "CDN_DOMAIN": "d111111abcdef8.cloudfront.net",
        "MODEL_BACKEND": "sagemaker",
        "SAGEMAKER_ENDPOINT": "draw",
        "SAGEMAKER_SHAPE": "auto",
        "BEDROCK_MODEL_ID": "stability.stable-image-core-v1:1",
        "MODEL_NAME": "default",
        "MODEL_SIDE": "512",
        "WORKFLOW_TYPE": "STANDARD",
        "OIDC_ISSUER": "",
        "OIDC_AUDIENCE": "",
        "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH": "true",
    }


def rest(method, path):
    """A request as a REST API's proxy integration passes it on."""
    headers = {"Host": "api.execute-api.us-east-1.amazonaws.com", "Accept": "application/json"}
    return {
        "resource": "/{proxy+}", "path": path, "httpMethod": method, "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None, "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path[1:]}, "stageVariables": None, "body": None, "isBase64Encoded": False,
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "authorizer": {"owner": "ada"}, "httpMethod": method,
            "path": f"/v1{path}", "protocol": "HTTP/1.1", "requestId": "request", "resourceId": "r",
            "resourcePath": "/{proxy+}", "stage": "v1", "identity": {"sourceIp": "192.0.2.1"},
        },
    }


def disconnect():
    return {
        "requestContext": {
            "eventType": "DISCONNECT", "connectionId": "L0SM9cOFvHcCIhw=", "routeKey": "$disconnect", "stage": "v1",
            "requestId": "request", "apiId": "socket", "connectedAt": 1769860800000, "requestTimeEpoch": 1769860800000,
        },
        "isBase64Encoded": False,
    }


def authorize():
    """With an API key."""
    return {
        **rest("GET", "/jobs"), "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:api/v1/GET/jobs",
        "headers": {"Authorization": f"Bearer {KEY}"},
    }


def notice():
    """Of an inference that nothing waits for."""
    told = {
        "invocationStatus": "Completed", "inferenceId": JOB,
        "requestParameters": {"endpointName": "draw", "inputLocation": f"s3://pictures/async/in/{JOB}-1.json"},
        "responseParameters": {"contentType": "application/json", "outputLocation": "s3://pictures/async/out/1.out"},
    }
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": json.dumps(told)}}]}


def custom_resource(aws_url):
    return {
        "RequestType": "Update", "ResponseURL": f"{aws_url}/answer", "StackId": "s", "RequestId": "r",
        "LogicalResourceId": "Page", "ResourceType": "AWS::CloudFormation::CustomResource", "PhysicalResourceId": "page",
        "ResourceProperties": {"ServiceToken": "t", "Api": "https://api", "WebSocket": "wss://socket"},
    }


# Each function's event, and what its environment has more.
FUNCTIONS = {
    "rest-api": lambda _: (rest("GET", f"/jobs/{JOB}"), {}),
    "websocket": lambda _: (disconnect(), {}),
    "generate-image": lambda _: ({"job_id": JOB}, {}),
    "deliver": lambda _: ({"job_id": JOB}, {}),
    "authorizer": lambda _: (authorize(), {}),
    "async-result": lambda _: (notice(), {"MODEL_BACKEND": "sagemaker-async"}),
    "sweep": lambda _: ({}, {}),
    "publish-page": lambda aws_url: (custom_resource(aws_url), {}),
}


def stored_key():
    """The API key as `tintype keys` stores one."""
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    record = {"hash": digest, "owner": "ada", "name": "measured", "created_at": "2026-01-31T12:00:00.000Z", "expires_at": None}
    item = {"pk": f"CREDENTIAL#{digest}", "sk": "#", "kind": "key", "body": json.dumps(record)}
    return {name: {"S": value} for name, value in item.items()}


STORED_KEY = stored_key()


def answer_of_dynamodb(target, body):
    """The answer of tables that hold one API key and nothing else."""
    if target.endswith(".Query"):
        return b'{"Count":0,"Items":[],"ScannedCount":0}'
    if target.endswith(".GetItem") and STORED_KEY["pk"]["S"].encode() in body:
        return json.dumps({"Item": STORED_KEY}).encode()
    return b"{}"


def nothing_in_s3(method, path):
    """An empty bucket's answer: status and body."""
    if "list-type=2" in path:
        return 200, b'<?xml version="1.0"?><ListBucketResult><Name>pictures</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>'
    return 404, b"" if method == "HEAD" else b"<Error><Code>NoSuchKey</Code></Error>"
