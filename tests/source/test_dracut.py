# SPDX-License-Identifier: LGPL-2.1-or-later
"""The dracut module's answers to dracut: the installed file, sourced as dracut does. Images are built in tests/vm."""

import os
import subprocess

import pytest
from programs import BUILD


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root], check=True)
    return root


def ask(root, question, **variables):
    """The exit status and output of one of the module's functions."""
    [module] = root.rglob("*pcipath/module-setup.sh")
    [helper] = root.rglob("pcipath_id")
    environment = {"dracutsysrootdir": str(root), "udevdir": "/" + str(helper.parent.relative_to(root)), **variables}
    done = subprocess.run(["bash", "-c", f". {module}; {question}"], env=os.environ | environment, text=True,
                          capture_output=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.split()


def test_check_says_yes(root):
    assert ask(root, "check") == (0, [])
    assert ask(root, "check", hostonly="1") == (0, [])


def test_check_is_not_needed_for_a_mount(root):
    assert ask(root, "check", mount_needs="1") == (255, [])


@pytest.mark.parametrize("missing", ["pcipath_id", "pcipath_altname", "rules.d/61-pcipath.rules"])
def test_check_says_no_to_half_an_installation(root, missing):
    [helper] = root.rglob("pcipath_id")
    path = helper.parent / missing
    status = f"mv {path} {path}.away; check; status=$?; mv {path}.away {path}; exit $status"
    assert ask(root, status) == (1, [])


def test_depends(root, tmp_path):
    assert ask(root, "depends", dracutbasedir=str(tmp_path)) == (0, ["udev-rules"])
    (tmp_path / "modules.d/70initqueue").mkdir(parents=True)
    assert ask(root, "depends", dracutbasedir=str(tmp_path)) == (0, ["udev-rules", "initqueue"])
