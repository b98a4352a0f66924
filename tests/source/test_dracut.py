# SPDX-License-Identifier: LGPL-2.1-or-later
"""The dracut module's answers to dracut, and its generator's to systemd: the installed files, run as those do. Images are
built and booted in tests/vm."""

import os
import subprocess
from pathlib import Path

import pytest
from programs import BUILD
from trees import sandbox

GENERATORS = Path("/usr/lib/systemd/system-generators")


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
    # dracut's own, as far as it matters here.
    find_binary = "find_binary() { [[ -x $dracutsysrootdir/usr/bin/$1 ]]; }"
    done = subprocess.run(["bash", "-c", f"{find_binary}; . {module}; {question}"], env=os.environ | environment, text=True,
                          capture_output=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.split()


def test_check_says_yes(root):
    assert ask(root, "check") == (0, [])
    assert ask(root, "check", hostonly="1") == (0, [])


def test_check_is_not_needed_for_a_mount(root):
    assert ask(root, "check", mount_needs="1") == (255, [])


@pytest.mark.parametrize("missing", ["pcipath_id", "pcipath_altname", "rules.d/61-pcipath.rules", "bin/pcipath"])
def test_check_says_no_to_half_an_installation(root, missing):
    [path] = root.rglob(missing)
    status = f"mv {path} {path}.away; check; status=$?; mv {path}.away {path}; exit $status"
    assert ask(root, status) == (1, [])


def test_depends(root, tmp_path):
    assert ask(root, "depends", dracutbasedir=str(tmp_path)) == (0, ["udev-rules"])
    (tmp_path / "modules.d/70initqueue").mkdir(parents=True)
    assert ask(root, "depends", dracutbasedir=str(tmp_path)) == (0, ["udev-rules", "initqueue"])


def _generate(generator, directory, cmdline):
    """What the generator writes into the early directory, by name; sysfs is not asked."""
    (directory / "cmdline").write_text(f"{cmdline}\n")
    sandbox.bind(str(directory / "cmdline"), "/proc/cmdline")
    sandbox.mount("tmpfs", str(directory / "early"), "tmpfs")
    environment = os.environ | {"SYSTEMD_IN_INITRD": "1", "PATH": f"{BUILD / 'helper'}:/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run([generator, *(directory / name for name in ("normal", "early", "late"))], env=environment,
                          capture_output=True, text=True, check=False)
    files = {str(path.relative_to(directory / "early")): path.read_text() if path.exists() else ""
             for path in (directory / "early").rglob("*") if not path.is_dir()}
    return done.returncode, done.stderr, files


@pytest.fixture
def generate(root, tmp_path):
    """The generator where systemd's own is, and does what it does."""
    [installed] = root.rglob("*pcipath/pcipath-generator.sh")
    generator = tmp_path / "dracut-pcipath-generator"
    generator.symlink_to(installed)
    (tmp_path / "systemd-fstab-generator").symlink_to(GENERATORS / "systemd-fstab-generator")
    for name in ("normal", "early", "late"):
        (tmp_path / name).mkdir()
    return lambda cmdline: sandbox.run(_generate, generator, tmp_path, cmdline)


@pytest.mark.parametrize("cmdline", ["root=LABEL=root rd.retry=7", "root=/dev/disk/by-pci-path/02.0-00.0 rw"])
def test_generator_has_nothing_to_do(generate, cmdline):
    assert generate(cmdline) == (0, "", {})


def test_generator_has_dracuts_loop_run(generate):
    status, _, files = generate("root=LABEL=root rd.pcipath.wait=02.0")
    assert status == 0 and set(files) == {f"dracut-{name}.service.d/pcipath.conf" for name in ("cmdline", "initqueue")}
    assert all("ConditionPathExists=|/" in text for text in files.values())


def test_generator(generate):
    device = r"dev-disk-by\x2dpci\x2dpath-02.0\x2d00.0\x2dpart2.device"
    status, _, files = generate("quiet root=pcipath:02/00,part=2 rootfstype=ext4 rootflags=noatime ro rd.retry=9")
    assert status == 0
    lines = files["sysroot.mount"].splitlines()
    assert {"What=/dev/disk/by-pci-path/02.0-00.0-part2", "Type=ext4", "Options=noatime,ro",
            "Requires=systemd-fsck-root.service"} <= set(lines)
    assert "initrd-root-fs.target.requires/sysroot.mount" in files
    assert f"Requires={device}" in files["initrd-root-device.target.d/50-root-device.conf"]
    assert "JobRunningTimeoutSec=9" in files[f"{device}.d/50-device-timeout.conf"].splitlines()
    assert not any(name.endswith("usr.mount") for name in files)


@pytest.mark.parametrize("words,seconds", [("", "180"), ("rd.retry=9 rd.timeout=5", "5"),
                                           ("rd.timeout=5 rootflags=x-systemd.device-timeout=7", "7")])
def test_generator_timeout(generate, words, seconds):
    _, _, files = generate(f"root=pcipath:02.0 {words}")
    [timeout] = [text for name, text in files.items() if name.endswith("device-timeout.conf")]
    assert f"JobRunningTimeoutSec={seconds}" in timeout.splitlines()


def test_generator_mounts_usr(generate):
    status, _, files = generate("root=LABEL=root mount.usr=pcipath:02.1-00.0 mount.usrfstype=erofs")
    assert status == 0
    assert {"What=/dev/disk/by-pci-path/02.1-00.0", "Type=erofs"} <= set(files["sysusr-usr.mount"].splitlines())
    assert "What=/dev/disk/by-label/root" in files["sysroot.mount"].splitlines()


def test_generator_writes_nothing_of_what_cannot_be_read(generate):
    status, complaint, files = generate("root=pcipath:02.9")
    # But dracut's service, whose hook says so and ends the boot.
    assert (status, list(files)) == (1, ["dracut-cmdline.service.d/pcipath.conf"]) and "'02.9' is no path, at byte 3" in complaint
