//! Archives: what is in them, packing, unpacking.

use super::intent::{Intent, Run};

pub(super) const INTENTS: &[Intent] = &[
    Intent {
        say: "\
            content {tar}; file {tar}; what in {tar}; show {tar}; list content {tar}; what file {tar} contain; \
            what does {tar} contain",
        also: "archive tarball inside",
        intro: "What is in {tar}:",
        ..Intent::reads("list-tar", "what is in backup.tar.gz?", Run::Both("tar -tvf {tar} | head -n 200"))
    },
    Intent {
        say: "\
            content {zip}; file {zip}; what in {zip}; show {zip}; list content {zip}; what file {zip} contain; \
            what does {zip} contain",
        also: "archive inside",
        intro: "What is in {zip}:",
        ..Intent::reads("list-zip", "list the contents of photos.zip", Run::Both("unzip -l {zip} | head -n 200"))
    },
    Intent {
        say: "extract {tar}; extract archive|tarball {tar}; extract content of {tar}",
        also: "here",
        intro: "Unpack {tar} into the current directory:",
        ..Intent::changes("extract-tar", "extract backup.tar.gz", Run::Both("tar -xvf {tar}"))
    },
    Intent {
        say: "extract archive|tarball? {tar} to|into|in {anypath}",
        intro: "Unpack {tar} into {anypath}, which must exist:",
        ..Intent::changes(
            "extract-tar-to",
            "extract backup.tar.gz into /tmp/restore",
            Run::Both("tar -xvf {tar} -C {anypath}"),
        )
    },
    Intent {
        say: "extract {zip}; extract archive {zip}; extract content of {zip}",
        also: "here",
        intro: "Unpack {zip} into the current directory, without overwriting anything:",
        ..Intent::changes("extract-zip", "unzip photos.zip", Run::Both("unzip -n {zip}"))
    },
    Intent {
        say: "extract archive? {zip} to|into|in {anypath}",
        intro: "Unpack {zip} into {anypath}, without overwriting anything:",
        ..Intent::changes("extract-zip-to", "unzip photos.zip into pictures", Run::Both("unzip -n {zip} -d {anypath}"))
    },
    Intent {
        say: "\
            create tar|archive|tarball of|from {anypath:old}; create tar archive|file of|from {anypath:old}; compress {path:old}; tar {path:old}; \
            archive {path:old}; pack {path:old}; create tar|archive|tarball {tar:new} of|from {anypath:old}; \
            compress|pack|archive|tar {path:old} into|to|as {tar:new}; \
            create compressed archive|tarball of|from {anypath:old}",
        also: "directory folder up",
        intro: "Pack {old}:",
        ..Intent::changes("create-tar", "compress the folder photos into photos.tar.gz", Run::Both("{pack}"))
    },
    Intent {
        say: "\
            zip {path:old}; zip up? directory|file? {anypath:old}; create zip archive|file? of|from {anypath:old}; \
            zip|compress|pack {path:old} into|to|as {zip:new}; \
            create zip archive|file? {zip:new} of|from {anypath:old}",
        also: "up",
        intro: "Pack {old} into a ZIP archive:",
        ..Intent::changes("create-zip", "zip the folder photos", Run::Both("{zip_up}"))
    },
];
