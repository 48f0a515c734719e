"""Pictures of Tintype in the readers of other tools, and theirs in ours."""

import datetime
import json
import os
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import c2pa
import piexif
import piexif.helper
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sd_parsers import ParserManager

BINARY = os.environ["TINTYPE_BIN"]
PROMPT = "red heart, \u732b \U0001f600"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
ENDINGS = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
AUTOMATIC1111 = (
    "a lighthouse\nNegative prompt: blurry\nSteps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, "
    "Seed: 1234567890123, Size: 832x1216, Model hash: 6ce0161689, Model: v1-5-pruned, Version: v1.10.1"
)
COMFYUI = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 42, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
            "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
        },
        "is_changed": [float("nan")],
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "dreamshaper_8.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 640, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text", "clip": ["4", 1]}},
}
INVOKEAI = {
    "app_version": "5.6.0", "generation_mode": "txt2img", "positive_prompt": "a boat", "negative_prompt": "fog",
    "width": 1024, "height": 768, "seed": 99, "cfg_scale": 5.5, "steps": 30, "scheduler": "dpmpp_2m_k",
    "model": {"key": "k", "name": "Juggernaut XL", "base": "sdxl", "type": "main"},
}


def environment(**more):
    return {"HOME": FOLDER.name, "TINTYPE_DATA": FOLDER.name + "/data", "PATH": os.environ["PATH"], **more}


def tintype(*arguments, **more):
    done = subprocess.run([BINARY, *arguments], cwd=FOLDER.name, env=environment(**more), capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{arguments}: {done.stderr}")
    return done.stdout


def path(name):
    return Path(FOLDER.name) / name


def inspected(name, *arguments):
    return json.loads(tintype("inspect", name, "--json", *arguments))[0]


def draw(name, *arguments, **variables):
    wish = ("generate", PROMPT, "--local", "--negative", "blue", "--seed", "7", "--steps", "4")
    tintype(*wish, "-o", name, *arguments, **variables)


def setUpModule():
    global FOLDER
    FOLDER = tempfile.TemporaryDirectory()
    for ending in ENDINGS:
        draw(f"ours.{ending}", TINTYPE_C2PA_SIGN="off")
    for ending in ENDINGS:
        # Where a library is, there is a certificate.
        draw(f"signed.{ending}", "--save")


def tearDownModule():
    FOLDER.cleanup()


class Ours(unittest.TestCase):
    def test_pillow_shows_the_parameters_of_a_png(self):
        with Image.open(path("ours.png")) as image:
            lines = image.text["parameters"].split("\n")
            ours = json.loads(image.text["tintype"])
        self.assertEqual(lines[:2], [PROMPT, "Negative prompt: blue"])
        self.assertRegex(lines[2], r"^Steps: 4, Sampler: DDIM, CFG scale: [\d.]+, Seed: 7, Size: 64x64, Model: tintype-icons")
        self.assertEqual((ours["prompt"], ours["seed"], ours["steps"]), (PROMPT, 7, 4))

    def test_pillow_opens_every_format_whole(self):
        for ending in ENDINGS:
            with Image.open(path(f"ours.{ending}")) as image:
                image.load()
                self.assertEqual(image.size, (64, 64))
                self.assertTrue(image.info.get("xmp") or image.text.get("XML:com.adobe.xmp"), ending)

    def test_the_way_of_automatic1111_reads_jpeg_and_webp(self):
        for ending in ("jpg", "webp"):
            with Image.open(path(f"ours.{ending}")) as image:
                exif = piexif.load(image.info["exif"])
            text = piexif.helper.UserComment.load(exif["Exif"][piexif.ExifIFD.UserComment])
            self.assertEqual(text.split("\n")[:2], [PROMPT, "Negative prompt: blue"], ending)

    def test_sd_parsers_understands_every_format(self):
        for ending in ENDINGS:
            found = ParserManager().parse(path(f"ours.{ending}"))
            self.assertIsNotNone(found, ending)
            self.assertEqual([prompt.value for prompt in found.prompts], [PROMPT], ending)
            self.assertEqual([prompt.value for prompt in found.negative_prompts], ["blue"], ending)
            self.assertEqual([model.name for model in found.models], ["tintype-icons"], ending)
            sampler = found.samplers[0]
            self.assertEqual((sampler.name, sampler.parameters["seed"]), ("DDIM", "7"), ending)

    def test_exiftool_reads_the_xmp_and_finds_no_fault(self):
        for ending in ENDINGS:
            command = ["exiftool", "-json", "-G1", "-XMP:all", path(f"ours.{ending}")]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)[0]
            self.assertEqual(found["XMP-iptcExt:DigitalSourceType"], SOURCE_TYPE, ending)
            self.assertRegex(found["XMP-xmp:CreatorTool"], r"^Tintype \d", ending)
            self.assertEqual(found["XMP-dc:Description"], PROMPT, ending)
            lines = subprocess.run(["exiftool", "-validate", "-warning", "-error", "-a", path(f"ours.{ending}")],
                                   check=True, capture_output=True, text=True).stdout.splitlines()
            # Tags that a camera must write, which this is not: nor do the tools whose form it is.
            faults = [line for line in lines if not line.startswith("Validate") and "Missing required JPEG" not in line]
            self.assertEqual(faults, [], ending)

    def test_exiftool_reads_the_comment(self):
        for ending in ("jpg", "webp"):
            command = ["exiftool", "-json", "-UserComment", path(f"ours.{ending}")]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)[0]
            self.assertTrue(found["UserComment"].startswith(PROMPT), ending)


