"""The command line: answers, suggestions, exit codes."""

import json
import subprocess
import sys

import pytest

from unlabeled.cli import run


@pytest.fixture
def cli(capsys):
    def call(*words):
        try:
            code = run(list(words))
        except SystemExit as left:  # --help and --version leave by themselves
            code = left.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_help_lists_the_commands(cli):
    code, out, _ = cli("--help")
    assert code == 0
    for command in (
        "demo",
        "pretrain",
        "embed",
        "evaluate",
        "diagnose",
        "report",
        "compare",
        "methods",
        "doctor",
    ):
        assert command in out


def test_help_of_a_method_shows_its_own_flags(cli):
    code, out, _ = cli("pretrain", "simclr", "--help")
    assert code == 0
    assert "--temperature" in out
    assert "--noise" not in out


def test_help_and_the_catalogue_do_not_import_torch():
    code = (
        "import sys; from unlabeled.cli.app import build; from unlabeled.cli import run\n"
        "for words in (['methods'], ['methods', 'byol'], ['methods', '--json']):\n"
        "    assert run(words) == 0\n"
        "build(['pretrain', 'simclr']).help_print([])\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["methods", "smclr"], 2, "did you mean `simclr`?"),
        (["pretrain", "simclr", "sample", "--temprature", "1"], 2, "--temperature"),
        (["pretrain", "simclr", "sample", "--min-cont", "1"], 2, "--min-count"),
        (["pretrain", "simclr", "sample", "--value-range", "9", "1"], 2, "must rise"),
        (["pretrain", "simclr", "sample", "--modality", "sound"], 2, "image, series, text"),
        (["pretrain", "byoll", "sample"], 2, "did you mean `byol`?"),
        (["pretrain", "simclr"], 2, "unlabeled pretrain simclr photos/ --time 10m"),
        (["pretrain", "simclr", "sample", "--temperature", "-1"], 2, "temperature must be in"),
        (["pretrain", "simclr", "sample", "--backbone", "resnt18"], 2, "did you mean `resnet18`?"),
        (["pretrain", "simclr", "no/such/folder"], 3, "no/such/folder"),
        (["pretrain", "simclr", "sample", "--device", "cuda:77"], 4, "unlabeled doctor"),
        (["pretrain", "simclr", "sample", "--time", "soon"], 2, "write 90s, 10m or 1h30m"),
        (["pretrain", "--resume", "nowhere"], 2, "holds no run"),
        (["diagnose", "nowhere"], 2, "holds no run"),
        (["check", "README.md.py"], 2, "cannot read a method"),
        (["frobnicate"], 2, "Unknown command"),
    ],
)
def test_errors_say_what_to_do_and_leave_with_their_code(
    cli, tmp_path, monkeypatch, words, code, hint
):
    monkeypatch.chdir(tmp_path)
    got, out, err = cli(*words)
    assert got == code
    assert hint in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []  # nothing half-written


def test_methods_as_json(cli):
    code, out, err = cli("methods", "--json")
    found = {m["name"]: m for m in json.loads(out)}
    assert code == 0
    assert err == ""
    assert {"rotation", "autoencoder", "simclr", "byol", "cpc", "swav", "word2vec"} <= set(found)
    assert found["simclr"]["hyperparameters"][0]["name"] == "temperature"


def test_doctor(cli):
    code, out, _ = cli("doctor", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["cores"] >= 1
    assert found["precision"].startswith(("bf16", "fp32"))


def test_dry_run_plans_and_writes_nothing(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = cli("pretrain", "simclr", "sample", "--epochs", "2", "--dry-run", "--json")
    plan = json.loads(out)
    assert code == 0
    assert plan["samples"] == 8000
    assert plan["steps"] == 62
    assert plan["seconds"] > 0
    assert "--temperature 0.2" in plan["command"]
    assert list(tmp_path.iterdir()) == []


def test_help_answers_at_once():
    """Seconds depend on the machine; what is imported does not."""
    words = [
        sys.executable,
        "-X",
        "importtime",
        "-c",
        "from unlabeled.cli import main; main(['--help'])",
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "pretrain" in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"torch", "numpy", "cyclopts", "rich"}
