"""The model against torchvision's: logits, names, saved bytes.

usage: test_model.py MODEL_PROBE

Weights: torchvision models from scratch, saved in every form that torch.save and safetensors have; and, where
$FT_TEST_DATA is set, the pre-trained ones beside it.
"""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import torch
import torchvision
from safetensors.torch import load_file, save_file

PROBE = sys.argv.pop(1)
MOST_DIFFERENCE = 1e-4
ROWS = 7


def probe(*arguments):
    result = subprocess.run([PROBE, *map(str, arguments)], capture_output=True, text=True)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return result.stdout.split()


def sha256(tensors):
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


def torchvision_model(arch):
    """From scratch, with statistics that are not those of an identity."""
    torch.manual_seed(3)
    model = torchvision.models.get_model(arch, num_classes=ROWS)
    model.train()
    with torch.no_grad():
        for _ in range(2):
            model(torch.randn(4, 3, 64, 64))
    return model.eval()


def save_variants(model, directory):
    state = model.state_dict()
    torch.save(state, directory / "zip.pth")
    torch.save(state, directory / "protocol4.pth", pickle_protocol=4)
    torch.save(state, directory / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}}, directory / "wrapped.pth")
    torch.save(dict(model.named_parameters()) | dict(model.named_buffers()), directory / "parameters.pth")
    torch.save(model.to(memory_format=torch.channels_last).state_dict(), directory / "strided.pth")
    model.to(memory_format=torch.contiguous_format)
    save_file(state, directory / "weights.safetensors")
    return sorted(directory.iterdir())


class ModelParity(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name)

    def compare_logits(self, arch, model, weights):
        torch.manual_seed(5)
        for size in (64, 97):
            images = torch.randn(4, 3, size, size)
            save_file({"images": images}, self.path / "images.safetensors")
            probe("logits", arch, weights, self.path / "images.safetensors", self.path / "logits.safetensors")
            logits = load_file(self.path / "logits.safetensors")["logits"]
            with torch.no_grad():
                expected = model(images)
            self.assertEqual(logits.shape, expected.shape)
            self.assertLessEqual((logits - expected).abs().max().item(), MOST_DIFFERENCE, f"{weights}, {size}")

    def compare_saved(self, arch, model, weights):
        out = self.path / "saved.safetensors"
        whole, parameters = probe("save", arch, weights, out)
        state = model.state_dict()
        names = dict(model.named_parameters())
        self.assertEqual(whole, sha256(state.values()), weights)
        self.assertEqual(parameters, sha256(v for k, v in state.items() if k in names), weights)
        loaded = load_file(out)
        fresh = torchvision.models.get_model(arch, num_classes=model.fc.out_features)
        fresh.load_state_dict(loaded)
        for name, tensor in fresh.state_dict().items():
            self.assertTrue(torch.equal(tensor, state[name]), name)

    def check_every_form(self, arch):
        model = torchvision_model(arch)
        forms = self.path / "forms"
        forms.mkdir()
        for weights in save_variants(model, forms):
            with self.subTest(arch=arch, form=weights.name):
                self.compare_saved(arch, model, weights)
        self.compare_logits(arch, model, forms / "zip.pth")

    def test_resnet18_in_every_form(self):
        self.check_every_form("resnet18")

    def test_resnet34_in_every_form(self):
        self.check_every_form("resnet34")

    @unittest.skipUnless("FT_TEST_DATA" in os.environ, "FT_TEST_DATA is not set: no pre-trained weights to compare")
    def test_pretrained_weights(self):
        weights = pathlib.Path(os.environ["FT_TEST_DATA"]).parent / "weights" / "resnet18_tinyimagenet200.pth"
        state = torch.load(weights, weights_only=True)
        model = torchvision.models.resnet18(num_classes=len(state["fc.bias"]))
        model.load_state_dict(state)
        model.eval()
        self.compare_logits("resnet18", model, weights)
        self.compare_saved("resnet18", model, weights)


if __name__ == "__main__":
    unittest.main()
