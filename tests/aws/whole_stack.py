"""The deployed stack through its public URLs, case by case. Run by `tests/aws/stack`.

    python whole_stack.py [part of a case's name]
"""
import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from cases import case, eventually, run
from harness import (
    AWS, Client, Stack, bedrock_was_asked, bedrock_will_answer, pixels, plain, request, service, text64, token,
    will_answer, will_answer_later,
)
from transfer import there_and_back
from websockets.exceptions import InvalidStatus

HERE = Path(__file__).resolve().parent
STACK, LATER, OTHER = Stack("tintype"), Stack("later"), Stack("other")
ANNA, BERT = STACK.client("anna"), STACK.client("bert")
SOCKETS = []


def socket(client=ANNA, ticket=None):
    SOCKETS.append(client.socket(ticket))
    return SOCKETS[-1]


def drawn(prompt, red=10, client=ANNA, **more):
    will_answer({"generated_images": [text64(red)]})
    return client.ended(client.generate(prompt, **more)["id"])


@case
def a_job_is_generated_saved_listed_and_its_bytes_are_served():
    job = drawn("a red heart", red=200, seed=7)
    assert job["status"] == "succeeded", job
    image = job["images"][0]
    served = STACK.open(image["url"])
    assert hashlib.sha256(served.body).hexdigest() == image["sha256"]
    assert "immutable" in served.headers["cache-control"] and served.headers["content-type"] == "image/png"
    assert ANNA.call("GET", f"/jobs/{job['id']}/images/0").body == served.body
    saved = ANNA.call("POST", "/save", {"job_id": job["id"], "index": 0})
    assert saved.status == 201, saved.body
    again = ANNA.call("POST", "/save", {"job_id": job["id"], "index": 0})
    assert (again.status, again.json["id"]) == (200, saved.json["id"])
    listed = ANNA.call("GET", "/images?limit=1").json["items"]
    assert [item["id"] for item in listed] == [saved.json["id"]]
    content = ANNA.call("GET", f"/images/{saved.json['id']}/content")
    assert content.body == served.body
    part = ANNA.call("GET", f"/images/{saved.json['id']}/content", range="bytes=0-7")
    assert (part.status, part.body) == (206, b"\x89PNG\r\n\x1a\n")
    small = ANNA.call("GET", f"/images/{saved.json['id']}/content?variant=thumbnail&w=32")
    assert small.status == 200 and small.body != served.body
    assert ANNA.call("DELETE", f"/images/{saved.json['id']}?permanent=true").status == 204
    assert ANNA.call("GET", "/images").json["items"] == []


@case
def a_library_is_put_in_order_searched_and_seen_in_time():
    job = drawn("a lighthouse over the sea", red=90, seed=4711)
    image = ANNA.call("POST", "/save", {"job_id": job["id"], "index": 0}).json["id"]
    made = ANNA.call("POST", "/collections", {"name": "Coast"})
    assert made.status == 201, made.body
    coast = made.json["id"]
    edited = ANNA.call("POST", "/images/edit", {"ids": [image], "add_tags": ["by day"], "add_to": [coast], "rating": 4})
    assert [item["id"] for item in edited.json["items"]] == [image], edited.body

    def found(query):
        return [item["id"] for item in ANNA.call("GET", f"/images?{query}").json["items"]]

    for query in ("q=lighthouse+sea", "q=lighth*", "q=%22over+the+sea%22", f"collection={coast}", "tag=by+day&rating=3", "seed=4711"):
        assert found(query) == [image], query
    for query in ("q=lighthouse+star", "tag=by+night", "rating=5", "seed=4712&q=sea", "favorite=true"):
        assert found(query) == [], query
    timeline = ANNA.call("GET", "/images/timeline?q=sea").json
    assert [month["count"] for month in timeline["months"]] == [1] and timeline["complete"] is True, timeline
    assert ANNA.call("DELETE", f"/images/{image}").json["trashed_at"]
    assert found("q=lighthouse") == [] and found("q=lighthouse&trashed=true") == [image]
    assert ANNA.call("DELETE", f"/images/{image}?permanent=true").status == 204
    assert ANNA.call("DELETE", f"/collections/{coast}").status == 204
    assert ANNA.call("GET", "/collections").json["items"] == []