def validated(name, media_type, trusting=None):
    """What c2pa-python makes of a file: the state, the codes of what failed, and the manifest."""
    trust = {"trust": {"trust_anchors": trusting}} if trusting else {}
    with c2pa.Context(c2pa.Settings.from_dict(trust)) as context, open(path(name), "rb") as file:
        with c2pa.Reader(media_type, file, context=context) as reader:
            found = json.loads(reader.json())
    failures = [failure["code"] for failure in found["validation_results"]["activeManifest"]["failure"]]
    return found["validation_state"], failures, found["manifests"][found["active_manifest"]]


class Signed(unittest.TestCase):
    def root(self):
        return path("data/content-credentials/root.pem").read_text()

    def spoiled(self, ending):
        """The signed picture with one bit of its coded pixels changed."""
        data = bytearray(path(f"signed.{ending}").read_bytes())
        # Where the pixels are, by the format's own marks.
        start = {"png": b"IDAT", "jpg": b"\xff\xda", "webp": b"VP8L" if b"VP8L" in data else b"VP8 "}[ending]
        data[data.rindex(start) + 40] ^= 1
        path(f"spoiled.{ending}").write_bytes(data)
        return f"spoiled.{ending}"

    def test_c2pa_finds_what_a_local_certificate_signed_valid_and_no_more(self):
        for ending, media_type in ENDINGS.items():
            state, failures, _ = validated(f"signed.{ending}", media_type)
            self.assertEqual((state, failures), ("Valid", ["signingCredential.untrusted"]), ending)

    def test_c2pa_trusts_it_where_its_root_is_trusted(self):
        for ending, media_type in ENDINGS.items():
            state, failures, _ = validated(f"signed.{ending}", media_type, trusting=self.root())
            self.assertEqual((state, failures), ("Trusted", []), ending)

    def test_c2pa_reads_what_made_it(self):
        for ending, media_type in ENDINGS.items():
            _, _, manifest = validated(f"signed.{ending}", media_type)
            self.assertEqual(manifest["title"], PROMPT, ending)
            self.assertEqual(manifest["claim_generator_info"][0]["name"], "Tintype", ending)
            [said] = [part for part in manifest["assertions"] if part["label"].startswith("c2pa.actions")]
            [action] = said["data"]["actions"]
            self.assertEqual((action["action"], action["digitalSourceType"]), ("c2pa.created", SOURCE_TYPE), ending)
            self.assertEqual(action["softwareAgent"]["name"], "Tintype", ending)

    def test_c2pa_and_inspect_find_out_one_bit_of_the_pixels(self):
        for ending, media_type in ENDINGS.items():
            spoiled = self.spoiled(ending)
            state, failures, _ = validated(spoiled, media_type, trusting=self.root())
            self.assertEqual((state, failures), ("Invalid", ["assertion.dataHash.mismatch"]), ending)
            ours = inspected(spoiled)["manifest"]
            self.assertEqual(ours["state"], "invalid", ending)
            self.assertIn("assertion.dataHash.mismatch", [reason["code"] for reason in ours["reasons"]], ending)

    def test_inspect_says_what_c2pa_says(self):
        root = str(path("data/content-credentials/root.pem"))
        for ending in ENDINGS:
            self.assertEqual(inspected(f"signed.{ending}")["manifest"]["state"], "valid", ending)
            self.assertEqual(inspected(f"signed.{ending}", "--trust", root)["manifest"]["state"], "trusted", ending)
            self.assertIsNone(inspected(f"ours.{ending}")["manifest"], ending)

    def test_what_c2pa_signs_is_read(self):
        """A picture of another tool's, which was made from one of ours."""
        identity = path("data/content-credentials")
        signer = c2pa.C2paSignerInfo(
            alg=c2pa.C2paSigningAlg.ES256, sign_cert=(identity / "certificate.pem").read_bytes(),
            private_key=(identity / "key.pem").read_bytes(), ta_url=None,
        )
        manifest = {
            "title": "edited", "claim_generator_info": [{"name": "Other", "version": "3"}],
            "assertions": [{"label": "c2pa.actions", "data": {"actions": [{"action": "c2pa.color_adjustments"}]}}],
        }
        with c2pa.Builder(manifest) as builder, c2pa.Signer.from_info(signer) as signer:
            builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
            builder.sign_file(path("signed.png"), path("edited.png"), signer)
        found = inspected("edited.png")["manifest"]
        self.assertEqual((found["state"], found["title"], found["tool"]), ("valid", "edited", "Other 3"))
        self.assertEqual(found["ingredients"], 1)
        self.assertIn("c2pa.color_adjustments", [action["action"] for action in found["actions"]])

    def test_exiftool_and_pillow_open_what_is_signed(self):
        for ending in ENDINGS:
            with Image.open(path(f"signed.{ending}")) as image, Image.open(path(f"ours.{ending}")) as plain:
                self.assertEqual(image.tobytes(), plain.tobytes(), ending)
            command = ["exiftool", "-validate", "-warning", "-error", "-a", path(f"signed.{ending}")]
            lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
            faults = [line for line in lines if not line.startswith("Validate") and "Missing required JPEG" not in line]
            self.assertEqual(faults, [], ending)

    def test_an_operators_certificate_signs_with_each_kind_of_key(self):
        keys = {
            "p256": ec.generate_private_key(ec.SECP256R1()), "p384": ec.generate_private_key(ec.SECP384R1()),
            "p521": ec.generate_private_key(ec.SECP521R1()), "rsa": rsa.generate_private_key(65537, 4096),
            "ed25519": ed25519.Ed25519PrivateKey.generate(),
        }
        for kind, key in keys.items():
            files, root = operator(kind, key)
            draw(f"{kind}.png", TINTYPE_DATA=FOLDER.name + "/other", **files)
            self.assertEqual(validated(f"{kind}.png", "image/png", trusting=root)[:2], ("Trusted", []), kind)
            trusted = path(f"{kind}-root.pem")
            trusted.write_text(root)
            self.assertEqual(inspected(f"{kind}.png", "--trust", str(trusted))["manifest"]["state"], "trusted", kind)


