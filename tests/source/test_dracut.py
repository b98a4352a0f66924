# SPDX-License-Identifier: LGPL-2.1-or-later
"""The dracut module's answers to dracut, and its generator's to systemd: the installed files, run as dracut and systemd run
them. Images are built and booted in tests/vm."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from driver_table import ALWAYS, rows
from programs import BUILD
from trees import sandbox

GENERATORS = Path("/usr/lib/systemd/system-generators")
OURS, FSTAB = "pcipath-generator", "systemd-fstab-generator"
SERVICE = "normal/initrd.target.wants/pcipath-initrd.service"
CMDLINE_SERVICE = "normal/initrd.target.wants/pcipath-cmdline.service"


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


def test_depends(root):
    assert ask(root, "depends") == (0, ["udev-rules"])


# dracut's own: which modules the image has, and what becomes of the drivers. instmods without operands reads its standard input.
INSTALLKERNEL = """
dracut_module_included() { [[ " $included " == *" $1 "* ]]; }
instmods() { (($#)) && [[ ! $hostonly ]] && echo "$@"; }
installkernel"""


@pytest.mark.parametrize("included,kinds", [
    ("", ALWAYS), ("network", ALWAYS), ("network kernel-network-modules", (*ALWAYS, "netboot")), ("virtiofs", (*ALWAYS, "virtiofs")),
    ("virtfs", (*ALWAYS, "9p"))])
@pytest.mark.parametrize("hostonly", ["", "1"])
def test_installkernel(root, included, kinds, hostonly):
    """The network cards of all hypervisors only where the image has networking, and file systems whose dracut module the image has."""
    modules = [row.module for row in rows() if row.kind in kinds and row.is_for("x86_64")]
    assert ask(root, INSTALLKERNEL, included=included, hostonly=hostonly, DRACUT_ARCH="x86_64") == (0, modules)


@pytest.mark.parametrize("config,modules", [
    ("DRIVERS=nvme", ["sd_mod", "sr_mod", "nvme"]), ("DRIVERS=none", [])])
def test_installkernel_configured(root, config, modules):
    (root / "etc/pcipath").mkdir(parents=True)
    (root / "etc/pcipath/initramfs.conf").write_text(config)
    assert ask(root, INSTALLKERNEL, included="") == (0, modules)
    shutil.rmtree(root / "etc/pcipath")


def _generate(directory, module, generator, cmdline):
    """What a generator writes, by name; sysfs is not asked."""
    (directory / "cmdline").write_bytes(cmdline.encode() + b"\n")
    sandbox.bind(str(directory / "cmdline"), "/proc/cmdline")
    # The image: our files beside systemd's.
    sandbox.mount("tmpfs", str(directory / "image"), "tmpfs")
    for name in ("upper", "work"):
        (directory / "image" / name).mkdir()
    sandbox.mount("overlay", "/usr/lib", "overlay",
                  options=f"lowerdir=/usr/lib,upperdir={directory}/image/upper,workdir={directory}/image/work")
    shutil.copy(module / "pcipath-lib.sh", "/usr/lib/pcipath-lib.sh")
    shutil.copy(module / "pcipath-generator.sh", GENERATORS / OURS)

    sandbox.mount("tmpfs", str(directory / "units"), "tmpfs")
    places = [directory / "units" / name for name in ("normal", "early", "late")]
    for place in places:
        place.mkdir()
    environment = os.environ | {"SYSTEMD_IN_INITRD": "1", "PATH": f"{BUILD / 'helper'}:/usr/sbin:/usr/bin:/sbin:/bin"}
    if generator != OURS:  # in a container systemd does not read the file
        environment["SYSTEMD_PROC_CMDLINE"] = cmdline
    done = subprocess.run([GENERATORS / generator, *places], env=environment, capture_output=True, text=True, check=False)
    files = {str(path.relative_to(directory / "units")): path.read_text() if path.exists() else ""
             for path in (directory / "units").rglob("*") if not path.is_dir()}
    return done.returncode, done.stderr, files


@pytest.fixture
def generate(root, tmp_path):
    """Run our generator, or another, as systemd does in an initramfs."""
    [module] = root.rglob("55pcipath")
    for name in ("units", "image"):
        (tmp_path / name).mkdir()
    return lambda cmdline, generator=OURS: sandbox.run(_generate, tmp_path, module, generator, cmdline)


@pytest.mark.parametrize("cmdline", [
    "", "root=LABEL=root rd.retry=7 pcipath", "resume=/dev/disk/by-pci-path/02.0-00.0 rw", "resume=pcipath:zz noresume",
    # Only the last value counts.
    "root=pcipath:zz root=/dev/vda", "mount.usr=pcipath:zz mount.usr=/dev/vda",
    # Within another parameter.
    'foo="a root=pcipath:02.0 b"', "xroot=pcipath:02.0", "foo='root=pcipath:02.0'root=pcipath:02.0"])
def test_generator_has_nothing_to_do(generate, cmdline):
    assert generate(cmdline) == (0, "", {})


def rename(files, before, after):
    return {name.replace(before, after, 1): text for name, text in files.items()}


@pytest.mark.parametrize("word", [
    "root=pcipath:02.0/00.0", 'root="pcipath:02.0/00.0"', "'root=pcipath:02/00'", 'root=pcipath:"02.0-00.0"',
    'root=/dev/vda root=pcipath:02.0/00.0', "root=pcipath:zz root=pcipath:02.0/00.0"])
@pytest.mark.parametrize("other", [
    "", "ro", r"rootflags=a\x20b", 'rootflags="subvol=with blank,b"', "rootflags='a\"b'", "rootflags=50%%,%i", r"rootflags=a\"b\'",
    'foo="open', "foo='open \"too", "rootflags=a=b,$(id),`id`;x", "mount.usr=/dev/vdb mount.usrflags='é'", "\t tabs\tand  blanks  "])
def test_generator_does_as_systemd_with_the_symlink(generate, word, other):
    """systemd's own generator writes the same for the same line with the symlink in it, whatever else the line has."""
    timeout = "rootflags=x-systemd.device-timeout=180"
    closed = other + {'foo="open': '"', "foo='open \"too": "'", r"rootflags=a\"b\'": '"'}.get(other, "")
    expected = generate(f"{timeout} {closed} root=/dev/disk/by-pci-path/02.0-00.0", FSTAB)
    made = generate(f"{word} {other}")
    assert made == (expected[0], expected[1], rename(expected[2], "normal/", "early/") | {CMDLINE_SERVICE: ""})
    assert made[2]["early/sysroot.mount"].splitlines().count("What=/dev/disk/by-pci-path/02.0-00.0") == 1


def test_generator_overrides_systemds(generate):
    """systemd's own makes units of the same names, so that none with a bad device is left; but for a disk it knows more."""
    cmdline = "root=pcipath:02.0 mount.usr=pcipath:02.1"
    ours = {name.partition("/")[2] for name in generate(cmdline)[2]}
    theirs = {name.partition("/")[2] for name in generate(cmdline, FSTAB)[2]}
    assert "sysroot.mount" in theirs and theirs <= ours


def test_generator(generate):
    device = r"dev-disk-by\x2dpci\x2dpath-02.0\x2d00.0\x2dpart2.device"
    status, _, files = generate("quiet root=pcipath:02/00,part=2 rootfstype=ext4 rootflags=noatime ro rd.retry=9")
    assert status == 0
    lines = files["early/sysroot.mount"].splitlines()
    assert {"What=/dev/disk/by-pci-path/02.0-00.0-part2", "Type=ext4", "Options=noatime,ro",
            "Requires=systemd-fsck-root.service"} <= set(lines)
    assert "early/initrd-root-fs.target.requires/sysroot.mount" in files
    assert f"Requires={device}" in files["early/initrd-root-device.target.d/50-root-device.conf"]
    assert "JobRunningTimeoutSec=9" in files[f"early/{device}.d/50-device-timeout.conf"].splitlines()
    assert not any(name.endswith("usr.mount") for name in files)


@pytest.mark.parametrize("words,seconds", [("", "180"), ("rd.retry=9 rd.timeout=5", "5"),
                                           ("rd.retry=9,x rd.timeout=", "180"),
                                           ("rd.timeout=5 rootflags=x-systemd.device-timeout=7", "7")])
def test_generator_timeout(generate, words, seconds):
    _, _, files = generate(f"root=pcipath:02.0 {words}")
    [timeout] = [text for name, text in files.items() if name.endswith("device-timeout.conf")]
    assert f"JobRunningTimeoutSec={seconds}" in timeout.splitlines()


def test_generator_mounts_usr(generate):
    status, _, files = generate("root=LABEL=root mount.usr=pcipath:02.1-00.0 mount.usrfstype=erofs")
    assert status == 0
    assert {"What=/dev/disk/by-pci-path/02.1-00.0", "Type=erofs"} <= set(files["early/sysusr-usr.mount"].splitlines())
    assert "What=/dev/disk/by-label/root" in files["early/sysroot.mount"].splitlines()


@pytest.mark.parametrize("cmdline", ["root=LABEL=root rd.pcipath.wait=02.0", "resume=pcipath:02.0", 'rd.pcipath.wait="a b"',
                                     "root=LABEL=root rd.pcipath.debug"])
def test_generator_starts_the_service(generate, cmdline):
    """It is for what units cannot say, and changes no other unit."""
    status, complaint, files = generate(cmdline)
    assert (status, complaint, set(files)) == (0, "", {SERVICE})


@pytest.mark.parametrize("value", ["02.9", "-", "--help", "-h", "", "02.0,type=net", "$(id)", "/pci@i0cf8/scsi@3/disk@0';id;'"])
@pytest.mark.parametrize("word", ["root", "mount.usr"])
def test_generator_of_a_value_that_cannot_be_read(generate, word, value):
    """The service says so and ends the boot."""
    status, complaint, files = generate(f"{word}=pcipath:{value}")
    assert (status, set(files)) == (0, {SERVICE, CMDLINE_SERVICE} if word == "root" else {SERVICE})
    assert f"pcipath-generator: {word}=pcipath:" in complaint


@pytest.mark.parametrize("name", ["pcipath-initrd.service", "pcipath-cmdline.service"])
def test_service(root, tmp_path, name):
    """Neither systemd nor its units find a fault with it."""
    [service] = root.rglob(f"55pcipath/{name}")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", service], capture_output=True, text=True, check=False)
    assert "pcipath" not in done.stderr
