"""A library that goes from one machine into another server and back, by the command's export and import.

    STACK_TINTYPE=target/debug/tintype python transfer.py      # with one machine in place of AWS
"""
import base64
import hashlib
import json
import os
import struct
import subprocess
import tempfile
import time
import urllib.request
import zlib
from pathlib import Path

# What an import gives anew, as docs/import-export.md tells.
NEW = {"id", "version", "updated_at", "job_id", "job_index", "file"}


def picture(shade, side=8):
    """A PNG of one colour."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes([shade, 40, 90]) * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Machine:
    """A server of one machine, with a folder of its own; it ends with the `with` that it is in."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        ready = Path(self.folder.name) / "ready"
        arguments = ["serve", "--model", "noop", "--listen", "127.0.0.1:0", "--ready-file", str(ready)]
        self.process = subprocess.Popen(
            [os.environ["STACK_TINTYPE"], *arguments, "--data", f"{self.folder.name}/data"],
            env={"HOME": self.folder.name, "PATH": os.environ["PATH"]}, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not (ready.exists() and ready.read_text().endswith("\n")):
            assert time.monotonic() < end, "the server never listened"
            time.sleep(0.01)
        self.url = "http://" + ready.read_text().strip()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    @property
    def server(self):
        return ["--server", self.url]

    def post(self, path, **body):
        headers = {"content-type": "application/json"}
        asked = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(asked) as answer:
            return json.load(answer)

    def fill(self):
        """One of everything."""
        hearts = self.post("/collections", name="Hearts", note="all of them")["id"]
        request = {
            "prompt": "a fox", "negative_prompt": "fog", "width": 512, "height": 640, "steps": 20, "guidance_scale": 7.5,
            "seed": 42, "count": 4, "model": "elsewhere", "scheduler": "DPM++ 2M", "output_format": "png", "priority": 5,
            "deadline_s": 60,
        }
        first = self.save(1, title="Mine: a/b?", tags=["red", "\u732b"], request=request, seed=44, collections=[hearts])
        second = self.save(
            2, parent={"id": first["id"], "relation": "variant"}, saved_at="2019-12-31T23:59:59.999Z",
            note="two\nlines", favorite=True, rating=4, labels={"mood": "good"}, collections=[hearts])
        self.save(3, parent={"id": second["id"], "relation": "remix"}, prompt="a square")

    def save(self, shade, **fields):
        return self.post("/save", image=base64.b64encode(picture(shade)).decode(), **fields)


def tintype(*words):
    done = subprocess.run([os.environ["STACK_TINTYPE"], *map(str, words)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def read(export):
    """What an export holds, by the pictures' hashes: what is linked by ids is named by names and hashes."""
    collections = json.loads((export / "collections.json").read_text())["items"]
    names = {collection["id"]: collection["name"] for collection in collections}
    images = {}
    for path in (export / "pictures").glob("*/*.json"):
        image = json.loads(path.read_text())
        assert hashlib.sha256((path.parent / image["file"]).read_bytes()).hexdigest() == image["sha256"]
        images[image["id"]] = image
    hashes = {image["id"]: image["sha256"] for image in images.values()}
    for image in images.values():
        image["collections"] = sorted(names[each] for each in image["collections"])
        if image["parent"]:
            image["parent"]["id"] = hashes[image["parent"]["id"]]
    plain = {image["sha256"]: {name: image[name] for name in image if name not in NEW} for image in images.values()}
    return {"images": plain, "collections": sorted((each["name"], each["note"]) for each in collections)}


def there_and_back(there):
    """Into the server `there` (its flags), which is empty, and from there into an empty machine."""
    with Machine() as machine, Machine() as again, tempfile.TemporaryDirectory() as folder:
        machine.fill()
        exports = [Path(folder) / name for name in ("first", "there", "back")]
        tintype("export", exports[0], *machine.server)
        for came, server, export in ((exports[0], there, exports[1]), (exports[1], again.server, exports[2])):
            report = json.loads(tintype("import", came, "--json", *server))
            assert (report["new"], report["failed"]) == (3, 0), report
            tintype("export", export, *server)
        assert len(read(exports[0])["images"]) == 3
        assert read(exports[0]) == read(exports[1]) == read(exports[2])
        repeated = json.loads(tintype("import", exports[0], "--json", *there))
        assert (repeated["new"], repeated["there"]) == (0, 3), repeated


if __name__ == "__main__":
    with Machine() as other:
        there_and_back(other.server)
    print("equal, there and back")
