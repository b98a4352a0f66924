# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rules and the helper under test are installed ones: PCIPATH_DESTDIR's, or else a fresh install of the build."""

import os

import pytest
from rules import udev


@pytest.fixture(scope="session", autouse=True)
def installed(tmp_path_factory):
    if "PCIPATH_DESTDIR" not in os.environ:
        os.environ["PCIPATH_DESTDIR"] = str(tmp_path_factory.mktemp("install"))
        udev.install(os.environ["PCIPATH_DESTDIR"])
    os.environ["PCIPATH_UDEV"] = udev.find_udev_directory(os.environ["PCIPATH_DESTDIR"])
