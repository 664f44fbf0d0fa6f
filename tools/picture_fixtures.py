"""Writes test/fixtures/pictures.json, what Pillow makes of pictures and what transformers' image processors feed a model, and pictures of
many kinds with the pixels that Pillow reads from them.

    python tools/picture_fixtures.py        (Pillow 13, torch, torchvision, transformers 5)
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from transformers import AutoImageProcessor

FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
SIZES = [(37, 53), (1, 1), (3, 200), (200, 150), (640, 427)]
TARGETS = [(16, 16), (64, 31), (1, 1), (224, 224), (7, 53), (300, 640)]


def picture(width, height):
    """The same whole numbers are computed in test/support/pictures.ts."""
    x, y, c = np.meshgrid(np.arange(width), np.arange(height), np.arange(3), indexing="xy")
    return ((x * 255 // width + y * 200 // height + c * 40 + (x * y) % 17) % 256).astype(np.uint8)


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


resized = [
    {"from": size, "to": target, "resample": name, "sha256": digest(np.array(Image.fromarray(picture(*size)).resize(target, number)))}
    for size in SIZES
    for target in TARGETS
    for name, number in FILTERS.items()
]

CONFIGS = {
    "clip": {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}},
    "clip before 4.30": {"feature_extractor_type": "CLIPFeatureExtractor", "size": 50, "crop_size": 50, "do_resize": True, "resample": 3},
    "siglip": {"image_processor_type": "SiglipImageProcessor", "size": {"height": 48, "width": 56}},
    "vit": {"image_processor_type": "ViTImageProcessor", "size": {"height": 64, "width": 64}},
    "vit of one number": {"feature_extractor_type": "ViTFeatureExtractor", "size": 40, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]},
    "swin": {"image_processor_type": "ViTImageProcessor", "size": {"height": 64, "width": 64}, "resample": 3, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]},
    "dinov2": {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 72}, "crop_size": {"height": 56, "width": 56}, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]},
    "deit": {"image_processor_type": "DeiTImageProcessor", "size": {"height": 64, "width": 64}, "crop_size": {"height": 57, "width": 57}},
    "convnext": {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 64}, "crop_pct": 0.875},
    "convnext of 384": {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 384}},
    "mobilenet": {"image_processor_type": "MobileNetV2ImageProcessor", "size": {"shortest_edge": 73}, "crop_size": {"height": 64, "width": 64}},
    "mobilevit": {"image_processor_type": "MobileViTImageProcessor", "size": {"shortest_edge": 60}, "crop_size": {"height": 48, "width": 48}},
    "efficientnet": {"image_processor_type": "EfficientNetImageProcessor", "size": {"height": 50, "width": 60}, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.47853944, 0.4732864, 0.47434163]},
    "efficientnet with an offset": {"image_processor_type": "EfficientNetImageProcessor", "size": {"height": 50, "width": 60}, "rescale_offset": True, "rescale_factor": 1 / 127.5, "include_top": False},
    "a crop larger than the picture": {"image_processor_type": "CLIPImageProcessor", "do_resize": False, "crop_size": {"height": 301, "width": 251}},
    "nothing but bytes": {"image_processor_type": "ViTImageProcessor", "size": {"height": 20, "width": 30}, "do_rescale": False, "do_normalize": False},
    "one mean": {"image_processor_type": "ViTImageProcessor", "size": {"height": 20, "width": 30}, "image_mean": 0.4, "image_std": 0.3},
    "longest edge": {"image_processor_type": "ViTImageProcessor", "size": {"shortest_edge": 64, "longest_edge": 80}},
    "within": {"image_processor_type": "ViTImageProcessor", "size": {"max_height": 50, "max_width": 90}},
    "padded": {"image_processor_type": "ViTImageProcessor", "size": {"max_height": 50, "max_width": 60}, "do_pad": True, "pad_size": {"height": 60, "width": 70}},
}
PICTURES = [(100, 75), (75, 101), (640, 427), (33, 33), (211, 97)]


def processed(name, config):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "preprocessor_config.json").write_text(json.dumps(config))
        cases = []
        for backend in ("torchvision", "pil"):
            processor = AutoImageProcessor.from_pretrained(folder, backend=backend)
            for size in PICTURES:
                image = Image.fromarray(picture(*size))
                values = np.asarray(processor(image, return_tensors="np")["pixel_values"][0], dtype=np.float32)
                at = np.random.default_rng(7).integers(0, values.size, 150)
                cases.append({
                    "backend": backend,
                    "picture": size,
                    "shape": list(values.shape),
                    "at": at.tolist(),
                    "values": [round(float(v), 5) for v in values.ravel()[at]],
                    "mean": float(values.astype(np.float64).mean()),
                })
        return {"name": name, "config": config, "cases": cases}


def smooth(width, height):
    """A picture as photographs are: without it JPEG's rounding would be all that is compared."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    bands = [127 + 100 * np.sin(x / 9 + y / 17), 127 + 90 * np.cos(x / 23 - y / 7), (x * 255 / width + y * 60 / height) % 256]
    return Image.fromarray(np.stack(bands, axis=-1).round().clip(0, 255).astype(np.uint8))


