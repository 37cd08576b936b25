import subprocess
from pathlib import Path

import pytest

from jtransfer.train import provenance


def git(folder, *words):
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A copy of the module in a repository of its own, where it is taken for the module."""
    folder = tmp_path / "sources"
    (folder / "train").mkdir(parents=True)
    file = folder / "train" / "provenance.py"
    file.write_text("")
    git(folder, "init", "-q")
    monkeypatch.setattr(provenance, "__file__", str(file))
    return file


def test_the_revision_is_of_the_repository_that_holds_the_sources(module):
    git(module.parent, "commit", "-q", "--allow-empty", "-m", "of another project")
    assert provenance.provenance()["git_revision"] == "unknown"
    git(module.parent, "add", ".")
    git(module.parent, "commit", "-q", "-m", "with the sources")
    revision = provenance.provenance()["git_revision"]
    assert len(revision) == 12
    module.write_text("changed")
    assert provenance.provenance()["git_revision"] == f"{revision}+changes"


def test_no_variable_leads_git_elsewhere_and_no_setting_runs_a_program(
    module, tmp_path, monkeypatch
):
    git(module.parent, "add", ".")
    git(module.parent, "commit", "-q", "-m", "with the sources")
    revision = provenance.provenance()["git_revision"]
    (script := tmp_path / "script").write_text(f"#!/bin/sh\ntouch {tmp_path}/was_run\n")
    script.chmod(0o755)
    git(module.parent, "config", "core.fsmonitor", str(script))
    monkeypatch.setenv("GIT_DIR", str(Path("/nowhere")))  # as in a hook
    assert provenance.provenance()["git_revision"] == revision
    assert not (tmp_path / "was_run").exists()
