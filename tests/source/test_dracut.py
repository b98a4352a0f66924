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
FSTAB, RESUME = (f"systemd-{name}-generator" for name in ("fstab", "hibernate-resume"))


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
    """What a generator writes, by name; sysfs is not asked."""
    (directory / "cmdline").write_text(f"{cmdline}\n")
    sandbox.bind(str(directory / "cmdline"), "/proc/cmdline")
    sandbox.mount("tmpfs", str(directory / "units"), "tmpfs")
    places = [directory / "units" / name for name in ("normal", "early", "late")]
    for place in places:
        place.mkdir()
    environment = os.environ | {"SYSTEMD_IN_INITRD": "1", "PATH": f"{BUILD / 'helper'}:/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run([generator, *places], env=environment, capture_output=True, text=True, check=False)
    files = {str(path.relative_to(place)): path.read_text() if path.exists() else ""
             for place in places for path in place.rglob("*") if not path.is_dir()}
    return done.returncode, done.stderr, files


@pytest.fixture
def generate(root, tmp_path):
    """Run ours under the name of one of systemd's."""
    [installed] = root.rglob("*pcipath/pcipath-generator.sh")
    (tmp_path / "units").mkdir()
    for name in (FSTAB, RESUME):
        (tmp_path / name).symlink_to(installed)
    return lambda cmdline, name=FSTAB: sandbox.run(_generate, tmp_path / name, tmp_path, cmdline)


@pytest.fixture
def stock(tmp_path):
    """What systemd's own makes of it."""
    return lambda cmdline, name=FSTAB: sandbox.run(_generate, GENERATORS / name, tmp_path, cmdline)


@pytest.mark.parametrize("name", [FSTAB, RESUME])
@pytest.mark.parametrize("cmdline", ["root=LABEL=root rd.retry=7", "resume=/dev/disk/by-pci-path/02.0-00.0 rw"])
def test_generator_has_nothing_to_do(generate, stock, cmdline, name):
    made = generate(cmdline, name)
    assert made == stock(cmdline, name) and made[:2] == (0, "")


def test_generator_has_dracuts_loop_run(generate):
    status, _, files = generate("root=LABEL=root rd.pcipath.wait=02.0")
    ours = {name: text for name, text in files.items() if name.startswith("dracut-")}
    assert status == 0 and set(ours) == {"dracut-cmdline.service.d/pcipath-Service.conf",
                                         *(f"dracut-{name}.service.d/pcipath-Unit.conf" for name in ("cmdline", "initqueue"))}
    assert all("ConditionPathExists=|/" in text for name, text in ours.items() if "Unit" in name)


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


def test_generator_resumes(generate):
    """From the one device, and for no longer than the user says."""
    status, _, files = generate("root=LABEL=root resume=pcipath:02/01,part=3 resume_offset=7 rd.timeout=5", RESUME)
    unit = r"dev-disk-by\x2dpci\x2dpath-02.0\x2d01.0\x2dpart3"
    assert status == 0 and [name for name in files if name.startswith("sysinit.target.wants/")] == [
        f"sysinit.target.wants/systemd-hibernate-resume@{unit}.service"]
    assert "JobRunningTimeoutSec=5" in files[f"{unit}.device.d/50-device-timeout.conf"].splitlines()
    # What later releases' service reads.
    assert ('Environment="SYSTEMD_PROC_CMDLINE= resume=/dev/disk/by-pci-path/02.0-01.0-part3 resume_offset=7"'
            in files["systemd-hibernate-resume.service.d/pcipath-Service.conf"].splitlines())


@pytest.mark.parametrize("word", ["root", "mount.usr", "resume"])
def test_generator_writes_nothing_of_what_cannot_be_read(generate, word):
    status, complaint, files = generate(f"{word}=pcipath:02.9")
    # But dracut's service, whose hook says so and ends the boot.
    assert (status, set(files)) == (1, {f"dracut-cmdline.service.d/pcipath-{kind}.conf" for kind in ("Unit", "Service")})
    assert "'02.9' is no path, at byte 3" in complaint
