"""What template.yaml promises, read from it: each function may make the calls its adapters make and no other, nothing is
public, everything is encrypted, every log is kept for a stated time, what people made outlives the stack.

    python tests/aws/template_test.py        (needs PyYAML)
"""
import json
import re

from cases import case, run
from template import RESOURCES, ROOT, TEMPLATE, Tagged

ADAPTERS = ROOT / "crates" / "adapters-aws" / "src"


def of_type(kind):
    return {name: each for name, each in RESOURCES.items() if each["Type"] == kind}


def listed(value):
    return value if isinstance(value, list) else [value]


def statements(role):
    for policy in role["Properties"].get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            if isinstance(statement, Tagged):  # !If [condition, statement, AWS::NoValue]
                statement = statement.value[1]
            yield statement


# An SDK call, and the actions that IAM wants for it.
ACTIONS = {
    "get_item": {"dynamodb:GetItem"}, "put_item": {"dynamodb:PutItem"}, "update_item": {"dynamodb:UpdateItem"},
    "delete_item": {"dynamodb:DeleteItem"}, "query": {"dynamodb:Query"}, "batch_get_item": {"dynamodb:BatchGetItem"},
    "batch_write_item": {"dynamodb:BatchWriteItem"}, "scan": {"dynamodb:Scan"},
    "describe_table": {"dynamodb:DescribeTable"},
    # Without ListBucket a missing object is answered with 403.
    "get_object": {"s3:GetObject", "s3:ListBucket"}, "head_object": {"s3:GetObject", "s3:ListBucket"},
    "put_object": {"s3:PutObject"}, "delete_object": {"s3:DeleteObjectVersion"},
    "copy_object": {"s3:GetObject", "s3:PutObject"}, "list_objects_v2": {"s3:ListBucket"},
    "start_execution": {"states:StartExecution"}, "stop_execution": {"states:StopExecution"},
    "describe_execution": {"states:DescribeExecution"}, "send_task_success": {"states:SendTaskSuccess"},
    "send_task_failure": {"states:SendTaskFailure"}, "invoke_endpoint": {"sagemaker:InvokeEndpoint"},
    "invoke_endpoint_async": {"sagemaker:InvokeEndpointAsync"}, "invoke_model": {"bedrock:InvokeModel"},
    "post_to_connection": {"execute-api:ManageConnections"},
}
# A transaction is allowed by what is in it.
WRITES = {r"\bWrite::(put|put_if|Put)\b": {"dynamodb:PutItem"}, r"\bWrite::(delete|delete_if|Delete)\b": {"dynamodb:DeleteItem"}}

# What the use cases behind each function ask of each port, by the adapter's file. `fn` of a function is its name there.
DELIVER = {
    "connection_registry": {"listeners", "advance", "unsubscribe", "disconnect"}, "job_repo": {"events"},
    "image_store": {"get"}, "notifier": {"send"},
}
WARM = {"job_repo": {"find"}}


def plus(*uses):
    total = {}
    for use in uses:
        for adapter, methods in use.items():
            total[adapter] = total.get(adapter, set()) | methods
    return total


USES = {
    "RestApi": plus(DELIVER, WARM, {
        "job_repo": {"insert", "find", "list", "cancel", "refers_to", "is_released", "forget_release"},
        "metadata_repo": {
            "insert", "find", "list", "timeline", "change", "delete", "refers_to", "is_released", "forget_release",
        },
        "collection_repo": {"insert", "find", "list", "change", "delete"},
        "image_store": {"put", "get", "open", "find", "delete"},
        "workflow": {"start", "cancel", "place"}, "credential_repo": {"add_ticket"}, "dynamodb": {"cursor_secret"},
    }),
    "Socket": plus(DELIVER, WARM, {"connection_registry": {"connect", "find", "subscribe"}, "job_repo": {"find"}}),
    "GenerateImage": plus(DELIVER, WARM, {
        "job_repo": {"begin", "advance", "requeue", "finish"}, "image_store": {"put", "get", "find"},
        "image_model": {"generate"}, "async_inference": {"invoke", "finish"},
    }),
    "Deliver": plus(DELIVER, WARM, {"job_repo": {"begin", "finish"}}),
    "Authorizer": {"credential_repo": {"find_key", "take_ticket"}},
    "AsyncResult": plus(DELIVER, WARM, {
        "job_repo": {"requeue", "finish"}, "image_store": {"put", "get", "find"},
        "async_inference": {"collect", "finish_task", "fail_task"},
    }),
    "Sweep": plus(DELIVER, WARM, {
        "job_repo": {"unfinished", "expire", "purge", "refers_to", "is_released", "released", "forget_release"},
        "metadata_repo": {"purge", "refers_to", "is_released", "released", "forget_release"},
        "image_store": {"list", "find", "delete", "quarantine", "purge_quarantine"}, "workflow": {"start"},
        "integrity": {"confirm", "accept"},
    }),
    "PublishPage": {},
}
# Calls that are not in an adapter: the custom resource's own, the runtime's log, the queue of what failed.
OWN = {"PublishPage": {"s3:PutObject", "s3:DeleteObject"}}
RUNTIME = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}


