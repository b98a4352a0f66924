/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The identity of a SCSI disk, as udev's scsi_id chooses it among those that the disk has. */

#define SCSI_ID_MAX 600

int scsi_id_read(const char *syspath, char ret_id[static SCSI_ID_MAX], char ret_wwn[static SCSI_ID_MAX]);
