#!/usr/bin/env python3
"""A whole client of Tintype: asks for a picture, waits for it on the WebSocket, keeps it and lists what is kept.

    pip install websockets
    python client.py API_URL WEBSOCKET_URL KEY "a red heart"

The URLs are outputs of the stack. Nothing but `websockets` beside the standard library.
"""
import json
import sys
import urllib.error
import urllib.request
import uuid

from websockets.sync.client import connect


class Tintype:
    def __init__(self, api, socket, key):
        self.api, self.socket, self.key = api.rstrip("/"), socket, key

    def call(self, method, path, body=None, **headers):
        """One request; a problem (RFC 9457) becomes an exception with the server's own words."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json", **headers}
        request = urllib.request.Request(self.api + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def generate(self, prompt, **options):
        """A new job. The key makes the request safe to repeat: it is the same job then."""
        return self.call("POST", "/generate", {"prompt": prompt, **options}, **{"idempotency-key": str(uuid.uuid4())})

    def follow(self, job_id):
        """The job's messages from the first to the last, whenever this is called; a ticket opens the socket."""
        ticket = self.call("POST", "/tickets")["ticket"]
        with connect(f"{self.socket}?ticket={ticket}") as socket:
            socket.send(json.dumps({"action": "subscribe", "job_id": job_id, "after": 0}))
            for text in socket:
                message = json.loads(text)
                yield message
                if message["type"] in ("job.succeeded", "job.failed", "job.canceled", "job.expired", "error"):
                    return


def main(api, socket, key, prompt):
    tintype = Tintype(api, socket, key)
    job = tintype.generate(prompt)
    print("job", job["id"])
    for message in tintype.follow(job["id"]):
        print(message["type"], json.dumps(message["data"]))
    if message["type"] != "job.succeeded":
        raise SystemExit(1)
    print("picture", message["data"]["images"][0]["url"])
    image = tintype.call("POST", "/save", {"job_id": job["id"], "index": 0, "tags": ["client"]})
    print("saved", image["id"])
    for item in tintype.call("GET", "/images?limit=5")["items"]:
        print("kept", item["id"], item["prompt"])


if __name__ == "__main__":
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
