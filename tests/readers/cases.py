"""Pictures of Tintype in the readers of other tools, and theirs in ours."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import piexif
import piexif.helper
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sd_parsers import ParserManager

BINARY = os.environ["TINTYPE_BIN"]
PROMPT = "red heart, \u732b \U0001f600"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
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


def tintype(*arguments):
    environment = {"HOME": FOLDER.name, "TINTYPE_DATA": FOLDER.name + "/data", "PATH": os.environ["PATH"]}
    done = subprocess.run([BINARY, *arguments], cwd=FOLDER.name, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{arguments}: {done.stderr}")
    return done.stdout


def path(name):
    return Path(FOLDER.name) / name


def inspected(name):
    return json.loads(tintype("inspect", name, "--json"))[0]


def setUpModule():
    global FOLDER
    FOLDER = tempfile.TemporaryDirectory()
    for ending in ("png", "jpg", "webp"):
        tintype("generate", PROMPT, "--local", "--negative", "blue", "--seed", "7", "--steps", "4", "-o", f"ours.{ending}")


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
        for ending in ("png", "jpg", "webp"):
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
        for ending in ("png", "jpg", "webp"):
            found = ParserManager().parse(path(f"ours.{ending}"))
            self.assertIsNotNone(found, ending)
            self.assertEqual([prompt.value for prompt in found.prompts], [PROMPT], ending)
            self.assertEqual([prompt.value for prompt in found.negative_prompts], ["blue"], ending)
            self.assertEqual([model.name for model in found.models], ["tintype-icons"], ending)
            sampler = found.samplers[0]
            self.assertEqual((sampler.name, sampler.parameters["seed"]), ("DDIM", "7"), ending)

    def test_exiftool_reads_the_xmp_and_finds_no_fault(self):
        for ending in ("png", "jpg", "webp"):
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


if __name__ == "__main__":
    unittest.main()
