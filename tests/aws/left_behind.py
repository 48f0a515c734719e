"""After `sam delete`: nothing is left but what the deletion policies keep."""
import os

import boto3


def service(name):
    return boto3.client(name, endpoint_url=os.environ["STACK_AWS"], region_name="us-east-1")


left = {
    "functions": [each["FunctionName"] for each in service("lambda").list_functions()["Functions"]],
    "state machines": [each["name"] for each in service("stepfunctions").list_state_machines()["stateMachines"]],
    "REST APIs": [each["name"] for each in service("apigateway").get_rest_apis()["items"]],
    "WebSocket APIs": [each["Name"] for each in service("apigatewayv2").get_apis()["Items"]],
    "topics": [each["TopicArn"] for each in service("sns").list_topics()["Topics"]],
    "queues": service("sqs").list_queues().get("QueueUrls", []),
    "distributions": service("cloudfront").list_distributions()["DistributionList"].get("Items", []),
    "alarms": [each["AlarmName"] for each in service("cloudwatch").describe_alarms()["MetricAlarms"]],
    "logs": [each["logGroupName"] for each in service("logs").describe_log_groups()["logGroups"]],
    "roles": [each["RoleName"] for each in service("iam").list_roles()["Roles"] if "ApiGatewayLogRole" not in each["RoleName"]],
}
left = {kind: names for kind, names in left.items() if names}
tables = service("dynamodb").list_tables()["TableNames"]
buckets = [each["Name"] for each in service("s3").list_buckets()["Buckets"] if not each["Name"].startswith("aws-sam-cli")]
print(f"kept: {tables} {buckets}; left behind: {left or 'nothing'}")
assert len(tables) == 9 and len(buckets) == 3, "tables and buckets outlive the stack"
assert not left, left