@case
def the_gallery_is_served_and_knows_the_api():
    page = STACK.open(STACK.outputs["GalleryUrl"] + "/")
    assert page.status == 200 and b"<html" in page.body and "content-security-policy" in page.headers
    config = STACK.open(STACK.outputs["GalleryUrl"] + "/config.json").json
    assert config == {"api": STACK.outputs["ApiUrl"], "websocket": STACK.outputs["WebSocketUrl"]}


@case
def a_page_of_the_gallery_may_call_the_api_and_others_may_not():
    asks = {"access-control-request-method": "POST"}
    allowed = request("OPTIONS", STACK.api + "/generate", headers={"origin": STACK.outputs["GalleryUrl"], **asks})
    assert allowed.headers.get("access-control-allow-origin") == STACK.outputs["GalleryUrl"], (allowed.status, allowed.body)
    other = request("OPTIONS", STACK.api + "/generate", headers={"origin": "https://evil.example", **asks})
    assert "access-control-allow-origin" not in other.headers


@case
def a_socket_hears_a_job_before_and_after_its_end():
    will_answer({"generated_images": [text64(11)]})
    first, job = socket(), ANNA.generate("slow sunrise")
    first.say(action="subscribe", job_id=job["id"], after=0)
    heard = [message["type"] for message in first.until("job.succeeded")]
    assert heard == ["job.queued", "job.running", "job.succeeded"], heard
    late = socket()
    late.say(action="subscribe", job_id=job["id"], after=0)
    again = [message["seq"] for message in late.until("job.succeeded")]
    assert again == [1, 2, 3], again


@case
def two_sockets_hear_the_same():
    will_answer({"generated_images": [text64(12)]})
    pair, job = [socket(), socket()], ANNA.generate("slow twins")
    for each in pair:
        each.say(action="subscribe", job_id=job["id"], after=0)
    assert all([message["seq"] for message in each.until("job.succeeded")] == [1, 2, 3] for each in pair)


@case
def a_socket_that_dropped_goes_on_where_it_was():
    will_answer({"generated_images": [text64(13)]})
    first, job = socket(), ANNA.generate("slow river")
    first.say(action="subscribe", job_id=job["id"], after=0)
    last = first.until("job.running")[-1]["seq"]
    first.close()
    second = socket()
    second.say(action="subscribe", job_id=job["id"], after=last)
    assert [message["seq"] for message in second.until("job.succeeded")] == [last + 1]


@case
def an_inline_subscription_gets_the_bytes():
    job = drawn("a blue star", red=14)
    listener = socket()
    listener.say(action="subscribe", job_id=job["id"], after=0, inline=True)
    listener.until("job.succeeded")
    chunk = listener.hear()
    assert chunk["type"] == "image.chunk"
    data = base64.b64decode(chunk["data"]["data"])
    assert hashlib.sha256(data).hexdigest() == job["images"][0]["sha256"]


