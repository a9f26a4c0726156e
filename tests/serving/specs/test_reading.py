"""A model is found by folder, file or name; what cannot be planned for is refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import NotFound, UserError
from serving.specs.known import KNOWN
from serving.specs.reading import read_spec


def _folder(tmp_path: Path, **changes: Any) -> Path:
    folder = tmp_path / "my-model"
    folder.mkdir()
    config = {**KNOWN["llama-3.1-8b"], **changes}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_folder_is_read_with_the_size_of_its_weights(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "model-1.safetensors").write_bytes(b"0" * 300)
    (folder / "model-2.safetensors").write_bytes(b"0" * 200)
    spec = read_spec(str(folder))
    assert (spec.name, spec.parameters, spec.stored_bytes) == ("my-model", 8_030_261_248, 500)


def test_a_file_alone_is_enough(tmp_path: Path) -> None:
    file = _folder(tmp_path) / "config.json"
    assert read_spec(str(file)).name == "my-model"


@pytest.mark.parametrize("name", ["Llama-3.3-70B", "meta-llama/Llama-3.3-70B-Instruct"])
def test_names_are_known_as_they_are_written_elsewhere(name: str) -> None:
    assert read_spec(name).parameters == 70_553_706_496


def test_the_language_part_of_a_model_that_also_sees_is_read(tmp_path: Path) -> None:
    inner = {**KNOWN["gemma-2-9b"]}
    folder = _folder(tmp_path, model_type="seeing", text_config=inner)
    assert read_spec(str(folder)).family == "gemma2"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4"),
        ({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"}, "nvfp4"),
        ({"quant_method": "fbgemm_fp8"}, "fp8"),
        ({"quant_method": "awq", "bits": 4}, "awq"),
    ],
)
def test_the_format_of_the_files_is_read(
    tmp_path: Path, given: dict[str, Any], stored: str
) -> None:
    assert read_spec(str(_folder(tmp_path, quantization_config=given))).stored == stored


def test_an_unknown_quantization_is_refused(tmp_path: Path) -> None:
    folder = _folder(tmp_path, quantization_config={"quant_method": "hqq"})
    with pytest.raises(UserError, match="names 'hqq'; known are mxfp4"):
        read_spec(str(folder))


def test_what_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no model 'none'.*llama-3.1-8b"):
        read_spec("none")
    with pytest.raises(UserError, match=r"has no 'config\.json'"):
        read_spec(str(tmp_path))
    for text, words in (("{", "is not JSON"), ("[]", "holds no object"), ("{}", "no 'model_type'")):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(UserError, match=words):
            read_spec(str(tmp_path))
