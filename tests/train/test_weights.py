import pytest
import timm
import torch
from safetensors.torch import load_file
from torch import nn

from unlabeled.encoders import ConvNet, Shape, build
from unlabeled.errors import DataError, MachineError
from unlabeled.train import weights


def test_the_encoder_file_is_the_same_bytes_for_the_same_weights(tmp_path):
    torch.manual_seed(0)
    encoder = ConvNet(1, 8, width=4).to(memory_format=torch.channels_last)
    weights.write(tmp_path / "a.safetensors", encoder)
    twin = ConvNet(1, 8, width=4)
    weights.read(tmp_path / "a.safetensors", twin)
    weights.write(tmp_path / "b.safetensors", twin)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    x = torch.rand(2, 1, 8, 8)
    assert torch.allclose(encoder.eval()(x), twin.eval()(x), atol=1e-6)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.safetensors", "b.safetensors"]


def test_an_encoder_file_that_does_not_fit_or_is_no_such_file_is_refused(tmp_path):
    path = tmp_path / "encoder.safetensors"
    weights.write(path, ConvNet(1, 8, width=4))
    with pytest.raises(DataError, match="stage1"):
        weights.read(path, ConvNet(3, 8, width=4))
    path.write_bytes(b"no tensors at all")
    with pytest.raises(DataError, match="cannot read"):
        weights.read(path, ConvNet(1, 8, width=4))
    with pytest.raises(MachineError, match="cannot write"):
        weights.write(tmp_path / "absent" / "x.safetensors", ConvNet(1, 8, width=4))


def small_stem(model):
    """What SimCLR (2020, appendix B.9) does to a residual network for small images."""
    model.conv1 = nn.Conv2d(1, 64, 3, padding=1, bias=False)
    model.maxpool = nn.Identity()
    return model


TIMM = {
    "resnet18": lambda: small_stem(timm.create_model("resnet18", num_classes=0, in_chans=1)),
    "vit_tiny_patch16_224": lambda: timm.create_model(
        "vit_tiny_patch16_224", num_classes=0, in_chans=1, img_size=16, patch_size=2
    ),
}


@pytest.mark.parametrize("name", TIMM)
def test_timm_loads_the_encoder_file_strictly(name, tmp_path):
    encoder = build(name, Shape("image", 1, 16)).eval()
    path = tmp_path / "encoder.safetensors"
    weights.write(path, encoder)
    model = TIMM[name]().eval()
    model.load_state_dict(load_file(path), strict=True)
    x = torch.rand(2, 1, 16, 16)
    with torch.no_grad():
        assert torch.allclose(model((x - encoder.mean) / encoder.std), encoder(x), atol=1e-5)