def texts_of(adapter):
    files = [ADAPTERS / f"{adapter}.rs", *sorted((ADAPTERS / adapter).rglob("*.rs"))]
    return [path.read_text().split("#[cfg(test)]\nmod tests")[0] for path in files if path.exists()]


def functions_of(adapter):
    """Every function in an adapter's files, with its text."""
    found = {}
    for text in texts_of(adapter):
        for start in re.finditer(r"\bfn (\w+)", text):
            following = text.find("\n    }\n", start.end()), text.find("\n}\n", start.end())
            end = min([each for each in following if each > 0], default=len(text))
            found[start[1]] = found.get(start[1], "") + text[start.end():end]
    return found


TABLE = functions_of("dynamodb")


def table_bodies(calls):
    """What these methods of the table do, and what they call there."""
    seen, waiting = set(), set(calls) & set(TABLE)
    while waiting:
        seen.add(name := waiting.pop())
        waiting |= ({call for call in re.findall(r"\.(\w+)\(", TABLE[name])} & set(TABLE)) - seen
    return [TABLE[name] for name in seen]


def actions_of(adapter, methods):
    """The actions that these methods of an adapter can need, found by following its calls."""
    own, seen, waiting, actions = functions_of(adapter), set(), set(methods), set()
    # A function of another type may have the name of one here.
    types = {"", *re.findall(r"\b(?:struct|enum) (\w+)", "\n".join(texts_of(adapter)))}
    assert waiting <= set(own), f"{adapter} has no {sorted(waiting - set(own))}"
    while waiting:
        name = waiting.pop()
        seen.add(name)
        text = own.get(name, "")
        bodies = [text, *table_bodies(re.findall(r"table\s*\.(\w+)\(", text))]
        for body in bodies:
            for call in re.findall(r"\.\s*(\w+)\(\)", body):
                actions |= ACTIONS.get(call, set())
        for write, wanted in WRITES.items():
            if re.search(write, text):
                actions |= wanted
        called = {call for owner, call in re.findall(r"(?:\b([A-Z]\w*)::)?\b(\w+)\(", text) if owner in types}
        called |= set(re.findall(r"Self::(\w+)\b", text))
        waiting |= {call for call in called if call in own} - seen
    return actions


# The tables that an adapter has; the others have none.
TABLES = {
    "job_repo": ["JobsTable"], "async_inference": ["JobsTable"], "dynamodb": ["JobsTable"],
    "metadata_repo": ["ImagesTable"], "collection_repo": ["ImagesTable"], "integrity": ["JobsTable", "ImagesTable"],
    "connection_registry": ["ConnectionsTable"], "credential_repo": ["ConnectionsTable"],
}


def placed(action, place):
    """An action on a table is one on that table."""
    return f"{action} on {place}" if action.startswith("dynamodb:") else action


def made_by(function):
    made = set(OWN.get(function, ()))
    for adapter, methods in USES[function].items():
        for table in TABLES.get(adapter, [None]):
            made |= {placed(action, table) for action in actions_of(adapter, methods)}
    return made


def allowed_to(function):
    allowed = set()
    for statement in statements(RESOURCES[f"{function}Role"]):
        for resource in listed(statement["Resource"]):
            place = resource.value.removesuffix(".Arn")
            allowed |= {placed(action, place) for action in listed(statement["Action"])}
    return allowed


@case
def a_functions_policy_allows_exactly_the_calls_its_adapters_make():
    wrong = []
    for function in USES:
        made, allowed = made_by(function), allowed_to(function)
        if missing := made - allowed:
            wrong.append(f"{function} makes {sorted(missing)} and may not")
        if extra := allowed - made - RUNTIME:
            wrong.append(f"{function} may {sorted(extra)} and nothing in it does so")
    assert not wrong, "\n     ".join(wrong)


@case
def no_table_is_ever_scanned():
    for path in ADAPTERS.rglob("*.rs"):
        assert ".scan()" not in path.read_text(), path


@case
def no_policy_has_a_wildcard_action_or_the_resource_of_all():
    for name, role in of_type("AWS::IAM::Role").items():
        assert "ManagedPolicyArns" not in role["Properties"], name
        for statement in statements(role):
            assert statement["Effect"] == "Allow" and statement["Sid"], name
            for action in listed(statement["Action"]):
                assert "*" not in action, f"{name}: {action}"
            for resource in listed(statement["Resource"]):
                text = resource.value if isinstance(resource, Tagged) else resource
                assert text != "*", f"{name}: {statement['Sid']} allows everything"


@case
def each_function_has_a_role_and_a_log_of_its_own():
    roles = [str(each["Properties"]["Role"]) for each in of_type("AWS::Serverless::Function").values()]
    assert len(set(roles)) == len(roles) == len(USES)
    for name, function in of_type("AWS::Serverless::Function").items():
        log = function["Properties"]["LoggingConfig"]["LogGroup"].value
        assert RESOURCES[log]["Type"] == "AWS::Logs::LogGroup", name