def operator(kind, key):
    """The settings of one who has a certificate for this key, and the root that vouches for it."""
    root_key = ec.generate_private_key(ec.SECP256R1())
    root_name, name = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Operator")])
        for text in ("root", kind)
    )
    now = datetime.datetime.now(datetime.timezone.utc)

    def signed(subject, public_key, *extensions):
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(root_name).public_key(public_key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only",
         "decipher_only"), False,
    )
    root = signed(
        root_name, root_key.public_key(), (x509.BasicConstraints(True, 0), True),
        (x509.KeyUsage(digital_signature=False, key_cert_sign=True, **usage), True),
        (x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), False),
    )
    certificate = signed(
        name, key.public_key(), (x509.BasicConstraints(False, None), True),
        (x509.KeyUsage(digital_signature=True, key_cert_sign=False, **usage), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False),
    )
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path(f"{kind}-cert.pem").write_bytes(certificate)
    path(f"{kind}-key.pem").write_bytes(key.private_bytes(*private))
    files = {"TINTYPE_C2PA_CERT": str(path(f"{kind}-cert.pem")), "TINTYPE_C2PA_KEY": str(path(f"{kind}-key.pem"))}
    return files, root.decode()


class Theirs(unittest.TestCase):
    def picture(self, name, **texts):
        info = PngInfo()
        for keyword, text in texts.items():
            info.add_text(keyword, text)
        Image.new("RGB", (8, 8), "red").save(path(name), pnginfo=info)
        return inspected(name)

    def made_with(self, found, source, **expected):
        self.assertEqual(found["problems"], [])
        self.assertEqual(found["made_with"]["source"], source)
        self.assertEqual({name: found["made_with"].get(name) for name in expected}, expected)

    def test_automatic1111_in_a_png(self):
        found = self.picture("a1111.png", parameters=AUTOMATIC1111)
        self.made_with(
            found, "parameters", prompt="a lighthouse", negative_prompt="blurry", seed=1234567890123, steps=28, width=832,
            height=1216, guidance_scale=6.5, model="v1-5-pruned", scheduler="DPM++ 2M",
        )

    def test_automatic1111_in_a_png_with_other_letters(self):
        self.made_with(self.picture("a1111-i.png", parameters="\u732b\n" + AUTOMATIC1111), "parameters", seed=1234567890123)

    def test_automatic1111_in_jpeg_and_webp(self):
        comment = piexif.helper.UserComment.dump(AUTOMATIC1111, encoding="unicode")
        exif = piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}})
        for ending in ("jpg", "webp"):
            Image.new("RGB", (8, 8), "red").save(path(f"a1111.{ending}"), exif=exif)
            self.made_with(inspected(f"a1111.{ending}"), "parameters", prompt="a lighthouse", seed=1234567890123)

    def test_comfyui_in_a_png(self):
        found = self.picture("comfyui.png", prompt=json.dumps(COMFYUI), workflow=json.dumps({"nodes": []}))
        self.made_with(
            found, "comfyui", prompt="a fox", negative_prompt="text", seed=42, steps=20, width=512, height=640,
            guidance_scale=8.0, model="dreamshaper_8.safetensors", scheduler="euler",
        )
        self.assertEqual(found["comfyui"]["workflow"], {"nodes": []})

    def test_comfyui_in_a_webp(self):
        image = Image.new("RGB", (8, 8), "red")
        exif = image.getexif()
        exif[0x0110] = "prompt:" + json.dumps(COMFYUI)
        exif[0x010F] = "workflow:" + json.dumps({"nodes": []})
        image.save(path("comfyui.webp"), exif=exif)
        self.made_with(inspected("comfyui.webp"), "comfyui", prompt="a fox", seed=42)

    def test_invokeai_in_a_png(self):
        found = self.picture("invokeai.png", invokeai_metadata=json.dumps(INVOKEAI))
        self.made_with(
            found, "invokeai", prompt="a boat", negative_prompt="fog", seed=99, steps=30, width=1024, height=768,
            guidance_scale=5.5, model="Juggernaut XL", scheduler="dpmpp_2m_k",
        )

    def test_xmp_that_exiftool_writes(self):
        Image.new("RGB", (8, 8), "red").save(path("xmp.jpg"))
        command = ["exiftool", "-q", f"-XMP-iptcExt:DigitalSourceType={SOURCE_TYPE}", "-XMP-xmp:CreatorTool=Other", path("xmp.jpg")]
        subprocess.run(command, check=True)
        found = inspected("xmp.jpg")["xmp"]
        self.assertEqual((found["digital_source_type"], found["creator_tool"]), (SOURCE_TYPE, "Other"))