def write_pictures(folder):
    folder.mkdir(exist_ok=True)
    base = smooth(71, 53)
    clear = np.dstack([np.array(base), np.tile(np.linspace(0, 255, 71).astype(np.uint8), (53, 1))])
    with_alpha = Image.fromarray(clear)
    palette = base.convert("P", palette=Image.Palette.ADAPTIVE, colors=32)
    files = {
        "photo.jpg": lambda to: base.save(to, quality=85),
        "photo-444.jpg": lambda to: base.save(to, quality=92, subsampling=0),
        "photo-422.jpg": lambda to: base.save(to, quality=70, subsampling=1),
        "progressive.jpg": lambda to: base.save(to, quality=75, progressive=True),
        "grey.jpg": lambda to: base.convert("L").save(to),
        "cmyk.jpg": lambda to: base.convert("CMYK").save(to, quality=90),
        "grey.png": lambda to: base.convert("L").save(to),
        "black-and-white.png": lambda to: base.convert("1").save(to),
        "alpha.png": lambda to: with_alpha.save(to),
        "grey-alpha.png": lambda to: with_alpha.convert("LA").save(to),
        "palette.png": lambda to: palette.save(to),
        "palette-clear.png": lambda to: palette.save(to, transparency=3),
        "photo.webp": lambda to: base.save(to, quality=85),
        "alpha.webp": lambda to: with_alpha.save(to, quality=80),
        "animated.webp": lambda to: base.save(to, save_all=True, append_images=[ImageOps.invert(base)], quality=80),
        "animated.gif": lambda to: base.save(to, save_all=True, append_images=[ImageOps.invert(base)]),
        "photo.tiff": lambda to: base.save(to, compression="tiff_lzw"),
        "cmyk.tiff": lambda to: base.convert("CMYK").save(to, compression="tiff_lzw"),
        "one.png": lambda to: smooth(1, 1).save(to),
    }
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        files[f"turned-{turn}.jpg"] = lambda to, exif=exif: base.save(to, exif=exif, quality=60)
    references = []
    for name, save in files.items():
        save(folder / name)
        image = Image.open(folder / name)
        has_alpha = image.mode in ("RGBA", "LA") or "transparency" in image.info
        image = ImageOps.exif_transpose(image)
        if has_alpha:
            ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
            ground.alpha_composite(image.convert("RGBA"))
            image = ground
        pixels = np.array(image.convert("RGB"))
        references.append({"file": name, "size": list(image.size), "sha256": digest(pixels)})
    wide = (np.array(base.convert("L")).astype(np.uint16) * 251 + 77).astype(np.uint16)
    Image.fromarray(wide).save(folder / "grey-16.png")  # Pillow's own way to RGB cuts at 255: the upper bytes are meant
    references.append({"file": "grey-16.png", "size": [71, 53], "sha256": digest(np.repeat((wide >> 8).astype(np.uint8)[..., None], 3, axis=-1))})
    (folder / "pillow.json").write_text(json.dumps(references, indent=1) + "\n")
    print(f"{folder}: {len(references)} pictures")


def main():
    write_pictures(Path(__file__).parent.parent / "test" / "fixtures" / "pictures")
    processors = [processed(name, config) for name, config in CONFIGS.items()]
    target = Path(__file__).parent.parent / "test" / "fixtures" / "pictures.json"
    target.write_text(json.dumps({"resized": resized, "processors": processors}, separators=(",", ":")) + "\n")
    print(f"{target}: {len(resized)} sizes, {len(processors)} processors, {os.path.getsize(target) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
