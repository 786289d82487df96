//! Disks: space, file systems, devices.

use super::intent::{Intent, Run};
use super::slot::Slot;

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            free space; disk space; free disk space; disk free space?; disk space free; much space free; \
            much disk space? free|use; much free? space; much space have; disk full; how full disk; disk almost|nearly full; df; space free; \
            disk use; space use disk; much space free disk; filesystem use|full|free|space",
        also: "disk still is running much all filesystem space free hard partition",
        intro: "Free space on the file systems:",
        ..Intent::reads(
            "free-space",
            "how much disk space is left?",
            Run::Each { linux: "df -h -x tmpfs -x devtmpfs", macos: "df -h" },
        )
    },
    Intent {
        say: "\
            free|disk space {path}; much free? disk? space free? {path}; space free {path}; \
            disk contain|for {path}; filesystem {path}; which disk {path}; free disk space {path}",
        also: "still disk file is",
        intro: "Free space where {path} is:",
        ..Intent::reads("free-space-at", "how much space is left on /home?", Run::Both("df -h {path}"))
    },
    Intent {
        say: "\
            size {path}; how big {path}; much space {path} use; much disk? space does? {path} use; \
            disk? use {path}; {path} size; du {path}; space use {path}; how big is {path}; \
            much disk? space use by? {path}; total size {path}",
        also: "total file directory up the",
        intro: "The space that {path} takes:",
        ..Intent::reads("size-of", "how big is ~/Downloads?", Run::Both("du -sh {path}"))
    },
    Intent {
        say: "\
            biggest directory; directory by size; directory use most space|disk space?; \
            directory sort|sorted by? size; what use disk? space; what use most|all|up disk? space; \
            disk use by directory; disk use|breakdown per directory; size directory; directory biggest; \
            where disk? space go|gone|went; what filling|filled up? disk; big directory; what use disk space",
        with: &[Slot::Count, Slot::Place],
        also: "the all up much my most",
        count: 10,
        intro: "The largest directories in {place}:",
        ..Intent::reads(
            "biggest-directories",
            "what are the biggest directories in /var?",
            Run::Both("du -xh -d 1 {place} 2>/dev/null | sort -rh | head -n {count}"),
        )
    },
    Intent {
        say: "inode; free inode; inode use; inode free; much|count inode free|use?; running out of? inode",
        also: "much count free use disk",
        intro: "Inodes of the file systems:",
        ..Intent::reads("inodes", "how many inodes are free?", Run::Both("df -i"))
    },
    Intent {
        say: "\
            mount; mount filesystem|disk|point|points|device|volume?; filesystem; what mount; filesystem mount; \
            filesystem|disk|volume mount",
        also: "where all",
        intro: "Mounted file systems:",
        ..Intent::reads(
            "mounts",
            "which file systems are mounted?",
            Run::Each {
                linux: "if command -v findmnt >/dev/null; then findmnt --real -o TARGET,SOURCE,FSTYPE,SIZE,USE%; else mount; fi",
                macos: "mount",
            },
        )
    },
    Intent {
        say: "\
            blockdevice; disk; partition; disk partition; disk device; lsblk; partition disk; count disk; \
            attached|physical|connection disk; disk attached|connection; disk partition table",
        also: "all and attached table",
        intro: "Disks and partitions:",
        ..Intent::reads(
            "block-devices",
            "list my disks and partitions",
            Run::Each { linux: "lsblk -o NAME,SIZE,TYPE,FSTYPE,MOUNTPOINT", macos: "diskutil list" },
        )
    },
    Intent {
        say: "\
            swap; swap space|file|use|partition|memory; much swap; swap space use|free; use swap; \
            much swap use|free|space",
        also: "much free use space",
        intro: "Swap space:",
        empty: "There is no swap space.",
        ..Intent::reads(
            "swap",
            "how much swap is used?",
            Run::Each { linux: "cat /proc/swaps", macos: "sysctl vm.swapusage" },
        )
    },
];