class Imported(unittest.TestCase):
    """Files as other tools write them, in the library of a server."""

    @classmethod
    def setUpClass(cls):
        ready = path("ready")
        arguments = [BINARY, "serve", "--model", "noop", "--listen", "127.0.0.1:0", "--ready-file", ready]
        server = subprocess.Popen(
            arguments, cwd=FOLDER.name, env=environment(TINTYPE_DATA=str(path("imported"))),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.kill)
        end = time.monotonic() + 60
        while not ready.exists() and time.monotonic() < end:
            time.sleep(0.01)
        cls.url = "http://" + ready.read_text().strip()
        path("theirs/deep").mkdir(parents=True)
        large = json.loads(json.dumps(COMFYUI))
        large["3"]["inputs"].update(seed=2**53 + 1, steps=21)
        cls.write("a1111.png", parameters=AUTOMATIC1111)
        cls.write("a1111-small.png", parameters=AUTOMATIC1111.replace("1234567890123", "1234567890"))
        cls.write("deep/comfyui.png", prompt=json.dumps(COMFYUI), workflow=json.dumps({"nodes": []}))
        cls.write("deep/comfyui-large.png", prompt=json.dumps(large))
        cls.write("invokeai.png", invokeai_metadata=json.dumps(INVOKEAI))
        cls.write("long.png", parameters="fox " * 5_000 + "\n" + AUTOMATIC1111.split("\n")[-1])
        cls.write("plain.png", Comment="nothing of the kind")
        comment = piexif.helper.UserComment.dump(AUTOMATIC1111.replace("1234567890123", "7"), encoding="unicode")
        exif = piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}})
        Image.new("RGB", (8, 8), "red").save(path("theirs/a1111.jpg"), exif=exif)
        path("theirs/broken.png").write_bytes(path("theirs/plain.png").read_bytes()[:50])
        command = [BINARY, "import", "theirs", "--tag", "old", "--collection", "from elsewhere", "--json"]
        done = subprocess.run(command, cwd=FOLDER.name, env=environment(TINTYPE_SERVER=cls.url), capture_output=True, text=True)
        cls.exit, cls.report = done.returncode, json.loads(done.stdout)
        listed = json.loads(tintype("list", "--all", "--json", TINTYPE_SERVER=cls.url))
        cls.images = {image["labels"]["file"]: image for image in listed}

    @staticmethod
    def write(name, **texts):
        info = PngInfo()
        for keyword, text in texts.items():
            info.add_text(keyword, text)
        Image.new("RGB", (8, 8), "red").save(path("theirs") / name, pnginfo=info)

    def request(self, name, **expected):
        found = self.images[name]["request"]
        self.assertEqual({field: found.get(field) for field in expected}, expected)

    def test_all_that_can_be_read_are_there_and_the_other_is_named(self):
        self.assertEqual((self.exit, self.report["new"], self.report["failed"]), (1, 8, 1))
        failed = [item["file"] for item in self.report["items"] if item["outcome"] == "failed"]
        self.assertEqual(failed, ["theirs/broken.png"])
        for image in self.images.values():
            self.assertEqual((image["tags"], len(image["collections"])), (["old"], 1))
        self.assertEqual(tintype("collections", TINTYPE_SERVER=self.url).split("\t")[1], "from elsewhere")

    def test_automatic1111(self):
        for name, seed in (("a1111-small.png", 1234567890), ("a1111.jpg", 7)):
            self.request(
                name, prompt="a lighthouse", negative_prompt="blurry", seed=seed, steps=28, width=832, height=1216,
                guidance_scale=6.5, model="v1-5-pruned", scheduler="DPM++ 2M",
            )
            self.assertEqual(self.images[name]["labels"]["tool"], "automatic1111")
            self.assertEqual(self.images[name]["note"], "Schedule type: Karras, Model hash: 6ce0161689, Version: v1.10.1")

    def test_a_seed_that_is_too_large_is_in_the_note(self):
        image = self.images["a1111.png"]
        self.assertEqual((image["request"], image["seed"], image["prompt"]), (None, None, "a lighthouse"))
        self.assertEqual(image["note"], "Negative prompt: blurry\n" + AUTOMATIC1111.split("\n")[-1])
        large = self.images["comfyui-large.png"]
        self.assertEqual((large["request"], large["prompt"], large["labels"]["tool"]), (None, "a fox", "comfyui"))
        self.assertIn("Steps: 21, Sampler: euler, CFG scale: 8, Seed: 9007199254740993", large["note"])

    def test_comfyui(self):
        self.request(
            "comfyui.png", prompt="a fox", negative_prompt="text", seed=42, steps=20, width=512, height=640,
            guidance_scale=8.0, model="dreamshaper_8.safetensors", scheduler="euler",
        )

    def test_invokeai(self):
        self.request(
            "invokeai.png", prompt="a boat", negative_prompt="fog", seed=99, steps=30, width=1024, height=768,
            guidance_scale=5.5, model="Juggernaut-XL", scheduler="dpmpp_2m_k",
        )
        self.assertEqual(self.images["invokeai.png"]["note"], "Model: Juggernaut XL")
        found = json.loads(tintype("list", "--model", "Juggernaut-XL", "--json", TINTYPE_SERVER=self.url))
        self.assertEqual(len(found), 1)

    def test_a_prompt_of_20000_characters_loses_no_picture(self):
        image = self.images["long.png"]
        self.assertEqual((len(image["prompt"]), len(image["note"])), (2_000, 4_000))
        self.assertIsNone(image["request"])

    def test_a_picture_that_says_nothing_is_kept_as_it_is(self):
        image = self.images["plain.png"]
        self.assertEqual((image["prompt"], image["note"], image["labels"]), (None, None, {"file": "plain.png"}))

    def test_the_bytes_are_the_file_s(self):
        tintype("export", "back", TINTYPE_SERVER=self.url)
        written = {file.read_bytes() for file in path("back").rglob("*.[pj][np]g")}
        theirs = {file.read_bytes() for file in path("theirs").rglob("*.[pj][np]g") if file.name != "broken.png"}
        self.assertEqual(written, theirs)


if __name__ == "__main__":
    unittest.main()
