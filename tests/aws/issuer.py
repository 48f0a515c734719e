"""An issuer of tokens, as OpenID Connect has them: it publishes its keys, and gives out whatever token a test asks for.

    python issuer.py PORT CERTIFICATE KEY        (needs cryptography)
"""
import base64
import json
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

PORT, CERTIFICATE, KEY = int(sys.argv[1]), sys.argv[2], sys.argv[3]
ISSUER = f"https://127.0.0.1:{PORT}"
SIGNING = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("published", "unpublished")}


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def number(value):
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def keys():
    public = SIGNING["published"].public_key().public_numbers()
    return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "n": number(public.n), "e": number(public.e)}]}


def token(signing="published", life="3600", **claims):
    """A token for `claims`, of now, signed with a key of this name."""
    now = int(time.time())
    claims = {"iss": ISSUER, "iat": now, "exp": now + int(life), **claims}
    parts = [encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "one"}, claims)]
    signed = ".".join(parts)
    return f"{signed}.{encoded(SIGNING[signing].sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


class Issuer(BaseHTTPRequestHandler):
    def do_GET(self):
        address = urlsplit(self.path)
        answers = {
            "/": lambda: {},
            "/.well-known/openid-configuration": lambda: {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"},
            "/keys": keys,
            "/token": lambda: {"token": token(**dict(parse_qsl(address.query)))},
        }
        body = json.dumps(answers[address.path]()).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form, *words):
        print(form % words, flush=True)


server = ThreadingHTTPServer(("127.0.0.1", PORT), Issuer)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