@case
def every_log_is_kept_for_a_stated_time():
    for name, log in of_type("AWS::Logs::LogGroup").items():
        assert "RetentionInDays" in log["Properties"], name


@case
def everything_is_encrypted():
    for name, table in of_type("AWS::DynamoDB::Table").items():
        assert table["Properties"]["SSESpecification"]["SSEEnabled"] is True, name
    for name, bucket in of_type("AWS::S3::Bucket").items():
        assert bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"], name
    for name, topic in of_type("AWS::SNS::Topic").items():
        assert topic["Properties"]["KmsMasterKeyId"], name
    for name, queue in of_type("AWS::SQS::Queue").items():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True, name
    for behavior in [RESOURCES["Distribution"]["Properties"]["DistributionConfig"]["DefaultCacheBehavior"]]:
        assert behavior["ViewerProtocolPolicy"] in ("redirect-to-https", "https-only")


@case
def nothing_is_public():
    for name, bucket in of_type("AWS::S3::Bucket").items():
        blocked = bucket["Properties"]["PublicAccessBlockConfiguration"]
        assert len(blocked) == 4 and all(value is True for value in blocked.values()), name
    for policy in of_type("AWS::S3::BucketPolicy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"} and "Condition" in statement
    functions = of_type("AWS::Serverless::Function")
    events = [(name, event) for name, each in functions.items() for event in each["Properties"].get("Events", {}).items()]
    keyless = {event["Properties"]["Path"] for _, (_, event) in events if event["Properties"].get("Auth")}
    assert keyless == {"/{proxy+}", "/livez", "/readyz", "/version", "/docs", "/openapi.json"}
    for _, (name, event) in events:
        if event["Properties"].get("Path") == "/{proxy+}" and event["Properties"].get("Auth"):
            assert event["Properties"]["Method"] == "options", name
    assert RESOURCES["Rest"]["Properties"]["Auth"]["DefaultAuthorizer"] == "Caller"
    assert RESOURCES["ConnectRoute"]["Properties"]["AuthorizationType"] == "CUSTOM"


@case
def what_api_gateway_answers_itself_is_a_problem_of_the_apis():
    text = (ROOT / "crates" / "http-api" / "src" / "problem.rs").read_text()
    known = {code: (int(status), title) for status, code, title in re.findall(r'= (\d+) "(\w+)" "([^"]+)"', text)}
    responses = RESOURCES["Rest"]["Properties"]["GatewayResponses"]
    assert {"UNAUTHORIZED", "ACCESS_DENIED", "THROTTLED", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(responses)
    for name, response in responses.items():
        problem = json.loads(response["ResponseTemplates"]["application/json"])
        assert known[problem["code"]] == (problem["status"], problem["title"]), name
        assert response["StatusCode"] == str(problem["status"]), name
        assert set(problem) == {"type", "title", "status", "detail", "instance", "code", "request_id"}, name
        headers = response["ResponseParameters"]["Headers"]
        assert headers["Content-Type"] == "'application/problem+json'", name
        assert ("Retry-After" in headers) == (problem["status"] in (429, 503)), name
        assert ("WWW-Authenticate" in headers) == (problem["status"] == 401), name


@case
def removed_pictures_leave_no_version_behind():
    bucket = RESOURCES["Bucket"]["Properties"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert any(rule.get("NoncurrentVersionExpiration") and "Prefix" not in rule for rule in rules)


@case
def a_stage_waits_for_the_role_that_it_logs_with():
    for stage, variables in (("Rest", "Variables"), ("SocketStage", "StageVariables")):
        condition, account, _ = RESOURCES[stage]["Properties"][variables]["logs"].value
        assert condition == RESOURCES["ApiGatewayAccount"]["Condition"] and account.value == "ApiGatewayAccount", stage


@case
def only_functions_that_draw_or_take_requests_are_told_of_the_model():
    source = ROOT / "crates" / "lambda-entry" / "src"
    known = set(re.findall(r'"((?:MODEL|SAGEMAKER|BEDROCK)_[A-Z_]+)"', (source / "compose.rs").read_text()))
    assert len(known) == 6, known
    for name, function in of_type("AWS::Serverless::Function").items():
        binary = (source / "bin" / f"{function['Metadata']['BuildProperties']['Binary']}.rs").read_text()
        told = known & set(function["Properties"]["Environment"]["Variables"])
        wants = re.search(r"Stack::that_(draws|takes_requests)", binary)
        assert told == (known if wants else set()), (name, told)


@case
def what_people_made_outlives_the_stack():
    for name, each in {**of_type("AWS::DynamoDB::Table"), **of_type("AWS::S3::Bucket")}.items():
        assert each["DeletionPolicy"] == each["UpdateReplacePolicy"] == "Retain", name


@case
def the_guide_asks_for_the_endpoints_name_alone():
    without = [name for name, each in TEMPLATE["Parameters"].items() if "Default" not in each]
    assert without == ["SageMakerEndpoint"], without
    assert all(each.get("Description") for each in TEMPLATE["Parameters"].values())


run()