@case
def the_same_idempotency_key_is_one_job_and_one_execution():
    will_answer({"generated_images": [text64(15)]})
    first = ANNA.generate("one of a kind", idempotency_key="k1")
    second = ANNA.generate("one of a kind", idempotency_key="k1")
    assert first["id"] == second["id"]
    other = ANNA.call("POST", "/generate", {"prompt": "another"}, idempotency_key="k1")
    assert other.status == 422
    ANNA.ended(first["id"])
    arn = STACK.outputs["StateMachineArn"]
    pages = service("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=arn)
    named = [each for page in pages for each in page["executions"] if first["id"] in each["name"]]
    assert len(named) == 1


@case
def a_canceled_job_stays_so_and_can_be_retried():
    will_answer({"generated_images": [text64(16)]})
    job = ANNA.generate("slow cancel")
    eventually("its start", lambda: ANNA.job(job["id"])["status"] == "running")
    canceled = ANNA.call("POST", f"/jobs/{job['id']}/cancel")
    assert canceled.json["status"] == "canceled"
    time.sleep(6)
    assert ANNA.job(job["id"])["status"] == "canceled"
    retried = ANNA.call("POST", f"/jobs/{job['id']}/retry")
    assert retried.status == 202 and retried.json["id"] != job["id"]
    assert ANNA.ended(retried.json["id"])["status"] == "succeeded"


@case
def a_failing_endpoint_is_tried_four_times_and_then_told():
    listener, job = socket(), ANNA.generate("failing endpoint")
    listener.say(action="subscribe", job_id=job["id"], after=0)
    heard = listener.until("job.failed")
    assert heard[-1]["data"]["error"]["code"] == "unavailable", heard[-1]
    assert [message["type"] for message in heard].count("job.running") == 4


@case
def a_throttled_endpoint_is_tried_again():
    will_answer({"generated_images": [text64(17)]})
    job = ANNA.ended(ANNA.generate("throttled once")["id"])
    assert job["status"] == "succeeded", job


@case
def a_refused_prompt_fails_at_once():
    job = ANNA.ended(ANNA.generate("refused prompt")["id"])
    assert (job["status"], job["error"]["code"], job["attempts"]) == ("failed", "rejected", 1), job


@case
def another_owners_job_does_not_exist():
    job = drawn("mine alone", red=18)
    for method, path in [("GET", ""), ("POST", "/cancel"), ("POST", "/retry"), ("GET", "/images/0")]:
        assert BERT.call(method, f"/jobs/{job['id']}{path}").status == 404, path
    listener = socket(BERT)
    listener.say(action="subscribe", job_id=job["id"], after=0)
    told = listener.hear()
    assert (told["type"], told["data"]["code"]) == ("error", "not_found"), told
    assert BERT.call("POST", "/save", {"job_id": job["id"], "index": 0}).status == 404


@case
def nobody_is_let_in_without_a_key():
    for headers in ({}, {"authorization": "Bearer tt_unknown"}, {"authorization": "Basic x"}):
        answer = request("GET", STACK.api + "/jobs", headers=headers)
        assert answer.status == 401, (headers, answer.status, answer.body)
    assert request("GET", STACK.api + "/livez").status == 200


def is_a_problem(answer, status, code):
    told = answer.json
    assert (answer.status, told["status"], told["code"]) == (status, status, code), (answer.status, answer.body)
    assert answer.headers["content-type"] == "application/problem+json", answer.headers
    assert {"type", "title", "detail", "instance", "request_id"} <= set(told), told


@case
def what_api_gateway_refuses_looks_like_what_the_api_refuses():
    STACK.answer_as_the_template_says()
    refused = request("GET", STACK.api + "/jobs")
    is_a_problem(refused, 401, "unauthorized")
    assert refused.headers["access-control-allow-origin"] == STACK.outputs["GalleryUrl"], refused.headers
    is_a_problem(request("GET", STACK.api + "/jobs", headers={"authorization": "Bearer tt_unknown"}), 401, "unauthorized")
    is_a_problem(request("PUT", STACK.api + "/jobs"), 404, "no_such_route")
    is_a_problem(ANNA.call("GET", "/jobs/none"), 404, "not_found")
    try:
        STACK.configure("authorizer", CONNECTIONS_TABLE="")
        headers = {"authorization": "Bearer tt_nobody-looked-at-yet"}
        is_a_problem(request("GET", STACK.api + "/jobs", headers=headers), 500, "internal")
    finally:
        STACK.configure("authorizer", CONNECTIONS_TABLE=STACK.outputs["ConnectionsTableName"])


@case
def every_url_of_an_answer_resolves():
    # The emulator does not tell a function under which domain it was asked, as API Gateway does.
    try:
        STACK.configure("rest-api", PUBLIC_URL=STACK.api)
        will_answer({"generated_images": [text64(19)]})
        accepted = ANNA.call("POST", "/generate", {"prompt": "found again"})
        place = accepted.headers["location"]
        assert place.startswith(STACK.api + "/jobs/"), place
        headers = {"authorization": f"Bearer {ANNA.key}", "accept": "*/*"}
        job = ANNA.ended(accepted.json["id"])
        assert request("GET", place, headers=headers).json == job
        assert request("GET", job["links"]["self"], headers=headers).json == job
        assert request("POST", job["links"]["cancel"], headers=headers).json == job
        saved = ANNA.call("POST", "/save", {"job_id": job["id"], "index": 0})
        image = request("GET", saved.headers["location"], headers=headers).json
        small = request("GET", image["thumbnail_url"], headers=headers)
        assert small.status == 200 and small.headers["content-type"].startswith("image/"), small.status
        assert ANNA.call("GET", "/nowhere").json["type"] == STACK.api + "/docs#no_such_route"
        assert ANNA.call("DELETE", f"/images/{image['id']}?permanent=true").status == 204
    finally:
        STACK.configure("rest-api", PUBLIC_URL="")


@case
def a_ticket_opens_one_socket():
    ticket = ANNA.ticket()
    socket(ANNA, ticket).say(action="ping")
    assert SOCKETS[-1].hear()["type"] == "pong"
    for bad in (ticket, "ticket_unknown"):
        try:
            ANNA.socket(bad)
        except InvalidStatus:
            continue
        raise AssertionError("it was let in")


@case
def what_a_client_says_wrong_is_told():
    listener = socket()
    for said, pointer in [({"action": "dance"}, "/action"), ({"action": "subscribe", "job_id": "x"}, "/job_id")]:
        listener.say(**said)
        told = listener.hear()
        assert (told["type"], told["data"]["errors"][0]["pointer"]) == ("error", pointer), told


@case
def every_shape_of_endpoint_is_understood():
    shapes = {
        "text": {"generated_image": pixels(21), "prompt": "p"},
        "diffusers": {"generated_images": [text64(22)]},
        "stability-v1": {"generated_image": text64(23)},
        "artifacts": {"artifacts": [{"base64": text64(24), "seed": 1, "finishReason": "SUCCESS"}]},
        "stability-v3": {"body": {"images": [text64(25)]}},
    }
    try:
        for shape, answer in shapes.items():
            STACK.configure("generate-image", SAGEMAKER_SHAPE=shape)
            will_answer(answer)
            job = ANNA.ended(ANNA.generate(f"shape {shape}")["id"])
            assert job["status"] == "succeeded", (shape, job.get("error"))
    finally:
        STACK.configure("generate-image", SAGEMAKER_SHAPE="auto")


@case
def an_asynchronous_endpoint_answers_later_and_its_notice_may_come_twice():
    LATER.may_end_tasks("async-result")
    client = LATER.client("anna")
    will_answer_later({"generated_images": [text64(31)]})
    job = client.ended(client.generate("a later picture")["id"])
    assert job["status"] == "succeeded", job
    assert job["attempts"] == 1 and job["last_seq"] == 3, job
    name = f"{LATER.outputs['StateMachineArn'].replace(':stateMachine:', ':execution:')}:{job['id']}"

    def ended():
        return service("stepfunctions").describe_execution(executionArn=name)["status"] == "SUCCEEDED"

    eventually("the execution's end", ended)


@case
def a_model_of_bedrock_draws_in_an_express_execution():
    machine = service("stepfunctions").describe_state_machine(stateMachineArn=OTHER.outputs["StateMachineArn"])
    assert machine["type"] == "EXPRESS"
    bedrock_will_answer(61)
    client = Client(OTHER, token())
    job = client.ended(client.generate("a picture of Bedrock's", seed=7)["id"])
    assert (job["status"], job["attempts"]) == ("succeeded", 1), job
    asked = bedrock_was_asked()[-1]
    assert (asked["model"], asked["prompt"]) == ("us.stability.stable-image-core-v1:1", "a picture of Bedrock's"), asked
    assert hashlib.sha256(OTHER.open(job["images"][0]["url"]).body).hexdigest() == job["images"][0]["sha256"]
    job = client.ended(client.generate("refused prompt")["id"])
    assert (job["status"], job["error"]["code"], job["attempts"]) == ("failed", "rejected", 1), job
    job = client.ended(client.generate("throttled once")["id"])
    assert (job["status"], job["attempts"]) == ("succeeded", 2), job


@case
def a_token_of_the_issuer_lets_in_and_no_other_does():
    def asked(bearer):
        return request("GET", OTHER.api + "/jobs", headers={"authorization": f"Bearer {bearer}"}).status

    assert asked(token()) == 200
    bad = {
        "for another audience": token(aud="another-program"), "expired": token(life="-3600"),
        "signed with another key": token(signing="unpublished"), "of another issuer": token(iss="https://127.0.0.1:1"),
        "changed": token()[:-4] + "AAAA",
    }
    for name, bearer in bad.items():
        assert asked(bearer) == 401, name
    # A stack that names no issuer takes no token.
    assert request("GET", STACK.api + "/jobs", headers={"authorization": f"Bearer {token()}"}).status == 401


@case
def each_subject_of_the_issuer_has_jobs_of_its_own_and_hears_of_them():
    bedrock_will_answer(62)
    anna, bert = (Client(OTHER, token(sub=name)) for name in ("oidc-anna", "oidc-bert"))
    job = anna.generate("a picture of one's own")
    listener = socket(anna)
    listener.say(action="subscribe", job_id=job["id"], after=0)
    assert [message["seq"] for message in listener.until("job.succeeded")] == [1, 2, 3]
    assert bert.call("GET", f"/jobs/{job['id']}").status == 404


def tintype(*words):
    """What the command says to this."""
    done = subprocess.run(
        [os.environ["STACK_TINTYPE"], *words], capture_output=True, text=True, timeout=120,
        env={**os.environ, "AWS_ENDPOINT_URL": AWS},
    )
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


@case
def keys_are_made_listed_and_removed_by_the_command():
    table = ["--table", STACK.outputs["ConnectionsTableName"]]
    made, removed = (tintype("keys", "add", name, "--owner", "carla", *table).strip() for name in ("laptop", "lost"))
    listed = tintype("keys", "list", *table)
    assert "laptop" in listed and "lost" in listed and "carla" in listed, listed
    assert made not in listed and removed not in listed
    tintype("keys", "remove", "lost", *table)
    assert "lost" not in tintype("keys", "list", *table)
    assert Client(STACK, made).call("GET", "/jobs").status == 200
    assert Client(STACK, removed).call("GET", "/jobs").status == 401


@case
def the_command_works_against_the_deployed_api():
    # All but fetching pictures: the CDN is https, and the command trusts no authority of the tests.
    client = STACK.client("carla")
    server = ["--server", plain(STACK.api), "--key", client.key]
    job = drawn("a heart for the command", red=43, client=client)
    assert "a heart for the command" in tintype("jobs", *server)
    assert "succeeded" in tintype("show", job["id"], "--json", *server)
    tintype("save", job["id"], *server)
    assert "a heart for the command" in tintype("list", *server)
    assert "default" in tintype("models", *server)


@case
def an_export_imports_into_aws_and_back_without_loss():
    client = STACK.client("erika")
    there_and_back(["--server", plain(STACK.api), "--key", client.key])


@case
def the_gallery_works_in_a_browser():
    will_answer({"generated_images": [text64(44)]})
    tls = os.environ["STACK_TLS"]
    done = subprocess.run(
        ["node", str(HERE / "gallery.mjs"), STACK.outputs["GalleryUrl"], AWS, STACK.key("dora"), f"{tls}/cert.pem", f"{tls}/key.pem"],
        capture_output=True, text=True, timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@case
def the_clients_work():
    will_answer({"generated_images": [text64(41)]}, {"generated_images": [text64(42)]})
    for command in (["client.py"], ["client.mjs"]):
        # Node 20 has its WebSocket behind a flag that later ones know too.
        runner = [sys.executable] if command[0].endswith(".py") else ["node", "--experimental-websocket"]
        path = HERE.parent.parent / "client" / command[0]
        done = subprocess.run(
            [*runner, str(path), STACK.api, STACK.socket, ANNA.key, f"a picture for {command[0]}"],
            capture_output=True, text=True, timeout=120, env={**os.environ, "NODE_EXTRA_CA_CERTS": os.environ["SSL_CERT_FILE"]},
        )
        assert done.returncode == 0, done.stderr
        assert "saved" in done.stdout, done.stdout


@case
def no_picture_goes_through_states_tables_or_control_messages():
    """Runs last: it looks at everything that the other cases left."""
    signs = ("iVBORw0KGgo", "/9j/", "PNG\\r")
    states, machine = service("stepfunctions"), STACK.outputs["StateMachineArn"]
    largest, executions = 0, 0
    for page in states.get_paginator("list_executions").paginate(stateMachineArn=machine):
        for execution in page["executions"]:
            executions += 1
            history = states.get_execution_history(executionArn=execution["executionArn"], maxResults=1000)
            for event in history["events"]:
                for details in event.values():
                    for text in (details.get("input", ""), details.get("output", "")) if isinstance(details, dict) else ():
                        largest = max(largest, len(text.encode()))
                        assert not any(sign in text for sign in signs), text[:200]
    assert executions and largest <= 4096, largest
    items = 0
    for table in ("JobsTableName", "ImagesTableName", "ConnectionsTableName"):
        for page in service("dynamodb").get_paginator("scan").paginate(TableName=STACK.outputs[table]):
            for item in page["Items"]:
                items += 1
                text = json.dumps(item, default=lambda _: "bytes")
                assert not any(sign in text for sign in signs), text[:200]
                assert table == "JobsTableName" or not any("B" in value for value in item.values())
    control = [message for each in SOCKETS for message in each.heard if message["type"] != "image.chunk"]
    assert control and not any(sign in json.dumps(message) for message in control for sign in signs)
    print(f"   {executions} executions, the largest state {largest} bytes; {items} items; {len(control)} control messages: 0 image bytes")


run(*sys.argv[1:])
